//! Where tensors live.

use tch::Device;

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not of a known form.
    #[error("unknown device `{0}`; devices are cpu, cuda:0, cuda:1, ...")]
    Unknown(String),
    /// There is no such GPU.
    #[error("device `{device}` is not there: {reason}")]
    Missing {
        /// As asked.
        device: String,
        /// What was found.
        reason: String,
    },
}

/// The device called `name`: `cpu` or `cuda:N`.
///
/// # Errors
/// An unknown name, or a GPU that this machine or this libtorch lacks.
pub fn open(name: &str) -> Result<Device, DeviceError> {
    let index = match name {
        "cpu" => return Ok(Device::Cpu),
        "cuda" => 0,
        _ => name
            .strip_prefix("cuda:")
            .and_then(|index| index.parse::<usize>().ok())
            .ok_or_else(|| DeviceError::Unknown(name.to_owned()))?,
    };
    let missing = |reason: String| DeviceError::Missing { device: name.to_owned(), reason };
    // Before the first CUDA query, which would remember that there is none.
    crate::cuda::open_libtorch_cuda().map_err(missing)?;
    let count = tch::Cuda::device_count();
    if (index as i64) < count {
        Ok(Device::Cuda(index))
    } else {
        Err(missing(format!("libtorch sees {count} GPUs")))
    }
}
