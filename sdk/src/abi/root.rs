//! The root module: the one table each plugin library exports.

use super::{
    answer::Origin,
    declaration, document,
    guard::{self, FfiResult},
    network::NetworkHandle,
    one_shot::ForeignOneShot,
    space::ForeignSpace,
    tables::{FfiBaseline_TO, FfiMeta_TO, FfiZeroShot_TO, Instance},
    watch,
};
use crate::{
    Error, Population, Result,
    export::{Export, ExportInfo},
};
use abi_stable::{
    StableAbi,
    library::{CheckTypeLayout, RootModule, RootModuleResult},
    package_version_strings,
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
    std_types::{RBox, RSlice, RStr, RVec},
};
use osee_model::{graph::Graph, settings::Settings};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use abi_stable::library::LibHeader;

/// Functions of one plugin library.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// Called once after loading: the exports, as a document of
    /// `Vec<ExportInfo>` sorted by id.
    pub exports: extern "C" fn() -> FfiResult<RVec<u8>>,
    /// The export of this id with these settings.
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(RStr<'_>, RSlice<'_, u8>) -> FfiResult<Instance>,
}

impl RootModule for PluginRootRef {
    abi_stable::declare_root_module_statics! {PluginRootRef}
    const BASE_NAME: &'static str = "osee_plugin";
    const NAME: &'static str = "osee_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// The header that abi_stable looks up; used by [`export!`](crate::export).
#[doc(hidden)]
pub const fn lib_header() -> LibHeader {
    extern "C" fn load() -> RootModuleResult {
        abi_stable::library::__call_root_module_loader(root_module)
    }
    // SAFETY: `load` returns the module type named here, whose layout is checked.
    unsafe { LibHeader::from_constructor::<PluginRootRef>(load, CheckTypeLayout::Yes) }
}

fn root_module() -> PluginRootRef {
    PluginRoot { exports, create }.leak_into_prefix()
}

extern "C" fn exports() -> FfiResult<RVec<u8>> {
    guard::install_panic_hook();
    guard::run(|| {
        let mut infos: Vec<ExportInfo> =
            inventory::iter::<Export>().map(|export| (export.info)()).collect();
        infos.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(document::encode(&infos).into())
    })
}

extern "C" fn create(id: RStr<'_>, settings: RSlice<'_, u8>) -> FfiResult<Instance> {
    guard::run(|| {
        let settings: Settings = document::decode(settings.as_slice())?;
        let export = inventory::iter::<Export>()
            .find(|export| (export.info)().id() == id.as_str())
            .ok_or_else(|| Error::new(format!("this plugin has no export `{id}`")))?;
        (export.create)(&settings)
    })
}

/// A loaded plugin library, as the host sees it: the consumer's side of
/// [`PluginRoot`]. What it answers is looked at here, see
/// [`answer`](super::answer).
pub struct ForeignPlugin {
    root: PluginRootRef,
    path: PathBuf,
    declared: OnceLock<Vec<ExportInfo>>,
}

impl ForeignPlugin {
    /// Loads a library whose header the caller has checked, from a `copy` of the
    /// file at `path`. The library stays loaded for ever.
    ///
    /// # Errors
    /// abi_stable's account of what does not fit; long, meant for a log.
    pub fn load(copy: &Path, path: &Path) -> std::result::Result<Self, String> {
        // Not `load_from_file`: it keeps one module per type and process, and
        // would hand out the first plugin for every later one.
        abi_stable::library::lib_header_from_path(copy)
            .and_then(|header| header.init_root_module::<PluginRootRef>())
            .map(|root| Self { root, path: path.to_owned(), declared: OnceLock::new() })
            .map_err(|error| error.to_string())
    }

    /// What it exports, sorted by id. Asked for once.
    ///
    /// # Errors
    /// When the plugin fails to say, or gives a list that cannot be read: too
    /// many exports, or names that are none or not their own.
    pub fn exports(&self) -> Result<Vec<ExportInfo>> {
        self.declared().map(<[ExportInfo]>::to_vec)
    }

    fn declared(&self) -> Result<&[ExportInfo]> {
        if let Some(known) = self.declared.get() {
            return Ok(known);
        }
        let origin = Origin::of_library(&self.path, "*");
        let call = origin.call("info");
        let exports: Vec<ExportInfo> = call.document(watch::during(
            || "its list of exports".to_owned(),
            || self.root.exports()(),
        ))?;
        declaration::list(call, &exports)?;
        Ok(self.declared.get_or_init(|| exports))
    }

