//! The one error type that an author's code returns.

use osee_model::estimator::{Failure, FailureKind};

/// A failure and its kind, as it is stored in the results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(Failure);

/// The result type of the author's traits.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a message: a lower-case fragment, such as `needs a batch of two images`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Failure::new(FailureKind::Error, message))
    }

    /// The definition gives no number for this network; the message says why. The network
    /// ranks last, but this does not count as a fault of the estimator.
    pub fn undefined(message: impl Into<String>) -> Self {
        Self(Failure::new(FailureKind::Undefined, message))
    }

    /// The failure in the form in which it is stored.
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
        // libtorch appends dozens of C++ frames; the cause comes before them.
        let frames = ["\nException raised from", "\nframe #"];
        let end = frames.iter().filter_map(|first| text.find(first)).min();
        let cause = &text[..end.unwrap_or(text.len())];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorch_errors_lose_their_frames() {
        for (said, expected) in [
            (
                "shape [2]\nis invalid\nException raised from f at a.cpp:1\nframe #0: g",
                "shape [2]\nis invalid",
            ),
            ("can't allocate memory\nframe #0: g\nframe #1: h", "can't allocate memory"),
            ("no frames", "no frames"),
        ] {
            let error = Error::from(tch::TchError::Torch(said.to_owned()));
            assert_eq!(error.to_string(), format!("libtorch: Internal torch error: {expected}"));
        }
    }
}
