//! Signs of the gradients of single images.

use super::{Network, passes::gradients_or_zeros};
use crate::executor::{BatchNorm, Executor};
use osee_model::graph::Op;
use osee_sdk::{Error, Result};
use tch::{Kind, Reduction, Tensor};

/// Images that pass side by side: convolutions in more groups take longer for each.
const AT_ONCE: i64 = 8;

/// Entries of all these images' own copies of the parameters, at most.
const ENTRIES: usize = 1 << 27;

impl Network {
    /// An image that passes alone has batch normalisations by its own statistics. So the images
    /// pass side by side as the channels of one image, each through a copy of the network: a
    /// convolution has a group for each, which costs what it costs for a batch, and the gradients
    /// of the copies are those of the images.
    pub(super) fn gradient_signs(&self) -> Result<Vec<Tensor>> {
        let one_pixel = self.program.steps.iter().any(|step| {
            let node = &self.graph.nodes[step.node];
            step.live && matches!(node.op, Op::BatchNorm { .. }) && node.shape.pixels() == 1
        });
        if one_pixel {
            return Err(Error::undefined(
                "a batch normalisation sees one pixel of an image, whose variance is not defined",
            ));
        }
        let images = self.batch.images.size()[0];
        let entries: usize = self.parameters.iter().map(Tensor::numel).sum();
        let chunk = (ENTRIES / entries.max(1)).max(1) as i64;
        let chunk = chunk.min(AT_ONCE).min(images);
        let weights = || {
            let all = self.graph.parameters.iter().zip(&self.parameters);
            all.filter(|(described, _)| described.role.is_weight()).map(|(_, weight)| weight)
        };
        let mut sums: Vec<Tensor> =
            weights().map(|it| Ok(it.detach().f_zeros_like()?)).collect::<Result<_>>()?;
        for start in (0..images).step_by(chunk as usize) {
            let signs = self.signs_of(start, chunk.min(images - start))?;
            for (sum, signs) in sums.iter_mut().zip(signs) {
                *sum = sum.f_add_(&signs)?;
            }
        }
        Ok(sums)
    }

    /// For each convolution and linear weight, the sum of the signs of `count` images' gradients.
    fn signs_of(&self, start: i64, count: i64) -> Result<Vec<Tensor>> {
        let batch = self.batch.slice(start, count)?;
        let copies: Vec<Tensor> = self
            .parameters
            .iter()
            .map(|parameter| {
                let mut times = vec![1; parameter.dim()];
                times[0] = count;
                let copies = parameter.detach().f_contiguous()?.f_repeat(&times)?;
                Ok(copies.set_requires_grad(true))
            })
            .collect::<Result<_>>()?;
        let executor = Executor {
            parameters: &copies,
            batch_norm: BatchNorm::Batch,
            copies: count as usize,
            ..self.executor()
        };
        let [_, channels, height, width] = self.batch.images.size()[..] else {
            return Err(Error::new("images have channels, a height and a width"));
        };
        let side_by_side = batch.images.f_reshape([1, count * channels, height, width])?;
        let values = executor.forward(&side_by_side)?;
        let logits = executor.output(&values).f_reshape([count, -1])?;
        batch.check_labels(logits.size()[1])?;
        let none: Option<&Tensor> = None;
        let loss = logits.f_cross_entropy_loss(batch.labels(), none, Reduction::Sum, -100, 0.0)?;
        let weights: Vec<&Tensor> = self
            .graph
            .parameters
            .iter()
            .zip(&copies)
            .filter(|(described, _)| described.role.is_weight())
            .map(|(_, copies)| copies)
            .collect();
        let gradients = gradients_or_zeros(&loss, &weights)?;
        let signs = gradients.into_iter().map(|gradient| {
            let mut size = gradient.size();
            size[0] /= count;
            size.insert(0, count);
            let signs = gradient.f_reshape(size)?.f_sign()?;
            Ok(signs.f_nansum([0i64].as_slice(), false, Kind::Float)?)
        });
        signs.collect()
    }
}
