//! What flows through each ReLU call.

use super::{Network, passes::gradients_or_zeros};
use crate::{
    executor::Executor,
    program::{Program, Value},
    relu_kernel,
};
use osee_model::graph::{NodeId, Op, Shape};
use osee_sdk::{Error, Measurement, Objective, Result};
use tch::{Kind, Tensor};

impl Network {
    pub(super) fn relu_columns(&self) -> Result<Vec<Tensor>> {
        let images = self.batch.images.size()[0];
        if images > 128 {
            return Err(Error::undefined(format!(
                "columns of signs are compared for at most 128 images, not {images}"
            )));
        }
        let on_maps = |(_, node): &(NodeId, &osee_model::graph::Node)| {
            node.op == Op::Relu && matches!(node.shape, Shape::Map { .. })
        };
        let calls: Vec<_> = self.graph.iter().filter(on_maps).map(|(id, _)| id).collect();
        let columns = calls.iter().map(|id| self.graph.node(*id).shape.numel() as i64).sum::<i64>();
        let mut zero = false;
        let mut steps: Vec<usize> = Vec::new();
        for id in &calls {
            match self.program.values[id.index()] {
                Value::Of(step) => steps.push(step),
                Value::Zero => zero = true,
            }
        }
        steps.sort_unstable();
        steps.dedup();
        self.measure(Measurement::Logits)?;
        let pass = self.pass()?;
        let mut pass = pass.borrow_mut();
        self.run_dead(&mut pass)?;
        let outputs = steps.iter().filter_map(|&step| pass.values.outputs[step].as_ref());
        let different = relu_kernel::different_columns(outputs, zero)?;
        Ok(vec![Tensor::from_slice(&[different as i64, columns])])
    }

    pub(super) fn relu_activations(&self, objective: Objective) -> Result<Vec<Tensor>> {
        // Equal calls are kept apart, because their gradients differ.
        let program = Program::literal(&self.graph);
        let executor = Executor { program: &program, ..self.executor() };
        let values = executor.forward(&self.batch.images)?;
        let scalar = match objective {
            Objective::Loss => self.batch.cross_entropy(&executor.output(&values))?,
            Objective::PooledFeatures => {
                let pooled = self.pooled()?.index();
                executor.value(&values, program.values[pooled], pooled).f_sum(None::<Kind>)?
            }
        };
        let calls = self.graph.iter().filter(|(_, node)| node.op == Op::Relu);
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for (id, node) in calls {
            let source = node.inputs[0].index();
            inputs.push(executor.value(&values, program.values[source], source).detach());
            outputs.push(executor.value(&values, Value::Of(id.index()), id.index()));
        }
        let gradients = gradients_or_zeros(&scalar, &outputs.iter().collect::<Vec<_>>())?;
        let mut pairs = Vec::with_capacity(2 * inputs.len());
        for (input, gradient) in inputs.into_iter().zip(gradients) {
            let before = input.f_threshold_backward(&gradient, 0.0)?;
            pairs.extend([input, before]);
        }
        Ok(pairs)
    }
}
