//! The same derivatives with those in a and b in one tensor.
//!
//! On a GPU, a call costs more than the arithmetic of small networks. So both derivatives go
//! through each operation together, b acts on every weight, and nothing is read before the end.

use super::{Shared, apply, flat, loss_derivative, total};
use crate::{
    executor::Executor,
    program::{Step, Value},
};
use osee_model::graph::{Op, ParamId, Pool, PoolKind};
use osee_sdk::{Error, Result};
use std::cell::RefCell;
use tch::{Kind, Tensor};

/// First derivatives of a value in a and in b, `[2, n, ...]`; `None` is zero.
type Pair = Option<Tensor>;

/// Computes w'Hg, where `output` is the node of the logits.
pub fn measure(executor: &Executor<'_>, shared: &Shared<'_>, output: usize) -> Result<f64> {
    let forward = Stacked { executor, shared, mixed: RefCell::default() };
    let mut pairs: Vec<Pair> = Vec::new();
    pairs.resize_with(executor.graph.nodes.len(), Pair::default);
    for (step, last_uses) in executor.program.steps.iter().zip(executor.program.last_uses()) {
        if step.live && step.node != 0 {
            pairs[step.node] = forward.step(step, &pairs)?;
        }
        for node in last_uses {
            pairs[node] = None;
        }
    }
    let logits = executor.output(shared.values);
    let mut mixed = forward.mixed.take();
    if let Some(pair) = &pairs[output] {
        mixed.push(loss_derivative(&logits, &pair.f_select(0, 0)?, &pair.f_select(0, 1)?)?);
    }
    let flat: Vec<Tensor> =
        mixed.iter().map(|it| it.f_reshape([-1])).collect::<std::result::Result<_, _>>()?;
    if flat.is_empty() {
        return Ok(0.0);
    }
    Ok(f64::try_from(Tensor::f_cat(&flat, 0)?.f_sum(Kind::Double)?)?)
}

struct Stacked<'a> {
    executor: &'a Executor<'a>,
    shared: &'a Shared<'a>,
    /// The operations' contributions to L_ab: tensors whose entries add up to it.
    mixed: RefCell<Vec<Tensor>>,
}

