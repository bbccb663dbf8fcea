//! What the catalogue says of one data set.

use super::address::Address;
use osee_core::truth::Duplicates;
use osee_model::settings::nearest;
use serde::Deserialize;

/// A data set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What users write.
    pub name: String,
    /// What it is, as one line.
    pub title: String,
    /// What becomes of it.
    pub kind: Kind,
    /// The search space that a table is about, where osee has or will have it.
    #[serde(default)]
    pub space: Option<String>,
    /// How many rows the table has.
    #[serde(default)]
    pub rows: Option<usize>,
    /// Its column with the architecture, or a form of several; the space's own
    /// if absent.
    #[serde(default)]
    pub key: Option<String>,
    /// What becomes of its rows about one architecture with different values.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// Columns that an imported table must have.
    #[serde(default)]
    pub columns: Vec<String>,
    /// What reads the original files; nothing does if absent.
    #[serde(default)]
    pub converter: Option<Converter>,
    /// Its licence, in words.
    pub licence: String,
    /// What to cite.
    pub citation: String,
    /// Where the original is, for people.
    pub origin: String,
    /// Its original files, where they have names.
    #[serde(default, rename = "file")]
    pub files: Vec<Original>,
    /// Columns that may be the truth; the first is the default.
    #[serde(default, rename = "task")]
    pub tasks: Vec<Task>,
}

/// What becomes of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A CSV file.
    Table,
    /// A folder of images in their official layout.
    Images,
}

/// What reads original files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Converter {
    /// AnalogNAS-Bench's wheel.
    AnalogNasbench,
    /// NAS-Bench-201 by the study's text and FreeREA's tables.
    Nb201,
    /// A pickle of four lists.
    Nds,
    /// A JSON object by architecture.
    NbMacro,
    /// A zip of NASLib's JSON files.
    Tnb101,
    /// A TFRecord file.
    Nb101,
    /// Tables that are taken as they are.
    Csv,
    /// A table per data set, by NASLib's numbers.
    HwNasBench,
    /// The binary archive, or its folder.
    Cifar10,
    /// The same.
    Cifar100,
    /// A folder of NumPy archives.
    #[serde(rename = "imagenet16-120")]
    ImageNet16,
}

/// An original file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// What it is called here.
    pub name: String,
    /// Its size.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Its SHA-256, hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Where it can be had, asked in this order.
    #[serde(default)]
    pub from: Vec<String>,
    /// Which part of the data set it is, where there are several.
    #[serde(default)]
    pub part: Option<String>,
}

/// A column that may be the truth.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What users write behind the data set's name.
    pub name: String,
    /// The column.
    pub column: String,
    /// What it is, for headings.
    pub truth: String,
    /// The images with which it is the default.
    #[serde(default)]
    pub images: Option<String>,
}

/// A data set has no such task.
#[derive(Debug, thiserror::Error)]
#[error("data set {name} has no task `{task}`; {hint}")]
pub struct NoTask {
    /// The data set.
    pub name: String,
    /// As asked.
    pub task: String,
    /// What there is.
    pub hint: String,
}

impl Entry {
    /// Whether all its files have an address.
    pub fn can_be_fetched(&self) -> bool {
        !self.files.is_empty() && self.files.iter().all(|file| !file.from.is_empty())
    }

    /// How many bytes fetching it takes, where that is known.
    pub fn download(&self) -> Option<u64> {
        self.can_be_fetched().then(|| self.files.iter().filter_map(|file| file.bytes).sum())
    }

    /// The task of this name; else the one that goes with the images of this
    /// key; else the first.
    ///
    /// # Errors
    /// When it has no such task.
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

    /// The table's file in its folder.
    pub(super) fn table(&self) -> String {
        format!("{}.csv", self.name)
    }

    /// That it can be used.
    pub(super) fn check(&self) -> Result<(), String> {
        let plain = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
        };
        if !plain(&self.name) {
            return Err("it is no name of a folder".to_owned());
        }
        if self.kind == Kind::Table && self.rows.is_none() {
            return Err("a table says how many rows it has".to_owned());
        }
        for file in &self.files {
            let name = &file.name;
            if !plain(name) {
                return Err(format!("`{name}` is no name of a file"));
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
