//! Stored scores that a run no longer uses, because they were made with other images or under a key
//! that did not cover all images.

use super::{Store, StoreError};
use crate::row::{Conditions, RowKey};

/// The results that a row had before its images changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// Name of the row.
    pub row: String,
    /// Number of its scores.
    pub scores: u64,
    /// Identity of the images that the scores were made with.
    pub images: String,
}

impl Store {
    /// The stored scores that rows with these keys supersede.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn superseded(&self, keys: &[RowKey]) -> Result<Vec<Superseded>, StoreError> {
        let newest = self.newest()?;
        let count = "SELECT COUNT(*) FROM score WHERE row = ?1 AND value IS NOT NULL";
        let mut found = Vec::new();
        for key in keys {
            let Some((id, old)) = newest.get(&key.name).filter(|(_, old)| old != key) else {
                continue;
            };
            let (Some(images), true) = (&old.images, same_but_for_images(old, key)) else {
                continue;
            };
            let scores: i64 = self
                .connection
                .query_row(count, [id.0], |row| row.get(0))
                .map_err(|e| self.sqlite(e))?;
            if scores > 0 {
                let (row, images) = (key.name.clone(), images.clone());
                found.push(Superseded { row, scores: scores as u64, images });
            }
        }
        Ok(found)
    }
}

/// True if two rows differ only in images. The key of a supernet covers its images, too.
fn same_but_for_images(one: &RowKey, other: &RowKey) -> bool {
    let mut one = RowKey { images: other.images.clone(), ..one.clone() };
    if let (Conditions::Supernet(own), Some(theirs)) = (&mut one.conditions, other.supernet()) {
        own.key.clone_from(&theirs.key);
    }
    one == *other
}
