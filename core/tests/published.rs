//! The paper's published NB301 criteria, computed from its own one-shot scores.
//!
//! The scores are those of 5,896 genotypes, of which 5,468 are distinct; the paper's statistics are
//! over the distinct ones.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../tests/support/skipped.rs"]
mod skipped;

use osee_core::{
    criteria::{Bootstrap, Compat, CriteriaOptions, TieAware, evaluate},
    truth::{Duplicates, Table},
};
use serde_json::Value;
use skipped::data;
use std::io::Read;

/// Rows of `[K, ...]` for one criterion.
struct TopK {
    compared: usize,
    differ: usize,
    outside: Vec<String>,
}

impl TopK {
    fn compare(&mut self, what: &str, published: f64, ours: TieAware) {
        self.compared += 1;
        self.differ += usize::from((ours.value - published).abs() > 1e-9);
        if published < ours.min - 1e-9 || published > ours.max + 1e-9 {
            self.outside.push(format!("{what}: published {published}, ours {ours:?}"));
        }
    }
}

#[test]
fn every_checkpoint_of_seeds_20_and_2020_is_reproduced() {
    let Some(data) = data() else { return };
    let anchor = data.join("nb301/paper_anchor_5896.csv.gz");
    let table = Table::read(&anchor, "genotype", None, Duplicates::Last).unwrap();
    assert_eq!(table.keys.len(), 5468);
    let column = |name: &str| {
        let at = table.names.iter().position(|it| it == name).unwrap();
        &table.columns[at]
    };
    let truth = column("surrogate_acc");
    let mut text = String::new();
    let file = std::fs::File::open(data.join("paper/published_stats.json.gz")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let published: Value = serde_json::from_str(&text).unwrap();
    let options = CriteriaOptions {
        compat: Compat::Awnas,
        bootstrap: Bootstrap { resamples: 0, ..Bootstrap::default() },
        ..CriteriaOptions::default()
    };
    let mut top = TopK { compared: 0, differ: 0, outside: Vec::new() };
    let (mut checkpoints, mut largest) = (0, 0.0f64);
    for seed in [20, 2020] {
        for epoch in (100..=1000).step_by(100) {
            let file = &published[format!("fig1_nb301_seed{seed}_stat")];
            let theirs = file
                .as_object()
                .unwrap()
                .iter()
                .find(|(name, _)| name.ends_with(&format!("/{epoch}.pkl")))
                .unwrap()
                .1;
            for (kind, sign) in [("acc", 1.0), ("loss", -1.0)] {
                let theirs = &theirs["non_sparse"][format!("oneshot_{kind}")];
                let scores: Vec<f64> = column(&format!("os_{kind}_s{seed}_e{epoch}"))
                    .iter()
                    .map(|s| sign * s)
                    .collect();
                let ours = evaluate(&scores, truth, &options).unwrap();
                for (name, ours) in
                    [("kd", ours.kd), ("spearmanr", ours.spearman), ("linear", ours.lc)]
                {
                    let difference = (ours.unwrap() - theirs[name].as_f64().unwrap()).abs();
                    largest = largest.max(difference);
                    assert!(difference < 5e-4, "{seed} {epoch} {kind} {name}: {ours:?}");
                }
                let what = format!("seed {seed} epoch {epoch} {kind}");
                for row in theirs["P@tbK"].as_array().unwrap() {
                    let k = row[0].to_string();
                    let (Some(t), Some(b)) = (ours.p_top.get(&k), ours.p_bottom.get(&k)) else {
                        continue;
                    };
                    top.compare(&format!("{what} P@top{k}"), row[2].as_f64().unwrap(), *t);
                    top.compare(&format!("{what} P@bottom{k}"), row[3].as_f64().unwrap(), *b);
                }
                for row in theirs["BWR@K"].as_array().unwrap() {
                    let k = row[0].to_string();
                    top.compare(&format!("{what} BR@{k}"), row[2].as_f64().unwrap(), ours.br[&k]);
                    top.compare(&format!("{what} WR@{k}"), row[4].as_f64().unwrap(), ours.wr[&k]);
                }
                checkpoints += 1;
            }
        }
    }
    println!(
        "{checkpoints} columns: KD, Spearman, LC within {largest:.1e}; of {} top-k figures {} \
         differ by the order of ties, {} beyond them",
        top.compared,
        top.differ,
        top.outside.len()
    );
    assert_eq!(checkpoints, 40);
    assert!(top.outside.is_empty(), "{}", top.outside.join("\n"));
}
