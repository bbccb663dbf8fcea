//! One-shot pruning: from some epoch on, only the best share of all
//! architectures is trained.

use crate::{
    judge::{FIGURES, Figure},
    sampler::{LISTABLE, Sampler},
};
use osee_sdk::prelude::*;

/// When architectures are dropped, how many are kept, and by which figure.
#[derive(Debug)]
pub struct Pruning {
    share: f64,
    after: u32,
    figure: Figure,
}

impl Pruning {
    /// The settings that an estimator with pruning declares.
    pub fn settings() -> [SettingSpec; 3] {
        let keep = "share of architectures trained to the end, at least one of them";
        [
            SettingSpec::new("keep", 1.0, keep).above(0.0).at_most(1.0),
            SettingSpec::new("keep_after", 0, "epochs before the others are dropped").at_least(0),
            SettingSpec::new("keep_by", "accuracy", "what `keep` ranks by")
                .one_of(FIGURES.map(|(word, _)| word)),
        ]
    }

    /// Reads the pruning from an estimator's settings; `None` if everything is kept.
    pub fn new(settings: &Settings) -> Result<Option<Self>> {
        let share = settings.get("keep")?;
        let after = settings.get("keep_after")?;
        let figure = settings.choice("keep_by", &FIGURES)?;
        if share < 1.0 {
            return Ok(Some(Self { share, after, figure }));
        }
        for (key, is_given) in [("keep_after", after > 0), ("keep_by", figure != Figure::Accuracy)]
        {
            if is_given {
                let what =
                    format!("setting `{key}` goes with a `keep` below 1; nothing is dropped");
                return Err(Error::new(what));
            }
        }
        Ok(None)
    }

    /// Number of epochs that train all architectures.
    pub fn after(&self) -> u32 {
        self.after
    }

    /// Refuses a pruning that never happens or drops nothing.
    pub fn check(&self, epoch: &Epoch, sampler: &Sampler, space: &Space) -> Result<()> {
        let (after, epochs) = (self.after, epoch.epochs);
        if after >= epochs {
            return Err(Error::new(format!(
                "setting `keep_after` is {after}, and there are {epochs} epochs; it must be below \
                 that, for the rest to be trained alone"
            )));
        }
        let size = space.size()?;
        if size > LISTABLE {
            return Err(Error::new(format!(
                "`keep` evaluates all architectures once, and {} has {size}; leave it out there",
                space.info().id
            )));
        }
        let all = sampler.all(space)?.len();
        match self.count(all) == all {
            true => Err(Error::new(format!("`keep` of {} keeps all of the {all}", self.share))),
            false => Ok(()),
        }
    }

    /// How many of `all` architectures are kept.
    fn count(&self, all: usize) -> usize {
        (self.share * all as f64).round().max(1.0) as usize
    }

    /// True if this is the first epoch after the drop.
    pub fn begins(&self, epoch: &Epoch) -> bool {
        epoch.number == self.after
    }

    /// The architectures that are kept; `None` before the drop.
    pub fn kept(&self, epoch: &Epoch) -> Result<Option<Vec<String>>> {
        if !self.begins(epoch) {
            return epoch.recall();
        }
        let mut scored = Vec::with_capacity(epoch.surveyed.len());
        for surveyed in &epoch.surveyed {
            scored.push((self.figure.mean(&surveyed.batches)?, &surveyed.arch));
        }
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let count = self.count(scored.len());
        Ok(Some(scored.into_iter().take(count).map(|(_, arch)| arch.clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OneShotEstimator, nb201};
    use std::collections::HashSet;

    fn epoch(number: u32, surveyed: Vec<Surveyed>, memory: Vec<u8>) -> Epoch {
        Epoch { number, epochs: 6, steps: 300, seed: 5, surveyed, memory }
    }

    #[test]
    fn the_best_share_is_trained_on_and_remembered() {
        let space = nb201();
        let given = [("keep", Value::Float(0.1)), ("keep_after", Value::Int(3))];
        let given = given.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let info = OneShotEstimator::info();
        let settings = Settings::resolve("x", &info.settings, &given).unwrap();
        let estimator = OneShotEstimator::new(&settings).unwrap();

        assert!(estimator.survey(&epoch(2, vec![], vec![]), &space).unwrap().is_empty());
        let all = estimator.survey(&epoch(3, vec![], vec![]), &space).unwrap();
        // Accuracy rises with the position.
        let surveyed = all.iter().enumerate().map(|(i, arch)| {
            let batches = vec![BatchResult { images: 10_000, loss: 1.0, correct: i as u32 }];
            Surveyed { arch: arch.clone(), batches }
        });
        let first = epoch(3, surveyed.collect(), vec![]);
        let kept = (0.1 * all.len() as f64).round() as usize;
        let best: HashSet<&String> = all[all.len() - kept..].iter().collect();
        let sampled = estimator.sample(&first, &space).unwrap();
        assert!(sampled.steps.iter().flatten().all(|arch| best.contains(arch)));
        let next = estimator.sample(&epoch(4, vec![], sampled.memory.clone()), &space).unwrap();
        assert!(next.steps.iter().flatten().all(|arch| best.contains(arch)));
        assert_ne!(next.steps, sampled.steps);
        assert_eq!(next.memory, sampled.memory);
    }
}
