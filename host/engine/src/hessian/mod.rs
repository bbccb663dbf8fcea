//! w'Hg without a second backward pass: the mixed second derivative of
//! L(w + a g + b w) in a and b at 0.
//!
//! First derivatives of every value in a and in b are carried forward. Second
//! derivatives are not needed: L_ab is the sum over operations of <loss gradient at the
//! output, what the operation itself adds to the output's mixed derivative>,
//! and the shared backward pass leaves those gradients. Only weights,
//! batch normalisation and the loss add anything.
//!
//! Scaling a convolution whose output goes only into batch normalisations does not
//! change the loss, so there w'(Hg) = -|g|^2 and b need not act on it. That is exact up
//! to eps, so it is used only where eps is small
//! against the variance of every channel.

mod stacked;

use super::{
    executor::{Executor, Statistics, Values},
    layout::Layout,
    program::{Step, Value},
};
use osee_model::graph::{Op, ParamId, Pool, PoolKind};
use osee_sdk::{Error, Result, numbers};
use std::cell::RefCell;
use tch::{Device, Kind, Tensor};

/// Ratio of variance to eps from which a normalised convolution counts as invariant.
const VARIANCE_OVER_EPS: f64 = 1e4;

/// First derivatives of a value in a and b; `None` is zero.
#[derive(Default)]
struct Tangent {
    a: Option<Tensor>,
    b: Option<Tensor>,
}

/// Results of the shared passes.
pub struct Shared<'a> {
    /// Outputs of all live steps.
    pub values: &'a Values,
    /// Loss gradients with respect to the parameters, in graph order.
    pub gradients: &'a [Tensor],
    /// Loss gradients at the outputs of weighted and normalising steps, by node.
    pub at_outputs: &'a [Option<Tensor>],
}

impl Shared<'_> {
    fn gradient(&self, id: ParamId) -> &Tensor {
        &self.gradients[id.index()]
    }

    fn primal(&self, node: usize) -> Tensor {
        self.values.outputs[node].as_ref().expect("live steps have run").detach()
    }

    /// Loss gradient at the output of a weighted or normalising step.
    fn adjoint(&self, node: usize) -> Result<&Tensor> {
        let known = self.at_outputs[node].as_ref();
        known.ok_or_else(|| Error::new("the backward pass left no gradient at a layer"))
    }
}

/// Computes w'Hg over convolution and linear weights.
pub fn measure(executor: &Executor<'_>, shared: &Shared<'_>) -> Result<f64> {
    let _no_grad = tch::no_grad_guard();
    let Value::Of(output) = executor.program.values[executor.graph.output.index()] else {
        return Ok(0.0);
    };
    if executor.output(shared.values).device() != Device::Cpu {
        return stacked::measure(executor, shared, output);
    }
    let scaled = scaled_layers(executor, shared.values)?;
    let forward = Forward { executor, shared, scaled, mixed: RefCell::default() };
    let mut tangents: Vec<Tangent> = Vec::new();
    tangents.resize_with(executor.graph.nodes.len(), Tangent::default);
    let last_uses = executor.program.last_uses();
    for (step, last_uses) in executor.program.steps.iter().zip(last_uses) {
        if step.live && step.node != 0 {
            tangents[step.node] = forward.step(step, &tangents)?;
        }
        // Memory freed here is still in cache when the next step allocates.
        for node in last_uses {
            tangents[node] = Tangent::default();
        }
    }
    let logits = executor.output(shared.values);
    let of_loss = match (&tangents[output].a, &tangents[output].b) {
        (Some(a), Some(b)) => f64::try_from(loss_derivative(&logits, a, b)?)?,
        _ => 0.0,
    };
    let sum = |scalars: &[Tensor]| -> Result<f64> {
        Ok(numbers(scalars)?.into_iter().fold(0.0, |sum, it| sum + it))
    };
    Ok(of_loss + sum(&forward.mixed.take())? - sum(&forward.invariant_gradient_norms()?)?)
}

/// For each node, true if b must act on its weight: convolutions and linear
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

/// A boolean scalar: true if every channel is zero or its variance dwarfs eps.
fn dominates(seen: &Statistics, eps: f64) -> Result<Tensor> {
    let deviation = seen.inverse_deviation.f_reciprocal()?;
    let variance = deviation.f_square()?;
    let large = variance.f_ge(eps * (VARIANCE_OVER_EPS + 1.0))?;
    let zero = variance.f_le(eps * (1.0 + 1e-6))?.f_logical_and(&seen.mean.f_eq(0.0)?)?;
    Ok(large.f_logical_or(&zero)?.f_all()?)
}

