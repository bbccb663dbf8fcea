//! Arguments that choose who receives the events of a command.

use crate::progress::{JsonLines, Reporter, Silent, Terminal};
use clap::{Args, ValueEnum};
use std::{io, sync::Arc};

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressArg {
    /// As bars on a terminal.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// As lines of JSON on standard error, one event each.
    Json,
}

/// Who is told what happens.
#[derive(Debug, Default, Args)]
pub struct ProgressArgs {
    /// How progress is shown.
    #[arg(long, value_enum, default_value_t = ProgressArg::Auto)]
    progress: ProgressArg,
}

impl ProgressArgs {
    /// The reporter that was chosen.
    pub fn reporter(&self) -> Arc<dyn Reporter> {
        match self.progress {
            ProgressArg::Auto => Arc::new(Terminal::default()),
            ProgressArg::None => Arc::new(Silent),
            ProgressArg::Json => Arc::new(JsonLines::new(io::stderr())),
        }
    }
}
