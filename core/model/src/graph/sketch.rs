//! Simplified drawings of cells: one box for each convolution or pooling with the operations that
//! belong to it. Only what can reach the output is drawn.

use super::{Cell, Graph, Node, NodeId, Op, Pool, PoolKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Labelled boxes in topological order, and the edges between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sketch {
    /// Labels of the boxes.
    pub labels: Vec<String>,
    /// Pairs of box indices, each from a box to its consumer.
    pub edges: Vec<[usize; 2]>,
}

/// Cells of a network that look the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SketchedCell {
    /// Name of the first of these cells.
    pub name: String,
    /// Number of cells.
    pub count: usize,
    /// The drawing that they share.
    pub sketch: Sketch,
}

impl Graph {
    /// Drawings of the cells in order of appearance; cells that look the same are drawn once.
    pub fn sketches(&self) -> Vec<SketchedCell> {
        let live = self.live();
        let mut found: Vec<SketchedCell> = Vec::new();
        for cell in &self.cells {
            let sketch = Sketcher::new(self, &live, cell).draw();
            match found.iter_mut().find(|known| known.sketch == sketch) {
                Some(known) => known.count += 1,
                None => found.push(SketchedCell { name: cell.name.clone(), count: 1, sketch }),
            }
        }
        found
    }
}

/// Operations that are drawn as one box.
#[derive(Debug, Default)]
struct Group {
    /// Text of the box: the convolution or pooling, or the operation if there is neither.
    label: String,
    /// True for a depthwise convolution that its pointwise convolution may still join.
    depthwise: bool,
    /// True if the box has a convolution, a pooling, a sum or a concatenation.
    main: bool,
    inputs: BTreeSet<usize>,
}

struct Sketcher<'a> {
    graph: &'a Graph,
    live: &'a [bool],
    cell: &'a Cell,
    /// Number of uses of each node, inside and outside the cell together.
    uses: HashMap<usize, usize>,
    groups: Vec<Group>,
    group_of: BTreeMap<usize, usize>,
}

impl<'a> Sketcher<'a> {
    fn new(graph: &'a Graph, live: &'a [bool], cell: &'a Cell) -> Self {
        let mut uses: HashMap<usize, usize> = HashMap::new();
        for node in graph.nodes.iter().enumerate().filter(|(at, _)| live[*at]).map(|(_, it)| it) {
            for input in &node.inputs {
                *uses.entry(input.index()).or_default() += 1;
            }
        }
        Self { graph, live, cell, uses, groups: Vec::new(), group_of: BTreeMap::new() }
    }

    fn draw(mut self) -> Sketch {
        let (first, end) = (self.cell.first.index(), self.cell.end.index());
        let inner = (first..end).filter(|at| self.live[*at]);
        let outside: BTreeSet<usize> =
            inner.clone().flat_map(|at| self.inputs(at)).filter(|input| *input < first).collect();
        for (i, &node) in outside.iter().enumerate() {
            let label = match outside.len() {
                1 => "input".to_owned(),
                _ => format!("input {}", i + 1),
            };
            self.open(node, Group { label, main: true, ..Group::default() });
        }
        for node in inner {
            self.place(node);
        }
        let mut output = Group { label: "output".to_owned(), main: true, ..Group::default() };
        output.inputs.extend(self.group_of.get(&self.cell.output.index()));
        self.groups.push(output);
        let edges = self.groups.iter().enumerate();
        let edges = edges.flat_map(|(to, group)| group.inputs.iter().map(move |&from| [from, to]));
        Sketch {
            edges: edges.collect(),
            labels: self.groups.into_iter().map(|group| group.label).collect(),
        }
    }

