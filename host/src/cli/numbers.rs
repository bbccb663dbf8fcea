//! Explains what an option takes if its value begins with a minus or is no number: clap
//! alone takes `-1` for an unknown option.

use clap::{
    Arg, Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::{
    any::TypeId,
    error::Error as _,
    ffi::OsString,
    num::{ParseFloatError, ParseIntError},
};

/// Explains what is wrong with `arguments`, program name first, which the built command
/// `all` does not parse because of `error`; `None` if clap explains it well.
pub fn explained(all: &Command, error: &Error, arguments: &[OsString]) -> Option<String> {
    let command = reached(all, arguments);
    let (arg, value) = match error.kind() {
        ErrorKind::UnknownArgument => {
            let unknown = text(error, ContextKind::InvalidArg)?;
            let words: Vec<&str> = arguments.iter().map(|it| it.to_str().unwrap_or("")).collect();
            let pair = words.windows(2).find(|pair| {
                pair[1].starts_with(unknown) && is_minus(pair[1]) && pair[0].starts_with("--")
            })?;
            let arg = find(command, &|arg| arg.get_long() == pair[0].strip_prefix("--"))?;
            if let Some(why) = refused(all, arguments, pair) {
                return Some(format!("invalid value '{}' for '{arg}': {why}", pair[1]));
            }
            (arg, pair[1])
        }
        ErrorKind::ValueValidation => {
            let why = error.source()?;
            if !of_a_number(why) {
                // The option has its own parser, or a range.
                return None;
            }
            let name = text(error, ContextKind::InvalidArg)?;
            let value = text(error, ContextKind::InvalidValue)?;
            (find(command, &|arg| arg.to_string() == name)?, value)
        }
        _ => return None,
    };
    let long = arg.get_long()?;
    Some(match takes(arg) {
        Some(what) => format!("--{long} takes {what}, not `{value}`"),
        None => {
            let names: Vec<&str> =
                arg.get_value_names()?.iter().map(|name| name.as_str()).collect();
            let names = names.join(" ");
            format!(
                "--{long} takes {names}; one that begins with a minus is written --{long}={value}"
            )
        }
    })
}

/// The parser's own reason for refusing an option's value, if it has one. `pair` is the
/// option and what follows it, which clap took for another option.
fn refused(all: &Command, arguments: &[OsString], pair: &[&str]) -> Option<String> {
    let at = arguments.windows(2).position(|it| it == pair)?;
    let mut joined = arguments.to_vec();
    joined.splice(at..at + 2, [OsString::from(format!("{}={}", pair[0], pair[1]))]);
    let error = all.clone().try_get_matches_from(joined).err()?;
    let why = error.source().filter(|_| error.kind() == ErrorKind::ValueValidation)?;
    (!of_a_number(why)).then(|| why.to_string())
}

/// True for errors of Rust's own parsers of numbers.
fn of_a_number(why: &(dyn std::error::Error + 'static)) -> bool {
    why.is::<ParseIntError>() || why.is::<ParseFloatError>()
}

fn text(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// True if an argument is, or begins as, a negative number.
fn is_minus(argument: &str) -> bool {
    let rest = argument.strip_prefix('-');
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
}

/// The command that the arguments are for.
fn reached<'c>(command: &'c Command, arguments: &[OsString]) -> &'c Command {
    let words = arguments.iter().skip(1);
    words.fold(command, |command, word| command.find_subcommand(word).unwrap_or(command))
}

/// The first option of a command that takes values and that `is` accepts.
fn find<'c>(command: &'c Command, is: &dyn Fn(&Arg) -> bool) -> Option<&'c Arg> {
    let mut own = command.get_arguments().filter(|arg| arg.get_action().takes_values());
    own.find(|arg| is(arg))
}

/// The numbers that an option takes, in words; `None` if it takes anything else.
fn takes(arg: &Arg) -> Option<String> {
    let kind = arg.get_value_parser().type_id();
    let is = |it: TypeId| kind == it;
    let most = match () {
        () if is(TypeId::of::<u32>()) => u64::from(u32::MAX),
        () if is(TypeId::of::<u64>()) => u64::MAX,
        () if is(TypeId::of::<usize>()) => usize::MAX as u64,
        () if is(TypeId::of::<f64>()) => return Some("a number above 0".to_owned()),
        () => return None,
    };
    Some(format!("a whole number from 0 to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};

    /// Every command with its path, program name first.
    fn commands(command: &Command, path: &[String]) -> Vec<(Vec<String>, Command)> {
        let mut path = path.to_vec();
        path.push(command.get_name().to_owned());
        let below = command.get_subcommands().flat_map(|it| commands(it, &path));
        let below: Vec<_> = below.collect();
        [vec![(path, command.clone())], below].concat()
    }

    fn said(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from(arguments).unwrap_err();
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let mut command = Cli::command();
        command.build();
        let explained = explained(&command, &error, &arguments);
        explained.unwrap_or_else(|| error.to_string())
    }

    #[test]
    fn every_option_of_a_number_says_what_it_takes() {
        let mut seen = 0;
        for (path, command) in commands(&Cli::command(), &[]) {
            for arg in command.get_arguments().filter(|arg| takes(arg).is_some()) {
                let option = format!("--{}", arg.get_long().expect("numbers have names"));
                for value in ["-1", "-3.5", "many"] {
                    for joined in [true, false] {
                        let joined = if joined {
                            vec![format!("{option}={value}")]
                        } else {
                            vec![option.clone(), value.to_owned()]
                        };
                        let arguments: Vec<&str> =
                            path.iter().chain(&joined).map(String::as_str).collect();
                        if option == "--time-limit" && joined.len() == 1 && value != "many" {
                            // The number is checked later.
                            continue;
                        }
                        let said = said(&arguments);
                        let known =
                            ["number from ", "number above 0", "seconds above 0", "is not in "];
                        let says = known.iter().any(|it| said.contains(it));
                        assert!(says && said.contains(&option), "{arguments:?}: {said}");
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 150, "{seen}");
    }

    #[test]
    fn what_else_an_option_takes_is_said_as_its_help_says_it() {
        let archs = said(&["osee-host", "run", "--archs", "-5"]);
        assert_eq!(
            archs,
            "--archs takes N|all|FILE; one that begins with a minus is written --archs=-5"
        );
        let seeds = said(&["osee-host", "run", "--seeds", "-1,2"]);
        assert!(seeds.contains("a seed is a whole number from 0 to"), "{seeds}");
        let workers = said(&["osee-host", "run", "--workers", "-1"]);
        assert!(workers.contains("'--workers <N>': it is a whole number from 1"), "{workers}");
        assert!(said(&["osee-host", "run", "--shard", "-1/2"]).starts_with("--shard takes K/N;"));
        // Clap explains unknown options itself.
        assert!(said(&["osee-host", "run", "-1"]).contains("unexpected argument '-1'"));
        assert!(said(&["osee-host", "run", "--no-such", "-1"]).contains("'--no-such'"));
    }
}
