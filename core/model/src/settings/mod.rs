//! Settings of estimators and search spaces: declared with defaults and constraints, checked
//! against the declaration, and hashed into the key of a result.

mod constraint;
mod error;
mod spec;
mod value;

pub use constraint::Constraint;
pub use error::{SettingError, nearest};
pub use spec::SettingSpec;
pub use value::{FromValue, Value};

use crate::hex::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The value of every declared setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// The declared settings of `owner`, with `given` in place of defaults.
    ///
    /// # Errors
    /// [`SettingError::Unknown`] with the most similar known key, [`SettingError::Type`], or
    /// [`SettingError::NotAllowed`] with what is allowed.
    pub fn resolve(
        owner: &str,
        specs: &[SettingSpec],
        given: &BTreeMap<String, Value>,
    ) -> Result<Self, SettingError> {
        let Self(mut values) = Self::defaults(specs);
        for (key, value) in given {
            let spec = specs.iter().find(|spec| spec.key == *key);
            let spec = spec.ok_or_else(|| SettingError::unknown(owner, key, specs))?;
            let value = value.clone().coerce(&spec.default).ok_or_else(|| SettingError::Type {
                owner: owner.to_owned(),
                key: key.clone(),
                wanted: spec.default.kind(),
                value: value.to_string(),
            })?;
            if !spec.allows(&value) {
                return Err(SettingError::not_allowed(owner, spec, &value));
            }
            values.insert(key.clone(), value);
        }
        Ok(Self(values))
    }

    /// The declared settings, all with their defaults.
    pub fn defaults(specs: &[SettingSpec]) -> Self {
        specs.iter().map(|spec| (spec.key.clone(), spec.default.clone())).collect()
    }

    /// The defaults that differ where architectures share a supernet's weights.
    pub fn of_supernet(specs: &[SettingSpec]) -> BTreeMap<String, Value> {
        let changed =
            specs.iter().filter_map(|spec| Some((spec.key.clone(), spec.in_supernet.clone()?)));
        changed.collect()
    }

    /// Sets the value of `key`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Reads `key=value` from the command line; the value decides its type.
    ///
    /// # Errors
    /// [`SettingError::Assignment`] if there is no `=`.
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

    /// Reads several `key=value`, each for a different setting.
    ///
    /// # Errors
    /// [`SettingError::Assignment`] if there is no `=`, [`SettingError::Twice`] if two are for the
    /// same setting.
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

    /// The value of a declared setting, as a number, a flag, a text or a `Vec<String>` of words.
    ///
    /// ```
    /// # use osee_model::settings::{SettingError, SettingSpec, Settings};
    /// let specs = [SettingSpec::new("floor", 1e-6, "added to every norm").at_least(0.0)];
    /// let floor: f64 = Settings::defaults(&specs).get("floor")?;
    /// # assert_eq!(floor, 1e-6);
    /// # Ok::<(), SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError::Undeclared`], or [`SettingError::Read`] if the value is not of this type.
    pub fn get<T: FromValue>(&self, key: &str) -> Result<T, SettingError> {
        let value = self.value(key)?;
        T::from_value(value).ok_or_else(|| misread(key, T::WANTED.to_owned(), value))
    }

    /// The item that `choices` pairs with the word that is the setting's value.
    ///
    /// # Errors
    /// [`SettingError::Undeclared`], or [`SettingError::Read`] if the word is not in `choices`.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<T, SettingError> {
        let value = self.value(key)?;
        let chosen =
            choices.iter().find(|(word, _)| matches!(value, Value::Text(it) if it == word));
        chosen.map(|(_, chosen)| *chosen).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            misread(key, format!("one of {}", words.join(", ")), value)
        })
    }

    fn value(&self, key: &str) -> Result<&Value, SettingError> {
        self.0.get(key).ok_or_else(|| SettingError::Undeclared(key.to_owned()))
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

fn misread(key: &str, wanted: String, value: &Value) -> SettingError {
    SettingError::Read { key: key.to_owned(), wanted, value: value.to_string() }
}

impl FromIterator<(String, Value)> for Settings {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// Hash of a value that is part of a result's key: the first 16 hex digits of the SHA-256 of its
/// JSON.
pub fn key_hash(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("keys are plain data");
    hex(&Sha256::digest(&json)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<SettingSpec> {
        vec![
            SettingSpec::new("channels", 16, "channels of the first stage").at_least(1),
            SettingSpec::new("ratio", 0.5, "a ratio").in_range(0.0..1.5),
            SettingSpec::new("sampler", "deiso", "how").one_of(["uniform", "deiso", "fair"]),
            SettingSpec::new("without", "", "what is left out").list_of(["skip", "conv"]),
        ]
    }

    fn resolved(assignment: &str) -> Result<Settings, SettingError> {
        let given = BTreeMap::from([Settings::parse_assignment(assignment).unwrap()]);
        Settings::resolve("space `nb201`", &specs(), &given)
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = resolved("chanels=8").unwrap_err();
        assert_eq!(
            error.to_string(),
            "space `nb201` has no setting `chanels`; did you mean `channels`?"
        );
    }

    #[test]
    fn a_value_that_is_not_allowed_is_refused_with_what_is() {
        for (given, wanted) in [
            ("channels=0", "`channels` of space `nb201` must be at least 1, got `0`"),
            ("ratio=1.5", "`ratio` of space `nb201` must be at least 0 and below 1.5, got `1.5`"),
            ("ratio=nan", "`ratio` of space `nb201` must be at least 0 and below 1.5, got `NaN`"),
            (
                "sampler=unifrom",
                "`sampler` of space `nb201` must be uniform, deiso or fair, got `unifrom`; \
                 did you mean `uniform`?",
            ),
            (
                "without=conv,skp",
                "`without` of space `nb201` must be a comma-separated list of skip and conv, got \
                 `conv,skp`; did you mean `skip`?",
            ),
        ] {
            let error = resolved(given).unwrap_err().to_string();
            assert_eq!(error, format!("setting {wanted}"));
        }
        for given in ["channels=1", "ratio=0", "sampler=fair", "without=skip, conv", "without="] {
            assert!(resolved(given).is_ok(), "{given}");
        }
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
        assert_eq!(resolved("ratio=1").unwrap().get("ratio"), Ok(1.0));
        assert!(matches!(resolved("channels=1.5"), Err(SettingError::Type { .. })));
    }

    #[test]
    fn values_are_read_as_what_they_are_and_nothing_else() {
        let settings = resolved("without=skip, conv").unwrap();
        assert_eq!(settings.get("channels"), Ok(16usize));
        assert_eq!(settings.get("without"), Ok(vec!["skip".to_owned(), "conv".to_owned()]));
        assert_eq!(settings.choice("sampler", &[("uniform", 1), ("deiso", 2)]), Ok(2));
        let error = |result: Result<bool, SettingError>| result.unwrap_err().to_string();
        assert_eq!(
            error(settings.get("channels")),
            "setting `channels` must be true or false, got `16`"
        );
        assert_eq!(error(settings.get("chanels")), "no setting `chanels` is declared");
        let other = settings.choice("sampler", &[("uniform", true)]);
        assert_eq!(error(other), "setting `sampler` must be one of uniform, got `deiso`");
    }
}
