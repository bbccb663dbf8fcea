//! Compares several runs in one table: is there one estimator for all spaces?
//!
//! Invariant: ranks are among the rows that every run has judged. Every format gives
//! the number of these rows, and the reason why any other row has no rank.

use super::{
    Format, Leaderboard, NotRun, Row,
    render::{caption, not_run_document},
};
use osee_core::criteria::average_ranks;
use osee_files::csv_text::{Field, csv_text};
use osee_report::text::{markdown_table, markdown_text, terminal_table};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Ranks and tau-b of one row in every run.
#[derive(Debug, Clone, PartialEq)]
pub struct AcrossRow {
    /// Name of the row.
    pub name: String,
    /// Kendall's tau-b with its interval, by run; `None` if the row is not in the run,
    /// has too few scores, or its tau-b is undefined.
    pub kd: Vec<Option<(f64, Option<[f64; 2]>)>>,
    /// Rank by tau-b in each run, among the rows that have one in all runs: 1 is best,
    /// ties are averaged. Empty if it is not one of these.
    pub ranks: Vec<f64>,
    /// The reason why it has no ranks; `None` if it has.
    pub left_out: Option<String>,
}

impl AcrossRow {
    /// Mean rank over the runs; `None` without ranks.
    pub fn mean_rank(&self) -> Option<f64> {
        let count = self.ranks.len() as f64;
        (count > 0.0).then(|| self.ranks.iter().sum::<f64>() / count)
    }

    /// Worst rank over the runs; `None` without ranks.
    pub fn worst_rank(&self) -> Option<f64> {
        self.ranks.iter().copied().reduce(f64::max)
    }

    /// Smallest tau-b over the runs; `None` if a run has none.
    pub fn worst_kd(&self) -> Option<f64> {
        let kd: Option<Vec<f64>> = self.kd.iter().map(|it| it.map(|(kd, _)| kd)).collect();
        kd?.into_iter().reduce(f64::min)
    }
}

/// A table of estimators by runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Across {
    /// Distinct names of the runs, in the order given.
    pub runs: Vec<String>,
    /// For each run, the numbers of architectures that all its rows have scored, and of
    /// all its architectures.
    pub scored: Vec<[usize; 2]>,
    /// For each run, "77 of 200 scored"; `None` if nothing is left to compute.
    pub progress: Vec<Option<String>>,
    /// For each run, its rows that are not judged.
    pub not_run: Vec<Vec<NotRun>>,
    /// For each run, what its numbers are about.
    pub captions: Vec<String>,
    /// Best mean rank first; rows without ranks last.
    pub rows: Vec<AcrossRow>,
}

impl Across {
    /// Puts leaderboards side by side; `runs` are their names by [`told_apart`].
    ///
    /// [`told_apart`]: super::told_apart
    pub fn new(boards: &[Leaderboard], runs: Vec<String>) -> Self {
        let mut found: BTreeMap<&str, Vec<Option<&Row>>> = BTreeMap::new();
        for (at, board) in boards.iter().enumerate() {
            for row in &board.rows {
                found.entry(&row.key.name).or_insert(vec![None; boards.len()])[at] = Some(row);
            }
            for row in &board.scored.not_run {
                found.entry(&row.key.name).or_insert(vec![None; boards.len()]);
            }
        }
        let kd = |row: &Row| {
            let criteria = row.criteria.as_ref()?;
            criteria.kd.map(|kd| (kd, criteria.kd_ci))
        };
        let mut rows: Vec<AcrossRow> = found
            .into_iter()
            .map(|(name, of_runs)| AcrossRow {
                name: name.to_owned(),
                kd: of_runs.into_iter().map(|row| row.and_then(kd)).collect(),
                ranks: Vec::new(),
                left_out: left_out(name, boards, &runs),
            })
            .collect();
        let common: Vec<usize> =
            (0..rows.len()).filter(|&at| rows[at].worst_kd().is_some()).collect();
        for run in 0..boards.len() {
            let loss = |&at: &usize| rows[at].kd[run].map_or(f64::NAN, |(kd, _)| -kd);
            let ranks = average_ranks(&common.iter().map(loss).collect::<Vec<_>>());
            for (&at, rank) in common.iter().zip(ranks) {
                rows[at].ranks.push(rank);
            }
        }
        let place = |row: &AcrossRow| {
            let last = f64::INFINITY;
            (row.mean_rank().unwrap_or(last), row.worst_rank().unwrap_or(last))
        };
        rows.sort_by(|a, b| {
            let ((mean_a, worst_a), (mean_b, worst_b)) = (place(a), place(b));
            mean_a.total_cmp(&mean_b).then(worst_a.total_cmp(&worst_b)).then(a.name.cmp(&b.name))
        });
        Self {
            runs,
            scored: boards.iter().map(|it| [it.scored.positions.len(), it.scored.of]).collect(),
            progress: boards.iter().map(|it| it.scored.progress()).collect(),
            not_run: boards.iter().map(|it| it.scored.not_run.clone()).collect(),
            captions: boards.iter().map(caption).collect(),
            rows,
        }
    }

