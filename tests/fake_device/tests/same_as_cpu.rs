//! What the engine computes on a device that is not the CPU is what it computes on the CPU. The
//! fake device runs the CPU's kernels, so what takes the same way in the same memory layout has
//! the same bits. Where a GPU has a layout or a way of its own, sums are in another order, and
//! the last bits may differ, as they do on a GPU.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use osee_engine::{
    Layout, Network, Origin,
    pass_times::PASSES,
    standalone::Standalone,
    supernet::{Sgd, Supernet},
};
use osee_model::{evaluation::Fit, graph::Graph, protocol::Init, seed::stream};
use osee_sdk::{
    Images, Measurement, Network as View, NormStatistics, Objective, Signs, Tangent, Variation,
    Weights,
};
use std::cell::RefCell;
use support::{ARCH, Size, weights};
use tch::{Device, Kind, Tensor};

const SIZE: Size = Size { channels: 8, cells: 1, side: 16, images: 8 };
const SGD: Sgd = Sgd { learning_rate: 0.1, momentum: 0.9, weight_decay: 5e-4, max_norm: 5.0 };

/// The CPU and the fake device. Sums must not depend on how many threads there are.
fn devices() -> [Device; 2] {
    let fake = osee_fake_device::install();
    tch::set_num_threads(1);
    [Device::Cpu, fake]
}

