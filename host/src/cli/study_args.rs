//! Arguments that make or change a study, and arguments for how it is run. Each command
//! takes those that affect it.

use super::{
    CliError,
    boards::{ANALOG, Board, DEFAULT, DIGITS, trained},
    lists::{at_once, refuse, rows_of, seconds, settings_of, usage, whole},
    path_text,
    plugin_args::PluginArgs,
    value_args::{DuplicatesArg, IsolationArg},
};
use crate::{
    loader::Registry,
    plan::Plan,
    progress::Reporter,
    relay,
    runner::{Isolation, RunOptions, Stop},
    terminal::say,
    truth::TruthTable,
    worker::Limits,
};
use clap::{ArgAction, Args};
use osee_core::{
    run_dir::RunDir,
    shard::Shard,
    study::{EstimatorChoice, Seeds, Study, StudyError, TableSource, TruthChoice},
    truth::Filter,
};
use osee_model::{data_source::DataSource, estimator::FailureKind, paths};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Arguments that make or change a study.
#[derive(Debug, Args)]
pub struct StudyArgs {
    /// Study file; osee.toml if there is one. Without any, and without --space,
    /// --data and --truth: NAS-Bench-201 on noise if its table nb201-analog is
    /// here, else the board of digits. What follows overrides it.
    #[arg(long, value_name = "FILE.toml")]
    study: Option<PathBuf>,
    #[command(flatten)]
    plugins: PluginArgs,
    /// Search space.
    #[arg(long)]
    space: Option<String>,
    /// Setting of the search space, such as channels=8; may be repeated for
    /// several.
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
    /// All mutations of this many architectures, too: pairs for the analysis by
    /// operation. They are not on the leaderboard.
    #[arg(long, value_name = "K", value_parser = whole::<u64>(0..=u64::MAX))]
    neighbours: Option<u64>,
    /// Initialisation seeds by comma; of several such lists the last counts.
    #[arg(
        long,
        action = ArgAction::Set,
        value_delimiter = ',',
        allow_hyphen_values = true,
        value_parser = seed
    )]
    seeds: Option<Vec<u64>>,
    /// Protocol preset: paper, zero-cost-nas, naswot or naslib.
    #[arg(long)]
    preset: Option<String>,
    /// Images per batch.
    #[arg(long, value_name = "N", value_parser = whole::<usize>(0..=u64::MAX))]
    batch_size: Option<usize>,
    /// noise, digits, a data set such as cifar10, or a folder with one's files,
    /// such as cifar10:FOLDER.
    #[arg(long, value_name = "SPEC", value_parser = path_text())]
    data: Option<String>,
    /// Ground truth: a CSV or CSV.gz file, or a data set such as nb201 or nb201:cifar100.
    #[arg(long, value_name = "TABLE")]
    truth: Option<PathBuf>,
    /// Column of the truth; that of the data set, else the space's own, for these
    /// images by default.
    #[arg(long, value_name = "COL", requires = "truth")]
    truth_column: Option<String>,
    /// Key column of the truth; that of the data set, else the space's own, by
    /// default.
    #[arg(long, value_name = "COL", requires = "truth")]
    truth_key: Option<String>,
    /// Which row of the truth counts when rows of one architecture differ.
    #[arg(long, value_enum, requires = "truth")]
    duplicates: Option<DuplicatesArg>,
    /// Only rows of the truth with this in a column, such as task=jigsaw; may be
    /// repeated for several columns.
    #[arg(long = "where", value_name = "COL=VALUE", requires = "truth")]
    filter: Vec<Filter>,
    /// A row of the truth is about all architectures isomorphic to its own.
    #[arg(long, requires = "truth")]
    truth_isomorphic: bool,
    /// cpu or cuda:N.
    #[arg(long)]
    device: Option<String>,
    /// Run directory; the same one again resumes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What workers are and may use, where anything is computed.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Worker processes; by default as many as cores, and three on a GPU.
    #[arg(long, value_name = "N", value_parser = at_once)]
    workers: Option<usize>,
    /// Longest time for one score; 120 by default. Scores that failed by a
    /// limit are tried again when it is wider.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time_limit: Option<Duration>,
    /// Memory limit of one worker; by default three quarters of the machine's memory over its cores.
    #[arg(long, value_name = "MIB", value_parser = whole::<u64>(0..=u64::MAX))]
    memory_limit: Option<u64>,
}

