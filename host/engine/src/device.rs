//! Opens the device on which tensors live.

use osee_model::device::DeviceName;
use tch::Device;

/// The GPU that was asked for is not available.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("device `{device}` is not available: {reason}")]
pub struct DeviceError {
    /// The device that was asked for.
    device: DeviceName,
    /// Why it is not available.
    reason: String,
}

/// The torch device of this name.
///
/// # Errors
/// When this machine or this libtorch lacks the GPU.
pub fn open(device: DeviceName) -> Result<Device, DeviceError> {
    let index = match device {
        DeviceName::Cpu => return Ok(Device::Cpu),
        DeviceName::Cuda(index) => index,
    };
    let missing = |reason: String| DeviceError { device, reason };
    // This must precede the first CUDA query, which would remember that there is no GPU.
    crate::cuda::open_libtorch_cuda().map_err(missing)?;
    let count = tch::Cuda::device_count();
    if (index as i64) < count {
        Ok(Device::Cuda(index))
    } else {
        Err(missing(format!("libtorch sees {count} GPUs")))
    }
}
