//! Converts NDS as the paper stored it: a pickle of four lists, namely configurations
//! (a Python ordered dict as text), parameters, FLOPs and accuracies.

use super::{
    pickle::{Pickle, Value},
    table::{Out, wrong},
};
use crate::catalog::error::Fault;
use osee_files::csv_text::Field;
use std::{fs, path::Path};

/// Reads the pickle and writes the table.
pub fn convert(path: &Path, out: &Out<'_>) -> Result<(), Fault> {
    let bytes = fs::read(path).map_err(Fault::io("read", path))?;
    let pickle = Pickle::read(&bytes, &[]).map_err(|what| wrong(path, what))?;
    let (names, rows) = table(&pickle).ok_or_else(|| {
        wrong(path, "is not four lists of configurations, parameters, FLOPs and accuracies")
    })?;
    out.write(names, rows)
}

type Rows = Vec<Vec<Field<'static>>>;

fn table(pickle: &Pickle) -> Option<(Vec<String>, Rows)> {
    let [configurations, params, flops, accuracies] = pickle.list(pickle.root()?)? else {
        return None;
    };
    let [configurations, params, flops, accuracies] =
        [configurations, params, flops, accuracies].map(|it| pickle.list(it));
    let (configurations, params) = (configurations?, params?);
    let (flops, accuracies) = (flops?, accuracies?);
    if [params, flops, accuracies].iter().any(|it| it.len() != configurations.len()) {
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::with_capacity(configurations.len());
    for (at, configuration) in configurations.iter().enumerate() {
        let Value::Text(text) = configuration else { return None };
        let (own, values): (Vec<String>, Vec<String>) = settings(text)?.into_iter().unzip();
        if at == 0 {
            names = own;
        } else if names != own {
            return None;
        }
        let mut row: Vec<Field<'static>> = values.into_iter().map(Field::from).collect();
        for count in [&params[at], &flops[at]] {
            let Value::Int(count) = count else { return None };
            row.push(u64::try_from(*count).ok()?.into());
        }
        row.push(accuracies[at].number()?.into());
        rows.push(row);
    }
    names.extend(["params", "flops", "test_acc"].map(str::to_owned));
    Some((names, rows))
}

/// Reads `OrderedDict([('depths.0', 12), ...])`; in names `_` replaces `.`.
fn settings(text: &str) -> Option<Vec<(String, String)>> {
    let inner = text.strip_prefix("OrderedDict([(")?.strip_suffix(")])")?;
    let setting = |pair: &str| {
        let (name, value) = pair.split_once(", ")?;
        let name = name.strip_prefix('\'')?.strip_suffix('\'')?;
        value.parse::<f64>().ok()?;
        Some((name.replace('.', "_"), value.to_owned()))
    };
    inner.split("), (").map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_whole_or_not_at_all() {
        let text = "OrderedDict([('depths.0', 16), ('bot_muls.1', 0.25)])";
        let expected = [("depths_0", "16"), ("bot_muls_1", "0.25")];
        let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(settings(text).unwrap(), expected);
        for wrong in ["", "OrderedDict([])", "OrderedDict([('a', x)])", "[('a', 1)]"] {
            assert_eq!(settings(wrong), None, "{wrong}");
        }
    }
}
