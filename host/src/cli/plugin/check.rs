//! `osee-host plugin check FILE`: climbs the ladder, then checks that the exports keep
//! the rules. The plugin runs in a process of its own; if an export ends it, another
//! process continues with the next export.

use crate::{
    child,
    cli::{CliError, ExitCode, lists::seconds, plugin_args::PluginArgs, print},
    conformance::{self, Alone, Terms, Verdict},
    loader::{Plugin, Registry},
    relay::{self, Relay},
    stop::Stop,
    terminal::{self, reader_is_gone},
    worker::{Clock, Exceeded, Limits, Watched, frames},
};
use clap::Args;
use osee_model::device::DeviceName;
use serde::{Deserialize, Serialize};
use std::{
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, ExitStatus},
    slice,
    time::Duration,
};

/// Shortest limit for an answer of a fresh process, which has to start first.
const PATIENCE: Duration = Duration::from_secs(60);
/// Upper bound on the checking process's memory limit, in bytes; the machine's share
/// may be less.
const MEMORY: u64 = 2 << 30;

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The plugin.
    file: PathBuf,
    /// Load it although osee.lock does not pin it: its code will run.
    #[arg(long)]
    allow_unpinned: bool,
    /// Longest time for one rule.
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    time_limit: Duration,
    /// Where estimators score networks: cpu or cuda:N.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceName,
    /// Check in this process, and no export beside others.
    #[arg(long, hide = true)]
    here: bool,
    /// Check the exports from this number on, and tell a host of it.
    #[arg(long, hide = true)]
    from: Option<usize>,
    /// Ask exports beside one another, and tell a host of it, which says which.
    #[arg(long, hide = true)]
    beside: bool,
}

impl CheckArgs {
    /// The conditions of the check. A fresh process has some time for each answer.
    fn terms(&self) -> Terms {
        Terms { patience: PATIENCE.max(self.time_limit / 5), device: self.device }
    }
}

/// A message from a checking process.
#[derive(Debug, Serialize, Deserialize)]
enum News {
    /// The plugin is loaded, with its description and the names of its exports.
    Loaded(String, Vec<String>),
    /// The check of the export with this number begins.
    Export(usize),
    /// The check of this rule begins.
    Rule(String),
    Kept,
    /// A rule is broken: what was seen, and what to do.
    Broken(String, String),
    /// Answers of the current export when it is asked alone.
    Alone(Alone),
    /// The check of exports beside one another begins.
    Beside,
    /// The next messages are about the export with this number.
    At(usize),
    /// All exports have been checked.
    Over,
}

/// Checks a plugin, and prints what failed and how to mend it.
pub fn run(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let mut report = Report::default();
    if args.from.is_some() || args.beside {
        let mut stream = child::socket().map_err(CliError::Worker)?;
        terminal::give_output_back().map_err(CliError::Worker)?;
        // When its time is over, the host ends a rule and reports it.
        let _stop = Stop::left_to_host().map_err(CliError::Worker)?;
        let asked: Vec<(usize, Alone)> = match args.beside {
            true => frames::read(&mut stream).map_err(CliError::Worker)?,
            false => Vec::new(),
        };
        let tell = |news| frames::write(&mut stream, &news).map_err(CliError::Worker);
        match args.from {
            Some(from) => examine(args, from, tell)?,
            None => compare(args, asked, tell)?,
        }
        return Ok(ExitCode::Done);
    }
    if args.here {
        relay::begin_here(slice::from_ref(&args.file)).map_err(CliError::Worker)?;
        examine(args, 0, |news| report.take(news))?;
        return report.end();
    }
    let mut from = 0;
    loop {
        match watch(args, Part::From(from), &mut report)? {
            Watch::Over => break,
            // It has reported on standard error why it cannot be loaded.
            Watch::Refused => return Ok(ExitCode::Plugin),
            Watch::Died { what, help } => {
                report.take(News::Broken(what, help.to_owned()))?;
                if !report.loaded {
                    return Ok(ExitCode::Plugin);
                }
                // Continue after the export that ended it, even if it ended before
                // reporting it.
                from = report.at.max(from) + 1;
                if from >= report.exports.len() {
                    break;
                }
            }
        }
    }
    let alone = report.clean();
    if alone.len() > 1
        && let Watch::Died { what, help } = watch(args, Part::Beside(&alone), &mut report)?
    {
        report.take(News::Broken(what, help.to_owned()))?;
    }
    report.end()
}

/// The part of a check that a process does.
enum Part<'a> {
    /// Check the exports from this number on.
    From(usize),
    /// Ask these exports beside one another.
    Beside(&'a [(usize, Alone)]),
}

