//! `osee-host bench build` and `bench check`: builds a benchmark's table of ground
//! truth, and tests if training again gives the same numbers.

use crate::{
    benchmark::{Benchmark, KERNELS, card},
    cli::{
        CliError, ExitCode,
        lists::{at_once, whole},
        plugin_args::PluginArgs,
        print,
        progress_args::ProgressArgs,
        study_args::note_old_keys,
    },
    runner::RunError,
    stop::Stop,
    terminal::say,
};
use clap::{Args, Subcommand};
use osee_core::{
    benchmark::{
        BenchmarkStudy, BenchmarkTable, Comparison, LogError, Training, architectures,
        compare_untrained,
    },
    shard::Shard,
};
use osee_files::write_whole;
use osee_model::seed::{order, stream};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Making and checking benchmarks.
#[derive(Debug, Subcommand)]
pub enum BenchmarkCommand {
    /// Train every architecture of a study alone, and write a table of ground truth.
    Build(BuildArgs),
    /// Train some rows of a table again and compare.
    Check(CheckArgs),
}

/// Which benchmark, and how it is trained.
#[derive(Debug, Args)]
struct Common {
    /// Study file of the benchmark.
    #[arg(long, value_name = "FILE.toml")]
    study: PathBuf,
    /// Threads that train, an architecture with all seeds each; as many as cores by default.
    #[arg(long, value_name = "N", value_parser = at_once)]
    workers: Option<usize>,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// What to build.
#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    common: Common,
    /// Folder of the trainings and the table; the same one again resumes.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Train only this share of the architectures, such as 2/5. Copy the files
    /// `trainings-*.jsonl` of all shards into one folder, and build there.
    #[arg(long, value_name = "K/N", default_value_t, allow_hyphen_values = true)]
    shard: Shard,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    common: Common,
    /// The table.
    table: PathBuf,
    /// How many architectures of the table, drawn at random.
    #[arg(long, default_value_t = 5, value_parser = whole::<u32>(1..=u32::MAX.into()))]
    rows: u32,
    /// Seed of the draw.
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>(0..=u64::MAX))]
    draw: u64,
}

/// Runs the command. `supervised` is true in a supervised process.
pub fn run(command: &BenchmarkCommand, supervised: bool) -> Result<ExitCode, CliError> {
    let stop = Stop::on_signals().map_err(RunError::Signals)?;
    if KERNELS.iter().any(|(name, _)| std::env::var_os(name).is_none()) {
        return super::in_child(&KERNELS, &stop);
    }
    super::end_with_parent(supervised)?;
    match command {
        BenchmarkCommand::Build(args) => build(args, &stop),
        BenchmarkCommand::Check(args) => check(args, &stop),
    }
}

impl Common {
    fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(cores)
    }

    /// Reads the study, resolves the benchmark, and calls the function with it.
    fn with<T>(
        &self,
        work: impl FnOnce(&Benchmark<'_>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let (study, old) = BenchmarkStudy::read(&self.study)?;
        note_old_keys(&old);
        let files = [self.plugins.plugin.as_slice(), &study.plugins].concat();
        let registry = self.plugins.load(&files, Some(&self.study))?;
        work(&Benchmark::new(&study, &registry)?)
    }
}

fn build(args: &BuildArgs, stop: &Stop) -> Result<ExitCode, CliError> {
    args.common.with(|benchmark| {
        let (limits, reporter) = ((args.common.workers(), stop), args.progress.reporter());
        let left = benchmark.build(&args.out, args.shard, limits, &*reporter)?;
        if left > 0 {
            say(format_args!(
                "stopped; {left} architectures are left, and the same command resumes with them"
            ));
            return Ok(ExitCode::Incomplete);
        }
        let table = benchmark.table(&args.out)?;
        let missing = table.missing().len();
        if missing > 0 {
            say(format_args!(
                "shard {} is done; {missing} architectures are left for other shards, whose trainings-*.jsonl must be copied into {} before the table is built",
                args.shard,
                args.out.display()
            ));
            return Ok(ExitCode::Done);
        }
        let card = card(benchmark, &table, &processor());
        let files =
            [("table.csv", table.to_csv()), ("curves.csv", table.curves_csv()), ("card.md", card)];
        for (name, text) in files {
            let path = args.out.join(name);
            write_whole(&path, &text).map_err(|source| unwritable(&path, source))?;
        }
        say(format_args!("{} holds table.csv, curves.csv and card.md", args.out.display()));
        Ok(match table.trainings().any(|it| it.failure.is_some()) {
            true => ExitCode::SomeFailed,
            false => ExitCode::Done,
        })
    })
}

fn unwritable(path: &Path, source: std::io::Error) -> CliError {
    let path = path.to_owned();
    LogError::File { path, source }.into()
}

fn check(args: &CheckArgs, stop: &Stop) -> Result<ExitCode, CliError> {
    args.common.with(|benchmark| {
        let all = &benchmark.candidates;
        let known = architectures(&args.table)?;
        let there: Vec<usize> = (0..all.len()).filter(|&i| known.contains(&all[i].arch)).collect();
        let foreign = known.len() - there.len();
        let mut random = stream(args.draw, &["bench", "check"]);
        let order = order(&mut random, there.len() as u64);
        let drawn: Vec<usize> = order.take(args.rows as usize).map(|i| there[i as usize]).collect();
        let seeds = &benchmark.study.seeds;
        let mut trainings: Vec<Training> = Vec::with_capacity(drawn.len() * seeds.len());
        benchmark.train(&drawn, (args.common.workers(), stop), |trained| {
            trainings.extend(trained);
            Ok(())
        })?;
        if stop.is_set() {
            say("stopped; nothing was compared");
            return Ok(ExitCode::Incomplete);
        }
        let lost = trainings.iter().all(|it| it.failure.is_some());
        let candidates: Vec<_> = drawn.iter().map(|&i| all[i].clone()).collect();
        let table = BenchmarkTable::new(&candidates, seeds, trainings);
        let Comparison { numbers, differences } = table.compare(&args.table)?;
        // What needs no training is checked in every row.
        let others = there.iter().filter(|at| !drawn.contains(at));
        let others: Vec<_> = others.map(|&at| all[at].clone()).collect();
        let rest = compare_untrained(&args.table, &others, seeds)?;
        let mut text = String::new();
        for (it, whose) in differences
            .iter()
            .map(|it| (it, "now"))
            .chain(rest.differences.iter().map(|it| (it, "by the space or by its seeds")))
        {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{} {}: {} in the table, {} {whose}",
                it.arch, it.column, it.table, it.now
            );
        }
        if foreign > 0 {
            let _ = writeln!(
                text,
                "{foreign} rows of the table are of architectures that the study does not have"
            );
        }
        let _ = writeln!(
            text,
            "{} of {numbers} numbers of {} architectures with {} seeds are the table's",
            numbers - differences.len(),
            drawn.len(),
            seeds.len()
        );
        if !others.is_empty() {
            let _ = writeln!(
                text,
                "{} of {} parameters, FLOPs and means of the other {} are right",
                rest.numbers - rest.differences.len(),
                rest.numbers,
                others.len()
            );
        }
        if lost && differences.is_empty() {
            text += "no training of them came to its end, as the table says; --draw draws others\n";
        }
        print(&text)?;
        match foreign == 0 && differences.is_empty() && rest.differences.is_empty() {
            true => Ok(ExitCode::Done),
            false => Err(CliError::Differs(args.table.clone())),
        }
    })
}

/// Model of the processor and number of cores.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}
