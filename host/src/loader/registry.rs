//! All plugins of a run, and what they export by name.

use super::{LoadError, LoadErrorKind, Pinned, Plugin, Trust, image::Image, probe};
use crate::exit::{Category, ExitCode};
use osee_model::{
    estimator::EstimatorInfo,
    recipe::Recipe,
    settings::{SettingError, Settings, Value, nearest},
    space::SpaceInfo,
};
use osee_sdk::{ExportInfo, ExportKind, abi::kinds::space::ForeignSpace};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Plugins in the order they were loaded: the given ones, then the bundled.
pub struct Registry {
    plugins: Vec<Plugin>,
    /// How many of them were given.
    given: usize,
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
    #[error(
        "{what} `{id}` is exported by both {} and {}\n  help: load one of them, or give one export another id",
        first.display(), second.display()
    )]
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

impl Category for RegistryError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unknown { .. } => ExitCode::Input,
            Self::Duplicate { .. } | Self::Load(_) | Self::Plugin(_) => ExitCode::Plugin,
        }
    }
}

fn hint(near: &Option<String>, known: &[String]) -> String {
    match near {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.is_empty() => {
            "; no plugin that is loaded has one: bundled plugins lie beside \
             the program, or in the folders of OSEE_PLUGIN_PATH"
                .to_owned()
        }
        None => format!("; there are {}", known.join(", ")),
    }
}

impl Registry {
    /// Those of the `given` files that are not bundled.
    pub fn own(given: &[PathBuf]) -> Vec<PathBuf> {
        let bundled: Vec<PathBuf> = folders().iter().map(|folder| canonical(folder)).collect();
        let is_bundled = |file: &PathBuf| {
            let file = canonical(file);
            file.parent().is_some_and(|folder| bundled.iter().any(|it| it == folder))
        };
        given.iter().filter(|file| !is_bundled(file)).cloned().collect()
    }

    /// Loads `given` files, as far as they are trusted, then the bundled
    /// plugins: every osee plugin in `OSEE_PLUGIN_PATH` if set, else beside
    /// the running program. Files there that are no plugins, damaged ones and
    /// copies are passed over.
    ///
    /// # Errors
    /// The first file that fails, or two plugins with one export.
    pub fn load(given: &[PathBuf], trust: &Trust) -> Result<Self, RegistryError> {
        let bundled = bundled();
        let own: Vec<PathBuf> = bundled.iter().map(|file| canonical(file)).collect();
        let mut registry = Self { plugins: Vec::new(), given: 0 };
        for file in given.iter().filter(|file| !own.contains(&canonical(file))) {
            registry.add(file, || {
                let permit = |path: &Path, sha256: &str| trust.permits(path, sha256);
                Plugin::load_tried(file, permit, |copy| probe::survives(file, copy))
            })?;
        }
        registry.given = registry.plugins.len();
        for file in &bundled {
            registry.add_once(file)?;
        }
        Ok(registry)
    }

    /// Adds a bundled file, unless it is a copy of one that is loaded.
    fn add_once(&mut self, file: &Path) -> Result<(), RegistryError> {
        let loaded: Vec<(PathBuf, String)> =
            self.plugins.iter().map(|it| (it.path.clone(), it.sha256.clone())).collect();
        let permit = |_: &Path, sha256: &str| match loaded.iter().find(|it| it.1 == sha256) {
            Some((first, _)) => Err(LoadErrorKind::Twice(first.clone())),
            None => Ok(()),
        };
        match self.add(file, || Plugin::load(file, permit)) {
            Err(RegistryError::Load(LoadError {
                kind: kind @ LoadErrorKind::Twice(_), ..
            })) => {
                tracing::warn!(file = %file.display(), "passed over: {kind}");
                Ok(())
            }
            added => added,
        }
    }

    /// Loads these files and no others.
    ///
    /// # Errors
    /// The first that fails, or is another file by now.
    pub fn exactly(files: &[Pinned]) -> Result<Self, RegistryError> {
        let mut registry = Self { plugins: Vec::new(), given: 0 };
        for pinned in files {
            registry.add(&pinned.path, || Plugin::load_pinned(pinned))?;
        }
        Ok(registry)
    }

    /// The files, for [`exactly`](Self::exactly) elsewhere.
    pub fn pinned(&self) -> Vec<Pinned> {
        self.plugins.iter().map(Plugin::pinned).collect()
    }

    /// The plugins that were given, without the bundled ones.
    pub fn given(&self) -> &[Plugin] {
        &self.plugins[..self.given]
    }

    fn add(
        &mut self,
        file: &Path,
        load: impl FnOnce() -> Result<Plugin, LoadError>,
    ) -> Result<(), RegistryError> {
        let identity = canonical(file);
        if self.plugins.iter().any(|plugin| plugin.path == identity) {
            return Ok(());
        }
        let plugin = load()?;
        self.refuse_duplicates(&plugin)?;
        self.plugins.push(plugin);
        Ok(())
    }

