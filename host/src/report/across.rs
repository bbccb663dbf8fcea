//! Several runs in one table: is there one estimator for all spaces?

use super::{
    Format, Leaderboard, Row,
    render::caption,
    text::{markdown_table, markdown_text, terminal_table},
};
use osee_core::{
    criteria::average_ranks,
    csv_text::{Field, csv_text},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An estimator's place in every run.
#[derive(Debug, Clone, PartialEq)]
pub struct AcrossRow {
    /// Name of its row.
    pub name: String,
    /// Per run: tau-b and its interval; `None` where it was not run, has too
    /// few scores to be judged, or has none.
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
    /// Names of the runs, in the order given, no two alike.
    pub runs: Vec<String>,
    /// Of each, how many architectures all its rows have scored, and how many
    /// it has.
    pub scored: Vec<[usize; 2]>,
    /// What each of them is about.
    pub captions: Vec<String>,
    /// Best mean rank first; those that not all runs have at the end.
    pub rows: Vec<AcrossRow>,
}

impl Across {
    /// Puts leaderboards side by side; `runs` are [`told_apart`].
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
            Format::Csv | Format::ScoresCsv => self.csv(),
            Format::Markdown => {
                let captions = self.captions().map(|it| format!("- {}\n", markdown_text(&it)));
                let captions: String = captions.collect();
                format!("{captions}\n{}", markdown_table(&self.header(), &self.lines()))
            }
            Format::Table => {
                let captions: Vec<String> = self.captions().collect();
                let captions = captions.join("\n");
                format!("{captions}\n{}", terminal_table(&self.header(), &self.lines()))
            }
        }
    }

    /// What each run is about, a line each, by the name of its column.
    fn captions(&self) -> impl Iterator<Item = String> {
        self.runs.iter().zip(&self.captions).map(|(run, caption)| {
            let caption = caption.replace('\n', "; ");
            match caption.starts_with(&format!("{run}: ")) {
                true => caption,
                false => format!("{run} = {caption}"),
            }
        })
    }

    fn header(&self) -> Vec<String> {
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

    /// The same with numbers in full; after KD of every run its bounds, then
    /// how many architectures were judged.
    fn csv(&self) -> String {
        let runs = || self.runs.iter();
        let mut names = self.header();
        names.extend(runs().flat_map(|run| [format!("kd_low {run}"), format!("kd_high {run}")]));
        names.extend(
            runs().flat_map(|run| [format!("scored {run}"), format!("architectures {run}")]),
        );
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
                })
            })
            .collect();
        let [scored, architectures] =
            [0, 1].map(|at| self.scored.iter().map(|it| it[at]).collect::<Vec<_>>());
        json!({
            "runs": self.runs,
            "about": self.captions,
            "scored": scored,
            "architectures": architectures,
            "rows": rows,
        })
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
