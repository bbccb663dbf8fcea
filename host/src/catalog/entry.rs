//! The entry of one data set in the catalogue.

use super::address::Address;
use osee_core::truth::Duplicates;
use osee_model::settings::nearest;
use serde::Deserialize;

/// A data set in the catalogue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name that users give.
    pub name: String,
    /// One line that describes it.
    pub title: String,
    /// The form that it has after import.
    pub kind: Kind,
    /// The search space that a table is about; `None` for one that osee does not support.
    #[serde(default)]
    pub space: Option<String>,
    /// Number of rows in the table.
    #[serde(default)]
    pub rows: Option<usize>,
    /// Column with the architecture, or a form of several; `None` means the space's own.
    #[serde(default)]
    pub key: Option<String>,
    /// How rows of one architecture with different values are combined.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// Columns that an imported table must have.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Reader of the original files; a data set without one cannot be imported.
    #[serde(default)]
    pub converter: Option<Converter>,
    /// Licence, in words.
    pub licence: String,
    /// Publication to cite.
    pub citation: String,
    /// Where people find the original, in words.
    pub origin: String,
    /// Original files, where their names are known.
    #[serde(default, rename = "file")]
    pub files: Vec<Original>,
    /// Columns that may be the truth; the first is the default.
    #[serde(default, rename = "task")]
    pub tasks: Vec<Task>,
}

/// The form of a data set after import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A CSV file.
    Table,
    /// A folder of images in their official layout.
    Images,
}

/// A reader of original files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Converter {
    /// AnalogNAS-Bench: a wheel with a pickle.
    AnalogNasbench,
    /// NAS-Bench-201: the paper's text and FreeREA's tables.
    Nb201,
    /// NDS: a pickle of four lists.
    Nds,
    /// NAS-Bench-Macro: a JSON object keyed by architecture.
    NbMacro,
    /// TransNAS-Bench-101: a zip of NASLib's JSON files.
    Tnb101,
    /// NAS-Bench-101: a TFRecord file.
    Nb101,
    /// CSV tables that are used as they are.
    Csv,
    /// HW-NAS-Bench: one table per data set, with NASLib's numbers.
    HwNasBench,
    /// CIFAR-10: the binary archive, or its folder.
    Cifar10,
    /// CIFAR-100: the binary archive, or its folder.
    Cifar100,
    /// ImageNet16-120: a folder of NumPy archives.
    #[serde(rename = "imagenet16-120")]
    ImageNet16,
}

/// An original file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// File name in osee's folder.
    pub name: String,
    /// Size in bytes.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// SHA-256, in hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Addresses, tried in this order.
    #[serde(default)]
    pub from: Vec<String>,
    /// The part of the data set that it holds, if there are several.
    #[serde(default)]
    pub part: Option<String>,
}

/// A column that may be the truth.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name that users give after that of the data set.
    pub name: String,
    /// Name of the column.
    pub column: String,
    /// Description for headings.
    pub truth: String,
    /// The images for which this task is the default.
    #[serde(default)]
    pub images: Option<String>,
}

/// The data set has no task of this name.
#[derive(Debug, thiserror::Error)]
#[error("data set {name} has no task `{task}`; {hint}")]
pub struct NoTask {
    /// Name of the data set.
    pub name: String,
    /// Task that the user gave.
    pub task: String,
    /// A suggestion, or the list of tasks.
    pub hint: String,
}

impl Entry {
    /// True if every file has an address.
    pub fn can_be_fetched(&self) -> bool {
        !self.files.is_empty() && self.files.iter().all(|file| !file.from.is_empty())
    }

    /// Bytes to download, as far as sizes are known; `None` if it cannot be fetched.
    pub fn download(&self) -> Option<u64> {
        self.can_be_fetched().then(|| self.files.iter().filter_map(|file| file.bytes).sum())
    }

    /// The task of this name; without a name the default for these images, else the
    /// first.
    ///
    /// # Errors
    /// The data set has no such task.
    pub fn task(&self, name: Option<&str>, images: Option<&str>) -> Result<&Task, NoTask> {
        let with = |images| self.tasks.iter().find(|it| it.images.as_deref() == Some(images));
        let found = match name {
            Some(name) => self.tasks.iter().find(|it| it.name == name),
            None => images.and_then(with).or_else(|| self.tasks.first()),
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = self.tasks.iter().map(|it| it.name.as_str()).collect();
            let near = name.and_then(|name| nearest(name, names.iter().copied()));
            NoTask {
                name: self.name.clone(),
                task: name.unwrap_or_default().to_owned(),
                hint: match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => "it has none".to_owned(),
                    None => format!("it has {}", names.join(", ")),
                },
            }
        })
    }

    /// File name of the table in the data set's folder.
    pub(super) fn table(&self) -> String {
        format!("{}.csv", self.name)
    }

    /// Checks that the entry can be used.
    pub(super) fn check(&self) -> Result<(), String> {
        let plain = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
        };
        if !plain(&self.name) {
            return Err("it is not a valid folder name".to_owned());
        }
        if self.kind == Kind::Table && self.rows.is_none() {
            return Err("a table must say how many rows it has".to_owned());
        }
        for file in &self.files {
            let name = &file.name;
            if !plain(name) {
                return Err(format!("`{name}` is not a valid file name"));
            }
            let hash = file.sha256.as_deref();
            let hex = |it: &str| {
                it.len() == 64 && it.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
            };
            if hash.is_some_and(|it| !hex(it)) || (hash.is_none() && !file.from.is_empty()) {
                return Err(format!("{name} has no SHA-256"));
            }
            if file.bytes.is_none() && hash.is_some() {
                return Err(format!("{name} has no size"));
            }
            for address in &file.from {
                Address::parse(address)?;
            }
        }
        Ok(())
    }
}
