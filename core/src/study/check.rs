//! What TOML allows and a study does not.
//!
//! Invariant: a field that would change nothing beside another is refused.

use super::{Architectures, Study, StudyError};

impl Study {
    /// Refuses what TOML allows and a study does not.
    ///
    /// # Errors
    /// A row or a study with a name that cannot be one, or a field that changes
    /// nothing beside another.
    pub fn check(&self) -> Result<(), StudyError> {
        check_name(&self.name)?;
        if let Some(nameless) = self.estimators.iter().find(|it| it.name().trim().is_empty()) {
            let what = format!(
                "a row of estimator `{}` has an empty name; give it a `name`, or leave that out",
                nameless.id
            );
            return Err(StudyError::Invalid(what));
        }
        if let Some(it) = self.estimators.iter().find(|it| it.name().contains(char::is_control)) {
            return Err(StudyError::Invalid(format!(
                "the name {:?} of a row has a line end or another control character, which no \
                 sentence can hold; leave it out",
                it.name()
            )));
        }
        self.architectures.check()
    }
}

/// A name is a line of text, and that of a folder.
pub(crate) fn check_name(name: &str) -> Result<(), StudyError> {
    let why = match name.trim() {
        "" => "is empty",
        "." | ".." => "is that of another folder",
        _ if name.contains('/') => "has a `/`",
        _ if name.contains(char::is_control) => "has a line end or another control character",
        _ => return Ok(()),
    };
    Err(StudyError::Invalid(format!(
        "the study's name {name:?} {why}; a run's folder in runs/ is called after it, so it is one \
         word or several, and --out says where else a run is"
    )))
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

    pub(crate) fn check(&self) -> Result<(), StudyError> {
        match self.file.is_some() && self.count.is_some() {
            false => Ok(()),
            true => Err(StudyError::Invalid(
                "[architectures] `count` changes nothing of `file`, whose architectures are all \
                 taken; leave one of the two out"
                    .to_owned(),
            )),
        }
    }
}
