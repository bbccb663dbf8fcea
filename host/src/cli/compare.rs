//! `osee-host compare DIR DIR..`: what two runs say about the same estimators, such as
//! one run with images and one with noise.

use super::{
    CliError, ExitCode,
    leaderboard::{TruthArgs, board, ended},
    print,
};
use crate::leaderboard::{Across, Format, Leaderboard, Row, told_apart};
use clap::Args;
use osee_core::{
    analysis::{Comparison, significance},
    criteria::{CriteriaOptions, kendall_tau_b},
    truth::join,
};
use osee_files::csv_text::{Field, csv_text};
use osee_report::{number::p_text, text::terminal_table};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::PathBuf,
};

/// Which runs.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Run directories; each is compared with the first.
    #[arg(required = true, num_args = 2..)]
    dir: Vec<PathBuf>,
    /// How the comparisons are printed; csv leaves the leaderboard out.
    #[arg(long, value_parser = ["table", "csv"], default_value = "table")]
    format: String,
}

/// Two runs and what they have in common.
struct Pair<'a> {
    /// Distinct names of the runs.
    names: [&'a str; 2],
    boards: [&'a Leaderboard; 2],
    /// Positions, in each run, of the architectures that both have scored and, in a run
    /// with a truth, know the truth of.
    common: Vec<[usize; 2]>,
    /// Truth of the common architectures, from each run's own table.
    truths: [Option<Vec<f64>>; 2],
}

/// An estimator in two runs, on the common architectures.
struct Both<'a> {
    name: &'a str,
    /// Kendall's tau-b with each run's own truth.
    kd: [Option<f64>; 2],
    /// tau-b of the second run minus that of the first.
    difference: Option<f64>,
    /// Test of the difference against chance; only if both runs have one truth.
    compared: Option<Comparison>,
    /// Kendall's tau-b between the scores of the two runs.
    agreement: Option<f64>,
}

const HEADER: [&str; 8] =
    ["runs", "estimator", "common", "KD first", "KD second", "difference", "p", "KD between"];

/// Runs the command.
pub fn run(args: &CompareArgs) -> Result<ExitCode, CliError> {
    let (own, options) = (TruthArgs::default(), CriteriaOptions::default());
    let boards: Vec<Leaderboard> =
        args.dir.iter().map(|dir| board(dir, &own, &options)).collect::<Result<_, _>>()?;
    let names = told_apart(&boards, &args.dir);
    let pairs: Vec<Pair<'_>> = (1..boards.len())
        .map(|at| Pair::new([&names[0], &names[at]], [&boards[0], &boards[at]]))
        .collect();
    print(&match args.format.as_str() {
        "csv" => csv(&pairs),
        _ => Across::new(&boards, names.clone()).render(Format::Table) + "\n" + &text(&pairs),
    })?;
    Ok(ended(args.dir.iter().zip(boards.iter().map(|board| &board.scored))))
}

impl<'a> Pair<'a> {
    fn new(names: [&'a String; 2], boards: [&'a Leaderboard; 2]) -> Self {
        let known = |side: usize, at: usize| {
            let Leaderboard { judged, scored, .. } = boards[side];
            let known = judged.as_ref().map_or(&scored.positions, |it| &it.positions);
            known.binary_search(&at).is_ok()
        };
        let joined = join(&boards[0].architectures, &boards[1].architectures);
        let both = joined.rows.into_iter().filter(|&(a, b)| known(0, a) && known(1, b));
        let common: Vec<[usize; 2]> = both.map(|(a, b)| [a, b]).collect();
        let truths = [0, 1].map(|side| {
            let judged = boards[side].judged.as_ref()?;
            let of = |at: &[usize; 2]| judged.positions.binary_search(&at[side]).ok();
            common.iter().map(|at| of(at).map(|at| judged.values[at])).collect()
        });
        Self { names: names.map(String::as_str), boards, common, truths }
    }

    fn name(&self) -> String {
        self.names.join(" : ")
    }

    /// A line on what the reader must know about the pair, if anything.
    fn note(&self) -> Option<String> {
        let [first, second] = &self.boards;
        let why = match &self.truths {
            _ if first.space != second.space => format!(
                "of {} and {}, so they have no architecture in common",
                first.space, second.space
            ),
            [Some(own), Some(theirs)] if own != theirs => {
                "each is judged by its own truth, so there is no p-value".to_owned()
            }
            [Some(_), Some(_)] | [None, None] => return None,
            [own, _] => {
                let (which, board) = match own {
                    None => ("first", first),
                    Some(_) => ("second", second),
                };
                let why = match board.truth {
                    None => "no truth",
                    Some(_) => "too few scored architectures with truth",
                };
                format!("the {which} has {why}")
            }
        };
        Some(format!("{}: {why}", self.name()))
    }

    /// A line on rows whose scores depend on populations that differ, if there are any.
    fn populations(&self) -> Option<String> {
        let [first, second] = self.boards;
        if first.space != second.space {
            return None;
        }
        let differs = |row: &&Row| {
            let theirs = second.rows.iter().find(|it| it.key.name == row.key.name);
            row.key.is_meta() && theirs.is_some_and(|it| it.population != row.population)
        };
        let names = first.rows.iter().filter(differs).map(|row| row.key.name.as_str());
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        (!names.is_empty()).then(|| {
            let (names, pair) = (names.join(", "), self.name());
            format!("{names}: scores depend on the population, which differs in {pair}")
        })
    }