impl Stacked<'_> {
    fn weight(&self, id: ParamId) -> Tensor {
        self.executor.parameters[id.index()].detach()
    }

    fn step(&self, step: &Step, pairs: &[Pair]) -> Result<Pair> {
        let of = |value: &Value| match *value {
            Value::Of(node) => pairs[node].as_ref(),
            Value::Zero => None,
        };
        let inputs: Vec<Option<&Tensor>> = step.inputs.iter().map(of).collect();
        let op = &self.executor.graph.nodes[step.node].op;
        match op {
            Op::Conv2d { .. } | Op::Linear { .. } => return self.weighted(step, inputs[0]),
            Op::Concat => return self.concatenated(step, &inputs),
            Op::Add => return total(inputs.into_iter().flatten()),
            _ => {}
        }
        let (Some(t), Value::Of(source)) = (inputs[0], step.inputs[0]) else { return Ok(None) };
        Ok(Some(match *op {
            Op::BatchNorm { affine, .. } => {
                let scale = affine.map(|[scale, _]| self.weight(scale));
                self.normalised((step.node, source), scale.as_ref(), t)?
            }
            Op::Relu => {
                let output = self.shared.primal(step.node).f_unsqueeze(0)?.f_expand_as(t)?;
                output.f_threshold_backward(t, 0.0)?
            }
            Op::Pool(pool) => pooled(&self.shared.primal(source), &pool, t)?,
            Op::GlobalAvgPool => t.f_mean_dim([3i64, 4].as_slice(), false, None::<Kind>)?,
            Op::ChannelSlice { start, length } => t.f_narrow(2, start as i64, length as i64)?,
            Op::Crop { offset } => {
                let offset = offset as i64;
                t.f_slice(3, offset, None, 1)?.f_slice(4, offset, None, 1)?
            }
            ref other => return Err(Error::new(format!("no derivative of `{}`", other.name()))),
        }))
    }

    fn concatenated(&self, step: &Step, inputs: &[Option<&Tensor>]) -> Result<Pair> {
        if inputs.iter().all(Option::is_none) {
            return Ok(None);
        }
        let sources = &self.executor.graph.nodes[step.node].inputs;
        let filled = |((known, value), source): ((&Option<&Tensor>, &Value), _)| match known {
            Some(t) => Ok(t.shallow_clone()),
            None => {
                let id: &osee_model::graph::NodeId = source;
                let like = self.executor.value(self.shared.values, *value, id.index());
                let mut size = like.size();
                size.insert(0, 2);
                Ok(Tensor::f_zeros(size, (like.kind(), like.device()))?)
            }
        };
        let parts: Vec<Tensor> =
            inputs.iter().zip(&step.inputs).zip(sources).map(filled).collect::<Result<_>>()?;
        Ok(Some(Tensor::f_cat(&parts, 2)?))
    }

    /// A convolution or linear layer: y_a = w x_a + g x, y_b = w x_b + w x; it adds
    /// g x_b + w x_a.
    fn weighted(&self, step: &Step, t: Option<&Tensor>) -> Result<Pair> {
        let op = &self.executor.graph.nodes[step.node].op;
        let (Op::Conv2d { weight, .. } | Op::Linear { weight, .. }) = *op else {
            return Err(Error::new("only convolutions and linear layers have weights"));
        };
        let Value::Of(source) = step.inputs[0] else { return Ok(None) };
        let (w, g, x) =
            (self.weight(weight), self.shared.gradient(weight), self.shared.primal(source));
        // w x is the output minus its bias, if it has one.
        let wx = match op {
            Op::Conv2d { bias: None, .. } => self.shared.primal(step.node),
            _ => apply(op, &w, &x)?,
        };
        let Some(t) = t else {
            return Ok(Some(Tensor::f_stack(&[apply(op, g, &x)?, wx], 0)?));
        };
        let y = as_pair(&apply(op, &w, &t.f_flatten(0, 1)?)?)?;
        let by_g = Tensor::f_cat(&[t.f_select(0, 1)?, x], 0)?;
        let by_g = as_pair(&apply(op, g, &by_g)?)?;
        let added = y.f_select(0, 0)?.f_add(&by_g.f_select(0, 0)?)?;
        let adjoint = self.shared.adjoint(step.node)?;
        self.mixed.borrow_mut().push(flat(adjoint)?.f_dot(&flat(&added)?)?);
        let _ = y.f_select(0, 0)?.f_add_(&by_g.f_select(0, 1)?)?;
        let _ = y.f_select(0, 1)?.f_add_(&wx)?;
        Ok(Some(y))
    }

    /// A batch normalisation, in the terms of the module above, with per-channel numbers of both
    /// derivatives as `[2, c]`.
    fn normalised(
        &self,
        (node, source): (usize, usize),
        scale: Option<&Tensor>,
        t: &Tensor,
    ) -> Result<Tensor> {
        let x = self.shared.primal(source);
        let seen = self.shared.values.statistics[node].as_ref().expect("live steps have run");
        let r = &seen.inverse_deviation;
        let slope = scale.map_or_else(|| Ok(r.shallow_clone()), |scale| scale.f_mul(r))?;
        let (minus_square, minus_m) = (r.f_mul(r)?.f_neg()?, seen.mean.f_neg()?);
        let mean_of = |t: &Tensor| t.f_mean_dim([1i64, 3, 4].as_slice(), false, None::<Kind>);
        let mean = mean_of(t)?;
        let minus_mean = mean.f_neg()?;
        // Minus c of the module above, whose sign is taken into account below.
        let c = mean_of(&t.f_mul(&x)?)?.f_addcmul(&mean, &minus_m)?.f_mul(&minus_square)?;
        let of_x = c.f_mul(&slope)?;
        let shift = minus_mean.f_mul(&slope)?.f_addcmul(&of_x, &minus_m)?;
        let wide = |both: &Tensor| both.f_view([2, 1, -1, 1, 1]);
        let y = wide(&shift)?.f_addcmul(t, &slope.f_view([-1, 1, 1])?)?;
        let y = { y }.f_addcmul_(&x, &wide(&of_x)?)?;

        let adjoint = self.shared.adjoint(node)?;
        let sum = |t: &Tensor| t.f_sum_dim_intlist([0i64, 2, 3].as_slice(), false, None::<Kind>);
        let all = sum(adjoint)?;
        // <adjoint, t - mean t> per channel.
        let against_x = sum(&adjoint.f_mul(&x)?)?.f_addcmul(&all, &minus_m)?;
        let products = t.f_mul(adjoint)?;
        let products = products.f_sum_dim_intlist([1i64, 3, 4].as_slice(), false, None::<Kind>)?;
        let against = products.f_addcmul(&all, &minus_mean)?;
        let two = |both: &Tensor| -> Result<[Tensor; 2]> {
            Ok([both.f_select(0, 0)?, both.f_select(0, 1)?])
        };
        let ([t_a, t_b], [c_a, c_b]) = (two(t)?, two(&c)?);
        let [against_a, against_b] = two(&against)?;
        let product = t_a.f_mul(&t_b)?;
        let product = product.f_mean_dim([0i64, 2, 3].as_slice(), false, None::<Kind>)?;
        let covariance = product.f_addcmul(&mean.f_select(0, 0)?, &minus_mean.f_select(0, 1)?)?;
        let of_h = covariance.f_mul(&minus_square)?.f_addcmul(&c_a.f_mul_scalar(3.0)?, &c_b)?;
        let added = against_a
            .f_mul(&c_b)?
            .f_addcmul(&against_b, &c_a)?
            .f_addcmul(&against_x, &of_h)?
            .f_mul(&slope)?;
        self.mixed.borrow_mut().push(added);
        Ok(y)
    }
}

/// `[2 n, ...]` as `[2, n, ...]`.
fn as_pair(t: &Tensor) -> Result<Tensor> {
    let mut size = t.size();
    size[0] /= 2;
    size.insert(0, 2);
    Ok(t.f_reshape(size)?)
}

fn pooled(input: &Tensor, pool: &Pool, t: &Tensor) -> Result<Tensor> {
    let [kernel, stride, padding] = [pool.kernel, pool.stride, pool.padding].map(|n| [n as i64; 2]);
    let ceil = pool.ceil_mode;
    match pool.kind {
        PoolKind::Average { count_include_pad } => as_pair(&t.f_flatten(0, 1)?.f_avg_pool2d(
            kernel,
            stride,
            padding,
            ceil,
            count_include_pad,
            None,
        )?),
        PoolKind::Max => {
            let (output, chosen) =
                input.f_max_pool2d_with_indices(kernel, stride, padding, [1, 1], ceil)?;
            let mut size = output.size();
            size.insert(0, 2);
            let chosen =
                chosen.f_flatten(2, 3)?.f_unsqueeze(0)?.f_expand([2, -1, -1, -1], false)?;
            Ok(t.f_flatten(3, 4)?.f_gather(3, &chosen, false)?.f_view(size.as_slice())?)
        }
    }
}
