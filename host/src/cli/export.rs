//! `osee-host export DIR`: writes the results of a run as a table.

use super::{
    CliError, ExitCode,
    leaderboard::{TruthArgs, ended, own_truth_of},
    value_args::TableArg,
};
use crate::{
    export::{ExportError, export},
    leaderboard::Scored,
    terminal::output,
};
use clap::Args;
use osee_core::store::Store;
use std::{fs::File, path::PathBuf};

/// Which run, and where to.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Run directory.
    dir: PathBuf,
    /// File format.
    #[arg(long, value_enum, default_value_t = TableArg::Csv)]
    format: TableArg,
    /// File; standard output by default.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    truth: TruthArgs,
    /// Leave times out, so that two runs of a study are the same bytes.
    #[arg(long)]
    no_timing: bool,
}

/// Runs the command. A file is written whole or not at all; an unfinished run is
/// written as far as it is.
pub fn run(args: &ExportArgs) -> Result<ExitCode, CliError> {
    let store = Store::open(&args.dir)?;
    write(args, &store)?;
    let (scored, _) = Scored::of(&store)?;
    Ok(ended([(&args.dir, &scored)]))
}

fn write(args: &ExportArgs, store: &Store) -> Result<(), CliError> {
    let judged = own_truth_of(store, &args.truth)?;
    let judged = judged.as_ref().map(|(_, judged)| judged);
    let Some(file) = &args.out else {
        let out = output();
        return Ok(export(store, judged, !args.no_timing, args.format.into(), out)?);
    };
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let to = File::create(&part).map_err(ExportError::Write)?;
    let written = export(store, judged, !args.no_timing, args.format.into(), to);
    let moved = written.and_then(|()| Ok(std::fs::rename(&part, file)?));
    if moved.is_err() {
        // Half a table is of no use.
        let _ = std::fs::remove_file(&part);
    }
    Ok(moved?)
}
