//! How good can any estimator look?

use super::{absent, refused, section_of, three};
use crate::{
    analysis::{Material, material::grouped},
    report::{
        figure::{Axis, Figure, Lines},
        html::{Absent, Section},
    },
};
use osee_core::analysis::noise_ceiling;

const HEADING: &str = "How good can any estimator look?";

/// Seed-to-seed noise of the truth, and what it leaves to reach.
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
    let by = |pick: fn(&osee_core::analysis::Ceiling) -> f64| {
        let points = found.ceilings.iter().map(|it| (it.seeds as f64, pick(it).into()));
        points.collect::<Vec<_>>()
    };
    let figure = Lines::new(Axis::new("trainings averaged"), Axis::new("KD"))
        .series("one set of trainings against another", by(|it| it.reproducibility_kd))
        .series("against infinitely many", by(|it| it.ceiling_kd));
    let most = found.ceilings.last().map_or(seed, |it| it.ceiling_kd);
    let repeated: usize = found.trainings.iter().skip(2).sum();
    let finding = format!(
        "Two trainings of the same architectures agree with a KD of {}; an estimator that knew the \
         expected accuracy exactly would reach about {} against the mean of {} trainings.",
        three(seed),
        three(most),
        found.ceilings.len()
    );
    Ok(section_of(HEADING)
        .finding(&finding)
        .rests_on(&format!(
            "{} architectures with two or more trainings; the mean of n by Spearman and Brown's \
             formula",
            grouped(repeated)
        ))
        .figure(Figure::new("ceiling", "Noise ceiling by the number of trainings", figure)))
}
