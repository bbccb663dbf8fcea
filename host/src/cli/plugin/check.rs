//! `osee-host plugin check FILE`: the ladder, then whether what the plugin
//! exports keeps the rules. The plugin runs in a process of its own.

use crate::{
    cli::{CliError, ExitCode, plugin_args::PluginArgs, print},
    conformance::{self, Verdict},
    loader::{Plugin, libtorch::this_program},
    terminal::output_of_child,
};
use clap::Args;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longest time for all checks.
const PATIENCE: Duration = Duration::from_secs(300);

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
}

/// Checks it and prints what failed and how to mend it.
pub fn run(args: &CheckArgs) -> Result<ExitCode, CliError> {
    if args.here {
        return here(args);
    }
    let start = || {
        let mut command = this_program()?;
        command.args(std::env::args_os().skip(1)).arg("--here").stdout(output_of_child()?).spawn()
    };
    let mut child = start().map_err(CliError::Worker)?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(CliError::Worker)? {
            Some(status) => break status,
            None if start.elapsed() > PATIENCE => {
                child.kill().and_then(|()| child.wait()).map_err(CliError::Worker)?;
                print(&format!(
                    "FAILED\n    it did not end within {} s\n    \
                     help: look for a loop, and return early when network.cancelled()\n",
                    PATIENCE.as_secs()
                ))?;
                return Ok(ExitCode::Plugin);
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    match status.code() {
        Some(0) => Ok(ExitCode::Done),
        Some(_) => Ok(ExitCode::Plugin),
        None => {
            print(&format!(
                "FAILED\n    the plugin ended the process: {status}\n    \
                 help: run it in a debugger: osee-host plugin check --here FILE\n"
            ))?;
            Ok(ExitCode::Plugin)
        }
    }
}

fn here(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let plugins =
        PluginArgs { plugin: vec![args.file.clone()], allow_unpinned: args.allow_unpinned };
    let registry = plugins.load_here(&plugins.plugin, None)?;
    let own = std::fs::canonicalize(&args.file).unwrap_or_else(|_| args.file.clone());
    let Some(plugin) = registry.plugins().iter().find(|plugin| plugin.path == own) else {
        return Err(CliError::New(format!("{} was not loaded", args.file.display())));
    };
    print(&format!(
        "it loads: sdk {}, libtorch {}, {}, {} exports\n",
        plugin.header.sdk,
        plugin.header.libtorch,
        plugin.header.rustc,
        plugin.exports.len()
    ))?;
    let (mut failed, mut names) = (0, Vec::new());
    for export in &plugin.exports {
        print(&format!("\n{}\n", export.id()))?;
        let before = failed;
        let checked = conformance::check(&registry, plugin, export, |check, verdict| {
            let line = match verdict {
                // Said before it is judged, for the plugin may end the process.
                Verdict::Begun => format!("  {check} ... "),
                Verdict::Kept => "ok\n".to_owned(),
                Verdict::Broken { what, mend } => {
                    failed += 1;
                    format!("FAILED\n    {what}\n    help: {mend}\n")
                }
            };
            // A reader that hung up does not change the verdict.
            let _ = print(&line);
        });
        if let Err(error) = checked {
            // The other exports may be checked all the same.
            failed += 1;
            print(&format!("  FAILED\n    it cannot be checked: {error}\n"))?;
        }
        if failed > before {
            names.push(export.id());
        }
    }
    print(&match failed {
        0 => "\nit keeps the rules\n".to_owned(),
        failed => format!("\n{failed} checks failed, of {}\n", names.join(", ")),
    })?;
    Ok(if failed == 0 { ExitCode::Done } else { ExitCode::Plugin })
}

/// Prints the scores of one estimator in this process, for [`conformance`].
pub fn scores(file: &Path, copy: &Path, id: &str) -> Result<(), CliError> {
    let registry = PluginArgs::default().registry()?;
    let plugin = Plugin::load_copy(file, copy, |_, _| Ok(()))?;
    let scores = conformance::scores_backwards(&registry, &plugin, id)?;
    print(&serde_json::to_string(&scores).expect("scores are plain data"))
}