    fn rows(&self) -> Vec<Both<'a>> {
        let [first, second] = self.boards;
        if first.space != second.space {
            return Vec::new();
        }
        let their = |row: &Row| second.rows.iter().find(|it| it.key.name == row.key.name);
        first.rows.iter().filter_map(|row| Some(self.both([row, their(row)?]))).collect()
    }

    /// Estimators in both runs that at least one does not judge, with the reason in
    /// each run.
    fn not_run(&self) -> Vec<(&'a str, [Option<&'a str>; 2])> {
        let [first, second] = self.boards;
        if first.space != second.space {
            return Vec::new();
        }
        let reasons = |board: &'a Leaderboard| -> BTreeMap<&'a str, &'a str> {
            let its = board.scored.not_run.iter();
            its.map(|row| (row.key.name.as_str(), row.reason.as_str())).collect()
        };
        let [own, theirs] = [reasons(first), reasons(second)];
        let has = |board: &Leaderboard, reasons: &BTreeMap<&str, &str>, name: &str| {
            reasons.contains_key(name) || board.rows.iter().any(|row| row.key.name == name)
        };
        let all: BTreeSet<&'a str> = own.keys().chain(theirs.keys()).copied().collect();
        all.into_iter()
            .filter(|&name| has(first, &own, name) && has(second, &theirs, name))
            .map(|name| (name, [own.get(name).copied(), theirs.get(name).copied()]))
            .collect()
    }

    fn both(&self, rows: [&'a Row; 2]) -> Both<'a> {
        let scores = [0, 1].map(|side| -> Vec<f64> {
            let Row { key, scores, .. } = rows[side];
            self.common.iter().map(|at| key.estimator.direction.orient(scores[at[side]])).collect()
        });
        let kd = [0, 1].map(|side| kendall_tau_b(&scores[side], self.truths[side].as_ref()?));
        let compared = self.truths[0].as_ref().filter(|_| self.truths[0] == self.truths[1]);
        let compared = compared.and_then(|truths| {
            let columns: [(&str, &[f64]); 2] = [("second", &scores[1]), ("first", &scores[0])];
            significance(&columns, truths, 0.95).ok()?.comparisons.pop()
        });
        Both {
            name: &rows[0].key.name,
            kd,
            difference: kd[0].zip(kd[1]).map(|(first, second)| second - first),
            compared,
            agreement: kendall_tau_b(&scores[0], &scores[1]),
        }
    }
}

fn text(pairs: &[Pair<'_>]) -> String {
    let mut text = String::new();
    let absent = || "-".to_owned();
    let number = |value: Option<f64>| value.map_or_else(absent, |it| format!("{it:.3}"));
    let mut lines = Vec::new();
    for pair in pairs {
        if let Some(note) = pair.note() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{note}");
        }
        lines.extend(pair.rows().into_iter().map(|both| {
            vec![
                pair.name(),
                both.name.to_owned(),
                pair.common.len().to_string(),
                number(both.kd[0]),
                number(both.kd[1]),
                both.difference.map_or_else(absent, |it| format!("{it:+.3}")),
                both.compared.and_then(|it| it.p_value).map_or_else(absent, p_text),
                number(both.agreement),
            ]
        }));
    }
    if !lines.is_empty() {
        text += &terminal_table(&HEADER, &lines);
        text += "KD first, KD second: each with the truth of its own run\n";
        text += "KD between: of an estimator's scores in one run with those in the other\n";
        for line in pairs.iter().filter_map(Pair::populations) {
            text += &line;
            text.push('\n');
        }
    }
    text
}

/// One row per pair of runs and estimator: first those that both runs judge, then those
/// that at least one does not.
fn csv(pairs: &[Pair<'_>]) -> String {
    let more = [
        "first",
        "second",
        "truth first",
        "truth second",
        "difference_low",
        "difference_high",
        "scored first",
        "architectures first",
        "scored second",
        "architectures second",
        "not_run first",
        "not_run second",
        "population first",
        "population second",
    ];
    let rows = pairs.iter().flat_map(|pair| {
        let judged = pair.rows().into_iter().map(|both| {
            let name = both.name;
            line(pair, name, Some(both), [None, None])
        });
        let others = pair.not_run().into_iter().map(|(name, why)| line(pair, name, None, why));
        judged.chain(others).collect::<Vec<_>>()
    });
    csv_text(HEADER.into_iter().chain(more), rows)
}

fn line<'a>(
    pair: &'a Pair<'_>,
    name: &'a str,
    both: Option<Both<'_>>,
    not_run: [Option<&'a str>; 2],
) -> Vec<Field<'a>> {
    let kd = |side: usize| both.as_ref().and_then(|it| it.kd[side]);
    let compared = both.as_ref().and_then(|it| it.compared.as_ref());
    let ci = compared.and_then(|it| it.ci);
    let truth = |side: usize| pair.boards[side].truth.as_ref().map(|it| it.column.as_str());
    let mut fields: Vec<Field<'a>> = vec![
        pair.name().into(),
        name.into(),
        both.as_ref().map_or(Field::Absent, |_| pair.common.len().into()),
        kd(0).into(),
        kd(1).into(),
        both.as_ref().and_then(|it| it.difference).into(),
        compared.and_then(|it| it.p_value).into(),
        both.as_ref().and_then(|it| it.agreement).into(),
        pair.names[0].into(),
        pair.names[1].into(),
        truth(0).into(),
        truth(1).into(),
        ci.map(|it| it[0]).into(),
        ci.map(|it| it[1]).into(),
    ];
    for Leaderboard { scored, .. } in pair.boards {
        fields.extend([scored.positions.len(), scored.of].map(Field::from));
    }
    fields.extend(not_run.map(Field::from));
    for board in pair.boards {
        let row = board.rows.iter().find(|row| both.is_some() && row.key.name == name);
        let population = row.and_then(|row| row.population.as_ref());
        fields.push(population.map(|it| it.sha256.as_str()).into());
    }
    fields
}
