//! The protocol for zero-shot estimators, as a study chooses it.

use super::{StudyError, overlay::overlay, unknown_preset};
use osee_model::protocol::{Images, Init, Normalisation, Protocol, Weights};
use serde::{Deserialize, Serialize};

overlay! {
    /// A preset with changes. Without a `normalisation`, the pixel statistics are those of the data
    /// set, or for CIFAR-10 those of the preset.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct ProtocolChoice {
        /// Name of the preset, one of [`Protocol::PRESETS`]; `paper` if absent.
        #[serde(default = "paper")]
        pub preset: String,
    }
    changes Protocol {
        batch_size: usize,
        batches: usize,
        images: Images,
        augment: bool,
        normalisation: Normalisation,
        weights: Weights,
        init: Init,
    }
}

fn paper() -> String {
    "paper".to_owned()
}

impl Default for ProtocolChoice {
    fn default() -> Self {
        toml::from_str("").expect("every field of a protocol's choice has a default")
    }
}

impl ProtocolChoice {
    /// The preset with the changes. `pixels` are the statistics of the images; `None` uses those of
    /// the preset.
    ///
    /// # Errors
    /// If the preset is unknown, or there are not enough images.
    pub fn resolve(&self, pixels: Option<Normalisation>) -> Result<Protocol, StudyError> {
        let unknown = || unknown_preset(&self.preset, &Protocol::PRESETS);
        let mut preset = Protocol::preset(&self.preset).ok_or_else(unknown)?;
        preset.normalisation = pixels.unwrap_or(preset.normalisation);
        let resolved = self.applied_to(preset);
        if resolved.batch_size < 2 || resolved.batches == 0 {
            let what = "a protocol needs at least one batch of at least two images";
            return Err(StudyError::Invalid(what.to_owned()));
        }
        Ok(resolved)
    }
}
