//! w'Hg without a backward pass: the mixed second derivative of
//! L(w + a g + b w) in a and b at 0, carried forward through the graph
//! together with the values the shared forward pass already has.
//!
//! A convolution whose output goes only into batch normalisations does not
//! change the loss when it is scaled, so there w'(Hg) = -|g|^2 and b need not
//! act on it. That is exact up to eps, so it is used only where eps is small
//! against the variance of every channel.

use super::{
    executor::{Executor, Statistics, Values},
    program::{Step, Value},
};
use osee_core::graph::{Op, ParamId, PoolKind};
use osee_sdk::{Error, Result};
use tch::{Kind, Tensor};

/// Variance over eps from which a normalised convolution counts as invariant.
const VARIANCE_OVER_EPS: f64 = 1e4;

/// Derivatives of a value; `None` is zero.
#[derive(Default)]
struct Tangent {
    a: Option<Tensor>,
    b: Option<Tensor>,
    ab: Option<Tensor>,
}

/// w'Hg over convolution and linear weights.
///
/// `gradients` are the loss gradients in parameter order, `labels` `[n]`.
pub fn measure(
    executor: &Executor<'_>,
    values: &Values,
    gradients: &[Tensor],
    labels: &Tensor,
) -> Result<f64> {
    let _no_grad = tch::no_grad_guard();
    let forward = Forward { executor, values, gradients, scaled: scaled_layers(executor, values)? };
    let mut tangents: Vec<Tangent> = Vec::new();
    tangents.resize_with(executor.graph.nodes.len(), Tangent::default);
    for step in executor.program.steps.iter().filter(|step| step.live && step.node != 0) {
        tangents[step.node] = forward.step(step, &tangents)?;
    }
    let Value::Of(output) = executor.program.values[executor.graph.output.index()] else {
        return Ok(0.0);
    };
    let logits = executor.output(values);
    let curvature = loss_derivative(&logits, labels, &tangents[output])?;
    Ok(curvature - forward.invariant_gradient_norms()?)
}

/// Per node, whether b must act on its weight: live convolutions and linear
/// layers that are not invariant to scale.
fn scaled_layers(executor: &Executor<'_>, values: &Values) -> Result<Vec<bool>> {
    let nodes = executor.graph.nodes.len();
    let mut only_normalised = vec![true; nodes];
    let mut consumers = vec![0; nodes];
    let mut checks: Vec<(usize, Tensor)> = Vec::new();
    for step in executor.program.steps.iter().filter(|step| step.live) {
        for input in &step.inputs {
            let Value::Of(input) = *input else { continue };
            consumers[input] += 1;
            match (&executor.graph.nodes[step.node].op, &values.statistics[step.node]) {
                (Op::BatchNorm { eps, .. }, Some(seen)) => {
                    checks.push((input, dominates(seen, *eps)?));
                }
                _ => only_normalised[input] = false,
            }
        }
    }
    if !checks.is_empty() {
        // One read from the device for all layers.
        let all: Vec<&Tensor> = checks.iter().map(|(_, check)| check).collect();
        let all = Vec::<bool>::try_from(Tensor::f_stack(&all, 0)?)?;
        for ((input, _), good) in checks.iter().zip(all) {
            only_normalised[*input] &= good;
        }
    }
    let scaled = |node: usize| match executor.graph.nodes[node].op {
        Op::Conv2d { bias: None, .. } => consumers[node] == 0 || !only_normalised[node],
        Op::Conv2d { .. } | Op::Linear { .. } => true,
        _ => false,
    };
    Ok((0..nodes).map(scaled).collect())
}

/// Whether every channel's variance dwarfs eps, or the channel is zero.
fn dominates(seen: &Statistics, eps: f64) -> Result<Tensor> {
    let deviation = seen.inverse_deviation.f_reciprocal()?;
    let variance = deviation.f_square()?;
    let large = variance.f_ge(eps * (VARIANCE_OVER_EPS + 1.0))?;
    let zero = variance.f_le(eps * (1.0 + 1e-6))?.f_logical_and(&seen.mean.f_eq(0.0)?)?;
    Ok(large.f_logical_or(&zero)?.f_all()?)
}

