//! Whoever can be asked questions by their numbers.

/// An export that can be asked by the number of a question.
pub trait Respondent {
    /// How many questions there are.
    fn questions(&self) -> usize;
    /// The answer, its parts in lines.
    fn answer(&self, question: usize) -> String;
}

/// An answer or its failure, as a part of an answer. Messages may differ.
pub fn text<T, E>(answer: std::result::Result<T, E>, show: impl FnOnce(&T) -> String) -> String {
    match answer {
        Ok(answer) => show(&answer),
        Err(_) => "a failure".to_owned(),
    }
}
