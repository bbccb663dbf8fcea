//! `osee-host plugin new NAME`: writes the crate of a new plugin.

use crate::cli::{CliError, plugin_args::PluginArgs, print, shell::path_word};
use clap::{Args, ValueEnum};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

macro_rules! template {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../plugin-template/", $path)))),+]
    };
}

/// Files of every plugin; each kind adds its own.
const COMMON: &[(&str, &str)] = template![
    "Cargo.toml",
    "build.rs",
    "README.md",
    "osee.toml",
    "osee.lock",
    ".gitignore",
    ".cargo/config.toml",
];

/// What the plugin exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// An estimator that scores an untrained network.
    ZeroShot,
    /// An estimator that scores sub-networks of a trained supernet.
    OneShot,
    /// An estimator that reads the graph alone.
    Baseline,
    /// An estimator that combines other estimators' scores.
    Meta,
    /// A search space.
    Space,
}

impl Kind {
    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ZeroShot => template!["src/zero_shot.rs", "tests/zero_shot.rs"],
            Self::OneShot => template!["src/one_shot.rs", "tests/one_shot.rs"],
            Self::Baseline => template!["src/baseline.rs", "tests/baseline.rs"],
            Self::Meta => template!["src/meta.rs", "tests/meta.rs"],
            Self::Space => template!["src/space.rs", "tests/space.rs"],
        }
    }

    fn module(self) -> &'static str {
        match self {
            Self::ZeroShot => "zero_shot",
            Self::OneShot => "one_shot",
            Self::Baseline => "baseline",
            Self::Meta => "meta",
            Self::Space => "space",
        }
    }
}

/// What to write, and where.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Name of the crate, such as my-zse.
    name: String,
    /// What it exports.
    #[arg(long, value_enum, default_value_t = Kind::ZeroShot)]
    kind: Kind,
    /// Folder to make; the crate's name by default.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// osee's sdk folder; the one this host was built with by default.
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
    /// libtorch; the one this host was built with by default.
    #[arg(long, value_name = "DIR")]
    libtorch: Option<PathBuf>,
}

/// Words that cannot name a crate, including Rust's keywords and own crates and cargo's
/// folders.
const RESERVED: &str = "\
    abstract alloc as async await become box break build const continue core crate deps do dyn \
    else enum examples extern false final fn for gen if impl in incremental let loop macro \
    match mod move mut override priv proc_macro pub ref return self static std struct super \
    test trait true try type typeof unsafe unsized use virtual where while yield";

/// Crates that a plugin depends on, directly or not.
const DEPENDENCIES: &str = "\
    osee_sdk osee_testkit osee_model osee_core osee_host tch torch_sys abi_stable inventory \
    thiserror";

/// True if `list`, words separated by spaces, has `word`.
fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|it| it == word)
}

impl NewArgs {
    /// The reason why a crate of this name would not build, if any.
    fn taken(&self) -> Option<String> {
        let (name, of_type) = (self.name.replace('-', "_"), upper_camel_case(&self.name));
        if has(RESERVED, &name) {
            return Some("that word is reserved in Rust".to_owned());
        }
        if has(DEPENDENCIES, &name) {
            return Some("a crate that it depends on has that name".to_owned());
        }
        if name.chars().all(|c| c == '_') || of_type.is_empty() {
            return Some("its type would have no name".to_owned());
        }
        let code = self.kind.files().iter().flat_map(|(_, text)| text.lines());
        // Comments and the crate's imports of itself contain its name.
        let own = |line: &&str| line.starts_with("//") || line.starts_with("use {{");
        let code = code.map(str::trim).filter(|line| !own(line));
        for line in code {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.clone().any(|word| word == of_type) {
                return Some(format!("its type would be `{of_type}`, as one that it uses"));
            }
            // Rust would look for the first name of a path in the crate.
            let path = format!("{name}::");
            let mut after = line.split(&path).skip(1);
            // `score::<T>` is a function with a type argument.
            let in_path = line.starts_with("use ") || after.any(|rest| !rest.starts_with('<'));
            if in_path && words.any(|word| word == name) {
                return Some(format!("it uses `{name}` for something else"));
            }
        }
        (of_type == "Self")
            .then(|| "its type would be `Self`, which is reserved in Rust".to_owned())
    }
}

impl NewArgs {
    /// The reason why its export could not be loaded beside the bundled plugins.
    fn bundled(&self) -> Option<String> {
        let id = self.name.replace('-', "_");
        // If those cannot be loaded, a run will say so.
        let registry = PluginArgs::default().registry().ok()?;
        let estimator = registry.estimators().any(|(_, info)| info.id == id);
        let space = registry.spaces().any(|(_, info)| info.id == id);
        let what = match (estimator, space) {
            (true, _) => "estimator",
            (_, true) => "search space",
            _ => return None,
        };
        Some(format!("it would export `{id}`, which is the id of a bundled {what}"))
    }
}

/// Resolves the conditions of a template for a space or for other kinds. Of `{% if kind
/// == "space" %}A{% else %}B{% endif %}`, in cargo-generate's syntax, it keeps one
/// part.
fn for_kind(text: &str, space: bool) -> String {
    let split = || {
        let (before, rest) = text.split_once("{% if kind == \"space\" %}\n")?;
        let (yes, rest) = rest.split_once("{% else %}\n")?;
        let (no, after) = rest.split_once("{% endif %}\n")?;
        Some(format!("{before}{}{after}", if space { yes } else { no }))
    };
    split().unwrap_or_else(|| text.to_owned())
}

