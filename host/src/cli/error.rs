//! What can go wrong, and with which exit code.

use crate::{
    analysis::MaterialError,
    catalog::{CatalogError, Kind},
    export::ExportError,
    leaderboard::LeaderboardError,
    loader::{LoadError, LockError, RegistryError, libtorch::LibtorchError},
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

/// How osee-host ends. Part of its interface: numbers do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// It failed in a way that is nobody's input: a worker, a device, output.
    Internal = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Something named is not there, or malformed: a study, space, estimator,
    /// setting or architecture; or an analysis asked for that cannot be had.
    Input = 3,
    /// A plugin cannot be loaded, or its code ended the program.
    Plugin = 4,
    /// The run directory cannot be used.
    Store = 5,
    /// Images or weights cannot be had or read.
    Data = 6,
    /// A truth or score table cannot be had or used.
    Table = 7,
    /// The study was run to its end, but some scores failed.
    SomeFailed = 8,
    /// Stopped before its end, or something is not there yet; the same command
    /// goes on.
    Incomplete = 9,
}

impl ExitCode {
    /// For `--help`.
    pub const HELP: &'static str = "Exit codes: 0 done; 1 internal failure; 2 usage; \
        3 unknown or malformed study, space, estimator, setting or architecture, or an analysis \
        asked for by --only that cannot be had; \
        4 plugin that cannot be loaded, or ended the program; 5 run directory; 6 images or weights; 7 truth or score table; \
        8 done, but some scores failed by an error, a crash or a limit \
        (undefined ones are no fault); \
        9 incomplete: stopped by SIGTERM, SIGINT or SIGHUP, or shards or trainings are missing; \
        nothing is lost, and the same command goes on.";
}

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

    /// Its exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Study(_)
            | Self::Setting(_)
            | Self::Plugin(_)
            | Self::New(_)
            | Self::NoAnalysis(_)
            | Self::WorkingFolder(_)
            | Self::Device(DeviceError::Unknown(_))
            | Self::Setup(SetupError::Device(DeviceError::Unknown(_))) => ExitCode::Input,
            Self::Usage(_) => ExitCode::Usage,
            Self::NoSpace { code, .. } => *code,
            Self::Libtorch(LibtorchError::None(_) | LibtorchError::Unusable { .. }) => {
                ExitCode::Input
            }
            Self::Lock(_) | Self::Load(_) => ExitCode::Plugin,
            Self::Store(_)
            | Self::Trainings(_)
            | Self::Jobs { .. }
            | Self::Leaderboard(LeaderboardError::Store(_)) => ExitCode::Store,
            Self::Table(_)
            | Self::Criteria(_)
            | Self::Differs(_)
            | Self::Leaderboard(_)
            | Self::Truth(_) => ExitCode::Table,
            Self::Material(error) => match error {
                MaterialError::Store(_)
                | MaterialError::Leaderboard(LeaderboardError::Store(_)) => ExitCode::Store,
                MaterialError::Plugin(_) => ExitCode::Input,
                MaterialError::TooFewScored(_) => ExitCode::Incomplete,
                _ => ExitCode::Table,
            },
            Self::Export(ExportError::Store(_)) => ExitCode::Store,
            Self::Catalog(error) => catalog(error),
            Self::Data(_) | Self::Weights(_) => ExitCode::Data,
            Self::Registry(error) | Self::Setup(SetupError::Registry(error)) => registry(error),
            Self::Setup(SetupError::Data(_)) => ExitCode::Data,
            Self::Setup(SetupError::Plugin(_)) => ExitCode::Input,
            Self::Run(error) => run(error),
            Self::Device(_)
            | Self::Write(_)
            | Self::Setup(_)
            | Self::Output(_)
            | Self::Export(_)
            | Self::Scheduler(_)
            | Self::Worker(_)
            | Self::OwnPlugins(_)
            | Self::Libtorch(_) => ExitCode::Internal,
        }
    }
}

fn no_analysis(absent: &[(String, String)]) -> String {
    let absent = absent.iter().map(|(heading, reason)| format!("`{heading}`: {reason}"));
    let absent = absent.collect::<Vec<_>>().join("; ");
    format!("asked for and not to be had is {absent}; above is what would give it")
}

fn catalog(error: &CatalogError) -> ExitCode {
    match error {
        CatalogError::Stopped { .. } => ExitCode::Incomplete,
        CatalogError::Of { kind: Kind::Table, .. }
        | CatalogError::UnknownTable { .. }
        | CatalogError::NoTask(_) => ExitCode::Table,
        CatalogError::Of { kind: Kind::Images, .. } => ExitCode::Data,
        CatalogError::Unknown { .. } | CatalogError::NoHome => ExitCode::Input,
    }
}

fn registry(error: &RegistryError) -> ExitCode {
    match error {
        RegistryError::Unknown { .. } => ExitCode::Input,
        _ => ExitCode::Plugin,
    }
}

fn run(error: &RunError) -> ExitCode {
    match error {
        RunError::Registry(error) => registry(error),
        RunError::Catalog(error) => catalog(error),
        RunError::Store(_)
        | RunError::Merge(_)
        | RunError::NoShards(_)
        | RunError::OtherWeights(_) => ExitCode::Store,
        RunError::Untrained { .. } => ExitCode::Incomplete,
        RunError::Data(_) | RunError::Weights { .. } => ExitCode::Data,
        RunError::Device(DeviceError::Unknown(_)) => ExitCode::Input,
        RunError::Device(_) | RunError::Worker(_) | RunError::Signals(_) => ExitCode::Internal,
        _ => ExitCode::Input,
    }
}
