//! The analyses, checked against the paper's own scores.
//!
//! Figures without another source were computed from the same scores by independent code (numpy and
//! scipy) and are checked to the digits given. Stability and complexity figures of NB301 are over
//! all 5,896 rows, as are the paper's analysis figures; its criteria are over the 5,468 distinct
//! genotypes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../tests/support/skipped.rs"]
mod skipped;

use osee_core::{
    analysis::{
        CHECKPOINT_RATIOS, Checkpoint, MutationPair, Stability, agreement, complexity_groups,
        equal_groups, mean_scores, noise_ceiling, op_bias, pairs_in_set, significance,
        stability_steps, trend, within_group,
    },
    criteria::Compat,
    truth::{Duplicates, Table},
};
use osee_model::space::Mutation;
use skipped::data;
use std::collections::HashMap;

const SEEDS: [u32; 3] = [20, 2020, 202_020];

/// A table with methods for its score columns.
struct Scores(Table);

impl Scores {
    fn read(file: &str, key: &str, duplicates: Duplicates) -> Option<Self> {
        Some(Self(Table::read(&data()?.join(file), key, None, duplicates).unwrap()))
    }

    fn nb301(duplicates: Duplicates) -> Option<Self> {
        Self::read("nb301/paper_anchor_5896.csv.gz", "genotype", duplicates)
    }

    fn nb101() -> Option<Self> {
        let key = "{adjacency_rows};{ops}";
        Self::read("nb101/paper_1shot1_sub3_5k.csv.gz", key, Duplicates::Keep)
    }

    fn column(&self, name: &str) -> &[f64] {
        let at = self.0.names.iter().position(|it| it == name);
        &self.0.columns[at.unwrap_or_else(|| panic!("no column {name}"))]
    }

    /// Accuracy, or negated loss.
    fn one_shot(&self, kind: &str, seed: u32, epoch: u64) -> Vec<f64> {
        let sign = if kind == "loss" { -1.0 } else { 1.0 };
        self.column(&format!("os_{kind}_s{seed}_e{epoch}")).iter().map(|s| sign * s).collect()
    }

    /// One column per seed, or with `averaged` the mean score of all.
    fn supernets(&self, kind: &str, epoch: u64, averaged: bool) -> Vec<Vec<f64>> {
        let all: Vec<_> = SEEDS.iter().map(|seed| self.one_shot(kind, *seed, epoch)).collect();
        if averaged { vec![mean_scores(&all).unwrap()] } else { all }
    }

    fn stability(
        &self,
        kind: &str,
        epochs: [u64; 2],
        averaged: bool,
        ties: bool,
    ) -> Vec<Stability> {
        let [mut from, mut to] = epochs.map(|epoch| self.supernets(kind, epoch, averaged));
        if ties {
            // Scores of the table have 6 digits, so means that should be equal differ beyond them.
            let columns = from.iter_mut().chain(&mut to);
            columns.flatten().for_each(|score| *score = (*score * 1e5).round());
        }
        let step = |(from, to): (&Vec<f64>, &Vec<f64>)| {
            let at = |epoch, scores| Checkpoint { epoch, scores };
            let steps = [at(epochs[0], from.as_slice()), at(epochs[1], to)];
            stability_steps(&steps, &CHECKPOINT_RATIOS).unwrap().remove(0).stability
        };
        from.iter().zip(&to).map(step).collect()
    }
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Compares to three digits.
fn same(what: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 5.01e-4, "{what}: {ours:.5}, not {theirs}");
}

/// A row of a stability table; `None` for values that the table does not have.
struct Row {
    kind: &'static str,
    epochs: [u64; 2],
    averaged: bool,
    kd: f64,
    top: [f64; 2],
    bottom: [Option<f64>; 2],
}

