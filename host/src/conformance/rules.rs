//! A rule, and its verdict.

use osee_sdk::Error;

/// The state of a rule's check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The check is under way.
    Begun,
    /// The rule is kept.
    Kept,
    /// The rule is broken.
    Broken {
        /// The observation that breaks it.
        what: String,
        /// Advice to the plugin's author.
        mend: &'static str,
    },
}

/// The observation that breaks a rule, and advice.
pub type Broken = (String, &'static str);
/// Receives the name and state of each rule.
pub type Tell<'a> = &'a mut dyn FnMut(&str, Verdict);

/// Judges one rule; reports its beginning and its verdict to `tell`.
pub fn rule(tell: Tell<'_>, name: &str, check: impl FnOnce() -> std::result::Result<(), Broken>) {
    tell(name, Verdict::Begun);
    let verdict = match check() {
        Ok(()) => Verdict::Kept,
        Err((what, mend)) => Verdict::Broken { what, mend },
    };
    tell(name, verdict);
}

/// Turns an error into a broken rule with this advice.
pub fn broken(mend: &'static str) -> impl Fn(Error) -> Broken {
    move |error| (error.to_string(), mend)
}
