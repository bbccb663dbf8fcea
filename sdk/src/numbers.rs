//! Reads many numbers from a device at once.

use crate::{LayerGradient, Result};
use tch::{Device, Kind, TchError, Tensor};

/// The values of tensors without dimensions, which are all on one device and may be of
/// different kinds.
///
/// On a GPU, reading a value waits until all work is done. One reading of many waits once.
///
/// # Errors
/// When a tensor has dimensions, or the device fails.
pub fn numbers(scalars: &[Tensor]) -> Result<Vec<f64>> {
    if scalars.is_empty() {
        return Ok(Vec::new());
    }
    let together = Tensor::f_stack(scalars, 0)?;
    Ok(Vec::try_from(together.f_detach()?.f_to_kind(Kind::Double)?)?)
}

/// The sum in f64 of one tensor without dimensions for each item, read from the device once
/// and added in the order of the items.
///
/// ```no_run
/// # use osee_sdk::prelude::*;
/// # fn score(network: &Network) -> Result<f64> {
/// sum_over(network.weight_gradients()?, |layer| layer.gradient.f_norm())
/// # }
/// ```
///
/// # Errors
/// When `scalar` fails, or what it returns has dimensions.
pub fn sum_over<T>(
    items: impl IntoIterator<Item = T>,
    scalar: impl FnMut(T) -> std::result::Result<Tensor, TchError>,
) -> Result<f64> {
    let scalars: Vec<Tensor> =
        items.into_iter().map(scalar).collect::<std::result::Result<_, _>>()?;
    Ok(numbers(&scalars)?.into_iter().sum())
}

/// The sum in f64, over all layers, of a function of each weight and its gradient that acts on
/// every entry by itself, such as |w g|.
///
/// On the CPU, sums are added layer by layer. On a GPU, the entries of all layers are taken
/// together, since each call there costs more than its arithmetic.
///
/// ```no_run
/// # use osee_sdk::prelude::*;
/// # fn score(network: &Network) -> Result<f64> {
/// sum_over_entries(&network.weight_gradients()?, |w, g| w.f_mul(g)?.f_abs())
/// # }
/// ```
///
/// # Errors
/// When `function` fails.
pub fn sum_over_entries(
    layers: &[LayerGradient<'_>],
    function: impl Fn(&Tensor, &Tensor) -> std::result::Result<Tensor, TchError>,
) -> Result<f64> {
    let on_cpu = |layer: &LayerGradient<'_>| layer.weight.device() == Device::Cpu;
    if layers.iter().all(on_cpu) {
        return sum_over(layers, |layer| {
            function(&layer.weight, &layer.gradient)?.f_sum(Kind::Double)
        });
    }
    let (mut weights, mut gradients) = (Vec::new(), Vec::new());
    for layer in layers {
        weights.push(layer.weight.f_reshape([-1])?);
        gradients.push(layer.gradient.f_reshape([-1])?);
    }
    let (weights, gradients) = (Tensor::f_cat(&weights, 0)?, Tensor::f_cat(&gradients, 0)?);
    Ok(f64::try_from(function(&weights, &gradients)?.f_sum(Kind::Double)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_numbers_read_one_by_one() {
        let parts: Vec<Tensor> = (0..50)
            .map(|i| {
                Tensor::from_slice(&[0.1f32 * i as f32, 1e7, -3.3]).norm() * (1e-3 * f64::from(i))
            })
            .collect();
        let one_by_one: f64 = parts.iter().map(|it| it.double_value(&[])).sum();
        let sum = sum_over(&parts, |it| Ok(it.shallow_clone())).unwrap();
        assert_eq!(sum.to_bits(), one_by_one.to_bits());
    }

    #[test]
    fn kinds_may_differ_and_nothing_is_lost() {
        let exact = [1.0 + f64::from(f32::EPSILON), 1.0 + f64::EPSILON];
        let mixed = [Tensor::from(exact[0] as f32), Tensor::from(exact[1])];
        assert_eq!(numbers(&mixed).unwrap(), exact);
        assert!(numbers(&[]).unwrap().is_empty());
        assert!(numbers(&[Tensor::from_slice(&[1.0, 2.0])]).is_err());
    }
}
