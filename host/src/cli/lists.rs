//! Checks that several commands share: options that may be given more than once, and
//! options that make others idle.
//!
//! Invariant: an option that would change nothing is refused.

use super::CliError;
use osee_core::truth::Filter;
use osee_model::settings::{Settings, Value};
use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

/// Makes the error of a wrong command line.
pub fn usage(what: impl Into<String>) -> CliError {
    CliError::Usage(what.into())
}

/// Refuses the first option that was given; `why` continues the message.
pub fn refuse(options: &[(&str, bool)], why: &str) -> Result<(), CliError> {
    match options.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(usage(format!("{option} {why}"))),
    }
}

/// Refuses a list that has a name twice.
pub fn once<T: AsRef<str>>(option: &str, names: &[T]) -> Result<(), CliError> {
    for (at, name) in names.iter().map(AsRef::as_ref).enumerate() {
        if names[..at].iter().any(|other| other.as_ref() == name) {
            return Err(usage(format!("{option} names `{name}` twice")));
        }
    }
    Ok(())
}

/// Maps columns to the value that selected rows have in them.
pub fn rows_of(filters: &[Filter]) -> Result<BTreeMap<String, String>, CliError> {
    let mut rows = BTreeMap::new();
    for Filter { column, value } in filters {
        let other = rows.insert(column.clone(), value.clone());
        if let Some(other) = other.filter(|other| other != value) {
            return Err(usage(format!(
                "--where asks for `{other}` and for `{value}` in column `{column}`, and no row has \
                 both"
            )));
        }
    }
    Ok(rows)
}

/// Parses settings, each of which may be given once.
pub fn settings_of(texts: &[String]) -> Result<BTreeMap<String, Value>, CliError> {
    Ok(Settings::parse_assignments(texts)?)
}

/// Parses a whole number in `range`.
pub fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match *most {
            u64::MAX => format!("it is a whole number from {least} on"),
            most => format!("it is a whole number from {least} to {most}"),
        })
    }
}

/// Parses a number of workers or threads, which all exist at the same time.
pub fn at_once(text: &str) -> Result<usize, String> {
    whole(1..=1024)(text)
}

/// Parses a time in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = time.filter(|time| !time.is_zero());
    time.ok_or_else(|| "it is a number of seconds above 0, such as 0.5 or 600".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::cli::command;
    use clap::Command;

    /// Every command with its path, program name first.
    fn commands(command: &Command, path: &[String]) -> Vec<(Vec<String>, Command)> {
        let mut path = path.to_vec();
        path.push(command.get_name().to_owned());
        let below = command.get_subcommands().flat_map(|it| commands(it, &path));
        let below: Vec<_> = below.collect();
        [vec![(path, command.clone())], below].concat()
    }

    fn said(arguments: &[&str]) -> String {
        command().try_get_matches_from(arguments).unwrap_err().to_string()
    }

    #[test]
    fn every_option_of_a_number_says_what_it_takes() {
        let numbers = ["N", "K", "M", "SECONDS", "MIB", "SEED", "DRAW", "ROWS", "RESAMPLES"];
        let mut seen = 0;
        for (path, command) in commands(&command(), &[]) {
            for arg in command.get_arguments() {
                let is = |names: &[clap::builder::Str]| numbers.contains(&names[0].as_str());
                let (Some(long), Some(true)) = (arg.get_long(), arg.get_value_names().map(is))
                else {
                    continue;
                };
                for value in ["-1", "-3.5", "many"] {
                    let joined = format!("--{long}={value}");
                    let separate = format!("--{long}");
                    for given in [vec![joined.as_str()], vec![separate.as_str(), value]] {
                        let path = path.iter().map(String::as_str);
                        let arguments: Vec<&str> = path.chain(given).collect();
                        let said = said(&arguments);
                        let says =
                            said.contains("number from ") || said.contains("seconds above 0");
                        assert!(says && said.contains(long), "{arguments:?}: {said}");
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 150, "{seen}");
    }

    #[test]
    fn a_value_may_begin_with_a_minus() {
        let seeds = said(&["osee-host", "run", "--seeds", "-1,2"]);
        assert!(seeds.contains("a seed is a whole number from 0 to"), "{seeds}");
        let shard = said(&["osee-host", "run", "--shard", "-1/2"]);
        assert!(shard.contains("write K/N"), "{shard}");
        let archs = ["osee-host", "run", "--archs", "-5"];
        assert!(command().try_get_matches_from(archs).is_ok());
        assert!(said(&["osee-host", "run", "-1"]).contains("unexpected argument '-1'"));
        assert!(said(&["osee-host", "run", "--no-such", "-1"]).contains("'--no-such'"));
    }
}
