//! Resolves a study's table or images: a file, a data set of the catalogue, or a table
//! that is part of osee.

use super::{CatalogError, Entry, Home, Task, find};
use osee_core::{
    embedded,
    study::{TableSource, TruthChoice},
    truth::{Duplicates, Filter, Sheet, TableError},
};
use osee_model::data_source::DataSource;
use std::path::PathBuf;

/// A truth table that was found, and how to read it.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthSource {
    /// The file to read.
    pub path: PathBuf,
    /// Name for messages: the file, or data set and task such as `nb201:cifar100`.
    pub table: PathBuf,
    /// Column with the architecture; `None` means the space's own.
    pub key: Option<String>,
    /// Column with the accuracy; `None` means the space's own.
    pub column: Option<String>,
    /// How rows of one architecture with different values are combined.
    pub duplicates: Duplicates,
    /// True if a row holds for all architectures isomorphic to its own.
    pub isomorphic: bool,
    /// True if the table is part of osee.
    pub embedded: bool,
    /// Conditions that rows must meet.
    pub filters: Vec<Filter>,
    /// Description of the accuracy with data, version and epochs, if known.
    pub about: Option<String>,
}

impl TruthSource {
    /// Finds the table of `choice`. Open choices follow the catalogue; `images` is the
    /// study's word for its images, without the folder.
    ///
    /// # Errors
    /// The catalogue has no such name, or the data set is not here.
    pub fn find(choice: &TruthChoice, images: &str) -> Result<Self, CatalogError> {
        let own = Self {
            path: choice.table.path(),
            table: choice.table.path(),
            key: choice.key.clone(),
            column: choice.column.clone(),
            duplicates: choice.duplicates.unwrap_or_default(),
            isomorphic: choice.isomorphic,
            embedded: false,
            filters: choice.filters(),
            about: None,
        };
        if let Some(table) = embedded::described(&own.path) {
            let [key, column] = table.columns.map(str::to_owned);
            let about = (choice.column.as_ref().unwrap_or(&column) == &column)
                .then(|| table.truth.to_owned());
            return Ok(Self {
                key: own.key.or(Some(key)),
                column: own.column.or(Some(column)),
                isomorphic: true,
                embedded: true,
                about,
                ..own
            });
        }
        let TableSource::DataSet { name, task } = &choice.table else { return Ok(own) };
        let entry = find(name).map_err(|unknown| CatalogError::UnknownTable {
            unknown: Box::new(unknown),
            path: own.path.clone(),
        })?;
        let path = Home::find()?.table(name)?;
        let default = entry.task(task.as_deref(), Some(images))?;
        let task = meant(entry, default, choice.column.as_deref());
        Ok(Self {
            path,
            table: match task {
                Some(task) => format!("{name}:{}", task.name).into(),
                None => name.into(),
            },
            key: own.key.or_else(|| entry.key.clone()),
            column: own.column.or_else(|| Some(default.column.clone())),
            duplicates: choice.duplicates.unwrap_or(entry.duplicates),
            about: task.map(|task| task.truth.clone()),
            ..own
        })
    }

    /// Reads the rows that meet the conditions.
    ///
    /// # Errors
    /// The table cannot be read, or has no such column or rows.
    pub fn sheet(&self) -> Result<Sheet<'_>, TableError> {
        Sheet::read(&self.path)?.only(&self.filters)
    }
}

/// The task whose column is read: `named`, unless another column was given; `None`
/// if that column is no task.
fn meant<'a>(entry: &'a Entry, named: &'a Task, column: Option<&str>) -> Option<&'a Task> {
    match column {
        Some(column) if column != named.column => {
            entry.tasks.iter().find(|task| task.column == column)
        }
        _ => Some(named),
    }
}

/// A study's images: those of the catalogue get the folder of their data set, others
/// are returned unchanged.
///
/// # Errors
/// The images are not here.
pub fn images(data: &DataSource) -> Result<DataSource, CatalogError> {
    match (&data.folder, find(&data.kind)) {
        (None, Ok(entry)) => Home::find()?.images(&entry.name),
        _ => Ok(data.clone()),
    }
}