/// How architectures are scored.
#[derive(Debug, Args)]
pub struct ScoringArgs {
    /// Where plugins score; none is for debuggers: in this process, one network
    /// at a time and without limits. Trainings have workers in any case.
    #[arg(long, value_enum, default_value_t = IsolationArg::Process)]
    isolation: IsolationArg,
    /// Try failed scores of these kinds again, by comma: undefined, not-finite,
    /// error, panic, crash, timeout, device; without a kind all but undefined ones.
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "all")]
    retry_failed: Option<String>,
}

/// How torch computes.
#[derive(Debug, Args)]
pub struct TorchArgs {
    /// Torch's threads in each worker. Another number changes the last bits
    /// of sums.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_once)]
    pub(super) torch_threads: usize,
}

/// Parses one seed.
fn seed(text: &str) -> Result<u64, String> {
    let most = u64::MAX;
    text.trim().parse().map_err(|_| format!("a seed is a whole number from 0 to {most}"))
}

/// Reports keys of a study file that are spelled in the old way.
pub(super) fn note_old_keys(keys: &[String]) {
    if let Some(first) = keys.first() {
        let new = first.replace('-', "_");
        say(format_args!(
            "keys of a study have `_`, not `-`: {} is read as {new}",
            keys.join(", "),
        ));
    }
}

/// What a study is prepared for, which decides the default study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Score,
    Train,
}

/// A study file and the fields that it has.
#[derive(Clone)]
struct Written {
    study: Study,
    fields: HashSet<String>,
}

impl Written {
    fn read(file: &Path) -> Result<Self, CliError> {
        let (study, old) = Study::read(file)?;
        note_old_keys(&old);
        Ok(Self { study, fields: Study::fields(file)? })
    }
}

/// A study with everything that it names resolved.
pub(super) struct Prepared {
    pub study: Study,
    pub registry: Registry,
    pub plan: Plan,
    pub truth: Option<TruthTable>,
}

/// Printed if the default study is the digits board because the table is missing.
const NO_ANALOG: &str = "NAS-Bench-201's table is not here, so this is the board of digits, whose ranking differs from CIFAR-10's; for the real one: osee-host data fetch nb201-analog";

/// The board that `like` of a study names.
fn board_like(name: &str) -> Result<Board, CliError> {
    match name {
        DEFAULT if ANALOG.can_be_had() => Ok(ANALOG),
        DEFAULT => {
            say(NO_ANALOG);
            Ok(DIGITS)
        }
        name => Ok(Board::named(name)?),
    }
}

impl StudyArgs {
    /// The images that the command line asks for.
    fn data(&self) -> Option<DataSource> {
        self.data.clone().map(DataSource::from)
    }

    /// The study file, if any.
    fn file(&self) -> Option<PathBuf> {
        let own = Some(PathBuf::from("osee.toml")).filter(|file| file.exists());
        self.study.clone().or(own)
    }

    /// Prepares the study. `shard` overrides the study's own share.
    pub(super) fn prepare(
        &self,
        isolation: Isolation,
        shard: Option<Shard>,
        purpose: Purpose,
        threads: usize,
    ) -> Result<Prepared, CliError> {
        let written = self.file().as_deref().map(Written::read).transpose()?;
        let like = match &written {
            Some(written) => written.study.like.clone(),
            None => self.meant(),
        };
        let board = like.as_deref().map(board_like).transpose()?;
        let mut study = self.study(written.as_ref(), board)?;
        let registry = self.registry(&study, isolation)?;
        let who = match purpose {
            Purpose::Score => trained(&study, &registry),
            Purpose::Train => Some("osee-host train"),
        };
        if let (Some(DEFAULT), Some(ANALOG), Some(who)) = (like.as_deref(), board, who) {
            say(format_args!(
                "{who} is about supernets, which noise cannot train: this is the board of digits"
            ));
            study = self.study(written.as_ref(), Some(DIGITS))?;
        }
        study.shard = shard.unwrap_or(study.shard);
        let space = registry.space(&study.space.id)?;
        let truth = study.truth.as_ref();
        let data = study.data.kind.as_str();
        let truth = truth.map(|choice| TruthTable::read(choice, Some(&space), data)).transpose()?;
        let out = self.out.clone().unwrap_or_else(|| Path::new("runs").join(&study.name));
        let plan = Plan::new(&study, &registry, &RunDir::new(out), threads, truth.as_ref())?;
        // Later readers of the run are told which of its architectures are judged.
        let neighbours = plan.architectures.len() > plan.drawn;
        study.architectures.drawn = neighbours.then_some(plan.drawn as u64);
        Ok(Prepared { study, registry, plan, truth })
    }

