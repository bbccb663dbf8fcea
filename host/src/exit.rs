//! Exit codes of osee-host. Every error type gives its own code.

use osee_core::{
    benchmark::LogError, criteria::CriteriaError, store::StoreError, study::StudyError,
    truth::TableError,
};
use osee_engine::{DeviceError, data::DataError};
use osee_model::settings::SettingError;
use osee_report::html::WriteError;

/// How osee-host ends. The numbers are part of its interface and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything was done.
    Done = 0,
    /// A failure that no input caused: a worker, a device, output.
    Internal = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Something named does not exist or is malformed (a study, space, estimator,
    /// setting or architecture), or a requested analysis is not available.
    Input = 3,
    /// A plugin cannot be loaded, or its code ended the program.
    Plugin = 4,
    /// The run directory cannot be used.
    Store = 5,
    /// Images or weights are not available or cannot be read.
    Data = 6,
    /// A truth or score table is not available or cannot be used.
    Table = 7,
    /// The study was run to its end, but some scores failed.
    SomeFailed = 8,
    /// Stopped before its end, or something is not there yet; the same command resumes.
    Incomplete = 9,
}

impl ExitCode {
    /// The list of codes for `--help`.
    pub const HELP: &'static str = "Exit codes: 0 done; 1 internal failure; 2 usage; \
        3 unknown or malformed study, space, estimator, setting or architecture, or an analysis \
        that --only names and is not available; \
        4 plugin that cannot be loaded, or ended the program; 5 run directory; 6 images or weights; 7 truth or score table; \
        8 done, but some scores failed by an error, a crash or a limit \
        (undefined ones are no fault); \
        9 incomplete: stopped by SIGTERM, SIGINT or SIGHUP, or shards or trainings are missing; \
        nothing is lost, and the same command resumes.";
}

/// An error that knows the exit code it leads to.
pub trait Category {
    /// The exit code.
    fn exit_code(&self) -> ExitCode;
}

macro_rules! categories {
    ($($error:ty => $code:ident,)*) => {
        $(impl Category for $error {
            fn exit_code(&self) -> ExitCode {
                ExitCode::$code
            }
        })*
    };
}

// Errors of the crates below, which know no exit codes.
categories! {
    CriteriaError => Table,
    DataError => Data,
    DeviceError => Internal,
    LogError => Store,
    SettingError => Input,
    StoreError => Store,
    StudyError => Input,
    TableError => Table,
    WriteError => Internal,
    osee_sdk::Error => Input,
}
