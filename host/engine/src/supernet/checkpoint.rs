//! A supernet on disk, as safetensors: `value/NAME:SHAPE`,
//! `momentum/NAME:SHAPE`, and `state`, a JSON document as bytes.

use super::{Slot, Supernet};
use crate::layout::fastest;
use osee_model::{protocol::Init, recipe::Precision};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};
use tch::{Device, Tensor};

/// Version of the state document.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct State<T> {
    version: u32,
    space: String,
    seed: u64,
    init: Init,
    step: u64,
    /// What the trainer needs to resume.
    trainer: T,
}

/// Why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be written.
    #[error("cannot write checkpoint {}: {source}", path.display())]
    Write {
        /// Path of the checkpoint.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The tensors cannot be read or written.
    #[error("checkpoint {}: {source}", path.display())]
    Tensors {
        /// Path of the checkpoint.
        path: PathBuf,
        /// The error of torch.
        source: tch::TchError,
    },
    /// The state document is missing, damaged or of another version.
    #[error("checkpoint {} is not valid: {message}", path.display())]
    State {
        /// Path of the checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl Supernet {
    /// Writes values, momenta and `trainer`; the file is whole or absent.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path, trainer: &impl Serialize) -> Result<(), CheckpointError> {
        let state = State {
            version: VERSION,
            space: self.space.clone(),
            seed: self.seed,
            init: self.init,
            step: self.step,
            trainer,
        };
        let state = serde_json::to_vec(&state).expect("states are plain data");
        let mut tensors = vec![("state".to_owned(), Tensor::from_slice(&state))];
        let plain = |tensor: &Tensor| tensor.detach().to_device(Device::Cpu).contiguous();
        for (key, slot) in &self.slots {
            tensors.push((format!("value/{key}"), plain(&slot.value)));
            tensors.extend(slot.momentum.as_ref().map(|m| (format!("momentum/{key}"), plain(m))));
        }
        let part = path.with_extension("part");
        Tensor::write_safetensors(&tensors, &part)
            .map_err(|source| CheckpointError::Tensors { path: part.clone(), source })?;
        std::fs::rename(&part, path)
            .map_err(|source| CheckpointError::Write { path: path.to_owned(), source })
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// When the file is unreadable, damaged, or of another version.
    pub fn load<T: DeserializeOwned>(
        path: &Path,
        device: Device,
    ) -> Result<(Self, T), CheckpointError> {
        let wrong = |message: String| CheckpointError::State { path: path.to_owned(), message };
        let tensors = Tensor::read_safetensors(path)
            .map_err(|source| CheckpointError::Tensors { path: path.to_owned(), source })?;
        let mut tensors: BTreeMap<String, Tensor> = tensors.into_iter().collect();
        let state = tensors.remove("state").ok_or_else(|| wrong("it has no state".to_owned()))?;
        let bytes = Vec::<u8>::try_from(&state).map_err(|error| wrong(error.to_string()))?;
        let state: State<T> =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if state.version != VERSION {
            let found = state.version;
            return Err(wrong(format!("it has version {found}, this osee reads {VERSION}")));
        }
        let place = |tensor: &Tensor| fastest(&tensor.to_device(device));
        let mut slots = BTreeMap::new();
        for (name, value) in &tensors {
            let Some(key) = name.strip_prefix("value/") else { continue };
            let momentum = tensors.get(&format!("momentum/{key}")).map(place);
            let value = place(value).set_requires_grad(true);
            slots.insert(key.to_owned(), Slot { value, momentum });
        }
        let State { space, seed, init, step, trainer, .. } = state;
        let precision = Precision::F32;
        Ok((Self { space, seed, init, device, precision, slots, step }, trainer))
    }

    /// The mean of the values in several checkpoints of one training. A value
    /// that only some of them have is averaged over those. Momenta are left out.
    ///
    /// # Errors
    /// The same as for [`load`](Self::load).
    pub fn load_mean(paths: &[PathBuf], device: Device) -> Result<Self, CheckpointError> {
        let mut sums: BTreeMap<String, (Tensor, u32)> = BTreeMap::new();
        let mut last = None;
        for path in paths {
            let (mut net, _) = Self::load::<serde_json::Value>(path, device)?;
            let _no_grad = tch::no_grad_guard();
            for (key, slot) in std::mem::take(&mut net.slots) {
                let value = slot.value.detach();
                let (sum, count) = match sums.remove(&key) {
                    Some((sum, count)) => (sum + value, count + 1),
                    None => (value, 1),
                };
                sums.insert(key, (sum, count));
            }
            last = Some(net);
        }
        let mut net = last.ok_or_else(|| CheckpointError::State {
            path: PathBuf::new(),
            message: "a mean of no checkpoints was asked for".to_owned(),
        })?;
        for (key, (sum, count)) in sums {
            let value = if count > 1 { sum / f64::from(count) } else { sum };
            net.slots.insert(key, Slot { value: value.set_requires_grad(true), momentum: None });
        }
        Ok(net)
    }
}
