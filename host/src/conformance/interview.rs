//! Asks fresh processes the same questions: in order, backwards, and split between
//! two. An answer that depends on earlier questions would make results depend on the
//! number of workers.

use super::{meta, one_shot, respondent::Respondent, rules::Broken, scores, space, terms::Terms};
use crate::{
    child,
    loader::{Pinned, Plugin, libtorch::this_program},
    stop::Stop,
    worker::{Clock, Limits, Watched, frames},
};
use osee_model::estimator::EstimatorKind;
use osee_sdk::{Error, ExportInfo, ExportKind, Result};
use serde::{Deserialize, Serialize};
use std::{
    io,
    os::unix::net::UnixStream,
    process::{Child, Stdio},
    thread,
};

/// Questions to an export.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asks {
    pub kind: ExportKind,
    pub id: String,
    pub questions: Vec<usize>,
}

impl Asks {
    fn new(export: &ExportInfo, questions: Vec<usize>) -> Self {
        Self { kind: export.kind(), id: export.id().to_owned(), questions }
    }
}

/// The task of a fresh process, which loads no other plugin.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub plugin: Pinned,
    pub asks: Vec<Asks>,
    pub terms: Terms,
}

/// The answer of an export to one question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// Position of the export in the order.
    pub export: usize,
    pub question: usize,
    pub text: String,
}

/// The answers of a process that ended early, and the reason.
pub type Ended = (Vec<Answer>, Error);

/// Compares the answers of processes for `export`. Returns those of the process that
/// was asked in order.
pub fn check(
    plugin: &Plugin,
    export: &ExportInfo,
    terms: Terms,
) -> std::result::Result<Vec<Answer>, Broken> {
    let mend = keep_nothing(export);
    let wrong = |error: Error| (error.to_string(), mend);
    let forwards: Vec<usize> =
        (0..respondent(plugin, export, terms).map_err(wrong)?.questions()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    let [even, odd] =
        [0, 1].map(|rest| forwards.iter().copied().filter(|at| at % 2 == rest).collect::<Vec<_>>());
    let orders = [forwards, backwards, even, odd].map(|questions| Order {
        plugin: plugin.pinned(),
        asks: vec![Asks::new(export, questions)],
        terms,
    });
    let heard = ask_all(&orders).into_iter().collect::<std::result::Result<Vec<_>, Ended>>();
    let mut heard = heard.map_err(|(_, error)| wrong(error))?;
    let first = heard.remove(0);
    let how = ["backwards", "as the first of two workers", "as the second of two workers"];
    for (how, answers) in how.into_iter().zip(heard) {
        for answer in answers {
            if let Some(what) = difference(&first, &answer, ("in order", how)) {
                return Err((what, mend));
            }
        }
    }
    Ok(first)
}

/// Advice where an answer depends on other questions.
fn keep_nothing(export: &ExportInfo) -> &'static str {
    let ExportInfo::Estimator(info) = export else {
        return "keep nothing from one call to the next: no static, no cache that changes an \
                answer; derive every answer from the architecture alone";
    };
    match info.kind {
        EstimatorKind::Baseline => {
            "keep nothing from one call to the next: no static, no cache that changes an answer; \
             derive the score from the graph alone, for a baseline has no random numbers"
        }
        EstimatorKind::Meta => {
            "keep nothing from one call to the next: no static, no cache that changes an answer; \
             draw from `population.random(..)`"
        }
        EstimatorKind::OneShot => {
            "keep nothing from one call to the next but `Sampled::remembering`: no static, no cache \
             that changes an answer; draw from `epoch.random(..)`"
        }
        _ => {
            "keep nothing from one call to the next: no static, no cache that changes an answer; \
             draw from `network.rng()`"
        }
    }
}

/// Answers of fresh processes, which run at the same time: they are independent of
/// one another.
pub fn ask_all(orders: &[Order]) -> Vec<std::result::Result<Vec<Answer>, Ended>> {
    thread::scope(|scope| {
        let asked: Vec<_> = orders.iter().map(|order| scope.spawn(|| order.ask())).collect();
        let lost = |_| Err((Vec::new(), Error::new("nobody listened to a fresh process")));
        asked.into_iter().map(|asked| asked.join().unwrap_or_else(lost)).collect()
    })
}

