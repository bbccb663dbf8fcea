//! The same questions to fresh processes: one after the other, backwards, and
//! shared by two. An answer that depends on what a process was asked before
//! would make results depend on the number of workers.

use super::{
    lent::lent_space, meta, one_shot, respondent::Respondent, rules::Broken, scores, space,
};
use crate::{
    child,
    loader::{Pinned, Plugin, Registry, libtorch::this_program},
    stop::Stop,
    worker::{Clock, Limits, Watched, frames},
};
use osee_core::estimator::EstimatorKind;
use osee_sdk::{Error, ExportInfo, Result};
use serde::{Deserialize, Serialize};
use std::{
    io,
    os::unix::net::UnixStream,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

/// Longest time for one answer, and for the process to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a fresh process is to do.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    plugins: Vec<Pinned>,
    /// Which of them is asked.
    plugin: usize,
    export: String,
    questions: Vec<usize>,
}

/// Its answer to one question.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    question: usize,
    text: String,
}

/// Compares what processes say of `export`.
pub fn check(
    registry: &Registry,
    plugin: &Plugin,
    export: &ExportInfo,
) -> std::result::Result<(), Broken> {
    let mend = "keep nothing from one call to the next: no static, no cache that changes an \
                answer; draw from `network.rng()`, `epoch.random(..)` or `population.random(..)`";
    let wrong = |error: Error| (error.to_string(), mend);
    let forwards: Vec<usize> =
        (0..respondent(registry, plugin, export).map_err(wrong)?.questions()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    let [even, odd] =
        [0, 1].map(|rest| forwards.iter().copied().filter(|at| at % 2 == rest).collect::<Vec<_>>());
    let orders = [forwards, backwards, even, odd]
        .map(|questions| Order::new(registry, plugin, export, questions));
    // The processes are independent of one another, so they may work at once.
    let heard: Vec<Result<Vec<Answer>>> = thread::scope(|scope| {
        let asked = orders.map(|order| scope.spawn(move || order.and_then(|order| order.ask())));
        let lost = |_| Err(Error::new("a fresh process was not listened to"));
        asked.into_iter().map(|asked| asked.join().unwrap_or_else(lost)).collect()
    });
    let mut heard = heard.into_iter().collect::<Result<Vec<_>>>().map_err(wrong)?;
    let first = heard.remove(0);
    let how = ["backwards", "as the first of two workers", "as the second of two workers"];
    for (how, answers) in how.into_iter().zip(heard) {
        for Answer { question, text } in answers {
            let before = first.iter().find(|other| other.question == question);
            let before = before.map_or("", |other| &other.text);
            if before != text {
                return Err((difference(question, before, &text, how), mend));
            }
        }
    }
    Ok(())
}

fn difference(question: usize, before: &str, after: &str, how: &str) -> String {
    let mut lines = before.lines().zip(after.lines()).filter(|(a, b)| a != b);
    let (a, b) = lines.next().unwrap_or((before, after));
    let short = |text: &str| text.chars().take(120).collect::<String>();
    format!("question {question}: {} in order, {} {how}", short(a), short(b))
}

impl Order {
    /// With no plugin but that of `export` and that of the space that
    /// estimators are tried on.
    fn new(
        registry: &Registry,
        plugin: &Plugin,
        export: &ExportInfo,
        questions: Vec<usize>,
    ) -> Result<Self> {
        let space = &lent_space(registry)?.plugin.path;
        let wanted = |pinned: &Pinned| pinned.path == *space || pinned.path == plugin.path;
        let plugins: Vec<Pinned> = registry.pinned().into_iter().filter(wanted).collect();
        let at = plugins.iter().position(|pinned| pinned.path == plugin.path);
        let plugin = at.ok_or_else(|| Error::new("the plugin is not loaded"))?;
        Ok(Self { plugins, plugin, export: export.id().to_owned(), questions })
    }

    /// The answers of a fresh process.
    fn ask(&self) -> Result<Vec<Answer>> {
        let (mut child, mut stream) = start().map_err(failed)?;
        let answers = hear(&mut stream, self, child.id());
        let hung_up = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        if !matches!(&answers, Err((_, error)) if hung_up(error)) {
            // It has said all, or what it died of is what the error says.
            let _ = child.kill();
        }
        let status = child.wait().map_err(failed)?;
        answers.map_err(|(heard, error)| {
            let end = match hung_up(&error) {
                true => status.to_string(),
                false => error.to_string(),
            };
            let wanted = self.questions.len();
            Error::new(format!("a fresh process gave {heard} of {wanted} answers: {end}"))
        })
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(format!("a fresh process cannot be had: {error}"))
}

fn start() -> io::Result<(Child, UnixStream)> {
    let mut command = this_program()?;
    command.arg("__interview").env("OMP_NUM_THREADS", "1");
    child::with_socket(command.stdout(Stdio::null()).stderr(Stdio::null()))
}

/// All answers, or how many came before what went wrong.
fn hear(
    stream: &mut UnixStream,
    order: &Order,
    process: u32,
) -> std::result::Result<Vec<Answer>, (usize, io::Error)> {
    frames::write(stream, order).map_err(|error| (0, error))?;
    let limits = Limits { time: PATIENCE, ..Limits::default() };
    let (stop, mut clock) = (Stop::default(), Clock::new(process));
    let mut answers = Vec::with_capacity(order.questions.len());
    while answers.len() < order.questions.len() {
        match frames::read::<Answer>(&mut Watched::new(stream, limits, &stop, &mut clock)) {
            Ok(answer) => answers.push(answer),
            Err(error) => return Err((answers.len(), error)),
        }
    }
    Ok(answers)
}

/// The other side, `osee-host __interview`.
///
/// # Errors
/// When the socket fails or the plugins cannot be loaded.
pub fn serve() -> io::Result<()> {
    let mut stream = child::socket()?;
    // Told to stop, it ends with the answer at hand; it is not killed by that.
    let _stop = Stop::left_to_host()?;
    let order: Order = frames::read(&mut stream)?;
    tch::set_num_threads(1);
    let registry = Registry::exactly(&order.plugins).map_err(io::Error::other)?;
    let plugin = &registry.plugins()[order.plugin];
    let export = plugin.exports.iter().find(|export| export.id() == order.export);
    let export = export.ok_or_else(|| io::Error::other("no such export"))?;
    let respondent = respondent(&registry, plugin, export).map_err(io::Error::other)?;
    for question in order.questions {
        let text = respondent.answer(question);
        frames::write(&mut stream, &Answer { question, text })?;
    }
    Ok(())
}

fn respondent<'a>(
    registry: &'a Registry,
    plugin: &'a Plugin,
    export: &'a ExportInfo,
) -> Result<Box<dyn Respondent + 'a>> {
    Ok(match export {
        ExportInfo::Space(_) => Box::new(space::Asked::new(plugin, export)?),
        ExportInfo::Estimator(info) => match info.kind {
            EstimatorKind::Meta => Box::new(meta::Asked::new(plugin, info)?),
            EstimatorKind::OneShot => Box::new(one_shot::Asked::new(registry, plugin, info)?),
            _ => Box::new(scores::Asked::new(scores::Subject::new(registry, plugin, info)?)?),
        },
    })
}
