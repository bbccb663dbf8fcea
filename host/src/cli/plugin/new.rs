//! `osee-host plugin new NAME`.

use crate::cli::{CliError, print};
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

/// Files of every plugin; those of its kind come on top.
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
    /// An estimator that looks at an untrained network.
    ZeroShot,
    /// An estimator that looks at sub-networks of a trained supernet.
    OneShot,
    /// An estimator that looks at the graph alone.
    Baseline,
    /// An estimator that looks at other estimators' scores.
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

/// Writes the crate and says what to type next.
pub fn run(args: &NewArgs) -> Result<(), CliError> {
    let name = &args.name;
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(lower) {
        return Err(CliError::New(format!(
            "`{name}` is no crate name: it must start with a small letter and have only small \
             letters, digits, - and _"
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
        text.replace("{{project-name | upper_camel_case}}", &upper_camel_case(name))
            .replace("{{project-name}}", name)
            .replace("{{crate_name}}", &name.replace('-', "_"))
            .replace("{{kind}}", args.kind.module())
            .replace("{{sdk}}", &sdk)
            .replace("{{libtorch}}", &libtorch)
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
        "wrote {0}; now:\n  cd {0}\n  cargo build --release\n  cargo test --release\n  \
         osee-host plugin check {library}\n  osee-host --plugin {library}\n",
        folder.display()
    ))
}

fn existing(what: &str, path: PathBuf) -> Result<String, CliError> {
    match fs::canonicalize(&path) {
        Ok(path) => path.into_os_string().into_string().map_err(|path| {
            let path = path.display();
            CliError::New(format!("{path} is not UTF-8, and Cargo.toml is; link to it elsewhere"))
        }),
        Err(error) => Err(CliError::New(format!(
            "there is no {what} at {}: {error}; say where with --{what}",
            path.display()
        ))),
    }
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
    fn names_of_types_are_those_of_rust() {
        assert_eq!(upper_camel_case("my-zse"), "MyZse");
        assert_eq!(upper_camel_case("a__b2-"), "AB2");
    }
}
