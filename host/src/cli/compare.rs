//! `osee-host compare DIR DIR..`: what two runs say of the same estimators,
//! such as one with images and one with noise.

use super::{
    CliError,
    leaderboard::{TruthArgs, judged, registry_of},
    print,
};
use crate::report::{Across, Format, Leaderboard, Row, csv_text, terminal_table};
use clap::Args;
use osee_core::{
    analysis::significance,
    criteria::{CriteriaOptions, kendall_tau_b},
    store::Store,
    truth::join,
};
use std::{fmt::Write, path::PathBuf};

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

/// An estimator in two runs, on the architectures of both.
struct Both {
    name: String,
    architectures: usize,
    /// With the truth, in the first and in the other run.
    kd: [Option<f64>; 2],
    /// The second less the first, with its p-value.
    difference: Option<f64>,
    p_value: Option<f64>,
    /// Between the scores of the two runs.
    agreement: Option<f64>,
}

/// Prints it.
pub fn run(args: &CompareArgs) -> Result<(), CliError> {
    let board = |dir: &PathBuf| {
        let store = Store::open(dir)?;
        let registry = registry_of(&store.study()?)?;
        judged(&store, &registry, &TruthArgs::default(), &CriteriaOptions::default())
    };
    let boards = args.dir.iter().map(board).collect::<Result<Vec<Leaderboard>, CliError>>()?;
    let (first, others) = boards.split_first().expect("clap wants two");
    let header =
        ["runs", "estimator", "common", "KD first", "KD second", "difference", "p", "KD between"];
    let mut text = match args.format.as_str() {
        "csv" => String::new(),
        _ => Across::new(&boards).render(Format::Table) + "\n",
    };
    let mut lines = Vec::new();
    for other in others {
        let pair = format!("{} : {}", first.name, other.name);
        if first.space != other.space {
            let _ = writeln!(
                text,
                "{pair}: of {} and {}, so they have no architecture in common",
                first.space, other.space
            );
            continue;
        }
        lines.extend(both(first, other).into_iter().map(|it| line(&pair, it)));
    }
    if args.format == "csv" {
        return print(&csv_text(&header, &lines));
    }
    if !lines.is_empty() {
        text += &terminal_table(&header, &lines);
        text += "KD between: of an estimator's scores in one run with those in the other\n";
    }
    print(&text)
}

fn both(first: &Leaderboard, other: &Leaderboard) -> Vec<Both> {
    let joined = join(&first.architectures, &other.architectures);
    let truth = |board: &Leaderboard, at: usize| {
        let judged = board.judged.as_ref()?;
        judged.positions.binary_search(&at).ok().map(|at| judged.values[at])
    };
    let common: Vec<(usize, usize, f64)> =
        joined.rows.iter().filter_map(|&(a, b)| Some((a, b, truth(first, a)?))).collect();
    let truths: Vec<f64> = common.iter().map(|(.., truth)| *truth).collect();
    let pairs = first.rows.iter().filter_map(|row| {
        Some((row, other.rows.iter().find(|theirs| theirs.key.name == row.key.name)?))
    });
    let of = |(row, theirs): (&Row, &Row)| {
        let own: Vec<f64> =
            common.iter().map(|(a, ..)| row.key.direction.orient(row.scores[*a])).collect();
        let their: Vec<f64> =
            common.iter().map(|(_, b, _)| theirs.key.direction.orient(theirs.scores[*b])).collect();
        let columns: [(&str, &[f64]); 2] = [("second", &their), ("first", &own)];
        let found = significance(&columns, &truths, 0.95).ok();
        let compared = found.as_ref().and_then(|it| it.comparisons.first());
        Both {
            name: row.key.name.clone(),
            architectures: common.len(),
            kd: [kendall_tau_b(&own, &truths), kendall_tau_b(&their, &truths)],
            difference: compared.and_then(|it| it.difference),
            p_value: compared.and_then(|it| it.p_value),
            agreement: kendall_tau_b(&own, &their),
        }
    };
    pairs.map(of).collect()
}

fn line(pair: &str, both: Both) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |it| format!("{it:.3}"));
    let signed = both.difference.map_or_else(|| "-".to_owned(), |it| format!("{it:+.3}"));
    vec![
        pair.to_owned(),
        both.name,
        both.architectures.to_string(),
        number(both.kd[0]),
        number(both.kd[1]),
        signed,
        number(both.p_value),
        number(both.agreement),
    ]
}
