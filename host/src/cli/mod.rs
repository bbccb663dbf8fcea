//! The command line: one file per subcommand, and errors with documented exit codes.

mod bench;
mod boards;
mod compare;
mod criteria;
mod data;
mod error;
mod export;
mod leaderboard;
mod lists;
mod merge;
mod plan;
mod plugin;
mod plugin_args;
mod progress_args;
mod report;
mod run;
mod score;
mod score_tables;
mod shard_args;
mod shell;
mod space;
mod study_args;
mod submit;
mod truth;
mod value_args;

pub use crate::exit::ExitCode;
pub use error::CliError;

use crate::{
    loader::libtorch,
    relay,
    supervisor::{self, CallLimits, Ended},
    terminal::{self, say},
};
use clap::{
    Arg, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{OsStringValueParser, TypedValueParser},
};
use osee_model::paths;
use std::{
    io::Write,
    panic::{UnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};
use tracing_subscriber::EnvFilter;

/// Runs efficient performance estimators on neural architectures and says how
/// well they rank them.
///
/// Without a subcommand: `run`. In every command the last counts of an option that
/// is given twice; those that may be repeated add up.
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
    Run(run::RunArgs),
    /// Train the supernets of a study's one-shot estimators; `run` does it, too.
    Train(run::TrainArgs),
    /// Print the leaderboard of a run.
    Leaderboard(leaderboard::LeaderboardArgs),
    /// Run a study as jobs of a scheduler.
    #[command(subcommand)]
    Submit(submit::SubmitCommand),
    /// Print how large a study is, how long it takes, and what is left of it.
    Plan(plan::PlanArgs),
    /// Merge the shards of a study.
    Merge(merge::MergeArgs),
    /// Write all results as a table, a row per estimator, architecture and seed.
    Export(export::ExportArgs),
    /// Show why estimators are wrong: bias, variance, stability, significance.
    Analyze(report::AnalyzeArgs),
    /// The same with figures, as one page that needs no network.
    Report(report::ReportArgs),
    /// Compare two or more runs.
    Compare(compare::CompareArgs),
    /// Judge scores that were computed elsewhere.
    Criteria(criteria::CriteriaArgs),
    /// Score one network under every estimator.
    Score(score::ScoreArgs),
    /// Look at search spaces.
    #[command(subcommand)]
    Space(space::SpaceCommand),
    /// Check tables of ground truth.
    #[command(subcommand)]
    Truth(truth::TruthCommand),
    /// Get data sets by name: tables of ground truth, and images.
    #[command(subcommand)]
    Data(data::DataCommand),
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
        /// What is opened.
        copy: PathBuf,
    },
    /// Serve a host; not for people.
    #[command(name = "__worker", hide = true)]
    Worker,
    /// Answer what a check asks of a plugin; not for people.
    #[command(name = "__interview", hide = true)]
    Interview,
}

/// Ends the program with a message if there is no working folder. To be called before
/// the functions that libraries run when they are loaded.
pub extern "C" fn first() {
    if let Err(error) = std::env::current_dir() {
        std::process::exit(i32::from(failed(&CliError::WorkingFolder(error))));
    }
}

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    guarded(run_program).into()
}

/// Returns the exit code of `program`, even if it panics.
pub fn guarded(program: impl FnOnce() -> u8 + UnwindSafe) -> u8 {
    terminal::report_panics();
    // The panic has been reported.
    let code = catch_unwind(program).unwrap_or(ExitCode::Internal as u8);
    relay::end_here();
    code
}

