//! All plugins of a run, and their exports by name.

use super::{LoadError, LoadErrorKind, Pinned, Plugin, Trust, image::Image, probe};
use crate::exit::{Category, ExitCode};
use osee_model::{
    estimator::{EstimatorInfo, EstimatorKind, Group},
    recipe::Recipe,
    settings::{SettingError, Settings, Value, nearest},
    space::SpaceInfo,
};
use osee_sdk::{ExportInfo, ExportKind, abi::kinds::space::ForeignSpace};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Plugins in the order of loading: user plugins, then bundled ones.
pub struct Registry {
    plugins: Vec<Plugin>,
    /// Number of user plugins.
    given: usize,
}

/// The reason why an export is not available.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No plugin has such an export.
    #[error("there is no {what} `{id}`{}", hint(near, known))]
    Unknown {
        /// "estimator" or "search space".
        what: &'static str,
        /// Id that the user gave.
        id: String,
        /// The most similar id.
        near: Option<String>,
        /// All ids of this kind.
        known: Vec<String>,
    },
    /// Two plugins export the same id.
    #[error(
        "{what} `{id}` is exported by both {} and {}\n  help: load one of them, or give one export another id",
        first.display(), second.display()
    )]
    Duplicate {
        /// "estimator" or "search space".
        what: &'static str,
        /// The common id.
        id: String,
        /// The first plugin's file.
        first: PathBuf,
        /// The second plugin's file.
        second: PathBuf,
    },
    /// A plugin cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A plugin's function failed.
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
    /// Those of the `given` files that are user plugins, not bundled ones.
    pub fn user_files(given: &[PathBuf]) -> Vec<PathBuf> {
        let bundled: Vec<PathBuf> = folders().iter().map(|folder| canonical(folder)).collect();
        let is_bundled = |file: &PathBuf| {
            let file = canonical(file);
            file.parent().is_some_and(|folder| bundled.iter().any(|it| it == folder))
        };
        given.iter().filter(|file| !is_bundled(file)).cloned().collect()
    }

    /// Loads the `given` files, if they are trusted, then the bundled plugins: those in
    /// `OSEE_PLUGIN_PATH` if it is set, else beside the running program. Other libraries,
    /// damaged files and copies there are skipped.
    ///
    /// # Errors
    /// The first file that fails, or two plugins with the same export.
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

    /// Adds a bundled file, unless it is a copy of a loaded one.
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
                tracing::warn!(file = %file.display(), "skipped: {kind}");
                Ok(())
            }
            added => added,
        }
    }

    /// Loads exactly these files.
    ///
    /// # Errors
    /// The first file that fails, or has been replaced.
    pub fn exactly(files: &[Pinned]) -> Result<Self, RegistryError> {
        let mut registry = Self { plugins: Vec::new(), given: 0 };
        for pinned in files {
            registry.add(&pinned.path, || Plugin::load_pinned(pinned))?;
        }
        Ok(registry)
    }

    /// The files to load with [`exactly`](Self::exactly) in another process.
    pub fn pinned(&self) -> Vec<Pinned> {
        self.plugins.iter().map(Plugin::pinned).collect()
    }

    /// The user plugins.
    pub fn user_plugins(&self) -> &[Plugin] {
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

    /// All plugins, user plugins first.
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

    /// What the name of a group, or `all` for `None`, stands for: the bundled estimators of that
    /// group that need no training, and all of user plugins.
    pub fn of_group(&self, group: Option<Group>) -> impl Iterator<Item = &EstimatorInfo> {
        let wanted = move |info: &&EstimatorInfo| {
            let in_group = group.is_none() || info.group == group;
            self.is_of_user(info) || info.kind != EstimatorKind::OneShot && in_group
        };
        self.estimators().map(|(_, info)| info).filter(wanted)
    }

    /// True if the estimator comes from a user plugin.
    pub fn is_of_user(&self, info: &EstimatorInfo) -> bool {
        let mut exports = self.user_plugins().iter().flat_map(|plugin| &plugin.exports);
        exports.any(|export| export.id() == info.id)
    }

    /// Every search space with its plugin, in the order of loading.
    pub fn spaces(&self) -> impl Iterator<Item = (&Plugin, &SpaceInfo)> {
        self.exports().filter_map(|(plugin, export)| match export {
            ExportInfo::Space(info) => Some((plugin, info)),
            ExportInfo::Estimator(_) => None,
        })
    }

    /// The estimator called `id`.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] with the nearest id.
    pub fn estimator(&self, id: &str) -> Result<(&Plugin, &EstimatorInfo), RegistryError> {
        let ids = || self.estimators().map(|(_, info)| info.id.as_str());
        self.estimators()
            .find(|(_, info)| info.id == id)
            .ok_or_else(|| unknown("estimator", id, ids()))
    }

    /// The search space called `id`, ready to use.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] with the nearest id, or the plugin's failure.
    pub fn space(&self, id: &str) -> Result<Space<'_>, RegistryError> {
        let ids = || self.spaces().map(|(_, info)| info.id.as_str());
        let (plugin, info) = self
            .spaces()
            .find(|(_, info)| info.id == id)
            .ok_or_else(|| unknown("search space", id, ids()))?;
        let made = plugin.functions.create(ExportKind::Space, id, &Settings::default())?;
        Ok(Space { plugin, info, functions: made.try_into()? })
    }

    /// Checks that some space accepts each space setting in the recipe of `plugin`'s
    /// estimator `id`; a setting of a preset needs no space that has it.
    ///
    /// # Errors
    /// No space and no preset has a setting, or no space takes its value.
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
    /// The plugin that exports it.
    pub plugin: &'a Plugin,
    /// Its declaration.
    pub info: &'a SpaceInfo,
    /// Its functions, made and ready to call.
    pub functions: ForeignSpace,
}

