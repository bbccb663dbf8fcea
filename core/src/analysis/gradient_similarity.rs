//! Gradient similarity: whether architectures change their shared parameters in the same direction
//! (section 6, figure A15).

use super::{AnalysisError, Bins, Distribution, at_least, same_length};
use serde::{Deserialize, Serialize};

/// Gradients of several architectures with respect to the parameters of one layer that they share,
/// on the same images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerGradients<'a> {
    /// Name of the layer.
    pub layer: &'a str,
    /// One flattened gradient per architecture, all of the same length.
    pub gradients: &'a [Vec<f32>],
}

/// Similarity of gradients in one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSimilarity {
    /// Name of the layer.
    pub layer: String,
    /// Number of architectures that are compared.
    pub architectures: usize,
    /// Cosine similarities of all pairs, in 20 bins over [-1, 1]. Its `failures` are pairs with a
    /// gradient that is 0 or not finite.
    pub cosines: Distribution,
}

/// Cosine similarity of every pair of architectures, layer by layer, in input order.
///
/// # Errors
/// If a layer has fewer than two gradients, or gradients of different length.
pub fn gradient_similarity(
    layers: &[LayerGradients<'_>],
) -> Result<Vec<LayerSimilarity>, AnalysisError> {
    layers.iter().map(similarity).collect()
}

fn similarity(layer: &LayerGradients<'_>) -> Result<LayerSimilarity, AnalysisError> {
    let all = layer.gradients;
    at_least("gradients", all.len(), 2)?;
    for gradient in all {
        same_length(layer.layer, gradient.len(), all[0].len())?;
    }
    let norms: Vec<f64> = all.iter().map(|g| dot(g, g).sqrt()).collect();
    let mut cosines = Vec::with_capacity(all.len() * (all.len() - 1) / 2);
    for i in 0..all.len() {
        for j in 0..i {
            // 0 / 0 is NaN: a zero gradient has no direction.
            cosines.push((dot(&all[i], &all[j]) / (norms[i] * norms[j])).clamp(-1.0, 1.0));
        }
    }
    Ok(LayerSimilarity {
        layer: layer.layer.to_owned(),
        architectures: all.len(),
        cosines: Distribution::of(&cosines, Bins::Range { low: -1.0, high: 1.0, bins: 20 }),
    })
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_opposite_and_no_direction() {
        let gradients =
            [vec![1.0, 0.0], vec![2.0, 0.0], vec![-3.0, 0.0], vec![0.0, 1.0], vec![0.0, 0.0]];
        let layer = LayerGradients { layer: "stem", gradients: &gradients };
        let found = gradient_similarity(&[layer]).unwrap().remove(0);
        assert_eq!((found.architectures, found.cosines.count, found.cosines.failures), (5, 6, 4));
        // Once the same direction, twice opposite, three times at right angles.
        assert_eq!(found.cosines.mean, Some(-1.0 / 6.0));
        let ragged = [vec![1.0], vec![1.0, 2.0]];
        let ragged = LayerGradients { layer: "stem", gradients: &ragged };
        assert!(matches!(gradient_similarity(&[ragged]), Err(AnalysisError::Length { .. })));
    }
}
