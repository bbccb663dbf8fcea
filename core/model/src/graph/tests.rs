use super::*;

fn head(mut g: GraphBuilder, x: NodeId) -> Result<Graph, GraphError> {
    let x = g.global_avg_pool(x);
    let x = g.linear("classifier", x, 10);
    g.finish(x)
}

#[test]
fn counts_of_a_small_network_are_those_done_by_hand() {
    let mut g = GraphBuilder::new(Shape::square(3, 32));
    let x = g.conv("stem", g.input(), ConvSpec::same(16, 3));
    let x = g.batch_norm("bn", x, true);
    let x = g.relu(x);
    let cost = head(g, x).unwrap().cost();
    assert_eq!(cost.params, 3 * 16 * 9 + 32 + 16 * 10 + 10);
    assert_eq!(cost.flops(), 3 * 16 * 9 * 1024 + 160 + 10);
    assert_eq!(cost.norm_elements, 16 * 1024);
}

#[test]
fn the_first_mistake_is_named_with_its_shapes() {
    let mut g = GraphBuilder::new(Shape::square(3, 32));
    let a = g.conv("a", g.input(), ConvSpec::same(16, 3));
    let b = g.conv("b", g.input(), ConvSpec::same(8, 3).stride(2));
    let sum = g.add(&[a, b]);
    let error = head(g, sum).unwrap_err();
    assert_eq!(error.to_string(), "node 3 (add): cannot add [8, 16, 16] to [16, 32, 32]");
}

#[test]
fn one_name_cannot_be_two_parameters() {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let a = g.conv("same", g.input(), ConvSpec::same(4, 3));
    let b = g.conv("same", a, ConvSpec::same(4, 3));
    let error = head(g, b).unwrap_err();
    assert!(matches!(error, GraphError::ParameterConflict { .. }), "{error}");
}

#[test]
fn parts_of_a_shared_kernel_are_parameters_of_their_own_shape() {
    let stored = [64, 32, 5, 5];
    let middle = Select::Range(1..4);
    let part = [Select::first(16), Select::first(8), middle.clone(), middle];
    let p = Parameter::part("w", ParamRole::ConvWeight, &stored, &part).unwrap();
    assert_eq!(p.shape(), [16, 8, 3, 3]);
    let grouped = Parameter { blocks: 4, ..p.clone() };
    assert_eq!((grouped.shape(), grouped.check().is_ok()), (vec![16, 2, 3, 3], true));
    let odd = Parameter { blocks: 3, ..p };
    assert!(matches!(odd.check(), Err(GraphError::Slice { .. })));
    let outside = [Select::first(65), Select::first(8), Select::first(5), Select::first(5)];
    let outside = Parameter::part("w", ParamRole::ConvWeight, &stored, &outside);
    assert!(matches!(outside, Err(GraphError::Slice { .. })));
}

#[test]
fn a_network_ends_in_logits() {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.conv("a", g.input(), ConvSpec::same(4, 3));
    let map = g.finish(x).unwrap();
    let error = map.validate().unwrap_err().to_string();
    assert!(
        error.starts_with("node 1, the output, is [4, 8, 8], and a network ends in"),
        "{error}"
    );
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.global_avg_pool(g.input());
    assert_eq!(g.finish(x).unwrap().validate(), Ok(()));
}

#[test]
fn a_cell_is_what_was_built_in_it() {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.conv("stem", g.input(), ConvSpec::same(4, 3));
    let out = g.cell("one", |g| {
        let x = g.relu(x);
        g.conv("inside", x, ConvSpec::same(4, 3))
    });
    let mut graph = head(g, out).unwrap();
    let cell = &graph.cells[0];
    assert_eq!((cell.first.index(), cell.end.index(), cell.output), (2, 4, out));
    graph.validate().unwrap();
    graph.cells[0].end = NodeId::new(99);
    assert!(matches!(graph.validate(), Err(GraphError::Order { .. })));
}

#[test]
fn work_behind_a_zero_is_dead() {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let kept = g.conv("kept", g.input(), ConvSpec::same(4, 3));
    let lost = g.conv("lost", kept, ConvSpec::same(4, 3));
    let zero = g.zero(lost, 1);
    let sum = g.add(&[kept, zero]);
    let graph = head(g, sum).unwrap();
    let live = graph.live();
    assert!(live[kept.index()]);
    assert!(!live[lost.index()] && !live[zero.index()]);
}

#[test]
fn order_of_summands_and_names_do_not_change_the_fingerprint() {
    let build = |swap: bool| {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let (first, second) = if swap { ("b", "a") } else { ("a", "b") };
        let one = g.conv(first, g.input(), ConvSpec::same(3, 3));
        let two = g.conv(second, g.input(), ConvSpec::same(3, 1));
        let sum = if swap { g.add(&[two, one]) } else { g.add(&[one, two]) };
        head(g, sum).unwrap()
    };
    assert_eq!(build(false).fingerprint(), build(true).fingerprint());
}

#[test]
fn a_decoded_graph_is_checked() {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.conv("a", g.input(), ConvSpec::same(4, 3));
    let mut graph = head(g, x).unwrap();
    assert_eq!(graph.validate(), Ok(()));
    graph.nodes[1].inputs = vec![NodeId::new(2)];
    assert!(matches!(graph.validate(), Err(GraphError::Order { node: 1, .. })));
}
