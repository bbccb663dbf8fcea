//! The root module: the one table that each plugin library exports.

use super::{
    answer::Origin,
    declaration,
    document::{self, Document, OwnedDocument},
    exported::Export,
    guard::{self, FfiResult},
    instance::{Foreign, Instance},
    watch,
};
use crate::{Error, ExportInfo, ExportKind, Result};
use abi_stable::{
    StableAbi,
    library::{CheckTypeLayout, RootModule, RootModuleResult},
    package_version_strings,
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
    std_types::RStr,
};
use osee_model::settings::Settings;
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use abi_stable::library::LibHeader;

/// Functions in the root table of a plugin library.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// Called once after loading; returns the exports, as a document of
    /// `Vec<ExportInfo>` sorted by id.
    pub exports: extern "C" fn() -> FfiResult<OwnedDocument>,
    /// Creates the export of a kind (a document of `ExportKind`) and an id with
    /// settings (a document of `Settings`).
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(Document<'_>, RStr<'_>, Document<'_>) -> FfiResult<Instance>,
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

extern "C" fn exports() -> FfiResult<OwnedDocument> {
    guard::install_panic_hook();
    guard::run(|| {
        let mut infos: Vec<ExportInfo> =
            inventory::iter::<Export>().map(|export| (export.info)()).collect();
        infos.sort_by(|a, b| (a.id(), a.kind().family()).cmp(&(b.id(), b.kind().family())));
        Ok(document::encode(&infos).into())
    })
}

extern "C" fn create(
    kind: Document<'_>,
    id: RStr<'_>,
    settings: Document<'_>,
) -> FfiResult<Instance> {
    guard::run(|| {
        let kind: ExportKind = document::decode(kind.as_slice())?;
        let settings: Settings = document::decode(settings.as_slice())?;
        let is_it = |export: &&Export| {
            let info = (export.info)();
            info.kind() == kind && info.id() == id.as_str()
        };
        let missing = || Error::new(format!("this plugin has no {kind} `{id}`"));
        let export = inventory::iter::<Export>().find(is_it).ok_or_else(missing)?;
        (export.create)(&settings)
    })
}

/// A loaded plugin library, as the host sees it: the consumer's side of
/// [`PluginRoot`]. Its answers are checked here, see [`answer`](super::answer).
pub struct ForeignPlugin {
    root: PluginRootRef,
    path: PathBuf,
    declared: OnceLock<Vec<ExportInfo>>,
}

impl ForeignPlugin {
    /// Loads a library whose header the caller has checked, from a `copy` of the
    /// file at `path`. The library stays loaded until the process ends.
    ///
    /// # Errors
    /// abi_stable's account of what does not match; long, meant for a log.
    pub fn load(copy: &Path, path: &Path) -> std::result::Result<Self, String> {
        // Not `load_from_file`: it keeps one module per type and process, and
        // would hand out the first plugin for every later one.
        abi_stable::library::lib_header_from_path(copy)
            .and_then(|header| header.init_root_module::<PluginRootRef>())
            .map(|root| Self { root, path: path.to_owned(), declared: OnceLock::new() })
            .map_err(|error| error.to_string())
    }

    /// The exports of the running program itself, through the same tables.
    pub fn here() -> Self {
        let path = PathBuf::from("this program");
        Self { root: root_module(), path, declared: OnceLock::new() }
    }

    /// The exports, sorted by id. The plugin is asked only once.
    ///
    /// # Errors
    /// When the call fails, or the list cannot be used: too many exports, names that are
    /// not names, or two exports with one name.
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

    /// Checks the declaration of an export: settings declared once with usable
    /// defaults, valid names, and texts of bounded length.
    ///
    /// # Errors
    /// The first thing in it that cannot be used.
    pub fn check_declaration(&self, export: &ExportInfo) -> Result<()> {
        declaration::check(Origin::of_library(&self.path, export.id()).call("info"), export)
    }

    /// Creates one export with settings.
    ///
    /// # Errors
    /// When the plugin refuses the settings, or the export is not what it was
    /// declared to be.
    pub fn create(
        &self,
        kind: impl Into<ExportKind>,
        id: &str,
        settings: &Settings,
    ) -> Result<Foreign> {
        let kind = kind.into();
        let is_it = |export: &&ExportInfo| export.kind() == kind && export.id() == id;
        if let Some(export) = self.declared()?.iter().find(is_it) {
            self.check_declaration(export)?;
        }
        let origin = Origin::of_library(&self.path, id);
        let (of_kind, settings) = (document::encode(&kind), document::encode(settings));
        let call =
            || self.root.create()(of_kind.as_slice().into(), id.into(), settings.as_slice().into());
        let instance = guard::receive(watch::during(|| format!("`{id}`, making it"), call))?;
        match instance.kind() {
            made if made == kind => Ok(Foreign::new(instance, origin)),
            made => Err(origin.call("new").wrong(format!("a {made}"), format!("a {kind}"))),
        }
    }
}
