//! The error of any subcommand, with its exit code.

use crate::{
    analysis::MaterialError,
    benchmark::BuildError,
    catalog::CatalogError,
    exit::{Category, ExitCode},
    export::ExportError,
    leaderboard::LeaderboardError,
    loader::{LoadError, LockError, RegistryError, libtorch::LibtorchError},
    plan::PlanError,
    runner::RunError,
    truth::TruthError,
    worker::SetupError,
};
use osee_core::{
    benchmark::LogError, criteria::CriteriaError, store::StoreError, study::StudyError,
    truth::TableError,
};
use osee_engine::{DeviceError, data::DataError};
use osee_model::settings::SettingError;
use osee_report::html::WriteError;
use std::{io, path::PathBuf};

/// The reason why a subcommand fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// A run fails.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A leaderboard cannot be made.
    #[error(transparent)]
    Leaderboard(#[from] LeaderboardError),
    /// A truth cannot be used.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// The material of analyses cannot be read.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// Requested analyses are not available, for these reasons.
    #[error("{}", no_analysis(.0))]
    NoAnalysis(Vec<(String, String)>),
    /// A table of results cannot be made.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A file of a report cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A study file is invalid.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// Plugins cannot be loaded, or lack something.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The lock file is invalid.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A setting is invalid.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A run directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Criteria cannot be computed.
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    /// A data set of the catalogue is not available.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Images cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A study cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A benchmark cannot be built.
    #[error(transparent)]
    Build(Box<BuildError>),
    /// A set-up fails.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A plugin refuses what it was asked, such as an architecture.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// A weights file does not fit.
    #[error("{0}")]
    Weights(osee_sdk::Error),
    /// The working folder is gone or cannot be used.
    #[error("the working folder is gone, or cannot be used: {0}; change to another one: cd DIR")]
    WorkingFolder(io::Error),
    /// A new plugin's crate cannot be written.
    #[error("{0}")]
    New(String),
    /// Scripts of jobs cannot be written.
    #[error("cannot write jobs to {}: {error}", folder.display())]
    Jobs {
        /// The folder to write to.
        folder: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A scheduler refuses a job.
    #[error("{0}")]
    Scheduler(String),
    /// A plugin cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Trainings of a benchmark cannot be read.
    #[error(transparent)]
    Trainings(LogError),
    /// Training again gives other numbers.
    #[error(
        "{} was not made by this study on a machine of this kind; see above", .0.display()
    )]
    Differs(PathBuf),
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Standard output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// User plugins need a supervised process, and this is not one.
    #[error("user plugins need a supervised process, and this is not one")]
    UserPlugins(Vec<PathBuf>),
    /// A truth cannot be read without the search space, which is not available.
    #[error("{why} search space `{space}` alone, which is not available: {cause}")]
    NoSpace {
        /// What only the space knows, as the start of the message.
        why: String,
        /// Id of the space.
        space: String,
        /// The reason why the space is not available.
        cause: String,
        /// The exit code of the cause.
        code: ExitCode,
    },
    /// The libtorch that was chosen cannot be used.
    #[error(transparent)]
    Libtorch(#[from] LibtorchError),
    /// A process cannot be started or reached.
    #[error("worker: {0}")]
    Worker(io::Error),
}

impl CliError {
    /// The error of something that only `space` knows, if the space is not available.
    pub fn no_space(why: String, space: &str, cause: &Self) -> Self {
        let (space, code) = (space.to_owned(), cause.exit_code());
        Self::NoSpace { why, space, cause: cause.to_string(), code }
    }
}

impl From<BuildError> for CliError {
    fn from(error: BuildError) -> Self {
        Self::Build(Box::new(error))
    }
}

impl Category for CliError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Run(error) => error.exit_code(),
            Self::Plan(error) => error.exit_code(),
            Self::Build(error) => error.exit_code(),
            Self::Leaderboard(error) => error.exit_code(),
            Self::Truth(error) => error.exit_code(),
            Self::Material(error) => error.exit_code(),
            Self::Export(error) => error.exit_code(),
            Self::Write(error) => error.exit_code(),
            Self::Study(error) => error.exit_code(),
            Self::Registry(error) => error.exit_code(),
            Self::Lock(error) => error.exit_code(),
            Self::Load(error) => error.exit_code(),
            Self::Setting(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
            Self::Table(error) => error.exit_code(),
            Self::Criteria(error) => error.exit_code(),
            Self::Catalog(error) => error.exit_code(),
            Self::Data(error) => error.exit_code(),
            Self::Device(error) => error.exit_code(),
            Self::Setup(error) => error.exit_code(),
            Self::Plugin(error) => error.exit_code(),
            Self::Trainings(error) => error.exit_code(),
            Self::Libtorch(error) => error.exit_code(),
            Self::NoSpace { code, .. } => *code,
            Self::New(_) | Self::NoAnalysis(_) | Self::WorkingFolder(_) => ExitCode::Input,
            Self::Weights(_) => ExitCode::Data,
            Self::Usage(_) => ExitCode::Usage,
            Self::Jobs { .. } => ExitCode::Store,
            Self::Differs(_) => ExitCode::Table,
            Self::Output(_) | Self::Scheduler(_) | Self::Worker(_) | Self::UserPlugins(_) => {
                ExitCode::Internal
            }
        }
    }
}

fn no_analysis(absent: &[(String, String)]) -> String {
    let absent = absent.iter().map(|(heading, reason)| format!("`{heading}`: {reason}"));
    let absent = absent.collect::<Vec<_>>().join("; ");
    format!("not available: {absent}; the text above says what each needs")
}
