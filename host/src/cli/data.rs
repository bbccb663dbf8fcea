//! `osee-host data`: fetches, imports and finds data sets of the catalogue.

use super::{CliError, ExitCode, print, progress_args::ProgressArgs};
use crate::{
    catalog::{self, CATALOG, Card, Entry, Fetching, Home, Kind},
    stop::Stop,
    terminal::say,
};
use clap::{Args, Subcommand};
use osee_report::number::file_size;
use std::{fmt::Write, path::PathBuf};

/// What to do with data sets.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Every data set, whether it is here, and how large it is.
    List,
    /// Download data sets, check them and convert them.
    Fetch(FetchArgs),
    /// Print where a table, or the folder of images, is.
    Path(OneArgs),
    /// Read every byte of the named data sets, or of all, and compare it with what was written.
    Verify(SomeArgs),
    /// Remove data sets; a file that osee-host did not write, or that was changed since, is kept.
    Remove(NamesArgs),
    /// Import a data set from a file or folder that you have.
    Import(ImportArgs),
}

/// Which, and how.
#[derive(Debug, Args)]
pub struct FetchArgs {
    #[command(flatten)]
    names: NamesArgs,
    /// Do not use the network: take only what is here, or in the folder that OSEE_DATA_MIRROR names.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// Which.
#[derive(Debug, Args)]
pub struct NamesArgs {
    /// Data sets.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Which, or all.
#[derive(Debug, Args)]
pub struct SomeArgs {
    /// Data sets.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// Which.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// The data set.
    name: String,
}

/// Which, and from where.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The data set.
    name: String,
    /// Its file, or a folder with its files.
    path: PathBuf,
}

/// Runs the command.
pub fn run(command: &DataCommand) -> Result<ExitCode, CliError> {
    let home = Home::find()?;
    match command {
        DataCommand::List => list(&home)?,
        DataCommand::Path(args) => {
            let path = home.located(catalog::find(&args.name)?)?;
            print(&format!("{}\n", path.display()))?;
        }
        DataCommand::Fetch(args) => {
            let how = Fetching::from_environment(args.offline, args.progress.reporter());
            return each(&entries(&args.names.names)?, |entry, stop| {
                let card = catalog::fetch(entry, &home, &how, stop)?;
                is_here(entry, &home, &card)
            });
        }
        DataCommand::Import(args) => {
            let entry = catalog::find(&args.name)?;
            let card = catalog::import(entry, &args.path, &home, &stop()?)?;
            is_here(entry, &home, &card)?;
        }
        DataCommand::Verify(args) => return verify(&args.names, &home),
        DataCommand::Remove(args) => {
            return each(&entries(&args.names)?, |entry, stop| {
                for path in home.remove(entry, stop)? {
                    say(format_args!(
                        "{} is kept: osee-host did not write it, or it was changed since",
                        path.display()
                    ));
                }
                Ok(())
            });
        }
    }
    Ok(ExitCode::Done)
}

fn entries(names: &[String]) -> Result<Vec<&'static Entry>, CliError> {
    names.iter().map(|name| Ok(catalog::find(name)?)).collect()
}

fn stop() -> Result<Stop, CliError> {
    Stop::on_signals().map_err(CliError::Worker)
}

/// Applies a function to data sets. One that fails does not stop the others.
fn each(
    entries: &[&Entry],
    mut act: impl FnMut(&Entry, &Stop) -> Result<(), CliError>,
) -> Result<ExitCode, CliError> {
    let stop = stop()?;
    let mut code = ExitCode::Done;
    for entry in entries {
        match act(entry, &stop) {
            Ok(()) => {}
            Err(error) if entries.len() == 1 || error.exit_code() == ExitCode::Incomplete => {
                return Err(error);
            }
            Err(error) => {
                say(format_args!("error: {error}"));
                if code == ExitCode::Done {
                    code = error.exit_code();
                }
            }
        }
    }
    Ok(code)
}

fn is_here(entry: &Entry, home: &Home, card: &Card) -> Result<(), CliError> {
    let path = home.located(entry)?;
    let rows = card.rows.map(|rows| format!("{rows} rows; ")).unwrap_or_default();
    say(format_args!("{} is in {} ({rows}licence: {})", entry.name, path.display(), card.licence));
    Ok(())
}

fn list(home: &Home) -> Result<(), CliError> {
    let mut text = format!("data sets in {}\n", home.path().display());
    for entry in CATALOG.entries() {
        let kind = match entry.kind {
            Kind::Table => "table",
            Kind::Images => "images",
        };
        let state = match (home.card(entry), entry.download(), entry.converter) {
            (Ok(Some(card)), ..) => format!("here, {}", file_size(card.bytes())),
            (Err(_), ..) => "damaged".to_owned(),
            (_, Some(bytes), _) => format!("fetch, {}", file_size(bytes)),
            (_, None, Some(_)) => "import".to_owned(),
            (_, None, None) => "not read".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<14} {kind:<6}  {state:<14}  {}", entry.name, entry.title);
    }
    print(&text)
}

fn verify(names: &[String], home: &Home) -> Result<ExitCode, CliError> {
    let mut chosen = entries(names)?;
    if names.is_empty() {
        // A data set whose card cannot be read is verified as well.
        let here = |entry: &&Entry| !matches!(home.card(entry), Ok(None));
        chosen = CATALOG.entries().iter().filter(here).collect();
    }
    if chosen.is_empty() {
        say(format_args!("there is no data set in {}", home.path().display()));
    }
    each(&chosen, |entry, stop| {
        let card = home.verify(entry, stop)?;
        let (count, bytes) = (card.files.len(), file_size(card.bytes()));
        print(&format!("{}: {count} files, {bytes}, as they were written\n", entry.name))
    })
}
