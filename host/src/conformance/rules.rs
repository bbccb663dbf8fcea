//! A rule, and how it is judged.

use osee_sdk::Error;

/// News of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is under way.
    Begun,
    /// The rule is kept.
    Kept,
    /// The rule is broken.
    Broken {
        /// What was seen.
        what: String,
        /// What to do.
        mend: &'static str,
    },
}

/// What was seen of a broken rule, and what to do.
pub type Broken = (String, &'static str);
/// Hears of the rules of a check.
pub type Tell<'a> = &'a mut dyn FnMut(&str, Verdict);

/// Judges one rule, which is told as it is begun and when it is judged.
pub fn rule(tell: Tell<'_>, name: &str, check: impl FnOnce() -> std::result::Result<(), Broken>) {
    tell(name, Verdict::Begun);
    let verdict = match check() {
        Ok(()) => Verdict::Kept,
        Err((what, mend)) => Verdict::Broken { what, mend },
    };
    tell(name, verdict);
}

/// What is wrong, with what to do.
pub fn broken(mend: &'static str) -> impl Fn(Error) -> Broken {
    move |error| (error.to_string(), mend)
}