/// Runs the whole program and returns its exit code.
fn run_program() -> u8 {
    // First, before anything needs libtorch, and while there is one thread.
    if let Err(error) = libtorch::settle() {
        return failed(&error.into());
    }
    let filter = EnvFilter::try_from_env("OSEE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would report on standard error that standard error cannot be written.
        .log_internal_errors(false)
        .without_time()
        .with_target(false)
        .init();
    tracing::debug!(libtorch = ?osee_engine::cuda::mapped());
    let arguments = match supervisor::arguments() {
        Ok(arguments) => arguments,
        Err(error) => return failed(&CliError::Worker(error)),
    };
    let parsed = command().try_get_matches_from(&arguments);
    let cli = match parsed.and_then(|it| Cli::from_arg_matches(&it)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ended = terminal::keep_output(std::io::stderr())
        .map_err(CliError::Worker)
        .and_then(|()| dispatch(cli.command.unwrap_or(Command::Run(cli.run))));
    match ended {
        Ok(code) => code as u8,
        Err(CliError::UserPlugins(files)) => match CallLimits::of_environment() {
            Ok(limits) => match supervisor::run(&files, limits) {
                Ok(ended) => ended_child(&ended),
                Err(error) => failed(&CliError::Worker(error)),
            },
            Err(what) => failed(&CliError::Usage(what)),
        },
        // A reader who has hung up needs no error.
        Err(_) if terminal::reader_is_gone() => ExitCode::Done as u8,
        Err(error) => failed(&error),
    }
}

/// Prints how a supervised command ended, and returns its exit code.
fn ended_child(ended: &Ended) -> u8 {
    match ended {
        Ended::Itself(code) => *code,
        Ended::InCall { call, how } => {
            say(format_args!(
                "error: {how} in plugin code: {call}\n  \
                 help: this is a bug of the plugin; what was stored before is kept"
            ));
            ExitCode::Plugin as u8
        }
        Ended::Over { call, limit } => {
            say(format_args!(
                "error: {limit}, in plugin code: {call}\n  \
                 help: this is a bug of the plugin, or {} gives it more; what was stored before is \
                 kept",
                limit.variable()
            ));
            ExitCode::Plugin as u8
        }
        Ended::Stopped { call } => {
            let place = call.as_ref().map(|it| format!(" in plugin code: {it}"));
            say(format_args!(
                "stopped{}; what was stored before is kept, and the same command resumes",
                place.unwrap_or_default()
            ));
            ExitCode::Incomplete as u8
        }
        Ended::Killed(how, signal) => {
            say(format_args!("error: {how}"));
            // As a shell reports a signal.
            128u8.saturating_add(u8::try_from(*signal).unwrap_or_default())
        }
    }
}

fn failed(error: &CliError) -> u8 {
    say(format_args!("error: {error}"));
    error.exit_code() as u8
}

/// The command line, in which a number with a minus is the value of the option before it:
/// clap alone takes it for an unknown option.
fn command() -> clap::Command {
    fn taking_minus(command: clap::Command) -> clap::Command {
        let with_minus = |arg: Arg| match arg.get_long().is_some() {
            true if arg.get_action().takes_values() => arg.allow_negative_numbers(true),
            _ => arg,
        };
        command.mut_args(with_minus).mut_subcommands(taking_minus)
    }
    taking_minus(Cli::command())
}

/// Prints help, the version, or what is wrong with the command line.
fn usage(error: &clap::Error) -> u8 {
    match error.print() {
        Err(write) if !error.use_stderr() && write.kind() != std::io::ErrorKind::BrokenPipe => {
            failed(&CliError::Output(write))
        }
        _ => u8::try_from(error.exit_code()).unwrap_or(ExitCode::Usage as u8),
    }
}

fn dispatch(command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Run(args) => return run::run(args),
        Command::Train(args) => return run::train(args),
        Command::Merge(args) => return merge::run(&args),
        Command::Submit(command) => submit::run(command),
        Command::Plan(args) => plan::run(args),
        Command::Leaderboard(args) => return leaderboard::run(&args),
        Command::Export(args) => return export::run(&args),
        Command::Analyze(args) => return report::analyze(&args),
        Command::Report(args) => return report::report(&args),
        Command::Compare(args) => return compare::run(&args),
        Command::Criteria(args) => criteria::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Space(command) => space::run(&command),
        Command::Truth(command) => truth::run(&command),
        Command::Data(command) => return data::run(&command),
        Command::Plugin(command) => return plugin::run(&command),
        Command::Bench(args) => return bench::run(&args, supervisor::is_supervised()),
        Command::Probe { file, copy } => {
            crate::loader::probe::probe(&file, &copy);
            Ok(())
        }
        Command::Worker => crate::worker::serve().map_err(CliError::Worker),
        Command::Interview => crate::conformance::serve().map_err(CliError::Worker),
    }
    .map(|()| ExitCode::Done)
}

/// Prints to standard output.
fn print(text: &str) -> Result<(), CliError> {
    let mut out = terminal::output();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Output)
}

/// Parser of a flag that is, or contains, a path: any bytes, as [`paths::text`].
fn path_text() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|text| paths::text(Path::new(&text)))
}
