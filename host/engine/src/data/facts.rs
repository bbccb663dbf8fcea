//! Facts about a data set that are known without its files.

use osee_model::protocol::Normalisation;

/// Channels of an image: red, green and blue.
pub const CHANNELS: usize = 3;

/// Facts about a data set that are known without its files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Name of the data set in a study.
    pub key: &'static str,
    /// Name of the data set in messages.
    pub name: &'static str,
    /// Side of an image, in pixels.
    pub side: usize,
    /// Number of classes; labels are below it.
    pub classes: usize,
    /// Pixel statistics; `None` if those of the presets apply.
    pub normalisation: Option<Normalisation>,
    /// True if the mirror image of an image is of the same class.
    pub mirrors: bool,
}

impl Facts {
    /// Number of values (bytes) of an image.
    pub const fn pixels(&self) -> usize {
        CHANNELS * self.side * self.side
    }
}
