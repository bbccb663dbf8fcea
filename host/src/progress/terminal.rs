//! Shows events as bars on a terminal, and as a few lines elsewhere.

use super::{Event, Reporter};
use crate::terminal::say;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use osee_core::store::EpochReport;
use osee_report::number::file_size;
use std::{
    io::{self, IsTerminal},
    sync::{Mutex, PoisonError},
};

const UNITS: &str = "{msg} [{bar:30}] {pos}/{len} networks, {per_sec}, {eta} left";
const ARCHITECTURES: &str = "{msg} [{bar:30}] {pos}/{len} architectures, {per_sec}, {eta} left";
const BYTES: &str = "{msg} [{bar:30}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
const STEPS: &str = "{prefix} [{bar:20}] {percent}%, {eta} left {msg}";

/// Bars: one for each training, and one for anything else in progress.
#[derive(Debug, Default)]
pub struct Terminal(Mutex<Bars>);

#[derive(Debug, Default)]
struct Bars {
    all: MultiProgress,
    trainings: Vec<Training>,
    one: Option<ProgressBar>,
}

#[derive(Debug)]
struct Training {
    supernet: String,
    seed: u64,
    bar: ProgressBar,
}

impl Bars {
    /// Adds a bar of this length, part of which is done.
    fn begin(&mut self, template: &str, message: &str, [length, done]: [u64; 2]) {
        let bar = styled(ProgressBar::new(length), template).with_message(message.to_owned());
        bar.set_position(done);
        bar.reset_eta();
        self.one = Some(bar);
    }

    fn training(&self, supernet: &str, seed: u64) -> Option<&ProgressBar> {
        let mut all = self.trainings.iter();
        all.find(|it| it.supernet == supernet && it.seed == seed).map(|it| &it.bar)
    }

    fn advance(&self) {
        self.one.iter().for_each(|bar| bar.inc(1));
    }

    fn end(&mut self) {
        if let Some(bar) = self.one.take() {
            bar.finish_and_clear();
        }
        self.trainings.clear();
        // A terminal that is gone needs no clearing.
        let _ = self.all.clear();
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

impl Reporter for Terminal {
    fn tell(&self, event: Event<'_>) {
        let mut bars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Superseded { row, scores, reason } => {
                say(format_args!("{row}: {scores} scores are computed anew: {reason}"));
            }
            Event::TrainingBegins { supernet, seed, steps } => {
                let bar = styled(bars.all.add(ProgressBar::new(steps)), STEPS);
                bar.set_prefix(format!("training {supernet} seed {seed}"));
                bars.trainings.push(Training { supernet: supernet.to_owned(), seed, bar });
            }
            Event::TrainingStep { supernet, seed, done } => {
                if let Some(bar) = bars.training(supernet, seed) {
                    let resumed = bar.position() == 0;
                    bar.set_position(done);
                    if resumed {
                        // Steps of an earlier run say nothing about this run's speed.
                        bar.reset_eta();
                    }
                }
            }
            Event::TrainingEpoch { supernet, seed, report } => {
                let line = epoch_line(report);
                tracing::info!("training {supernet} seed {seed} {line}");
                if let Some(bar) = bars.training(supernet, seed) {
                    bar.set_message(line);
                }
            }
            Event::TrainingEnds { supernet, seed } => {
                bars.training(supernet, seed).into_iter().for_each(ProgressBar::finish);
            }
            Event::ScoringBegins { outstanding, units } => {
                tracing::info!(units = outstanding, "scoring");
                let done = units.saturating_sub(outstanding);
                bars.begin(UNITS, "scoring", [units.max(outstanding), done]);
            }
            Event::BuildingBegins { outstanding } => {
                bars.begin(ARCHITECTURES, "training", [outstanding, 0]);
            }
            Event::UnitScored { .. } | Event::ArchitectureTrained { .. } => bars.advance(),
            Event::DownloadBegins { data_set, file, bytes, source } => {
                if !io::stderr().is_terminal() {
                    say(format_args!("{data_set}: {file} ({}) from {source}", file_size(bytes)));
                }
                bars.begin(BYTES, &format!("{data_set}: {file}"), [bytes, 0]);
            }
            Event::DownloadStep { bytes } => {
                bars.one.iter().for_each(|bar| bar.set_position(bytes));
            }
            Event::Over => bars.end(),
        }
    }
}

fn epoch_line(report: &EpochReport) -> String {
    let EpochReport { epoch, loss, accuracy, learning_rate, images_per_second } = report;
    format!(
        "epoch {epoch}: loss {loss:.3}, accuracy {accuracy:.3}, learning rate {learning_rate:.4}, \
         {images_per_second:.0} images/s"
    )
}
