//! Signs of the gradients of single images.

use super::Network;
use crate::{
    executor::{BatchNorm, Executor, Values},
    program::Value,
};
use osee_model::graph::Op;
use osee_sdk::Result;
use std::collections::BTreeMap;
use tch::{Kind, Reduction, Tensor};

/// A convolution or linear layer with its input and the loss gradient at its output.
struct Layer<'a> {
    op: &'a Op,
    input: Tensor,
    output: Tensor,
}

/// Entries of the largest tensor that is made at once.
const AT_ONCE: i64 = 1 << 25;

impl Network {
    /// An image that passes alone has batch normalisations by its own statistics, which is
    /// instance normalisation. So all images pass at once, and one backward pass has the gradient
    /// of each at the outputs of layers. With the layers' inputs, these are the gradients with
    /// respect to the weights, image by image.
    pub(super) fn gradient_signs(&self) -> Result<Vec<Tensor>> {
        let executor = Executor { batch_norm: BatchNorm::Image, ..self.executor() };
        let values = executor.forward(&self.batch.images)?;
        let logits = executor.output(&values);
        self.batch.check_labels(logits.size()[1])?;
        let none: Option<&Tensor> = None;
        let loss =
            logits.f_cross_entropy_loss(self.batch.labels(), none, Reduction::Sum, -100, 0.0)?;
        let layers = self.layers_of_weights(&executor, &values, &loss)?;
        let _no_grad = tch::no_grad_guard();
        let mut signs = Vec::new();
        for (index, parameter) in self.graph.parameters.iter().enumerate() {
            if !parameter.role.is_weight() {
                continue;
            }
            signs.push(match layers.get(&index) {
                Some(layers) => sum_of_signs(layers, &self.parameters[index].size())?,
                None => self.parameters[index].detach().zeros_like(),
            });
        }
        Ok(signs)
    }

    /// The live layers by the index of their weight.
    fn layers_of_weights(
        &self,
        executor: &Executor<'_>,
        values: &Values,
        loss: &Tensor,
    ) -> Result<BTreeMap<usize, Vec<Layer<'_>>>> {
        let mut layers: BTreeMap<usize, Vec<Layer<'_>>> = BTreeMap::new();
        if !loss.requires_grad() {
            return Ok(layers);
        }
        let mut found = Vec::new();
        for step in self.program.steps.iter().filter(|step| step.live) {
            let node = &self.graph.nodes[step.node];
            if let Op::Conv2d { weight, .. } | Op::Linear { weight, .. } = node.op {
                let input = executor.value(values, step.inputs[0], node.inputs[0].index());
                let output = executor.value(values, Value::Of(step.node), step.node);
                found.push((weight.index(), Layer { op: &node.op, input, output }));
            }
        }
        let outputs: Vec<&Tensor> = found.iter().map(|(_, layer)| &layer.output).collect();
        let gradients = super::passes::gradients_or_zeros(loss, &outputs)?;
        for ((weight, layer), gradient) in found.into_iter().zip(gradients) {
            let layer = Layer { input: layer.input.detach(), output: gradient, ..layer };
            layers.entry(weight).or_default().push(layer);
        }
        Ok(layers)
    }
}

/// The sum over images of the signs of an image's gradient with respect to a weight of this size.
fn sum_of_signs(layers: &[Layer<'_>], size: &[i64]) -> Result<Tensor> {
    let images = layers[0].input.size()[0];
    let weight: i64 = size.iter().product();
    // Patches have a row for each tap of the kernel and input channel.
    let patches = layers.iter().map(|layer| match layer.output.size()[..] {
        [_, _, height, width] => layer.input.size()[1] * size[2] * size[3] * height * width,
        _ => 1,
    });
    let each = patches.max().unwrap_or(1).max(weight);
    let chunk = (AT_ONCE / each).clamp(1, images);
    let mut sum: Option<Tensor> = None;
    let mut start = 0;
    while start < images {
        let count = chunk.min(images - start);
        let mut gradient: Option<Tensor> = None;
        for layer in layers {
            let part = of_images(layer, start, count, size)?;
            gradient = Some(match gradient {
                Some(other) => other.f_add(&part)?,
                None => part,
            });
        }
        let signs = gradient.expect("a weight has a layer").f_sign()?;
        let signs = signs.f_nansum([0i64].as_slice(), false, Kind::Float)?;
        sum = Some(match sum {
            Some(other) => other.f_add(&signs)?,
            None => signs,
        });
        start += count;
    }
    Ok(sum.expect("a batch has an image").f_view(size)?)
}

/// Gradients of `count` images with respect to the weight, `[count, entries]`.
fn of_images(layer: &Layer<'_>, start: i64, count: i64, size: &[i64]) -> Result<Tensor> {
    let input = layer.input.f_narrow(0, start, count)?;
    let output = layer.output.f_narrow(0, start, count)?;
    let Op::Conv2d { stride, padding, dilation, groups, .. } = *layer.op else {
        return Ok(output.f_unsqueeze(2)?.f_bmm(&input.f_unsqueeze(1)?)?.f_flatten(1, -1)?);
    };
    let [stride, padding, dilation] = [stride, padding, dilation].map(|n| [n as i64; 2]);
    let groups = groups as i64;
    let patches = match size[2..] {
        [1, 1] if stride == [1, 1] && padding == [0, 0] => input.f_flatten(2, -1)?,
        _ => input.f_im2col([size[2], size[3]], dilation, padding, stride)?,
    };
    let pixels = output.size()[2] * output.size()[3];
    let patches = patches.f_reshape([count * groups, -1, pixels])?;
    let output = output.f_reshape([count * groups, -1, pixels])?;
    Ok(output.f_bmm(&patches.f_transpose(1, 2)?)?.f_reshape([count, -1])?)
}
