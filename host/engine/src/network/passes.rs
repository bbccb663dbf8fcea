//! Runs measurements: which pass each takes, and the passes of several.

use super::{Network, leaves, share};
use crate::{
    executor::{BatchNorm, Executor},
    hessian, layout, relu_kernel,
};
use osee_model::graph::Op;
use osee_sdk::{BatchNormMode, Error, Measurement, Result};
use tch::{Kind, Tensor};

impl Network {
    pub(super) fn run(&self, what: &Measurement) -> Result<Vec<Tensor>> {
        match what {
            Measurement::Batch => {
                Ok(vec![self.batch.images.detach(), self.batch.labels().shallow_clone()])
            }
            Measurement::Parameters => Ok(self.parameters.iter().map(Tensor::detach).collect()),
            Measurement::Leaves => Ok(self.parameters.iter().map(Tensor::shallow_clone).collect()),
            // Detached, because a backward pass by an estimator would free what
            // the shared passes need.
            Measurement::Logits => Ok(vec![self.pass()?.borrow().logits.detach()]),
            Measurement::Loss => {
                let [logits] = self.one(Measurement::Logits)?;
                Ok(vec![self.batch.cross_entropy(&logits)?])
            }
            Measurement::LossGradients => self.loss_gradients(),
            Measurement::LayerActivations => {
                // The backward pass for the gradients leaves the activations as well.
                self.measure(Measurement::LossGradients)?;
                match self.measured.borrow().get(&Measurement::LayerActivations) {
                    Some(known) => share(known),
                    None => Err(Error::new("the backward pass left no activations")),
                }
            }
            Measurement::InputGradient => {
                self.measure(Measurement::Logits)?;
                let sum = self.pass()?.borrow().logits.f_sum(None::<Kind>)?;
                gradients_or_zeros(&sum, &[&self.batch.images])
            }
            Measurement::ReluKernel => {
                self.measure(Measurement::Logits)?;
                let pass = self.pass()?;
                let mut pass = pass.borrow_mut();
                Ok(vec![relu_kernel::measure(&self.executor(), &mut pass.values)?])
            }
            Measurement::SynapticFlow(mode) => self.synaptic_flow(*mode),
            Measurement::WeightHessianGradient if !self.statistics.is_empty() => {
                Err(Error::new("the Hessian is known for batch normalisation by the batch alone"))
            }
            Measurement::WeightHessianGradient => {
                let gradients = self.measure(Measurement::LossGradients)?;
                let pass = self.pass()?;
                let pass = pass.borrow();
                let shared = hessian::Shared {
                    values: &pass.values,
                    gradients: &gradients,
                    at_outputs: &self.at_outputs.borrow(),
                };
                let product = hessian::measure(&self.executor(), &shared)?;
                Ok(vec![Tensor::from(product)])
            }
            Measurement::Features => self.features(),
            Measurement::NormVariances => self.norm_variances(),
            Measurement::CellOutputs => self.cell_outputs(),
            Measurement::CellGradients(signs) => self.cell_gradients(*signs),
            Measurement::LeafOutputs => self.leaf_outputs(),
            Measurement::ReluActivations(objective) => self.relu_activations(*objective),
            Measurement::ReluColumns => self.relu_columns(),
            Measurement::GradientSigns => self.gradient_signs(),
            Measurement::TangentKernel(tangent) => self.tangent_kernel(*tangent),
            Measurement::FirstEntryJacobian => self.first_entry_jacobian(),
            Measurement::LinearRegions => self.linear_regions(),
            other => Err(Error::new(format!(
                "this host does not know the measurement `{}`",
                other.name()
            ))),
        }
    }

    fn one(&self, what: Measurement) -> Result<[Tensor; 1]> {
        let name = what.name();
        self.measure(what)?.try_into().map_err(|_| Error::new(format!("{name} is one tensor")))
    }

