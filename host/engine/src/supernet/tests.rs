//! Compares training with sums by hand, and with an uninterrupted run.

use super::*;
use crate::test_device::device;
use osee_model::{
    graph::{ConvSpec, GraphBuilder, Shape},
    recipe::Precision,
};
use rand_distr::{Distribution, StandardNormal};

const SGD: Sgd = Sgd { learning_rate: 0.1, momentum: 0.9, weight_decay: 5e-4, max_norm: 5.0 };

/// A chain whose middle is one of two convolutions that share nothing.
fn graph(middle: &str, kernel: usize) -> Graph {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.conv("stem", g.input(), ConvSpec::same(4, 3));
    let x = g.batch_norm("stem_bn", x, true);
    let x = g.relu(x);
    let x = g.conv(middle, x, ConvSpec::same(4, kernel));
    let x = g.batch_norm("middle_bn", x, false);
    let x = g.global_avg_pool(x);
    let x = g.op(osee_model::graph::Op::Dropout { probability: 0.1 }, &[x]);
    let x = g.linear("classifier", x, 5);
    g.finish(x).unwrap()
}

fn batch(seed: u64) -> Batch {
    // Torch's generator is shared with tests on other threads.
    let pixels: Vec<f32> =
        StandardNormal.sample_iter(stream(seed, &["batch"])).take(6 * 3 * 8 * 8).collect();
    let images = Tensor::from_slice(&pixels).view([6, 3, 8, 8]);
    Batch::new(images, Tensor::from_slice(&[0i64, 1, 2, 3, 4, 0])).unwrap().on(device())
}

fn supernet() -> Supernet {
    Supernet::new("toy", 3, Init::Pytorch, device())
}

fn value(supernet: &Supernet, name: &str) -> Vec<f32> {
    let (_, slot) = supernet.slots.iter().find(|(key, _)| key.starts_with(name)).unwrap();
    Vec::<f32>::try_from(slot.value.detach().flatten(0, -1)).unwrap()
}

#[test]
fn a_gradient_is_averaged_over_the_networks_that_use_the_parameter() {
    let rate = Sgd { learning_rate: 1.0, momentum: 0.0, weight_decay: 0.0, max_norm: 0.0 };
    let without_dropout = |middle, kernel| {
        let mut graph = graph(middle, kernel);
        for node in &mut graph.nodes {
            if let osee_model::graph::Op::Dropout { .. } = node.op {
                node.op = osee_model::graph::Op::Identity;
            }
        }
        graph
    };
    let (one, other) = (without_dropout("a", 3), without_dropout("b", 1));
    let moved = |graphs: &[Graph], name: &str| -> Vec<f32> {
        let mut net = supernet();
        let _ = (net.parameters(&one), net.parameters(&other));
        let before = value(&net, name);
        net.train(graphs, &batch(1), &rate).unwrap();
        before.iter().zip(value(&net, name)).map(|(before, after)| before - after).collect()
    };
    let both = [one.clone(), other.clone()];
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    // Both move the stem, each only its own middle.
    let (first, second) = (moved(&both[..1], "stem."), moved(&both[1..], "stem."));
    let mean: Vec<f32> = first.iter().zip(&second).map(|(a, b)| (a + b) / 2.0).collect();
    assert!(close(&moved(&both, "stem."), &mean) && !close(&first, &second));
    assert!(close(&moved(&both, "a."), &moved(&both[..1], "a.")));
    assert!(moved(&both[..1], "b.").iter().all(|by| *by == 0.0));
}

#[test]
fn a_step_is_that_of_sgd_with_momentum_decay_and_clipping() {
    let sgd = Sgd { learning_rate: 0.5, momentum: 0.9, weight_decay: 0.1, max_norm: 2.0 };
    assert_eq!(sgd.clip(1.0), None);
    assert!((sgd.clip(4.0).unwrap() - 2.0 / 4.000001).abs() < 1e-12);
    let mut w = Tensor::from_slice(&[1.0f64]);
    let mut momentum = None;
    // d = 2 + 0.1; w = 1 - 0.5 * 2.1
    sgd.step(&mut w, Tensor::from_slice(&[2.0f64]), &mut momentum).unwrap();
    assert!((w.double_value(&[0]) + 0.05).abs() < 1e-12);
    // d = 2 - 0.005; m = 0.9 * 2.1 + 1.995 = 3.885; w = -0.05 - 1.9425
    sgd.step(&mut w, Tensor::from_slice(&[2.0f64]), &mut momentum).unwrap();
    assert!((w.double_value(&[0]) + 1.9925).abs() < 1e-12);
}

