//! Soft pruning: an evolutionary controller, trained together with the
//! supernet, decides what is sampled.

use crate::{
    CITATION,
    judge::{FIGURES, Figure, Judge},
    sampler::Sampler,
};
use osee_sdk::model::seed::{Stream, below};
use osee_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// Largest population and tournament; each member is evaluated in every generation.
const MOST: i64 = 1_000_000;

/// A supernet whose training follows a population that evolves by its own
/// scores: tournament selection, one mutation per child, and the best of
/// parents and children survive.
pub struct Controller {
    sampler: Sampler,
    judge: Judge,
    reward: Figure,
    population: usize,
    tournament: usize,
    every: u32,
    warm_up: u32,
    half_random: bool,
}

/// The surviving architectures with their scores, best first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Population(Vec<(String, f64)>);

impl Controller {
    /// True if the population changes before this epoch.
    fn updates(&self, epoch: &Epoch) -> bool {
        let since = epoch.number.checked_sub(self.warm_up);
        since.is_some_and(|since| since.is_multiple_of(self.every))
    }

    /// A mutation of the best of a few random members.
    fn child(&self, random: &mut Stream, space: &Space, parents: &Population) -> Result<String> {
        let contestants = (0..self.tournament).map(|_| below(random, parents.0.len()));
        // Members are sorted, so the smallest index is the best.
        let winner = contestants.min().unwrap_or(0);
        let mutations = space.mutations(&parents.0[winner].0)?;
        match mutations.get(below(random, mutations.len().max(1))) {
            Some(mutation) if self.sampler.permits(&mutation.arch, space)? => {
                Ok(mutation.arch.clone())
            }
            _ => self.sampler.draw(random, space),
        }
    }

    /// Refuses settings under which the population never evolves or is larger than the space.
    fn check(&self, epoch: &Epoch, space: &Space) -> Result<()> {
        let (warm_up, every, epochs) = (self.warm_up, self.every, epoch.epochs);
        if warm_up.saturating_add(every) >= epochs {
            return Err(Error::new(format!(
                "settings `warm_up` {warm_up} and `update_every` {every} leave {epochs} epochs no \
                 second generation, so nothing evolves; together they must be below {epochs}"
            )));
        }
        let size = space.size()?;
        match self.population as u64 > size {
            true => Err(Error::new(format!(
                "setting `population` is {}, and {} has {size} architectures",
                self.population,
                space.info().id
            ))),
            false => Ok(()),
        }
    }

    /// The best of the surveyed architectures, which become the next population.
    fn select(&self, epoch: &Epoch) -> Result<Population> {
        let mut scored = Vec::with_capacity(epoch.surveyed.len());
        for surveyed in &epoch.surveyed {
            scored.push((surveyed.arch.clone(), self.reward.mean(&surveyed.batches)?));
        }
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        scored.dedup_by(|a, b| a.0 == b.0);
        scored.truncate(self.population);
        Ok(Population(scored))
    }
}

