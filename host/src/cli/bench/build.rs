//! `osee-host bench build` and `bench check`: a benchmark's table of ground
//! truth, and whether training again gives the same numbers.

use crate::{
    benchmark::{Benchmark, BuildError},
    cli::{CliError, ExitCode, plugin_args::PluginArgs, print},
    worker::MALLOC,
};
use clap::{Args, Subcommand};
use osee_core::{
    analysis::noise_ceiling,
    benchmark::{BenchmarkStudy, BenchmarkTable, Training},
    seed::{order, stream},
    shard::Shard,
    store::write_whole,
    truth::Ties,
};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// What sums depend on besides their order: the instructions that libraries
/// choose by the processor. With these all x86-64 processors of the last ten
/// years take the same ones.
const KERNELS: [(&str, &str); 5] = [
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_CBWR", "COMPATIBLE"),
    ("OMP_NUM_THREADS", "1"),
    ("GLIBC_TUNABLES", MALLOC),
];

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
    /// Threads that train, one network each; as many as cores by default.
    #[arg(long)]
    workers: Option<usize>,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// What to build.
#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    common: Common,
    /// Folder of the trainings and the table; the same again resumes.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Train only this share of the trainings, such as 2/5. Copy the files
    /// `trainings-*.jsonl` of all shards into one folder, and build there.
    #[arg(long, value_name = "K/N", default_value_t)]
    shard: Shard,
}

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    common: Common,
    /// The table.
    table: PathBuf,
    /// How many architectures, drawn at random.
    #[arg(long, default_value_t = 5)]
    rows: usize,
    /// Seed of the draw.
    #[arg(long, default_value_t = 0)]
    draw: u64,
}

/// Runs the command.
pub fn run(command: &BenchmarkCommand) -> Result<ExitCode, CliError> {
    if KERNELS.iter().any(|(name, _)| std::env::var_os(name).is_none()) {
        return Err(super::start_again(&KERNELS));
    }
    match command {
        BenchmarkCommand::Build(args) => build(args),
        BenchmarkCommand::Check(args) => check(args),
    }
}

impl Common {
    fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(cores)
    }

    /// Reads the study, and does with it what is to be done.
    fn with<T>(
        &self,
        work: impl FnOnce(&Benchmark<'_>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let study = BenchmarkStudy::read(&self.study)?;
        let files = [self.plugins.plugin.as_slice(), &study.plugins].concat();
        let registry = self.plugins.load(&files, Some(&self.study))?;
        work(&Benchmark::new(&study, &registry)?)
    }
}

fn build(args: &BuildArgs) -> Result<ExitCode, CliError> {
    args.common.with(|benchmark| {
        benchmark.build(&args.out, args.shard, args.common.workers())?;
        let table = benchmark.table(&args.out)?;
        let missing = table.missing().len();
        if missing > 0 {
            eprintln!(
                "shard {} is done; {missing} architectures are left for other shards, whose \
                 trainings-*.jsonl belong into {} for the table",
                args.shard,
                args.out.display()
            );
            return Ok(ExitCode::Done);
        }
        let card = card(benchmark, &table);
        let files =
            [("table.csv", table.to_csv()), ("curves.csv", table.curves_csv()), ("card.md", card)];
        for (name, text) in files {
            let path = args.out.join(name);
            write_whole(&path, &text).map_err(|source| unwritable(&path, source))?;
        }
        eprintln!("{} holds table.csv, curves.csv and card.md", args.out.display());
        Ok(match table.trainings().any(|it| it.failure.is_some()) {
            true => ExitCode::SomeFailed,
            false => ExitCode::Done,
        })
    })
}

fn unwritable(path: &Path, source: std::io::Error) -> CliError {
    let path = path.to_owned();
    BuildError::Log(osee_core::benchmark::LogError::File { path, source }).into()
}

fn check(args: &CheckArgs) -> Result<ExitCode, CliError> {
    args.common.with(|benchmark| {
        let all = &benchmark.candidates;
        let mut random = stream(args.draw, &["bench", "check"]);
        let drawn: Vec<usize> =
            order(&mut random, all.len() as u64).take(args.rows).map(|i| i as usize).collect();
        let seeds = &benchmark.study.seeds;
        let mut trainings: Vec<Training> = Vec::with_capacity(drawn.len() * seeds.len());
        benchmark.train(&drawn, args.common.workers(), |trained| {
            trainings.extend(trained);
            Ok(())
        })?;
        let candidates: Vec<_> = drawn.iter().map(|&i| all[i].clone()).collect();
        let table = BenchmarkTable::new(&candidates, seeds, trainings);
        let differences = table.differences(&args.table)?;
        let mut text = String::new();
        for it in &differences {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{} {}: {} in the table, {} now",
                it.arch, it.column, it.table, it.now
            );
        }
        let numbers = drawn.len() * seeds.len() * table.numbers_per_training();
        let _ = writeln!(
            text,
            "{} of {numbers} numbers of {} architectures with {} seeds are the table's",
            numbers - differences.len(),
            drawn.len(),
            seeds.len()
        );
        print(&text)?;
        match differences.len() {
            0 => Ok(ExitCode::Done),
            _ => Err(CliError::Differs(args.table.clone())),
        }
    })
}

