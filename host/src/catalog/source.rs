//! What a study's words for a table or for images stand for: a file, a data set
//! of the catalogue, or what is part of osee.

use super::{CatalogError, Entry, Home, Task, find};
use osee_core::{
    embedded,
    study::{TableSource, TruthChoice},
    truth::{Duplicates, Filter, Sheet, TableError},
};
use osee_model::data_source::DataSource;
use std::path::PathBuf;

/// A truth table that has been found, and how it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthSource {
    /// The file to read.
    pub path: PathBuf,
    /// What it is called: the file, or data set and task such as
    /// `nb201:cifar100`.
    pub table: PathBuf,
    /// Column with the architecture; the space's own if absent.
    pub key: Option<String>,
    /// Column with the accuracy; the space's own if absent.
    pub column: Option<String>,
    /// What becomes of rows about one architecture with different values.
    pub duplicates: Duplicates,
    /// Whether a row is about all architectures isomorphic to its own.
    pub isomorphic: bool,
    /// Whether it is part of osee.
    pub embedded: bool,
    /// Which of its rows are meant.
    pub filters: Vec<Filter>,
    /// What the accuracy is, with data, version and epochs, where that is known.
    pub about: Option<String>,
}

impl TruthSource {
    /// Finds what `choice` asks for. What it leaves open is as the catalogue
    /// says, with images `images`, the word of a study without the folder.
    ///
    /// # Errors
    /// A name that is not in the catalogue, or a data set that is not here.
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

    /// The rows that are meant.
    ///
    /// # Errors
    /// When the table cannot be read, or has no such column or rows.
    pub fn sheet(&self) -> Result<Sheet<'_>, TableError> {
        Sheet::read(&self.path)?.only(&self.filters)
    }
}

/// The task whose column is read: that of the name, unless another column is
/// asked for.
fn meant<'a>(entry: &'a Entry, named: &'a Task, column: Option<&str>) -> Option<&'a Task> {
    match column {
        Some(column) if column != named.column => {
            entry.tasks.iter().find(|task| task.column == column)
        }
        _ => Some(named),
    }
}

/// The images that a study asks for, with the folder of a data set of the
/// catalogue; else as they are.
///
/// # Errors
/// A data set of images that is not here.
pub fn images(data: &DataSource) -> Result<DataSource, CatalogError> {
    match (&data.folder, find(&data.kind)) {
        (None, Ok(entry)) => Home::find()?.images(&entry.name),
        _ => Ok(data.clone()),
    }
}
