//! `osee-host [run]`.

use super::{
    CliError, ExitCode, criteria::DuplicatesArg, path_text, plugin_args::PluginArgs, print,
    shard_args::ShardArg,
};
use crate::{
    loader::Registry,
    report::{Format, Leaderboard, TruthTable, faults, render, standing},
    runner::{self, Failed, Isolation, Plan, Ran, RunError, RunOptions, Stop},
    terminal::{say, say_text},
    worker::Limits,
};
use clap::Args;
use osee_core::{
    criteria::CriteriaOptions,
    csv_text::{Field, csv_text},
    estimator::FailureKind,
    paths,
    settings::Settings,
    store::{Curve, Store},
    study::{Architectures, EstimatorChoice, Study, TruthChoice},
    truth::{Duplicates, Filter},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Arguments that make or change a study.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Study file; osee.toml if there is one, else the embedded benchmark where
    /// --space, --data and --truth name nothing else; --data digits or --truth
    /// embedded:nb201-digits alone are its own. What follows overrides it.
    #[arg(long, value_name = "FILE.toml")]
    study: Option<PathBuf>,
    #[command(flatten)]
    plugins: PluginArgs,
    /// Search space.
    #[arg(long)]
    space: Option<String>,
    /// Setting of the search space, such as channels=8.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Estimators by comma, or all.
    #[arg(long, value_name = "A,B|all")]
    estimators: Option<String>,
    /// How many architectures, all, or a file with one per line.
    #[arg(long, value_name = "N|all|FILE", value_parser = path_text())]
    archs: Option<String>,
    /// Only architectures that the truth table has.
    #[arg(long)]
    judged: bool,
    /// One architecture per isomorphism group.
    #[arg(long)]
    unique: bool,
    /// Of so many architectures, all mutations, too: pairs for the analysis by
    /// operation. They are not on the leaderboard.
    #[arg(long, value_name = "K")]
    neighbours: Option<u64>,
    /// Initialisation seeds by comma.
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true, value_parser = seed)]
    seeds: Option<Vec<u64>>,
    /// Protocol preset: paper, zero-cost-nas, naswot or naslib.
    #[arg(long)]
    preset: Option<String>,
    /// Images per batch.
    #[arg(long)]
    batch_size: Option<usize>,
    /// digits, cifar10:FOLDER, cifar100:FOLDER, imagenet16-120:FOLDER or noise.
    #[arg(long, value_name = "SPEC", value_parser = path_text())]
    data: Option<String>,
    /// Ground truth, CSV or CSV.gz.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Column of the truth; the space's own for these images by default.
    #[arg(long, value_name = "COL", requires = "truth")]
    truth_column: Option<String>,
    /// Key column of the truth; the space's own by default.
    #[arg(long, value_name = "COL", requires = "truth")]
    truth_key: Option<String>,
    /// Which row of the truth counts when rows of one architecture differ.
    #[arg(long, value_enum, requires = "truth")]
    duplicates: Option<DuplicatesArg>,
    /// Only rows of the truth with this in a column, such as task=jigsaw; may be
    /// repeated.
    #[arg(long = "where", value_name = "COL=VALUE", requires = "truth")]
    filter: Vec<Filter>,
    /// A row of the truth is about all architectures isomorphic to its own.
    #[arg(long, requires = "truth")]
    truth_isomorphic: bool,
    /// cpu or cuda:N.
    #[arg(long)]
    device: Option<String>,
    /// Run directory; the same again resumes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Worker processes; as many as cores by default.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Where plugins run; none is for debuggers.
    #[arg(long, value_enum, default_value_t = Isolation::Process)]
    isolation: Isolation,
    /// Longest time for one score; 120 by default. Scores that failed by a
    /// limit are tried again when it is wider.
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<f64>,
    /// Most memory of one worker; three quarters of the machine's over its
    /// cores by default.
    #[arg(long, value_name = "MIB")]
    memory_limit: Option<u64>,
    /// Try failed scores of these kinds again, by comma: undefined, not-finite,
    /// error, panic, crash, timeout; without a kind all but undefined ones.
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "all")]
    retry_failed: Option<String>,
    /// Torch's threads in each worker. Another number changes the last bits
    /// of sums.
    #[arg(long, value_name = "N", default_value_t = 1)]
    torch_threads: usize,
    #[command(flatten)]
    shard: ShardArg,
    /// How the leaderboard is printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// A seed, by itself.
