//! Compares search spaces with the benchmarks' own tables.

use crate::support;
use osee_core::{
    criteria::{kendall_tau_b, spearman},
    truth::{Duplicates, Table},
};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

#[test]
fn all_of_nb201_agrees_in_parameters_flops_and_isomorphism() {
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
    // The truths of each group, and the parameters of the paper's representative.
    let (mut truths, mut params_of): (HashMap<_, Vec<f64>>, HashMap<_, f64>) = Default::default();
    let mut rows = 0;
    for row in theirs.deserialize() {
        let row: HashMap<String, String> = row.unwrap();
        let (params, flops, canonical) = &ours[&row["arch_str"]];
        assert_eq!((params, flops), (&row["params_c10"], &row["flops_c10"]));
        let rep = row["isomorph_rep_index"].clone();
        assert_eq!(groups.entry(canonical.clone()).or_insert(rep.clone()), &rep);
        assert_eq!(reps.entry(rep).or_insert(canonical.clone()), canonical);
        truths.entry(canonical).or_default().push(row["c10_test_hp200_v10"].parse().unwrap());
        if row["in_paper_nonisom"] == "1" {
            params_of.insert(canonical, params.parse().unwrap());
        }
        rows += 1;
    }
    assert_eq!((rows, ours.len(), groups.len()), (15_625, 15_625, 6466));
    // Parameters against the mean accuracy of a group: tau-b 0.6047.
    let mean = |truths: &[f64]| truths.iter().sum::<f64>() / truths.len() as f64;
    let (scores, means): (Vec<f64>, Vec<f64>) =
        truths.iter().map(|(group, truths)| (params_of[*group], mean(truths))).unzip();
    assert_eq!(digits(kendall_tau_b(&scores, &means).unwrap(), 4), "0.6047");
    assert_eq!(digits(spearman(&scores, &means).unwrap(), 3), "0.783");
}

/// The output of `space check`, whose lines are found by their first word.
struct Check(String);

impl Check {
    fn of(space: &str, file: &Path, more: &[&str]) -> Self {
        let file = file.to_str().unwrap();
        let mut args = vec!["space", "check", space, "--truth", file];
        args.extend(more);
        Self(support::run(&args))
    }

    fn line(&self, start: &str) -> &str {
        self.0.lines().find(|line| line.starts_with(start)).unwrap()
    }

    /// Compares KD, Spearman, LC, P@top5% and P@bottom5% of a score with published values, to
    /// as many digits. The last two may take any value that some order of ties gives: their
    /// range stands in parentheses after the mean.
    fn assert_criteria(&self, score: &str, published: [&str; 5]) {
        let line = self.line(score).strip_prefix(score).unwrap();
        let joined = line.replace(" (", "(").replace(" .. ", "..");
        for (ours, published) in joined.split_whitespace().zip(published) {
            let Some(places) = published.len().checked_sub(2) else { continue };
            let range = ours.split_once('(').map_or(ours, |(_, range)| range.trim_end_matches(')'));
            let bounds = range.split_once("..").unwrap_or((ours, ours));
            let [least, most] = [bounds.0, bounds.1].map(|it| digits(it.parse().unwrap(), places));
            assert!((least.as_str()..=most.as_str()).contains(&published), "{score} in {}", self.0);
        }
    }
}

fn digits(value: f64, places: usize) -> String {
    format!("{value:.places$}")
}

const PARAMS: &str = "params, benchmark's";
const FLOPS: &str = "flops, benchmark's";

#[test]
fn nds_agrees_in_every_row() {
    let Some(data) = support::data() else { return };
    let check = Check::of("nds-resnet", &data.join("nds/resnet_5k_3seed.csv.gz"), &[]);
    assert_eq!(check.line("params    "), "params    5000 of 5000 are the table's `params`");
    assert_eq!(check.line("flops    "), "flops     5000 of 5000 are the table's `flops`");
    check.assert_criteria(PARAMS, ["0.600", "0.7815", "0.2975", "0.220", "0.680"]);
    check.assert_criteria(FLOPS, ["0.3340", "0.4717", "0.2767", "0.032", "0.424"]);
    let check = Check::of("nds-resnext-a", &data.join("nds/resnexta_5k.csv.gz"), &[]);
    assert_eq!(check.line("params    "), "params    5000 of 5000 are the table's `params`");
    assert_eq!(check.line("flops    "), "flops     5000 of 5000 are the table's `flops`");
    check.assert_criteria(PARAMS, ["0.6683", "0.8481", "0.5207", "0.184", "0.744"]);
    check.assert_criteria(FLOPS, ["0.4792", "0.6632", "0.3552", "0.080", "0.568"]);
}

#[test]
fn nb301_agrees_in_every_row() {
    let Some(data) = support::data() else { return };
    let file = data.join("nb301/paper_anchor_5896.csv.gz");
    let check = Check::of("nb301", &file, &[]);
    assert!(check.line("rows").contains("5896: 5468 architectures in 5468 isomorphism groups"));
    assert_eq!(check.line("params    "), "params    5896 of 5896 are the table's `params`");
    assert_eq!(check.line("flops    "), "flops     5896 of 5896 are the table's `flops`");
    check.assert_criteria(PARAMS, ["0.5153", "0.709", "", "0.286", ""]);
    check.assert_criteria(FLOPS, ["0.4873", "0.678", "", "", ""]);
    let check = Check::of("nb301", &file, &["--unique"]);
    check.assert_criteria(PARAMS, ["0.5080", "0.7011", "0.6603", "0.289", "0.326"]);
    check.assert_criteria(FLOPS, ["0.4799", "0.6697", "0.6303", "0.282", "0.330"]);
}

#[test]
fn nb101_agrees_where_the_cell_is_the_benchmarks_own() {
    let Some(data) = support::data() else { return };
    let study = data.join("nb101/paper_1shot1_sub3_5k.csv.gz");
    let check = Check::of("nb101-1shot1", &study, &[]);
    assert!(check.line("rows").contains("5000: 4214 architectures in 4214 isomorphism groups"));
    let params = "params    5000 of 5000 are the table's `nb101_trainable_parameters`";
    assert_eq!(check.line("params    "), params);
    check.assert_criteria(PARAMS, ["0.5209", "0.698", "0.208", "0.472", "0.368"]);
    // The paper's own FLOPs, which are those of its supernet.
    let columns = ["supernet_flops", "val_acc"].map(str::to_owned);
    let table =
        Table::read(&study, "{adjacency_rows};{ops}", Some(&columns), Duplicates::Keep).unwrap();
    let kd = kendall_tau_b(&table.columns[0], &table.columns[1]).unwrap();
    assert_eq!((table.keys.len(), digits(kd, 4)), (5000, "0.2755".to_owned()));
    let check = Check::of("nb101", &data.join("nb101/nb101_first20001.csv.gz"), &[]);
    assert!(check.line("params    ").starts_with("params    19638 of 20001"), "{}", check.0);
    // The published hash is the space's own canonical form.
    let file = std::fs::File::open(data.join("nb101/nb101_first20001.csv.gz")).unwrap();
    let mut rows = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let mut hashes = HashSet::new();
    for row in rows.deserialize().take(40) {
        let row: HashMap<String, String> = row.unwrap();
        let arch = format!("{};{}", row["adjacency_rows"], row["interior_ops"]);
        let shown = support::run(&["space", "show", "nb101", &arch]);
        assert!(shown.contains(&format!("canonical  {}\n", row["hash"])), "{shown}");
        hashes.insert(row["hash"].clone());
    }
    assert_eq!(hashes.len(), 40);
}