/// The difference between an answer and the earlier one to the same question; `how`
/// says how each was asked. `None` if they are equal.
pub fn difference(before: &[Answer], answer: &Answer, how: (&str, &str)) -> Option<String> {
    let Answer { question, text, .. } = answer;
    let before = before.iter().find(|other| other.question == *question);
    let before = before.map_or("", |other| &other.text);
    if before == text {
        return None;
    }
    let mut lines = before.lines().zip(text.lines()).filter(|(a, b)| a != b);
    let (a, b) = lines.next().unwrap_or((before, text));
    let short = |text: &str| text.chars().take(120).collect::<String>();
    Some(format!("question {question}: {} {}, {} {}", short(a), how.0, short(b), how.1))
}

impl Order {
    fn questions(&self) -> usize {
        self.asks.iter().map(|asks| asks.questions.len()).sum()
    }

    /// The answers of a fresh process.
    fn ask(&self) -> std::result::Result<Vec<Answer>, Ended> {
        let none = |error| (Vec::new(), failed(error));
        let (mut child, mut stream) = start().map_err(none)?;
        let (answers, error) = hear(&mut stream, self, child.id());
        let hung_up = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        if !error.as_ref().is_some_and(hung_up) {
            // It has answered everything, or the error already says why not.
            let _ = child.kill();
        }
        let status = child.wait().map_err(none)?;
        let Some(error) = error else { return Ok(answers) };
        let end = match hung_up(&error) {
            true => status.to_string(),
            false => error.to_string(),
        };
        let (heard, wanted) = (answers.len(), self.questions());
        let what = format!("a fresh process gave {heard} of {wanted} answers: {end}");
        Err((answers, Error::new(what)))
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(format!("a fresh process cannot be started: {error}"))
}

fn start() -> io::Result<(Child, UnixStream)> {
    let mut command = this_program()?;
    command.arg("__interview").env("OMP_NUM_THREADS", "1");
    child::with_socket(command.stdout(Stdio::null()).stderr(Stdio::null()))
}

/// Reads the answers; the error says why some are missing.
fn hear(stream: &mut UnixStream, order: &Order, process: u32) -> (Vec<Answer>, Option<io::Error>) {
    let mut answers = Vec::with_capacity(order.questions());
    if let Err(error) = frames::write(stream, order) {
        return (answers, Some(error));
    }
    let limits = Limits { time: order.terms.patience, ..Limits::default() };
    let (stop, mut clock) = (Stop::default(), Clock::new(process));
    while answers.len() < order.questions() {
        match frames::read::<Answer>(&mut Watched::new(stream, limits, &stop, &mut clock)) {
            Ok(answer) => answers.push(answer),
            Err(error) => return (answers, Some(error)),
        }
    }
    (answers, None)
}

/// The child's side, `osee-host __interview`.
///
/// # Errors
/// The socket fails, or the plugins cannot be loaded.
pub fn serve() -> io::Result<()> {
    let mut stream = child::socket()?;
    // When told to stop, it finishes the current answer instead of dying at once.
    let _stop = Stop::left_to_host()?;
    let order: Order = frames::read(&mut stream)?;
    tch::set_num_threads(1);
    let plugin = &Plugin::load_pinned(&order.plugin).map_err(io::Error::other)?;
    for (at, Asks { kind, id, questions }) in order.asks.iter().enumerate() {
        let is_it = |export: &&ExportInfo| export.kind() == *kind && export.id() == id;
        let export = plugin.exports.iter().find(is_it);
        let export = export.ok_or_else(|| io::Error::other("no such export"))?;
        let respondent = respondent(plugin, export, order.terms).map_err(io::Error::other)?;
        for &question in questions {
            let text = respondent.answer(question);
            frames::write(&mut stream, &Answer { export: at, question, text })?;
        }
    }
    Ok(())
}

fn respondent<'a>(
    plugin: &'a Plugin,
    export: &'a ExportInfo,
    terms: Terms,
) -> Result<Box<dyn Respondent + 'a>> {
    Ok(match export {
        ExportInfo::Space(info) => Box::new(space::Asked::new(plugin, info)?),
        ExportInfo::Estimator(info) => match info.kind {
            EstimatorKind::Meta => Box::new(meta::Asked::new(plugin, info)?),
            EstimatorKind::OneShot => Box::new(one_shot::Asked::new(plugin, info)?),
            _ => Box::new(scores::Asked::new(scores::Subject::new(plugin, info, terms.device)?)?),
        },
    })
}
