//! Explains why an estimator is wrong: runs the analyses of [`osee_core::analysis`]
//! on a run or on tables, each as a section of a report.
//!
//! Invariant: every analysis gives either a section or the reason why not, with what
//! would make it possible; none is left out silently.

mod columns;
mod from_run;
mod from_tables;
mod join;
mod material;
mod page;
#[cfg(test)]
mod properties;
mod sections;
mod text;

pub use from_run::from_run;
pub use from_tables::from_tables;
pub use join::{Joined, Judgement, Tables, joined};
pub use material::{ByBatch, JudgedRow, Material, Neighbourhood, Observed, Structure};
pub use page::page;
pub use text::text;

use crate::{
    exit::{Category, ExitCode},
    leaderboard::LeaderboardError,
    truth::TruthError,
};
use osee_core::{analysis::AnalysisError, store::StoreError, truth::TableError};
use osee_model::settings::SettingError;
use osee_report::html::{Absent, Section};
use std::path::PathBuf;

/// The reason why there is nothing to analyse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaterialError {
    /// The run's store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table cannot be read or used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The truth cannot be read or found.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// The leaderboard cannot be made.
    #[error(transparent)]
    Leaderboard(#[from] LeaderboardError),
    /// A form of columns is malformed.
    #[error("`{form}` is not a pattern of columns: {why}")]
    Form {
        /// The form as the user gave it.
        form: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two columns would make rows of one name.
    #[error(
        "columns `{first}` and `{second}` would both be called `{name}`, and are not seeds of one \
         estimator; ask for one of them, or rename it"
    )]
    SameName {
        /// The common name.
        name: String,
        /// The first column.
        first: String,
        /// The second column.
        second: String,
    },
    /// Columns do not fit together.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The space does not have a setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The space refuses an architecture.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// An observation of a training cannot be read.
    #[error("cannot use {}: {reason}", file.display())]
    Observation {
        /// The observation's file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The two tables have no key in common.
    #[error("{} and {} have no key in common", scores.display(), truth.display())]
    NoCommonKey {
        /// The table with scores.
        scores: PathBuf,
        /// The table with the truth.
        truth: PathBuf,
    },
    /// There are keys in common, but none has a truth.
    #[error(
        "{}: column `{column}` is empty for all {common} architectures that have scores", truth.display()
    )]
    NoValue {
        /// The table with the truth.
        truth: PathBuf,
        /// The empty column.
        column: String,
        /// Number of architectures that are in both tables.
        common: usize,
    },
    /// The run has only just begun.
    #[error("too few architectures with truth are scored to be ranked\n{0}")]
    TooFewScored(String),
    /// There is no truth to judge by.
    #[error(
        "the run has no truth, so nothing can be said about errors; give one with --truth FILE"
    )]
    NoTruth,
}

impl Category for MaterialError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Store(error) => error.exit_code(),
            Self::Table(error) => error.exit_code(),
            Self::Truth(error) => error.exit_code(),
            Self::Leaderboard(error) => error.exit_code(),
            Self::Plugin(error) => error.exit_code(),
            Self::Setting(error) => error.exit_code(),
            Self::TooFewScored(_) => ExitCode::Incomplete,
            Self::Form { .. }
            | Self::SameName { .. }
            | Self::Analysis(_)
            | Self::Observation { .. }
            | Self::NoCommonKey { .. }
            | Self::NoValue { .. }
            | Self::NoTruth => ExitCode::Table,
        }
    }
}

/// An analysis returns a section, or what is missing for it.
type Analysis = fn(&Material) -> Result<Section, Absent>;

/// All analyses by name, in the order of a report.
const ANALYSES: [(&str, Analysis); 16] = [
    ("significance", sections::significance::section),
    ("counts", sections::counts::section),
    ("cost", sections::cost::section),
    ("agreement", sections::agreement::section),
    ("seeds", sections::seeds::section),
    ("noise", sections::noise::section),
    ("complexity", sections::complexity::section),
    ("operations", sections::operations::section),
    ("architectures", sections::architectures::section),
    ("trend", sections::checkpoints::trend),
    ("stability", sections::checkpoints::stability),
    ("scores", sections::validation::scores),
    ("batches", sections::validation::batches),
    ("variants", sections::variants::section),
    ("forgetting", sections::training::forgetting),
    ("gradients", sections::training::gradients),
];