    fn refuse_duplicates(&self, new: &Plugin) -> Result<(), RegistryError> {
        for export in &new.exports {
            let what = export.kind().family();
            let same = |old: &ExportInfo| old.kind().family() == what && old.id() == export.id();
            let other = self.plugins.iter().find(|plugin| plugin.exports.iter().any(same));
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
        let made = plugin.functions.create(ExportKind::Space, id, &Settings::default())?;
        Ok(Space { plugin, info, functions: made.try_into()? })
    }

    /// Whether the settings of search spaces that the recipe of `plugin`'s
    /// estimator `id` has are settings of any.
    ///
    /// # Errors
    /// One that neither a space nor a preset has, or a value that no space takes.
    pub fn check_recipe(
        &self,
        plugin: &Plugin,
        id: &str,
        recipe: &Recipe,
    ) -> Result<(), osee_sdk::Error> {
        let file = plugin.path.file_name().unwrap_or_default().to_string_lossy();
        let presets: Vec<Recipe> =
            Recipe::PRESETS.iter().filter_map(|name| Recipe::preset(name)).collect();
        for (key, value) in &recipe.space {
            let gave = format!("plugin {file}, export `{id}`: recipe gave `{key}` = `{value}`");
            let wrong = |expected: String| Err(osee_sdk::Error::new(format!("{gave}, {expected}")));
            let given = [(key.clone(), value.clone())].into();
            let mut refused = None;
            let mut taken = false;
            for (_, info) in self.spaces() {
                if info.settings.iter().any(|spec| spec.key == *key) {
                    let owner = format!("search space `{}`", info.id);
                    match Settings::resolve(&owner, &info.settings, &given) {
                        Ok(_) => taken = true,
                        Err(error) => refused = refused.or(Some(error)),
                    }
                }
            }
            if taken {
                continue;
            }
            if let Some(error) = refused {
                return wrong(format!("and {error}"));
            }
            if !presets.iter().any(|preset| preset.space.contains_key(key)) {
                let known = self.spaces().flat_map(|(_, info)| &info.settings);
                let near = nearest(key, known.map(|spec| spec.key.as_str()));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return wrong(format!("expected a setting that a search space has{near}"));
            }
        }
        Ok(())
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

impl Space<'_> {
    /// All its settings, those that are not given by their defaults.
    ///
    /// # Errors
    /// One that it does not have, or of another kind.
    pub fn resolve(&self, given: &BTreeMap<String, Value>) -> Result<Settings, SettingError> {
        let owner = format!("search space `{}`", self.info.id);
        Settings::resolve(&owner, &self.info.settings, given)
    }

    /// Of settings for several spaces, such as a preset's, those that this one
    /// has.
    pub fn known(&self, settings: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let declared = |key: &String| self.info.settings.iter().any(|spec| spec.key == *key);
        let known = settings.iter().filter(|(key, _)| declared(key));
        known.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// An architecture as it writes it; `None` for what is none.
    pub fn spelling(&self, arch: &str) -> Option<String> {
        self.functions.parse(arch).ok()
    }
}

fn canonical(file: &Path) -> PathBuf {
    std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
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
    let mut files: Vec<PathBuf> =
        folders().iter().flat_map(|folder| libraries_in(folder)).collect();
    files.sort();
    files.retain(|file| is_meant(file));
    files
}

/// Where bundled plugins are.
fn folders() -> Vec<PathBuf> {
    match std::env::var_os("OSEE_PLUGIN_PATH") {
        Some(path) => std::env::split_paths(&path).collect(),
        None => std::env::current_exe()
            .ok()
            .and_then(|exe| exe.parent().map(Path::to_owned))
            .into_iter()
            .collect(),
    }
}

/// Files called `.so` in a folder of plugins.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            let files = entries.flatten().map(|entry| entry.path());
            files.filter(|path| path.extension().is_some_and(|it| it == "so")).collect()
        }
        Err(error) => {
            tracing::warn!(folder = %folder.display(), "no plugins are looked for there: {error}");
            Vec::new()
        }
    }
}

/// Whether a file beside the program means to be a plugin, fit or not. What is
/// none is passed over: other libraries may lie there as well.
fn is_meant(file: &Path) -> bool {
    match Image::read(file).and_then(|image| image.header()) {
        Ok(_) => true,
        Err(
            error @ (LoadErrorKind::Read(_) | LoadErrorKind::CutOff(_) | LoadErrorKind::Damaged(_)),
        ) => {
            tracing::warn!(file = %file.display(), "passed over: {error}");
            false
        }
        Err(error @ (LoadErrorKind::NotAPlugin | LoadErrorKind::NotALibrary(_))) => {
            tracing::info!(file = %file.display(), "passed over: {error}");
            false
        }
        Err(_) => true,
    }
}
