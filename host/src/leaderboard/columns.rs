//! The columns that tables of estimators share: title, meaning and format.
//!
//! Invariant: one place decides how a value is written, for a terminal and Markdown,
//! for CSV, and for a report's page.

use super::number::{CONSTANT, TOO_FEW_AT_K, cell};
use osee_core::criteria::{CriteriaReport, TieAware};
use osee_files::csv_text::Field;
use osee_model::estimator::EstimatorKind;
use osee_report::{
    html::{self, Cell},
    number::{DIGITS, fixed, p_equals, thousands},
};
use std::collections::BTreeMap;

/// What a table says about one estimator. A table sets what its columns need.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Line<'a> {
    /// Rank of the row, from 1.
    pub rank: Option<usize>,
    pub name: &'a str,
    pub settings: &'a str,
    /// `None` if its scores come from a table.
    pub kind: Option<EstimatorKind>,
    /// `None` if it is not judged.
    pub criteria: Option<&'a CriteriaReport>,
    /// Number of its scores that failed.
    pub failed: Option<usize>,
    /// Number of its scores that are not computed yet.
    pub missing: usize,
    /// Number of architectures that it has scored.
    pub scored: usize,
    /// Number of architectures that it should score.
    pub of: usize,
    /// Cost of an architecture with all seeds, in milliseconds.
    pub milliseconds: Option<f64>,
    /// The reason why it is not judged, if it should be.
    pub not_run: Option<&'a str>,
}

/// The content of a cell in every format.
pub(crate) struct Value<'a> {
    /// Text for a terminal and for Markdown.
    pub text: String,
    /// Field for CSV, in full.
    pub field: Field<'a>,
    /// Bounds for CSV: the interval, or the range over all orders of ties.
    pub bounds: Option<[f64; 2]>,
    /// Cell for a report's page.
    pub cell: Cell,
}

impl<'a> Value<'a> {
    fn new(field: impl Into<Field<'a>>, cell: Cell) -> Self {
        Self { text: cell.line(), field: field.into(), bounds: None, cell }
    }
}

impl<'a> Line<'a> {
    fn why_not(&self) -> Option<String> {
        self.not_run.map(|reason| format!("{} architectures are scored; {reason}", self.scored))
    }

    /// An empty value, because the row is not judged or else for `reason`.
    fn nothing(&self, reason: &str) -> Value<'a> {
        let cell = Cell::undefined(&self.why_not().unwrap_or_else(|| reason.to_owned()));
        Value { text: "-".to_owned(), ..Value::new(Field::Absent, cell) }
    }

    fn criterion(&self, pick: fn(&CriteriaReport) -> Option<f64>) -> Value<'a> {
        match self.criteria.and_then(pick) {
            Some(value) => Value::new(value, cell(Some(value))),
            None => self.nothing(CONSTANT),
        }
    }

    fn tied(&self, share: &str, pick: fn(&CriteriaReport) -> &Shares) -> Value<'a> {
        match self.criteria.and_then(|it| pick(it).get(share)) {
            Some(of) => tied(of),
            None => self.nothing(TOO_FEW_AT_K),
        }
    }
}

type Shares = BTreeMap<String, TieAware>;

/// A column of a table of estimators.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    /// The title, which CSV uses too.
    pub title: &'static str,
    /// The meaning, which a report's page shows.
    hint: &'static str,
    /// Prefix of the CSV columns with the bounds; empty if it has none.
    pub bounds: &'static str,
    /// True for a column of names, false for numbers.
    is_text: bool,
    value: for<'a> fn(&Line<'a>) -> Value<'a>,
}

impl Column {
    const fn new(title: &'static str, value: for<'a> fn(&Line<'a>) -> Value<'a>) -> Self {
        Self { title, hint: "", bounds: "", is_text: false, value }
    }

    /// The same column under another title.
    pub const fn called(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    pub fn of<'a>(&self, line: &Line<'a>) -> Value<'a> {
        (self.value)(line)
    }

    /// The heading on a report's page.
    pub fn heading(&self) -> html::Column {
        match self.is_text {
            true => html::Column::text(self.title, self.hint),
            false => html::Column::number(self.title, self.hint),
        }
    }
}

/// Titles, and every line as text for people.
pub(crate) fn texts<'a>(
    columns: &[Column],
    lines: impl Iterator<Item = Line<'a>>,
) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let texts = |line| columns.iter().map(|it| it.of(&line).text).collect();
    (columns.iter().map(|it| it.title).collect(), lines.map(texts).collect())
}

pub(crate) const RANK: Column = Column::new("#", |line| match line.rank {
    Some(rank) => Value::new(rank, Cell::number(&rank.to_string(), rank as f64)),
    None => line.nothing(""),
});

pub(crate) const NAME: Column = Column {
    is_text: true,
    ..Column::new("estimator", |line| {
        let hint = line.why_not().unwrap_or_else(|| line.settings.to_owned());
        Value::new(line.name, Cell::text(line.name).hint(&hint))
    })
};

