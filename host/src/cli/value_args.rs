//! Values of flags, for types of rooms that know nothing of the command line.

use crate::{export::Table, leaderboard::Format, runner::Isolation};
use clap::ValueEnum;
use osee_core::{criteria::Compat, truth::Duplicates};

/// Declares an enum with the same variants as another, and converts to that; the docs
/// of its variants are what `--help` prints.
macro_rules! mirrored {
    ($(
        $(#[$meta:meta])*
        $name:ident of $of:ident { $($(#[$doc:meta])* $variant:ident,)* }
    )*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
            pub enum $name { $($(#[$doc])* $variant,)* }

            impl From<$name> for $of {
                fn from(arg: $name) -> Self {
                    match arg {
                        $($name::$variant => Self::$variant,)*
                    }
                }
            }
        )*
    };
}

mirrored! {
    /// Which row of a table counts.
    DuplicatesArg of Duplicates {
        /// An error.
        Error,
        /// The first row counts.
        First,
        /// The last row counts.
        Last,
        /// Their mean counts.
        Mean,
    }
    /// Which tie rule.
    CompatArg of Compat {
        /// Every number is its mean over all ways to break ties.
        Osee,
        /// As the paper's published tables: by a reversed sort of the rows.
        Awnas,
    }
    /// Where plugins run.
    IsolationArg of Isolation {
        /// In worker processes: a crash costs a worker.
        Process,
        /// In the host itself, one network at a time: a crash ends it. For
        /// debuggers.
        None,
    }
    /// How a leaderboard is written.
    FormatArg of Format {
        /// For a terminal.
        Table,
        /// One row per estimator.
        Csv,
        /// Everything.
        Json,
        /// For a README.
        Markdown,
        /// One row per judged architecture, without neighbours; one column per
        /// estimator.
        ScoresCsv,
    }
    /// A file format.
    TableArg of Table {
        /// For everything.
        Csv,
        /// Typed and compressed.
        Parquet,
    }
}