/// L_ab of the mean cross-entropy: the mean over the batch of
/// sum p z_a z_b - (sum p z_a)(sum p z_b) + sum (p - t) z_ab.
fn loss_derivative(logits: &Tensor, labels: &Tensor, tangent: &Tangent) -> Result<f64> {
    let logits = logits.f_to_kind(Kind::Double)?;
    let p = logits.f_softmax(1, Kind::Double)?;
    let over_classes = |t: Tensor| t.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Double);
    let mut total = 0.0;
    if let (Some(a), Some(b)) = (&tangent.a, &tangent.b) {
        let weighted = p.f_mul(&a.f_to_kind(Kind::Double)?)?;
        let b = b.f_to_kind(Kind::Double)?;
        let joint = over_classes(weighted.f_mul(&b)?)?;
        let apart = over_classes(weighted)?.f_mul(&over_classes(p.f_mul(&b)?)?)?;
        total += joint.f_sub(&apart)?.f_mean(Kind::Double)?.f_double_value(&[])?;
    }
    if let Some(ab) = &tangent.ab {
        let target = labels.f_one_hot(logits.size()[1])?.f_to_kind(Kind::Double)?;
        let slope = p.f_sub(&target)?.f_mul(&ab.f_to_kind(Kind::Double)?)?;
        total += over_classes(slope)?.f_mean(Kind::Double)?.f_double_value(&[])?;
    }
    Ok(total)
}

struct Forward<'a> {
    executor: &'a Executor<'a>,
    values: &'a Values,
    gradients: &'a [Tensor],
    scaled: Vec<bool>,
}

