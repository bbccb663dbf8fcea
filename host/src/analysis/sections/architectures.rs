//! Which architectures does an estimator put first and last, and what are
//! they really?

use super::{looked_at, ranked_by, ranks, refused, section_of, three};
use crate::{
    analysis::Material,
    report::{
        figure::{Drawing, Drawings, Figure},
        html::{Absent, Cell, Column, Section, Table},
    },
};
use osee_core::{
    analysis::{Placed, extremes},
    graph::Sketch,
};

const HEADING: &str = "The best and the worst by each estimator";
/// At each end.
const EACH: usize = 3;

/// Both ends of every row that is looked at.
pub fn section(material: &Material) -> Result<Section, Absent> {
    ranked_by(material, HEADING)?;
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
        Column::number("Truth", ""),
    ];
    heads.extend(columns.iter().map(|(name, _)| Column::number(name, explanation(name))));
    let mut table = Table::new(heads);
    let mut depths = Vec::new();
    for row in looked_at(material) {
        let found =
            extremes(&row.values, &material.truth, &columns, EACH).map_err(refused(HEADING))?;
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
        if let Some(best) = found.best.first().filter(|_| ranks(material, row)) {
            depths.push((row.name.as_str(), best.true_rank));
        }
        if structure.is_some() {
            let title = format!("First and last by {}", row.name);
            section = section.figure(Figure::new(&row.name, &title, drawings));
        }
    }
    let worst = depths.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let none = || "No estimator that is looked at has a ranking.".to_owned();
    let finding = worst.map_or_else(none, |(name, rank)| {
        format!(
            "Furthest from the truth is the first choice of {name}: it is number {rank:.0} of {}.",
            super::super::material::grouped(material.architectures.len())
        )
    });
    Ok(section.finding(&finding).rests_on(&material.rests_on()).table(table))
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
        Cell::number(&three(placed.truth), placed.truth),
    ];
    cells.extend(columns.iter().map(|(name, _)| match placed.columns.get(*name) {
        Some(Some(value)) => Cell::number(&format!("{value:.0}"), *value),
        _ => Cell::undefined("nothing leads from the input to the output"),
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

/// Cells of an architecture, one beside the other.
pub fn drawing(sketches: &[Sketch]) -> Drawing {
    let (mut labels, mut edges) = (Vec::new(), Vec::new());
    for sketch in sketches {
        let first = labels.len();
        labels.extend(sketch.labels.iter().map(String::as_str));
        edges.extend(sketch.edges.iter().map(|[from, to]| [first + from, first + to]));
    }
    Drawing::layered(&labels, &edges)
}
