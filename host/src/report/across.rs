//! Several runs in one table: is there one estimator for all spaces?

use super::{
    Format, Leaderboard, Row,
    render::{caption, csv_text, markdown_table, terminal_table},
};
use osee_core::criteria::average_ranks;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An estimator's place in every run.
#[derive(Debug, Clone, PartialEq)]
pub struct AcrossRow {
    /// Name of its row.
    pub name: String,
    /// Per run: tau-b and its interval; `None` where it was not run or has
    /// none.
    pub kd: Vec<Option<(f64, Option<[f64; 2]>)>>,
    /// Per run: its rank by tau-b among the estimators that all runs have, 1
    /// the best, ties averaged; empty if it is not one of them.
    pub ranks: Vec<f64>,
}

impl AcrossRow {
    /// Mean rank, if it was run everywhere.
    pub fn mean_rank(&self) -> Option<f64> {
        let count = self.ranks.len() as f64;
        (count > 0.0).then(|| self.ranks.iter().sum::<f64>() / count)
    }

    /// Worst rank, if it was run everywhere.
    pub fn worst_rank(&self) -> Option<f64> {
        self.ranks.iter().copied().reduce(f64::max)
    }

    /// Smallest tau-b over the runs, if it was run everywhere.
    pub fn worst_kd(&self) -> Option<f64> {
        let kd: Option<Vec<f64>> = self.kd.iter().map(|it| it.map(|(kd, _)| kd)).collect();
        kd?.into_iter().reduce(f64::min)
    }
}

/// Estimators by runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Across {
    /// Names of the runs, in the order given.
    pub runs: Vec<String>,
    /// What each of them is about.
    pub captions: Vec<String>,
    /// Best mean rank first; those that not all runs have at the end.
    pub rows: Vec<AcrossRow>,
}

impl Across {
    /// Puts leaderboards side by side.
    pub fn new(boards: &[Leaderboard]) -> Self {
        let mut found: BTreeMap<&str, Vec<Option<&Row>>> = BTreeMap::new();
        for (at, board) in boards.iter().enumerate() {
            for row in &board.rows {
                found.entry(&row.key.name).or_insert(vec![None; boards.len()])[at] = Some(row);
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
            runs: boards.iter().map(|board| board.name.clone()).collect(),
            captions: boards.iter().map(caption).collect(),
            rows,
        }
    }

    /// As text; per-architecture scores of different spaces make no table.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Json => {
                let text = serde_json::to_string_pretty(&self.document());
                text.expect("a document is plain data") + "\n"
            }
            Format::Csv | Format::ScoresCsv => {
                let header = self.header();
                let header: Vec<&str> = header.iter().map(String::as_str).collect();
                csv_text(&header, &self.lines(6))
            }
            Format::Markdown => {
                let captions: Vec<String> = self
                    .captions
                    .iter()
                    .map(|it| format!("- {}\n", it.replace('\n', "; ")))
                    .collect();
                format!("{}\n{}", captions.concat(), markdown_table(&self.header(), &self.lines(3)))
            }
            Format::Table => {
                let captions = self.captions.join("\n");
                format!("{captions}\n{}", terminal_table(&self.header(), &self.lines(3)))
            }
        }
    }

    fn header(&self) -> Vec<String> {
        let fixed = ["#", "estimator", "mean rank", "worst rank", "worst KD"].map(str::to_owned);
        fixed.into_iter().chain(self.runs.iter().map(|run| format!("KD {run}"))).collect()
    }

    fn lines(&self, digits: usize) -> Vec<Vec<String>> {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let one = |(i, row): (usize, &AcrossRow)| {
            let mut line = vec![
                (i + 1).to_string(),
                row.name.clone(),
                number(row.mean_rank(), 1),
                number(row.worst_rank(), 1),
                number(row.worst_kd(), digits),
            ];
            line.extend(row.kd.iter().map(|kd| match kd {
                None => "-".to_owned(),
                Some((kd, None)) => format!("{kd:.digits$}"),
                Some((kd, Some([a, b]))) => format!("{kd:.digits$} ({a:.digits$} .. {b:.digits$})"),
            }));
            line
        };
        self.rows.iter().enumerate().map(one).collect()
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
                })
            })
            .collect();
        json!({ "runs": self.runs, "about": self.captions, "rows": rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, kd: [Option<f64>; 2]) -> AcrossRow {
        let kd = kd.map(|kd| kd.map(|kd| (kd, None))).to_vec();
        AcrossRow { name: name.to_owned(), kd, ranks: Vec::new() }
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
