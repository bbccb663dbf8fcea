//! Errors about settings.

use super::{spec::SettingSpec, value::Value};

/// Why a setting or its value is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The setting is not declared.
    #[error("{owner} has no setting `{key}`{}", hint(nearest, known))]
    Unknown {
        /// The estimator or space that was given the setting.
        owner: String,
        /// The unknown key.
        key: String,
        /// The most similar declared key, if any is close.
        nearest: Option<String>,
        /// All declared keys.
        known: Vec<String>,
    },
    /// The value is not of the declared type.
    #[error("setting `{key}` of {owner} must be {wanted}, got `{value}`")]
    Type {
        /// The estimator or space that declares the setting.
        owner: String,
        /// Key of the setting.
        key: String,
        /// The declared type, in words.
        wanted: &'static str,
        /// The value that was given.
        value: String,
    },
    /// The value has the declared type, but a constraint forbids it.
    #[error("setting `{key}` of {owner} must be {allowed}, got `{value}`{}", meant(nearest))]
    NotAllowed {
        /// The estimator or space that declares the setting.
        owner: String,
        /// Key of the setting.
        key: String,
        /// What is allowed, in words.
        allowed: String,
        /// The value that was given.
        value: String,
        /// The most similar allowed word, if any is close.
        nearest: Option<String>,
    },
    /// The code of the estimator or space reads the setting as a type that it did not declare.
    #[error("setting `{key}` must be {wanted}, got `{value}`")]
    Read {
        /// Key of the setting.
        key: String,
        /// The type that it is read as, in words.
        wanted: String,
        /// The value of the setting.
        value: String,
    },
    /// The code reads a setting that it did not declare.
    #[error("no setting `{0}` is declared")]
    Undeclared(String),
    /// A text is not of the form `key=value`.
    #[error("`{0}` is not of the form key=value")]
    Assignment(String),
    /// A setting is given more than once.
    #[error("setting `{key}` is given twice, as `{first}` and as `{second}`; leave one out")]
    Twice {
        /// Key of the setting.
        key: String,
        /// The first value.
        first: String,
        /// The second value.
        second: String,
    },
}

impl SettingError {
    /// The error that `key` is not among the settings of `owner`.
    pub(super) fn unknown(owner: &str, key: &str, specs: &[SettingSpec]) -> Self {
        let known: Vec<String> = specs.iter().map(|spec| spec.key.clone()).collect();
        let nearest = nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
        Self::Unknown { owner: owner.to_owned(), key: key.to_owned(), nearest, known }
    }

    /// The error that `value` breaks the constraints of a setting of `owner`.
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

/// The candidate most like `word`, if one is similar enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
