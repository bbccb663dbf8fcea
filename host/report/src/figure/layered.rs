//! Lays out a directed acyclic graph: layers by longest path, bends where an edge
//! passes a layer, order and position by neighbouring nodes (Sugiyama, Tagawa and
//! Toda, 1981).

use super::{Drawing, Node, drawing::HEIGHT};

/// Distance between layers, and least distance between boxes, in pixels.
const PITCH: f64 = HEIGHT + 18.0;
const GAP: f64 = 12.0;
/// Room on either side of a bend, in pixels: edges pass it obliquely.
const BEND: f64 = 6.0;
const SWEEPS: usize = 24;

impl Drawing {
    /// Lays out labelled boxes and the edges between them. Edges to missing boxes, or
    /// that close a circle, are left out.
    ///
    /// ```
    /// use osee_report::figure::Drawing;
    /// let chain = Drawing::layered(&["input", "conv 3x3", "output"], &[[0, 1], [1, 2], [0, 2]]);
    /// // The long edge has a bend beside the convolution.
    /// assert_eq!(chain.nodes.len(), 4);
    /// assert!(chain.nodes[0].y < chain.nodes[1].y && chain.nodes[1].y < chain.nodes[2].y);
    /// ```
    pub fn layered<L: AsRef<str>>(labels: &[L], edges: &[[usize; 2]]) -> Self {
        let mut layers_of = layers(labels.len(), edges);
        let node = |label: &str| Node { x: 0.0, y: 0.0, label: label.to_owned() };
        let mut nodes: Vec<Node> = labels.iter().map(|it| node(it.as_ref())).collect();
        let mut parts = Vec::new();
        for [from, to] in edges.iter().copied() {
            let (Some(first), Some(last)) = (layers_of.get(from), layers_of.get(to)) else {
                continue;
            };
            let (first, last, mut end) = (*first, *last, from);
            if first >= last {
                continue;
            }
            for layer in first + 1..last {
                nodes.push(node(""));
                layers_of.push(layer);
                parts.push([end, nodes.len() - 1]);
                end = nodes.len() - 1;
            }
            parts.push([end, to]);
        }
        let count = layers_of.iter().max().map_or(0, |it| it + 1);
        let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (at, layer) in layers_of.iter().enumerate() {
            layers[*layer].push(at);
            nodes[at].y = HEIGHT / 2.0 + 1.0 + PITCH * *layer as f64;
        }
        let mut drawing = Self { nodes, edges: parts };
        drawing.arrange(&mut layers);
        drawing
    }

    fn arrange(&mut self, layers: &mut [Vec<usize>]) {
        for layer in layers.iter() {
            self.spread(layer, &vec![0.0; layer.len()]);
        }
        for sweep in 0..SWEEPS {
            let downward = sweep % 2 == 0;
            for step in 0..layers.len() {
                let at = if downward { step } else { layers.len() - 1 - step };
                // The first half of the sweeps fixes the order, the second the positions.
                let settled = sweep >= SWEEPS / 2;
                let wished = |it: &usize| self.wish(*it, settled || downward, settled || !downward);
                let mut wishes: Vec<(f64, usize)> =
                    layers[at].iter().map(|it| (wished(it), *it)).collect();
                if !settled {
                    wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
                }
                layers[at] = wishes.iter().map(|(_, it)| *it).collect();
                let wishes: Vec<f64> = wishes.into_iter().map(|(wish, _)| wish).collect();
                let layer = layers[at].clone();
                self.spread(&layer, &wishes);
            }
        }
        let left = self.nodes.iter().map(|node| node.x - node.width() / 2.0);
        let left = left.fold(f64::INFINITY, f64::min);
        for node in &mut self.nodes {
            node.x = (node.x - left).round() + 1.0;
        }
    }

    /// Mean position of the neighbours above, below, or both.
    fn wish(&self, node: usize, above: bool, below: bool) -> f64 {
        let other = |[from, to]: &[usize; 2]| match *to == node {
            true => above.then_some(*from),
            false => (below && *from == node).then_some(*to),
        };
        let places: Vec<f64> =
            self.edges.iter().filter_map(other).map(|it| self.nodes[it].x).collect();
        match places.len() {
            0 => self.nodes[node].x,
            count => places.iter().sum::<f64>() / count as f64,
        }
    }

    /// Places a layer's nodes in order, as close to their wishes as there is room.
    fn spread(&mut self, layer: &[usize], wishes: &[f64]) {
        let mut free = f64::NEG_INFINITY;
        let mut moved = 0.0;
        for (at, wish) in layer.iter().zip(wishes) {
            let half = (self.nodes[*at].width() / 2.0).max(BEND);
            self.nodes[*at].x = wish.max(free + half);
            moved += self.nodes[*at].x - wish;
            free = self.nodes[*at].x + half + GAP;
        }
        for at in layer {
            self.nodes[*at].x -= moved / layer.len() as f64;
        }
    }
}

/// Layer of each node: the longest path from a node without predecessors.
fn layers(count: usize, edges: &[[usize; 2]]) -> Vec<usize> {
    let mut layers = vec![0; count];
    // Without circles, no path is longer than the number of nodes.
    for _ in 0..count {
        let mut changed = false;
        for [from, to] in edges.iter().copied().filter(|[a, b]| a.max(b) < &count && a != b) {
            if layers[to] <= layers[from] && layers[from] + 1 < count {
                layers[to] = layers[from] + 1;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    layers
}
