//! What can go wrong in a subcommand.

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

/// Any error of a subcommand.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// Of a run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Of a leaderboard.
    #[error(transparent)]
    Leaderboard(#[from] LeaderboardError),
    /// Of a truth.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// Of what is to be analysed.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// Analyses that were asked for and cannot be had, with the reasons.
    #[error("{}", no_analysis(.0))]
    NoAnalysis(Vec<(String, String)>),
    /// Of a table of results.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Of a report's files.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Of a study file.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// Of plugins.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Of the lock file.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Of a setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Of a run directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Of a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Of criteria.
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    /// Of a data set of the catalogue.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Of images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Of a device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Of a plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Of a benchmark.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Of a set-up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A plugin's refusal, an architecture among them.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// A weights file.
    #[error("{0}")]
    Weights(osee_sdk::Error),
    /// The working folder is gone.
    #[error("the working folder is gone, or cannot be used: {0}; change to another one: cd DIR")]
    WorkingFolder(io::Error),
    /// A plugin's crate cannot be written.
    #[error("{0}")]
    New(String),
    /// Scripts of jobs.
    #[error("cannot write jobs to {}: {error}", folder.display())]
    Jobs {
        /// Where to.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A scheduler refused.
    #[error("{0}")]
    Scheduler(String),
    /// A plugin cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Trainings of a benchmark.
    #[error(transparent)]
    Trainings(LogError),
    /// Training again gave other numbers.
    #[error(
        "{} was not made by this study on a machine of this kind; see above", .0.display()
    )]
    Differs(PathBuf),
    /// Arguments that need one another.
    #[error("{0}")]
    Usage(String),
    /// Standard output.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// Plugins of the user's own, whose code runs in a supervised process only.
    #[error("plugins of one's own need a supervised process, and this is none")]
    OwnPlugins(Vec<PathBuf>),
    /// A truth that cannot be read without the search space.
    #[error("{why} search space `{space}` alone, which cannot be had: {cause}")]
    NoSpace {
        /// What the space is needed for.
        why: String,
        /// Its id.
        space: String,
        /// Why it is not there.
        cause: String,
        /// The exit code of that.
        code: ExitCode,
    },
    /// The libtorch in use.
    #[error(transparent)]
    Libtorch(#[from] LibtorchError),
    /// The worker's socket.
    #[error("worker: {0}")]
    Worker(io::Error),
}

impl CliError {
    /// Where only a `space` knows, and that cannot be had.
    pub fn no_space(why: String, space: &str, cause: &Self) -> Self {
        let (space, code) = (space.to_owned(), cause.exit_code());
        Self::NoSpace { why, space, cause: cause.to_string(), code }
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
            Self::Output(_) | Self::Scheduler(_) | Self::Worker(_) | Self::OwnPlugins(_) => {
                ExitCode::Internal
            }
        }
    }
}

fn no_analysis(absent: &[(String, String)]) -> String {
    let absent = absent.iter().map(|(heading, reason)| format!("`{heading}`: {reason}"));
    let absent = absent.collect::<Vec<_>>().join("; ");
    format!("asked for and not to be had is {absent}; above is what would give it")
}