impl Row {
    /// The tables break ties as numpy's reversed, unstable sort happens to, so a figure need only
    /// lie in the range over all tie-breakings. Without ties the range is a point.
    fn check(&self, scores: &Scores) {
        let Self { kind, epochs, averaged, .. } = self;
        let found = scores.stability(kind, *epochs, *averaged, false);
        let what = format!("{kind} {epochs:?}, averaged {averaged}");
        same(&format!("{what} relKD"), mean(found.iter().map(|s| s.kd.unwrap())), self.kd);
        let found = scores.stability(kind, *epochs, *averaged, *averaged);
        for (at, ratio) in ["0.005", "0.05"].iter().enumerate() {
            let top: Vec<_> = found.iter().map(|s| s.p_top[*ratio]).collect();
            let bottom: Vec<_> = found.iter().map(|s| s.p_bottom[*ratio]).collect();
            let theirs = [(Some(self.top[at]), top, "top"), (self.bottom[at], bottom, "bottom")];
            for (theirs, ours, end) in theirs {
                let Some(theirs) = theirs else { continue };
                let [low, high] =
                    [mean(ours.iter().map(|p| p.min)), mean(ours.iter().map(|p| p.max))];
                let inside = low - 5.01e-4 <= theirs && theirs <= high + 5.01e-4;
                assert!(inside, "{what} relP@{end}{ratio}: {low} to {high}, not {theirs}");
                assert!(high - low < 0.13, "{what} {end}{ratio}: {low} to {high} says nothing");
            }
        }
    }
}

#[test]
fn stability_on_nb301_is_as_published() {
    let Some(scores) = Scores::nb301(Duplicates::Keep) else { return };
    assert_eq!(scores.0.keys.len(), 5896);
    let row = |kind, epochs, averaged, kd, top, bottom| Row {
        kind,
        epochs,
        averaged,
        kd,
        top,
        bottom: [None, Some(bottom)],
    };
    // The paper's text says that relP@top0.5% is about .46.
    row("acc", [900, 1000], false, 0.873, [0.448, 0.694], 0.933).check(&scores);
    row("acc", [900, 1000], true, 0.921, [0.655, 0.789], 0.963).check(&scores);
    row("loss", [900, 1000], false, 0.886, [0.494, 0.736], 0.930).check(&scores);
    row("acc", [100, 200], false, 0.410, [0.023, 0.185], 0.618).check(&scores);
}

#[test]
fn stability_on_nb101_is_as_published() {
    let Some(scores) = Scores::nb101() else { return };
    assert_eq!(scores.0.keys.len(), 5000);
    let row = |epochs, kd, top, bottom: [f64; 2]| Row {
        kind: "acc",
        epochs,
        averaged: false,
        kd,
        top,
        bottom: bottom.map(Some),
    };
    row([100, 200], 0.756, [0.307, 0.665], [0.04, 0.288]).check(&scores);
    row([500, 600], 0.953, [0.773, 0.843], [0.76, 0.884]).check(&scores);
    row([900, 1000], 0.997, [0.933, 0.972], [0.987, 0.995]).check(&scores);
}

/// KD and RD / M in five groups by FLOPs, averaged over the seeds.
fn by_flops(scores: &Scores, kind: &str, epoch: u64, columns: [&str; 2]) -> [Vec<f64>; 2] {
    let [truth, flops] = columns.map(|name| scores.column(name));
    let groups = equal_groups(flops, 5, Compat::Awnas).unwrap();
    let reports: Vec<_> = SEEDS
        .iter()
        .map(|seed| {
            complexity_groups(&scores.one_shot(kind, *seed, epoch), truth, &groups, &[]).unwrap()
        })
        .collect();
    let kd = |group: usize| mean(reports.iter().map(|r| r[group].kd.unwrap()));
    let rd = |group: usize| mean(reports.iter().map(|r| r[group].mean_rd.unwrap()));
    [(0..5).map(kd).collect(), (0..5).map(rd).collect()]
}

#[test]
fn small_architectures_are_overestimated_early_on_nb301() {
    let Some(scores) = Scores::nb301(Duplicates::Keep) else { return };
    let table = [
        (
            "acc",
            100,
            [0.040, -0.115, -0.113, -0.208, -0.215],
            [0.117, 0.121, 0.041, -0.065, -0.214],
        ),
        ("acc", 1000, [0.195, 0.073, 0.118, 0.000, 0.030], [-0.038, 0.019, 0.012, 0.001, 0.006]),
        ("loss", 1000, [0.302, 0.236, 0.311, 0.252, 0.316], [-0.040, 0.003, 0.008, 0.006, 0.024]),
    ];
    for (kind, epoch, kd, rd) in table {
        let [our_kd, our_rd] = by_flops(&scores, kind, epoch, ["surrogate_acc", "flops"]);
        for group in 0..5 {
            same(&format!("{kind} {epoch} KD of group {group}"), our_kd[group], kd[group]);
            same(&format!("{kind} {epoch} RD of group {group}"), our_rd[group], rd[group]);
        }
    }
}

