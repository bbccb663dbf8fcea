//! Where files can be had.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

/// A source of a file in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// By http or https.
    Http(String),
    /// A wheel, by pip.
    Pypi {
        /// The project.
        name: String,
        /// Its version.
        version: String,
    },
}

impl Address {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(wheel) = text.strip_prefix("pypi:") {
            let plain = |it: &str| {
                // Neither an option of pip nor more than one requirement.
                it.starts_with(|it: char| it.is_ascii_alphanumeric())
                    && it.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
            };
            return match wheel.split_once("==") {
                Some((name, version)) if plain(name) && plain(version) => {
                    Ok(Self::Pypi { name: name.to_owned(), version: version.to_owned() })
                }
                _ => Err(format!("`{text}` is no address: pypi:NAME==VERSION is one")),
            };
        }
        match rest(text) {
            Some(rest) if rest.contains('/') => Ok(Self::Http(text.to_owned())),
            _ => Err(format!("`{text}` is no address of http, https or pypi")),
        }
    }

    /// Where a mirror has the file `name`: as OWNER/REPOSITORY/COMMIT/PATH what
    /// is from a GitHub repository, else by host and path.
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

/// An address of http or https without its scheme.
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

/// Copies of files: a folder, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A folder.
    Folder(PathBuf),
    /// By http or https.
    Http(String),
}

impl Mirror {
    /// `OSEE_DATA_MIRROR`.
    pub fn from_environment() -> Option<Self> {
        let value = env::var_os("OSEE_DATA_MIRROR").filter(|it| !it.is_empty())?;
        Some(match value.to_str() {
            Some(text) if rest(text).is_some() => Self::Http(text.to_owned()),
            _ => Self::Folder(value.into()),
        })
    }

    /// A file of it.
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
