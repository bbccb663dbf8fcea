//! Addresses that files can be downloaded from, and mirrors of them.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

/// An address of a file in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An http or https address.
    Http(String),
    /// A wheel on PyPI, downloaded with pip.
    Pypi {
        /// Name of the project.
        name: String,
        /// Version of the project.
        version: String,
    },
}

impl Address {
    /// Reads an address of http, https or `pypi:NAME==VERSION`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(wheel) = text.strip_prefix("pypi:") {
            let plain = |it: &str| {
                // This excludes options of pip and several requirements.
                it.starts_with(|it: char| it.is_ascii_alphanumeric())
                    && it.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
            };
            return match wheel.split_once("==") {
                Some((name, version)) if plain(name) && plain(version) => {
                    Ok(Self::Pypi { name: name.to_owned(), version: version.to_owned() })
                }
                _ => Err(format!("`{text}` is not an address: write pypi:NAME==VERSION")),
            };
        }
        match rest(text) {
            Some(rest) if rest.contains('/') => Ok(Self::Http(text.to_owned())),
            _ => Err(format!("`{text}` is not an address of http, https or pypi")),
        }
    }

    /// Path of the file `name` in a mirror: OWNER/REPOSITORY/COMMIT/PATH for a file in a
    /// GitHub repository, else host and path.
    pub fn in_mirror(&self, name: &str) -> String {
        match self {
            Self::Pypi { name: project, version } => format!("pypi.org/{project}/{version}/{name}"),
            Self::Http(address) => {
                let place = rest(address).unwrap_or(address);
                place.strip_prefix("raw.githubusercontent.com/").unwrap_or(place).to_owned()
            }
        }
    }
}

/// The http or https address without its scheme.
fn rest(address: &str) -> Option<&str> {
    address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(address) => f.write_str(address),
            Self::Pypi { name, version } => write!(f, "pypi:{name}=={version}"),
        }
    }
}

/// A place with copies of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A local folder.
    Folder(PathBuf),
    /// An http or https address.
    Http(String),
}

impl Mirror {
    /// The mirror that `OSEE_DATA_MIRROR` names; `None` if it is unset or empty.
    pub fn from_environment() -> Option<Self> {
        let value = env::var_os("OSEE_DATA_MIRROR").filter(|it| !it.is_empty())?;
        Some(match value.to_str() {
            Some(text) if rest(text).is_some() => Self::Http(text.to_owned()),
            _ => Self::Folder(value.into()),
        })
    }

    /// The place of the file at `path` in this mirror.
    pub fn place(&self, path: &str) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.join(Path::new(path))),
            Self::Http(address) => Self::Http(format!("{}/{path}", address.trim_end_matches('/'))),
        }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Http(address) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_files_by_repository_and_commit_else_by_host() {
        let place = |address| Address::parse(address).unwrap().in_mirror("f.whl");
        assert_eq!(place("https://raw.githubusercontent.com/o/r/c0/a/b.txt"), "o/r/c0/a/b.txt");
        assert_eq!(
            place("https://www.cs.toronto.edu/~kriz/a.tgz"),
            "www.cs.toronto.edu/~kriz/a.tgz"
        );
        assert_eq!(place("pypi:some-project==0.1.3"), "pypi.org/some-project/0.1.3/f.whl");
        for wrong in ["pypi:-r==1", "pypi:a", "pypi:a b==1", "file:///etc", "/etc/x", "https://h"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