#[test]
fn a_resumed_run_has_the_weights_of_an_uninterrupted_one() {
    let graphs = [graph("a", 3), graph("b", 1)];
    let train = |net: &mut Supernet, steps: std::ops::Range<u64>| {
        for step in steps {
            let chosen = &graphs[step as usize % 2..][..1];
            net.train(chosen, &batch(step), &SGD).unwrap();
        }
    };
    let mut whole = supernet();
    train(&mut whole, 0..6);
    let mut first = supernet();
    train(&mut first, 0..3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("supernet.safetensors");
    first.save(&path, &"epoch 1").unwrap();
    drop(first);
    let (mut second, trainer): (Supernet, String) = Supernet::load(&path, device()).unwrap();
    assert_eq!((trainer.as_str(), second.steps()), ("epoch 1", 3));
    train(&mut second, 3..6);
    for name in ["stem.", "stem_bn.", "a.", "b.", "classifier."] {
        assert_eq!(value(&whole, name), value(&second, name), "{name}");
    }
}

#[test]
fn training_learns_and_evaluation_changes_nothing() {
    let graph = graph("a", 3);
    let (mut net, batch) = (supernet(), [batch(5)]);
    let before = net.evaluate(&graph, &batch).unwrap();
    assert_eq!(net.evaluate(&graph, &batch).unwrap(), before);
    for _ in 0..60 {
        net.train(std::slice::from_ref(&graph), &batch[0], &SGD).unwrap();
    }
    let after = net.evaluate(&graph, &batch).unwrap();
    assert!(after[0].loss < 0.5 * before[0].loss && after[0].correct == 6, "{before:?} {after:?}");
}

/// bfloat16 has 7 bits, so a loss differs by about 1%; weights stay float32.
#[test]
fn a_supernet_in_bf16_learns_nearly_what_one_in_float32_learns() {
    let trained = |precision| {
        let mut net = supernet().computing_in(precision);
        let graph = graph("a", 3);
        let seen: Vec<f64> = (0..4)
            .map(|i| net.train(std::slice::from_ref(&graph), &batch(i), &SGD).unwrap().loss)
            .collect();
        let evaluated = net.evaluate(&graph, &[batch(9)]).unwrap()[0].loss;
        let kinds: Vec<_> = net.parameters(&graph).iter().map(Tensor::kind).collect();
        assert!(kinds.iter().all(|kind| *kind == tch::Kind::Float));
        (seen, evaluated)
    };
    let (exact, coarse) = (trained(Precision::F32), trained(Precision::Bf16));
    assert_ne!(exact, coarse);
    for (a, b) in exact.0.iter().chain([&exact.1]).zip(coarse.0.iter().chain([&coarse.1])) {
        assert!((a - b).abs() < 0.05 * a.abs(), "{exact:?} {coarse:?}");
    }
}

#[test]
fn a_temporal_ensemble_is_the_mean_of_the_weights() {
    let graph = graph("a", 3);
    let folder = tempfile::tempdir().unwrap();
    let mut net = supernet();
    let mut stems = Vec::new();
    let mut files = Vec::new();
    for step in 0..3 {
        net.train(std::slice::from_ref(&graph), &batch(step), &SGD).unwrap();
        let file = folder.path().join(format!("{step}.safetensors"));
        net.save(&file, &()).unwrap();
        stems.push(value(&net, "stem."));
        files.push(file);
    }
    let mean = Supernet::load_mean(&files, device()).unwrap();
    let by_hand = (0..stems[0].len()).map(|i| stems.iter().map(|stem| stem[i]).sum::<f32>() / 3.0);
    let off = by_hand.zip(value(&mean, "stem.")).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-7, "{off}");
    assert!(value(&mean, "stem.") != stems[2]);
    assert_eq!(value(&Supernet::load_mean(&files[..1], device()).unwrap(), "stem."), stems[0]);
}

#[test]
fn several_samples_are_the_mean_of_their_gradients() {
    // A step on two samples equals a step by the mean of their own steps.
    let plain = Sgd { learning_rate: 1.0, momentum: 0.0, weight_decay: 0.0, max_norm: 0.0 };
    let mut graphs = [graph("a", 3), graph("a", 1), graph("b", 3)];
    for node in graphs.iter_mut().flat_map(|graph| &mut graph.nodes) {
        if let osee_model::graph::Op::Dropout { .. } = node.op {
            node.op = osee_model::graph::Op::Identity;
        }
    }
    let moved = |graphs: &[Graph]| -> Vec<f32> {
        let mut net = supernet();
        let _ = net.parameters(&graphs[0]);
        let before = value(&net, "classifier.weight");
        net.train(graphs, &batch(9), &plain).unwrap();
        before.iter().zip(value(&net, "classifier.weight")).map(|(a, b)| a - b).collect()
    };
    let alone: Vec<Vec<f32>> = graphs.iter().map(|g| moved(std::slice::from_ref(g))).collect();
    let together = moved(&graphs);
    for (i, moved) in together.iter().enumerate() {
        let mean = alone.iter().map(|one| one[i]).sum::<f32>() / 3.0;
        assert!((moved - mean).abs() < 1e-6, "{moved} {mean}");
    }
}
