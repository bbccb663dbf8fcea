//! Exports of one library asked one after the other in one process, in both
//! orders: in a run an estimator works beside the others, and what they share
//! would make its scores depend on which of them there are.

use super::interview::{Answer, Asks, Ended, Order, ask_all, difference};
use crate::loader::Plugin;
use osee_sdk::{ExportInfo, ExportKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Questions of each export that are asked again.
const QUESTIONS: usize = 4;

/// Exports for which it is found out which of the others it is.
const EXPLAINED: usize = 8;

/// What to do.
pub const MEND: &str = "let exports share nothing that changes: no static, no file, no setting of \
                        the process";

/// What an export answered in a process of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alone {
    kind: ExportKind,
    id: String,
    answers: Vec<Answer>,
}

impl Alone {
    /// The first of an export's `answers`.
    pub fn new(export: &ExportInfo, mut answers: Vec<Answer>) -> Self {
        answers.truncate(QUESTIONS);
        Self { kind: export.kind(), id: export.id().to_owned(), answers }
    }

    fn asks(&self) -> Asks {
        let questions = self.answers.iter().map(|answer| answer.question).collect();
        Asks { kind: self.kind, id: self.id.clone(), questions }
    }
}

/// Which of `alone`, by position, answer otherwise beside others, and in which
/// way.
pub fn check(plugin: &Plugin, alone: &[Alone], patience: Duration) -> Vec<(usize, String)> {
    let party = Party { plugin, alone, patience };
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

/// What a process answered, and how it ended if that is not all.
type Heard = std::result::Result<Vec<Answer>, Ended>;

struct Party<'a> {
    plugin: &'a Plugin,
    alone: &'a [Alone],
    patience: Duration,
}

impl Party<'_> {
    /// A process for each of the orders.
    fn ask(&self, orders: &[Vec<usize>]) -> Vec<Heard> {
        let order = |order: &Vec<usize>| Order {
            plugin: self.plugin.pinned(),
            asks: order.iter().map(|&one| self.alone[one].asks()).collect(),
            patience: self.patience,
        };
        ask_all(&orders.iter().map(order).collect::<Vec<_>>())
    }

    /// In which way `one` answered otherwise than alone, after those `before`.
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
        // Whether it was being asked when the process ended.
        let first: usize = before.iter().map(|&it| self.alone[it].answers.len()).sum();
        let asked = (first..first + alone.len()).contains(&answers.len());
        Some(format!("{after} {}", ended.filter(|_| asked)?))
    }

    /// In which way `one` answers otherwise after as few of those `before` as
    /// halving finds; `None` where it takes more than either half.
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