impl Space<'_> {
    /// All settings of the space: the given ones, and defaults for the others.
    ///
    /// # Errors
    /// The space has no such setting, or its value is not allowed.
    pub fn resolve(&self, given: &BTreeMap<String, Value>) -> Result<Settings, SettingError> {
        let owner = format!("search space `{}`", self.info.id);
        Settings::resolve(&owner, &self.info.settings, given)
    }

    /// The settings that this space has, of those for several spaces, such as a preset's.
    pub fn known(&self, settings: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let declared = |key: &String| self.info.settings.iter().any(|spec| spec.key == *key);
        let known = settings.iter().filter(|(key, _)| declared(key));
        known.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The architecture in the space's own notation; `None` if it is invalid.
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

/// Bundled plugin files, in the order of their paths.
fn bundled() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        folders().iter().flat_map(|folder| libraries_in(folder)).collect();
    files.sort();
    files.retain(|file| is_meant(file));
    files
}

/// Folders of the bundled plugins.
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

/// Files with the extension `.so` in a folder.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            let files = entries.flatten().map(|entry| entry.path());
            files.filter(|path| path.extension().is_some_and(|it| it == "so")).collect()
        }
        Err(error) => {
            tracing::warn!(folder = %folder.display(), "it is not searched for plugins: {error}");
            Vec::new()
        }
    }
}

/// True if a library beside the program is meant as a plugin, even one that does not
/// fit. Others are skipped, as any library may lie there.
fn is_meant(file: &Path) -> bool {
    match Image::read(file).and_then(|image| image.header()) {
        Ok(_) => true,
        Err(
            error @ (LoadErrorKind::Read(_) | LoadErrorKind::CutOff(_) | LoadErrorKind::Damaged(_)),
        ) => {
            tracing::warn!(file = %file.display(), "skipped: {error}");
            false
        }
        Err(error @ (LoadErrorKind::NotAPlugin | LoadErrorKind::NotALibrary(_))) => {
            tracing::info!(file = %file.display(), "skipped: {error}");
            false
        }
        Err(_) => true,
    }
}