/// Writes the crate, and prints what to type next.
pub fn run(args: &NewArgs) -> Result<(), CliError> {
    let name = &args.name;
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(lower) {
        return Err(CliError::New(format!(
            "`{name}` is not a crate name: it must start with a lower-case letter and have only lower-case letters, digits, - and _"
        )));
    }
    if let Some(why) = args.taken().or_else(|| args.bundled()) {
        return Err(CliError::New(format!(
            "a plugin cannot be called `{name}`: {why}; choose another name"
        )));
    }
    let folder = args.into.clone().unwrap_or_else(|| PathBuf::from(name));
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let folder = folder.display();
        return Err(CliError::New(format!("{folder} is not empty; nothing was written")));
    }
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sdk = existing("sdk", args.sdk.clone().unwrap_or_else(|| host.join("../sdk")))?;
    let libtorch = args.libtorch.clone().unwrap_or_else(|| env!("OSEE_LIBTORCH").into());
    let libtorch = existing("libtorch", libtorch)?;
    let filled = |text: &str| {
        for_kind(text, args.kind == Kind::Space)
            .replace("{{project-name | upper_camel_case}}", &upper_camel_case(name))
            .replace("{{project-name}}", name)
            .replace("{{crate_name}}", &name.replace('-', "_"))
            .replace("{{kind}}", args.kind.module())
            .replace("{{sdk}}", &in_toml(&sdk))
            .replace("{{libtorch}}", &in_toml(&libtorch))
    };
    for (path, text) in COMMON.iter().chain(args.kind.files()) {
        let path = folder.join(path);
        let write = |path: &Path| -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            fs::write(path, filled(text))
        };
        write(&path)
            .map_err(|error| CliError::New(format!("cannot write {}: {error}", path.display())))?;
    }
    let library = format!("target/release/lib{}.so", name.replace('-', "_"));
    print(&format!(
        "wrote {}; now:\n  cd {}\n  cargo build --release\n  cargo test --release\n  \
         osee-host plugin check {library}\n  osee-host --plugin {library}\n",
        folder.display(),
        path_word(&folder)
    ))
}

fn existing(what: &str, path: PathBuf) -> Result<String, CliError> {
    match fs::canonicalize(&path) {
        Ok(path) => path.into_os_string().into_string().map_err(|path| {
            let path = path.display();
            CliError::New(format!("{path} is not UTF-8, as Cargo.toml must be; give a link to it"))
        }),
        Err(error) => Err(CliError::New(format!(
            "there is no {what} at {}: {error}; say where with --{what}",
            path.display()
        ))),
    }
}

/// Escapes text for use between the quotes of a TOML string.
fn in_toml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped += &format!("\\u{:04X}", u32::from(c)),
            c => escaped.push(c),
        }
    }
    escaped
}

fn upper_camel_case(name: &str) -> String {
    name.split(['-', '_'])
        .map(|word| match word.split_at_checked(1) {
            Some((first, rest)) => first.to_ascii_uppercase() + rest,
            None => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_not_build_are_refused_with_a_reason() {
        let taken = |name: &str, kind| {
            let name = name.to_owned();
            NewArgs { name, kind, into: None, sdk: None, libtorch: None }.taken()
        };
        for name in ["self", "fn", "test", "core", "std", "build"] {
            let why = taken(name, Kind::ZeroShot).unwrap();
            assert_eq!(why, "that word is reserved in Rust", "{name}");
        }
        for name in ["osee-sdk", "osee-testkit", "tch", "thiserror"] {
            let why = taken(name, Kind::Space).unwrap();
            assert_eq!(why, "a crate that it depends on has that name", "{name}");
        }
        // The crate's type would hide one that the template uses.
        for (name, kind) in [
            ("network", Kind::ZeroShot),
            ("zero-shot", Kind::ZeroShot),
            ("library", Kind::ZeroShot),
            ("result", Kind::ZeroShot),
            ("baseline", Kind::Baseline),
            ("graph", Kind::Baseline),
            ("population", Kind::Meta),
            ("kernels", Kind::Space),
            ("string", Kind::Space),
            ("vec", Kind::Space),
            ("option", Kind::Space),
            ("one-shot", Kind::OneShot),
        ] {
            let why = taken(name, kind).unwrap_or_else(|| panic!("{name}"));
            assert!(why.starts_with("its type would be"), "{name}: {why}");
        }
        assert!(taken("small-graph", Kind::ZeroShot).unwrap().contains("something else"));
        for name in ["my-zse", "a", "score", "zse2", "kernel-size", "name", "project"] {
            for kind in [Kind::ZeroShot, Kind::OneShot, Kind::Baseline, Kind::Meta, Kind::Space] {
                assert_eq!(taken(name, kind), None, "{name}");
            }
        }
    }

    #[test]
    fn a_template_says_what_its_kind_needs() {
        let text = "a\n{% if kind == \"space\" %}\nb\n{% else %}\nc\n{% endif %}\nd\n";
        assert_eq!([true, false].map(|space| for_kind(text, space)), ["a\nb\nd\n", "a\nc\nd\n"]);
        assert_eq!(for_kind("a\n", true), "a\n");
    }

    #[test]
    fn names_of_types_are_those_of_rust() {
        assert_eq!(upper_camel_case("my-zse"), "MyZse");
        assert_eq!(upper_camel_case("a__b2-"), "AB2");
    }
}
