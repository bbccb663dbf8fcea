//! What every command says of itself.

use crate::support;
use crate::support::snapshots::snapshot;

/// Compares the help of a command and of its subcommands.
fn compare(command: &[&str]) {
    let output = support::osee(&[command, &["--help"]].concat()).env("COLUMNS", "100").output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    snapshot(["help", &command.join("-")].join("-").trim_end_matches('-'), &text, &[]);
    let commands = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in commands.take_while(|line| !line.is_empty()) {
        let name = line.strip_prefix("  ").and_then(|line| line.split(' ').next());
        if let Some(name) = name.filter(|name| !["", "help"].contains(name)) {
            compare(&[command, &[name]].concat());
        }
    }
}

#[test]
fn the_help_of_every_command_is_as_it_was() {
    compare(&[]);
}
