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
fn slices_of_a_shared_kernel_are_parameters_of_their_own_shape() {
    let stored = [64, 32, 5, 5];
    let slice = [0..16, 0..8, 1..4, 1..4];
    let p = Parameter::sliced("w", ParamRole::ConvWeight, &stored, &slice).unwrap();
    assert_eq!(p.shape(), [16, 8, 3, 3]);
    let outside =
        Parameter::sliced("w", ParamRole::ConvWeight, &stored, &[0..65, 0..8, 0..5, 0..5]);
    assert!(matches!(outside, Err(GraphError::Slice { .. })));
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
