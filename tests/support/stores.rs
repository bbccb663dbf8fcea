//! Runs with made-up scores, stored as a run stores them, and figures computed by brute
//! force.
#![allow(clippy::unwrap_used, dead_code, reason = "a test may panic, and uses its own part")]

use osee_core::{
    row::{Conditions, EstimatorKey, RowKey, SpaceKey, SupernetWeights},
    store::{Outcome, Record, StoreWriter},
    study::{Study, TableSource, TruthChoice},
};
use osee_model::{
    device::DeviceKind,
    estimator::{Direction, EstimatorKind, Failure, FailureKind},
    protocol::Protocol,
    recipe::Recipe,
    settings::Settings,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A row with its scores by architecture and seed.
#[derive(Clone)]
pub struct Row {
    pub key: RowKey,
    pub scores: BTreeMap<(usize, u64), Outcome>,
    /// The time of every score.
    pub milliseconds: f64,
}

impl Row {
    /// A row that has `score` for each of `archs` and `seeds`.
    pub fn new(
        name: &str,
        kind: EstimatorKind,
        archs: impl IntoIterator<Item = usize>,
        seeds: &[u64],
        score: impl Fn(usize, u64) -> f64,
    ) -> Self {
        let text = |text: &str| text.to_owned();
        let estimator = EstimatorKey {
            id: text(name),
            version: text("1"),
            kind,
            direction: Direction::HigherIsBetter,
            settings: Settings::default(),
            plugin_sha256: text(""),
        };
        let space = SpaceKey {
            id: text("nb201"),
            version: text("1"),
            settings: Settings::default(),
            plugin_sha256: text(""),
        };
        let key = RowKey {
            name: text(name),
            images: estimator.sees_images().then(|| text("noise")),
            estimator,
            space,
            conditions: match kind {
                EstimatorKind::OneShot => Conditions::Supernet(Box::new(SupernetWeights {
                    key: text(name),
                    recipe: Recipe::preset("small").unwrap(),
                    epochs: vec![50],
                    seeds: None,
                    protocol: None,
                })),
                _ => Conditions::Untrained(Protocol::preset("paper").unwrap()),
            },
            device: DeviceKind::Cpu,
            checkpoint_of: None,
        };
        let mut scores = BTreeMap::new();
        for arch in archs {
            scores.extend(seeds.iter().map(|&seed| ((arch, seed), Ok(score(arch, seed)))));
        }
        Self { key, scores, milliseconds: 2.0 }
    }

    pub fn lower_is_better(mut self) -> Self {
        self.key.estimator.direction = Direction::LowerIsBetter;
        self
    }

    pub fn fails(mut self, arch: usize, seed: u64) -> Self {
        let failure = Failure::new(FailureKind::Error, "as made up");
        self.scores.insert((arch, seed), Err(failure));
        self
    }

    /// The mean over seeds, oriented so that higher is better; minus infinity for failures.
    pub fn oriented(&self, arch: usize) -> f64 {
        let own = self.scores.iter().filter(|((at, _), _)| *at == arch);
        let finite: Vec<f64> = own.filter_map(|(_, it)| it.as_ref().ok().copied()).collect();
        match finite.is_empty() {
            true => f64::NEG_INFINITY,
            false => self
                .key
                .estimator
                .direction
                .orient(finite.iter().sum::<f64>() / finite.len() as f64),
        }
    }

    pub fn of_seed(&self, seed: u64) -> Self {
        let scores = self.scores.iter().filter(|((_, at), _)| *at == seed);
        Self { scores: scores.map(|(at, it)| (*at, it.clone())).collect(), ..self.clone() }
    }
}

/// Numbers that look random but are the same every time (splitmix64).
pub fn noise(at: usize) -> f64 {
    let mut z = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Distinct architectures of NAS-Bench-201.
pub fn architectures(count: usize) -> Vec<String> {
    const OPS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
    // 257 and 5^6, the number of architectures, have no common factor.
    let op = |at: usize, edge: u32| OPS[at * 257 / 5_usize.pow(edge) % 5];
    let one = |at| {
        let [a, b, c, d, e, f] = std::array::from_fn(|edge| op(at, edge as u32));
        format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|")
    };
    (0..count).map(one).collect()
}

/// A table of truth; architectures without a value have no row.
pub fn truth(file: &Path, archs: &[String], value: impl Fn(usize) -> Option<f64>) -> PathBuf {
    let mut text = "arch,acc\n".to_owned();
    for (at, arch) in archs.iter().enumerate() {
        if let Some(value) = value(at) {
            text += &format!("{arch},{value:?}\n");
        }
    }
    fs::write(file, text).unwrap();
    file.to_owned()
}

/// A run directory in which a run of `study` has stored these rows.
pub fn store(dir: &Path, study: &Study, archs: &[String], rows: &[Row]) -> StoreWriter {
    let mut store = StoreWriter::open(dir, study).unwrap();
    store.fix_architectures(archs).unwrap();
    for row in rows {
        let id = store.register(std::slice::from_ref(&row.key)).unwrap()[0];
        let records = row.scores.iter().map(|(&(arch_index, seed), outcome)| Record {
            row: id,
            arch_index,
            seed,
            outcome: outcome.clone(),
            milliseconds: row.milliseconds,
            device: "cpu".to_owned(),
        });
        store.record(&records.collect::<Vec<_>>()).unwrap();
    }
    store
}

/// A study of NAS-Bench-201 that is judged by the table `truth`.
pub fn study(name: &str, seeds: &[u64], truth: Option<&Path>) -> Study {
    let truth = truth.map(|file| TruthChoice {
        key: Some("arch".to_owned()),
        column: Some("acc".to_owned()),
        ..TruthChoice::plain(TableSource::of(file))
    });
    Study {
        name: name.to_owned(),
        seeds: seeds.to_vec().try_into().unwrap(),
        truth,
        ..Study::default()
    }
}

/// Kendall's tau-b by definition, over every pair of rows.
pub fn tau_b(x: &[f64], y: &[f64]) -> f64 {
    let (mut agree, mut x_untied, mut y_untied) = (0.0, 0.0, 0.0);
    for i in 0..x.len() {
        for j in 0..i {
            let sign = |a: f64, b: f64| f64::from(i8::from(a > b) - i8::from(a < b));
            let (of_x, of_y) = (sign(x[i], x[j]), sign(y[i], y[j]));
            agree += of_x * of_y;
            x_untied += of_x * of_x;
            y_untied += of_y * of_y;
        }
    }
    agree / f64::sqrt(x_untied * y_untied)
}

/// The rows of a CSV file by their cell in column `key`, each from column to cell.
pub fn table(text: &str, key: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| {
        let cells = row.unwrap();
        let row: BTreeMap<String, String> =
            names.iter().cloned().zip(cells.iter().map(str::to_owned)).collect();
        (row[key].clone(), row)
    });
    rows.collect()
}
