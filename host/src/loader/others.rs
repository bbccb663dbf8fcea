//! Finds out who besides its owner can write to a file. A group without another
//! member, such as the one that most distributions give every user, counts as nobody.

use std::{collections::BTreeSet, fmt, fs::Metadata, os::unix::fs::MetadataExt, path::Path};
use std::{fs, process::Command};

/// Bits of a file's mode.
const EVERYONE: u32 = 0o002;
const GROUP: u32 = 0o020;
const STICKY: u32 = 0o1000;

/// Users who can write; as text, a sentence about `it`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Others {
    /// Every user of the machine.
    Everyone,
    /// Members of the file's group.
    Members {
        /// Name of the group.
        group: String,
        /// Names of its members.
        users: Vec<String>,
    },
    /// The users cannot be determined, for this reason.
    Unknown(String),
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone can"),
            Self::Members { group, users } => {
                let shown = users.iter().take(3).map(String::as_str).collect::<Vec<_>>();
                let more = if users.len() > shown.len() { " and others" } else { "" };
                write!(f, "{}{more} can, by group {group}", shown.join(", "))
            }
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// Users besides its owner who can write to `file`; `None` if there are none.
pub fn writers(file: &Path, metadata: &Metadata) -> Option<Others> {
    let mode = metadata.mode();
    if mode & EVERYONE != 0 {
        return Some(Others::Everyone);
    }
    if mode & GROUP == 0 {
        return None;
    }
    // With an access control list, the group's bits are the upper bound for all on it.
    if rustix::fs::getxattr_query(file, "system.posix_acl_access").is_ok_and(|bytes| bytes > 0) {
        let why = "an access control list may let others, see getfacl";
        return Some(Others::Unknown(why.to_owned()));
    }
    members(metadata.gid(), metadata.uid())
}

/// Users besides the owner who can replace files in a folder; `None` if it is sticky,
/// as /tmp is: only a file's owner can replace it there.
pub fn movers(folder: &Path, metadata: &Metadata) -> Option<Others> {
    match metadata.mode() & STICKY {
        0 => writers(folder, metadata),
        _ => None,
    }
}

/// Members of a group besides its owner, by the machine's files and its name service;
/// `None` if there are none.
fn members(group: u32, owner: u32) -> Option<Others> {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let local = read("/etc/group");
    let (mut groups, mut users) = (local.clone(), read("/etc/passwd"));
    groups.extend(getent(&["group", &group.to_string()]));
    users.extend(getent(&["passwd"]));
    match (name_of(&local, group), name_of(&groups, group)) {
        // A directory service need not tell whose primary group it is.
        (None, Some(name)) => {
            let why = format!("who is in group {name} cannot be known: it is not in /etc/group");
            Some(Others::Unknown(why))
        }
        (None, None) => Some(Others::Unknown(format!(
            "who is in group {group} cannot be known: no list of groups has it"
        ))),
        (Some(name), _) => {
            let users = others(&groups, &users, group, owner);
            let group = name.to_owned();
            (!users.is_empty()).then_some(Others::Members { group, users })
        }
    }
}

/// Answer of the name service; `None` if getent cannot be run.
fn getent(what: &[&str]) -> Option<String> {
    let output = Command::new("getent").args(what).output().ok()?;
    Some(format!("\n{}", String::from_utf8_lossy(&output.stdout)))
}

fn name_of(groups: &str, group: u32) -> Option<&str> {
    let fields = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.into_iter().find_map(|fields| match fields.as_slice() {
        [name, _, number, ..] if number.parse() == Ok(group) => Some(*name),
        _ => None,
    })
}

/// Names of the users whom either list puts in `group`, without `owner` and without
/// root, which needs no group to write. `groups` and `users` have the format of
/// /etc/group and /etc/passwd.
fn others(groups: &str, users: &str, group: u32, owner: u32) -> Vec<String> {
    let mut found = BTreeSet::new();
    for line in groups.lines() {
        if let [_, _, number, members] = line.split(':').collect::<Vec<_>>()[..]
            && number.parse() == Ok(group)
        {
            found.extend(members.split(',').map(str::trim).filter(|name| !name.is_empty()));
        }
    }
    let users = users.lines().filter_map(|line| match line.split(':').collect::<Vec<_>>()[..] {
        [name, _, user, first, ..] => Some((name, user.parse::<u32>().ok()?, first.parse().ok()?)),
        _ => None,
    });
    let users: Vec<(&str, u32, u32)> = users.collect();
    found.extend(users.iter().filter(|(_, _, first)| *first == group).map(|(name, ..)| name));
    let harmless = |name: &str| {
        users.iter().any(|(other, user, _)| *other == name && [0, owner].contains(user))
    };
    found.into_iter().filter(|name| !harmless(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\nann:x:1000:\nlab:x:1001:ann, bob\nown:x:1002:ann\n\
                          twice:x:1003:ann\nalso:x:1003:carl\n+::\n";
    const USERS: &str = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\n\
                         bob:x:1001:1004::/:/bin/sh\ndora:x:1005:1005::/:/bin/sh\n+\n";

    #[test]
    fn a_group_without_another_member_is_nobody_else() {
        let of = |group, owner| others(GROUPS, USERS, group, owner);
        let nobody: [&str; 0] = [];
        // Ann's own group, one that lists her, root's, and one that only root shares.
        assert_eq!(of(1000, 1000), nobody);
        assert_eq!(of(1002, 1000), nobody);
        assert_eq!(of(0, 0), nobody);
        assert_eq!(of(0, 1000), nobody);
        // A member by the list of groups, and one by the list of users.
        assert_eq!(of(1001, 1000), ["bob"]);
        assert_eq!(of(1004, 1000), ["bob"]);
        // For other owners Ann counts; so does a member without an entry in the user list.
        assert_eq!(of(1000, 1005), ["ann"]);
        assert_eq!(of(1003, 1000), ["carl"]);
    }

    #[test]
    fn a_group_is_known_by_its_number() {
        assert_eq!(name_of(GROUPS, 1002), Some("own"));
        assert_eq!(name_of(GROUPS, 7), None);
        let unknown = members(4_000_000_000, 0).unwrap().to_string();
        assert!(unknown.ends_with("no list of groups has it"), "{unknown}");
    }
}
