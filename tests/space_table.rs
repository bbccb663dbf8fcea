//! `osee-host space table` against the benchmark's own figures.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::HashMap;

#[test]
fn all_rows_agree_in_parameters_flops_and_isomorphism() {
    let Some(data) = support::data() else { return };
    let table = support::run(&["space", "table", "nb201", "--format", "csv"]);
    let mut ours: HashMap<String, (String, String, String)> = HashMap::new();
    for row in csv::Reader::from_reader(table.as_bytes()).deserialize() {
        let (_, arch, params, flops, canonical): (u64, String, String, String, String) =
            row.unwrap();
        ours.insert(arch, (params, flops, canonical));
    }
    let file = std::fs::File::open(data.join("nb201/nb201_gt.csv.gz")).unwrap();
    let mut theirs = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let (mut groups, mut reps) = (HashMap::new(), HashMap::new());
    let mut rows = 0;
    for row in theirs.deserialize() {
        let row: HashMap<String, String> = row.unwrap();
        let (params, flops, canonical) = &ours[&row["arch_str"]];
        assert_eq!((params, flops), (&row["params_c10"], &row["flops_c10"]));
        let rep = row["isomorph_rep_index"].clone();
        assert_eq!(groups.entry(canonical.clone()).or_insert(rep.clone()), &rep);
        assert_eq!(reps.entry(rep).or_insert(canonical.clone()), canonical);
        rows += 1;
    }
    assert_eq!((rows, ours.len(), groups.len()), (15_625, 15_625, 6466));
}
