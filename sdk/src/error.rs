//! One error for everything an author's code can fail with.

use osee_model::estimator::{Failure, FailureKind};

/// A failure with its kind, as it will stand in the results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(Failure);

/// What author traits return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error in words: a lower-case fragment, such as `needs a batch of two images`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Failure::new(FailureKind::Error, message))
    }

    /// The definition gives no number for this network, and why. Such a network
    /// ranks last; it does not count as a fault of the estimator.
    pub fn undefined(message: impl Into<String>) -> Self {
        Self(Failure::new(FailureKind::Undefined, message))
    }

    /// The failure as stored.
    pub fn failure(&self) -> &Failure {
        &self.0
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        let text = error.to_string();
        // libtorch appends dozens of C++ frames; the cause stands before them.
        let cause = text.split("\nException raised from").next().unwrap_or(&text);
        Self::new(format!("libtorch: {}", cause.trim()))
    }
}

impl From<osee_model::graph::GraphError> for Error {
    fn from(error: osee_model::graph::GraphError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<osee_model::settings::SettingError> for Error {
    fn from(error: osee_model::settings::SettingError) -> Self {
        Self::new(error.to_string())
    }
}
