//! What flows through each ReLU call.

use super::{Network, passes::gradients_or_zeros};
use crate::{
    executor::Executor,
    program::{Program, Value},
    relu_kernel,
};
use osee_model::graph::{Op, Shape};
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
        let executor = self.executor();
        let on_maps = |shape| matches!(shape, Shape::Map { .. });
        let (calls, of_zeros) = relu_kernel::calls_by_step(&executor, on_maps);
        let units = |step: usize| self.graph.nodes[step].shape.numel() as u64;
        let columns =
            of_zeros + calls.iter().map(|(step, calls)| calls * units(*step)).sum::<u64>();
        self.measure(Measurement::Logits)?;
        let pass = self.pass()?;
        let mut pass = pass.borrow_mut();
        self.run_dead(&mut pass)?;
        let outputs = calls.keys().filter_map(|&step| pass.values.outputs[step].as_ref());
        let different = relu_kernel::different_columns(outputs, of_zeros > 0)?;
        Ok(vec![Tensor::from_slice(&[different as i64, columns as i64])])
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
