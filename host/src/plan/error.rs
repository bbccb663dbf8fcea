//! Why a study cannot be planned: something it asks for is not there, or makes no
//! sense.

use crate::{
    catalog::CatalogError,
    exit::{Category, ExitCode},
    loader::RegistryError,
    truth::TruthError,
};
use osee_core::study::StudyError;
use osee_engine::{DeviceError, data::DataError};
use osee_model::settings::SettingError;
use std::path::PathBuf;

/// Why a study cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The study itself.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A plugin, or something no plugin has.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The data set of the images.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A plugin's refusal.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// A malformed architecture.
    #[error("{place}{error}")]
    Architecture {
        /// Where it stands.
        place: String,
        /// What is wrong.
        error: osee_sdk::Error,
    },
    /// Settings, or a list, of which nothing comes.
    #[error("{}`{first}` makes no network: {error}", if *tried > 1 {
        format!("none of {tried} architectures makes a network; ")
    } else {
        String::new()
    })]
    NoNetwork {
        /// The first architecture.
        first: String,
        /// How many were tried.
        tried: usize,
        /// What is wrong with it.
        error: osee_sdk::Error,
    },
    /// The list of architectures.
    #[error("cannot read architectures from {}: {source}", path.display())]
    ArchitectureFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Only listed architectures can be had.
    #[error("search space `{0}` cannot be enumerated; give a file of architectures")]
    NotEnumerable(String),
    /// The table that architectures should be from.
    #[error("`judged` takes architectures from the truth table, and the study has none")]
    NoTruth,
    /// Isomorphic architectures are found in a list of all.
    #[error(
        "`{row}` averages over isomorphism groups, for which all architectures are listed, and \
         search space `{space}` {}; leave `isomorphic` out there",
        too_large(size)
    )]
    NoGroups {
        /// Name of the row.
        row: String,
        /// The search space.
        space: String,
        /// How many it has, if they can be listed at all.
        size: Option<u64>,
    },
    /// Groups of one, whose mean is the score itself.
    #[error(
        "`{0}` averages over isomorphism groups, and no architecture of the study has another one \
         in its group; leave `isomorphic` out there"
    )]
    LoneGroups(String),
    /// Too many for a list.
    #[error("search space `{0}` has {1} architectures, too many to take all; say how many")]
    TooLarge(String, u64),
    /// More than a list holds.
    #[error("{wanted} architectures were asked for, and at most {most} are listed; ask for fewer")]
    TooLongList {
        /// Asked for.
        wanted: u64,
        /// The most.
        most: u64,
    },
    /// More than there are.
    #[error("{wanted} architectures were asked for, there are {there}{}", if *unique { " unique ones" } else { "" })]
    TooMany {
        /// Asked for.
        wanted: u64,
        /// There.
        there: usize,
        /// Whether isomorphic ones count once.
        unique: bool,
    },
    /// Neighbours of more architectures than there are.
    #[error(
        "neighbours of {wanted} architectures were asked for, and the study has {there} architectures"
    )]
    TooManyNeighbours {
        /// Asked for.
        wanted: u64,
        /// There.
        there: usize,
    },
    /// Too many for a list.
    #[error("{0} architectures have more than {1} neighbours; ask for those of fewer")]
    TooLargeNeighbourhood(u64, usize),
    /// Number after number is an architecture that is there already.
    #[error(
        "search space `{space}` gave {draws} architectures in a row that were among the {found} \
         drawn before; ask for at most {found}"
    )]
    Fruitless {
        /// The space.
        space: String,
        /// Different ones.
        found: usize,
        /// Draws without another.
        draws: u64,
    },
    /// None at all.
    #[error("the study has no architectures")]
    NoArchitectures,
    /// Two rows of one name.
    #[error("two estimators are called `{0}`; give one of them another `name`")]
    SameName(String),
    /// A row that has no weights of a supernet to look at.
    #[error(
        "`{0}` names a supernet, which only zero-shot estimators can; one-shot estimators have \
         their own"
    )]
    NoSupernet(String),
    /// A row without checkpoints.
    #[error("`{0}` has `epoch` or `trend`, but looks at no supernet")]
    NoCheckpoints(String),
    /// A supernet that no row trains.
    #[error(
        "the study has no one-shot row `{row}`{}",
        near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    NoRow {
        /// As asked.
        row: String,
        /// The row most like it.
        near: Option<String>,
    },
    /// A row with a recipe that trains nothing.
    #[error(
        "`{0}` has `training`, and trains no supernet; one-shot rows do, and `supernet` of another \
         row names the one whose weights it looks at"
    )]
    NoTraining(String),
    /// One checkpoint of all.
    #[error(
        "`{0}` has `trend`, which is a row for every kept epoch, beside `epoch`; leave one out"
    )]
    EpochOfTrend(String),
    /// More rows than anybody reads.
    #[error(
        "`{row}` has `trend`, a row for every kept epoch, of which there are {kept}; at most {most} \
         are made, so `keep_every` of [training] is larger"
    )]
    LongTrend {
        /// Name of the row.
        row: String,
        /// Kept epochs.
        kept: usize,
        /// The most.
        most: usize,
    },
    /// A supernet that its estimator will not begin with.
    #[error("`{row}` cannot be trained: {error}")]
    Untrainable {
        /// Name of a row that looks at it.
        row: String,
        /// Why.
        error: osee_sdk::Error,
    },
    /// More batches than are evaluated.
    #[error("`{row}` looks at the first {wanted} validation batches; its recipe has {batches}")]
    FewBatches {
        /// Name of the row.
        row: String,
        /// As asked.
        wanted: usize,
        /// All there are.
        batches: usize,
    },
    /// A mean of more checkpoints than there are.
    #[error(
        "`{row}` averages {wanted} checkpoints up to epoch {epoch}, and there are those after \
         {there:?}"
    )]
    FewCheckpoints {
        /// Name of the row.
        row: String,
        /// As asked.
        wanted: usize,
        /// The last of them.
        epoch: u32,
        /// All there are.
        there: Vec<u32>,
    },
    /// Weights that are not on disk.
    #[error("`{row}` wants the weights after epoch {epoch}; kept are those after {kept:?}")]
    NotKept {
        /// Name of the row.
        row: String,
        /// As asked.
        epoch: u32,
        /// All there are.
        kept: Vec<u32>,
    },
    /// A vote without its voters.
    #[error(
        "estimator `{meta}` needs `{expert}`, which the study does not have; add it to the estimators"
    )]
    MissingExpert {
        /// The meta estimator.
        meta: String,
        /// What it needs.
        expert: String,
    },
    /// Votes that wait for one another.
    #[error(
        "meta estimators judge by one another's scores in a circle: {}; take one out of the \
         experts of another",
        circle(.0)
    )]
    Circle(Vec<String>),
    /// The truth that architectures are taken from.
    #[error(transparent)]
    Truth(#[from] TruthError),
}

