//! Sections: how much validation data does a one-shot score need, and does the loss
//! rank better than the accuracy?

use super::{
    CONSTANT, absent, cell, listed, refused, section_of, supernet, three, tie_aware, value,
};
use crate::analysis::{ByBatch, Material};
use osee_core::{
    analysis::{Bins, Distribution, batch_study, levels, mean_scores},
    criteria::kendall_tau_b,
};
use osee_report::{
    figure::{Axis, Estimate, Figure, Histogram, Lines},
    html::{Absent, Cell, Column, Section, Table},
};

const SCORES: &str = "Accuracy or loss as the score?";
const BATCHES: &str = "How much validation data?";
const ADD: &str = "[[estimators]]\nid = \"one_shot\"";
const NO_BATCHES: &str = "no supernet's batches are in the run";

fn asked<'a>(material: &'a Material, heading: &str) -> Result<&'a [ByBatch], Absent> {
    match material.evaluations.as_slice() {
        [] => Err(absent(heading, NO_BATCHES, ADD)),
        some => Ok(some),
    }
}

/// Distributions of accuracy and loss, and the KD of each.
pub fn scores(material: &Material) -> Result<Section, Absent> {
    let evaluations = asked(material, SCORES)?;
    let mut accuracy = Histogram::new(Axis::new("mean accuracy over the validation batches"));
    let mut loss = Histogram::new(Axis::new("negated mean loss over the validation batches"));
    let mut table = Table::new(vec![
        Column::text("Supernet", ""),
        Column::number("KD, accuracy", ""),
        Column::number("KD, loss", "of the negated loss"),
        Column::number("Distinct accuracies", "fewer mean more ties"),
        Column::number("Distinct losses", ""),
        Column::number("Std of accuracy", "over architectures"),
    ]);
    let (mut better, mut judged) = (0, 0);
    for of in evaluations {
        let means = [&of.accuracy, &of.loss].map(|columns| mean_scores(columns));
        let [by_accuracy, by_loss] = means;
        let by_accuracy = by_accuracy.map_err(refused(SCORES))?;
        let by_loss = by_loss.map_err(refused(SCORES))?;
        let kd = |scores: &[f64]| kendall_tau_b(scores, &material.truth);
        let (a, l) = (kd(&by_accuracy), kd(&by_loss));
        // A supernet without a ranking by either is not compared.
        if let Some((a, l)) = a.zip(l) {
            judged += 1;
            better += usize::from(l > a);
        }
        let spread = [&by_accuracy, &by_loss].map(|it| Distribution::of(it, Bins::Fit(1)));
        table = table.row(vec![
            Cell::text(&supernet(&of.name, of.seed)),
            cell(a),
            cell(l),
            super::count(spread[0].distinct),
            super::count(spread[1].distinct),
            cell(spread[0].std),
        ]);
        accuracy = accuracy.series(&supernet(&of.name, of.seed), by_accuracy);
        loss = loss.series(&supernet(&of.name, of.seed), by_loss);
    }
    if judged == 0 {
        return Err(absent(SCORES, &format!("no supernet has a KD by both: {CONSTANT}"), ""));
    }
    let finding =
        format!("The loss ranks better than the accuracy in {better} of {judged} supernets.");
    Ok(section_of(SCORES)
        .finding(&finding)
        .rests_on(&format!("{}; {}", material.rests_on(), data(evaluations)))
        .figure(Figure::new(
            "accuracy",
            "Distribution of the accuracy over architectures",
            accuracy,
        ))
        .figure(Figure::new("loss", "Distribution of the negated loss over architectures", loss))
        .table(table))
}

fn data(evaluations: &[ByBatch]) -> String {
    let sizes: Vec<String> = evaluations
        .iter()
        .map(|of| format!("{} batches of {} images", of.accuracy.len(), of.images))
        .collect();
    let mut once = sizes.clone();
    once.dedup();
    listed(&once)
}

/// Criteria by the number of batches, and KD among equal accuracies on the first one.
pub fn batches(material: &Material) -> Result<Section, Absent> {
    let evaluations = asked(material, BATCHES)?;
    if evaluations.iter().all(|of| of.accuracy.len() < 2) {
        let reason = "the supernets were evaluated on one validation batch only";
        return Err(absent(BATCHES, reason, "[training]\n# a smaller batch makes more of them"));
    }
    let mut kd = Lines::new(Axis::new("validation batches"), Axis::new("KD"));
    let mut precision = Lines::new(Axis::new("validation batches"), Axis::new("P@top5%"));
    let mut inside = Histogram::new(Axis::new("KD inside a level").range(-1.0, 1.0));
    let mut table = Table::new(vec![
        Column::text("Supernet", ""),
        Column::number("Levels", "distinct accuracies on the first batch"),
        Column::number("Shared levels", "levels with more than one architecture"),
        Column::number("Mean KD inside", "of the accuracy on all batches, over shared levels"),
    ]);
    let mut gains = Vec::new();
    for of in evaluations {
        for (what, columns) in [("accuracy", &of.accuracy), ("loss", &of.loss)] {
            let points = batch_study(columns, &material.truth).map_err(refused(BATCHES))?;
            let name = format!("{}, {what}", supernet(&of.name, of.seed));
            let line = |pick: &dyn Fn(&osee_core::analysis::BatchPoint) -> Estimate| {
                points.iter().map(|it| (it.batches as f64, pick(it))).collect::<Vec<_>>()
            };
            kd = kd.series(&name, line(&|it| value(it.kd).into()));
            precision = precision.series(&name, line(&|it| tie_aware(it.p_top_5.as_ref())));
            let end = |at: Option<&osee_core::analysis::BatchPoint>| at.and_then(|it| it.kd);
            if let (Some(one), Some(all)) = (end(points.first()), end(points.last())) {
                gains.push((all - one, name));
            }
        }
        let all = mean_scores(&of.accuracy).map_err(refused(BATCHES))?;
        let found = levels(&of.accuracy[0], &all, &material.truth).map_err(refused(BATCHES))?;
        inside = inside
            .series(&supernet(&of.name, of.seed), found.shared.iter().filter_map(|level| level.kd));
        table = table.row(vec![
            Cell::text(&supernet(&of.name, of.seed)),
            super::count(found.levels),
            super::count(found.shared.len()),
            match found.kd.mean {
                Some(mean) => Cell::number(&three(mean), mean),
                None => Cell::undefined("no level has two architectures with different truths"),
            },
        ]);
    }
    let least = gains.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((gain, name)) = least else {
        return Err(absent(BATCHES, &format!("no supernet has a KD: {CONSTANT}"), ""));
    };
    let mean = gains.iter().map(|(gain, _)| gain).sum::<f64>() / gains.len() as f64;
    let finding = format!(
        "All batches instead of one change KD by {mean:+.3} on average, least for {name} ({gain:+.3})."
    );
    Ok(section_of(BATCHES)
        .finding(&finding)
        .rests_on(&format!("{}; {}", material.rests_on(), data(evaluations)))
        .figure(Figure::new("kd", "KD by the number of validation batches", kd))
        .figure(Figure::new("p-top", "P@top5% by the number of validation batches", precision))
        .figure(Figure::new(
            "levels",
            "KD among architectures that one batch cannot tell apart",
            inside,
        ))
        .table(table))
}
