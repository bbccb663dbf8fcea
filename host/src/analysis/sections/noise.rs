//! Section: how good can any estimator look, given the noise of the truth?

use super::{absent, refused, section_of, three};
use crate::analysis::Material;
use osee_core::{
    analysis::{Ceiling, noise_ceiling},
    criteria::INTERVAL_FROM,
    truth::{Averaged, averaged},
};
use osee_report::{
    figure::{Axis, Figure, Lines},
    html::{Absent, Section},
    number::thousands,
};

const HEADING: &str = "How good can any estimator look?";

/// Seed-to-seed noise of the truth, and the KD that it leaves within reach.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let Some(trainings) = &material.trainings else {
        let reason = "the truth has one value per architecture, so its noise is not known";
        let add =
            "osee-host report DIR --seed-columns COL  # single trainings, by column or joined by ;";
        return Err(absent(HEADING, reason, add));
    };
    let found = noise_ceiling(trainings).map_err(refused(HEADING))?;
    let Some(seed) = found.seed_kd else {
        let reason = "no two columns of the truth have trainings of the same architectures, with \
                      accuracies that differ between those";
        let add = "osee-host report DIR --seed-columns A,B  # two trainings of each architecture";
        return Err(absent(HEADING, reason, add));
    };
    if found.architectures < INTERVAL_FROM {
        let reason = format!(
            "{} architectures with two trainings are too few; {INTERVAL_FROM} are needed",
            found.architectures
        );
        return Err(absent(HEADING, &reason, "# a truth with more of them"));
    }
    let reach = reach(material, trainings, &found.ceilings)?;
    let by = |pick: fn(&Ceiling) -> f64| {
        let points = found.ceilings.iter().map(|it| (it.seeds as f64, pick(it).into()));
        points.collect::<Vec<_>>()
    };
    let figure = Lines::new(Axis::new("trainings averaged"), Axis::new("KD"))
        .series("one set of trainings against another", by(|it| it.reproducibility_kd))
        .series("against infinitely many", by(|it| it.ceiling_kd));
    let repeated: usize = found.trainings.iter().skip(2).sum();
    let finding = format!(
        "Two trainings of the same architectures agree with a KD of {}; {reach}.",
        three(seed)
    );
    Ok(section_of(HEADING)
        .finding(&finding)
        .rests_on(&format!(
            "{} architectures with two or more trainings; the mean of n by Spearman and Brown's \
             formula",
            thousands(repeated)
        ))
        .figure(Figure::new("ceiling", "Noise ceiling by the number of trainings", figure)))
}

/// The KD, by the truth that judges, of an estimator that knew the expected accuracy
/// exactly. It is undefined where the truth is not a mean of these trainings.
fn reach(
    material: &Material,
    trainings: &[Vec<f64>],
    ceilings: &[Ceiling],
) -> Result<String, Absent> {
    let knows = "an estimator that knew the expected accuracy exactly would reach";
    let of = |n: usize| ceilings.get(n - 1).map_or(f64::NAN, |it| it.ceiling_kd);
    let truth = &material.truth_name;
    let found = averaged(&material.truth, trainings);
    Ok(match found {
        _ if ceilings.is_empty() => "they agree no better than by chance".to_owned(),
        Some(Averaged::Of(1)) => {
            format!("{knows} about {} by {truth}, which is a single training of each", three(of(1)))
        }
        Some(Averaged::Of(n)) => {
            format!("{knows} about {} by {truth}, the mean of {n} trainings", three(of(n)))
        }
        Some(Averaged::Between { few, most }) => format!(
            "{truth} is the mean of {few} to {most} trainings and has no single ceiling: {knows} about {} \
             by the mean of {few} and {} by that of {most}",
            three(of(few)),
            three(of(most))
        ),
        Some(Averaged::Other { known, equal }) => {
            let reason = format!(
                "{truth} is the mean of these trainings for {equal} of {known} architectures, so they are not the ones behind it, and tell nothing about its noise"
            );
            let add = "--seed-columns COL  # the trainings behind the truth";
            return Err(absent(HEADING, &reason, add));
        }
        None => return Err(absent(HEADING, "no architecture was trained", "")),
    })
}