impl Part<'_> {
    /// True if no earlier process has reported what is loaded.
    fn is_first(&self) -> bool {
        matches!(self, Self::From(0))
    }
}

/// How a checking process ended.
enum Watch {
    Over,
    Refused,
    Died { what: String, help: &'static str },
}

/// Runs a part of the check in a process of its own.
fn watch(args: &CheckArgs, part: Part<'_>, report: &mut Report) -> Result<Watch, CliError> {
    let (relay, printing) = Relay::begin(slice::from_ref(&args.file)).map_err(CliError::Worker)?;
    let mut command = child::again([]).map_err(CliError::Worker)?;
    let most = match args.device {
        DeviceName::Cpu => MEMORY,
        // CUDA's own memory there is as large.
        DeviceName::Cuda(_) => u64::MAX,
    };
    let mut limits = Limits { time: args.time_limit, memory: Limits::default().memory.min(most) };
    match part {
        Part::From(from) => command.args(["--from", &from.to_string()]),
        Part::Beside(alone) => {
            // It asks all of them before it reports anything.
            limits.time = args.terms().patience.saturating_mul(alone.len() as u32);
            command.arg("--beside")
        }
    };
    command.stdout(printing);
    let (mut child, mut stream) = child::with_socket(&mut command).map_err(CliError::Worker)?;
    // This also drops this side's end of the pipe.
    drop(command);
    if let Part::Beside(alone) = part {
        frames::write(&mut stream, &alone).map_err(CliError::Worker)?;
    }
    let ended = hear((&mut child, &stream), limits, &part, report);
    relay.end();
    ended
}

/// Reads the messages of the process, and how it ends.
fn hear(
    (child, stream): (&mut Child, &UnixStream),
    limits: Limits,
    part: &Part<'_>,
    report: &mut Report,
) -> Result<Watch, CliError> {
    let (stop, mut clock) = (Stop::default(), Clock::new(child.id()));
    let error = loop {
        match frames::read::<News>(&mut Watched::new(stream, limits, &stop, &mut clock)) {
            Ok(News::Over) => {
                child.wait().map_err(CliError::Worker)?;
                return Ok(Watch::Over);
            }
            // Said once, however many processes there are.
            Ok(News::Loaded(..)) if !part.is_first() => {}
            Ok(news) => report.take(news)?,
            Err(error) => break error,
        }
    };
    let exceeded = error.get_ref().and_then(|inner| inner.downcast_ref::<Exceeded>()).cloned();
    if exceeded.is_some() {
        child.kill().map_err(CliError::Worker)?;
    }
    let status = child.wait().map_err(CliError::Worker)?;
    if !report.loaded && exceeded.is_none() && status.code().is_some() {
        return Ok(Watch::Refused);
    }
    Ok(died(exceeded.as_ref(), status))
}

fn died(exceeded: Option<&Exceeded>, status: ExitStatus) -> Watch {
    match exceeded {
        Some(Exceeded::Time(limit)) => Watch::Died {
            what: format!("it did not end within {} s", limit.as_secs_f64()),
            help: "look for a loop, and return early when network.cancelled(); --time-limit allows more",
        },
        Some(Exceeded::Memory(limit)) => Watch::Died {
            what: format!("it held more than {} MiB", limit >> 20),
            help: "look for a list or a loop without end",
        },
        None => Watch::Died {
            what: format!("the plugin ended the process: {status}"),
            help: "run it in a debugger: osee-host plugin check --here FILE",
        },
    }
}

/// Checks the exports from number `from` on, and passes messages to `tell`.
fn examine(
    args: &CheckArgs,
    from: usize,
    mut tell: impl FnMut(News) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let registry = load(args)?;
    let plugin = checked(&registry, args)?;
    let built = format!(
        "sdk {}, libtorch {}, {}",
        plugin.header.sdk, plugin.header.libtorch, plugin.header.rustc
    );
    let names = plugin.exports.iter().map(|export| export.id().to_owned()).collect();
    tell(News::Loaded(built, names))?;
    for (number, export) in plugin.exports.iter().enumerate().skip(from) {
        tell(News::Export(number))?;
        let mut told = Ok(());
        let alone =
            conformance::check(&registry, plugin, export, args.terms(), |check, verdict| {
                let news = match verdict {
                    // Sent before the verdict, since the plugin may end the process.
                    Verdict::Begun => News::Rule(check.to_owned()),
                    Verdict::Kept => News::Kept,
                    Verdict::Broken { what, mend } => News::Broken(what, mend.to_owned()),
                };
                if told.is_ok() {
                    told = tell(news);
                }
            });
        told?;
        if let Some(alone) = alone {
            tell(News::Alone(alone))?;
        }
    }
    tell(News::Over)
}

/// Compares exports, by number, beside one another; passes messages to `tell`.
fn compare(
    args: &CheckArgs,
    asked: Vec<(usize, Alone)>,
    mut tell: impl FnMut(News) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let registry = load(args)?;
    let plugin = checked(&registry, args)?;
    tell(News::Beside)?;
    tell(News::Rule("each export answers as it does alone".to_owned()))?;
    let (numbers, alone): (Vec<usize>, Vec<Alone>) = asked.into_iter().unzip();
    let found = conformance::check_beside(plugin, &alone, args.terms());
    if found.is_empty() {
        tell(News::Kept)?;
    }
    for (at, (one, what)) in found.into_iter().enumerate() {
        tell(News::At(numbers[one]))?;
        if at > 0 {
            tell(News::Rule("each export answers as it does alone".to_owned()))?;
        }
        let what = format!("{}: {what}", plugin.exports[numbers[one]].id());
        tell(News::Broken(what, conformance::APART.to_owned()))?;
    }
    tell(News::Over)
}

fn load(args: &CheckArgs) -> Result<Registry, CliError> {
    let plugins =
        PluginArgs { plugin: vec![args.file.clone()], allow_unpinned: args.allow_unpinned };
    plugins.load_here(&plugins.plugin, None)
}

/// Finds the plugin that is checked.
fn checked<'a>(registry: &'a Registry, args: &CheckArgs) -> Result<&'a Plugin, CliError> {
    let own = std::fs::canonicalize(&args.file).unwrap_or_else(|_| args.file.clone());
    let plugin = registry.plugins().iter().find(|plugin| plugin.path == own);
    plugin.ok_or_else(|| CliError::New(format!("{} was not loaded", args.file.display())))
}

