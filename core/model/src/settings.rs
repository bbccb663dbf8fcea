//! Settings of estimators and search spaces: declared with defaults, checked
//! against the declaration, hashed into the key of a result.

use crate::hex::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt};

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// Words.
    Text(String),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
        }
    }

    /// This value where a value like `like` is wanted.
    fn coerce(self, like: &Value) -> Option<Value> {
        match (self, like) {
            (Self::Int(i), Self::Float(_)) => Some(Self::Float(i as f64)),
            (value, like) if std::mem::discriminant(&value) == std::mem::discriminant(like) => {
                Some(value)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value}"),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// One declared setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingSpec {
    /// Name in study files and on the command line.
    pub key: String,
    /// Value when none is given; also fixes the type.
    pub default: Value,
    /// One line of help.
    pub help: String,
    /// Whether a one-shot estimator's supernet is the same with any value.
    #[serde(default)]
    pub judges_only: bool,
    /// Of a search space: the default where architectures share a supernet's
    /// weights, trained or not.
    #[serde(default)]
    pub in_supernet: Option<Value>,
}

impl SettingSpec {
    /// A setting with its default.
    pub fn new(key: &str, default: impl Into<Value>, help: &str) -> Self {
        let (key, default) = (key.to_owned(), default.into());
        Self { key, default, help: help.to_owned(), judges_only: false, in_supernet: None }
    }

    /// Of a one-shot estimator: the setting changes what is made of a trained
    /// supernet, not how it is trained, so that rows that differ in it share
    /// one.
    #[must_use]
    pub fn judges_only(self) -> Self {
        Self { judges_only: true, ..self }
    }

    /// Of a search space: another default where architectures share a
    /// supernet's weights.
    #[must_use]
    pub fn in_supernet(self, value: impl Into<Value>) -> Self {
        Self { in_supernet: Some(value.into()), ..self }
    }
}

/// Every declared setting with its value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, Value>);

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

fn hint(nearest: &Option<String>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if known.is_empty() => "; it has none".to_owned(),
        None => format!("; it has {}", known.join(", ")),
    }
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

impl Settings {
    /// The declared settings of `owner`, with `given` in place of defaults.
    ///
    /// # Errors
    /// [`SettingError::Unknown`] with the nearest known key, or
    /// [`SettingError::Type`].
    pub fn resolve(
        owner: &str,
        specs: &[SettingSpec],
        given: &BTreeMap<String, Value>,
    ) -> Result<Self, SettingError> {
        let Self(mut values) = Self::defaults(specs);
        for (key, value) in given {
            let Some(default) = values.get(key) else {
                let known: Vec<String> = specs.iter().map(|spec| spec.key.clone()).collect();
                let nearest = nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
                return Err(SettingError::Unknown {
                    owner: owner.to_owned(),
                    key: key.clone(),
                    nearest,
                    known,
                });
            };
            let value = value.clone().coerce(default).ok_or_else(|| SettingError::Type {
                owner: owner.to_owned(),
                key: key.clone(),
                wanted: default.kind(),
                value: value.to_string(),
            })?;
            values.insert(key.clone(), value);
        }
        Ok(Self(values))
    }

    /// The declared settings, all with their defaults.
    pub fn defaults(specs: &[SettingSpec]) -> Self {
        specs.iter().map(|spec| (spec.key.clone(), spec.default.clone())).collect()
    }

    /// What a supernet changes of the defaults.
    pub fn of_supernet(specs: &[SettingSpec]) -> BTreeMap<String, Value> {
        let changed =
            specs.iter().filter_map(|spec| Some((spec.key.clone(), spec.in_supernet.clone()?)));
        changed.collect()
    }

    /// The same with another value for `key`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Reads `key=value` as the command line gives it.
    ///
    /// # Errors
    /// [`SettingError::Assignment`] without an `=`.
    pub fn parse_assignment(text: &str) -> Result<(String, Value), SettingError> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| SettingError::Assignment(text.to_owned()))?;
        let value = value.trim();
        let value = if let Ok(flag) = value.parse() {
            Value::Bool(flag)
        } else if let Ok(whole) = value.parse() {
            Value::Int(whole)
        } else if let Ok(number) = value.parse() {
            Value::Float(number)
        } else {
            Value::Text(value.to_owned())
        };
        Ok((key.trim().to_owned(), value))
    }

    /// Reads several of them, each about a setting of its own.
    ///
    /// # Errors
    /// [`SettingError::Assignment`] without an `=`, [`SettingError::Twice`] where
    /// two are about one setting.
    pub fn parse_assignments(texts: &[String]) -> Result<BTreeMap<String, Value>, SettingError> {
        let mut given = BTreeMap::new();
        for text in texts {
            let (key, value) = Self::parse_assignment(text)?;
            let second = value.to_string();
            if let Some(first) = given.insert(key.clone(), value) {
                return Err(SettingError::Twice { key, first: first.to_string(), second });
            }
        }
        Ok(given)
    }

    /// The value of `key`, if declared.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// A whole number that is not negative; `None` if undeclared or other.
    pub fn usize(&self, key: &str) -> Option<usize> {
        match self.0.get(key)? {
            Value::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A truth value; `None` if undeclared or other.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.0.get(key)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A number; `None` if undeclared or other.
    pub fn float(&self, key: &str) -> Option<f64> {
        match self.0.get(key)? {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// Words; `None` if undeclared or other.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    /// Keys and values in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl FromIterator<(String, Value)> for Settings {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// Hash of anything that is part of a result's key: the first 16 hex digits
/// of SHA-256 over its JSON.
pub fn key_hash(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("keys are plain data");
    hex(&Sha256::digest(&json)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<SettingSpec> {
        vec![
            SettingSpec::new("channels", 16, "channels of the first stage"),
            SettingSpec::new("ratio", 0.5, "a ratio"),
        ]
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let given = [("chanels".to_owned(), Value::Int(8))].into();
        let error = Settings::resolve("space `nb201`", &specs(), &given).unwrap_err();
        assert_eq!(
            error.to_string(),
            "space `nb201` has no setting `chanels`; did you mean `channels`?"
        );
    }

    #[test]
    fn a_setting_is_given_once() {
        let texts = |texts: &[&str]| texts.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let given = Settings::parse_assignments(&texts(&["channels=4", "ratio=2"])).unwrap();
        assert_eq!(
            given,
            BTreeMap::from([("channels".to_owned(), 4.into()), ("ratio".to_owned(), 2.into())])
        );
        let twice = Settings::parse_assignments(&texts(&["channels=4", " channels = 8"]));
        let said = "setting `channels` is given twice, as `4` and as `8`; leave one out";
        assert_eq!(twice.unwrap_err().to_string(), said);
    }

    #[test]
    fn whole_numbers_may_stand_for_numbers_but_not_the_reverse() {
        let given = |text| BTreeMap::from([Settings::parse_assignment(text).unwrap()]);
        let good = Settings::resolve("x", &specs(), &given("ratio=1")).unwrap();
        assert_eq!(good.float("ratio"), Some(1.0));
        let bad = Settings::resolve("x", &specs(), &given("channels=1.5"));
        assert!(matches!(bad, Err(SettingError::Type { .. })));
    }
}
