//! A graph as a list of steps: equal work is done once, zeros and identities are removed.

use osee_model::graph::{Graph, Op};
use std::collections::{BTreeSet, HashMap};

/// The source of a node's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// The value is constantly zero.
    Zero,
    /// The output of this node, which does the work for all equal nodes.
    Of(usize),
}

/// One operation to run.
#[derive(Debug, Clone)]
pub struct Step {
    /// The node that it computes, which is also the index of its value.
    pub node: usize,
    /// The values it takes; zero summands of a sum are left out.
    pub inputs: Vec<Value>,
    /// True if its value can reach the output.
    pub live: bool,
}

/// The steps of a graph and the sources of its nodes' values.
#[derive(Debug)]
pub struct Program {
    /// The steps in order, including those that cannot reach the output, for
    /// measurements that count every call.
    pub steps: Vec<Step>,
    /// The source of each node's value.
    pub values: Vec<Value>,
}

impl Program {
    /// Compiles `graph` without its dropouts.
    pub fn new(graph: &Graph) -> Self {
        Self::compile(graph, false)
    }

    /// Compiles `graph` with its dropouts.
    pub fn training(graph: &Graph) -> Self {
        Self::compile(graph, true)
    }

    /// A program with a step for each node but identities: equal calls stay apart, zeros are
    /// computed, and shapes may differ from the graph's. Every step counts as live.
    pub fn literal(graph: &Graph) -> Self {
        let (mut values, mut steps) = (Vec::with_capacity(graph.nodes.len()), Vec::new());
        for (id, node) in graph.iter() {
            let inputs: Vec<Value> =
                node.inputs.iter().map(|input| values[input.index()]).collect();
            values.push(match (&node.op, inputs.as_slice()) {
                (Op::Identity | Op::Dropout { .. } | Op::Add | Op::Concat, &[only]) => only,
                _ => {
                    steps.push(Step { node: id.index(), inputs, live: true });
                    Value::Of(id.index())
                }
            });
        }
        Self { steps, values }
    }

    fn compile(graph: &Graph, dropout: bool) -> Self {
        let zero = graph.constant_zero();
        let mut values: Vec<Value> = Vec::with_capacity(graph.nodes.len());
        let mut known: HashMap<(String, Vec<Value>), usize> = HashMap::new();
        let mut steps = Vec::new();
        for (id, node) in graph.iter() {
            let mut inputs: Vec<Value> =
                node.inputs.iter().map(|input| values[input.index()]).collect();
            if node.op == Op::Add {
                inputs.retain(|input| *input != Value::Zero);
            }
            let value = match (&node.op, inputs.as_slice()) {
                _ if zero[id.index()] => Value::Zero,
                // Equal dropouts draw different numbers, so each is a step.
                (Op::Dropout { .. }, _) if dropout => {
                    steps.push(Step { node: id.index(), inputs, live: false });
                    Value::Of(id.index())
                }
                (Op::Identity | Op::Dropout { .. } | Op::Add | Op::Concat, &[only]) => only,
                (op, _) => {
                    // Parameter ids are part of an operation, so equal text is equal work.
                    let key = (format!("{op:?}"), inputs.clone());
                    let first = *known.entry(key).or_insert(id.index());
                    if first == id.index() {
                        steps.push(Step { node: first, inputs, live: false });
                    }
                    Value::Of(first)
                }
            };
            values.push(value);
        }
        let mut program = Self { steps, values };
        program.mark_live(graph.output.index());
        program
    }

    /// For each step, the nodes whose values no later live step takes; the output's
    /// value is never among them.
    pub fn last_uses(&self) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.values.len()];
        let mut last_uses = vec![Vec::new(); self.steps.len()];
        for (step, last) in self.steps.iter().zip(&mut last_uses).rev().filter(|(s, _)| s.live) {
            for input in &step.inputs {
                if let Value::Of(node) = *input
                    && !std::mem::replace(&mut seen[node], true)
                {
                    last.push(node);
                }
            }
        }
        last_uses
    }

    /// Positions, in graph order, of the parameters that can reach the output.
    pub fn parameters(&self, graph: &Graph) -> BTreeSet<usize> {
        let live = self.steps.iter().filter(|step| step.live);
        let parameters = live.flat_map(|step| graph.nodes[step.node].op.parameters());
        parameters.map(|id| id.index()).collect()
    }

    fn mark_live(&mut self, output: usize) {
        let mut live = vec![false; self.values.len()];
        if let Value::Of(node) = self.values[output] {
            live[node] = true;
        }
        for step in self.steps.iter_mut().rev() {
            step.live = live[step.node];
            for input in step.inputs.iter().filter(|_| step.live) {
                if let Value::Of(node) = *input {
                    live[node] = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::graph::{ConvSpec, GraphBuilder, Shape};

    #[test]
    fn equal_relus_are_one_step_and_zero_summands_none() {
        let mut g = GraphBuilder::new(Shape::square(4, 8));
        let x = g.input();
        let one = g.relu(x);
        let two = g.relu(x);
        let one = g.conv("one", one, ConvSpec::same(4, 3));
        let two = g.conv("two", two, ConvSpec::same(4, 3));
        let zero = g.zero(two, 1);
        let lone = g.add(&[one, zero]);
        let sum = g.add(&[lone, two]);
        let graph = g.finish(sum).unwrap();
        let program = Program::new(&graph);
        let nodes: Vec<usize> = program.steps.iter().map(|step| step.node).collect();
        // input, relu, two convolutions, the last sum
        assert_eq!(nodes, [0, 1, 3, 4, 7]);
        assert!(program.steps.iter().all(|step| step.live));
    }
}
