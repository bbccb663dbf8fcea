//! The trait of exports that can be asked questions by number.

/// An export that can be asked by the number of a question.
pub trait Respondent {
    /// Number of questions.
    fn questions(&self) -> usize;
    /// The answer to a question, one line per part.
    fn answer(&self, question: usize) -> String;
}

/// One part of an answer: a value, or that it failed. The message of a failure is left
/// out, as it may differ.
pub fn text<T, E>(answer: std::result::Result<T, E>, show: impl FnOnce(&T) -> String) -> String {
    match answer {
        Ok(answer) => show(&answer),
        Err(_) => "a failure".to_owned(),
    }
}
