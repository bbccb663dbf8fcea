//! The rules of one-shot estimators.

use super::{
    respondent::{self, Respondent},
    rules::{Tell, broken, rule},
};
use crate::loader::{Plugin, Registry};
use osee_model::{
    estimator::EstimatorInfo,
    evaluation::{BatchResult, Evaluation},
    recipe::Recipe,
};
use osee_sdk::{
    Epoch, Error, Result, Sampled, Surveyed,
    abi::kinds::{lent::LentSpace, one_shot::ForeignOneShot},
};
use osee_testkit::{Chain, small_space};

/// Most epochs that are sampled.
const EPOCHS: u32 = 3;
/// Steps per epoch.
const STEPS: usize = 20;
/// Seeds whose epochs are compared between processes.
const SEEDS: usize = 4;

fn batches(loss: f64) -> Vec<BatchResult> {
    (0..4)
        .map(|i| BatchResult { images: 100, loss: loss + 0.01 * f64::from(i), correct: 40 })
        .collect()
}

/// The samples of the first epochs of its own recipe; surveyed architectures get
/// artificial results.
fn sample(estimator: &ForeignOneShot, space: &LentSpace, seed: u64) -> Result<Vec<Sampled>> {
    // Another rule checks that the recipe is valid.
    let epochs = estimator.recipe().map_or(EPOCHS, |recipe| recipe.epochs);
    let mut memory = Vec::new();
    let mut sampled = Vec::new();
    for number in 0..EPOCHS.min(epochs) {
        let epoch = Epoch { number, epochs, steps: STEPS, seed, surveyed: Vec::new(), memory };
        let mut surveyed = Vec::new();
        for (i, arch) in estimator.survey(&epoch, space)?.into_iter().enumerate() {
            arch.parse::<Chain>().map_err(|error| {
                Error::new(format!("survey gave `{arch}` before epoch {number}: {error}"))
            })?;
            surveyed.push(Surveyed { arch, batches: batches(1.0 + 0.1 * i as f64) });
        }
        let next = estimator.sample(&Epoch { surveyed, ..epoch }, space)?;
        memory = next.memory.clone();
        sampled.push(next);
    }
    Ok(sampled)
}

fn create(plugin: &Plugin, info: &EstimatorInfo) -> Result<ForeignOneShot> {
    plugin.functions.create(info.kind, &info.id, &info.defaults())?.try_into()
}

/// Checks a one-shot estimator on the small space.
pub fn check(
    registry: &Registry,
    plugin: &Plugin,
    info: &EstimatorInfo,
    tell: Tell<'_>,
) -> Result<()> {
    let (estimator, space) = (&create(plugin, info)?, &small_space());
    rule(tell, "its recipe and its evaluation can be run", || {
        let mend = "start from Recipe::default() and Evaluation::default()";
        let recipe = estimator.recipe().map_err(broken(mend))?;
        let evaluation = estimator.evaluation().map_err(broken(mend))?;
        // Settings of spaces can be checked only if there is a space.
        if registry.spaces().next().is_some() {
            registry.check_recipe(plugin, &info.id, &recipe).map_err(broken(
                "let `Recipe::space` have settings that search spaces have, with values of their \
                 kind",
            ))?;
        }
        fits(&recipe, &evaluation).map_err(|what| {
            (what, "let its evaluation ask for what its recipe keeps, or the recipe keep more")
        })
    });
    let first = sample(estimator, space, 1);
    rule(tell, "every step of an epoch has architectures of the space", || {
        let mend = "return `epoch.steps` lists of architectures, none of them empty";
        for sampled in first.as_ref().map_err(|error| (error.to_string(), mend))? {
            for arch in sampled.steps.iter().flatten() {
                arch.parse::<Chain>().map_err(broken(mend))?;
            }
        }
        Ok(())
    });
    rule(tell, "the same epoch is sampled alike again", || {
        let mend = "draw from `epoch.random(..)`, and keep nothing but `Sampled::remembering`";
        let again = sample(estimator, space, 1).map_err(broken(mend))?;
        match first.as_ref().is_ok_and(|first| *first == again) {
            true => Ok(()),
            false => Err(("it differs".to_owned(), mend)),
        }
    });
    rule(tell, "another seed is sampled otherwise", || {
        let mend = "draw from `epoch.random(..)`";
        let other = sample(estimator, space, 2).map_err(broken(mend))?;
        match first.as_ref().is_ok_and(|first| *first == other) {
            true => Err(("seeds 1 and 2 train the same".to_owned(), mend)),
            false => Ok(()),
        }
    });
    rule(tell, "scores are finite, alike again, and tell batches apart", || {
        let mend = "derive the score from the batches alone";
        let score = |loss| estimator.score(&batches(loss)).map_err(broken(mend));
        let mut worse = batches(2.0);
        worse.iter_mut().for_each(|batch| batch.correct = 10);
        let worse = estimator.score(&worse).map_err(broken(mend))?;
        match (score(1.0)?, score(1.0)?) {
            (a, b) if a.to_bits() != b.to_bits() => Err((format!("{a} became {b}"), mend)),
            (a, _) if !a.is_finite() => Err((format!("it is {a}"), mend)),
            (a, _) if a == worse => Err((format!("good and bad batches have {a}"), mend)),
            _ => Ok(()),
        }
    });
    Ok(())
}

/// Checks that the recipe provides what the evaluation asks for; a run would refuse
/// the pair otherwise, unless the study changes the recipe.
fn fits(recipe: &Recipe, evaluation: &Evaluation) -> std::result::Result<(), String> {
    let (kept, batches) = (recipe.kept().len(), recipe.validation_batches());
    if evaluation.checkpoints > kept {
        return Err(format!(
            "its evaluation averages {} checkpoints, and its recipe keeps {kept}",
            evaluation.checkpoints
        ));
    }
    match evaluation.batches {
        Some(wanted) if wanted > batches => {
            Err(format!("its evaluation looks at {wanted} batches, and its recipe has {batches}"))
        }
        _ => Ok(()),
    }
}

/// Answers question N with the epochs of seed N, and with a score.
pub struct Asked {
    estimator: ForeignOneShot,
    space: LentSpace,
}

impl Asked {
    pub fn new(plugin: &Plugin, info: &EstimatorInfo) -> Result<Self> {
        Ok(Self { estimator: create(plugin, info)?, space: small_space() })
    }
}

impl Respondent for Asked {
    fn questions(&self) -> usize {
        SEEDS
    }

    fn answer(&self, question: usize) -> String {
        let epochs = sample(&self.estimator, &self.space, question as u64);
        let score = self.estimator.score(&batches(1.0 + question as f64));
        format!(
            "epochs {}\nscore {}",
            respondent::text(epochs, |epochs| format!("{epochs:?}")),
            respondent::text(score, f64::to_string)
        )
    }
}
