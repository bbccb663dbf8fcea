//! Opens the device on which tensors live.

use crate::cuda::{self, Facts};
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
    cuda::open_libtorch_cuda().map_err(missing)?;
    let facts = Facts::ask().map_err(missing)?;
    if index as i64 >= tch::Cuda::device_count().min(i64::from(facts.visible)) {
        return Err(missing(facts.why_not(index)));
    }
    Ok(Device::Cuda(index))
}

/// The device with its model, as it is stored with scores: `cpu`, or such as
/// `cuda:0, NVIDIA H100 80GB HBM3`.
pub fn described(device: DeviceName) -> String {
    match device {
        DeviceName::Cpu => device.to_string(),
        DeviceName::Cuda(index) => match cuda::model(index) {
            Some(model) => format!("{device}, {model}"),
            None => device.to_string(),
        },
    }
}

/// True if this GPU, which is open, serves one process at a time.
pub fn is_exclusive(device: DeviceName) -> bool {
    match device {
        DeviceName::Cpu => false,
        DeviceName::Cuda(index) => cuda::is_exclusive(index),
    }
}

/// Waits until a GPU has done all that it was given, so that times and errors belong to
/// what was just asked for. On other devices it does nothing.
///
/// # Errors
/// When the GPU has failed, perhaps long ago.
pub fn synchronize(device: Device) -> osee_sdk::Result<()> {
    let Device::Cuda(index) = device else { return Ok(()) };
    // tch panics with the text of the error.
    std::panic::catch_unwind(|| tch::Cuda::synchronize(index as i64)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map_or("CUDA error", String::as_str);
        osee_sdk::Error::new(text)
    })
}

#[cfg(test)]
mod tests {
    use crate::test_device::device;
    use tch::{Device, Kind, Tensor};

    /// TF32, with 10 bits, would be some 3e-4 away.
    #[test]
    fn a_convolution_and_its_gradients_are_as_exact_as_float32() {
        let device = device();
        tch::manual_seed(0);
        let sizes: [&[i64]; 3] = [&[8, 16, 12, 12], &[16, 16, 3, 3], &[8, 16, 12, 12]];
        let [images, weight, factor] =
            sizes.map(|size| Tensor::randn(size, (Kind::Double, Device::Cpu)));
        let results = |kind, device| {
            let [x, w, factor] =
                [&images, &weight, &factor].map(|it| it.to_kind(kind).to_device(device));
            let (x, w) = (x.set_requires_grad(true), w.set_requires_grad(true));
            let none: Option<&Tensor> = None;
            let y = x.conv2d(&w, none, [1, 1], [1, 1], [1, 1], 1);
            let sum = (&y * factor).sum(kind);
            let mut all = Tensor::run_backward(&[&sum], &[&x, &w], false, false);
            all.push(y.detach());
            all.into_iter()
                .map(|it| it.to_kind(Kind::Double).to_device(Device::Cpu))
                .collect::<Vec<_>>()
        };
        let exact = results(Kind::Double, Device::Cpu);
        for (single, exact) in results(Kind::Float, device).iter().zip(&exact) {
            let off = (single - exact).norm().double_value(&[]) / exact.norm().double_value(&[]);
            assert!(off < 1e-6, "{off}");
        }
    }
}
