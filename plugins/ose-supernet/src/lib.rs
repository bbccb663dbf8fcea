//! One-shot estimators: the paper's supernet, with its samplers and variants as
//! settings, and a supernet trained together with a controller.

mod controller;
mod judge;
mod pruning;
mod sampler;

pub use controller::Controller;

use judge::Judge;
use osee_sdk::prelude::*;
use pruning::Pruning;
use sampler::Sampler;

osee_sdk::export! { one_shot: OneShotEstimator, Controller }

const CITATION: &str = "Ning et al., Evaluating efficient performance estimators of neural \
                        architectures, NeurIPS 2021, sections 4.1 and 6";

/// A supernet trained on random architectures.
pub struct OneShotEstimator {
    sampler: Sampler,
    pruning: Option<Pruning>,
    judge: Judge,
}

impl OneShot for OneShotEstimator {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("one_shot", "1")
            .summary("loss or accuracy of sub-networks of a trained supernet")
            .citation(CITATION)
            .settings(Sampler::settings())
            .settings(Pruning::settings())
            .settings(Judge::settings())
    }

    fn new(settings: &Settings) -> Result<Self> {
        let (sampler, pruning) = (Sampler::new(settings)?, Pruning::new(settings)?);
        match &pruning {
            None => sampler.check_samples()?,
            Some(pruning) => sampler.check_pruned(pruning.after())?,
        }
        Ok(Self { sampler, pruning, judge: Judge::new(settings)? })
    }

    fn evaluation(&self) -> Evaluation {
        self.judge.evaluation()
    }

    fn survey(&self, epoch: &Epoch, space: &Space) -> Result<Vec<String>> {
        if epoch.number == 0 {
            self.sampler.check(space)?;
            self.pruning.iter().try_for_each(|it| it.check(epoch, &self.sampler, space))?;
        }
        match &self.pruning {
            Some(pruning) if pruning.begins(epoch) => Ok(self.sampler.all(space)?.to_vec()),
            _ => Ok(Vec::new()),
        }
    }

    fn sample(&self, epoch: &Epoch, space: &Space) -> Result<Sampled> {
        let mut random = epoch.random("architectures");
        let Some(kept) = self.pruning.as_ref().map(|it| it.kept(epoch)).transpose()?.flatten()
        else {
            let step = |_| self.sampler.step(&mut random, space);
            return Ok(Sampled::new((0..epoch.steps).map(step).collect::<Result<_>>()?));
        };
        let step = |_| self.sampler.step_among(&mut random, &kept);
        Ok(Sampled::new((0..epoch.steps).map(step).collect()).remembering(&kept))
    }

    fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        self.judge.score(batches)
    }
}

/// NAS-Bench-201 from its library, because two plugins cannot be linked into one test.
#[cfg(test)]
fn nb201() -> Space {
    space("nb201", "nb201")
}

/// A search space from the library of its plugin.
#[cfg(test)]
fn space(plugin: &str, id: &str) -> Space {
    let library = osee_testkit::Library::of_crate(&format!("space_{plugin}")).unwrap();
    library.lent_space(id).unwrap().view().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why an estimator is refused, either when created or before its first epoch of four.
    fn refusal<T: OneShot>(space: &Space, given: &[(&str, Value)]) -> Option<String> {
        let given = given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let settings = Settings::resolve("x", &T::info().settings, &given).map_err(Error::from);
        let epoch = Epoch { epochs: 4, steps: 2, seed: 1, ..Epoch::default() };
        let surveyed = settings.and_then(|it| T::new(&it)?.survey(&epoch, space));
        surveyed.err().map(|error| error.to_string())
    }

    fn refused<T: OneShot>(space: &Space, given: &[(&str, Value)], part: &str) {
        let said = refusal::<T>(space, given).unwrap_or_else(|| panic!("{given:?} is allowed"));
        assert!(said.contains(part), "{given:?}: {said}");
    }

    #[test]
    fn settings_that_change_nothing_are_refused_with_what_is_allowed() {
        let space = nb201();
        let refused = |given: &[_], part: &str| refused::<OneShotEstimator>(&space, given, part);
        refused(
            &[("without", "nor_conv_3x33".into())],
            "nb201 has no `nor_conv_3x33`; did you mean `nor_conv_3x3`?",
        );
        refused(
            &[("without", "none, zzz".into())],
            "there are avg_pool_3x3, none, nor_conv_1x1, nor_conv_3x3, skip_connect",
        );
        let keep = ("keep", Value::Float(0.5));
        refused(&[keep.clone(), ("keep_after", 4.into())], "`keep_after` is 4, and there are 4");
        refused(
            &[keep.clone(), ("keep_after", Value::Int(-1))],
            "`keep_after` of x must be at least 0",
        );
        refused(&[("keep_after", 1.into())], "`keep_after` goes with a `keep` below 1");
        refused(&[("keep_by", "loss".into())], "`keep_by` goes with a `keep` below 1");
        refused(&[("keep", 0.99999.into())], "keeps all of the 6");
        refused(&[("samples", 2.into()), ("sampler", "fair".into())], "`samples` is not for fair");
        refused(&[("checkpoints", 0.into())], "`checkpoints` of x must be at least 1");
        refused(&[("without", ",".into())], "`without` of x must be words separated by commas");
        assert_eq!(refusal::<OneShotEstimator>(&space, &[keep, ("keep_after", 3.into())]), None);
    }

    #[test]
    fn a_controller_that_controls_nothing_is_refused() {
        let space = nb201();
        let refused = |given: &[_], part: &str| refused::<Controller>(&space, given, part);
        let every = ("update_every", Value::Int(2));
        refused(&[every.clone(), ("warm_up", Value::Int(-1))], "`warm_up` of x must be at least 0");
        for warm_up in [2, 4, 400] {
            refused(&[every.clone(), ("warm_up", warm_up.into())], "must be below 4");
        }
        refused(
            &[("update_every", (1i64 << 32).into())],
            "`update_every` must be a whole number from 0",
        );
        refused(&[every.clone(), ("population", 15_626.into())], "nb201 has 15625 architectures");
        assert_eq!(refusal::<Controller>(&space, &[every, ("warm_up", 1.into())]), None);
    }

    #[test]
    fn what_can_never_be_trained_is_refused_before_anything_is() {
        let space = nb201();
        let convolutions = "nor_conv_1x1,nor_conv_3x3";
        for law in ["uniform", "deiso", "fair"] {
            let given = |without: &str| [("sampler", law.into()), ("without", without.into())];
            refused::<OneShotEstimator>(&space, &given(convolutions), "leaves no architecture");
            // One architecture is left, which ten thousand draws may well miss.
            let one = "none,skip_connect,avg_pool_3x3,nor_conv_1x1";
            assert_eq!(refusal::<OneShotEstimator>(&space, &given(one)), None, "{law}");
        }
        let huge = self::space("nb301", "nb301");
        let keep = [("sampler", "uniform".into()), ("keep", 0.5.into())];
        for (given, part) in [(&[][..], "`sampler = \"deiso\"` lists"), (&keep, "`keep` evaluates")]
        {
            refused::<OneShotEstimator>(&huge, given, part);
        }
        let without = [("sampler", "uniform".into()), ("without", "max_pool_3x3".into())];
        assert_eq!(refusal::<OneShotEstimator>(&huge, &without), None);
        let unnumbered = self::space("nb101", "nb101");
        refused::<OneShotEstimator>(&unnumbered, &[], "nb101 cannot be enumerated");
    }
}
