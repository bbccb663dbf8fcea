//! `osee-host merge OUT [DIR...]`: merges shards, and says what is missing.

use super::{CliError, ExitCode, plugin_args::PluginArgs, print, shell::path_word};
use crate::{
    loader::Registry,
    runner::{self, MergeReport, RunError},
    stop, supervisor,
};
use clap::Args;
use osee_core::{
    run_dir::RunDir,
    shard::Shard,
    store::{Store, StoreError},
};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// What is merged into what.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Run directory of the whole study.
    out: PathBuf,
    /// Run directories of its shards; OUT/shard-K-of-N by default.
    dirs: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &MergeArgs) -> Result<ExitCode, CliError> {
    let out = RunDir::new(&args.out);
    let dirs: Vec<RunDir> = match args.dirs.as_slice() {
        [] => shards_in(&out)?.into_iter().map(|(_, dir)| dir).collect(),
        dirs => dirs.iter().map(RunDir::from).collect(),
    };
    let own = user_files(&dirs);
    if !own.is_empty() && !supervisor::is_supervised() {
        return Err(CliError::UserPlugins(own));
    }
    // A merge is one transaction, so a signal may end it at any time.
    stop::end_on_signals(ExitCode::Incomplete as i32).map_err(RunError::Signals)?;
    // The lock file beside the study of submitted jobs, if there is one.
    let submitted = out.jobs_study();
    let registry = |store: &Store| -> Result<Registry, CliError> {
        let study = store.study()?;
        let plugins = PluginArgs::default();
        let registry = plugins.load_here(&study.plugins, Some(&submitted));
        registry
            .or_else(|_| plugins.load_here(&study.plugins, None))
            .or_else(|_| plugins.registry())
    };
    let report = runner::merge(&out, &dirs, registry)?;
    print(&said(&report, &args.out))?;
    Ok(if report.is_complete() { ExitCode::Done } else { ExitCode::Incomplete })
}

/// User plugins that the study names: its meta estimators say in this process what they
/// judge by, before a worker asks them to.
fn user_files(dirs: &[RunDir]) -> Vec<PathBuf> {
    let study = dirs.iter().find_map(|dir| Store::open(dir).ok()?.study().ok());
    study.map(|study| Registry::user_files(&study.plugins)).unwrap_or_default()
}

/// The shards in the directory of the whole run, by number.
pub fn shards_in(out: &RunDir) -> Result<Vec<(Shard, RunDir)>, CliError> {
    out.shards().map_err(|error| {
        let reason = error.to_string();
        StoreError::NoRun { dir: out.path().to_owned(), reason }.into()
    })
}

fn said(report: &MergeReport, out: &Path) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut say = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    for part in &report.parts {
        let dir = &part.dir;
        let name = part.shard.map_or_else(String::new, |shard| format!(" (shard {shard})"));
        match &part.progress {
            Ok(Some(progress)) if progress.outstanding == 0 => {}
            Ok(Some(progress)) => say(format!(
                "{dir}{name}: {} of {} units are outstanding; the command that made it resumes",
                progress.outstanding, progress.units
            )),
            Ok(None) => say(format!("{dir}{name}: nothing is in it yet")),
            Err(error) => say(format!("left out: {error}")),
        }
    }
    if report.progress.outstanding > 0 {
        for shard in &report.absent {
            say(format!("shard {shard}: its directory is not among those merged"));
        }
    }
    for (row, why) in &report.left_out {
        say(format!("`{row}` was not computed over the whole population: {why}"));
    }
    let (merged, progress) = (report.merged, report.progress);
    say(format!(
        "{} directories: {} results are new, {} were there; {} of {} units are complete",
        report.parts.len(),
        merged.added,
        merged.known,
        progress.units - progress.outstanding,
        progress.units
    ));
    if merged.of_other_gpu > 0 {
        say(format!(
            "{} scores differ because two models of GPUs computed them; the first directory's are kept",
            merged.of_other_gpu
        ));
    }
    match report.is_complete() {
        true => say(format!("complete; osee-host leaderboard {} prints it", path_word(out))),
        false => say("incomplete; merge again when the rest is there".to_owned()),
    }
    text
}
