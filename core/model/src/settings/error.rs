//! Why settings are refused.

use super::{spec::SettingSpec, value::Value};

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// Not declared.
    #[error("{owner} has no setting `{key}`{}", hint(nearest, known))]
    Unknown {
        /// Whose settings.
        owner: String,
        /// The unknown key.
        key: String,
        /// The declared key most like it.
        nearest: Option<String>,
        /// All declared keys.
        known: Vec<String>,
    },
    /// Declared with another type.
    #[error("setting `{key}` of {owner} must be {wanted}, got `{value}`")]
    Type {
        /// Whose settings.
        owner: String,
        /// The key.
        key: String,
        /// The declared type, in words.
        wanted: &'static str,
        /// What was given.
        value: String,
    },
    /// Of the declared type, but not allowed by the declaration.
    #[error("setting `{key}` of {owner} must be {allowed}, got `{value}`{}", meant(nearest))]
    NotAllowed {
        /// Whose settings.
        owner: String,
        /// The key.
        key: String,
        /// What is allowed, in words.
        allowed: String,
        /// What was given.
        value: String,
        /// The allowed word most like it.
        nearest: Option<String>,
    },
    /// Read as what it is not; a mistake of whoever declared it.
    #[error("setting `{key}` must be {wanted}, got `{value}`")]
    Read {
        /// The key.
        key: String,
        /// What it is read as, in words.
        wanted: String,
        /// What it is.
        value: String,
    },
    /// Read without being declared.
    #[error("no setting `{0}` is declared")]
    Undeclared(String),
    /// Not of the form `key=value`.
    #[error("`{0}` is not of the form key=value")]
    Assignment(String),
    /// Given more than once.
    #[error("setting `{key}` is given twice, as `{first}` and as `{second}`; leave one out")]
    Twice {
        /// The key.
        key: String,
        /// Its value.
        first: String,
        /// Its other value.
        second: String,
    },
}

impl SettingError {
    /// `key` is not among the settings of `owner`.
    pub(super) fn unknown(owner: &str, key: &str, specs: &[SettingSpec]) -> Self {
        let known: Vec<String> = specs.iter().map(|spec| spec.key.clone()).collect();
        let nearest = nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
        Self::Unknown { owner: owner.to_owned(), key: key.to_owned(), nearest, known }
    }

    /// `value` does not keep the constraints of a setting of `owner`.
    pub(super) fn not_allowed(owner: &str, spec: &SettingSpec, value: &Value) -> Self {
        let value = value.to_string();
        let words: Vec<String> = spec.constraints.iter().flat_map(|it| it.vocabulary()).collect();
        let given = value.split(',').map(str::trim).find(|it| !words.iter().any(|word| word == it));
        let nearest = nearest(given.unwrap_or(&value), words.iter().map(String::as_str));
        Self::NotAllowed {
            owner: owner.to_owned(),
            key: spec.key.clone(),
            allowed: spec.allowed().unwrap_or_default(),
            nearest: nearest.map(str::to_owned),
            value,
        }
    }
}

fn hint(nearest: &Option<String>, known: &[String]) -> String {
    match nearest {
        Some(_) => meant(nearest),
        None if known.is_empty() => "; it has none".to_owned(),
        None => format!("; it has {}", known.join(", ")),
    }
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

/// The candidate most like `word`, if one is close enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
