//! `osee-host bench`: where the time of zero-shot scoring goes, and what the
//! plugin boundary and worker processes cost; and supernets
//! against PyTorch. Ratios are of times that were
//! taken in turns, because machines are noisy.

mod passes;
mod pytorch;
mod throughput;

use super::{CliError, print};
use crate::worker::MALLOC;
use clap::Args;
use std::{os::unix::process::CommandExt, process::Command};

/// How much to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
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
pub fn run(args: &BenchArgs) -> Result<(), CliError> {
    if std::env::var_os("GLIBC_TUNABLES").is_none() {
        // glibc reads its settings when a process starts.
        let failed = Command::new(std::env::current_exe().map_err(CliError::Worker)?)
            .args(std::env::args_os().skip(1))
            .env("GLIBC_TUNABLES", MALLOC)
            .exec();
        return Err(CliError::Worker(failed));
    }
    print(&passes::run(args)?)?;
    print(&throughput::run(args)?)?;
    print(&pytorch::run()?)
}
