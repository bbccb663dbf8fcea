//! `osee-host plugin`: lists, makes, checks and trusts plugins.

mod check;
mod list;
mod new;
mod trust;

use super::{CliError, ExitCode};
use clap::Subcommand;

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Every plugin that is found, and what it exports.
    List(list::ListArgs),
    /// Write a new plugin's crate.
    New(new::NewArgs),
    /// Check that a plugin keeps the rules.
    Check(check::CheckArgs),
    /// Pin a plugin's file in osee.lock.
    Trust(trust::TrustArgs),
}

/// Runs the command.
pub fn run(command: &PluginCommand) -> Result<ExitCode, CliError> {
    match command {
        PluginCommand::List(args) => list::run(args)?,
        PluginCommand::New(args) => new::run(args)?,
        PluginCommand::Check(args) => return check::run(args),
        PluginCommand::Trust(args) => trust::run(args)?,
    }
    Ok(ExitCode::Done)
}