fn too_large(size: &Option<u64>) -> String {
    match size {
        Some(size) => format!("has {size}"),
        None => "cannot be enumerated".to_owned(),
    }
}

/// Each by the next, and the last by the first.
fn circle(names: &[String]) -> String {
    let names = names.iter().chain(names.first());
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" by ")
}

impl Category for PlanError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Registry(error) => error.exit_code(),
            Self::Catalog(error) => error.exit_code(),
            Self::Truth(error) => error.exit_code(),
            Self::Data(error) => error.exit_code(),
            Self::Device(error) => error.exit_code(),
            Self::Study(_)
            | Self::Setting(_)
            | Self::Plugin(_)
            | Self::Architecture { .. }
            | Self::NoNetwork { .. }
            | Self::ArchitectureFile { .. }
            | Self::NotEnumerable(_)
            | Self::NoTruth
            | Self::NoGroups { .. }
            | Self::LoneGroups(_)
            | Self::TooLarge(..)
            | Self::TooLongList { .. }
            | Self::TooMany { .. }
            | Self::TooManyNeighbours { .. }
            | Self::TooLargeNeighbourhood(..)
            | Self::Fruitless { .. }
            | Self::NoArchitectures
            | Self::SameName(_)
            | Self::NoSupernet(_)
            | Self::NoCheckpoints(_)
            | Self::NoRow { .. }
            | Self::NoTraining(_)
            | Self::EpochOfTrend(_)
            | Self::LongTrend { .. }
            | Self::Untrainable { .. }
            | Self::FewBatches { .. }
            | Self::FewCheckpoints { .. }
            | Self::NotKept { .. }
            | Self::MissingExpert { .. }
            | Self::Circle(_) => ExitCode::Input,
        }
    }
}
