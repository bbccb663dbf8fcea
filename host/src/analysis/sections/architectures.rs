//! Section: which architectures does an estimator rank first and last, and what
//! are their true ranks?

use super::{ranked_by, ranks, refused, section_of, shown_of, shown_rows, three};
use crate::analysis::{JudgedRow, Material};
use osee_core::analysis::{AnalysisError, Extremes, Placed, extremes};
use osee_model::graph::Sketch;
use osee_report::{
    figure::{Drawing, Drawings, Figure},
    html::{Absent, Cell, Column, Section, Table},
    number::thousands,
};

const HEADING: &str = "The best and the worst by each estimator";
/// Architectures shown at each end of a ranking.
const EACH: usize = 3;

/// First and last architectures of the rows that `shown_rows` picks.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let rows = ranked_by(material, HEADING)?;
    let structure = material.structure.as_ref();
    let columns: Vec<(&str, &[f64])> = structure.map_or_else(Vec::new, |it| {
        vec![
            ("params", it.params.as_slice()),
            ("depth", &it.depth),
            ("receptive field", &it.receptive_field),
            ("isomorphic", &it.group_size),
        ]
    });
    let mut section = section_of(HEADING);
    let mut heads = vec![
        Column::text("Estimator", ""),
        Column::text("End", ""),
        Column::text("Architecture", ""),
        Column::number("True rank", "1 is the best; ties share the mean"),
        Column::number("Tied", "architectures with this score, itself included, in order of name"),
        Column::number("Truth", ""),
    ];
    heads.extend(columns.iter().map(|(name, _)| Column::number(name, explanation(name))));
    let mut table = Table::new(heads);
    let names: Vec<&str> = material.architectures.iter().map(String::as_str).collect();
    let shown = shown_rows(material);
    let mut firsts = Vec::new();
    for row in &rows {
        if row.measured() == 0 {
            continue;
        }
        let found = ends(material, row, &names, &columns).map_err(refused(HEADING))?;
        if ranks(material, row) {
            let tied = found.best[0].tied;
            firsts.push((row.name.as_str(), found.first_choice, tied, row.measured()));
        }
        if !shown.iter().any(|it| it.name == row.name) {
            continue;
        }
        let mut drawings = Drawings::default();
        for (end, placed) in [("best", &found.best), ("worst", &found.worst)] {
            for (at, one) in placed.iter().enumerate() {
                table = table.row(cells(material, &row.name, end, one, &columns));
                if let Some(structure) = structure {
                    let heading = format!("{end} {}", at + 1);
                    let drawing = drawing(&structure.sketches[one.index]);
                    drawings = drawings.drawing(&heading, &caption(one), drawing);
                }
            }
        }
        if structure.is_some() {
            let title = format!("First and last by {}", row.name);
            section = section.figure(Figure::new(&row.name, &title, drawings));
        }
    }
    Ok(section
        .finding(&finding(&firsts))
        .rests_on(&format!(
            "{}{}",
            material.rests_on(),
            shown_of(shown.len(), rows.len(), "figures and table are")
        ))
        .table(table))
}

/// First and last architectures of a row, among those that it has scores of.
fn ends(
    material: &Material,
    row: &JudgedRow,
    names: &[&str],
    columns: &[(&str, &[f64])],
) -> Result<Extremes, AnalysisError> {
    let measured = row.column().positions();
    let pick = |values: &[f64]| measured.iter().map(|&at| values[at]).collect::<Vec<f64>>();
    let names: Vec<&str> = measured.iter().map(|&at| names[at]).collect();
    let columns: Vec<(&str, Vec<f64>)> =
        columns.iter().map(|(name, values)| (*name, pick(values))).collect();
    let columns: Vec<(&str, &[f64])> =
        columns.iter().map(|(name, values)| (*name, values.as_slice())).collect();
    // No architecture is among both the best and the worst.
    let each = EACH.min((measured.len() / 2).max(1));
    let mut found = extremes(&pick(&row.values), &pick(&material.truth), &names, &columns, each)?;
    let placed = found.best.iter_mut().chain(&mut found.worst);
    placed.for_each(|one| one.index = measured[one.index]);
    Ok(found)
}

/// Names the row whose first choice is furthest from the truth. Where several
/// architectures share the highest score, any of them is the first choice.
fn finding(firsts: &[(&str, [f64; 3], usize, usize)]) -> String {
    let share = |(_, [rank, ..], _, all): &(&str, [f64; 3], usize, usize)| rank / *all as f64;
    let furthest = firsts.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    let all = furthest.map_or_else(String::new, |it| thousands(it.3));
    match furthest {
        None => "No estimator has a ranking.".to_owned(),
        Some((name, [rank, ..], 1, _)) => format!(
            "The first choice of {name} is furthest from the truth: it is number {rank:.0} of {all}."
        ),
        Some((name, [mean, best, worst], tied, _)) => format!(
            "The first choice of {name} is furthest from the truth. It has the same highest score for {tied} architectures: on average they are number {mean:.0} of {all}, between \
             {best:.0} and {worst:.0}."
        ),
    }
}

fn explanation(name: &str) -> &str {
    match name {
        "depth" => "convolutions and poolings on the longest path that reaches the output",
        "receptive field" => "pixels of the input that an output can depend on, along one side",
        "isomorphic" => "isomorphic architectures among the judged ones, itself included",
        _ => {
            "as the benchmark counts them; the trainable ones where the study's networks are not its"
        }
    }
}

fn cells(
    material: &Material,
    row: &str,
    end: &str,
    placed: &Placed,
    columns: &[(&str, &[f64])],
) -> Vec<Cell> {
    let mut cells = vec![
        Cell::text(row),
        Cell::text(end),
        Cell::text(&material.architectures[placed.index]),
        Cell::number(&format!("{:.0}", placed.true_rank), placed.true_rank),
        super::count(placed.tied),
        Cell::number(&three(placed.truth), placed.truth),
    ];
    cells.extend(columns.iter().map(|(name, _)| match placed.columns.get(*name) {
        Some(Some(value)) => Cell::number(&format!("{value:.0}"), *value),
        _ => Cell::undefined("no path leads from the input to the output"),
    }));
    cells
}

fn caption(placed: &Placed) -> String {
    let column = |name: &str| match placed.columns.get(name) {
        Some(Some(value)) => format!("{value:.0}"),
        _ => "none".to_owned(),
    };
    let params = placed.columns.get("params").copied().flatten().unwrap_or(f64::NAN);
    format!(
        "truth {}, rank {:.0}\n{:.2}M params, depth {}, field {}",
        three(placed.truth),
        placed.true_rank,
        params / 1e6,
        column("depth"),
        column("receptive field")
    )
}

/// Drawing of an architecture's cells, side by side.
pub fn drawing(sketches: &[Sketch]) -> Drawing {
    let (mut labels, mut edges) = (Vec::new(), Vec::new());
    for sketch in sketches {
        let first = labels.len();
        labels.extend(sketch.labels.iter().map(String::as_str));
        edges.extend(sketch.edges.iter().map(|[from, to]| [first + from, first + to]));
    }
    Drawing::layered(&labels, &edges)
}
