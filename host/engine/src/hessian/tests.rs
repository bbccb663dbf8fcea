//! Compares w'Hg with the double backward that it replaces.

use crate::{
    Batch, Layout, Network, Origin, executor::Executor, program::Program, test_device::device,
};
use osee_model::graph::{ConvSpec, Graph, GraphBuilder, NodeId, Op, Pool, PoolKind, Shape};
use osee_sdk::Measurement;
use tch::{Kind, Reduction, Tensor};

/// w'Hg by autograd's double backward.
fn reference(graph: &Graph, parameters: &[Tensor], batch: &Batch) -> f64 {
    let program = Program::new(graph);
    let parameters: Vec<Tensor> =
        parameters.iter().map(|p| p.detach().to_device(device()).set_requires_grad(true)).collect();
    let executor = Executor::new(graph, &program, &parameters);
    let values = executor.forward(&batch.images).unwrap();
    let loss = executor.output(&values).cross_entropy_loss(
        batch.labels(),
        None::<&Tensor>,
        Reduction::Mean,
        -100,
        0.0,
    );
    let weights: Vec<&Tensor> = graph
        .parameters
        .iter()
        .zip(&parameters)
        .filter(|(described, _)| described.role.is_weight())
        .map(|(_, value)| value)
        .collect();
    let gradients = Tensor::run_backward(&[&loss], &weights, true, true);
    let z: Tensor = gradients.iter().map(|g| (g * g.detach()).sum(Kind::Float)).sum();
    let products = Tensor::run_backward(&[&z], &weights, true, false);
    let pairs = weights.iter().zip(&products);
    pairs.map(|(w, hg)| (*w * hg).sum(Kind::Double).double_value(&[])).sum()
}

fn check(build: impl Fn(&mut GraphBuilder) -> NodeId) {
    let device = device();
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = build(&mut g);
    let x = g.global_avg_pool(x);
    let x = g.linear("classifier", x, 4);
    let graph = g.finish(x).unwrap();
    tch::manual_seed(1);
    let parameters: Vec<Tensor> = graph
        .parameters
        .iter()
        .map(|p| {
            let shape: Vec<i64> = p.shape().iter().map(|&n| n as i64).collect();
            Tensor::randn(shape, (Kind::Float, tch::Device::Cpu)) * 0.5 + 0.1
        })
        .collect();
    let images = Tensor::randn([8, 3, 8, 8], (Kind::Float, tch::Device::Cpu));
    let labels = Tensor::from_slice(&[0i64, 1, 2, 3, 0, 1, 2, 3]);
    let batch = Batch::new(images, labels).unwrap().on(device);
    let expected = reference(&graph, &parameters, &batch);
    let network = Network::new(
        graph,
        &parameters,
        batch,
        Layout::fastest(device, Kind::Float),
        Origin::default(),
    )
    .unwrap();
    let ours = network.measure(Measurement::WeightHessianGradient).unwrap()[0].double_value(&[]);
    assert!((ours - expected).abs() <= 1e-3 * expected.abs(), "{ours} for {expected}");
}

#[test]
fn of_a_linear_layer_alone() {
    check(|g| g.input());
}

#[test]
fn of_a_convolution_without_normalisation() {
    check(|g| {
        let x = g.conv("a", g.input(), ConvSpec::same(4, 3));
        g.relu(x)
    });
}

#[test]
fn of_a_normalised_convolution() {
    check(|g| {
        let x = g.conv("a", g.input(), ConvSpec::same(4, 3));
        let x = g.batch_norm("n", x, true);
        g.relu(x)
    });
}

#[test]
fn of_every_operation_together() {
    check(|g| {
        let kind = PoolKind::Max;
        let max = Pool { kind, kernel: 3, stride: 2, padding: 1, ceil_mode: false };
        let kind = PoolKind::Average { count_include_pad: false };
        let average = Pool { kind, kernel: 2, stride: 2, padding: 0, ceil_mode: false };
        let x = g.conv("stem", g.input(), ConvSpec { bias: true, ..ConvSpec::same(4, 3) });
        let left = g.pool(x, max);
        let right = g.pool(x, average);
        let right = g.conv("grouped", right, ConvSpec::same(4, 3).groups(2));
        let x = g.add(&[left, right]);
        let x = g.batch_norm("n", x, true);
        let y = g.conv("b", x, ConvSpec::same(4, 3).dilation(2));
        let y = g.batch_norm("nb", y, false);
        let x = g.concat(&[x, y]);
        let x = g.op(Op::ChannelSlice { start: 1, length: 6 }, &[x]);
        let x = g.relu(x);
        let x = g.conv("c", x, ConvSpec::same(4, 1));
        let x = g.batch_norm("nc", x, true);
        g.op(Op::Crop { offset: 1 }, &[x])
    });
}