impl Forward<'_> {
    /// Sum of |g|^2 over the layers that b does not act on.
    fn invariant_gradient_norms(&self) -> Result<f64> {
        let graph = self.executor.graph;
        let mut sum = 0.0;
        for step in self.executor.program.steps.iter().filter(|step| step.live) {
            if let Op::Conv2d { weight, .. } = graph.nodes[step.node].op
                && !self.scaled[step.node]
            {
                let square = self.gradient(weight).f_square()?.f_sum(Kind::Double)?;
                sum += square.f_double_value(&[])?;
            }
        }
        Ok(sum)
    }

    fn gradient(&self, id: ParamId) -> &Tensor {
        &self.gradients[id.index()]
    }

    fn primal(&self, node: usize) -> Tensor {
        self.values.outputs[node].as_ref().expect("live steps have run").detach()
    }

    fn step(&self, step: &Step, tangents: &[Tangent]) -> Result<Tangent> {
        let zero = Tangent::default();
        let tangent = |i: usize| match step.inputs[i] {
            Value::Of(node) => &tangents[node],
            Value::Zero => &zero,
        };
        let node = &self.executor.graph.nodes[step.node];
        match node.op {
            Op::Conv2d { .. } | Op::Linear { .. } => self.weighted(step, tangent(0)),
            Op::BatchNorm { affine, .. } => {
                let Value::Of(input) = step.inputs[0] else {
                    return Ok(zero);
                };
                let seen = self.values.statistics[step.node].as_ref().expect("live steps have run");
                let scale = affine.map(|[scale, _]| &self.executor.parameters[scale.index()]);
                normalised(&self.primal(input), seen, scale, tangent(0))
            }
            Op::Relu => {
                let output = self.primal(step.node);
                each(tangent(0), |t| Ok(output.f_threshold_backward(t, 0.0)?))
            }
            Op::Pool(pool) if pool.kind == PoolKind::Max => {
                let Value::Of(input) = step.inputs[0] else {
                    return Ok(zero);
                };
                let [kernel, stride, padding] =
                    [pool.kernel, pool.stride, pool.padding].map(|n| [n as i64; 2]);
                let (output, chosen) = self.primal(input).f_max_pool2d_with_indices(
                    kernel,
                    stride,
                    padding,
                    [1, 1],
                    pool.ceil_mode,
                )?;
                let chosen = chosen.f_flatten(2, 3)?;
                each(tangent(0), |t| {
                    let picked = t.f_flatten(2, 3)?.f_gather(2, &chosen, false)?;
                    Ok(picked.f_view(output.size().as_slice())?)
                })
            }
            Op::Pool(pool) => {
                let PoolKind::Average { count_include_pad } = pool.kind else {
                    return Err(Error::new("a pool is max or average"));
                };
                let [kernel, stride, padding] =
                    [pool.kernel, pool.stride, pool.padding].map(|n| [n as i64; 2]);
                each(tangent(0), |t| {
                    let ceil = pool.ceil_mode;
                    Ok(t.f_avg_pool2d(kernel, stride, padding, ceil, count_include_pad, None)?)
                })
            }
            Op::GlobalAvgPool => {
                each(tangent(0), |t| Ok(t.f_mean_dim([2i64, 3].as_slice(), false, None::<Kind>)?))
            }
            Op::ChannelSlice { start, length } => {
                each(tangent(0), |t| Ok(t.f_narrow(1, start as i64, length as i64)?))
            }
            Op::Crop { offset } => each(tangent(0), |t| {
                let offset = offset as i64;
                Ok(t.f_slice(2, offset, None, 1)?.f_slice(3, offset, None, 1)?)
            }),
            Op::Add => {
                let mut sum = Tangent::default();
                for i in 0..step.inputs.len() {
                    accumulate(&mut sum.a, tangent(i).a.as_ref())?;
                    accumulate(&mut sum.b, tangent(i).b.as_ref())?;
                    accumulate(&mut sum.ab, tangent(i).ab.as_ref())?;
                }
                Ok(sum)
            }
            Op::Concat => {
                let parts: Vec<&Tangent> = (0..step.inputs.len()).map(tangent).collect();
                let like: Vec<Tensor> = step
                    .inputs
                    .iter()
                    .zip(&node.inputs)
                    .map(|(value, source)| {
                        self.executor.value(self.values, *value, source.index()).detach()
                    })
                    .collect();
                let join = |pick: fn(&Tangent) -> &Option<Tensor>| -> Result<Option<Tensor>> {
                    if parts.iter().all(|part| pick(part).is_none()) {
                        return Ok(None);
                    }
                    let filled: Vec<Tensor> = parts
                        .iter()
                        .zip(&like)
                        .map(|(part, like)| match pick(part) {
                            Some(t) => t.shallow_clone(),
                            None => like.zeros_like(),
                        })
                        .collect();
                    Ok(Some(Tensor::f_cat(&filled, 1)?))
                };
                Ok(Tangent { a: join(|t| &t.a)?, b: join(|t| &t.b)?, ab: join(|t| &t.ab)? })
            }
            ref other => Err(Error::new(format!("no derivative of `{}`", other.name()))),
        }
    }

    /// Convolution or linear layer with weight W = w + a g + b w:
    /// y_a = w x_a + g x, y_b = w x_b + w x,
    /// y_ab = w (x_ab + x_a) + g x_b.
    fn weighted(&self, step: &Step, x: &Tangent) -> Result<Tangent> {
        let op = &self.executor.graph.nodes[step.node].op;
        let (Op::Conv2d { weight, .. } | Op::Linear { weight, .. }) = *op else {
            return Err(Error::new("only convolutions and linear layers have weights"));
        };
        let (w, g) = (self.executor.parameters[weight.index()].detach(), self.gradient(weight));
        let scaled = self.scaled[step.node];
        let primal = match step.inputs[0] {
            Value::Of(node) => Some(self.primal(node)),
            Value::Zero => None,
        };
        let second = match scaled {
            true => sum(x.ab.as_ref(), x.a.as_ref())?,
            false => x.ab.as_ref().map(Tensor::shallow_clone),
        };
        let [wa, wb, wab] = together(op, &w, [x.a.as_ref(), x.b.as_ref(), second.as_ref()])?;
        let with_g = together(op, g, [primal.as_ref(), x.b.as_ref(), None])?;
        let [gx, gb, _] = with_g;
        let mut b = wb;
        let ab = sum(wab.as_ref(), gb.as_ref())?;
        if scaled {
            // w x is the output less its bias, if there is one.
            let wx = match (op, primal.as_ref()) {
                (Op::Conv2d { bias: None, .. }, Some(_)) => Some(self.primal(step.node)),
                (_, Some(primal)) => Some(apply(op, &w, primal)?),
                (_, None) => None,
            };
            accumulate(&mut b, wx.as_ref())?;
        }
        Ok(Tangent { a: sum(wa.as_ref(), gx.as_ref())?, b, ab })
    }
}

