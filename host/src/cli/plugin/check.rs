//! `osee-host plugin check FILE`: the ladder, then whether what the plugin
//! exports keeps the rules. The plugin runs in a process of its own; when an
//! export ends it, another goes on with the next export.

use crate::{
    child,
    cli::{CliError, ExitCode, plugin_args::PluginArgs, print},
    conformance::{self, Verdict},
    relay::{self, Relay},
    stop::Stop,
    terminal,
    worker::{Clock, Exceeded, Limits, Watched, frames},
};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    slice,
    time::Duration,
};

/// Longest time for one rule.
const PATIENCE: Duration = Duration::from_secs(300);
/// Most memory of the process that checks, bytes; less where the machine's
/// share is less.
const MEMORY: u64 = 2 << 30;

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The plugin.
    file: PathBuf,
    /// Load it although osee.lock does not pin it: its code will run.
    #[arg(long)]
    allow_unpinned: bool,
    /// Check in this process.
    #[arg(long, hide = true)]
    here: bool,
    /// Check the exports from this number on, and tell a host of it.
    #[arg(long, hide = true)]
    from: Option<usize>,
}

/// News of a check.
#[derive(Debug, Serialize, Deserialize)]
enum News {
    /// It loads: with what, and the names of its exports.
    Loaded(String, Vec<String>),
    /// The export with this number is looked at.
    Export(usize),
    /// A rule is looked at.
    Rule(String),
    Kept,
    /// What was seen, and what to do.
    Broken(String, String),
    /// All exports have been looked at.
    Over,
}

/// Checks it and prints what failed and how to mend it.
pub fn run(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let mut report = Report::default();
    if let Some(from) = args.from {
        let mut stream = child::socket().map_err(CliError::Worker)?;
        terminal::give_output_back().map_err(CliError::Worker)?;
        examine(args, from, |news| frames::write(&mut stream, &news).map_err(CliError::Worker))?;
        return Ok(ExitCode::Done);
    }
    if args.here {
        relay::begin_here(slice::from_ref(&args.file)).map_err(CliError::Worker)?;
        examine(args, 0, |news| report.take(news))?;
        return report.end();
    }
    let mut from = 0;
    loop {
        match watch(&args.file, from, &mut report)? {
            Watch::Over => return report.end(),
            // It has said on standard error why it cannot be loaded.
            Watch::Refused => return Ok(ExitCode::Plugin),
            Watch::Died { what, help } => {
                report.take(News::Broken(what, help.to_owned()))?;
                if !report.loaded {
                    return Ok(ExitCode::Plugin);
                }
                // Past the one that ended it, also if it ended before it said so.
                from = report.at.max(from) + 1;
                if from >= report.exports.len() {
                    return report.end();
                }
            }
        }
    }
}

/// How a process that checks came to its end.
enum Watch {
    Over,
    Refused,
    Died { what: String, help: &'static str },
}

/// Checks the exports from number `from` on in a process of its own.
fn watch(file: &Path, from: usize, report: &mut Report) -> Result<Watch, CliError> {
    let (relay, printing) = Relay::begin(&[file.to_owned()]).map_err(CliError::Worker)?;
    let mut command = child::again([]).map_err(CliError::Worker)?;
    command.args(["--from", &from.to_string()]).stdout(printing);
    let (mut child, stream) = child::with_socket(&mut command).map_err(CliError::Worker)?;
    // With it this side's end of the pipe.
    drop(command);
    let ended = hear(&mut child, &stream, from, report);
    relay.end();
    ended
}

/// What the process says of the exports, and how it ends.
fn hear(
    child: &mut Child,
    stream: &UnixStream,
    from: usize,
    report: &mut Report,
) -> Result<Watch, CliError> {
    let memory = Limits::default().memory.min(MEMORY);
    let limits = Limits { time: PATIENCE, memory };
    let (stop, mut clock) = (Stop::default(), Clock::new(child.id()));
    let error = loop {
        match frames::read::<News>(&mut Watched::new(stream, limits, &stop, &mut clock)) {
            Ok(News::Over) => {
                child.wait().map_err(CliError::Worker)?;
                return Ok(Watch::Over);
            }
            // Said once, however many processes it takes.
            Ok(News::Loaded(..)) if from > 0 => {}
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
            what: format!("it did not end within {} s", limit.as_secs()),
            help: "look for a loop, and return early when network.cancelled()",
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

/// Tells `tell` what is seen of the exports from number `from` on.
fn examine(
    args: &CheckArgs,
    from: usize,
    mut tell: impl FnMut(News) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let plugins =
        PluginArgs { plugin: vec![args.file.clone()], allow_unpinned: args.allow_unpinned };
    let registry = plugins.load_here(&plugins.plugin, None)?;
    let own = std::fs::canonicalize(&args.file).unwrap_or_else(|_| args.file.clone());
    let Some(plugin) = registry.plugins().iter().find(|plugin| plugin.path == own) else {
        return Err(CliError::New(format!("{} was not loaded", args.file.display())));
    };
    let built = format!(
        "sdk {}, libtorch {}, {}",
        plugin.header.sdk, plugin.header.libtorch, plugin.header.rustc
    );
    let names = plugin.exports.iter().map(|export| export.id().to_owned()).collect();
    tell(News::Loaded(built, names))?;
    for (number, export) in plugin.exports.iter().enumerate().skip(from) {
        tell(News::Export(number))?;
        let mut told = Ok(());
        conformance::check(&registry, plugin, export, |check, verdict| {
            let news = match verdict {
                // Said before it is judged, for the plugin may end the process.
                Verdict::Begun => News::Rule(check.to_owned()),
                Verdict::Kept => News::Kept,
                Verdict::Broken { what, mend } => News::Broken(what, mend.to_owned()),
            };
            if told.is_ok() {
                told = tell(news);
            }
        });
        told?;
    }
    tell(News::Over)
}

/// What was seen, printed as it comes.
#[derive(Debug, Default)]
struct Report {
    loaded: bool,
    exports: Vec<String>,
    /// The export that is looked at.
    at: usize,
    /// Whether the last rule that was begun is judged.
    judged: bool,
    /// Broken rules of each export.
    failed: Vec<usize>,
}

impl Report {
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
            News::Rule(name) => {
                self.judged = false;
                format!("  {name} ... ")
            }
            News::Kept => {
                self.judged = true;
                "ok\n".to_owned()
            }
            News::Broken(what, mend) => {
                // It may end the process between two rules.
                let begun = if self.judged { "  it can be looked at ... " } else { "" };
                self.judged = true;
                if let Some(failed) = self.failed.get_mut(self.at) {
                    *failed += 1;
                }
                format!("{begun}FAILED\n    {what}\n    help: {mend}\n")
            }
            News::Over => return Ok(()),
        };
        // A reader that hung up does not change the verdict.
        match print(&text) {
            Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
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
            print("\nit keeps the rules\n")?;
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