#[test]
fn the_bias_of_complexity_stays_on_nb101() {
    let Some(scores) = Scores::nb101() else { return };
    let columns = ["val_acc", "supernet_flops"];
    let [_, early] = by_flops(&scores, "acc", 100, columns);
    let [kd, late] = by_flops(&scores, "acc", 1000, columns);
    for group in 0..5 {
        same("KD at 1000", kd[group], [0.371, 0.385, 0.337, 0.396, 0.395][group]);
        same("RD at 100", early[group], [0.151, 0.032, -0.034, -0.064, -0.085][group]);
        same("RD at 1000", late[group], [0.128, 0.039, -0.036, -0.059, -0.072][group]);
    }
}

#[test]
fn the_mean_of_three_supernets_ranks_as_published() {
    let Some(scores) = Scores::nb301(Duplicates::Last) else { return };
    assert_eq!(scores.0.keys.len(), 5468);
    let truth = scores.column("surrogate_acc");
    for (kind, kd, rho, p_top) in [("acc", 0.3716, 0.5377, 0.059), ("loss", 0.5090, 0.7002, 0.337)]
    {
        let mean = scores.supernets(kind, 1000, true).remove(0);
        let point = trend(&[Checkpoint { epoch: 1000, scores: &mean }], truth).unwrap().remove(0);
        assert!((point.kd.unwrap() - kd).abs() <= 5.01e-5, "{kind} {point:?}");
        assert!((point.spearman.unwrap() - rho).abs() <= 5.01e-5, "{kind} {point:?}");
        let p = point.p_top_5.unwrap();
        assert!(p.min - 5e-4 <= p_top && p_top <= p.max + 5e-4, "{kind} {p:?}");
    }
}

#[test]
fn complexity_alone_ranks_as_published_in_every_space() {
    let table = [
        ("nb301/paper_anchor_5896.csv.gz", "genotype", "surrogate_acc", "params", 5896, 0.5153),
        ("nb301/paper_anchor_5896.csv.gz", "genotype", "surrogate_acc", "flops", 5896, 0.4873),
        (
            "nb101/paper_1shot1_sub3_5k.csv.gz",
            "ops",
            "val_acc",
            "nb101_trainable_parameters",
            5000,
            0.5209,
        ),
        ("nb101/paper_1shot1_sub3_5k.csv.gz", "ops", "val_acc", "supernet_flops", 5000, 0.2755),
        ("nds/resnet_5k_3seed.csv.gz", "depths_0", "test_acc", "params", 5000, 0.5999),
        ("nds/resnet_5k_3seed.csv.gz", "depths_0", "test_acc", "flops", 5000, 0.3340),
        ("nds/resnexta_5k.csv.gz", "depths_0", "test_acc", "params", 5000, 0.6683),
        ("nds/resnexta_5k.csv.gz", "depths_0", "test_acc", "flops", 5000, 0.4792),
        ("nb201/nb201_gt.csv.gz", "arch_str", "c10_test_hp200_v10", "params_c10", 15625, 0.5765),
        ("nb201/nb201_gt.csv.gz", "arch_str", "c10_test_hp200_v10", "flops_c10", 15625, 0.5765),
    ];
    for (file, key, truth, size, m, kd) in table {
        let Some(scores) = Scores::read(file, key, Duplicates::Keep) else { return };
        let (truth, size) = (scores.column(truth), scores.column(size));
        assert_eq!(truth.len(), m);
        let found = agreement(&[("truth", truth), ("size", size)]).unwrap().kd[0][1].unwrap();
        assert!((found - kd).abs() <= 1.01e-4, "{file}: {found}, not {kd}");
    }
}

#[test]
fn loss_is_significantly_better_than_accuracy_on_nb301() {
    let Some(scores) = Scores::nb301(Duplicates::Last) else { return };
    let truth = scores.column("surrogate_acc");
    let [acc, loss] = ["acc", "loss"].map(|kind| scores.supernets(kind, 1000, true).remove(0));
    let all = [("loss", loss.as_slice()), ("acc", &acc), ("params", scores.column("params"))];
    let report = significance(&all, truth, 0.95).unwrap();
    let [against_acc, against_params, _] = report.comparisons.as_slice() else { panic!("3 pairs") };
    // .5090 - .3716, as above.
    same("loss - acc", against_acc.difference.unwrap(), 0.1374);
    assert!(against_acc.ci.unwrap()[0] > 0.12 && against_acc.holm_p_value.unwrap() < 1e-10);
    // .5090 - .5080: the paper's advice to compare with the parameter count.
    assert!(against_params.holm_p_value.unwrap() > 0.5, "{against_params:?}");
}

