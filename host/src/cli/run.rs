//! `osee-host [run]` and `osee-host train`.

use super::{
    CliError, ExitCode,
    lists::{refuse, usage},
    print,
    progress_args::ProgressArgs,
    shard_args::ShardArg,
    shell::path_word,
    study_args::{Prepared, Purpose, ScoringArgs, StudyArgs, TorchArgs, WorkerArgs},
    value_args::FormatArg,
};
use crate::{
    leaderboard::{Format, Leaderboard, faults, render, standing},
    loader::Registry,
    plan::Plan,
    runner::{self, Failed, Ran, RunError, RunOptions, Stop},
    terminal::{say, say_text},
    truth::TruthTable,
};
use clap::Args;
use osee_core::{
    criteria::CriteriaOptions,
    store::{Curve, Store},
};
use osee_engine::{is_exclusive, open_device};
use osee_files::csv_text::{Field, csv_text};
use osee_model::device::DeviceName;

/// `osee-host run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    train: TrainArgs,
    #[command(flatten)]
    scoring: ScoringArgs,
    /// How the leaderboard is printed, by default as a table; a shard has none.
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
}

/// `osee-host train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    #[command(flatten)]
    study: StudyArgs,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    torch: TorchArgs,
    #[command(flatten)]
    progress: ProgressArgs,
    #[command(flatten)]
    shard: ShardArg,
}

/// Runs the study and prints its leaderboard.
pub fn run(args: RunArgs) -> Result<ExitCode, CliError> {
    let RunArgs { train, scoring, format } = args;
    let mut options = train.workers.options(Some(&scoring), stop()?, train.progress.reporter())?;
    let (shard, threads) = (train.shard.shard()?, train.torch.torch_threads);
    let mut prepared = train.study.prepare(options.isolation, shard, Purpose::Score, threads)?;
    let Prepared { study, registry, plan, truth } = &mut prepared;
    open(plan.setup.device, &mut options)?;
    if !plan.shard.is_whole() {
        let why = "is about the leaderboard, and a shard has none; osee-host leaderboard \
                   prints it when all shards are merged";
        refuse(&[("--format", format.is_some())], why)?;
    }
    let format = format.map_or(Format::Table, Format::from);
    if let (Some(choice), Some(TruthTable { truth, .. })) = (&mut study.truth, &*truth) {
        // Later readers of the run need no plugin to know its columns.
        choice.key.get_or_insert_with(|| truth.key.clone());
        choice.column.get_or_insert_with(|| truth.column.clone());
    }
    // Finds a truth that cannot be used before the hours of scoring.
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
        let left = match units {
            0 => "all units are stored; what is left covers the whole study".to_owned(),
            units => format!("{units} units are outstanding"),
        };
        say(format_args!("stopped; {left}, and the same command resumes"));
        return Ok(ExitCode::Incomplete);
    }
    if !plan.shard.is_whole() {
        return shard_done(plan, &store, trained);
    }
    let mut board = Leaderboard::new(&store, truth, &CriteriaOptions::default())?;
    board.user_plugins = user_plugins(registry);
    print(&render(&board, format, true))?;
    if format == Format::Table {
        print(&standing(&board))?;
    }
    let faults = faults(&board);
    say_text(board.scored.notice());
    say_text(&faults);
    say(format_args!("everything is in {}", plan.setup.run));
    Ok(match faults.is_empty() && trained {
        true if board.scored.unfinished => ExitCode::Incomplete,
        true => ExitCode::Done,
        false => ExitCode::SomeFailed,
    })
}

/// Finds out that the device is there before anything is stored. A GPU that serves one process at
/// a time gets one worker.
fn open(device: DeviceName, options: &mut RunOptions) -> Result<(), CliError> {
    open_device(device)?;
    if is_exclusive(device) && options.workers_on(device.kind()) > 1 {
        say(format_args!("{device} serves one process at a time, so there is one worker"));
        options.workers = Some(1);
    }
    Ok(())
}

/// Prints how a shard ended, and that a merge computes what needs the whole study.
fn shard_done(plan: &Plan, store: &Store, trained: bool) -> Result<ExitCode, CliError> {
    let units = store.progress()?.unwrap_or_default().units;
    say(format_args!(
        "shard {}: its {units} units are in {}; the leaderboard, and estimators that vote over the \
         whole study, are computed when all shards are there: osee-host merge {}",
        plan.shard,
        plan.dir,
        path_word(plan.setup.run.path())
    ));
    let failed = store.failures()?;
    for (row, kind, count) in &failed {
        say(format_args!("{row}: {count} x {kind}"));
    }
    Ok(if failed.is_empty() && trained { ExitCode::Done } else { ExitCode::SomeFailed })
}

/// Trains the study's supernets and scores nothing.
pub fn train(args: TrainArgs) -> Result<ExitCode, CliError> {
    let mut options = args.workers.options(None, stop()?, args.progress.reporter())?;
    let (shard, threads) = (args.shard.shard()?, args.torch.torch_threads);
    let Prepared { study, plan, .. } =
        args.study.prepare(options.isolation, shard, Purpose::Train, threads)?;
    open(plan.setup.device, &mut options)?;
    if plan.setup.supernets.is_empty() {
        let what = "the study has no one-shot estimator, so there is no supernet to train";
        return Err(usage(what));
    }
    if options.stop.is_set() {
        return Ok(not_begun());
    }
    let Ran { store, failed, stopped } = runner::train(&study, &plan, &options)?;
    print(&curves(&plan, &store)?)?;
    let trained = report_trainings(&failed);
    say(format_args!("checkpoints are in {}", plan.setup.run.supernets().display()));
    if let Some(trainings) = stopped {
        say(format_args!("stopped; {trainings} trainings are left, and the same command resumes"));
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

/// Sets handlers for signals: called before anything that takes time.
fn stop() -> Result<Stop, RunError> {
    Stop::on_signals().map_err(RunError::Signals)
}

fn not_begun() -> ExitCode {
    say("stopped before anything started; the same command starts it");
    ExitCode::Incomplete
}

/// Prints what was not trained. Returns true if all was.
fn report_trainings(failed: &[Failed]) -> bool {
    for Failed { training: (_, seed), name, error } in failed {
        say(format_args!(
            "{name} seed {seed} is not trained: {error}; the same command resumes with it"
        ));
    }
    failed.is_empty()
}

/// Ids of the exports of user plugins.
fn user_plugins(registry: &Registry) -> Vec<String> {
    let exports = registry.user_plugins().iter().flat_map(|plugin| &plugin.exports);
    exports.map(|export| export.id().to_owned()).collect()
}
