//! Outputs of chosen nodes of one forward pass.

use super::{Network, Pass};
use crate::program::{Program, Value};
use osee_model::graph::{NodeId, Op};
use osee_sdk::{Error, Measurement, Result};
use tch::{Kind, Tensor};

impl Network {
    pub(super) fn features(&self) -> Result<Vec<Tensor>> {
        let pooled = self.pooled()?;
        let map = self.graph.node(pooled).inputs[0];
        Ok(vec![self.outputs(&[map])?.remove(0).detach()])
    }

    /// The last global pooling.
    pub(super) fn pooled(&self) -> Result<NodeId> {
        let pools = self.graph.iter().filter(|(_, node)| node.op == Op::GlobalAvgPool);
        let last = pools.last().map(|(id, _)| id);
        last.ok_or_else(|| Error::undefined("the network has no global pooling"))
    }

    /// The nodes before the first cell and at the end of each.
    pub(super) fn cell_ends(&self) -> Result<Vec<NodeId>> {
        let cells = &self.graph.cells;
        let none = || Error::undefined("the network has no cells");
        let first = cells.iter().map(|cell| cell.first).min().ok_or_else(none)?;
        let stem = self.graph.iter().map(|(id, _)| id).take_while(|id| *id < first).last();
        Ok(stem.into_iter().chain(cells.iter().map(|cell| cell.output)).collect())
    }

    pub(super) fn cell_outputs(&self) -> Result<Vec<Tensor>> {
        let outputs = self.outputs(&self.cell_ends()?)?;
        Ok(outputs.iter().map(Tensor::detach).collect())
    }

    /// Outputs of nodes in the shared pass, with autograd where they depend on anything.
    pub(super) fn outputs(&self, nodes: &[NodeId]) -> Result<Vec<Tensor>> {
        self.measure(Measurement::Logits)?;
        let pass = self.pass()?;
        let mut pass = pass.borrow_mut();
        self.run_dead(&mut pass)?;
        let executor = self.executor();
        let value =
            |id: &NodeId| executor.value(&pass.values, self.program.values[id.index()], id.index());
        Ok(nodes.iter().map(value).collect())
    }

    /// Also runs what cannot reach the output.
    pub(super) fn run_dead(&self, pass: &mut Pass) -> Result<()> {
        self.executor().run(&mut pass.values, |step| !step.live)
    }

    pub(super) fn norm_variances(&self) -> Result<Vec<Tensor>> {
        self.measure(Measurement::Logits)?;
        let pass = self.pass()?;
        let mut pass = pass.borrow_mut();
        self.run_dead(&mut pass)?;
        let images = self.batch.images.size()[0];
        let mut variances = Vec::new();
        for (id, node) in self.graph.iter() {
            let Op::BatchNorm { eps, .. } = node.op else { continue };
            let options = (Kind::Float, self.batch.images.device());
            let zeros = || Tensor::f_zeros([node.shape.channels() as i64], options);
            variances.push(match self.program.values[id.index()] {
                Value::Zero => zeros()?,
                Value::Of(step) => match &pass.values.statistics[step] {
                    Some(statistics) => {
                        let count = (images * node.shape.pixels() as i64) as f64;
                        statistics.variance(eps)?.f_mul_scalar(count / (count - 1.0))?
                    }
                    None => return Err(Error::new("a batch normalisation kept no statistics")),
                },
            });
        }
        Ok(variances)
    }

    pub(super) fn leaf_outputs(&self) -> Result<Vec<Tensor>> {
        let _no_grad = tch::no_grad_guard();
        let program = Program::literal(&self.graph);
        let executor = crate::executor::Executor { program: &program, ..self.executor() };
        let values = executor.forward(&self.batch.images)?;
        let leaves = self.graph.iter().filter(|(_, node)| node.op.is_leaf());
        Ok(leaves
            .map(|(id, _)| executor.value(&values, Value::Of(id.index()), id.index()))
            .collect())
    }
}
