//! Runs a program's steps on tensors.

use super::{
    layout::{Layout, fastest},
    program::{Program, Step, Value},
};
use osee_model::{
    graph::{Graph, Op, ParamId, PoolKind, Shape},
    seed::Stream,
};
use osee_sdk::Result;
use rand_distr::{Distribution, StandardUniform};
use std::cell::RefCell;
use tch::{Kind, Tensor};

/// Statistics of the batch that a batch normalisation has seen.
pub struct Statistics {
    /// Mean per channel, `[channels]`.
    pub mean: Tensor,
    /// 1 / sqrt(variance + eps) per channel, `[channels]`.
    pub inverse_deviation: Tensor,
}

impl Statistics {
    /// Biased variance per channel, `[channels]`.
    pub(crate) fn variance(&self, eps: f64) -> Result<Tensor> {
        Ok(self.inverse_deviation.f_pow_tensor_scalar(-2.0)?.f_sub_scalar(eps)?)
    }
}

/// Values of the steps run so far, indexed by node.
pub struct Values {
    /// The output of each node; `None` if its step has not run.
    pub outputs: Vec<Option<Tensor>>,
    /// The statistics of each batch normalisation; `None` for other nodes.
    pub statistics: Vec<Option<Statistics>>,
}

/// How batch normalisations behave.
#[derive(Clone, Copy)]
pub enum BatchNorm<'a> {
    /// Normalise by the statistics of the batch.
    Batch,
    /// Normalise by the statistics of an earlier batch, indexed by node.
    Seen(&'a [Option<Statistics>]),
    /// Pass the input through unchanged.
    Bypassed,
}

/// A graph with its program and parameters, ready to run.
pub struct Executor<'a> {
    /// The graph that is run.
    pub graph: &'a Graph,
    /// The program compiled from the graph.
    pub program: &'a Program,
    /// The parameters, in graph order.
    pub parameters: &'a [Tensor],
    /// How batch normalisations behave.
    pub batch_norm: BatchNorm<'a>,
    /// Random streams for dropout, one per copy; empty if the program has none. torch's
    /// generator would be shared with other threads.
    pub random: &'a [RefCell<Stream>],
    /// Number of networks of this graph that run side by side, each with weights of its
    /// own. Channels, features and the output channels of `parameters` are ordered copy by
    /// copy, and a convolution has a group for each copy.
    pub copies: usize,
    /// True to compute in bfloat16 between the images and the logits. Parameters and statistics
    /// stay float32.
    pub bf16: bool,
}

impl<'a> Executor<'a> {
    /// An executor that normalises by the batch, without dropout.
    pub fn new(graph: &'a Graph, program: &'a Program, parameters: &'a [Tensor]) -> Self {
        let batch_norm = BatchNorm::Batch;
        Self { graph, program, parameters, batch_norm, random: &[], copies: 1, bf16: false }
    }