pub(crate) const KIND: Column = Column {
    hint: "what it looks at",
    is_text: true,
    ..Column::new("Kind", |line| {
        let kind = line.kind.map_or_else(|| "table".to_owned(), |kind| kind.to_string());
        Value::new(kind.clone(), Cell::text(&kind))
    })
};

/// The criteria columns of every table of estimators.
pub(crate) const CRITERIA: [Column; 7] = [
    Column {
        hint: "Kendall's tau-b between scores and truth",
        bounds: "kd",
        ..Column::new("KD", |line| Value {
            bounds: line.criteria.and_then(|it| it.kd_ci),
            ..line.criterion(|it| it.kd)
        })
    },
    Column {
        hint: "of KD, over the choice of architectures (1,000 bootstrap resamples); p is that of \
               KD against 0",
        is_text: true,
        ..Column::new("95% interval", interval)
    },
    Column {
        hint: "rank correlation",
        ..Column::new("Spearman", |line| line.criterion(|it| it.spearman))
    },
    Column {
        hint: "share of the predicted best 5% that truly are",
        bounds: "p_top5",
        ..Column::new("P@top5%", |line| line.tied("0.05", |it| &it.p_top))
    },
    Column {
        hint: "share of the predicted worst 5% that truly are",
        bounds: "p_bot5",
        ..Column::new("P@bot5%", |line| line.tied("0.05", |it| &it.p_bottom))
    },
    Column {
        hint: "best true rank in the predicted best 1%, as a share; lower is better",
        bounds: "br1",
        ..Column::new("BR@1%", |line| line.tied("0.01", |it| &it.br))
    },
    Column {
        hint: "worst true rank in the predicted best 5%; lower is better",
        bounds: "wr5",
        ..Column::new("WR@5%", |line| line.tied("0.05", |it| &it.wr))
    },
];

pub(crate) const LC: Column = Column::new("LC", |line| line.criterion(|it| it.lc));

/// Failed scores. A report counts the architectures of which all seeds failed.
pub(crate) const FAILED: Column = Column {
    hint: "architectures without a score; they rank last",
    ..Column::new("failed", |line| match (line.why_not(), line.failed) {
        (Some(why), _) => Value {
            text: format!("not run: {} of {} scored", line.scored, line.of),
            ..Value::new(Field::Absent, Cell::text("not run").hint(&why))
        },
        (None, None) => line.nothing(CONSTANT),
        (None, Some(failed)) => {
            let mut value = Value::new(failed, Cell::number(&failed.to_string(), failed as f64));
            if line.missing > 0 {
                value.text += &format!(" (+{} not run)", line.missing);
            }
            value
        }
    })
};

pub(crate) const MEASURED: Column = Column {
    hint: "architectures that the table has a score of",
    ..Column::new("measured", |line| {
        let text = match line.scored < line.of {
            true => format!("{} of {}", line.scored, line.of),
            false => line.of.to_string(),
        };
        let cell = Cell::number(&thousands(line.scored), line.scored as f64);
        Value { text, ..Value::new(line.scored, cell) }
    })
};

pub(crate) const MILLISECONDS: Column = Column {
    hint: "per architecture, all seeds, by itself, on one core",
    ..Column::new("ms/arch", |line| match line.milliseconds {
        Some(cost) => Value::new(cost, Cell::number(&format!("{cost:.1}"), cost)),
        None => line.nothing("it was not timed"),
    })
};

/// The interval of KD, or the p-value of KD against 0 if there is none.
fn interval<'a>(line: &Line<'a>) -> Value<'a> {
    let Some(criteria) = line.criteria else { return line.nothing(CONSTANT) };
    if let Some([low, high]) = criteria.kd_ci {
        let text = format!("{low:.DIGITS$} .. {high:.DIGITS$}");
        return Value::new(text.clone(), Cell::text(&text));
    }
    let why = criteria.kd_ci_missing.map_or_else(String::new, |why| why.to_string());
    match criteria.kd_p.map(p_equals) {
        Some(p) => Value::new(Field::Absent, Cell::text(&format!("none, {p}")).hint(&why)),
        None => line.nothing(&why),
    }
}

/// A criterion with its range over all orders of ties, if that is wide: `0.467 (0.400
/// .. 0.600)`.
fn tied(of: &TieAware) -> Value<'static> {
    let [min, max] = [of.min, of.max].map(|it| fixed(it, DIGITS));
    let mut cell = cell(Some(of.value));
    if of.range().is_some() {
        cell = cell.below(&format!("{min} .. {max}"));
    }
    if of.min < of.max {
        cell = cell.hint(&format!("mean over all orders of ties, which give {min} to {max}"));
    }
    Value { bounds: Some([of.min, of.max]), ..Value::new(of.value, cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_range_stands_beside_its_number() {
        let text = |min, max| tied(&TieAware { value: 0.467, expected: 0.467, min, max }).text;
        assert_eq!(text(0.4, 0.6), "0.467 (0.400 .. 0.600)");
        assert_eq!(text(0.45, 0.48), "0.467");
    }
}
