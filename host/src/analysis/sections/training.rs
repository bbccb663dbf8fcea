//! Sections on a supernet's training: forgetting, and the similarity of its
//! architectures' gradients.

use super::{absent, cell, refused, section_of, supernet, three, value};
use crate::analysis::{Material, material::Observed};
use osee_core::analysis::{
    Bins, Distribution, EpochAccuracies, Observation, forgetting as forgetting_values,
};
use osee_report::{
    figure::{Axis, Estimate, Figure, Histogram, Lines, Value},
    html::{Absent, Cell, Column, Section, Table},
};
use std::collections::BTreeMap;

const FORGETTING: &str = "Do architectures forget?";
const GRADIENTS: &str = "Do architectures pull the same way?";
const ADD: &str = "[training]\nobserve = 16\n# and another --out: a supernet that is trained is not trained again";
const NONE: &str = "no value is finite";
/// Most epochs that a figure can tell apart.
const EPOCHS: usize = 4;

fn observed<'a>(material: &'a Material, heading: &str) -> Result<&'a [Observed], Absent> {
    match material.observed.as_slice() {
        [] => Err(absent(heading, "no training was observed step by step", ADD)),
        some => Ok(some),
    }
}

fn rests_on(observed: &[Observed]) -> String {
    let epochs: usize = observed.iter().map(|it| it.epochs.len()).sum();
    let each = observed.iter().flat_map(|it| &it.epochs).map(|it| it.architectures.len()).max();
    format!(
        "{} supernets, {epochs} epochs, up to {} architectures of each, the first validation batch",
        observed.len(),
        each.unwrap_or(0)
    )
}

/// Up to `EPOCHS` of the epochs, with the first and the last among them.
fn some(epochs: &[Observation]) -> impl Iterator<Item = &Observation> {
    let last = epochs.len().saturating_sub(1);
    let count = EPOCHS.min(epochs.len());
    (0..count).map(move |i| &epochs[if count > 1 { i * last / (count - 1) } else { 0 }])
}

/// A mean with its 5% and 95% quantiles.
fn spread(of: &Distribution) -> Estimate {
    let [_, low, .., high, _] = of.quantiles.unwrap_or([f64::NAN; 7]);
    Estimate::within(Value::known_or(of.mean, NONE), Some([low, high]))
}

/// Section on forgetting: accuracy after the epoch less that right after an
/// architecture's own step.
pub fn forgetting(material: &Material) -> Result<Section, Absent> {
    let observed = observed(material, FORGETTING)?;
    let mut lines = Lines::new(Axis::new("epoch"), Axis::new("forgetting value"));
    let mut values = Histogram::new(Axis::new("forgetting value"));
    let mut table = Table::new(vec![
        Column::text("Supernet", ""),
        Column::number("Epoch", ""),
        Column::number("Architectures", ""),
        Column::number(
            "Mean",
            "accuracy after the epoch less that after an architecture's own step",
        ),
        Column::number("Std", ""),
        Column::number("Forgotten", "share of architectures that got worse"),
    ]);
    let mut ends = Vec::new();
    for of in observed {
        let columns = of.epochs.iter().map(|it| EpochAccuracies {
            epoch: it.epoch.into(),
            after_step: &it.after_step,
            after_epoch: &it.after_epoch,
        });
        let columns: Vec<EpochAccuracies<'_>> = columns.collect();
        let found = forgetting_values(&columns, Bins::Fit(20)).map_err(refused(FORGETTING))?;
        let points = found.iter().map(|it| (it.epoch as f64, spread(&it.values)));
        lines = lines.series(&supernet(&of.name, of.seed), points);
        for it in &found {
            table = table.row(vec![
                Cell::text(&supernet(&of.name, of.seed)),
                Cell::number(&it.epoch.to_string(), it.epoch as f64),
                super::count(it.values.count),
                cell(it.values.mean),
                cell(it.values.std),
                cell(it.forgotten),
            ]);
        }
        for it in some(&of.epochs) {
            let fv = it.after_epoch.iter().zip(&it.after_step).map(|(after, step)| after - step);
            values =
                values.series(&format!("{}, epoch {}", supernet(&of.name, of.seed), it.epoch), fv);
        }
        let mean =
            |at: Option<&osee_core::analysis::EpochForgetting>| at.and_then(|it| it.values.mean);
        ends.extend(mean(found.first()).zip(mean(found.last())));
    }
    if ends.is_empty() {
        let reason = "no observed architecture has accuracies in the first and the last epoch";
        return Err(absent(FORGETTING, reason, ADD));
    }
    let average =
        |pick: fn(&(f64, f64)) -> f64| ends.iter().map(pick).sum::<f64>() / ends.len() as f64;
    let finding = format!(
        "The mean forgetting value goes from {} in the first observed epoch to {} in the last; \
         below 0, training others makes an architecture worse.",
        three(average(|it| it.0)),
        three(average(|it| it.1))
    );
    Ok(section_of(FORGETTING)
        .finding(&finding)
        .rests_on(&rests_on(observed))
        .figure(Figure::new(
            "by-epoch",
            "Forgetting value by epoch, with 5 to 95% of the architectures",
            lines,
        ))
        .figure(Figure::new("values", "Forgetting values of single architectures", values))
        .table(table))
}

