//! Arguments that choose the plugins a command loads besides the bundled ones.

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
    /// Refuses plugin options if no search space is `named`.
    pub fn needs_space(&self, named: bool) -> Result<(), CliError> {
        let why = "is about a search space, which --space names";
        match named {
            true => Ok(()),
            false => refuse(&self.given(), why),
        }
    }

    /// The options, with true for each that was given.
    pub fn given(&self) -> [(&'static str, bool); 2] {
        [("--plugin", !self.plugin.is_empty()), ("--allow-unpinned", self.allow_unpinned)]
    }

    /// Loads the plugins of `--plugin` and the bundled ones.
    pub fn registry(&self) -> Result<Registry, CliError> {
        self.load(&self.plugin, None)
    }

    /// Loads `files` and the bundled plugins, with the lock file beside `study`. User
    /// plugins are loaded in a supervised process only.
    ///
    /// # Errors
    /// [`CliError::UserPlugins`] if there are user plugins and this process is not
    /// supervised.
    pub fn load(&self, files: &[PathBuf], study: Option<&Path>) -> Result<Registry, CliError> {
        let user = Registry::user_files(files);
        match supervisor::is_supervised() || user.is_empty() {
            true => self.load_here(files, study),
            false => Err(CliError::UserPlugins(user)),
        }
    }

    /// As [`Self::load`], in any process, which may have a debugger attached.
    pub fn load_here(&self, files: &[PathBuf], study: Option<&Path>) -> Result<Registry, CliError> {
        let trust = Trust::open(study, self.allow_unpinned)?;
        Ok(Registry::load(files, &trust)?)
    }
}
