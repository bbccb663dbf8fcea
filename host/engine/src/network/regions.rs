//! Regions on which a narrow network is linear.

use super::{Network, variants::normal};
use crate::{
    executor::{BatchNorm, Executor, Values},
    layout::fastest,
    parameters::Initialiser,
    program::Program,
    relu_kernel,
};
use osee_model::graph::{Graph, Op};
use osee_sdk::{Error, Images, Result, Weights};
use tch::Tensor;

/// Maps of noise, as TE-NAS has: three batches of 1,000.
const MAPS: i64 = 3_000;

/// Side of the maps in pixels.
const SIDE: i64 = 3;

impl Network {
    pub(super) fn linear_regions(&self) -> Result<Vec<Tensor>> {
        let _no_grad = tch::no_grad_guard();
        let thin = self.graph.thinned().ok_or_else(|| {
            Error::undefined("the channels of the network have no common divisor above 1")
        })?;
        let device = self.batch.images.device();
        let parameters: Vec<Tensor> = match self.variation.weights {
            Weights::Given => first_channels(&thin, &self.parameters)?,
            Weights::Drawn { init, repeat } => {
                let seed = self.origin.seed("redraw thin", repeat);
                Initialiser::standalone(&thin, init, seed, &self.origin.space, &self.origin.arch)
            }
        };
        let parameters: Vec<Tensor> = parameters.iter().map(|it| it.to_device(device)).collect();
        let program = Program::literal(&thin);
        let executor = Executor {
            batch_norm: BatchNorm::Batch,
            ..Executor::new(&thin, &program, &parameters)
        };
        let values = match self.variation.images {
            Images::Noise(number) => self.on_noise(&executor, number)?,
            _ => executor.forward(&fastest(&self.batch.images))?,
        };
        let relus = thin.iter().filter(|(_, node)| node.op == Op::Relu);
        let outputs = relus.filter_map(|(id, _)| values.outputs[id.index()].as_ref());
        let outputs: Vec<&Tensor> = outputs.collect();
        if outputs.is_empty() {
            return Err(Error::undefined("the network has no ReLU"));
        }
        Ok(vec![Tensor::from(relu_kernel::different_rows(outputs.into_iter())? as i64)])
    }

    /// Runs what comes after the stem on noise in place of the stem's output.
    fn on_noise(&self, executor: &Executor<'_>, number: u32) -> Result<Values> {
        let graph = executor.graph;
        let stem = self.cell_ends()?[0];
        let reaches_back = |(id, node): (osee_model::graph::NodeId, &osee_model::graph::Node)| {
            id > stem && node.inputs.iter().any(|input| *input < stem)
        };
        if graph.iter().any(reaches_back) {
            return Err(Error::undefined("a cell takes more than the output of the stem"));
        }
        let channels = graph.node(stem).shape.channels() as i64;
        let size = [MAPS, channels, SIDE, SIDE];
        let noise = normal(&size, self.origin.seed("noise maps", number))?;
        let noise = noise.f_to_device(self.batch.images.device())?;
        let mut values = executor.start(&noise);
        values.outputs[stem.index()] = Some(noise);
        executor.run(&mut values, |step| step.node > stem.index())?;
        Ok(values)
    }
}

/// The first channels of each parameter, as many as the thin graph has.
fn first_channels(thin: &Graph, wide: &[Tensor]) -> Result<Vec<Tensor>> {
    let parameters = thin.parameters.iter().zip(wide);
    parameters
        .map(|(parameter, value)| {
            let mut value = value.detach();
            for (dim, &length) in parameter.stored.iter().enumerate() {
                value = value.f_narrow(dim as i64, 0, length as i64)?;
            }
            Ok(value.f_contiguous()?)
        })
        .collect()
}
