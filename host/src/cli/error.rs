//! The error of any subcommand, with its exit code.

use crate::exit::{Category, ExitCode};
use std::{error::Error, io, path::PathBuf};

/// An error of the rooms below, which says its own category.
pub trait Failure: Error + Category + Send + Sync {}

impl<E: Error + Category + Send + Sync> Failure for E {}

/// The reason why a subcommand fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// A room below fails.
    #[error("{0}")]
    Below(Box<dyn Failure>),
    /// Requested analyses are not available, for these reasons.
    #[error("{}", no_analysis(.0))]
    NoAnalysis(Vec<(String, String)>),
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
    /// A process cannot be started or reached.
    #[error("worker: {0}")]
    Worker(io::Error),
}

impl CliError {
    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Below(error) => error.exit_code(),
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

    /// The error of something that only `space` knows, if the space is not available.
    pub fn no_space(why: String, space: &str, cause: &Self) -> Self {
        let (space, code) = (space.to_owned(), cause.exit_code());
        Self::NoSpace { why, space, cause: cause.to_string(), code }
    }
}

impl<E: Failure + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Below(Box::new(error))
    }
}

fn no_analysis(absent: &[(String, String)]) -> String {
    let absent = absent.iter().map(|(heading, reason)| format!("`{heading}`: {reason}"));
    let absent = absent.collect::<Vec<_>>().join("; ");
    format!("not available: {absent}; the text above says what each needs")
}