impl OneShot for Controller {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("one_shot_controller", "1")
            .summary("a supernet trained on what an evolving population prefers")
            .citation(CITATION)
            .settings([
                SettingSpec::new("population", 50, "architectures that survive").in_range(1..=MOST),
                SettingSpec::new("tournament", 10, "members of which the best has a child")
                    .in_range(1..=MOST),
                SettingSpec::new("update_every", 10, "epochs between generations").at_least(1),
                SettingSpec::new("warm_up", 0, "epochs of random sampling before").at_least(0),
                SettingSpec::new("half_random", true, "sample every other at random"),
                SettingSpec::new("reward", "accuracy", "what survival depends on")
                    .one_of(FIGURES.map(|(word, _)| word)),
            ])
            .settings(Sampler::settings())
            .settings(Judge::settings())
    }

    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            sampler: Sampler::new(settings)?,
            judge: Judge::new(settings)?,
            reward: settings.choice("reward", &FIGURES)?,
            population: settings.get("population")?,
            tournament: settings.get("tournament")?,
            every: settings.get("update_every")?,
            warm_up: settings.get("warm_up")?,
            half_random: settings.get("half_random")?,
        })
    }

    fn evaluation(&self) -> Evaluation {
        self.judge.evaluation()
    }

    /// Parents, because the weights have changed since they were scored, and as many
    /// children; at first a random population.
    fn survey(&self, epoch: &Epoch, space: &Space) -> Result<Vec<String>> {
        if epoch.number == 0 {
            self.sampler.check(space)?;
            self.check(epoch, space)?;
        }
        if !self.updates(epoch) {
            return Ok(Vec::new());
        }
        let mut random = epoch.random("children");
        let parents: Population = epoch.recall()?.unwrap_or_default();
        let born = (0..self.population).map(|_| match parents.0.is_empty() {
            true => self.sampler.draw(&mut random, space),
            false => self.child(&mut random, space, &parents),
        });
        let mut wanted = born.collect::<Result<Vec<String>>>()?;
        wanted.extend(parents.0.into_iter().map(|(arch, _)| arch));
        Ok(wanted)
    }

    fn sample(&self, epoch: &Epoch, space: &Space) -> Result<Sampled> {
        let population = match self.updates(epoch) {
            true => self.select(epoch)?,
            false => epoch.recall()?.unwrap_or_default(),
        };
        let liked: Vec<String> = population.0.iter().map(|(arch, _)| arch.clone()).collect();
        let mut random = epoch.random("architectures");
        let steps = (0..epoch.steps).map(|step| {
            let at_random = liked.is_empty() || self.half_random && step.is_multiple_of(2);
            match at_random {
                true => self.sampler.step(&mut random, space),
                false => Ok(self.sampler.step_among(&mut random, &liked)),
            }
        });
        Ok(Sampled::new(steps.collect::<Result<_>>()?).remembering(&population))
    }

    fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        self.judge.score(batches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nb201;
    use std::collections::HashSet;

    /// Makes accuracy rise with the number of 3x3 convolutions.
    fn survey(archs: Vec<String>) -> Vec<Surveyed> {
        let judged = archs.into_iter().map(|arch| {
            let correct = arch.matches("nor_conv_3x3").count() as u32;
            let batches = vec![BatchResult { images: 6, loss: 1.0, correct }];
            Surveyed { arch, batches }
        });
        judged.collect()
    }

    #[test]
    fn a_child_has_no_operation_that_is_left_out() {
        let space = nb201();
        let given = [("without", "avg_pool_3x3,none".into()), ("update_every", Value::Int(1))];
        let given = given.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let settings = Settings::resolve("x", &Controller::info().settings, &given).unwrap();
        let controller = Controller::new(&settings).unwrap();
        let mut epoch = Epoch { epochs: 4, steps: 1, seed: 1, ..Epoch::default() };
        for number in 0..4 {
            epoch.number = number;
            let wanted = controller.survey(&epoch, &space).unwrap();
            let out = |arch: &&String| arch.contains("avg_pool_3x3") || arch.contains("none");
            assert_eq!(wanted.iter().find(out), None);
            epoch.surveyed = survey(wanted);
            epoch.memory = controller.sample(&epoch, &space).unwrap().memory;
        }
    }

    #[test]
    fn the_population_climbs_and_half_of_the_samples_follow_it() {
        let space = nb201();
        let given = [("update_every", Value::Int(2)), ("warm_up", Value::Int(1))];
        let given = given.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let settings = Settings::resolve("x", &Controller::info().settings, &given).unwrap();
        let controller = Controller::new(&settings).unwrap();
        let mut memory = Vec::new();
        let mut means = Vec::new();
        for number in 0..16 {
            let mut epoch =
                Epoch { number, epochs: 16, steps: 40, seed: 1, surveyed: Vec::new(), memory };
            let wanted = controller.survey(&epoch, &space).unwrap();
            assert_eq!(wanted.is_empty(), number % 2 == 0, "{number}");
            epoch.surveyed = survey(wanted);
            let sampled = controller.sample(&epoch, &space).unwrap();
            let again = controller.sample(&epoch, &space).unwrap();
            assert_eq!(sampled, again);
            memory = sampled.memory.clone();
            let next = Epoch { memory: memory.clone(), ..epoch };
            let population: Population = next.recall().unwrap().unwrap_or_default();
            let liked: HashSet<&String> = population.0.iter().map(|(arch, _)| arch).collect();
            if !liked.is_empty() {
                let mean = population.0.iter().map(|(_, s)| s).sum::<f64>() / liked.len() as f64;
                means.push(mean);
                let follow = sampled.steps.iter().skip(1).step_by(2);
                assert!(follow.flatten().all(|arch| liked.contains(arch)));
            }
        }
        assert_eq!(means.len(), 15);
        assert!(means.windows(2).all(|pair| pair[1] >= pair[0]), "{means:?}");
        assert!(means[14] > means[0] + 0.3, "{means:?}");
    }
}