    /// Live inputs of a node.
    fn inputs(&self, node: usize) -> impl Iterator<Item = usize> + use<'_> {
        let inputs = self.graph.nodes[node].inputs.iter().map(|id| id.index());
        inputs.filter(|input| self.live[*input])
    }

    fn open(&mut self, node: usize, group: Group) {
        self.group_of.insert(node, self.groups.len());
        self.groups.push(group);
    }

    /// Puts a node into the box of its input, or into a new one.
    fn place(&mut self, at: usize) {
        let graph = self.graph;
        let node = &graph.nodes[at];
        let inputs: BTreeSet<usize> =
            self.inputs(at).filter_map(|input| self.group_of.get(&input).copied()).collect();
        let alone = self.inputs(at).count() == 1;
        let Some(only) = inputs.iter().copied().next().filter(|_| alone) else {
            let label = if matches!(node.op, Op::Concat) { "concat" } else { "+" };
            let label = if inputs.is_empty() { node.op.name() } else { label }.to_owned();
            return self.open(at, Group { label, main: true, inputs, ..Group::default() });
        };
        let passes = matches!(node.op, Op::Identity | Op::Dropout { .. } | Op::Add | Op::Concat);
        let from = node.inputs.iter().find(|input| self.live[input.index()]);
        let private = from.is_some_and(|from| self.uses.get(&from.index()) == Some(&1));
        if passes || (private && self.joins(node, only)) {
            self.group_of.insert(at, only);
            return;
        }
        let group = Group { inputs, ..self.describe(node) };
        self.open(at, group);
    }

    /// True if the operation is drawn as part of the box before it; changes that box's label if so.
    fn joins(&mut self, node: &Node, group: usize) -> bool {
        let described = self.describe(node);
        let group = &mut self.groups[group];
        match node.op {
            Op::BatchNorm { .. } | Op::Relu => !group.label.starts_with("input"),
            // What only prepares a convolution or a pooling is drawn with it.
            Op::Conv2d { .. } | Op::Pool(_) if !group.main => {
                let inputs = std::mem::take(&mut group.inputs);
                *group = Group { inputs, ..described };
                true
            }
            Op::Conv2d { .. } if group.depthwise && described.label.starts_with("conv 1x1") => {
                group.depthwise = false;
                group.label = group.label.replacen("depthwise", "separable", 1);
                group.label += described.label.trim_start_matches("conv 1x1");
                true
            }
            _ => false,
        }
    }

    fn describe(&self, node: &Node) -> Group {
        let input = node.inputs.first().map_or(NodeId::new(0), |id| *id);
        let (before, after) = (self.graph.node(input).shape.channels(), node.shape.channels());
        let mut group = Group { main: true, ..Group::default() };
        group.label = match &node.op {
            Op::Conv2d { weight, stride, dilation, groups, .. } => {
                let kernel = self.graph.parameter(*weight).shape()[2];
                group.depthwise = *groups > 1 && *groups == before;
                let mut label = match group.depthwise {
                    true => format!("depthwise {kernel}x{kernel}"),
                    false => format!("conv {kernel}x{kernel}"),
                };
                if *dilation > 1 {
                    label += &format!(" dil {dilation}");
                }
                if *groups > 1 && !group.depthwise {
                    label += &format!(", {groups} groups");
                }
                label + &strided(*stride)
            }
            Op::Pool(Pool { kind, kernel, stride, .. }) => {
                let kind = if *kind == PoolKind::Max { "max" } else { "avg" };
                format!("{kind} pool {kernel}x{kernel}{}", strided(*stride))
            }
            other => {
                group.main = false;
                other.name().replace('_', " ")
            }
        };
        if group.main && before != after {
            group.label += &format!(" to {after}");
        }
        group
    }
}

fn strided(stride: usize) -> String {
    if stride > 1 { format!(" /{stride}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::super::{ConvSpec, GraphBuilder, Shape};

    #[test]
    fn a_box_is_an_operation_with_what_belongs_to_it() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("stem", g.input(), ConvSpec::same(8, 3));
        let cell = g.cell("cell", |g| {
            let r = g.relu(x);
            let a = g.conv("a", r, ConvSpec::same(8, 3).groups(8).dilation(2));
            let a = g.conv("a1", a, ConvSpec::same(16, 1));
            let a = g.batch_norm("a.bn", a, true);
            let none = g.zero(x, 1);
            let b = g.conv("b", x, ConvSpec::same(16, 1));
            let b = g.batch_norm("b.bn", b, false);
            let b = g.relu(b);
            let b = g.conv("b2", b, ConvSpec::same(16, 3));
            let dead = g.conv("dead", none, ConvSpec::same(16, 3));
            let sum = g.add(&[a, b, dead]);
            g.relu(sum)
        });
        let pooled = g.global_avg_pool(cell);
        let logits = g.linear("out", pooled, 10);
        let graph = g.finish(logits).unwrap();
        let sketches = graph.sketches();
        assert_eq!((sketches.len(), sketches[0].count, sketches[0].name.as_str()), (1, 1, "cell"));
        let sketch = &sketches[0].sketch;
        let labels =
            ["input", "separable 3x3 dil 2 to 16", "conv 1x1 to 16", "conv 3x3", "+", "output"];
        assert_eq!(sketch.labels, labels);
        assert_eq!(sketch.edges, [[0, 1], [0, 2], [2, 3], [1, 4], [3, 4], [4, 5]]);
    }

    #[test]
    fn cells_that_look_the_same_are_counted() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let mut x = g.input();
        for i in 0..3 {
            x = g.cell(&format!("c{i}"), |g| g.conv("w", x, ConvSpec::same(3, 3)));
        }
        let x = g.cell("last", |g| g.conv("v", x, ConvSpec::same(3, 3).stride(2)));
        let pooled = g.global_avg_pool(x);
        let logits = g.linear("out", pooled, 10);
        let sketches = g.finish(logits).unwrap().sketches();
        let seen: Vec<(&str, usize)> =
            sketches.iter().map(|it| (it.name.as_str(), it.count)).collect();
        assert_eq!(seen, [("c0", 3), ("last", 1)]);
        assert_eq!(sketches[1].sketch.labels, ["input", "conv 3x3 /2", "output"]);
    }
}
