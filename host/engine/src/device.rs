//! Where tensors live.

use osee_model::device::DeviceName;
use tch::Device;

/// There is no such GPU.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("device `{device}` is not there: {reason}")]
pub struct DeviceError {
    /// As asked.
    device: DeviceName,
    /// What was found.
    reason: String,
}

/// The device of this name.
///
/// # Errors
/// A GPU that this machine or this libtorch lacks.
pub fn open(device: DeviceName) -> Result<Device, DeviceError> {
    let index = match device {
        DeviceName::Cpu => return Ok(Device::Cpu),
        DeviceName::Cuda(index) => index,
    };
    let missing = |reason: String| DeviceError { device, reason };
    // Before the first CUDA query, which would remember that there is none.
    crate::cuda::open_libtorch_cuda().map_err(missing)?;
    let count = tch::Cuda::device_count();
    if (index as i64) < count {
        Ok(Device::Cuda(index))
    } else {
        Err(missing(format!("libtorch sees {count} GPUs")))
    }
}