/// The layer's linear map with this weight and no bias.
fn apply(op: &Op, weight: &Tensor, x: &Tensor) -> Result<Tensor> {
    let none: Option<&Tensor> = None;
    Ok(match *op {
        Op::Conv2d { stride, padding, dilation, groups, .. } => x.f_conv2d(
            weight,
            none,
            [stride as i64; 2],
            [padding as i64; 2],
            [dilation as i64; 2],
            groups as i64,
        )?,
        _ => x.f_linear(weight, none)?,
    })
}

/// The layer's linear map on several inputs, stacked along the batch.
fn together(op: &Op, weight: &Tensor, inputs: [Option<&Tensor>; 3]) -> Result<[Option<Tensor>; 3]> {
    let given: Vec<&Tensor> = inputs.iter().filter_map(|input| *input).collect();
    let outputs = match given.as_slice() {
        [] => Vec::new(),
        [only] => vec![apply(op, weight, only)?],
        several => {
            let stacked = apply(op, weight, &Tensor::f_cat(several, 0)?)?;
            stacked.f_chunk(several.len() as i64, 0)?
        }
    };
    let mut outputs = outputs.into_iter();
    Ok(inputs.map(|input| input.and_then(|_| outputs.next())))
}

/// Batch normalisation y = s (x - m) r, with h = (x - m) r the normalised
/// value, A = r (x_a - mean x_a) and c_a = mean(h A):
/// y_a = s (A - h c_a), y_b alike, and with D from x_ab
/// y_ab = s (D - A c_b - B c_a + h (3 c_a c_b - mean(A B) - mean(h D))).
fn normalised(
    x: &Tensor,
    seen: &Statistics,
    scale: Option<&Tensor>,
    tangent: &Tangent,
) -> Result<Tangent> {
    let r = &seen.inverse_deviation;
    let s = match scale {
        Some(scale) => scale.detach(),
        None => r.ones_like(),
    };
    let moments = |t: Option<&Tensor>| -> Result<Option<Moments>> {
        t.map(|t| Moments::of(x, seen, t)).transpose()
    };
    let (a, b) = (moments(tangent.a.as_ref())?, moments(tangent.b.as_ref())?);
    // s (T - h c) = (s r) t + (-s r c) x + s (r c m - r mean t), per channel.
    let first = |t: Option<&Tensor>, moments: &Option<Moments>| -> Result<Option<Tensor>> {
        let (Some(t), Some(Moments { mean, c })) = (t, moments) else {
            return Ok(None);
        };
        let slope = s.f_mul(r)?;
        let of_x = slope.f_mul(c)?.f_neg()?;
        let constant = slope.f_mul(&c.f_mul(&seen.mean)?.f_sub(mean)?)?;
        let scaled = wide(&constant)?.f_addcmul(t, &wide(&slope)?)?;
        Ok(Some(scaled.f_addcmul(x, &wide(&of_x)?)?))
    };
    let y_a = first(tangent.a.as_ref(), &a)?;
    let y_b = first(tangent.b.as_ref(), &b)?;
    let mut y_ab = first(tangent.ab.as_ref(), &moments(tangent.ab.as_ref())?)?;
    if let (Some(x_a), Some(x_b), Some(a), Some(b)) = (&tangent.a, &tangent.b, &a, &b) {
        let mean_product = channel_mean(&x_a.f_mul(x_b)?)?.f_sub(&a.mean.f_mul(&b.mean)?)?;
        let mean_ab = mean_product.f_mul(r)?.f_mul(r)?;
        let of_h = a.c.f_mul(&b.c)?.f_mul_scalar(3.0)?.f_sub(&mean_ab)?;
        // s (h k - A c_b - B c_a), gathered by x, x_a, x_b and a constant.
        let slope = s.f_mul(r)?;
        let of_x = slope.f_mul(&of_h)?;
        let of_a = slope.f_mul(&b.c)?.f_neg()?;
        let of_b = slope.f_mul(&a.c)?.f_neg()?;
        let constant = of_x
            .f_mul(&seen.mean)?
            .f_add(&of_a.f_mul(&a.mean)?)?
            .f_add(&of_b.f_mul(&b.mean)?)?
            .f_neg()?;
        let mixed = wide(&constant)?
            .f_addcmul(x, &wide(&of_x)?)?
            .f_addcmul(x_a, &wide(&of_a)?)?
            .f_addcmul(x_b, &wide(&of_b)?)?;
        accumulate(&mut y_ab, Some(&mixed))?;
    }
    Ok(Tangent { a: y_a, b: y_b, ab: y_ab })
}

