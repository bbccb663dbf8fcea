//! What a plugin exports: collected by inventory inside its library.

use crate::{
    Baseline, Meta, OneShot, SearchSpace, ZeroShot,
    abi::{glue, one_shot, tables::Instance},
};
use osee_model::{estimator::EstimatorInfo, settings::Settings, space::SpaceInfo};
use serde::{Deserialize, Serialize};

/// One exported estimator or space. Made by [`export!`](crate::export).
#[doc(hidden)]
pub struct Export {
    pub(crate) info: fn() -> ExportInfo,
    pub(crate) create: fn(&Settings) -> crate::Result<Instance>,
}

inventory::collect!(Export);

/// What one export says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExportInfo {
    /// An estimator of any kind.
    Estimator(EstimatorInfo),
    /// A search space.
    Space(SpaceInfo),
}

impl ExportInfo {
    /// Name within its kind.
    pub fn id(&self) -> &str {
        match self {
            Self::Estimator(info) => &info.id,
            Self::Space(info) => &info.id,
        }
    }
}

impl Export {
    #[doc(hidden)]
    pub const fn zero_shot<T: ZeroShot>() -> Self {
        Self {
            info: || ExportInfo::Estimator(T::info()),
            create: |settings| Ok(glue::zero_shot(T::new(settings)?)),
        }
    }

    #[doc(hidden)]
    pub const fn one_shot<T: OneShot>() -> Self {
        Self {
            info: || ExportInfo::Estimator(T::info()),
            create: |settings| Ok(one_shot::instance(T::new(settings)?)),
        }
    }

    #[doc(hidden)]
    pub const fn baseline<T: Baseline>() -> Self {
        Self {
            info: || ExportInfo::Estimator(T::info()),
            create: |settings| Ok(glue::baseline(T::new(settings)?)),
        }
    }

    #[doc(hidden)]
    pub const fn meta<T: Meta>() -> Self {
        Self {
            info: || ExportInfo::Estimator(T::info()),
            create: |settings| Ok(glue::meta(T::new(settings)?)),
        }
    }

    #[doc(hidden)]
    pub const fn space<T: SearchSpace>() -> Self {
        Self { info: || ExportInfo::Space(T::info()), create: |_| Ok(glue::space(T::new())) }
    }
}

/// Makes this crate an osee plugin that exports the listed types:
///
/// ```ignore
/// osee_sdk::export! { zero_shot: GradNorm, Snip; baseline: Depth }
/// ```
///
/// Kinds are `zero_shot`, `one_shot`, `baseline`, `meta` and `space`. Once per library,
/// in its root.
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
        pub static OSEE_PLUGIN_HEADER: $crate::abi::header::PluginHeader =
            $crate::abi::header::PluginHeader::current();

        // SAFETY: the name abi_stable looks up; a library has one root module.
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub static _1as_0lib_1header_0root_bmodule_bloader: $crate::__private::LibHeader =
            $crate::__private::lib_header();
    };
}