/// Names of all analyses.
pub fn names() -> impl Iterator<Item = &'static str> {
    ANALYSES.iter().map(|(name, _)| *name)
}

/// Runs the analyses that `only` names, or all if it is empty. Returns the sections,
/// and what is missing for the others.
pub fn analyse(material: &Material, only: &[String]) -> (Vec<Section>, Vec<Absent>) {
    let (mut sections, mut absent) = (Vec::new(), Vec::new());
    let asked = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    for (name, analysis) in ANALYSES.iter().filter(|(name, _)| asked(name)) {
        match analysis(material).and_then(without_blanks) {
            Ok(section) => sections.push(Section { name: (*name).to_owned(), ..section }),
            Err(missing) => absent.push(missing),
        }
    }
    (sections, absent)
}

/// Removes figures that would show nothing, and lists them with their reasons in
/// the section; the reason if nothing is left.
fn without_blanks(mut section: Section) -> Result<Section, Absent> {
    let mut blank = Vec::new();
    section.figures.retain(|figure| {
        let reason = figure.nothing();
        blank.extend(reason.iter().map(|reason| format!("{} ({reason})", figure.title)));
        reason.is_none()
    });
    section.table = section.table.filter(|table| !table.texts().is_empty());
    if section.figures.is_empty() && section.table.is_none() {
        let reason = match blank.is_empty() {
            true => "there is nothing to show".to_owned(),
            false => format!("there would be nothing in {}", blank.join(", ")),
        };
        return Err(Absent { heading: section.heading, reason, add: String::new() });
    }
    if !blank.is_empty() {
        section.rests_on += &format!("; not drawn: {}", blank.join(", "));
    }
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_core::{analysis::Observation, row::Checkpoint};
    use osee_model::estimator::EstimatorKind;

    fn judged_row(name: &str, values: &[f64]) -> JudgedRow {
        JudgedRow {
            name: name.to_owned(),
            estimator: "os".to_owned(),
            kind: Some(EstimatorKind::OneShot),
            settings: String::new(),
            values: values.to_vec(),
            missing: Vec::new(),
            missing_by_seed: Vec::new(),
            seeds: vec![(0, values.to_vec()), (1, values.to_vec())],
            milliseconds: Some(1.0),
            lower_is_better: false,
            user_plugin: false,
            checkpoint: None,
        }
    }

    const COUNT: usize = 12;

    /// Material with two rows, checkpoints, batches and observations, all values equal.
    fn constant(value: f64) -> Material {
        let values = vec![value; COUNT];
        let checkpoint = |epoch| JudgedRow {
            checkpoint: Some(Checkpoint { row: "a".to_owned(), epoch }),
            ..judged_row(&format!("a@{epoch}"), &values)
        };
        let same = || vec![vec![0.5; COUNT]; 2];
        let observed = |epoch| Observation {
            epoch,
            architectures: Vec::new(),
            after_step: Vec::new(),
            after_epoch: Vec::new(),
            similarity: Vec::new(),
        };
        Material {
            architectures: (0..COUNT).map(|it| it.to_string()).collect(),
            truth: (0..COUNT).map(|it| it as f64).collect(),
            rows: vec![
                judged_row("a", &values),
                judged_row("b", &values),
                checkpoint(1),
                checkpoint(2),
            ],
            structure: Some(Structure {
                params: vec![7.0; COUNT],
                flops: vec![9.0; COUNT],
                depth: vec![f64::NAN; COUNT],
                receptive_field: vec![f64::NAN; COUNT],
                group_size: vec![1.0; COUNT],
                mutations: vec![Vec::new(); COUNT],
                sketches: vec![Vec::new(); COUNT],
            }),
            trainings: Some(vec![vec![1.0, 1.0]; COUNT]),
            evaluations: vec![ByBatch {
                name: "a".to_owned(),
                seed: 0,
                images: 8,
                accuracy: same(),
                loss: same(),
            }],
            observed: vec![Observed {
                name: "a".to_owned(),
                seed: 0,
                epochs: vec![observed(1), observed(2)],
            }],
            ..Material::default()
        }
    }

    /// Absent analyses with their reasons; every section must have something to show.
    fn absent(material: &Material) -> Vec<String> {
        let (sections, absent) = analyse(material, &[]);
        assert_eq!(sections.len() + absent.len(), ANALYSES.len());
        for section in &sections {
            let name = &section.name;
            assert!(section.finding.len() > 20, "{name}: {}", section.finding);
            assert!(
                !section.finding.contains("are .") && !section.finding.contains("  "),
                "{name}"
            );
            assert!(!section.figures.is_empty() || section.table.is_some(), "{name}");
            assert!(section.figures.iter().all(|it| it.nothing().is_none()), "{name}");
            assert!(section.table.iter().all(|it| !it.texts().is_empty()), "{name}");
        }
        assert!(absent.iter().all(|it| it.reason.len() > 10), "{absent:?}");
        absent.into_iter().map(|it| format!("{}: {}", it.heading, it.reason)).collect()
    }

    #[test]
    fn a_section_says_something_or_says_why_not() {
        let told = |missing: &[String], what: &str| {
            assert!(missing.iter().any(|it| it.contains(what)), "{what}: {missing:#?}");
        };
        for value in [1.0, f64::NAN] {
            let missing = absent(&constant(value));
            for what in [
                "What does quality cost?: no estimator has a KD",
                "Which estimators agree?: of every two",
                "How much does a seed matter?: no seed has a KD",
                "Bias by complexity: all architectures have the same FLOPs",
                "Bias by operation: only 0 pairs of architectures with a truth",
                "Criteria while the supernet trains: no row has a KD at both ends",
                "How stable is the ranking?: no step has a relative KD",
                "Accuracy or loss as the score?: no supernet has a KD by both",
                "How much validation data?: no supernet has a KD",
                "Do architectures forget?: no observed architecture has",
                "Do architectures pull the same way?: no layer is shared",
            ] {
                told(&missing, what);
            }
        }
        let missing = absent(&Material { rows: Vec::new(), ..constant(1.0) });
        for what in
            ["What does quality cost?", "estimators agree?", "by operation", "worst by each"]
        {
            told(
                &missing,
                &format!("{what}: there is no estimator with scores")
                    .replace("worst by each", "worst by each estimator"),
            );
        }
        let one = Material {
            rows: vec![judged_row("a", &(0..COUNT).map(|it| it as f64).collect::<Vec<_>>())],
            structure: None,
            ..constant(1.0)
        };
        told(&absent(&one), "Which estimators agree?: there is only one estimator");
    }

    #[test]
    fn too_few_pairs_of_any_change_are_said_with_how_many_there_are() {
        let mut material = constant(1.0);
        let mutation = |to: usize, change: usize| {
            osee_model::space::Mutation::new(to, "edge", format!("op{change}"), "skip")
        };
        // Nine pairs of one change and four of another.
        let structure = material.structure.as_mut().unwrap();
        for at in 0..9 {
            structure.mutations[at].push(mutation(at + 1, 1));
        }
        for at in 0..4 {
            structure.mutations[at].push(mutation(at + 2, 2));
        }
        let (sections, absent) = analyse(&material, &["operations".to_owned()]);
        assert!(sections.is_empty());
        let reason = "no change of a decision occurs in 10 pairs; op1 to skip occurs in 9";
        assert_eq!(absent[0].reason, reason);
        assert!(absent[0].add.contains("neighbours = 20"), "{}", absent[0].add);
    }
}
