//! What is made of a trained supernet.

use crate::at_least;
use osee_sdk::prelude::*;

/// The figure that is the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The mean cross-entropy, negated.
    Loss,
    /// The mean accuracy.
    Accuracy,
}

impl Figure {
    /// By its name in settings.
    pub fn named(name: Option<&str>) -> Result<Self> {
        match name {
            Some("loss") => Ok(Self::Loss),
            Some("accuracy") => Ok(Self::Accuracy),
            other => Err(Error::new(format!(
                "a sub-network is judged by loss or accuracy, not by `{}`",
                other.unwrap_or_default()
            ))),
        }
    }

    /// Mean over batches, whatever their sizes, as the study has it; high is
    /// good.
    pub fn mean(self, batches: &[BatchResult]) -> Result<f64> {
        if batches.is_empty() {
            return Err(Error::new("there are no validation batches"));
        }
        let figure = |batch: &BatchResult| match self {
            Self::Loss => -batch.loss,
            Self::Accuracy => batch.accuracy(),
        };
        Ok(batches.iter().map(figure).sum::<f64>() / batches.len() as f64)
    }
}

/// Which weights are judged, on what, by which figure.
#[derive(Debug)]
pub struct Judge {
    figure: Figure,
    evaluation: Evaluation,
}

impl Judge {
    /// Adds its settings.
    pub fn declare(info: EstimatorInfo) -> EstimatorInfo {
        let specs = [
            SettingSpec::new("score", "loss", "loss (negated) or accuracy"),
            SettingSpec::new("batches", 0, "validation batches looked at; 0 for all"),
            SettingSpec::new(
                "checkpoints",
                1,
                "average the weights of the last so many kept checkpoints (temporal ensemble)",
            ),
            SettingSpec::new(
                "isomorphic",
                false,
                "average the scores over each isomorphism group (post-deiso)",
            ),
        ];
        specs.into_iter().fold(info, |info, spec| info.setting(spec.judges_only()))
    }

    /// With these settings.
    pub fn new(settings: &Settings) -> Result<Self> {
        let Some(batches) = settings.usize("batches") else {
            return Err(Error::new("setting `batches` must be 0 for all, or a number of them"));
        };
        let evaluation = Evaluation {
            batches: (batches > 0).then_some(batches),
            checkpoints: at_least(settings, "checkpoints", 1)?,
            isomorphic: settings.bool("isomorphic").unwrap_or(false),
        };
        Ok(Self { figure: Figure::named(settings.text("score"))?, evaluation })
    }

    /// For the host.
    pub fn evaluation(&self) -> Evaluation {
        self.evaluation
    }

    /// The score.
    pub fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        self.figure.mean(batches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_count_alike_and_high_is_good() {
        let batches = [
            BatchResult { images: 100, loss: 1.0, correct: 50 },
            BatchResult { images: 10, loss: 2.0, correct: 10 },
        ];
        assert_eq!(Figure::Loss.mean(&batches), Ok(-1.5));
        assert_eq!(Figure::Accuracy.mean(&batches), Ok(0.75));
        assert!(Figure::Loss.mean(&[]).is_err());
    }
}