    /// The logits, `[n, classes]`, for `images`, `[n, c, h, w]`.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        let logits = self.output(&self.forward(&fastest(&self.rounded(images)?))?);
        Ok(if self.bf16 { logits.f_to_kind(Kind::Float)? } else { logits })
    }

    /// Runs the steps that can reach the output on `images`, `[n, c, h, w]`.
    pub fn forward(&self, images: &Tensor) -> Result<Values> {
        let mut values = self.start(images);
        self.run(&mut values, |step| step.live)?;
        Ok(values)
    }

    /// The values before any step has run on `images`, `[n, c, h, w]`.
    pub fn start(&self, images: &Tensor) -> Values {
        let nodes = self.graph.nodes.len();
        let mut values = Values {
            outputs: std::iter::repeat_with(|| None).take(nodes).collect(),
            statistics: std::iter::repeat_with(|| None).take(nodes).collect(),
        };
        values.outputs[0] = Some(images.shallow_clone());
        values
    }

    /// Runs the `wanted` steps that have no value yet.
    pub fn run(&self, values: &mut Values, wanted: impl Fn(&Step) -> bool) -> Result<()> {
        for step in self.program.steps.iter().filter(|step| wanted(step)) {
            if values.outputs[step.node].is_none() {
                let output = self.step(step, values)?;
                values.outputs[step.node] = Some(output);
            }
        }
        Ok(())
    }

    /// The network's output, `[n, classes]`; zeros if nothing reaches it.
    pub fn output(&self, values: &Values) -> Tensor {
        self.value(
            values,
            self.program.values[self.graph.output.index()],
            self.graph.output.index(),
        )
    }

    /// The tensor of a value. For a constant zero, zeros in the shape of `node`.
    pub fn value(&self, values: &Values, value: Value, node: usize) -> Tensor {
        match value {
            Value::Of(node) => values.outputs[node]
                .as_ref()
                .expect("inputs come before their consumers, and are live if those are")
                .shallow_clone(),
            Value::Zero => {
                let images = values.outputs[0].as_ref().expect("the input is always there");
                let mut size = vec![images.size()[0]];
                match self.graph.nodes[node].shape {
                    Shape::Map { channels, height, width } => {
                        size.extend([self.copies * channels, height, width].map(|n| n as i64));
                    }
                    Shape::Flat { features } => size.push((self.copies * features) as i64),
                }
                Tensor::zeros(size, (images.kind(), images.device()))
            }
        }
    }

    /// A mask that is 0 with `probability` and else 1 / (1 - `probability`), shaped as `like`.
    fn dropout_mask(&self, like: &Tensor, probability: f64) -> Result<Tensor> {
        if self.random.len() != self.copies {
            return Err(osee_sdk::Error::new("a program with dropout needs random numbers"));
        }
        let mut size = like.size();
        size[1] /= self.copies as i64;
        let count = size.iter().product::<i64>() as usize;
        let scale = 1.0 / (1.0 - probability);
        let draw = |uniform: f64| if uniform < probability { 0.0 } else { scale as f32 };
        let mask = |random: &RefCell<Stream>| {
            let mut random = random.borrow_mut();
            let uniform = StandardUniform.sample_iter(&mut *random);
            let mask: Vec<f32> = uniform.take(count).map(draw).collect();
            Tensor::from_slice(&mask).f_view(size.as_slice())
        };
        let masks: Vec<Tensor> =
            self.random.iter().map(mask).collect::<std::result::Result<_, _>>()?;
        Ok(Tensor::f_cat(&masks, 1)?.f_to_device(like.device())?)
    }

    /// A linear layer that applies each copy's rows of `weight` to its own features.
    fn linear(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        if self.copies == 1 {
            return Ok(x.f_linear(weight, bias)?);
        }
        let [copies, images] = [self.copies as i64, x.size()[0]];
        let x = x.f_view([images, copies, -1])?.f_transpose(0, 1)?;
        let weight = weight.f_view([copies, -1, x.size()[2]])?.f_transpose(1, 2)?;
        let output = x.f_bmm(&weight)?.f_transpose(0, 1)?.f_reshape([images, -1])?;
        Ok(match bias {
            Some(bias) => output.f_add(bias)?,
            None => output,
        })
    }

    fn concat(&self, parts: &[Tensor]) -> Result<Tensor> {
        if self.copies == 1 {
            return Ok(Tensor::f_cat(parts, 1)?);
        }
        let apart: Vec<Tensor> =
            parts.iter().map(|part| self.apart(part)).collect::<Result<_>>()?;
        Ok(fastest(&Tensor::f_cat(&apart, 2)?.f_flatten(1, 2)?))
    }

    fn slice(&self, x: &Tensor, start: i64, length: i64) -> Result<Tensor> {
        if self.copies == 1 {
            return Ok(x.f_narrow(1, start, length)?);
        }
        Ok(fastest(&self.apart(x)?.f_narrow(2, start, length)?.f_flatten(1, 2)?))
    }

    /// Moves copies into a dimension of their own, the second.
    fn apart(&self, x: &Tensor) -> Result<Tensor> {
        let mut size = x.size();
        size[1] /= self.copies as i64;
        size.insert(1, self.copies as i64);
        Ok(x.f_reshape(size)?)
    }

    fn parameter(&self, id: ParamId) -> &Tensor {
        &self.parameters[id.index()]
    }

    /// The tensor as what flows through the network is.
    fn rounded(&self, tensor: &Tensor) -> Result<Tensor> {
        Ok(if self.bf16 { tensor.f_to_kind(Kind::BFloat16)? } else { tensor.shallow_clone() })
    }

    /// The parameter of a layer.
    fn weight(&self, id: ParamId) -> Result<Tensor> {
        self.rounded(self.parameter(id))
    }

    fn step(&self, step: &Step, values: &mut Values) -> Result<Tensor> {
        let node = &self.graph.nodes[step.node];
        let input = |i: usize| {
            // Zero summands are left out of a step, so only other inputs are found by position.
            let source = node.inputs.get(i).map_or(step.node, |id| id.index());
            self.value(values, step.inputs[i], source)
        };
        Ok(match node.op {
            Op::Conv2d { weight, bias, stride, padding, dilation, groups } => {
                let weight = self.weight(weight)?;
                let (x, stride) = match padding {
                    0 => without_stride(input(0), &weight, stride as i64)?,
                    _ => (input(0), stride as i64),
                };
                x.f_conv2d(
                    &weight,
                    bias.map(|bias| self.weight(bias)).transpose()?.as_ref(),
                    [stride; 2],
                    [padding as i64; 2],
                    [dilation as i64; 2],
                    (groups * self.copies) as i64,
                )?
            }
            Op::BatchNorm { .. } if matches!(self.batch_norm, BatchNorm::Bypassed) => input(0),
            Op::BatchNorm { affine, eps } => {
                let [scale, shift] = match affine {
                    Some(pair) => pair.map(|id| Some(self.parameter(id))),
                    None => [None; 2],
                };
                if let BatchNorm::Seen(statistics) = self.batch_norm {
                    let seen = statistics[step.node].as_ref().ok_or_else(|| {
                        osee_sdk::Error::new("a batch normalisation has seen no batch")
                    })?;
                    let [mean, variance] = [Some(&seen.mean), Some(&seen.variance(eps)?)];
                    let x = input(0);
                    return Ok(x
                        .f_native_batch_norm(scale, shift, mean, variance, false, 0.0, eps)?
                        .0);
                }
                let none: Option<&Tensor> = None;
                let (output, mean, inverse_deviation) =
                    input(0).f_native_batch_norm(scale, shift, none, none, true, 0.1, eps)?;
                values.statistics[step.node] = Some(Statistics { mean, inverse_deviation });
                output
            }
            Op::Relu => input(0).f_relu()?,
            Op::Dropout { probability } => {
                let x = input(0);
                x.f_mul(&self.dropout_mask(&x, probability)?.f_to_kind(x.kind())?)?
            }
            Op::Pool(pool) => {
                let [kernel, stride, padding] =
                    [pool.kernel, pool.stride, pool.padding].map(|n| [n as i64; 2]);
                match pool.kind {
                    PoolKind::Max => {
                        input(0).f_max_pool2d(kernel, stride, padding, [1, 1], pool.ceil_mode)?
                    }
                    PoolKind::Average { count_include_pad } => input(0).f_avg_pool2d(
                        kernel,
                        stride,
                        padding,
                        pool.ceil_mode,
                        count_include_pad,
                        None,
                    )?,
                }
            }
            Op::GlobalAvgPool => input(0).f_mean_dim([2i64, 3].as_slice(), false, None::<Kind>)?,
            Op::Linear { weight, bias } => {
                let bias = bias.map(|id| self.weight(id)).transpose()?;
                self.linear(&input(0), &self.weight(weight)?, bias.as_ref())?
            }
            Op::Zero { stride } => {
                let stride = stride as i64;
                let x = input(0).f_slice(2, None, None, stride)?.f_slice(3, None, None, stride)?;
                x.f_mul_scalar(0.0)?
            }
            Op::Add => {
                let mut sum = input(0).f_add(&input(1))?;
                for i in 2..step.inputs.len() {
                    let term = input(i);
                    sum = match sum.size() == term.size() {
                        true => sum.f_add_(&term)?,
                        false => sum.f_add(&term)?,
                    };
                }
                sum
            }
            Op::Concat => {
                let parts: Vec<Tensor> = (0..step.inputs.len()).map(input).collect();
                self.concat(&parts)?
            }
            Op::ChannelSlice { start, length } => {
                self.slice(&input(0), start as i64, length as i64)?
            }
            Op::Crop { offset } => {
                let offset = offset as i64;
                input(0).f_slice(2, offset, None, 1)?.f_slice(3, offset, None, 1)?
            }
            ref other => {
                return Err(osee_sdk::Error::new(format!(
                    "the engine cannot run `{}` here",
                    other.name()
                )));
            }
        })
    }
}