#[test]
fn one_training_of_nb201_ranks_another_at_0_909() {
    let Some(data) = data() else { return };
    let mut file = csv::Reader::from_reader(flate2::read::GzDecoder::new(
        std::fs::File::open(data.join("nb201/nb201_gt.csv.gz")).unwrap(),
    ));
    let header = file.headers().unwrap().clone();
    let at = header.iter().position(|name| name == "c10_test_seeds_v11").unwrap();
    let seeds = |row: csv::StringRecord| -> Vec<f64> {
        row[at].split(';').map(|it| it.parse().unwrap()).collect()
    };
    let runs: Vec<Vec<f64>> = file.records().map(|row| seeds(row.unwrap())).collect();
    // Counts and ceiling are from the notes of the benchmark's table. The ceiling is over the
    // architectures with all three trainings.
    let all = noise_ceiling(&runs).unwrap();
    assert_eq!(all.trainings, [0, 2225, 5439, 7961]);
    let full: Vec<Vec<f64>> = runs.into_iter().filter(|runs| runs.len() == 3).collect();
    let report = noise_ceiling(&full).unwrap();
    same("seed to seed", report.seed_kd.unwrap(), 0.909);
    // The normal model overstates the gain from averaging; the report says by how much.
    let check = report.check.clone().unwrap();
    assert!((check.kd - check.predicted_kd).abs() < 0.02, "{check:?}");
    println!("{:?} {check:?}", report.ceilings);
}

/// Operations of both cells in order, and the genotype around them.
fn operations(genotype: &str) -> (Vec<&str>, Vec<&str>) {
    let parts: Vec<&str> = genotype.split('\'').collect();
    let odd = |odd: usize| parts.iter().skip(odd).step_by(2).copied().collect();
    (odd(1), odd(0))
}

const FREE: [&str; 3] = ["skip_connect", "max_pool_3x3", "avg_pool_3x3"];
const CONVOLUTIONS: [&str; 4] = ["sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"];

#[test]
fn found_pairs_of_nb301_overestimate_dilated_convolutions() {
    let Some(scores) = Scores::nb301(Duplicates::Last) else { return };
    let keys = &scores.0.keys;
    let mutate = |genotype: &String| {
        let (ops, around) = operations(genotype);
        let mut all = Vec::new();
        for at in 0..ops.len() {
            for to in FREE.iter().chain(&CONVOLUTIONS).filter(|to| **to != ops[at]) {
                let mut new = ops.clone();
                new[at] = to;
                let mut arch = around[0].to_owned();
                for (op, after) in new.iter().zip(&around[1..]) {
                    arch += &format!("'{op}'{after}");
                }
                all.push(Mutation::new(arch, format!("op {at}"), ops[at], to));
            }
        }
        all
    };
    let mutations: Vec<Vec<Mutation>> = keys.iter().map(mutate).collect();
    let found = pairs_in_set(keys, &mutations).unwrap();
    assert_eq!((found.same, found.pairs.len() + found.outside), (0, 5468 * 16 * 6));
    let mean = scores.supernets("acc", 1000, true).remove(0);
    let truth = scores.column("surrogate_acc");
    let report = op_bias(&found.pairs, &mean, truth).unwrap();
    assert_eq!((report.pairs, report.unordered_pairs), (648, 324));
    let change = report.changes.iter().find(|c| c.from == FREE[0] && c.to == CONVOLUTIONS[3]);
    let change = change.unwrap();
    // In the paper, on mutations that it made and scored itself: 39.0 % and 94.9 %.
    assert_eq!(change.pairs, 11);
    same("truth rises", change.truth_increase, 3.0 / 11.0);
    same("score rises", change.score_increase, 10.0 / 11.0);
    let groups = equal_groups(scores.column("params"), 5, Compat::Awnas).unwrap().group;
    let large = op_bias(&within_group(&found.pairs, &groups, 4), &mean, truth).unwrap();
    assert!(large.pairs > 0 && large.pairs < report.pairs);
    // The same, where repeated rows count as often as they occur.
    let Some(all) = Scores::nb301(Duplicates::Keep) else { return };
    let mut rows: HashMap<&str, Vec<usize>> = HashMap::new();
    all.0.keys.iter().enumerate().for_each(|(at, key)| rows.entry(key).or_default().push(at));
    let mut pairs = Vec::new();
    for pair in &found.pairs {
        for &from in &rows[keys[pair.from].as_str()] {
            let to = &rows[keys[pair.to].as_str()];
            pairs.extend(to.iter().map(|&to| MutationPair { from, to, ..*pair }));
        }
    }
    let mean = all.supernets("acc", 1000, true).remove(0);
    let report = op_bias(&pairs, &mean, all.column("surrogate_acc")).unwrap();
    assert_eq!((report.pairs, report.unordered_pairs), (1182, 591));
}

