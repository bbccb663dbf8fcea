//! What is known of a data set without its files.

use osee_model::protocol::Normalisation;

/// Colours of a pixel.
pub const CHANNELS: usize = 3;

/// What is known of a data set without its files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// What a study calls it.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Side of an image, pixels.
    pub side: usize,
    /// Labels are below it.
    pub classes: usize,
    /// Pixel statistics; `None` where they are those of the presets.
    pub normalisation: Option<Normalisation>,
    /// Whether the mirror image of an image is of the same class.
    pub mirrors: bool,
}

impl Facts {
    /// Values of an image.
    pub const fn pixels(&self) -> usize {
        CHANNELS * self.side * self.side
    }
}