/// The results of a check, printed as they arrive.
#[derive(Debug, Default)]
struct Report {
    loaded: bool,
    exports: Vec<String>,
    /// Number of the current export.
    at: usize,
    /// True if the last rule begun has a verdict.
    judged: bool,
    /// Number of broken rules of each export.
    failed: Vec<usize>,
    /// Answers of exports, by number, when asked alone.
    alone: Vec<(usize, Alone)>,
}

impl Report {
    /// Answers of the exports that have kept every rule so far.
    fn clean(&self) -> Vec<(usize, Alone)> {
        let kept = |(number, _): &&(usize, Alone)| self.failed.get(*number) == Some(&0);
        self.alone.iter().filter(kept).cloned().collect()
    }

    fn take(&mut self, news: News) -> Result<(), CliError> {
        let text = match news {
            News::Loaded(built, exports) => {
                self.loaded = true;
                let text = format!("it loads: {built}, {} exports\n", exports.len());
                self.failed = vec![0; exports.len()];
                self.exports = exports;
                text
            }
            News::Export(number) => {
                self.at = number;
                self.judged = true;
                format!("\n{}\n", self.exports.get(number).map_or("", String::as_str))
            }
            News::Alone(alone) => {
                self.alone.push((self.at, alone));
                return Ok(());
            }
            News::Beside => "\nbeside one another\n".to_owned(),
            News::At(number) => {
                self.at = number;
                return Ok(());
            }
            News::Rule(name) => {
                self.judged = false;
                format!("  {name} ... ")
            }
            News::Kept => {
                self.judged = true;
                "ok\n".to_owned()
            }
            News::Broken(what, mend) => {
                // The plugin may end the process between two rules.
                let begun = if self.judged { "  it can be inspected ... " } else { "" };
                self.judged = true;
                if let Some(failed) = self.failed.get_mut(self.at) {
                    *failed += 1;
                }
                format!("{begun}FAILED\n    {what}\n    help: {mend}\n")
            }
            News::Over => return Ok(()),
        };
        // A reader who hangs up does not change the verdict.
        match print(&text) {
            Err(_) if reader_is_gone() => Ok(()),
            printed => printed,
        }
    }

    fn end(&self) -> Result<ExitCode, CliError> {
        let broken: Vec<&str> = self
            .exports
            .iter()
            .zip(&self.failed)
            .filter(|(_, failed)| **failed > 0)
            .map(|(export, _)| export.as_str())
            .collect();
        if broken.is_empty() && self.loaded {
            print("\nit passes every check\n")?;
            return Ok(ExitCode::Done);
        }
        print(&format!(
            "\n{} checks failed, of {} of {} exports: {}\n",
            self.failed.iter().sum::<usize>(),
            broken.len(),
            self.exports.len(),
            broken.join(", ")
        ))?;
        Ok(ExitCode::Plugin)
    }
}
