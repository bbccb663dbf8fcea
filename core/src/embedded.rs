//! The tables that are embedded in osee, so that it can be tried without other files.
//! `core/benchmarks` says where they come from.

use std::path::Path;

/// Prefix of an embedded table's name where a path is expected.
pub const PREFIX: &str = "embedded:";

/// A table that is part of the program.
#[derive(Debug)]
pub struct Embedded {
    name: &'static str,
    /// The table as gzipped CSV.
    bytes: &'static [u8],
    /// Names of the columns with the architecture and with the accuracy.
    pub columns: [&'static str; 2],
    /// What the accuracy is, for headings.
    pub truth: &'static str,
}

static TABLES: [Embedded; 1] = [Embedded {
    name: "nb201-digits",
    bytes: include_bytes!("../benchmarks/nb201-digits/table.csv.gz"),
    columns: ["arch", "test_accuracy"],
    truth: "test accuracy on 8 x 8 handwritten digits, 6 epochs, osee's own, mean of three trainings",
}];

/// The name in a path `embedded:NAME`; `None` for the path of a file.
pub fn table_name(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(PREFIX)
}

/// The embedded table with this name, as gzipped CSV.
///
/// # Errors
/// If there is no such table; the text lists the tables that there are.
pub fn table(name: &str) -> Result<&'static [u8], String> {
    find(name).map(|table| table.bytes).ok_or_else(|| {
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        format!("there is no embedded table `{name}`; there is {}", names.join(", "))
    })
}

/// The embedded table at `path`; `None` for a file, or if there is no such table.
pub fn described(path: &Path) -> Option<&'static Embedded> {
    find(table_name(path)?)
}

fn find(name: &str) -> Option<&'static Embedded> {
    TABLES.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::noise_ceiling,
        truth::{Averaged, Duplicates, Seeds, Sheet, Table, averaged},
    };

    #[test]
    fn the_benchmark_is_whole_and_tells_architectures_apart() {
        let path = Path::new("embedded:nb201-digits");
        let columns = ["params", "test_accuracy", "test_accuracy_s0"].map(str::to_owned);
        let table = Table::read(path, "arch", Some(&columns), Duplicates::Error).unwrap();
        assert_eq!(table.keys.len(), 6466);
        assert!(table.columns.iter().flatten().all(|value| value.is_finite()));
        assert_eq!(described(path).unwrap().columns, ["arch", "test_accuracy"]);
        let same = |key: &str| Some(key.to_owned());
        let sheet = Sheet::read(path).unwrap();
        let key = sheet.key("arch").unwrap();
        let seeds = Seeds::find(&sheet, &key, "test_accuracy", &[], Duplicates::Error, same);
        let seeds = seeds.unwrap().unwrap();
        let runs: Vec<Vec<f64>> = table.keys.iter().map(|key| seeds.of(key).to_vec()).collect();
        assert!(runs.iter().all(|run| run.len() == 3));
        let noise = noise_ceiling(&runs).unwrap();
        assert!(noise.seed_kd.unwrap() >= 0.6, "{:?}", noise.seed_kd);
        // The noise ceiling is for the column that judges.
        assert_eq!(averaged(&table.columns[1], &runs), Some(Averaged::Of(3)));
        assert_eq!(averaged(&table.columns[2], &runs), Some(Averaged::Of(1)));
        let params = averaged(&table.columns[0], &runs);
        assert_eq!(params, Some(Averaged::Other { known: 6466, equal: 0 }));
    }

    #[test]
    fn another_table_is_not_there() {
        let path = Path::new("embedded:nb102");
        let error = Table::read(path, "arch", None, Duplicates::Error).unwrap_err().to_string();
        assert!(error.contains("`nb102`; there is nb201-digits"), "{error}");
        assert_eq!(table_name(Path::new("runs/embedded:x")), None);
        assert!(described(path).is_none() && described(Path::new("t.csv")).is_none());
    }
}
