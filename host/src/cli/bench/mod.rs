//! `osee-host bench build` and `check` make benchmarks. `osee-host bench` measures
//! where the time of zero-shot scoring goes, what the plugin boundary and worker
//! processes cost, supernets against PyTorch, and what a study of a million units costs
//! apart from its estimators. Ratios are of times measured in alternation, because
//! machines are noisy.

mod build;
mod estimators;
mod passes;
mod python;
mod pytorch;
mod scale;
mod throughput;

use super::{
    CliError, ExitCode,
    lists::{refuse, whole},
    print,
};

use crate::{
    child,
    loader::{Plugin, Registry, libtorch::this_program},
    stop::Stop,
    terminal::{output_of_child, say},
    worker::{MALLOC, policy},
};
use clap::{Args, ValueEnum};
use osee_model::{
    device::DeviceName,
    estimator::{EstimatorInfo, EstimatorKind},
};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::{io, mem, os::unix::process::CommandExt};

/// A part of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Where the time of a network goes.
    Passes,
    /// Plugin boundary, isolation, workers.
    Processes,
    /// Training and evaluation against PyTorch.
    Supernets,
    /// Later zero-shot estimators against PyTorch.
    Estimators,
    /// Planning, storing, merging and judging a million units.
    Scale,
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
    /// Networks to average over; 12 by default, 48 at least for processes, and 3 for estimators.
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=u64::MAX))]
    networks: Option<usize>,
    /// Images per batch, of passes, processes and estimators; 64 by default.
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=u64::MAX))]
    batch_size: Option<usize>,
    /// Where networks are, of passes, processes and supernets: cpu, the default, or cuda:N.
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceName>,
    /// Torch threads, of passes; 1 by default.
    #[arg(long, value_name = "N", value_parser = whole::<i32>(1..=1024))]
    threads: Option<i32>,
}

impl BenchArgs {
    fn networks(&self) -> usize {
        self.networks.unwrap_or(12)
    }

    fn batch_size(&self) -> usize {
        self.batch_size.unwrap_or(64)
    }

    fn device(&self) -> DeviceName {
        self.device.unwrap_or_default()
    }

    fn threads(&self) -> i32 {
        self.threads.unwrap_or(1)
    }

    /// Refuses options that do not affect the one part that is measured.
    fn check(&self) -> Result<(), CliError> {
        let Some(only) = self.only else { return Ok(()) };
        let unused = |option: bool, by: &[Part]| option && !by.contains(&only);
        let scored = [Part::Passes, Part::Processes, Part::Estimators];
        let on_cpu = [Part::Scale, Part::Estimators].contains(&only);
        let given = [
            ("--networks", unused(self.networks.is_some(), &scored)),
            ("--batch-size", unused(self.batch_size.is_some(), &scored)),
            ("--threads", unused(self.threads.is_some(), &scored[..1])),
            ("--device", self.device.is_some() && on_cpu),
        ];
        refuse(&given, "has no effect on the part that --only names")
    }
}

/// Measures as a worker would, and prints. `supervised` is true if the process that
/// started this one watches it.
pub fn run(args: &BenchArgs, supervised: bool) -> Result<ExitCode, CliError> {
    match &args.command {
        Some(command) => build::run(command, supervised),
        None => measure(args).map(|()| ExitCode::Done),
    }
}

/// Finds the first loaded estimator of a kind.
fn first_of(
    registry: &Registry,
    kind: EstimatorKind,
) -> Result<(&Plugin, &EstimatorInfo), CliError> {
    let none = || CliError::Usage(format!("no {kind} estimator is loaded"));
    registry.estimators().find(|(_, info)| info.kind == kind).ok_or_else(none)
}

fn measure(args: &BenchArgs) -> Result<(), CliError> {
    args.check()?;
    if args.only == Some(Part::Scale) {
        // With the environment of any other command.
        return print(&scale::run()?);
    }
    if std::env::var_os("GLIBC_TUNABLES").is_none() {
        let mut variables = policy::environment(args.device(), 1, None, false);
        // This process keeps the number of its GPU.
        variables.retain(|(name, _)| *name != "CUDA_VISIBLE_DEVICES");
        variables.push(("GLIBC_TUNABLES", MALLOC.to_owned()));
        return Err(start_again(&variables));
    }
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Passes) {
        print(&passes::run(args)?)?;
    }
    if wanted(Part::Processes) {
        print(&throughput::run(args)?)?;
    }
    if wanted(Part::Supernets) {
        print(&pytorch::run(args.device())?)?;
    }
    if wanted(Part::Estimators) {
        print(&estimators::run(args)?)?;
    }
    if args.only.is_none() {
        // A process of its own, so that its peak memory can be told.
        let mut command = this_program().map_err(CliError::Worker)?;
        command.args(["bench", "--only", "scale"]).env_remove("GLIBC_TUNABLES");
        let output = output_of_child().map_err(CliError::Worker)?;
        command.stdout(output).status().map_err(CliError::Worker)?;
    }
    Ok(())
}

/// Restarts the program in this process with these variables, which libraries read when
/// they are loaded. Returns the error if that fails.
fn start_again(variables: &[(&str, String)]) -> CliError {
    let start = || Err(child::again([])?.envs(variables.iter().cloned()).exec());
    start().map_or_else(CliError::Worker, |never: std::convert::Infallible| match never {})
}

/// Variable with the id of the process that called [`in_child`].
const PARENT: &str = "OSEE_BENCH_PARENT";

/// Runs the program again with these variables, which libraries read when they are
/// loaded, and exits as it does. If a stop ends it while libraries are loading, nothing
/// has begun.
fn in_child(variables: &[(&str, &str)], stop: &Stop) -> Result<ExitCode, CliError> {
    let run = || {
        let mut command = child::again([])?;
        command.envs(variables.iter().copied()).env(PARENT, std::process::id().to_string());
        let mut told = false;
        child::run(&mut command, || stop.is_set() && !mem::replace(&mut told, true))
    };
    let status = run().map_err(CliError::Worker)?;
    match status.code() {
        Some(code) => std::process::exit(code),
        None if stop.is_set() => {
            say("stopped before anything started; the same command starts it");
            Ok(ExitCode::Incomplete)
        }
        None => {
            Err(CliError::Worker(io::Error::other(format!("the process that trains: {status}"))))
        }
    }
}

/// Makes a process that [`in_child`] started die with its parent. A supervised process
/// has already asked for that.
fn end_with_parent(supervised: bool) -> Result<(), CliError> {
    let started = std::env::var(PARENT).ok();
    if started.is_none() || supervised {
        return Ok(());
    }
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| CliError::Worker(e.into()))?;
    match getppid().map(|it| it.as_raw_nonzero().to_string()) == started {
        true => Ok(()),
        // The parent was gone before the signal was set.
        false => {
            Err(CliError::Worker(io::Error::other("the process that started this one is gone")))
        }
    }
}
