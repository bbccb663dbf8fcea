//! Errors of planning: a study asks for something that does not exist or makes no
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

/// The reason why a study cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The study is invalid.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A plugin cannot be used, or no plugin has what the study names.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A setting is invalid.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The data set of the images is not available.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The images cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A plugin refuses what it was asked.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// An architecture is malformed.
    #[error("{place}{error}")]
    Architecture {
        /// File and line, ending in a colon and a space.
        place: String,
        /// The reason.
        error: osee_sdk::Error,
    },
    /// The settings, or the list, make no network.
    #[error("{}`{first}` makes no network: {error}", if *tried > 1 {
        format!("none of {tried} architectures makes a network; ")
    } else {
        String::new()
    })]
    NoNetwork {
        /// The first architecture tried.
        first: String,
        /// Number of architectures tried.
        tried: usize,
        /// The space's error for `first`.
        error: osee_sdk::Error,
    },
    /// The list of architectures cannot be read.
    #[error("cannot read architectures from {}: {source}", path.display())]
    ArchitectureFile {
        /// The list.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The space cannot be enumerated, so its architectures must be listed.
    #[error("search space `{0}` cannot be enumerated; give a file of architectures")]
    NotEnumerable(String),
    /// The study takes architectures from a truth table and names none.
    #[error("`judged` takes architectures from the truth table, and the study has none")]
    NoTruth,
    /// A row averages over isomorphism groups, and the space cannot be listed in full.
    #[error(
        "`{row}` averages over isomorphism groups, for which all architectures are listed, and \
         search space `{space}` {}; leave `isomorphic` out there",
        too_large(size)
    )]
    NoGroups {
        /// Name of the row.
        row: String,
        /// Id of the search space.
        space: String,
        /// Number of architectures; `None` if the space cannot be enumerated.
        size: Option<u64>,
    },
    /// Every isomorphism group has one member, so its mean is the score itself.
    #[error(
        "`{0}` averages over isomorphism groups, and no architecture of the study has another one \
         in its group; leave `isomorphic` out there"
    )]
    LoneGroups(String),
    /// The space has too many architectures to take all of them.
    #[error("search space `{0}` has {1} architectures, too many to take all; say how many")]
    TooLarge(String, u64),
    /// The study asks for more architectures than a list may hold.
    #[error(
        "{wanted} architectures were asked for, but at most {most} can be listed; ask for fewer"
    )]
    TooLongList {
        /// Number asked for.
        wanted: u64,
        /// Largest allowed number.
        most: u64,
    },
    /// The study asks for more architectures than there are.
    #[error("{wanted} architectures were asked for, there are {there}{}", if *unique { " unique ones" } else { "" })]
    TooMany {
        /// Number asked for.
        wanted: u64,
        /// Number there are.
        there: usize,
        /// True if isomorphic architectures count once.
        unique: bool,
    },
    /// The study asks for neighbours of more architectures than it has.
    #[error(
        "neighbours of {wanted} architectures were asked for, but the study has {there} architectures"
    )]
    TooManyNeighbours {
        /// Number asked for.
        wanted: u64,
        /// Number the study has.
        there: usize,
    },
    /// The neighbours are too many for a list.
    #[error("{0} architectures have more than {1} neighbours; ask for those of fewer")]
    TooLargeNeighbourhood(u64, usize),
    /// Draw after draw gives an architecture that was drawn before.
    #[error(
        "search space `{space}` gave {draws} architectures in a row that were among the {found} \
         drawn before; ask for at most {found}"
    )]
    Fruitless {
        /// Id of the space.
        space: String,
        /// Number of different architectures drawn.
        found: usize,
        /// Number of draws without a new one.
        draws: u64,
    },
    /// The study has no architectures.
    #[error("the study has no architectures")]
    NoArchitectures,
    /// Two rows have the same name.
    #[error("two estimators are called `{0}`; give one of them another `name`")]
    SameName(String),
    /// A row that is not zero-shot names a supernet to score.
    #[error(
        "`{0}` names a supernet, which only zero-shot estimators can; one-shot estimators have \
         their own"
    )]
    NoSupernet(String),
    /// A row names checkpoints but scores no supernet.
    #[error("`{0}` has `epoch` or `trend`, but is not scored by a supernet")]
    NoCheckpoints(String),
    /// A row scores the supernet of a row that does not exist.
    #[error(
        "the study has no one-shot row `{row}`{}",
        near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    NoRow {
        /// The name as given.
        row: String,
        /// The row with the most similar name.
        near: Option<String>,
    },
    /// A row has a recipe but trains nothing.
    #[error(
        "`{0}` has `training`, but trains no supernet; one-shot rows do, and `supernet` names the row whose weights are scored"
    )]
    NoTraining(String),
    /// A row asks for one checkpoint and for all of them.
    #[error(
        "`{0}` has `trend`, which is a row for every kept epoch, beside `epoch`; leave one out"
    )]
    EpochOfTrend(String),
    /// A row without a trend says which of its checkpoints it has.
    #[error("`{0}` has `trend_every`, which is about the rows of a trend; add `trend = true`")]
    NoTrend(String),
    /// A trend would have too many rows.
    #[error(
        "`{row}` has `trend`, a row for every kept epoch, of which there are {kept}; at most {most} can be made, so give a larger `keep_every` of [training]"
    )]
    LongTrend {
        /// Name of the row.
        row: String,
        /// Number of kept epochs.
        kept: usize,
        /// Largest allowed number of rows.
        most: usize,
    },
    /// The estimator of a supernet refuses to begin training.
    #[error("`{row}` cannot be trained: {error}")]
    Untrainable {
        /// Name of the row that trains it.
        row: String,
        /// The estimator's reason.
        error: osee_sdk::Error,
    },
    /// A row scores more batches than its recipe has.
    #[error("`{row}` is scored on the first {wanted} validation batches; its recipe has {batches}")]
    FewBatches {
        /// Name of the row.
        row: String,
        /// Number of batches asked for.
        wanted: usize,
        /// Number of batches of the recipe.
        batches: usize,
    },
    /// A row averages more checkpoints than there are.
    #[error(
        "`{row}` averages {wanted} checkpoints up to epoch {epoch}, but those kept are after {there:?}"
    )]
    FewCheckpoints {
        /// Name of the row.
        row: String,
        /// Number of checkpoints asked for.
        wanted: usize,
        /// The last epoch to average.
        epoch: u32,
        /// Kept epochs up to that one.
        there: Vec<u32>,
    },
    /// A row scores weights that are not kept on disk.
    #[error("`{row}` needs the weights after epoch {epoch}; those kept are after {kept:?}")]
    NotKept {
        /// Name of the row.
        row: String,
        /// The epoch asked for.
        epoch: u32,
        /// The kept epochs.
        kept: Vec<u32>,
    },
    /// A meta estimator lacks an expert.
    #[error(
        "estimator `{meta}` needs `{expert}`, which the study does not have; add it to the estimators"
    )]
    MissingExpert {
        /// Name of the meta estimator's row.
        meta: String,
        /// Name of the missing row.
        expert: String,
    },
    /// Meta estimators need one another's scores in a circle.
    #[error(
        "meta estimators need one another's scores in a circle: {}; take one out of the \
         experts of another",
        circle(.0)
    )]
    Circle(Vec<String>),
    /// The truth table that architectures are taken from cannot be used.
    #[error(transparent)]
    Truth(#[from] TruthError),
}

fn too_large(size: &Option<u64>) -> String {
    match size {
        Some(size) => format!("has {size}"),
        None => "cannot be enumerated".to_owned(),
    }
}

/// Writes that each name judges by the next, and the last by the first.
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
            | Self::NoTrend(_)
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
