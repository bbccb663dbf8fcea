//! The order of dimensions in memory, and many tensors in one vector.

use osee_sdk::Result;
use tch::{Device, Kind, Tensor};

/// Order of an image's dimensions in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Channels innermost.
    ChannelsLast,
    /// torch's default. It runs the kernels that reference code runs, for comparing
    /// number by number: otherwise a ReLU on a value the size of a rounding error may fire on
    /// one side only.
    Contiguous,
}

impl Layout {
    /// The layout with the fast convolutions for tensors of this kind on this device. On the
    /// CPU, channels-last is twice as fast. On a GPU it is for numbers of 16 bits: in
    /// float32 and without TF32, cuDNN would transpose, and depthwise convolutions are slow.
    pub fn fastest(device: Device, kind: Kind) -> Self {
        match (device, kind) {
            (Device::Cpu, _) | (_, Kind::Half | Kind::BFloat16) => Self::ChannelsLast,
            _ => Self::Contiguous,
        }
    }

    /// The same tensor in this layout; copies it if it is in another one.
    pub fn apply(self, tensor: &Tensor) -> Tensor {
        match self {
            Self::ChannelsLast if tensor.dim() == 4 => {
                tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
            }
            Self::ChannelsLast => tensor.shallow_clone(),
            Self::Contiguous => tensor.contiguous(),
        }
    }

    /// The tensor as a vector in the order of this layout; does not copy a tensor that is in
    /// this order already.
    pub(crate) fn flat(self, tensor: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::ChannelsLast if tensor.dim() == 4 => {
                tensor.f_permute([0, 2, 3, 1])?.f_reshape([-1])?
            }
            _ => tensor.f_reshape([-1])?,
        })
    }

    /// A vector made by [`flat`](Self::flat) as a view of this size.
    pub(crate) fn shaped(self, vector: &Tensor, size: &[i64]) -> Result<Tensor> {
        Ok(match *size {
            [out, inputs, height, width] if self == Self::ChannelsLast => {
                vector.f_view([out, height, width, inputs])?.f_permute([0, 3, 1, 2])?
            }
            _ => vector.f_view(size)?,
        })
    }
}

/// The same tensor in the layout that is fastest for it.
pub(crate) fn fastest(tensor: &Tensor) -> Tensor {
    Layout::fastest(tensor.device(), tensor.kind()).apply(tensor)
}

/// Tensors begin at multiples of so many entries, 64 bytes of float32, as those with memory of
/// their own do: sums of some kernels depend on it.
const ALIGNMENT: i64 = 16;

/// All `tensors` in one new vector, in order, each as [`Layout::flat`] makes it, with zeros
/// between them.
pub(crate) fn joined(layout: Layout, tensors: &[Tensor]) -> Result<Tensor> {
    let Some(first) = tensors.first() else {
        return Ok(Tensor::zeros([0], (Kind::Float, Device::Cpu)));
    };
    let zeros = Tensor::zeros([ALIGNMENT], (first.kind(), first.device()));
    let mut flat = Vec::with_capacity(2 * tensors.len());
    for tensor in tensors {
        let vector = layout.flat(tensor)?;
        let gap = -vector.size()[0] & (ALIGNMENT - 1);
        flat.extend([vector, zeros.f_narrow(0, 0, gap)?]);
    }
    Ok(Tensor::f_cat(&flat, 0)?)
}

/// A vector made by [`joined`] as views of these sizes.
pub(crate) fn apart(layout: Layout, vector: &Tensor, sizes: &[Vec<i64>]) -> Result<Vec<Tensor>> {
    let mut start = 0;
    let mut parts = Vec::with_capacity(sizes.len());
    for size in sizes {
        let count: i64 = size.iter().product();
        parts.push(layout.shaped(&vector.f_narrow(0, start, count)?, size)?);
        start += (count + ALIGNMENT - 1) & !(ALIGNMENT - 1);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_has_another_layout_for_float32_than_the_cpu() {
        let kinds = [Kind::Float, Kind::Double, Kind::Half, Kind::BFloat16];
        use Layout::{ChannelsLast, Contiguous};
        let of = |device| kinds.map(|kind| Layout::fastest(device, kind));
        assert_eq!(of(Device::Cpu), [ChannelsLast; 4]);
        let gpu = [Contiguous, Contiguous, ChannelsLast, ChannelsLast];
        assert_eq!(of(Device::Cuda(1)), gpu);
    }

    #[test]
    fn what_is_joined_comes_apart_and_shares_the_memory() {
        for layout in [Layout::ChannelsLast, Layout::Contiguous] {
            let options = (Kind::Float, Device::Cpu);
            let sizes = [vec![2, 3, 4, 5], vec![7], vec![2, 3]];
            let tensors: Vec<Tensor> =
                sizes.iter().map(|size| layout.apply(&Tensor::randn(size, options))).collect();
            let vector = joined(layout, &tensors).unwrap();
            let parts = apart(layout, &vector, &sizes).unwrap();
            for (part, tensor) in parts.iter().zip(&tensors) {
                assert_eq!(part, tensor);
                assert_eq!(part.stride(), tensor.stride());
            }
            let _ = vector.shallow_clone().fill_(1.0);
            assert_eq!(parts[1], Tensor::ones([7], options));
        }
    }
}