    /// Loads the plugins of a study, in this process or in workers.
    fn registry(&self, study: &Study, isolation: Isolation) -> Result<Registry, CliError> {
        let file = self.file();
        match isolation {
            Isolation::Process => self.plugins.load(&study.plugins, file.as_deref()),
            Isolation::None => {
                relay::begin_here(&Registry::user_files(&study.plugins))
                    .map_err(CliError::Worker)?;
                self.plugins.load_here(&study.plugins, file.as_deref())
            }
        }
    }

    /// The name of the embedded study that the options stand for without a file.
    fn meant(&self) -> Option<String> {
        let (space, data, truth) = (&self.space, self.data(), self.truth.as_deref());
        let truth = truth.map(TableSource::of);
        if space.is_none() && data.is_none() && truth.is_none() {
            return Some(DEFAULT.to_owned());
        }
        let meant = |it: &Board| it.is_meant_by(space.as_ref(), data.as_ref(), truth.as_ref());
        [DIGITS, ANALOG].iter().find(|it| meant(it)).map(|it| it.name.to_owned())
    }

    /// The study of a file, completed by `like`, otherwise by the default study. If its
    /// images are those of the digits board and it names no space, the space and what
    /// else it leaves out of training, truth and architectures are that board's, since
    /// the default space does not fit the images.
    fn completed(&self, written: &Written, like: Option<Board>) -> Study {
        let Written { mut study, mut fields } = written.clone();
        if let Some(board) = like {
            board.complete(&mut study, &fields);
            return study;
        }
        let data = self.data().unwrap_or_else(|| study.data.clone());
        let has_space = fields.contains("space") || self.space.is_some() || !self.set.is_empty();
        if data != DIGITS.study().data || has_space {
            return study;
        }
        let own = ["name", "seeds", "data", "protocol", "estimators"];
        fields.extend(own.map(str::to_owned));
        if fields.contains("truth") {
            fields.insert("architectures".to_owned());
        }
        DIGITS.complete(&mut study, &fields);
        study
    }

    /// The study, changed by the command line: the file's, completed by the board that
    /// it is `like`, or that board's.
    fn study(&self, written: Option<&Written>, like: Option<Board>) -> Result<Study, CliError> {
        let mut study = match (written, like) {
            (Some(written), like) => self.completed(written, like),
            (None, Some(board)) => board.study(),
            (None, None) => Study::default(),
        };
        study.plugins.extend(self.plugins.plugin.iter().cloned());
        if let Some(space) = &self.space {
            study.space.id.clone_from(space);
        }
        study.space.settings.extend(settings_of(&self.set)?);
        match self.estimators.as_deref() {
            None => {}
            Some(list) => {
                study.estimators =
                    list.split(',').map(|id| EstimatorChoice::plain(id.trim())).collect();
            }
        }
        if written.is_none() && like.is_none() && self.archs.is_some() {
            // Uniqueness is the default study's own choice.
            study.architectures.unique = false;
        }
        self.choose(&mut study)?;
        if let Some(seeds) = &self.seeds {
            study.seeds = Seeds::try_from(seeds.clone())?;
        }
        if let Some(preset) = &self.preset {
            study.protocol.preset.clone_from(preset);
        }
        study.protocol.batch_size = self.batch_size.or(study.protocol.batch_size);
        if let Some(data) = self.data() {
            study.data = data;
        }
        if let Some(device) = &self.device {
            study.device = device.parse().map_err(StudyError::from)?;
        }
        if let Some(file) = &self.truth {
            let (key, column) = (self.truth_key.clone(), self.truth_column.clone());
            let duplicates = self.duplicates.map(Into::into);
            let (table, isomorphic) = (TableSource::of(file), self.truth_isomorphic);
            let rows = rows_of(&self.filter)?;
            study.truth = Some(TruthChoice { table, key, column, duplicates, isomorphic, rows });
        }
        study.check()?;
        // The run directory may be read from another folder.
        let here = std::env::current_dir().map_err(CliError::WorkingFolder)?;
        study.rebase(&here);
        Ok(study)
    }

