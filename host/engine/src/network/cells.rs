//! Gradients through one cell at a time.

use super::{Network, passes::gradients_or_zeros};
use crate::Layout;
use osee_model::seed::stream;
use osee_sdk::{Error, Result, Signs};
use rand_distr::{Distribution, StandardUniform};
use tch::{Kind, Tensor};

impl Network {
    pub(super) fn cell_gradients(&self, signs: Signs) -> Result<Vec<Tensor>> {
        let outputs = self.outputs(&self.cell_ends()?)?;
        let largest = outputs.iter().map(Tensor::numel).max().unwrap_or(0);
        let drawn = match signs {
            Signs::Random => random_signs(largest, self.origin.seed("cell signs", 0))?,
            Signs::Checkerboard => Tensor::from_slice::<f32>(&[]),
        };
        let drawn = drawn.f_to_device(self.batch.images.device())?;
        let mut pairs = Vec::with_capacity(2 * outputs.len());
        for pair in outputs.windows(2) {
            let [before, after] = pair else { continue };
            if !before.requires_grad() {
                return Err(Error::undefined("a cell takes a constant, so it has no gradient"));
            }
            let size = after.size();
            let factors = match signs {
                // In one order whatever the layout, so that every device has the same; the order
                // of channels last needs no copy where that layout is fast.
                Signs::Random => {
                    let drawn = drawn.f_narrow(0, 0, after.numel() as i64)?;
                    Layout::ChannelsLast.shaped(&drawn, &size)?
                }
                Signs::Checkerboard => checkerboard(&size)?.f_to_device(after.device())?,
            };
            let sum = after.f_mul(&factors)?.f_sum(None::<Kind>)?;
            let gradient = gradients_or_zeros(&sum, &[before])?.remove(0);
            pairs.extend([factors, gradient]);
        }
        Ok(pairs)
    }
}

/// 1 or -1 with equal probability, f32.
fn random_signs(count: usize, seed: u64) -> Result<Tensor> {
    let mut stream = stream(seed, &["signs"]);
    let mut signs = vec![0f32; count];
    for chunk in signs.chunks_mut(64) {
        let bits: u64 = StandardUniform.sample(&mut stream);
        for (i, sign) in chunk.iter_mut().enumerate() {
            *sign = if bits >> i & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    Ok(Tensor::f_from_slice(&signs)?)
}

/// 1 where the sum of the indices is even, else -1; f32.
fn checkerboard(size: &[i64]) -> Result<Tensor> {
    let mut sum = Tensor::from(0i64);
    for (dim, &length) in size.iter().enumerate() {
        let mut shape = vec![1; size.len()];
        shape[dim] = length;
        let index = Tensor::f_arange(length, (Kind::Int64, tch::Device::Cpu))?;
        sum = sum.f_add(&index.f_view(&*shape)?)?;
    }
    Ok(sum.f_remainder(2)?.f_mul_scalar(-2)?.f_add_scalar(1)?.f_to_kind(Kind::Float)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_on_a_checkerboard_differ() {
        let board = checkerboard(&[2, 3, 2]).unwrap();
        let expected = [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0];
        assert_eq!(Vec::<f64>::try_from(board.flatten(0, -1)).unwrap(), expected);
    }

    #[test]
    fn signs_are_fair() {
        let sum = random_signs(100_000, 3).unwrap().sum(Kind::Double).double_value(&[]);
        // Its standard deviation is 316.
        assert!(sum.abs() < 1_600.0, "{sum}");
    }
}