fn seed(text: &str) -> Result<u64, String> {
    let most = u64::MAX;
    text.trim().parse().map_err(|_| format!("a seed is a whole number from 0 to {most}"))
}

/// Runs the study and prints its leaderboard.
pub fn run(args: RunArgs) -> Result<ExitCode, CliError> {
    let options = args.options(stop()?)?;
    let mut prepared = args.prepare()?;
    let Prepared { study, registry, plan, truth } = &mut prepared;
    if let (Some(choice), Some(TruthTable { truth, .. })) = (&mut study.truth, &*truth) {
        // Whoever reads the run later needs no plugin to know its columns.
        choice.key.get_or_insert_with(|| truth.key.clone());
        choice.column.get_or_insert_with(|| truth.column.clone());
    }
    // A truth that cannot be used is better known before the hours of scoring.
    let space = registry.space(&study.space.id)?;
    let judge = |it: &TruthTable| it.judge(&plan.architectures, Some(&space));
    let judged = truth.as_ref().map(judge).transpose()?;
    let truth = truth.as_ref().map(|it| it.truth.clone()).zip(judged);
    if options.stop.is_set() {
        return Ok(not_begun());
    }
    let Ran { store, failed, stopped } = runner::run(study, plan, registry, &options)?;
    let trained = report_trainings(&failed);
    if let Some(units) = stopped {
        say(format_args!(
            "stopped; {units} units are outstanding, and the same command goes on with them"
        ));
        return Ok(ExitCode::Incomplete);
    }
    if !plan.shard.is_whole() {
        return shard_done(plan, &store, trained);
    }
    let mut board = Leaderboard::new(&store, truth, &CriteriaOptions::default())?;
    board.brought = given(registry);
    print(&render(&board, args.format, true))?;
    if args.format == Format::Table {
        print(&standing(&board))?;
    }
    let faults = faults(&board);
    say_text(board.scored.notice());
    say_text(&faults);
    say(format_args!("everything is in {}", plan.setup.run.display()));
    Ok(match faults.is_empty() && trained {
        true if board.scored.unfinished => ExitCode::Incomplete,
        true => ExitCode::Done,
        false => ExitCode::SomeFailed,
    })
}

/// Says how a shard ended: what needs the whole study comes with the merge.
fn shard_done(plan: &Plan, store: &Store, trained: bool) -> Result<ExitCode, CliError> {
    let units = store.progress()?.unwrap_or_default().units;
    say(format_args!(
        "shard {}: its {units} units are in {}; the leaderboard, and estimators that vote over the \
         whole study, come when all shards are there: osee-host merge {}",
        plan.shard,
        plan.dir.display(),
        plan.setup.run.display()
    ));
    let failed = store.failures()?;
    for (row, kind, count) in &failed {
        say(format_args!("{row}: {count} x {kind}"));
    }
    Ok(if failed.is_empty() && trained { ExitCode::Done } else { ExitCode::SomeFailed })
}

/// Trains the study's supernets, without scoring anything.
pub fn train(args: RunArgs) -> Result<ExitCode, CliError> {
    let options = args.options(stop()?)?;
    let Prepared { study, plan, .. } = args.prepare()?;
    if plan.setup.supernets.is_empty() {
        let what = "the study has no one-shot estimator, so there is no supernet to train";
        return Err(CliError::Usage(what.to_owned()));
    }
    if options.stop.is_set() {
        return Ok(not_begun());
    }
    let Ran { store, failed, stopped } = runner::train(&study, &plan, &options)?;
    print(&curves(&plan, &store)?)?;
    let trained = report_trainings(&failed);
    say(format_args!("checkpoints are in {}", plan.setup.run.join("supernets").display()));
    if let Some(trainings) = stopped {
        say(format_args!("stopped; {trainings} trainings are left, and the same command goes on"));
        return Ok(ExitCode::Incomplete);
    }
    Ok(if trained { ExitCode::Done } else { ExitCode::SomeFailed })
}

