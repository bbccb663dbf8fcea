//! What TOML allows and a study does not.
//!
//! Invariant: a field that would change nothing beside another is refused.

use super::{Architectures, ProtocolChoice, Study, StudyError};
use std::collections::HashSet;

impl Study {
    /// Refuses what TOML allows and a study does not.
    ///
    /// # Errors
    /// No seeds, or one twice, a row without a name, or a field that changes
    /// nothing beside another.
    pub fn check(&self) -> Result<(), StudyError> {
        if let Some(nameless) = self.estimators.iter().find(|it| it.name().trim().is_empty()) {
            let what = format!(
                "a row of estimator `{}` has an empty name; give it a `name`, or leave that out",
                nameless.id
            );
            return Err(StudyError::Invalid(what));
        }
        if self.seeds.is_empty() {
            return Err(StudyError::Invalid("a study needs at least one seed".to_owned()));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.seeds.iter().find(|seed| !seen.insert(**seed)) {
            return Err(StudyError::Invalid(format!("seed {twice} is given twice")));
        }
        self.architectures.check()?;
        match self.data.as_str() {
            "noise" => self.protocol.check_noise(),
            _ => Ok(()),
        }
    }
}

impl Architectures {
    /// How many are drawn; `None` where all of a list or of the space are taken.
    pub fn count(&self) -> Option<u64> {
        self.count.filter(|_| self.file.is_none())
    }

    /// Whether anything is drawn, by `seed`.
    pub fn draws(&self) -> bool {
        self.count().is_some() || self.neighbours > 0
    }

    fn check(&self) -> Result<(), StudyError> {
        let of_list = "changes nothing of [architectures] `file`, whose architectures are all \
                       taken; leave one of the two out";
        let drawn = "is that of a draw, and nothing is drawn; leave it out, or say by `count` how \
                     many are drawn";
        let wrong = [
            ("count", self.file.is_some() && self.count.is_some(), of_list),
            ("judged", self.file.is_some() && self.judged, of_list),
            ("seed", self.seed != 0 && !self.draws(), drawn),
        ];
        refuse("architectures", &wrong)
    }
}

impl ProtocolChoice {
    /// Refuses what is about images of a data set.
    fn check_noise(&self) -> Result<(), StudyError> {
        let why =
            "is about the images of a data set, and `data` is noise; leave one of the two out";
        let wrong = [
            ("images", self.images.is_some(), why),
            ("augment", self.augment.is_some(), why),
            ("normalisation", self.normalisation.is_some(), why),
        ];
        refuse("protocol", &wrong)
    }

    /// Without what is about images of a data set.
    #[must_use]
    pub fn of_noise(self) -> Self {
        Self { images: None, augment: None, normalisation: None, ..self }
    }
}

/// Refuses the first field that is wrong.
fn refuse(part: &str, fields: &[(&str, bool, &str)]) -> Result<(), StudyError> {
    match fields.iter().find(|(_, wrong, _)| *wrong) {
        None => Ok(()),
        Some((field, _, why)) => Err(StudyError::Invalid(format!("[{part}] `{field}` {why}"))),
    }
}
