//! What a plugin exports, and what it declares about each export.

use osee_model::{
    estimator::{EstimatorInfo, EstimatorKind},
    settings::{SettingSpec, Settings},
    space::SpaceInfo,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The declaration of one export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExportInfo {
    /// The declaration of an estimator of any kind.
    Estimator(EstimatorInfo),
    /// The declaration of a search space.
    Space(SpaceInfo),
}

impl ExportInfo {
    /// The name: unique among all estimators, or among all search spaces.
    pub fn id(&self) -> &str {
        match self {
            Self::Estimator(info) => &info.id,
            Self::Space(info) => &info.id,
        }
    }

    /// The kind of export, with the kind of estimator if it is one.
    pub fn kind(&self) -> ExportKind {
        match self {
            Self::Estimator(info) => info.kind.into(),
            Self::Space(_) => ExportKind::Space,
        }
    }

    /// The settings that it declares, in the order of declaration.
    pub fn settings(&self) -> &[SettingSpec] {
        match self {
            Self::Estimator(info) => &info.settings,
            Self::Space(info) => &info.settings,
        }
    }

    /// The default settings to create it with. Empty for a space, which takes its settings later.
    pub fn defaults(&self) -> Settings {
        match self {
            Self::Estimator(info) => info.defaults(),
            Self::Space(_) => Settings::default(),
        }
    }
}

/// The kind of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExportKind {
    /// An estimator of this kind.
    Estimator(EstimatorKind),
    /// A search space.
    Space,
}

impl ExportKind {
    /// The group among which ids are unique: all estimators, or all search spaces.
    pub fn family(self) -> &'static str {
        match self {
            Self::Estimator(_) => "estimator",
            Self::Space => "search space",
        }
    }
}

impl From<EstimatorKind> for ExportKind {
    fn from(kind: EstimatorKind) -> Self {
        Self::Estimator(kind)
    }
}

/// Writes the kind as it appears in an error: `baseline estimator`.
impl fmt::Display for ExportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estimator(kind) => write!(f, "{kind} {}", self.family()),
            Self::Space => f.write_str(self.family()),
        }
    }
}

/// Makes this crate an osee plugin that exports the listed types:
///
/// ```ignore
/// osee_sdk::export! { zero_shot: GradNorm, Snip; baseline: Depth }
/// ```
///
/// The kinds are `zero_shot`, `one_shot`, `baseline`, `meta` and `space`. Call it once
/// per library, in the crate root.
#[macro_export]
macro_rules! export {
    ($($kind:ident: $($export:ty),+ $(,)?);+ $(;)?) => {
        $($(
            $crate::__private::inventory::submit! {
                $crate::__private::Export::$kind::<$export>()
            }
        )+)+

        /// What this plugin was built with; readable without loading it.
        // SAFETY: the name is osee's own; a library has one plugin header.
        #[unsafe(no_mangle)]
        pub static OSEE_PLUGIN_HEADER: $crate::__private::PluginHeader =
            $crate::__private::PluginHeader::current();

        // SAFETY: the name abi_stable looks up; a library has one root module.
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub static _1as_0lib_1header_0root_bmodule_bloader: $crate::__private::LibHeader =
            $crate::__private::lib_header();
    };
}