/// What the mean cross-entropy itself adds to L_ab, for derivatives `[n, classes]` of the logits:
/// the mean over the batch of sum p z_a z_b - (sum p z_a)(sum p z_b), f64.
fn loss_derivative(logits: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let over_classes = |t: Tensor| t.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Double);
    let p = logits.f_softmax(1, Kind::Double)?;
    let weighted = p.f_mul(&a.f_to_kind(Kind::Double)?)?;
    let b = b.f_to_kind(Kind::Double)?;
    let joint = over_classes(weighted.f_mul(&b)?)?;
    let apart = over_classes(weighted)?.f_mul(&over_classes(p.f_mul(&b)?)?)?;
    Ok(joint.f_sub(&apart)?.f_mean(Kind::Double)?)
}

struct Forward<'a> {
    executor: &'a Executor<'a>,
    shared: &'a Shared<'a>,
    scaled: Vec<bool>,
    /// The operations' contributions to L_ab, each without dimensions and still on the device.
    mixed: RefCell<Vec<Tensor>>,
}

impl Forward<'_> {
    /// |g|^2, f64, of each layer that b does not act on.
    fn invariant_gradient_norms(&self) -> Result<Vec<Tensor>> {
        let graph = self.executor.graph;
        let mut norms = Vec::new();
        for step in self.executor.program.steps.iter().filter(|step| step.live) {
            if let Op::Conv2d { weight, .. } = graph.nodes[step.node].op
                && !self.scaled[step.node]
            {
                norms.push(self.shared.gradient(weight).f_square()?.f_sum(Kind::Double)?);
            }
        }
        Ok(norms)
    }

    /// Adds <loss gradient at `node`, `added`> to L_ab.
    fn add_mixed(&self, node: usize, added: &Tensor) -> Result<()> {
        let product = flat(self.shared.adjoint(node)?)?.f_dot(&flat(added)?)?;
        self.mixed.borrow_mut().push(product);
        Ok(())
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
                let scale = affine.map(|[scale, _]| &self.executor.parameters[scale.index()]);
                self.normalised(step, scale, tangent(0))
            }
            Op::Relu => {
                let output = self.shared.primal(step.node);
                each(tangent(0), |t| Ok(output.f_threshold_backward(t, 0.0)?))
            }
            Op::Pool(pool) => match step.inputs[0] {
                Value::Of(input) => pooled(&self.shared.primal(input), &pool, tangent(0)),
                Value::Zero => Ok(zero),
            },
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
                let inputs = || (0..step.inputs.len()).map(tangent);
                let a = total(inputs().filter_map(|input| input.a.as_ref()))?;
                Ok(Tangent { a, b: total(inputs().filter_map(|input| input.b.as_ref()))? })
            }
            Op::Concat => self.concatenated(step, tangents),
            ref other => Err(Error::new(format!("no derivative of `{}`", other.name()))),
        }
    }

    fn concatenated(&self, step: &Step, tangents: &[Tangent]) -> Result<Tangent> {
        let sources = &self.executor.graph.nodes[step.node].inputs;
        let join = |pick: fn(&Tangent) -> &Option<Tensor>| -> Result<Option<Tensor>> {
            let known = |value: &Value| match *value {
                Value::Of(node) => pick(&tangents[node]).as_ref(),
                Value::Zero => None,
            };
            if step.inputs.iter().all(|value| known(value).is_none()) {
                return Ok(None);
            }
            let filled =
                step.inputs.iter().zip(sources).map(|(value, source)| match known(value) {
                    Some(t) => t.shallow_clone(),
                    None => {
                        let like = self.executor.value(self.shared.values, *value, source.index());
                        like.detach().zeros_like()
                    }
                });
            Ok(Some(Tensor::f_cat(&filled.collect::<Vec<_>>(), 1)?))
        };
        Ok(Tangent { a: join(|t| &t.a)?, b: join(|t| &t.b)? })
    }

    /// A convolution or linear layer with weight W = w + a g + b w:
    /// y_a = w x_a + g x, y_b = w x_b + w x; it adds g x_b + w x_a.
    fn weighted(&self, step: &Step, x: &Tangent) -> Result<Tangent> {
        let op = &self.executor.graph.nodes[step.node].op;
        let (Op::Conv2d { weight, .. } | Op::Linear { weight, .. }) = *op else {
            return Err(Error::new("only convolutions and linear layers have weights"));
        };
        let (w, g) =
            (self.executor.parameters[weight.index()].detach(), self.shared.gradient(weight));
        let input = match step.inputs[0] {
            Value::Of(node) => Some(self.shared.primal(node)),
            Value::Zero => None,
        };
        let with =
            |weight: &Tensor, x: Option<&Tensor>| x.map(|x| apply(op, weight, x)).transpose();
        let wa = with(&w, x.a.as_ref())?;
        if let Some(gb) = with(g, x.b.as_ref())? {
            self.add_mixed(step.node, &gb)?;
        }
        let mut b = with(&w, x.b.as_ref())?;
        if self.scaled[step.node] {
            if let Some(wa) = &wa {
                self.add_mixed(step.node, wa)?;
            }
            // w x is the output minus its bias, if it has one.
            let wx = match (op, &input) {
                (Op::Conv2d { bias: None, .. }, Some(_)) => Some(self.shared.primal(step.node)),
                (_, input) => with(&w, input.as_ref())?,
            };
            b = add_to(b, wx.as_ref())?;
        }
        Ok(Tangent { a: add_to(wa, with(g, input.as_ref())?.as_ref())?, b })
    }

    /// A batch normalisation y = s (x - m) r, with h = (x - m) r the normalised
    /// value, A = r (x_a - mean x_a) and c_a = mean(h A):
    /// y_a = s (A - h c_a), y_b likewise; it adds
    /// s (h (3 c_a c_b - mean(A B)) - A c_b - B c_a).
    fn normalised(&self, step: &Step, scale: Option<&Tensor>, t: &Tangent) -> Result<Tangent> {
        let Value::Of(input) = step.inputs[0] else { return Ok(Tangent::default()) };
        let x = self.shared.primal(input);
        let seen = self.shared.values.statistics[step.node].as_ref().expect("live steps have run");
        let r = &seen.inverse_deviation;
        let slope = match scale {
            Some(scale) => scale.detach().f_mul(r)?,
            None => r.shallow_clone(),
        };
        let moments = |t: &Option<Tensor>| -> Result<Option<Moments>> {
            t.as_ref().map(|t| Moments::of(&x, seen, t)).transpose()
        };
        let (of_a, of_b) = (moments(&t.a)?, moments(&t.b)?);
        // s (T - h c) = (s r) t - (s r c) x + s r (c m - mean t).
        let first = |t: &Option<Tensor>, moments: &Option<Moments>| -> Result<Option<Tensor>> {
            let (Some(t), Some(Moments { mean, c })) = (t, moments) else { return Ok(None) };
            let of_x = slope.f_mul(c)?.f_neg()?;
            let shift = slope.f_mul(&c.f_mul(&seen.mean)?.f_sub(mean)?)?;
            Ok(Some(combined([(t, &slope), (&x, &of_x)], &shift)?))
        };
        if let (Some(x_a), Some(x_b), Some(a), Some(b)) = (&t.a, &t.b, &of_a, &of_b) {
            let adjoint = self.shared.adjoint(step.node)?;
            let total = channel_sum(adjoint)?;
            // <adjoint, t - mean t> per channel.
            let against = |t: &Tensor, mean: &Tensor| -> Result<Tensor> {
                Ok(channel_dot(adjoint, t)?.f_sub(&total.f_mul(mean)?)?)
            };
            let count = (x.numel() as i64 / x.size()[1]) as f64;
            let mean_product =
                channel_dot(x_a, x_b)?.f_div_scalar(count)?.f_sub(&a.mean.f_mul(&b.mean)?)?;
            let mean_ab = mean_product.f_mul(r)?.f_mul(r)?;
            let of_h = a.c.f_mul(&b.c)?.f_mul_scalar(3.0)?.f_sub(&mean_ab)?;
            let added = against(&x, &seen.mean)?
                .f_mul(&of_h)?
                .f_sub(&against(x_a, &a.mean)?.f_mul(&b.c)?)?
                .f_sub(&against(x_b, &b.mean)?.f_mul(&a.c)?)?
                .f_mul(&slope)?
                .f_sum(Kind::Double)?;
            self.mixed.borrow_mut().push(added);
        }
        Ok(Tangent { a: first(&t.a, &of_a)?, b: first(&t.b, &of_b)? })
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

fn pooled(input: &Tensor, pool: &Pool, x: &Tangent) -> Result<Tangent> {
    let [kernel, stride, padding] = [pool.kernel, pool.stride, pool.padding].map(|n| [n as i64; 2]);
    let ceil = pool.ceil_mode;
    match pool.kind {
        PoolKind::Average { count_include_pad } => each(x, |t| {
            Ok(t.f_avg_pool2d(kernel, stride, padding, ceil, count_include_pad, None)?)
        }),
        PoolKind::Max => {
            let (output, chosen) =
                input.f_max_pool2d_with_indices(kernel, stride, padding, [1, 1], ceil)?;
            let chosen = chosen.f_flatten(2, 3)?;
            each(x, |t| {
                let picked = t.f_flatten(2, 3)?.f_gather(2, &chosen, false)?;
                Ok(picked.f_view(output.size().as_slice())?)
            })
        }
    }
}

/// The mean of a tangent t, and c = mean(h T), per channel.
struct Moments {
    mean: Tensor,
    c: Tensor,
}

impl Moments {
    fn of(x: &Tensor, seen: &Statistics, t: &Tensor) -> Result<Self> {
        let count = (x.numel() as i64 / x.size()[1]) as f64;
        let mean = channel_sum(t)?.f_div_scalar(count)?;
        let product = channel_dot(x, t)?.f_div_scalar(count)?;
        let covariance = product.f_sub(&seen.mean.f_mul(&mean)?)?;
        let c = covariance.f_mul(&seen.inverse_deviation)?.f_mul(&seen.inverse_deviation)?;
        Ok(Self { mean, c })
    }
}

/// A vector, in an order that all tensors of one shape share; does not copy.
fn flat(t: &Tensor) -> Result<Tensor> {
    Layout::fastest(t.device(), t.kind()).flat(t)
}

/// `[n, c, h, w]` as `[n h w, c]`; does not copy a channels-last tensor.
fn rows(t: &Tensor) -> Result<Tensor> {
    Ok(t.f_permute([0i64, 2, 3, 1])?.f_reshape([-1, t.size()[1]])?)
}

fn channel_sum(t: &Tensor) -> Result<Tensor> {
    Ok(rows(t)?.f_sum_dim_intlist([0i64].as_slice(), false, None::<Kind>)?)
}

/// The sum of products per channel: three times as fast as the diagonal of a
/// matrix product, even though it writes the products to memory.
fn channel_dot(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    channel_sum(&x.f_mul(y)?)
}

/// shift + f t + g u per channel, for terms (t, f) and (u, g), as batch normalisations with fixed
/// statistics, which have the fastest kernel.
fn combined([t, u]: [(&Tensor, &Tensor); 2], shift: &Tensor) -> Result<Tensor> {
    let (mean, variance) = (shift.zeros_like(), shift.ones_like());
    let affine = |(t, factor): (&Tensor, &Tensor), shift: &Tensor| {
        let (factor, shift, mean, variance) =
            (Some(factor), Some(shift), Some(&mean), Some(&variance));
        t.f_batch_norm(factor, shift, mean, variance, false, 0.0, 0.0, false)
    };
    Ok(affine(t, shift)?.f_add_(&affine(u, &mean)?)?)
}

fn each(x: &Tangent, map: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tangent> {
    let map = |t: &Option<Tensor>| t.as_ref().map(&map).transpose();
    Ok(Tangent { a: map(&x.a)?, b: map(&x.b)? })
}

/// The sum of values that others may still use; `None` if there are none.
fn total<'t>(mut values: impl Iterator<Item = &'t Tensor>) -> Result<Option<Tensor>> {
    let (first, second) = (values.next(), values.next());
    let (Some(first), Some(second)) = (first, second) else {
        return Ok(first.map(Tensor::shallow_clone));
    };
    let mut total = first.f_add(second)?;
    for value in values {
        total = total.f_add_(value)?;
    }
    Ok(Some(total))
}

/// The sum of `own`, which nothing shares and which is overwritten, and `other`.
fn add_to(own: Option<Tensor>, other: Option<&Tensor>) -> Result<Option<Tensor>> {
    Ok(match (own, other) {
        (Some(mut own), Some(other)) => Some(own.f_add_(other)?),
        (Some(own), None) => Some(own),
        (None, other) => other.map(Tensor::shallow_clone),
    })
}

#[cfg(test)]
mod tests;