    /// Applies the options about architectures.
    fn choose(&self, study: &mut Study) -> Result<(), CliError> {
        let of = &mut study.architectures;
        match self.archs.as_deref() {
            None => {}
            Some("all") => (of.count, of.file) = (None, None),
            Some(text) => match text.parse() {
                Ok(count) => (of.count, of.file) = (Some(count), None),
                Err(_) if text.parse::<f64>().is_ok() && !paths::path(text).exists() => {
                    let what = "a number of architectures, all, or an existing file";
                    return Err(usage(format!("--archs takes {what}, not `{text}`")));
                }
                Err(_) => {
                    // A list says itself how many there are, and which.
                    (of.count, of.file) = (None, Some(paths::path(text)));
                    of.judged = false;
                }
            },
        }
        of.judged |= self.judged;
        of.unique |= self.unique;
        of.neighbours = self.neighbours.unwrap_or(of.neighbours);
        Ok(())
    }
}

impl WorkerArgs {
    /// The flags of the limits, to pass to a job.
    pub(super) fn flags(&self) -> Vec<String> {
        let time = self.time_limit.iter().map(|it| format!("--time-limit={}", it.as_secs_f64()));
        let memory = self.memory_limit.iter().map(|mib| format!("--memory-limit={mib}"));
        time.chain(memory).collect()
    }

    /// How workers train and, with `scoring`, score.
    pub(super) fn options(
        &self,
        scoring: Option<&ScoringArgs>,
        stop: Stop,
        reporter: Arc<dyn Reporter>,
    ) -> Result<RunOptions, CliError> {
        let isolation = scoring.map_or(Isolation::Process, |it| it.isolation.into());
        if isolation == Isolation::None {
            let given = [
                ("--workers", self.workers.is_some_and(|count| count > 1)),
                ("--time-limit", self.time_limit.is_some()),
                ("--memory-limit", self.memory_limit.is_some()),
            ];
            let why = "is about workers, and with --isolation none no worker scores; supernets are \
                       trained with it by osee-host train";
            refuse(&given, why)?;
        }
        let retry = match scoring.and_then(|it| it.retry_failed.as_deref()) {
            None => Vec::new(),
            Some(kinds) => kinds_of(kinds)?,
        };
        let time = self.time_limit.unwrap_or(Limits::default().time);
        let memory = self.memory_limit.map(|mib| mib.saturating_mul(1 << 20));
        Ok(RunOptions { isolation, workers: self.workers, time, memory, retry, stop, reporter })
    }
}

impl ScoringArgs {
    /// The flags, to pass to a job.
    pub(super) fn flags(&self) -> Vec<String> {
        let retry = self.retry_failed.iter().map(|kinds| format!("--retry-failed={kinds}"));
        let here = self.isolation == IsolationArg::None;
        retry.chain(here.then(|| "--isolation=none".to_owned())).collect()
    }
}

impl TorchArgs {
    /// The flags, to pass to a job.
    pub(super) fn flags(&self) -> Vec<String> {
        let threads = self.torch_threads;
        (threads != 1).then(|| format!("--torch-threads={threads}")).into_iter().collect()
    }
}

/// Parses kinds of failures, separated by commas; `all` is every kind that is a fault.
fn kinds_of(text: &str) -> Result<Vec<FailureKind>, CliError> {
    let named = |name: &str| {
        let kind = FailureKind::ALL.into_iter().find(|kind| kind.to_string() == name);
        let names = FailureKind::ALL.map(|kind| kind.to_string()).join(", ");
        kind.ok_or_else(|| {
            usage(format!("--retry-failed {name}: there are {names}, or all of them but undefined"))
        })
    };
    match text {
        "all" => {
            let faults = FailureKind::ALL.into_iter();
            Ok(faults.filter(|kind| *kind != FailureKind::Undefined).collect())
        }
        text => text.split(',').map(str::trim).map(named).collect(),
    }
}
