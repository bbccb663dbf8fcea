//! The command line: each subcommand in a file of its own, errors with a
//! documented exit code.

mod bench;
mod compare;
mod criteria;
mod error;
mod export;
mod leaderboard;
mod merge;
mod plan;
mod plugin;
mod plugin_args;
mod report;
mod run;
mod score;
mod shard_args;
mod space;
mod submit;
mod truth;

pub use error::{CliError, ExitCode};

use crate::export::ExportError;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Runs efficient performance estimators on neural architectures and says how
/// well they rank them.
///
/// Without a subcommand: `run`.
#[derive(Debug, Parser)]
#[command(
    name = "osee-host",
    version,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    after_help = ExitCode::HELP
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Score architectures, join with the truth, print the leaderboard.
    #[command(args_override_self = true)]
    Run(run::RunArgs),
    /// Train the supernets of a study's one-shot estimators; `run` does it, too.
    #[command(args_override_self = true)]
    Train(run::RunArgs),
    /// Print the leaderboard of a run.
    Leaderboard(leaderboard::LeaderboardArgs),
    /// Run a study as jobs of a scheduler.
    #[command(subcommand)]
    Submit(submit::SubmitCommand),
    /// Say how much a study is, how long it takes, and what is left of it.
    #[command(args_override_self = true)]
    Plan(plan::PlanArgs),
    /// Put the shards of a study together.
    Merge(merge::MergeArgs),
    /// Write all results as a table, a row per estimator, architecture and seed.
    Export(export::ExportArgs),
    /// Say why estimators are wrong: bias, variance, stability, significance.
    Analyze(report::AnalyzeArgs),
    /// The same with figures, as one page that needs no network.
    Report(report::ReportArgs),
    /// Put two or more runs side by side.
    Compare(compare::CompareArgs),
    /// Judge scores that anyone computed.
    Criteria(criteria::CriteriaArgs),
    /// Score one network under every estimator.
    Score(score::ScoreArgs),
    /// Look at search spaces.
    #[command(subcommand)]
    Space(space::SpaceCommand),
    /// Look at tables of ground truth.
    #[command(subcommand)]
    Truth(truth::TruthCommand),
    /// Look at plugins.
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// Build a benchmark; or, alone, measure where the time of scoring goes.
    Bench(bench::BenchArgs),
    /// Load a plugin and end; not for people.
    #[command(name = "__probe", hide = true)]
    Probe {
        /// The plugin.
        file: PathBuf,
    },
    /// Serve a host; not for people.
    #[command(name = "__worker", hide = true)]
    Worker,
    /// Answer what a check asks of a plugin; not for people.
    #[command(name = "__interview", hide = true)]
    Interview,
}

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    let filter = EnvFilter::try_from_env("OSEE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    let cli = Cli::parse();
    match dispatch(cli.command.unwrap_or(Command::Run(cli.run))) {
        Ok(code) => std::process::ExitCode::from(code as u8),
        // Whoever read our output has heard enough.
        Err(CliError::Export(ExportError::Write(error)))
            if error.kind() == std::io::ErrorKind::BrokenPipe =>
        {
            std::process::ExitCode::SUCCESS
        }
        Err(CliError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::from(error.exit_code() as u8)
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Run(args) => return run::run(args),
        Command::Train(args) => return run::train(args),
        Command::Merge(args) => return merge::run(&args),
        Command::Submit(command) => submit::run(command),
        Command::Plan(args) => plan::run(args),
        Command::Leaderboard(args) => leaderboard::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Analyze(args) => report::analyze(&args),
        Command::Report(args) => report::report(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Criteria(args) => criteria::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Space(command) => space::run(&command),
        Command::Truth(command) => truth::run(&command),
        Command::Plugin(command) => return plugin::run(&command),
        Command::Bench(args) => return bench::run(&args),
        Command::Probe { file } => {
            crate::loader::probe::probe(&file);
            Ok(())
        }
        Command::Worker => crate::worker::serve().map_err(CliError::Worker),
        Command::Interview => crate::conformance::serve().map_err(CliError::Worker),
    }
    .map(|()| ExitCode::Done)
}

/// Prints to standard output.
fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Output)
}