    /// Whether the declaration of an export makes sense: settings declared
    /// once with usable defaults, names, and texts of bounded length.
    ///
    /// # Errors
    /// What does not.
    pub fn check_declaration(&self, export: &ExportInfo) -> Result<()> {
        declaration::check(Origin::of_library(&self.path, export.id()).call("info"), export)
    }

    /// One export with settings.
    ///
    /// # Errors
    /// When the plugin refuses the settings, or the export is not what it was
    /// declared to be.
    pub fn create(&self, id: &str, settings: &Settings) -> Result<Foreign> {
        let declared = self.declared()?.iter().find(|export| export.id() == id);
        declared.map_or(Ok(()), |export| self.check_declaration(export))?;
        let origin = Origin::of_library(&self.path, id);
        let settings = document::encode(settings);
        let call = || self.root.create()(id.into(), settings.as_slice().into());
        let instance = guard::receive(watch::during(|| format!("`{id}`, making it"), call))?;
        if let Some(export) = declared {
            declaration::kind(origin.call("new"), export, instance.kind())?;
        }
        Ok(match instance {
            Instance::ZeroShot(it) => Foreign::ZeroShot(ForeignZeroShot(it, id.to_owned())),
            Instance::Baseline(it) => Foreign::Baseline(ForeignBaseline(it, id.to_owned())),
            Instance::Meta(it) => Foreign::Meta(ForeignMeta { table: it, origin }),
            Instance::Space(it) => Foreign::Space(ForeignSpace::of(it, origin)),
            Instance::OneShot(it) => Foreign::OneShot(ForeignOneShot::new(it, origin)),
        })
    }
}

/// A created export, by kind.
pub enum Foreign {
    /// A zero-shot estimator.
    ZeroShot(ForeignZeroShot),
    /// A baseline.
    Baseline(ForeignBaseline),
    /// A meta estimator.
    Meta(ForeignMeta),
    /// A search space.
    Space(ForeignSpace),
    /// A one-shot estimator.
    OneShot(ForeignOneShot),
}

/// A plugin's zero-shot estimator.
pub struct ForeignZeroShot(FfiZeroShot_TO<'static, RBox<()>>, String);

impl ForeignZeroShot {
    /// A zero-shot instance made in this library.
    ///
    /// # Errors
    /// When it is of another kind.
    pub(crate) fn from_instance(instance: Instance) -> Result<Self> {
        match instance {
            Instance::ZeroShot(it) => Ok(Self(it, "zero-shot".to_owned())),
            _ => Err(Error::new("this instance is no zero-shot estimator")),
        }
    }

    /// See [`ZeroShot::score`](crate::ZeroShot::score).
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn score(&self, network: NetworkHandle) -> Result<f64> {
        let call = || self.0.score(network.into_ffi());
        guard::receive(watch::during(|| format!("estimator `{}`, score", self.1), call))
    }
}

/// A plugin's baseline.
pub struct ForeignBaseline(FfiBaseline_TO<'static, RBox<()>>, String);

impl ForeignBaseline {
    /// See [`Baseline::score`](crate::Baseline::score).
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn score(&self, graph: &Graph) -> Result<f64> {
        let call = || self.0.score(document::encode(graph).as_slice().into());
        guard::receive(watch::during(|| format!("estimator `{}`, score", self.1), call))
    }
}

/// A plugin's meta estimator.
pub struct ForeignMeta {
    table: FfiMeta_TO<'static, RBox<()>>,
    origin: Origin,
}

impl ForeignMeta {
    /// See [`Meta::needs`](crate::Meta::needs).
    ///
    /// # Errors
    /// The plugin's panic, or names that are none.
    pub fn needs(&self) -> Result<Vec<String>> {
        let call = || self.table.needs();
        self.origin.call("needs").names(self.origin.watched("needs", call))
    }

    /// See [`Meta::scores`](crate::Meta::scores).
    ///
    /// # Errors
    /// The plugin's failure or panic, or another number of scores than of
    /// architectures.
    pub fn scores(&self, population: &Population) -> Result<Vec<f64>> {
        let document = document::encode(population);
        let call = || self.table.scores(document.as_slice().into());
        let scores = guard::receive(self.origin.watched("scores", call))?;
        let wanted = population.architectures.len();
        self.origin.call("scores").exactly(scores.len(), wanted, "scores")?;
        Ok(scores.into_vec())
    }
}