/// Layers of all epochs, by their mean position; the layers that two observed
/// architectures share differ between epochs.
fn places(epochs: &[Observation]) -> Vec<&str> {
    let mut found: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for it in epochs {
        let count = it.similarity.len() as f64;
        for (at, layer) in it.similarity.iter().enumerate() {
            let (sum, times) = found.entry(&layer.layer).or_default();
            (*sum, *times) = (*sum + at as f64 / count, *times + 1.0);
        }
    }
    let mut places: Vec<(f64, &str)> =
        found.into_iter().map(|(name, (sum, times))| (sum / times, name)).collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    places.into_iter().map(|(_, name)| name).collect()
}

/// Section on the cosines between two architectures' gradients, layer by layer.
pub fn gradients(material: &Material) -> Result<Section, Absent> {
    let observed = observed(material, GRADIENTS)?;
    let mut section = section_of(GRADIENTS).rests_on(&rests_on(observed));
    let mut means = Vec::new();
    for of in observed {
        let mut lines = Lines::new(
            Axis::new("layer, from the input to the output"),
            Axis::new("cosine similarity"),
        );
        let places = places(&of.epochs);
        for it in some(&of.epochs) {
            let points = places.iter().enumerate().filter_map(|(at, name)| {
                let layer = it.similarity.iter().find(|layer| layer.layer == **name)?;
                Some(((at + 1) as f64, Estimate::from(value(layer.cosines.mean))))
            });
            lines = lines.series(&format!("epoch {}", it.epoch), points);
        }
        let title = format!(
            "Mean cosine between gradients of two architectures, {}",
            supernet(&of.name, of.seed)
        );
        section = section.figure(Figure::new(&format!("{}-{}", of.name, of.seed), &title, lines));
        let mean = |it: &Observation| {
            let all: Vec<f64> = it.similarity.iter().filter_map(|it| it.cosines.mean).collect();
            (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
        };
        means.extend(of.epochs.first().and_then(mean).zip(of.epochs.last().and_then(mean)));
    }
    let mut table = Table::new(vec![
        Column::text("Supernet", ""),
        Column::text("Layer", "the weight that is shared, with its shape"),
        Column::number("Epoch", ""),
        Column::number("Architectures", "observed architectures that use it"),
        Column::number("Mean", "cosine similarity over their pairs"),
        Column::number("Std", ""),
    ]);
    for of in observed {
        for it in of.epochs.iter().rev().take(1) {
            for layer in &it.similarity {
                table = table.row(vec![
                    Cell::text(&supernet(&of.name, of.seed)),
                    Cell::text(&layer.layer),
                    Cell::number(&it.epoch.to_string(), it.epoch.into()),
                    super::count(layer.architectures),
                    cell(layer.cosines.mean),
                    cell(layer.cosines.std),
                ]);
            }
        }
    }
    if means.is_empty() {
        let reason = "no layer is shared by two architectures that were observed in the first and the last epoch";
        return Err(absent(GRADIENTS, reason, ADD));
    }
    let average =
        |pick: fn(&(f64, f64)) -> f64| means.iter().map(pick).sum::<f64>() / means.len() as f64;
    let finding = format!(
        "Averaged over layers, the gradients of two architectures have a cosine of {} in the first observed epoch and of {} in the last.",
        three(average(|it| it.0)),
        three(average(|it| it.1))
    );
    Ok(section.finding(&finding).table(table))
}