/// What a user of the table should know of it.
fn card(benchmark: &Benchmark<'_>, table: &BenchmarkTable<'_>) -> String {
    let (study, recipe) = (benchmark.study, &benchmark.recipe);
    let runs = table.accuracies();
    let means: Vec<f64> = runs
        .iter()
        .map(|runs| runs.iter().sum::<f64>() / runs.len() as f64)
        .filter(|mean| mean.is_finite())
        .collect();
    let mut sorted = means.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * (sorted.len() - 1) as f64).round() as usize);
    let percent =
        |share| at(share).map_or_else(|| "-".to_owned(), |it| format!("{:.1}", 100.0 * it));
    let seconds: f64 = table.trainings().map(|it| it.seconds).sum();
    let failed = table.trainings().filter(|it| it.failure.is_some()).count();
    let ties = Ties::of(&means);
    let mut lines = vec![
        format!("# {}", study.name),
        String::new(),
        format!(
            "{} architectures of `{}`, each trained alone with seeds {:?}; {failed} trainings failed.",
            runs.len(),
            study.space.id,
            study.seeds
        ),
        String::new(),
        "| | |".to_owned(),
        "|---|---|".to_owned(),
        format!("| truth | `{}`, mean over seeds |", table.truth_column()),
        format!(
            "| accuracy, % | least {}, quartiles {} {} {}, most {} |",
            percent(0.0),
            percent(0.25),
            percent(0.5),
            percent(0.75),
            percent(1.0)
        ),
        format!(
            "| ties of the mean | {} distinct values; {:.2}% of the pairs are tied |",
            ties.distinct,
            100.0 * ties.pairs
        ),
    ];
    lines.extend(noise(&runs));
    lines.push(format!(
        "| cost | {:.2} hours of one core; {:.2} s a training |",
        seconds / 3600.0,
        seconds / table.trainings().count().max(1) as f64
    ));
    lines.push(format!(
        "| made by | osee {}, libtorch {} |",
        env!("CARGO_PKG_VERSION"),
        osee_sdk::LIBTORCH
    ));
    lines.push(format!("| on | {} |", processor()));
    let kernels = KERNELS.map(|(name, value)| format!("{name}={value}"));
    lines.push(format!("| kernels | {} |", kernels[..3].join(", ")));
    let settings = toml::to_string(recipe).expect("a recipe is plain data");
    let space = toml::to_string(&benchmark.space_settings).expect("settings are plain data");
    lines.extend([String::new(), "The recipe:".to_owned(), String::new(), "```toml".to_owned()]);
    lines.extend([settings.trim().to_owned(), "```".to_owned(), String::new()]);
    lines.extend(["Settings of the space:".to_owned(), String::new(), "```toml".to_owned()]);
    lines.extend([space.trim().to_owned(), "```".to_owned(), String::new()]);
    lines.push(
        "Networks are judged with the statistics that batch normalisations see of the first \
         `validation-batch-size` training images under the weights at hand."
            .to_owned(),
    );
    lines.join("\n") + "\n"
}

/// Lines of the card.
fn noise(runs: &[Vec<f64>]) -> Vec<String> {
    let Ok(report) = noise_ceiling(runs) else { return Vec::new() };
    let Some(kd) = report.seed_kd else { return Vec::new() };
    let mut lines = vec![format!("| KD between single seeds | {kd:.3} |")];
    if let Some(most) = report.ceilings.last() {
        lines.push(format!(
            "| KD that a perfect estimator would have with the mean of {} | {:.3} |",
            most.seeds, most.ceiling_kd
        ));
    }
    lines
}

/// Model and number of cores.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

impl From<BuildError> for CliError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Study(error) => error.into(),
            BuildError::Architectures(error) => error.into(),
            BuildError::Registry(error) => error.into(),
            BuildError::Setting(error) => error.into(),
            BuildError::Data(error) => error.into(),
            BuildError::Device(error) => error.into(),
            BuildError::Plugin(error) => error.into(),
            BuildError::Log(error) => Self::Trainings(error),
        }
    }
}
