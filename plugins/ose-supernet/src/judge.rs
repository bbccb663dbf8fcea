//! How sub-networks of a trained supernet are scored.

use osee_sdk::prelude::*;

/// The figure of merit that becomes the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The mean cross-entropy, negated.
    Loss,
    /// The mean share of correct images.
    Accuracy,
}

/// The figures by their names in settings.
pub const FIGURES: [(&str, Figure); 2] = [("loss", Figure::Loss), ("accuracy", Figure::Accuracy)];

impl Figure {
    /// The mean over batches, not weighted by their sizes, as in the paper; higher is
    /// better.
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

/// Which checkpoints are scored, on which batches, and by which figure.
#[derive(Debug)]
pub struct Judge {
    figure: Figure,
    evaluation: Evaluation,
}

impl Judge {
    /// The settings that an estimator with a judge declares.
    pub fn settings() -> [SettingSpec; 4] {
        let score = "mean over the validation batches; the loss is negated";
        let batches = "validation batches used; 0 for all";
        let checkpoints =
            "average the weights of the last so many kept checkpoints (temporal ensemble)";
        let isomorphic = "average the scores over each isomorphism group (post-deiso)";
        [
            SettingSpec::new("score", "loss", score).one_of(FIGURES.map(|(word, _)| word)),
            SettingSpec::new("batches", 0, batches).at_least(0),
            SettingSpec::new("checkpoints", 1, checkpoints).at_least(1),
            SettingSpec::new("isomorphic", false, isomorphic),
        ]
        .map(SettingSpec::judges_only)
    }

    /// Reads the judge from an estimator's settings.
    pub fn new(settings: &Settings) -> Result<Self> {
        let evaluation = Evaluation::default()
            .checkpoints(settings.get("checkpoints")?)
            .isomorphic(settings.get("isomorphic")?);
        let evaluation = match settings.get("batches")? {
            0 => evaluation,
            batches => evaluation.batches(batches),
        };
        Ok(Self { figure: settings.choice("score", &FIGURES)?, evaluation })
    }

    /// The checkpoints and batches that the host is to evaluate.
    pub fn evaluation(&self) -> Evaluation {
        self.evaluation
    }

    /// The score of a sub-network from its validation batches; higher is better.
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