    /// Number of rows that have ranks.
    pub fn ranked(&self) -> usize {
        self.rows.iter().filter(|row| !row.ranks.is_empty()).count()
    }

    /// Renders the table. It has no per-architecture scores, which cannot be joined
    /// across spaces.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Json => {
                let text = serde_json::to_string_pretty(&self.document());
                text.expect("a document is plain data") + "\n"
            }
            Format::Csv | Format::ScoresCsv => self.csv(),
            Format::Markdown => {
                let captions = self.captions().map(|it| format!("- {}\n", markdown_text(&it)));
                let captions: String = captions.collect();
                let notes = self.notes().into_iter();
                let notes: String = notes.map(|it| format!("- {}\n", markdown_text(&it))).collect();
                let table = markdown_table(&self.header(), &self.lines());
                format!("{captions}\n{table}\n{notes}")
            }
            Format::Table => {
                let captions: Vec<String> = self.captions().collect();
                let captions = captions.join("\n");
                let notes: String = self.notes().into_iter().map(|it| it + "\n").collect();
                let table = terminal_table(&self.header(), &self.lines());
                format!("{captions}\n{table}{notes}")
            }
        }
    }

    /// For each run, a line that says what it is about, by the name of its column.
    fn captions(&self) -> impl Iterator<Item = String> {
        self.runs.iter().zip(&self.captions).map(|(run, caption)| {
            let caption = caption.replace('\n', "; ");
            match caption.starts_with(&format!("{run}: ")) {
                true => caption,
                false => format!("{run} = {caption}"),
            }
        })
    }

    /// Explains the ranks, and names the rows without any.
    fn notes(&self) -> Vec<String> {
        let ranked = self.ranked();
        let what = match ranked == self.rows.len() {
            true => format!("mean and worst rank: by KD, among all {ranked} rows"),
            false => format!(
                "mean and worst rank: by KD, among the {ranked} of {} rows that have one in every \
                 run",
                self.rows.len()
            ),
        };
        let others = self.rows.iter().filter_map(|row| Some((&row.name, row.left_out.as_ref()?)));
        let others = others.map(|(name, why)| format!("not ranked: {name}: {why}"));
        std::iter::once(what).chain(others).collect()
    }

    /// Header for people; in CSV the number of ranked rows has its own column.
    fn header(&self) -> Vec<String> {
        let mut names = self.names();
        names[2] = format!("mean rank of {}", self.ranked());
        names
    }

    fn names(&self) -> Vec<String> {
        let fixed = ["#", "estimator", "mean rank", "worst rank", "worst KD"].map(str::to_owned);
        fixed.into_iter().chain(self.runs.iter().map(|run| format!("KD {run}"))).collect()
    }

    fn lines(&self) -> Vec<Vec<String>> {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let one = |(i, row): (usize, &AcrossRow)| {
            let mut line = vec![
                (i + 1).to_string(),
                row.name.clone(),
                number(row.mean_rank(), 1),
                number(row.worst_rank(), 1),
                number(row.worst_kd(), 3),
            ];
            line.extend(row.kd.iter().map(|kd| match kd {
                None => "-".to_owned(),
                Some((kd, None)) => format!("{kd:.3}"),
                Some((kd, Some([a, b]))) => format!("{kd:.3} ({a:.3} .. {b:.3})"),
            }));
            line
        };
        self.rows.iter().enumerate().map(one).collect()
    }

    /// Writes the table with numbers in full. After every run's KD come its bounds, the
    /// number of judged architectures, why a row is not judged, the number of ranked
    /// rows, and why a row is not ranked.
    fn csv(&self) -> String {
        let runs = || self.runs.iter();
        let ranked = self.ranked();
        let mut names = self.names();
        names.extend(runs().flat_map(|run| [format!("kd_low {run}"), format!("kd_high {run}")]));
        names.extend(
            runs().flat_map(|run| [format!("scored {run}"), format!("architectures {run}")]),
        );
        names.extend(runs().map(|run| format!("not_run {run}")));
        names.extend(["ranked", "not_ranked"].map(str::to_owned));
        let rows = self.rows.iter().enumerate().map(|(i, row)| {
            let mut fields = vec![
                Field::from(i + 1),
                row.name.as_str().into(),
                row.mean_rank().into(),
                row.worst_rank().into(),
                row.worst_kd().into(),
            ];
            fields.extend(row.kd.iter().map(|it| it.map(|(kd, _)| kd).into()));
            fields.extend(row.kd.iter().flat_map(|it| {
                let ci = it.and_then(|(_, ci)| ci);
                [ci.map(|it| it[0]).into(), ci.map(|it| it[1]).into()]
            }));
            fields.extend(self.scored.as_flattened().iter().map(|&it| Field::from(it)));
            fields.extend(self.not_run.iter().map(|its| {
                let its = its.iter().find(|it| it.key.name == row.name);
                Field::from(its.map(|it| it.reason.as_str()))
            }));
            fields.extend([ranked.into(), row.left_out.as_deref().into()]);
            fields
        });
        csv_text(names, rows)
    }

    fn document(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "estimator": row.name,
                    "kd": row.kd.iter().map(|it| it.map(|(kd, _)| kd)).collect::<Vec<_>>(),
                    "kd_ci": row.kd.iter().map(|it| it.and_then(|(_, ci)| ci)).collect::<Vec<_>>(),
                    "ranks": row.ranks,
                    "mean_rank": row.mean_rank(),
                    "worst_rank": row.worst_rank(),
                    "worst_kd": row.worst_kd(),
                    "not_ranked": row.left_out,
                })
            })
            .collect();
        let [scored, architectures] =
            [0, 1].map(|at| self.scored.iter().map(|it| it[at]).collect::<Vec<_>>());
        let not_run = |its: &Vec<NotRun>| its.iter().map(not_run_document).collect::<Vec<_>>();
        json!({
            "runs": self.runs,
            "about": self.captions,
            "scored": scored,
            "architectures": architectures,
            "unfinished": self.progress.iter().map(Option::is_some).collect::<Vec<_>>(),
            "progress": self.progress,
            "not_run": self.not_run.iter().map(not_run).collect::<Vec<_>>(),
            "ranked": self.ranked(),
            "rows": rows,
        })
    }
}

