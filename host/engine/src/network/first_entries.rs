//! How single images' logits depend on the first entry of each parameter.

use super::{Network, passes::gradients_or_zeros};
use crate::{
    executor::{Executor, Values},
    program::Value,
};
use osee_model::graph::Op;
use osee_sdk::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use tch::{Kind, Tensor};

/// The largest number of parameters whose first entries are varied.
const PARAMETERS: usize = 128;

/// How the output of a node depends on the first entry of one of its parameters.
enum Entry {
    /// The derivative is the first channel of the output gradient times this tensor, summed over
    /// pixels.
    Times(Tensor),
    /// It is the sum over pixels of the first channel of the output gradient.
    Alone,
}

impl Network {
    pub(super) fn first_entry_jacobian(&self) -> Result<Vec<Tensor>> {
        if self.couples_images() {
            return Err(Error::new(
                "a Jacobian per image needs normalisation that couples no images",
            ));
        }
        let executor = self.executor();
        let values = executor.forward(&self.batch.images)?;
        let logits = executor.output(&values);
        let count = self.graph.parameters.len().min(PARAMETERS);
        let [images, classes] = [0, 1].map(|dim| logits.size()[dim]);
        let options = (Kind::Float, logits.device());
        if !logits.requires_grad() {
            return Ok(vec![Tensor::f_zeros([images, classes, count as i64], options)?]);
        }
        let entries = self.entries(&executor, &values, count)?;
        let nodes: BTreeSet<usize> = entries.values().flatten().map(|(node, _)| *node).collect();
        let outputs: Vec<Tensor> =
            nodes.iter().map(|&node| executor.value(&values, Value::Of(node), node)).collect();
        let borrowed: Vec<&Tensor> = outputs.iter().collect();
        let zeros = Tensor::f_zeros([images], options)?;
        let mut of_classes = Vec::new();
        for class in 0..classes {
            let sum = logits.f_select(1, class)?.f_sum(None::<Kind>)?;
            let gradients = gradients_or_zeros(&sum, &borrowed)?;
            let first: BTreeMap<usize, Tensor> = nodes
                .iter()
                .zip(&gradients)
                .map(|(node, gradient)| {
                    Ok((*node, gradient.f_select(1, 0)?.f_reshape([images, -1])?))
                })
                .collect::<Result<_>>()?;
            let mut columns = Vec::new();
            for parameter in 0..count {
                let mut column = zeros.shallow_clone();
                for (node, entry) in entries.get(&parameter).into_iter().flatten() {
                    let at_output = &first[node];
                    let part = match entry {
                        Entry::Times(factor) => at_output.f_mul(factor)?,
                        Entry::Alone => at_output.shallow_clone(),
                    };
                    column =
                        column.f_add(&part.f_sum_dim_intlist([1i64].as_slice(), false, None)?)?;
                }
                columns.push(column);
            }
            of_classes.push(Tensor::f_stack(&columns, 1)?);
        }
        Ok(vec![Tensor::f_stack(&of_classes, 1)?])
    }

    /// True if the statistics of batch normalisations depend on other images.
    fn couples_images(&self) -> bool {
        let norms = self.graph.nodes.iter().any(|it| matches!(it.op, Op::BatchNorm { .. }));
        norms && self.statistics.is_empty()
    }

    /// For each of the first `count` parameters, the live nodes that use it and how.
    fn entries(
        &self,
        executor: &Executor<'_>,
        values: &Values,
        count: usize,
    ) -> Result<BTreeMap<usize, Vec<(usize, Entry)>>> {
        let images = self.batch.images.size()[0];
        let mut entries: BTreeMap<usize, Vec<(usize, Entry)>> = BTreeMap::new();
        for step in self.program.steps.iter().filter(|step| step.live) {
            let node = &self.graph.nodes[step.node];
            let input = || -> Result<Tensor> {
                let source = node.inputs[0].index();
                let input = executor.value(values, step.inputs[0], source);
                Ok(input.detach().f_select(1, 0)?)
            };
            let factor = match node.op {
                Op::Conv2d { stride, padding, .. } => {
                    let [height, width] =
                        match executor.value(values, Value::Of(step.node), step.node).size()[..] {
                            [.., height, width] => [height, width],
                            _ => continue,
                        };
                    let (stride, padding) = (stride as i64, padding as i64);
                    // What the first tap of the kernel sees.
                    let seen = input()?
                        .f_constant_pad_nd([padding; 4])?
                        .f_slice(1, None, None, stride)?
                        .f_slice(2, None, None, stride)?
                        .f_narrow(1, 0, height)?
                        .f_narrow(2, 0, width)?;
                    seen.f_reshape([images, -1])?
                }
                Op::BatchNorm { eps, .. } => {
                    let normalised = input()?.f_mul_scalar(1.0 / (1.0 + eps).sqrt())?;
                    normalised.f_reshape([images, -1])?
                }
                Op::Linear { .. } => input()?.f_reshape([images, -1])?,
                _ => continue,
            };
            let mut parameters = node.op.parameters();
            let uses = [
                parameters.next().map(|id| (id, Entry::Times(factor))),
                parameters.next().map(|id| (id, Entry::Alone)),
            ];
            for (id, entry) in uses.into_iter().flatten().filter(|(id, _)| id.index() < count) {
                entries.entry(id.index()).or_default().push((step.node, entry));
            }
        }
        Ok(entries)
    }
}
