//! Tests the walls between crates and rooms: what each may import, and how
//! large a file may be. `ARCHITECTURE.md` draws them.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Most lines of a file, tests included.
const LONGEST: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The packages that each package depends on, by name, without dev-dependencies.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let args = ["metadata", "--format-version", "1", "--offline", "--filter-platform"];
    let output = Command::new(env!("CARGO"))
        .args(args)
        .arg("x86_64-unknown-linux-gnu")
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeMap<&str, &str> = packages
        .iter()
        .map(|it| (it["id"].as_str().unwrap(), it["name"].as_str().unwrap()))
        .collect();
    let is_used = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array().unwrap();
        kinds.iter().any(|kind| kind["kind"].is_null())
    };
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let of = |node: &Value| {
        let all = node["deps"].as_array().unwrap().iter().filter(is_used);
        let all = all.map(|it| names[it["pkg"].as_str().unwrap()].to_owned());
        (names[node["id"].as_str().unwrap()].to_owned(), all.collect())
    };
    nodes.iter().map(of).collect()
}

/// All direct and indirect dependencies of a package.
fn built_of<'a>(
    all: &'a BTreeMap<String, BTreeSet<String>>,
    package: &'a str,
) -> BTreeSet<&'a str> {
    let (mut found, mut left) = (BTreeSet::new(), vec![package]);
    while let Some(next) = left.pop() {
        for dependency in &all[next] {
            if found.insert(dependency.as_str()) {
                left.push(dependency);
            }
        }
    }
    found
}

#[test]
fn crates_know_those_below_them_alone() {
    let all = dependencies();
    let ours = |package: &str| -> Vec<String> {
        let own = all[package].iter().filter(|it| it.starts_with("osee-"));
        own.cloned().collect()
    };
    for (package, below) in [
        ("osee-model", &[][..]),
        ("osee-files", &[]),
        ("osee-core", &["osee-files", "osee-model"]),
        ("osee-sdk", &["osee-model"]),
        ("osee-report", &["osee-files"]),
        ("osee-engine", &["osee-model", "osee-sdk"]),
    ] {
        assert_eq!(ours(package), below, "{package}");
    }
}

#[test]
fn a_plugin_is_built_of_no_database_table_or_archive() {
    let all = dependencies();
    let mut count = 0;
    for entry in fs::read_dir(root().join("plugins")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let parts = built_of(&all, &name);
        assert!(parts.contains("osee-sdk"), "{name}");
        let heavy = ["osee-core", "rusqlite", "libsqlite3-sys", "csv", "toml"];
        let found: Vec<&str> = heavy.into_iter().filter(|it| parts.contains(it)).collect();
        assert!(found.is_empty(), "{name} is built of {found:?}");
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

/// Collects the Rust files in a folder and below.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_file_is_short_and_says_what_it_is_for() {
    let mut files = Vec::new();
    for folder in ["core", "sdk", "host", "plugins", "tests", "plugin-template"] {
        rust_files(&root().join(folder), &mut files);
    }
    assert!(files.len() > 200, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", file.display());
        let opens = text.lines().find(|line| !line.is_empty()).unwrap_or_default();
        let is_test = file.ends_with("tests.rs");
        assert!(is_test || opens.starts_with("//!"), "{} begins with {opens:?}", file.display());
    }
}

/// The first path segments after `crate::` in a text, in `use` and elsewhere.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |all, line| all + line + "\n");
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut item = String::new();
        for c in list.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            match c {
                ',' | '}' if depth <= 1 => {
                    found.insert(word(&std::mem::take(&mut item)));
                }
                c => item.push(c),
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// The rooms (top-level modules) of a crate, each with the rooms that it uses.
fn rooms(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    rust_files(source, &mut files);
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(source).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&file).unwrap();
        // What only tests use is not held against the program.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        if !["lib", "main", "fuzz"].contains(&room.as_str()) && !file.ends_with("tests.rs") {
            rooms.entry(room).or_default().extend(rooms_used(text));
        }
    }
    let names: BTreeSet<String> = rooms.keys().cloned().collect();
    for (room, used) in &mut rooms {
        used.retain(|it| it != room && names.contains(it));
    }
    rooms
}

#[test]
fn no_rooms_of_a_crate_form_a_circle() {
    for source in ["core/src", "core/model/src", "sdk/src", "host/src", "host/engine/src"] {
        let mut left = rooms(&root().join(source));
        assert!(left.len() > 5, "{source}: {left:?}");
        loop {
            let names: BTreeSet<String> = left.keys().cloned().collect();
            let free = |used: &BTreeSet<String>| used.iter().all(|it| !names.contains(it));
            let before = left.len();
            left.retain(|_, used| !free(used));
            if left.len() == before {
                break;
            }
        }
        assert!(left.is_empty(), "rooms of {source} use one another in a circle: {left:#?}");
    }
}
