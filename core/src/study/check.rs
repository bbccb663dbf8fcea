//! Checks of a study that TOML cannot express.
//!
//! Invariant: a field that has no effect beside another is refused.

use super::{Architectures, Study, StudyError};

impl Study {
    /// Refuses studies that are valid TOML but make no sense.
    ///
    /// # Errors
    /// If the name of a row or of the study is invalid, or a field has no effect beside another.
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
                "the name {:?} of a row has a line break or another control character; leave it out",
                it.name()
            )));
        }
        self.architectures.check()
    }
}

/// Checks a study's name, which must be one line of text and usable as the name of a folder.
pub(crate) fn check_name(name: &str) -> Result<(), StudyError> {
    let why = match name.trim() {
        "" => "is empty",
        "." | ".." => "is that of another folder",
        _ if name.contains('/') => "has a `/`",
        _ if name.contains(char::is_control) => "has a line break or another control character",
        _ => return Ok(()),
    };
    Err(StudyError::Invalid(format!(
        "the study's name {name:?} {why}; it names the run's folder in runs/; choose another name, or give --out"
    )))
}

impl Architectures {
    /// Number of architectures that are drawn; `None` if all of a list or of the space are taken.
    pub fn count(&self) -> Option<u64> {
        self.count.filter(|_| self.file.is_none())
    }

    /// True if `seed` is used to draw anything.
    pub fn draws(&self) -> bool {
        self.count().is_some() || self.neighbours > 0
    }

    pub(crate) fn check(&self) -> Result<(), StudyError> {
        match self.file.is_some() && self.count.is_some() {
            false => Ok(()),
            true => Err(StudyError::Invalid(
                "[architectures] `count` has no effect on `file`, whose architectures are all taken; leave one of the two out"
                    .to_owned(),
            )),
        }
    }
}
