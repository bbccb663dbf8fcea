//! Which plugins a command loads besides the bundled ones.

use super::{CliError, lists::refuse};
use crate::{
    loader::{Registry, Trust},
    supervisor,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Flags of every command that loads plugins.
#[derive(Debug, Default, Args)]
pub struct PluginArgs {
    /// Plugin library; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub plugin: Vec<PathBuf>,
    /// Load plugins that osee.lock does not pin: their code will run.
    #[arg(long)]
    pub allow_unpinned: bool,
}

impl PluginArgs {
    /// Refuses plugins where there is no search space to be had of them.
    pub fn needs_space(&self, named: bool) -> Result<(), CliError> {
        let why = "is about a search space, which --space names";
        match named {
            true => Ok(()),
            false => refuse(&self.given(), why),
        }
    }

    /// The options, and whether they were given.
    pub fn given(&self) -> [(&'static str, bool); 2] {
        [("--plugin", !self.plugin.is_empty()), ("--allow-unpinned", self.allow_unpinned)]
    }

    /// The given and the bundled plugins.
    pub fn registry(&self) -> Result<Registry, CliError> {
        self.load(&self.plugin, None)
    }

    /// These and the bundled plugins, with the lock file beside `study`. Where
    /// any is the user's own, only in a supervised process.
    ///
    /// # Errors
    /// [`CliError::OwnPlugins`] where this process is none.
    pub fn load(&self, files: &[PathBuf], study: Option<&Path>) -> Result<Registry, CliError> {
        let own = Registry::own(files);
        match supervisor::is_supervised() || own.is_empty() {
            true => self.load_here(files, study),
            false => Err(CliError::OwnPlugins(own)),
        }
    }

    /// The same in whatever process this is, where a debugger may be.
    pub fn load_here(&self, files: &[PathBuf], study: Option<&Path>) -> Result<Registry, CliError> {
        let trust = Trust::open(study, self.allow_unpinned)?;
        Ok(Registry::load(files, &trust)?)
    }
}