#[test]
fn the_studys_mutations_are_of_one_free_operation_to_each_convolution() {
    let Some(scores) = Scores::nb301(Duplicates::Keep) else { return };
    // For each row, the chance that a free operation drawn at random is a skip.
    let chance = |genotype: &String| {
        let (ops, _) = operations(genotype);
        let free: Vec<&str> = ops.into_iter().filter(|op| FREE.contains(op)).collect();
        let skips = free.iter().filter(|op| **op == FREE[0]).count();
        (!free.is_empty()).then(|| skips as f64 / free.len() as f64)
    };
    let chances: Vec<Option<f64>> = scores.0.keys.iter().map(chance).collect();
    // Exactly the paper's number of pairs: every row that has one, 4 times.
    assert_eq!(chances.iter().flatten().count() * CONVOLUTIONS.len(), 23_476);
    let near = |chances: &mut dyn Iterator<Item = f64>, published: f64| {
        let (mean, variance) =
            chances.fold((0.0, 0.0), |(mean, var), p| (mean + p, var + p * (1.0 - p)));
        let off = (published - mean) / f64::sqrt(variance);
        assert!(off.abs() < 2.0, "{mean} expected, {published} published");
    };
    // The paper's pairs from skip to dilated 5 x 5, up to the randomness of drawing.
    near(&mut chances.iter().flatten().copied(), 2336.0);
    // And among the fifth of architectures with the most parameters.
    let groups = equal_groups(scores.column("params"), 5, Compat::Awnas).unwrap().group;
    let large = chances.iter().zip(&groups).filter(|(_, group)| **group == 4);
    near(&mut large.filter_map(|(chance, _)| *chance), 569.0);
}

#[test]
fn parameters_say_nothing_of_a_skip_that_becomes_none_on_nb201() {
    let Some(scores) = Scores::read("nb201/nb201_gt.csv.gz", "arch_str", Duplicates::Keep) else {
        return;
    };
    let other = |op: &str| if op == "none" { "skip_connect" } else { "none" };
    let mutate = |arch: &String| -> Vec<Mutation> {
        let ops = ["none", "skip_connect"].into_iter().flat_map(|op| arch.match_indices(op));
        let mutation = |(at, op): (usize, &str)| {
            let arch = format!("{}{}{}", &arch[..at], other(op), &arch[at + op.len()..]);
            Mutation::new(arch, format!("op at {at}"), op, other(op))
        };
        ops.map(mutation).collect()
    };
    let mutations: Vec<Vec<Mutation>> = scores.0.keys.iter().map(mutate).collect();
    let found = pairs_in_set(&scores.0.keys, &mutations).unwrap();
    let truth = scores.column("c10_test_hp200_v10");
    let report = op_bias(&found.pairs, scores.column("params_c10"), truth).unwrap();
    let [to_skip, to_none] = report.changes.as_slice() else { panic!("two changes") };
    assert_eq!((to_none.from.as_str(), to_none.to.as_str()), ("skip_connect", "none"));
    // Counted in Python: of 18,750 pairs, all have equal parameters, in 8,224 the accuracy rises,
    // and in 247 it stays the same.
    assert_eq!((to_none.pairs, to_none.score_ties, to_none.truth_ties), (18_750, 18_750, 247));
    let rises = (8224.0 + 247.0 / 2.0) / 18_750.0;
    assert!((to_none.truth_increase - rises).abs() < 1e-12);
    assert!((to_none.bias - (0.5 - rises)).abs() < 1e-12);
    assert!((to_skip.bias + to_none.bias).abs() < 1e-12);
}
