//! Asks the exports of a library one after the other in one process, in both orders.
//! In a run estimators work side by side, and shared state would make a score depend
//! on which other estimators are there.

use super::{
    interview::{Answer, Asks, Ended, Order, ask_all, difference},
    terms::Terms,
};
use crate::loader::Plugin;
use osee_sdk::{ExportInfo, ExportKind};
use serde::{Deserialize, Serialize};

/// Questions per export that are asked again.
const QUESTIONS: usize = 4;

/// Most exports for which the responsible other export is searched.
const EXPLAINED: usize = 8;

/// Advice for a broken rule.
pub const MEND: &str = "share nothing mutable between exports: no static, no file, no setting of \
                        the process";

/// Answers of an export in a process of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alone {
    kind: ExportKind,
    id: String,
    answers: Vec<Answer>,
}

impl Alone {
    /// Keeps the first of an export's `answers`.
    pub fn new(export: &ExportInfo, mut answers: Vec<Answer>) -> Self {
        answers.truncate(QUESTIONS);
        Self { kind: export.kind(), id: export.id().to_owned(), answers }
    }

    fn asks(&self) -> Asks {
        let questions = self.answers.iter().map(|answer| answer.question).collect();
        Asks { kind: self.kind, id: self.id.clone(), questions }
    }
}

/// Positions in `alone` of the exports that answer differently beside others, with
/// the difference.
pub fn check(plugin: &Plugin, alone: &[Alone], terms: Terms) -> Vec<(usize, String)> {
    let party = Party { plugin, alone, terms };
    let forwards: Vec<usize> = (0..alone.len()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    let orders = [forwards, backwards];
    let mut found: Vec<(usize, String)> = Vec::new();
    for (order, heard) in orders.iter().zip(party.ask(&orders)) {
        for (place, one) in order.iter().enumerate() {
            if found.iter().any(|(known, _)| known == one) {
                continue;
            }
            let before = &order[..place];
            let Some(what) = party.differs(&heard, *one, before) else { continue };
            let fewer = match found.len() < EXPLAINED {
                true => party.after_fewer(*one, before),
                false => None,
            };
            found.push((*one, fewer.unwrap_or(what)));
        }
    }
    found.sort_by_key(|(one, _)| *one);
    found
}

/// Answers of a process, with the reason if it ended early.
type Heard = std::result::Result<Vec<Answer>, Ended>;

struct Party<'a> {
    plugin: &'a Plugin,
    alone: &'a [Alone],
    terms: Terms,
}

impl Party<'_> {
    /// Starts one process for each order.
    fn ask(&self, orders: &[Vec<usize>]) -> Vec<Heard> {
        let order = |order: &Vec<usize>| Order {
            plugin: self.plugin.pinned(),
            asks: order.iter().map(|&one| self.alone[one].asks()).collect(),
            terms: self.terms,
        };
        ask_all(&orders.iter().map(order).collect::<Vec<_>>())
    }

    /// The difference between `one` alone and after those in `before`; `None` if equal.
    fn differs(&self, heard: &Heard, one: usize, before: &[usize]) -> Option<String> {
        let after = format!("after {}", self.names(before));
        let alone = &self.alone[one].answers;
        let (answers, ended) = match heard {
            Ok(answers) => (answers, None),
            Err((answers, error)) => (answers, Some(error)),
        };
        let mut own = answers.iter().filter(|answer| answer.export == before.len());
        if let Some(what) = own.find_map(|answer| difference(alone, answer, ("alone", &after))) {
            return Some(what);
        }
        // True if `one` was being asked when the process ended.
        let first: usize = before.iter().map(|&it| self.alone[it].answers.len()).sum();
        let asked = (first..first + alone.len()).contains(&answers.len());
        Some(format!("{after} {}", ended.filter(|_| asked)?))
    }

    /// Halves `before` as long as one half alone still changes `one`, and returns that
    /// difference; `None` if neither half does.
    fn after_fewer(&self, one: usize, before: &[usize]) -> Option<String> {
        let (mut left, mut what) = (before.to_vec(), None);
        while left.len() > 1 {
            let (first, second) = left.split_at(left.len() / 2);
            let halves = [first, second].map(<[usize]>::to_vec);
            let orders = halves.each_ref().map(|half| [half.as_slice(), &[one]].concat());
            let heard = self.ask(&orders);
            let mut otherwise = halves
                .into_iter()
                .zip(&heard)
                .filter_map(|(half, heard)| Some((self.differs(heard, one, &half)?, half)));
            match otherwise.next() {
                Some((seen, half)) => (left, what) = (half, Some(seen)),
                None => break,
            }
        }
        what
    }

    fn names(&self, of: &[usize]) -> String {
        let names: Vec<String> =
            of.iter().map(|&one| format!("`{}`", self.alone[one].id)).collect();
        names.join(", ")
    }
}
