//! Exports called through the tables that the host uses.

use osee_model::estimator::EstimatorKind;
use osee_sdk::{
    Error, ExportInfo, ExportKind, Result,
    abi::{
        instance::Foreign,
        kinds::{
            baseline::ForeignBaseline, lent::LentSpace, meta::ForeignMeta,
            one_shot::ForeignOneShot, space::ForeignSpace, zero_shot::ForeignZeroShot,
        },
        root::ForeignPlugin,
    },
};
use std::{path::Path, sync::Arc};

/// A plugin library whose exports are created with their default settings.
pub struct Library(ForeignPlugin);

impl Library {
    /// Loads the library in this file. The caller vouches for its header.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn open(path: &Path) -> Result<Self> {
        ForeignPlugin::load(path, path).map(Self).map_err(Error::new)
    }

    /// Loads the library of the crate `name`, such as `my_zse`, which cargo builds beside
    /// a test that depends on it.
    ///
    /// # Errors
    /// When it does not exist or cannot be loaded.
    pub fn of_crate(name: &str) -> Result<Self> {
        let test = std::env::current_exe().map_err(|error| Error::new(error.to_string()))?;
        Self::open(&test.with_file_name(format!("lib{name}.so")))
    }

    /// The exports of the test itself or of crates linked into it, through the same
    /// tables but without a file.
    pub fn here() -> Self {
        Self(ForeignPlugin::here())
    }

    /// Creates a zero-shot estimator.
    ///
    /// # Errors
    /// When the library has none of this id, or it cannot be created.
    pub fn zero_shot(&self, id: &str) -> Result<ForeignZeroShot> {
        self.create(EstimatorKind::ZeroShot, id)
    }

    /// Creates a baseline.
    ///
    /// # Errors
    /// When the library has none of this id, or it cannot be created.
    pub fn baseline(&self, id: &str) -> Result<ForeignBaseline> {
        self.create(EstimatorKind::Baseline, id)
    }

    /// Creates a meta estimator.
    ///
    /// # Errors
    /// When the library has none of this id, or it cannot be created.
    pub fn meta(&self, id: &str) -> Result<ForeignMeta> {
        self.create(EstimatorKind::Meta, id)
    }

    /// Creates a one-shot estimator.
    ///
    /// # Errors
    /// When the library has none of this id, or it cannot be created.
    pub fn one_shot(&self, id: &str) -> Result<ForeignOneShot> {
        self.create(EstimatorKind::OneShot, id)
    }

    /// Creates a search space.
    ///
    /// # Errors
    /// When the library has none of this id, or it cannot be created.
    pub fn space(&self, id: &str) -> Result<ForeignSpace> {
        self.create(ExportKind::Space, id)
    }

    /// Creates a search space in the form in which a one-shot estimator borrows it.
    ///
    /// # Errors
    /// When the library has none of this id, or it cannot be created.
    pub fn lent_space(&self, id: &str) -> Result<LentSpace> {
        let functions = Arc::new(self.space(id)?);
        match self.export(ExportKind::Space, id)? {
            ExportInfo::Space(info) => Ok(LentSpace::new(&info, functions)),
            ExportInfo::Estimator(_) => Err(Error::new(format!("`{id}` is not a search space"))),
        }
    }

    fn create<T>(&self, kind: impl Into<ExportKind>, id: &str) -> Result<T>
    where
        T: TryFrom<Foreign, Error = Error>,
    {
        let export = self.export(kind.into(), id)?;
        self.0.create(export.kind(), id, &export.defaults())?.try_into()
    }

    /// The declaration of an export.
    fn export(&self, kind: ExportKind, id: &str) -> Result<ExportInfo> {
        let exports = self.0.exports()?;
        let ids: Vec<&str> = exports.iter().map(ExportInfo::id).collect();
        let missing = format!("there is no {kind} `{id}` among {}", ids.join(", "));
        let found = exports.into_iter().find(|it| it.kind() == kind && it.id() == id);
        found.ok_or_else(|| Error::new(missing))
    }
}