/// Learning curves of the plan's supernets as CSV.
fn curves(plan: &Plan, store: &Store) -> Result<String, CliError> {
    let names = ["supernet", "seed", "epoch", "loss", "accuracy", "learning_rate", "images_per_s"];
    let all = store.curves()?;
    let rows = plan.setup.supernets.iter().flat_map(|spec| {
        let own = all.iter().filter(|curve| curve.supernet == spec.key);
        own.map(|Curve { seed, report, .. }| -> Vec<Field<'_>> {
            vec![
                spec.name.as_str().into(),
                (*seed).into(),
                u64::from(report.epoch).into(),
                report.loss.into(),
                report.accuracy.into(),
                report.learning_rate.into(),
                report.images_per_second.into(),
            ]
        })
    });
    Ok(csv_text(names, rows))
}

/// Set by signals from here on: before anything that takes time.
fn stop() -> Result<Stop, RunError> {
    Stop::on_signals().map_err(RunError::Signals)
}

fn not_begun() -> ExitCode {
    say("stopped before anything was begun; the same command begins it");
    ExitCode::Incomplete
}

/// Says what was not trained; whether all was.
fn report_trainings(failed: &[Failed]) -> bool {
    for Failed { job: (_, seed), name, error } in failed {
        say(format_args!(
            "{name} seed {seed} is not trained: {error}; the same command goes on with it"
        ));
    }
    failed.is_empty()
}

/// Ids of the estimators that the user brought.
fn given(registry: &Registry) -> Vec<String> {
    let exports = registry.given().iter().flat_map(|plugin| &plugin.exports);
    exports.map(|export| export.id().to_owned()).collect()
}

/// Studied where the user names neither a study nor a space, images or a truth.
const EMBEDDED: &str = include_str!("../../studies/digits.toml");

/// A study with what it names.
pub(super) struct Prepared {
    pub study: Study,
    pub registry: Registry,
    pub plan: Plan,
    pub truth: Option<TruthTable>,
}

impl RunArgs {
    /// The study file, if any.
    fn file(&self) -> Option<PathBuf> {
        let own = Some(PathBuf::from("osee.toml")).filter(|file| file.exists());
        self.study.clone().or(own)
    }

    pub(super) fn prepare(&self) -> Result<Prepared, CliError> {
        let mut study = self.study()?;
        let file = self.file();
        let registry = match self.isolation {
            Isolation::Process => self.plugins.load(&study.plugins, file.as_deref())?,
            Isolation::None => self.plugins.load_here(&study.plugins, file.as_deref())?,
        };
        let space = registry.space(&study.space.id)?;
        let truth = study.truth.as_ref();
        let data = study.data_kind();
        let truth = truth.map(|choice| TruthTable::read(choice, Some(&space), data)).transpose()?;
        let out = self.out.clone().unwrap_or_else(|| Path::new("runs").join(&study.name));
        let mut plan = Plan::new(&study, &registry, &out, truth.as_ref())?;
        plan.setup.threads = self.torch_threads.max(1);
        // Who reads the run later is told which of its architectures are judged.
        let neighbours = plan.architectures.len() > plan.drawn;
        study.architectures.drawn = neighbours.then_some(plan.drawn as u64);
        Ok(Prepared { study, registry, plan, truth })
    }