/// The reason, run by run, why a row has no KD in some of the runs; `None` if it has
/// one in all.
fn left_out(name: &str, boards: &[Leaderboard], runs: &[String]) -> Option<String> {
    let why = |board: &Leaderboard| -> Option<String> {
        if let Some(row) = board.rows.iter().find(|row| row.key.name == name) {
            let why = match &row.criteria {
                Some(criteria) if criteria.kd.is_some() => return None,
                Some(_) => "its scores or the truths are all equal",
                None if board.truth.is_none() => "no truth",
                None => "too few scored architectures with truth",
            };
            return Some(why.to_owned());
        }
        let not_run = board.scored.not_run.iter().find(|row| row.key.name == name);
        Some(not_run.map_or_else(|| "not in it".to_owned(), |it| format!("not run, {}", it.reason)))
    };
    let all = boards.iter().zip(runs).filter_map(|(board, run)| Some((run, why(board)?)));
    let all: Vec<String> = all.map(|(run, why)| format!("{run}: {why}")).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, kd: [Option<f64>; 2]) -> AcrossRow {
        let kd = kd.map(|kd| kd.map(|kd| (kd, None))).to_vec();
        AcrossRow { name: name.to_owned(), kd, ranks: Vec::new(), left_out: None }
    }

    #[test]
    fn an_estimator_that_was_not_run_everywhere_has_no_place() {
        let mut whole = row("whole", [Some(0.5), Some(-0.2)]);
        whole.ranks = vec![1.0, 4.5];
        assert_eq!((whole.mean_rank(), whole.worst_rank()), (Some(2.75), Some(4.5)));
        assert_eq!(whole.worst_kd(), Some(-0.2));
        let half = row("half", [Some(0.5), None]);
        assert_eq!((half.mean_rank(), half.worst_rank(), half.worst_kd()), (None, None, None));
    }
}