/// Checks that two lists of numbers agree but for the order of sums.
#[track_caller]
fn assert_close(what: &str, fake: &[f64], cpu: &[f64]) {
    assert_eq!(fake.len(), cpu.len(), "{what}");
    // What is exactly zero may come out as a rounding error.
    let size = cpu.iter().fold(1e-3f64, |size, it| size.max(it.abs()));
    for (fake, cpu) in fake.iter().zip(cpu) {
        assert!((fake - cpu).abs() <= 1e-4 * size, "{what}: {fake} for {cpu}");
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten(0, -1).to_kind(Kind::Double).try_into().unwrap()
}

#[track_caller]
fn assert_equal(what: &str, fake: &[Tensor], cpu: &[Tensor]) {
    assert_eq!(fake.len(), cpu.len(), "{what}");
    for (i, (fake, cpu)) in fake.iter().zip(cpu).enumerate() {
        assert_eq!((fake.kind(), fake.size()), (cpu.kind(), cpu.size()), "{what} {i}");
        assert!(fake.to_device(Device::Cpu).equal(cpu), "{what} {i}");
    }
}

#[test]
fn every_measurement_is_the_same() {
    for layout in [Layout::ChannelsLast, Layout::Contiguous] {
        let [cpu, fake] = devices().map(|device| {
            let graph = SIZE.graph(ARCH, 0.0);
            let parameters = weights(&graph, 1);
            Network::new(graph, &parameters, SIZE.batch(1, device), layout, Origin::default())
                .unwrap()
        });
        let others = [Measurement::Batch, Measurement::Parameters, Measurement::LayerActivations];
        for what in PASSES.into_iter().chain(others) {
            let [cpu, ours] = [&cpu, &fake].map(|network| network.measure(what.clone()).unwrap());
            // The scalar that is added up on the host stays there.
            if matches!(what, Measurement::WeightHessianGradient) {
                assert_close(what.name(), &numbers(&ours[0]), &numbers(&cpu[0]));
                continue;
            }
            match what {
                // Its image of ones has the device's own layout.
                Measurement::SynapticFlow(_) => {
                    for (ours, cpu) in ours.iter().zip(&cpu) {
                        assert_close(what.name(), &numbers(ours), &numbers(cpu));
                    }
                }
                _ => assert_equal(what.name(), &ours, &cpu),
            }
            assert!(ours.iter().all(|tensor| tensor.device() == Device::Mps), "{}", what.name());
        }
    }
}

/// On weights and images that are drawn, which comes to the same numbers on any device.
#[test]
fn every_measurement_of_a_varied_network_is_the_same() {
    let init = Init::KaimingFanIn;
    let drawn = Variation::default().weights(Weights::Drawn { init, repeat: 1 });
    let noise = drawn.images(Images::Noise(2)).perturbed_by(Images::Reversed);
    let all = [
        (drawn, Measurement::Logits),
        (noise, Measurement::Features),
        (noise, Measurement::NormVariances),
        (drawn.images(Images::Part { index: 1, of: 2 }), Measurement::LossGradients),
        (drawn, Measurement::CellOutputs),
        (drawn, Measurement::CellGradients(Signs::Random)),
        (drawn, Measurement::CellGradients(Signs::Checkerboard)),
        (drawn, Measurement::LeafOutputs),
        (drawn, Measurement::ReluActivations(Objective::Loss)),
        (drawn.images(Images::First(4)), Measurement::ReluActivations(Objective::PooledFeatures)),
        (drawn, Measurement::TangentKernel(Tangent::SumOfLogits)),
        (drawn, Measurement::TangentKernel(Tangent::LabelLogit)),
        (drawn.norm(NormStatistics::Initial), Measurement::FirstEntryJacobian),
    ];
    // Signs and regions are counted: a unit near zero may fall on the other side.
    let counted = [
        (drawn, Measurement::GradientSigns, 0.01),
        (drawn, Measurement::ReluColumns, 0.01),
        (drawn.images(Images::Noise(0)), Measurement::LinearRegions, 0.01),
    ];
    let [cpu, fake] = devices().map(|device| {
        let graph = SIZE.graph(ARCH, 0.0);
        let parameters = weights(&graph, 1);
        let batch = SIZE.batch(1, device);
        let layout = Layout::fastest(device, Kind::Float);
        Network::new(graph, &parameters, batch, layout, Origin::default()).unwrap()
    });
    let both = |variation: Variation, what: &Measurement| {
        let varied = Measurement::Varied(variation, Box::new(what.clone()));
        [&fake, &cpu].map(|network| -> Vec<Vec<f64>> {
            network.measure(varied.clone()).unwrap().iter().map(numbers).collect()
        })
    };
    for (variation, what) in all {
        let [ours, cpu] = both(variation, &what);
        assert_eq!(ours.len(), cpu.len(), "{}", what.name());
        for (ours, cpu) in ours.iter().zip(&cpu) {
            assert_close(what.name(), ours, cpu);
        }
    }
    for (variation, what, share) in counted {
        let [ours, cpu] = both(variation, &what).map(|it| it.concat());
        assert_eq!(ours.len(), cpu.len(), "{}", what.name());
        let size: f64 = cpu.iter().map(|it| it.abs()).sum();
        let off: f64 = ours.iter().zip(&cpu).map(|(ours, cpu)| (ours - cpu).abs()).sum();
        assert!(size > 0.0 && off <= share * size, "{}: {off} of {size}", what.name());
    }
}

#[test]
fn an_estimator_can_run_the_network_and_derive_it_twice() {
    let [cpu, fake] = devices().map(|device| {
        let graph = SIZE.graph(ARCH, 0.0);
        let parameters = weights(&graph, 2);
        let batch = SIZE.batch(2, device);
        let network = support::network(graph, &parameters, batch);
        let view = View::new(network.handle(0));
        let logits = view.forward(&SIZE.batch(3, device).images).unwrap();
        let loss = logits.cross_entropy_for_logits(&view.batch().unwrap().labels);
        let leaves: Vec<Tensor> =
            view.trainable().unwrap().into_iter().map(|it| it.value).collect();
        let leaves: Vec<&Tensor> = leaves.iter().filter(|leaf| leaf.dim() == 4).collect();
        let first = Tensor::f_run_backward(&[&loss], &leaves[..1], true, true).unwrap();
        let square = first[0].square().sum(Kind::Float);
        let second = Tensor::f_run_backward(&[&square], &leaves[..1], false, false).unwrap();
        [logits, loss].iter().chain(&first).chain(&second).map(Tensor::detach).collect::<Vec<_>>()
    });
    for (fake, cpu) in fake.iter().zip(&cpu) {
        assert_close("own autograd", &numbers(fake), &numbers(cpu));
    }
}

#[test]
fn a_supernet_comes_to_the_same_checkpoint() {
    let folder = std::env::temp_dir().join(format!("osee-fake-device-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let other = ARCH.replace("nor_conv_1x1~1", "nor_conv_3x3~1");
    let graphs = [SIZE.graph(ARCH, 0.1), SIZE.graph(&other, 0.1)];
    let [cpu, fake] = devices().map(|device| {
        let mut net = Supernet::new("nb201", 3, Init::Pytorch, device);
        let seen = [1, 2].map(|i| net.train(&graphs, &SIZE.batch(i, device), &SGD).unwrap());
        let gradients = net.gradients(&graphs[0], &SIZE.batch(3, device)).unwrap();
        let file = folder.join(format!("{device:?}.safetensors"));
        net.save(&file, &()).unwrap();
        // The loaded one goes on where the other was.
        let (mut net, ()) = Supernet::load(&file, device).unwrap();
        let last = net.train(&graphs[1..], &SIZE.batch(4, device), &SGD).unwrap();
        let batches = [SIZE.batch(5, device), SIZE.batch(6, device)];
        let results = graphs.each_ref().map(|graph| net.evaluate(graph, &batches).unwrap());
        let gradients: Vec<Tensor> = gradients.into_iter().map(|(_, it)| it).collect();
        let mut weights = Tensor::read_safetensors(&file).unwrap();
        weights.retain(|(name, _)| name != "state");
        weights.sort_by(|a, b| a.0.cmp(&b.0));
        let fits: Vec<f64> = seen
            .iter()
            .chain([&last])
            .flat_map(|it| [it.loss, it.accuracy, it.gradient_norm])
            .chain(results.iter().flatten().flat_map(|it| [it.loss, f64::from(it.correct)]))
            .collect();
        (fits, gradients, weights)
    });
    std::fs::remove_dir_all(&folder).unwrap();
    assert_close("fits", &fake.0, &cpu.0);
    for (fake, cpu) in fake.1.iter().zip(&cpu.1) {
        assert_close("gradients", &numbers(fake), &numbers(cpu));
    }
    assert_eq!(fake.2.len(), cpu.2.len());
    for ((name, fake), (same, cpu)) in fake.2.iter().zip(&cpu.2) {
        assert_eq!(name, same);
        assert_close(name, &numbers(fake), &numbers(cpu));
    }
}

#[test]
fn a_standalone_epoch_is_the_same() {
    fn epoch(graph: &Graph, device: Device) -> Vec<Vec<Fit>> {
        let seeds = [3u64, 4];
        let initial = seeds.map(|seed| weights(graph, seed));
        let random = seeds.map(|seed| RefCell::new(stream(seed, &["dropout"])));
        let mut net = Standalone::new(graph.clone(), &initial, device).unwrap();
        let mut fits: Vec<Vec<Fit>> = (0..4)
            .map(|i| {
                let batches = [2 * i, 2 * i + 1].map(|seed| SIZE.batch(seed, device));
                net.step(&batches, &SGD, &random).unwrap()
            })
            .collect();
        let seen = net.statistics(&SIZE.batch(0, device).images).unwrap();
        fits.extend([8, 9].map(|seed| net.evaluate(&SIZE.batch(seed, device), &seen).unwrap()));
        fits
    }
    let graph = SIZE.graph(ARCH, 0.1);
    let [cpu, fake] = devices().map(|device| -> Vec<f64> {
        epoch(&graph, device).iter().flatten().flat_map(|fit| [fit.loss, fit.accuracy]).collect()
    });
    assert_close("fits", &fake, &cpu);
    assert!(cpu.iter().all(|it| it.is_finite()));
}