    /// One backward pass for every live parameter which also yields the gradients at the
    /// output of every live layer and normalisation.
    fn loss_gradients(&self) -> Result<Vec<Tensor>> {
        self.measure(Measurement::Logits)?;
        let pass = self.pass()?;
        let pass = pass.borrow();
        let loss = self.batch.cross_entropy(&pass.logits)?;
        let mut parameters: Vec<usize> = Vec::new();
        let mut nodes: Vec<usize> = Vec::new();
        for step in self.program.steps.iter().filter(|step| step.live) {
            let op = &self.graph.nodes[step.node].op;
            parameters.extend(op.parameters().map(|id| id.index()));
            if is_layer(op) || matches!(op, Op::BatchNorm { .. }) {
                nodes.push(step.node);
            }
        }
        parameters.sort_unstable();
        parameters.dedup();
        let outputs = |node: &usize| pass.values.outputs[*node].as_ref().expect("live steps ran");
        let mut inputs: Vec<&Tensor> = parameters.iter().map(|&id| &self.parameters[id]).collect();
        inputs.extend(nodes.iter().map(outputs));
        let mut gradients = gradients_or_zeros(&loss, &inputs)?;
        let of_outputs = gradients.split_off(parameters.len());
        let mut at_outputs: Vec<Option<Tensor>> = self.graph.nodes.iter().map(|_| None).collect();
        let mut activations = Vec::new();
        for (node, gradient) in nodes.iter().zip(of_outputs) {
            if is_layer(&self.graph.nodes[*node].op) {
                activations.extend([outputs(node).detach(), gradient.shallow_clone()]);
            }
            at_outputs[*node] = Some(gradient);
        }
        *self.at_outputs.borrow_mut() = at_outputs;
        self.remember(Measurement::LayerActivations, Ok(activations));
        let mut known: Vec<Option<Tensor>> = self.parameters.iter().map(|_| None).collect();
        for (id, gradient) in parameters.into_iter().zip(gradients) {
            known[id] = Some(gradient);
        }
        let all = known.into_iter().zip(&self.parameters);
        Ok(all.map(|(known, like)| known.unwrap_or_else(|| like.detach().zeros_like())).collect())
    }

    fn synaptic_flow(&self, mode: BatchNormMode) -> Result<Vec<Tensor>> {
        let absolute = self.weights.f_abs()?.f_to_kind(Kind::Double)?;
        let parameters = leaves(self.layout, &absolute, &self.parameters)?;
        let executor = Executor {
            parameters: &parameters,
            batch_norm: match mode {
                BatchNormMode::Bypassed => BatchNorm::Bypassed,
                BatchNormMode::Kept => BatchNorm::Batch,
            },
            ..self.executor()
        };
        let mut size = self.batch.images.size();
        size[0] = 1;
        let ones = Tensor::ones(size, (Kind::Double, self.batch.images.device()));
        let values = executor.forward(&layout::fastest(&ones))?;
        let sum = executor.output(&values).f_sum(None::<Kind>)?;
        let gradients = gradients_or_zeros(&sum, &parameters.iter().collect::<Vec<_>>())?;
        Ok(parameters.iter().map(Tensor::detach).chain(gradients).collect())
    }
}

fn is_layer(op: &Op) -> bool {
    matches!(op, Op::Conv2d { .. } | Op::Linear { .. })
}

/// Gradients of a scalar; zeros for inputs on which it does not depend.
pub(super) fn gradients_or_zeros(output: &Tensor, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    // torch refuses an empty list.
    let gradients: Vec<Option<Tensor>> = match output.requires_grad() && !inputs.is_empty() {
        false => inputs.iter().map(|_| None).collect(),
        true => {
            let gradients = Tensor::f_run_backward(&[output], inputs, true, false)?;
            gradients.into_iter().map(|it| it.defined().then_some(it)).collect()
        }
    };
    // All zeros are parts of one vector.
    let missing = gradients.iter().zip(inputs).filter(|(gradient, _)| gradient.is_none());
    let Some(largest) = missing.map(|(_, input)| input.numel() as i64).max() else {
        return Ok(gradients.into_iter().flatten().collect());
    };
    let zeros = Tensor::f_zeros([largest], (inputs[0].kind(), inputs[0].device()))?;
    let zero = |like: &Tensor| -> Result<Tensor> {
        Ok(zeros.f_narrow(0, 0, like.numel() as i64)?.f_view(like.size().as_slice())?)
    };
    let known = gradients.into_iter().zip(inputs);
    known.map(|(known, input)| known.map_or_else(|| zero(input), Ok)).collect()
}