    /// What a run is told that the study does not hold.
    pub(super) fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        flags.extend(self.time_limit.map(|seconds| format!("--time-limit={seconds}")));
        flags.extend(self.memory_limit.map(|mib| format!("--memory-limit={mib}")));
        flags.extend(self.retry_failed.iter().map(|kinds| format!("--retry-failed={kinds}")));
        if self.torch_threads != 1 {
            flags.push(format!("--torch-threads={}", self.torch_threads));
        }
        if self.isolation == Isolation::None {
            flags.push("--isolation=none".to_owned());
        }
        flags
    }

    /// Worker processes.
    pub(super) fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(cores)
    }

    pub(super) fn options(&self, stop: Stop) -> Result<RunOptions, CliError> {
        let mut limits = Limits::default();
        if let Some(seconds) = self.time_limit {
            limits.time = Duration::try_from_secs_f64(seconds)
                .map_err(|error| CliError::Usage(format!("--time-limit {seconds}: {error}")))?;
        }
        if let Some(mib) = self.memory_limit {
            limits.memory = mib.saturating_mul(1 << 20);
        }
        let retry = match self.retry_failed.as_deref() {
            None => Vec::new(),
            Some(kinds) => kinds_of(kinds)?,
        };
        Ok(RunOptions { isolation: self.isolation, workers: self.workers(), limits, retry, stop })
    }

    /// The study where there is no file: the embedded benchmark, unless a space,
    /// images or a truth are named that are not its own.
    fn unwritten(&self) -> Result<Study, CliError> {
        let embedded = Study::parse("digits.toml", EMBEDDED)?;
        let own_truth = embedded.truth.as_ref().map(|truth| &truth.file);
        let data = self.data.as_ref().map(|data| *data == embedded.data);
        let truth = self.truth.as_ref().map(|file| Some(file) == own_truth);
        let space = self.space.as_ref().map(|space| *space == embedded.space.id);
        // A space alone is no reason: it has other networks than that benchmark's.
        let named = space.is_some() && data.is_none() && truth.is_none();
        let other = [data, truth, space].contains(&Some(false));
        Ok(if named || other { Study::default() } else { embedded })
    }

    fn study(&self) -> Result<Study, CliError> {
        let mut study = match self.file() {
            Some(file) => Study::read(&file)?,
            None => self.unwritten()?,
        };
        study.plugins.extend(self.plugins.plugin.iter().cloned());
        if let Some(space) = &self.space {
            study.space.id.clone_from(space);
        }
        study.space.settings.extend(Settings::parse_assignments(&self.set)?);
        match self.estimators.as_deref() {
            None => {}
            Some("all") => study.estimators.clear(),
            Some(list) => {
                study.estimators =
                    list.split(',').map(|id| EstimatorChoice::plain(id.trim())).collect();
            }
        }
        match self.archs.as_deref() {
            None => {}
            Some("all") => (study.architectures.count, study.architectures.file) = (None, None),
            Some(text) => match text.parse() {
                Ok(count) => {
                    (study.architectures.count, study.architectures.file) = (Some(count), None);
                }
                Err(_) => {
                    let file = Some(paths::path(text));
                    // A list says itself how many there are, and which.
                    let of = study.architectures;
                    study.architectures = Architectures { file, count: None, judged: false, ..of };
                }
            },
        }
        if self.file().is_none() && self.archs.is_some() {
            // Uniqueness is the default study's own choice.
            study.architectures.unique = false;
        }
        study.architectures.judged |= self.judged;
        study.architectures.unique |= self.unique;
        if let Some(neighbours) = self.neighbours {
            study.architectures.neighbours = neighbours;
        }
        if self.archs.is_some() && !study.architectures.draws() {
            // The seed was that of the draw which these stand for.
            study.architectures.seed = 0;
        }
        if let Some(seeds) = &self.seeds {
            study.seeds.clone_from(seeds);
        }
        if let Some(preset) = &self.preset {
            study.protocol.preset.clone_from(preset);
        }
        study.protocol.batch_size = self.batch_size.or(study.protocol.batch_size);
        if let Some(data) = &self.data {
            study.data.clone_from(data);
            if data == "noise" {
                study.protocol = study.protocol.of_noise();
            }
        }
        if let Some(device) = &self.device {
            study.device.clone_from(device);
        }
        if let Some(file) = &self.truth {
            let (key, column) = (self.truth_key.clone(), self.truth_column.clone());
            let duplicates = self.duplicates.map_or_else(Duplicates::default, Into::into);
            let (file, isomorphic) = (file.clone(), self.truth_isomorphic);
            let rows = self.filter.iter().map(|it| (it.column.clone(), it.value.clone())).collect();
            study.truth = Some(TruthChoice { file, key, column, duplicates, isomorphic, rows });
        }
        if let Some(shard) = self.shard.shard()? {
            study.shard = shard;
        }
        study.check()?;
        // The run directory is read from other folders, too.
        let here = std::env::current_dir().map_err(CliError::WorkingFolder)?;
        study.rebase(&here);
        Ok(study)
    }
}

/// Kinds of failures, by comma; `all` is every one that is a fault.
fn kinds_of(text: &str) -> Result<Vec<FailureKind>, CliError> {
    let named = |name: &str| {
        let kind = FailureKind::ALL.into_iter().find(|kind| kind.to_string() == name);
        let names = FailureKind::ALL.map(|kind| kind.to_string()).join(", ");
        let unknown = || format!("--retry-failed {name}: there are {names} and all");
        kind.ok_or_else(|| CliError::Usage(unknown()))
    };
    match text {
        "all" => {
            let faults = FailureKind::ALL.into_iter();
            Ok(faults.filter(|kind| *kind != FailureKind::Undefined).collect())
        }
        text => text.split(',').map(str::trim).map(named).collect(),
    }
}