/// Per channel of a tangent t: its mean, and c = mean(h T).
struct Moments {
    mean: Tensor,
    c: Tensor,
}

impl Moments {
    fn of(x: &Tensor, seen: &Statistics, t: &Tensor) -> Result<Self> {
        let mean = channel_mean(t)?;
        let covariance = channel_mean(&x.f_mul(t)?)?.f_sub(&seen.mean.f_mul(&mean)?)?;
        let c = covariance.f_mul(&seen.inverse_deviation)?.f_mul(&seen.inverse_deviation)?;
        Ok(Self { mean, c })
    }
}

fn channel_mean(t: &Tensor) -> Result<Tensor> {
    Ok(t.f_mean_dim([0i64, 2, 3].as_slice(), false, None::<Kind>)?)
}

fn wide(per_channel: &Tensor) -> Result<Tensor> {
    Ok(per_channel.f_view([1, -1, 1, 1])?)
}

fn each(x: &Tangent, map: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tangent> {
    let map = |t: &Option<Tensor>| t.as_ref().map(&map).transpose();
    Ok(Tangent { a: map(&x.a)?, b: map(&x.b)?, ab: map(&x.ab)? })
}

fn sum(left: Option<&Tensor>, right: Option<&Tensor>) -> Result<Option<Tensor>> {
    Ok(match (left, right) {
        (Some(left), Some(right)) => Some(left.f_add(right)?),
        (Some(one), None) | (None, Some(one)) => Some(one.shallow_clone()),
        (None, None) => None,
    })
}

fn accumulate(total: &mut Option<Tensor>, more: Option<&Tensor>) -> Result<()> {
    *total = sum(total.as_ref(), more)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::engine::{
        Batch, Layout, Network,
        executor::{BatchNorm, Executor},
        program::Program,
    };
    use osee_core::graph::{ConvSpec, Graph, GraphBuilder, NodeId, Op, Pool, PoolKind, Shape};
    use osee_sdk::Measurement;
    use tch::{Kind, Reduction, Tensor};

    /// By autograd's double backward.
    fn reference(graph: &Graph, parameters: &[Tensor], batch: &Batch) -> f64 {
        let program = Program::new(graph);
        let parameters: Vec<Tensor> =
            parameters.iter().map(|p| p.detach().set_requires_grad(true)).collect();
        let executor = Executor {
            graph,
            program: &program,
            parameters: &parameters,
            batch_norm: BatchNorm::Batch,
        };
        let values = executor.forward(&batch.images).unwrap();
        let loss = executor.output(&values).cross_entropy_loss(
            &batch.labels,
            None::<&Tensor>,
            Reduction::Mean,
            -100,
            0.0,
        );
        let weights: Vec<&Tensor> = graph
            .parameters
            .iter()
            .zip(&parameters)
            .filter(|(described, _)| described.role.is_weight())
            .map(|(_, value)| value)
            .collect();
        let gradients = Tensor::run_backward(&[&loss], &weights, true, true);
        let z: Tensor = gradients.iter().map(|g| (g * g.detach()).sum(Kind::Float)).sum();
        let products = Tensor::run_backward(&[&z], &weights, true, false);
        let pairs = weights.iter().zip(&products);
        pairs.map(|(w, hg)| (*w * hg).sum(Kind::Double).double_value(&[])).sum()
    }

    fn check(build: impl Fn(&mut GraphBuilder) -> NodeId) {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = build(&mut g);
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 4);
        let graph = g.finish(x).unwrap();
        tch::manual_seed(1);
        let parameters: Vec<Tensor> = graph
            .parameters
            .iter()
            .map(|p| {
                let shape: Vec<i64> = p.shape().iter().map(|&n| n as i64).collect();
                Tensor::randn(shape, (Kind::Float, tch::Device::Cpu)) * 0.5 + 0.1
            })
            .collect();
        let batch = Batch {
            images: Tensor::randn([8, 3, 8, 8], (Kind::Float, tch::Device::Cpu)),
            labels: Tensor::from_slice(&[0i64, 1, 2, 3, 0, 1, 2, 3]),
        };
        let expected = reference(&graph, &parameters, &batch);
        let network = Network::new(graph, parameters, batch, Layout::ChannelsLast).unwrap();
        let ours =
            network.measure(Measurement::WeightHessianGradient).unwrap()[0].double_value(&[]);
        assert!((ours - expected).abs() <= 1e-3 * expected.abs(), "{ours} for {expected}");
    }

    #[test]
    fn of_a_linear_layer_alone() {
        check(|g| g.input());
    }

    #[test]
    fn of_a_convolution_without_normalisation() {
        check(|g| {
            let x = g.conv("a", g.input(), ConvSpec::same(4, 3));
            g.relu(x)
        });
    }

    #[test]
    fn of_a_normalised_convolution() {
        check(|g| {
            let x = g.conv("a", g.input(), ConvSpec::same(4, 3));
            let x = g.batch_norm("n", x, true);
            g.relu(x)
        });
    }

    #[test]
    fn of_every_operation_together() {
        check(|g| {
            let kind = PoolKind::Max;
            let max = Pool { kind, kernel: 3, stride: 2, padding: 1, ceil_mode: false };
            let kind = PoolKind::Average { count_include_pad: false };
            let average = Pool { kind, kernel: 2, stride: 2, padding: 0, ceil_mode: false };
            let x = g.conv("stem", g.input(), ConvSpec { bias: true, ..ConvSpec::same(4, 3) });
            let left = g.pool(x, max);
            let right = g.pool(x, average);
            let right = g.conv("grouped", right, ConvSpec::same(4, 3).groups(2));
            let x = g.add(&[left, right]);
            let x = g.batch_norm("n", x, true);
            let y = g.conv("b", x, ConvSpec::same(4, 3).dilation(2));
            let y = g.batch_norm("nb", y, false);
            let x = g.concat(&[x, y]);
            let x = g.op(Op::ChannelSlice { start: 1, length: 6 }, &[x]);
            let x = g.relu(x);
            let x = g.conv("c", x, ConvSpec::same(4, 1));
            let x = g.batch_norm("nc", x, true);
            g.op(Op::Crop { offset: 1 }, &[x])
        });
    }
}
