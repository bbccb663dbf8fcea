//! Inner products of single images' gradients.

use super::Network;
use osee_model::graph::ParamRole;
use osee_sdk::{Error, Measurement, Result, Tangent};
use tch::{Kind, Tensor};

/// Entries of the largest matrix of gradients that is made at once.
const AT_ONCE: i64 = 1 << 28;

/// Columns that are multiplied in f64 at once.
const BLOCK: i64 = 1 << 17;

impl Network {
    pub(super) fn tangent_kernel(&self, tangent: Tangent) -> Result<Vec<Tensor>> {
        self.measure(Measurement::Logits)?;
        let pass = self.pass()?;
        let pass = pass.borrow();
        let logits = &pass.logits;
        let images = logits.size()[0];
        let scalars = match tangent {
            Tangent::SumOfLogits => logits.f_sum_dim_intlist([1i64].as_slice(), false, None)?,
            Tangent::LabelLogit => {
                self.batch.check_labels(logits.size()[1])?;
                let labels = self.batch.labels().f_unsqueeze(1)?;
                logits.f_gather(1, &labels, false)?.f_squeeze()?.f_reshape([images])?
            }
        };
        let options = (Kind::Double, logits.device());
        let mut kernel = Tensor::f_zeros([images, images], options)?;
        if !scalars.requires_grad() {
            return Ok(vec![kernel]);
        }
        let scalars = scalars.f_unbind(0)?;
        // As many parameters at a time as their gradients of all images have room.
        let mut group: Vec<&Tensor> = Vec::new();
        let mut room = AT_ONCE;
        for parameter in self.differentiated(tangent) {
            let entries = images * parameter.numel() as i64;
            if entries > room && !group.is_empty() {
                add_products(&scalars, &group, &mut kernel)?;
                (group, room) = (Vec::new(), AT_ONCE);
            }
            room -= entries;
            group.push(parameter);
        }
        if !group.is_empty() {
            add_products(&scalars, &group, &mut kernel)?;
        }
        Ok(vec![kernel])
    }

    /// The parameters that can reach the output and whose role counts.
    fn differentiated(&self, tangent: Tangent) -> Vec<&Tensor> {
        let counts = |role| match (tangent, role) {
            (_, ParamRole::ConvWeight | ParamRole::LinearWeight) => true,
            (Tangent::SumOfLogits, role) => role == ParamRole::NormScale,
            (Tangent::LabelLogit, role) => matches!(role, ParamRole::Bias { .. }),
        };
        let live = self.program.parameters(&self.graph);
        let chosen = live.into_iter().filter(|&i| counts(self.graph.parameters[i].role));
        chosen.map(|i| &self.parameters[i]).collect()
    }
}

/// Adds the inner products of the gradients of each two scalars.
fn add_products(scalars: &[Tensor], parameters: &[&Tensor], kernel: &mut Tensor) -> Result<()> {
    let mut rows = Vec::with_capacity(scalars.len());
    for scalar in scalars {
        let gradients = Tensor::f_run_backward(&[scalar], parameters, true, false)?;
        let flat: Vec<Tensor> = gradients
            .iter()
            .zip(parameters)
            .map(|(gradient, parameter)| match gradient.defined() {
                true => gradient.f_reshape([-1]),
                false => parameter.detach().f_zeros_like()?.f_reshape([-1]),
            })
            .collect::<std::result::Result<_, _>>()?;
        rows.push(Tensor::f_cat(&flat, 0)?);
    }
    let width = rows.first().ok_or_else(|| Error::new("a batch has an image"))?.size()[0];
    let _no_grad = tch::no_grad_guard();
    let mut start = 0;
    while start < width {
        let count = BLOCK.min(width - start);
        let block: Vec<Tensor> = rows
            .iter()
            .map(|row| row.f_narrow(0, start, count))
            .collect::<std::result::Result<_, _>>()?;
        let block = Tensor::f_stack(&block, 0)?.f_to_kind(Kind::Double)?;
        *kernel = kernel.f_addmm(&block, &block.f_transpose(0, 1)?)?;
        start += count;
    }
    Ok(())
}
