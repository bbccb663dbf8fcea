//! `osee-host plan`: how much work a study is, how long it may take, what is left.

use super::{
    CliError,
    lists::whole,
    merge, print,
    study_args::{Prepared, Purpose, ScoringArgs, StudyArgs, WorkerArgs},
};
use crate::{
    leaderboard::population,
    plan::Plan,
    progress::Silent,
    runner::{Forecast, RunError, Stop},
};
use clap::Args;
use osee_core::{
    run_dir::RunDir,
    shard::Shard,
    store::{Store, StoreError},
};
use osee_report::text::terminal_table;
use std::{collections::HashSet, fmt::Write, path::PathBuf, sync::Arc};

/// Numbers of machines to forecast for.
const MACHINES: [f64; 3] = [1.0, 8.0, 64.0];

/// A study, and what is known of it.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    study: StudyArgs,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    scoring: ScoringArgs,
    /// Number of shards; by default as many as there are. What is left is printed for each.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0..=u32::MAX.into()))]
    shards: Option<u32>,
    /// Run directory of the same estimators in the same space, for the times they
    /// take; may be given several times. What these know is not asked of the run
    /// directory of the study itself.
    #[arg(long, value_name = "DIR")]
    from: Vec<PathBuf>,
}

/// Prints the forecast. It computes no scores and writes nothing.
pub fn run(args: PlanArgs) -> Result<(), CliError> {
    let options = args.workers.options(Some(&args.scoring), Stop::default(), Arc::new(Silent))?;
    // The forecast is of the whole study, even given a shard's own study file.
    let Prepared { study, plan, .. } =
        args.study.prepare(options.isolation, Some(Shard::WHOLE), Purpose::Score, 1)?;
    let device = plan.setup.device.kind();
    let (workers, retry) = (options.workers_on(device), options.retry_on(device));
    let out = &plan.setup.run;
    let folders = if out.path().exists() { merge::shards_in(out)? } else { Vec::new() };
    let last = folders.last().map(|(shard, _)| *shard);
    let shards = match args.shards {
        Some(count) => Shard::new(1, count).map_err(|error| CliError::Usage(error.to_string()))?,
        None => last.unwrap_or_default(),
    };
    let whole = Some(out).filter(|dir| dir.results().exists());
    let mut stores = Vec::new();
    for dir in whole.into_iter().chain(folders.iter().map(|(_, dir)| dir)) {
        stores.extend(there(dir)?);
    }
    let mut from = args.from;
    let mut seen = HashSet::new();
    // The times of each run count once.
    from.retain(|dir| seen.insert(dir.canonicalize().unwrap_or_else(|_| dir.clone())));
    let earlier = from.iter().map(Store::open);
    let earlier = earlier.collect::<Result<Vec<_>, _>>()?;
    let forecast = Forecast::new(&plan, shards, (&stores, &retry), &earlier)?;
    print(&said(&study.name, &plan_size(&plan), &forecast, workers))
}

/// Opens the store of a run, if the run got far enough to have one.
fn there(dir: &RunDir) -> Result<Option<Store>, RunError> {
    match Store::open(dir) {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::NoRun { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn plan_size(plan: &Plan) -> String {
    let neighbours = plan.architectures.len() - plan.drawn;
    let archs = population(plan.drawn, neighbours);
    let archs = if neighbours > 0 { format!("({archs})") } else { archs };
    format!("{archs} x {} seeds, {} estimators", plan.seeds.len(), plan.setup.rows.len())
}

fn said(name: &str, size: &str, forecast: &Forecast, workers: usize) -> String {
    let progress = forecast.progress;
    let mut text = format!("{name}: {size}\n\n");
    let header = ["ms/arch", "estimator", "ms/score", "scores left", "time on one core"];
    let rows = forecast.rows.iter().map(|row| {
        let times = |count: f64| row.milliseconds.map(|it| it * count);
        let shown = |it: Option<f64>| it.map_or("?".to_owned(), |it| format!("{it:.1}"));
        let [per_arch, per_score] = [row.seeds as f64, 1.0].map(|count| shown(times(count)));
        let left = row.outstanding.to_string();
        vec![per_arch, row.name.clone(), per_score, left, long(times(row.outstanding as f64))]
    });
    text += &terminal_table(&header, &rows.collect::<Vec<_>>());
    // Writing to a string cannot fail.
    let mut say = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    say(format!(
        "\nunits: {}, outstanding: {}, stored: {}",
        progress.units,
        progress.outstanding,
        progress.units - progress.outstanding
    ));
    let [all, left] = forecast.trainings;
    if all > 0 {
        let time = match (left, forecast.training) {
            (0, _) => String::new(),
            (_, None) => "; how long they take is unknown: run a few epochs in steps of the same \
                          size, and name that run with --from"
                .to_owned(),
            (_, time) => format!("; one after the other they take {}", long(time)),
        };
        say(format!("trainings: {all}, unfinished: {left}{time}"));
    }
    time(forecast, workers).into_iter().for_each(say);
    if forecast.shards.len() > 1 {
        let header = ["units", "shard", "outstanding"];
        let rows = forecast.shards.iter().map(|(shard, progress)| {
            vec![progress.units.to_string(), shard.to_string(), progress.outstanding.to_string()]
        });
        text += &format!("\n{}", terminal_table(&header, &rows.collect::<Vec<_>>()));
    }
    text
}

/// How long it will take: by the times of units, and at most.
fn time(forecast: &Forecast, workers: usize) -> Vec<String> {
    let Some(most) = forecast.milliseconds() else {
        let what = "time: unknown; run a few architectures, and name that run with --from";
        return vec![what.to_owned()];
    };
    let each = |total: f64| long(Some(total / forecast.progress.outstanding.max(1) as f64));
    let on = |total: f64| {
        let on = |machines| long(Some(total / machines / workers as f64));
        format!("on 1, 8 and 64 machines of {workers} workers")
            + &format!(" {}", MACHINES.map(on).join(", "))
    };
    let known = forecast.times.units;
    let (forecasts, most) = match forecast.shared() {
        None => (
            "time: no run here says what a unit takes; run it anew for a forecast".to_owned(),
            most,
        ),
        Some(total) => {
            let rests = match forecast.alike {
                true => format!("from the times of {known} units"),
                false => format!(
                    "by the share of their estimators' sum that {known} units of other estimators took; they may take longer"
                ),
            };
            let text = format!("time: about {} a unit; {} ({rests})", each(total), on(total));
            // A unit takes some time beyond the sum of its estimators.
            (text, most.max(total))
        }
    };
    let most = format!(
        "time: at most {} a unit; {} (estimators one by one, without the passes they share)",
        each(most),
        on(most).replacen(" workers ", " workers at most ", 1)
    );
    vec![forecasts, most]
}

/// Formats milliseconds for people.
fn long(milliseconds: Option<f64>) -> String {
    let Some(milliseconds) = milliseconds else { return "?".to_owned() };
    let seconds = milliseconds / 1e3;
    match seconds {
        ..1.0 => format!("{milliseconds:.1} ms"),
        1.0..120.0 => format!("{seconds:.1} s"),
        120.0..7200.0 => format!("{:.1} min", seconds / 60.0),
        7200.0..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86400.0),
    }
}
