//! `osee-host bench build`: benchmarks. `osee-host bench`: where the time of zero-shot scoring goes, what the plugin
//! boundary and worker processes cost, and supernets against PyTorch. Ratios
//! are of times that were taken in turns, because machines are noisy.

mod build;
mod passes;
mod pytorch;
mod throughput;

use super::{CliError, ExitCode, print};
use crate::worker::MALLOC;
use clap::{Args, ValueEnum};
use std::{os::unix::process::CommandExt, process::Command};

/// A part of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Where the time of a network goes.
    Passes,
    /// Plugin boundary, isolation, workers.
    Processes,
    /// Training and evaluation against PyTorch.
    Supernets,
}

/// How much to measure.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: Option<build::BenchmarkCommand>,
    /// One part only.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Networks to average over.
    #[arg(long, default_value_t = 12)]
    networks: usize,
    /// Images per batch.
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// Torch threads.
    #[arg(long, default_value_t = 1)]
    threads: i32,
}

/// Measures as a worker would, and prints.
pub fn run(args: &BenchArgs) -> Result<ExitCode, CliError> {
    match &args.command {
        Some(command) => build::run(command),
        None => measure(args).map(|()| ExitCode::Done),
    }
}

fn measure(args: &BenchArgs) -> Result<(), CliError> {
    if std::env::var_os("GLIBC_TUNABLES").is_none() {
        // glibc reads its settings when a process starts.
        let failed = Command::new(std::env::current_exe().map_err(CliError::Worker)?)
            .args(std::env::args_os().skip(1))
            .env("GLIBC_TUNABLES", MALLOC)
            .exec();
        return Err(CliError::Worker(failed));
    }
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Passes) {
        print(&passes::run(args)?)?;
    }
    if wanted(Part::Processes) {
        print(&throughput::run(args)?)?;
    }
    if wanted(Part::Supernets) {
        print(&pytorch::run()?)?;
    }
    Ok(())
}
