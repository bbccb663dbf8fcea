//! All plugins of a run, and what they export by name.

use super::{LoadError, Plugin};
use osee_core::{
    estimator::EstimatorInfo,
    settings::{Settings, nearest},
    space::SpaceInfo,
};
use osee_sdk::{
    ExportInfo,
    abi::root::{Foreign, ForeignSpace},
};
use std::path::{Path, PathBuf};

/// Plugins in the order they were loaded: the given ones, then the bundled.
pub struct Registry {
    plugins: Vec<Plugin>,
}

/// Why something was not found.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No such export.
    #[error("there is no {what} `{id}`{}", hint(near, known))]
    Unknown {
        /// Estimator or search space.
        what: &'static str,
        /// As asked.
        id: String,
        /// The most alike.
        near: Option<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// Two plugins export it.
    #[error("{what} `{id}` is exported by both {} and {}", first.display(), second.display())]
    Duplicate {
        /// Estimator or search space.
        what: &'static str,
        /// The id.
        id: String,
        /// A file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// A given plugin failed.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A plugin refused.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
}

fn hint(near: &Option<String>, known: &[String]) -> String {
    match near {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; there are {}", known.join(", ")),
    }
}

impl Registry {
    /// Loads `given` files, then the bundled plugins: every osee plugin in
    /// `OSEE_PLUGIN_PATH` if set, else beside the running program. Files
    /// there that are no plugins are passed over.
    ///
    /// # Errors
    /// The first file that fails, or two plugins with one export.
    pub fn load(given: &[PathBuf]) -> Result<Self, RegistryError> {
        let mut files: Vec<PathBuf> = given.to_vec();
        files.extend(bundled());
        let mut registry = Self { plugins: Vec::new() };
        let mut seen = Vec::new();
        for file in files {
            let identity = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.contains(&identity) {
                continue;
            }
            seen.push(identity);
            let plugin = Plugin::load(&file)?;
            registry.refuse_duplicates(&plugin)?;
            registry.plugins.push(plugin);
        }
        Ok(registry)
    }

    fn refuse_duplicates(&self, new: &Plugin) -> Result<(), RegistryError> {
        for export in &new.exports {
            let what = kind(export);
            let other = self.plugins.iter().find(|plugin| {
                plugin.exports.iter().any(|old| kind(old) == what && old.id() == export.id())
            });
            if let Some(other) = other {
                return Err(RegistryError::Duplicate {
                    what,
                    id: export.id().to_owned(),
                    first: other.path.clone(),
                    second: new.path.clone(),
                });
            }
        }
        Ok(())
    }

    /// The plugins.
    pub fn plugins(&self) -> &[Plugin] {
        &self.plugins
    }

    /// Every estimator with its plugin, in the order of loading.
    pub fn estimators(&self) -> impl Iterator<Item = (&Plugin, &EstimatorInfo)> {
        self.exports().filter_map(|(plugin, export)| match export {
            ExportInfo::Estimator(info) => Some((plugin, info)),
            ExportInfo::Space(_) => None,
        })
    }

    /// Every search space with its plugin.
    pub fn spaces(&self) -> impl Iterator<Item = (&Plugin, &SpaceInfo)> {
        self.exports().filter_map(|(plugin, export)| match export {
            ExportInfo::Space(info) => Some((plugin, info)),
            ExportInfo::Estimator(_) => None,
        })
    }

    /// The estimator called `id`.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] with the nearest.
    pub fn estimator(&self, id: &str) -> Result<(&Plugin, &EstimatorInfo), RegistryError> {
        let ids = || self.estimators().map(|(_, info)| info.id.as_str());
        self.estimators()
            .find(|(_, info)| info.id == id)
            .ok_or_else(|| unknown("estimator", id, ids()))
    }

    /// The search space called `id`, ready to use.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] with the nearest, or the plugin's failure.
    pub fn space(&self, id: &str) -> Result<Space<'_>, RegistryError> {
        let ids = || self.spaces().map(|(_, info)| info.id.as_str());
        let (plugin, info) = self
            .spaces()
            .find(|(_, info)| info.id == id)
            .ok_or_else(|| unknown("search space", id, ids()))?;
        match plugin.functions.create(id, &Settings::default())? {
            Foreign::Space(functions) => Ok(Space { plugin, info, functions }),
            _ => Err(osee_sdk::Error::new(format!("export `{id}` is no search space")).into()),
        }
    }

    fn exports(&self) -> impl Iterator<Item = (&Plugin, &ExportInfo)> {
        self.plugins.iter().flat_map(|plugin| plugin.exports.iter().map(move |it| (plugin, it)))
    }
}

/// A search space with its functions.
pub struct Space<'a> {
    /// The plugin it is in.
    pub plugin: &'a Plugin,
    /// What it declares.
    pub info: &'a SpaceInfo,
    /// What it does.
    pub functions: ForeignSpace,
}

fn kind(export: &ExportInfo) -> &'static str {
    match export {
        ExportInfo::Estimator(_) => "estimator",
        ExportInfo::Space(_) => "search space",
    }
}

fn unknown<'a>(
    what: &'static str,
    id: &str,
    known: impl Iterator<Item = &'a str>,
) -> RegistryError {
    let known: Vec<String> = known.map(str::to_owned).collect();
    let near = nearest(id, known.iter().map(String::as_str)).map(str::to_owned);
    RegistryError::Unknown { what, id: id.to_owned(), near, known }
}

/// Plugin files that come with the host, in order of their names.
fn bundled() -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = match std::env::var_os("OSEE_PLUGIN_PATH") {
        Some(path) => std::env::split_paths(&path).collect(),
        None => std::env::current_exe()
            .ok()
            .and_then(|exe| exe.parent().map(Path::to_owned))
            .into_iter()
            .collect(),
    };
    let mut files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "so"))
        .filter(|path| {
            !matches!(
                Plugin::peek(path),
                Err(LoadError {
                    kind: super::LoadErrorKind::NotAPlugin | super::LoadErrorKind::NotALibrary(_),
                    ..
                })
            )
        })
        .collect();
    files.sort();
    files
}