/// The input and the stride to use for a convolution by `weight`. oneDNN writes past its
/// memory in the backward pass of a 1x1 convolution with a stride and fewer channels than
/// a vector has elements (github.com/uxlfoundation/oneDNN/issues/6035), so such a
/// convolution gets every `stride`-th pixel and stride 1, but on a GPU.
fn without_stride(x: Tensor, weight: &Tensor, stride: i64) -> Result<(Tensor, i64)> {
    const VECTOR: i64 = 16;
    match weight.size()[..] {
        [_, inputs, 1, 1] if stride > 1 && inputs < VECTOR && !x.device().is_cuda() => {
            let x = x.f_slice(2, None, None, stride)?.f_slice(3, None, None, stride)?;
            Ok((Layout::ChannelsLast.apply(&x), 1))
        }
        _ => Ok((x, stride)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_device::device;

    #[test]
    fn a_narrow_1x1_convolution_takes_every_other_pixel_itself() {
        let (options, device) = ((tch::Kind::Float, tch::Device::Cpu), device());
        for (inputs, kernel, stride) in [(3, 1, 2), (16, 1, 2), (3, 3, 2), (3, 1, 1)] {
            let x = Tensor::randn([2, inputs, 7, 7], options).to_device(device);
            let weight = Tensor::randn([4, inputs, kernel, kernel], options).to_device(device);
            let none: Option<&Tensor> = None;
            let conv = |x: &Tensor, stride| x.conv2d(&weight, none, [stride; 2], [0; 2], [1; 2], 1);
            let (taken, left) = without_stride(x.shallow_clone(), &weight, stride).unwrap();
            assert_eq!(left == stride, (inputs, kernel, stride) != (3, 1, 2));
            let difference = (conv(&taken, left) - conv(&x, stride)).abs().max();
            assert!(difference.double_value(&[]) < 1e-5);
        }
    }
}
