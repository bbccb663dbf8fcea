//! Section: does a score say more than a count of parameters or convolutions?

use super::{CONSTANT, absent, cell, listed, section_of, signed, three, value};
use crate::{
    analysis::{JudgedRow, Material},
    leaderboard::beside::{CONFIDENCE, COUNTS, counts, distinct, ndcg, of_few_values},
};
use osee_core::{
    analysis::{BesideCount, beside_count},
    criteria::CriteriaReport,
};
use osee_model::estimator::EstimatorKind;
use osee_report::{
    figure::{Axis, Estimate, Figure, Intervals},
    html::{Absent, Cell, Column, Section, Table},
};

const HEADING: &str = "Does it say more than a count?";
/// Most names that are written out.
const NAMED: usize = 4;

/// Partial correlations given each count, and differences to its KD.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let all: Vec<&JudgedRow> = material.final_rows().collect();
    let found: Vec<Beside<'_>> = COUNTS
        .iter()
        .filter_map(|id| all.iter().find(|row| is_count(row, id)))
        .map(|count| Beside::of(material, count, &all))
        .collect();
    if found.is_empty() || all.len() < 2 {
        let reason = "there is no row of a count, or nothing beside it";
        return Err(absent(HEADING, reason, "[[estimators]]\nid = \"params\""));
    }
    let judged: Vec<Judged<'_>> = all.iter().map(|row| Judged::of(material, row)).collect();
    let mut sentences: Vec<String> = found.iter().map(|it| it.finding(&all)).collect();
    for it in judged.iter().filter(|it| !it.is_count) {
        let lines = it.criteria.iter().flat_map(|criteria| of_few_values(&it.row.name, criteria));
        sentences.extend(lines.map(|line| format!("{line}.")));
    }
    let section = section_of(HEADING)
        .finding(&sentences.join(" "))
        .rests_on(&format!(
            "{}; scores averaged over seeds; Kendall's partial tau-b, intervals of differences by \
             the jackknife",
            material.rests_on()
        ))
        .table(table(&judged, &found));
    Ok(found.iter().fold(section, |section, it| section.figure(it.figure(&all))))
}

fn is_count(row: &JudgedRow, id: &str) -> bool {
    row.estimator == id && row.kind.is_none_or(|kind| kind == EstimatorKind::Baseline)
}

/// A row with what its own scores say.
struct Judged<'a> {
    row: &'a JudgedRow,
    criteria: Option<CriteriaReport>,
    is_count: bool,
}

impl<'a> Judged<'a> {
    fn of(material: &Material, row: &'a JudgedRow) -> Self {
        let criteria = material.criteria(row);
        Self { row, criteria, is_count: counts(row.kind, &row.values) }
    }
}

/// All rows beside one count.
struct Beside<'a> {
    count: &'a JudgedRow,
    /// `None` for the count itself.
    rows: Vec<Option<BesideCount>>,
}

impl<'a> Beside<'a> {
    fn of(material: &Material, count: &'a JudgedRow, all: &[&JudgedRow]) -> Self {
        let beside = |row: &&JudgedRow| {
            let other = row.name != count.name;
            let found = other.then(|| {
                beside_count(row.column(), count.column(), &material.truth, CONFIDENCE).ok()
            });
            found.flatten()
        };
        Self { count, rows: all.iter().map(beside).collect() }
    }

    fn finding(&self, all: &[&JudgedRow]) -> String {
        let better = |(row, found): (&&JudgedRow, &Option<BesideCount>)| {
            let [low, _] = found.as_ref()?.interval?;
            (low > 0.0).then(|| row.name.clone())
        };
        let better: Vec<String> = all.iter().zip(&self.rows).filter_map(better).collect();
        let compared = self.rows.iter().flatten().filter(|it| it.difference.is_some()).count();
        let count = &self.count.name;
        match better.len() {
            _ if compared == 0 => format!("No estimator can be compared with {count}."),
            0 if compared == 1 => {
                format!("The other estimator does not rank better than {count} beyond chance.")
            }
            1 if compared == 1 => format!("{} ranks better than {count}.", better[0]),
            0 => format!("None of {compared} estimators ranks better than {count} beyond chance."),
            few if few <= NAMED => {
                format!("Of {compared} estimators {} rank better than {count}.", listed(&better))
            }
            many => format!("Of {compared} estimators {many} rank better than {count}."),
        }
    }

    fn figure(&self, all: &[&JudgedRow]) -> Figure {
        let count = &self.count.name;
        let mut drawn = Intervals::new(Axis::new(&format!("KD less that of {count}")));
        for (row, found) in all.iter().zip(&self.rows) {
            if let Some(found) = found {
                let estimate = Estimate::within(value(found.difference), found.interval);
                drawn = drawn.row(&row.name, estimate, row.user_plugin);
            }
        }
        let title = format!("KD less that of {count}, with its 95% interval over architectures");
        Figure::new(&format!("less-{count}"), &title, drawn)
    }
}

fn table(judged: &[Judged<'_>], found: &[Beside<'_>]) -> Table {
    let mut heads = vec![
        Column::text("Estimator", ""),
        Column::text(
            "Distinct",
            "distinct scores over all scores; `count` for a baseline that counts",
        ),
        Column::number("nDCG@5%", "gain of the predicted best 5%, discounted by predicted rank"),
    ];
    for it in found {
        let count = &it.count.name;
        heads.extend([
            Column::number(
                &format!("KD given {count}"),
                "partial tau-b of score and truth: what the score says of networks of equal count",
            ),
            Column::number(&format!("KD less {count}"), "its KD less that of the count"),
            Column::text("95% interval", "of the difference"),
        ]);
    }
    judged.iter().enumerate().fold(Table::new(heads), |table, (at, it)| {
        let share = it.criteria.as_ref().map(|criteria| distinct(it.is_count, criteria));
        let mut cells = vec![
            Cell::text(&it.row.name),
            share.map_or_else(|| Cell::undefined("there are too few scores"), |it| Cell::text(&it)),
            cell(it.criteria.as_ref().and_then(ndcg)),
        ];
        for of in found {
            cells.extend(of_count(of.rows[at].as_ref()));
        }
        table.row(cells)
    })
}

/// Partial correlation, difference and interval; blank for the count itself.
fn of_count(found: Option<&BesideCount>) -> [Cell; 3] {
    let Some(found) = found else {
        return [(); 3].map(|()| Cell::text("-"));
    };
    let number = |number: Option<f64>, text: fn(f64) -> String, why: &str| match number {
        Some(it) => Cell::number(&text(it), it),
        None => Cell::undefined(why),
    };
    let missing = found.interval_missing.map(|why| why.to_string()).unwrap_or_default();
    [
        number(found.partial, three, "the count ranks as the score or the truth does"),
        number(found.difference, signed, CONSTANT),
        match found.interval {
            Some([low, high]) => Cell::text(&format!("{} .. {}", signed(low), signed(high))),
            None => Cell::undefined(&missing),
        },
    ]
}
