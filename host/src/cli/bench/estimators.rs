//! Compares zero-shot estimators with plain PyTorch, which goes image by image and batch by batch
//! where the originals do, if Python can import torch.

use super::{BenchArgs, python};
use crate::{
    cli::{CliError, plugin_args::PluginArgs},
    loader::Registry,
};
use osee_core::study::Study;
use osee_engine::{
    Batch, Layout, Network, Origin, open_device, parameters::Initialiser, synchronize,
};
use osee_model::{
    device::DeviceName,
    graph::Graph,
    protocol::Init,
    seed::{below, stream},
    settings::Settings,
};
use osee_sdk::abi::{graph::LentGraph, instance::Foreign};
use std::{collections::BTreeMap, fmt::Write, time::Instant};
use tch::{Device, Kind, Tensor};

/// The estimators in plain PyTorch.
const ESTIMATORS: &str = include_str!("../../../../tests/fixtures/estimators_pytorch.py");
/// The module of the networks that they score.
const NETWORK: &str = include_str!("../../../../tests/fixtures/nb201_pytorch.py");
/// Runs the second argument, which imports the first.
const LOADER: &str = "import sys, types
module = types.ModuleType('nb201_pytorch')
exec(sys.argv[1], module.__dict__)
sys.modules[module.__name__] = module
exec(sys.argv[2], {'__name__': '__main__'})
";

/// What is compared, with the estimators that it takes here; AZ-NAS has its parts from one pass.
const COMPARED: [(&str, &[&str]); 11] = [
    ("zico", &["zico"]),
    ("gradsign_sum", &["gradsign_sum"]),
    ("epe_nas", &["epe_nas"]),
    ("swap", &["swap"]),
    ("wrcor", &["wrcor"]),
    ("eznas_a", &["eznas_a"]),
    ("az_nas", &["az_expressivity", "az_progressivity", "az_trainability"]),
    ("zen", &["zen"]),
    ("meco_conv", &["meco_conv"]),
    ("meco_leaf", &["meco_leaf"]),
    ("logsynflow", &["logsynflow"]),
];

/// Those that take a backward pass for each image, or for each image and class.
const SLOW: [(&str, &[&str]); 3] =
    [("ntk_cond", &["ntk_cond"]), ("hnas_trace", &["hnas_trace"]), ("vkdnw", &["vkdnw"])];

/// Images of a slow estimator's batch: their time grows with the square of this.
const SLOW_IMAGES: usize = 8;

/// Number of networks unless the command line says otherwise.
const NETWORKS: usize = 3;
const THREADS: i32 = 2;

/// Measures the ratios, and returns them as lines of text.
pub fn run(args: &BenchArgs) -> Result<String, CliError> {
    let python = match python::with_torch("estimators") {
        Ok(python) => python,
        Err(line) => return Ok(line),
    };
    let registry = PluginArgs::default().registry()?;
    let space = registry.space(&Study::default().space.id)?;
    let settings = space.info.defaults();
    let mut random = stream(0, &["bench", "estimators"]);
    let size = space.info.size.unwrap_or(1) as usize;
    let mut networks: Vec<(String, LentGraph)> = Vec::new();
    while networks.len() < args.networks.unwrap_or(NETWORKS) {
        let arch = space.functions.architecture(below(&mut random, size) as u64)?;
        if space.functions.trainable(&arch)? {
            let graph = space.functions.lent_graph(&arch, &settings)?;
            networks.push((arch, graph));
        }
    }
    let mut text = format!(
        "\nestimators against plain PyTorch, {} networks of {} with C=16, N=5, {THREADS} threads\n",
        networks.len(),
        space.info.id,
    );
    for (compared, images) in [
        (COMPARED.as_slice(), args.batch_size()),
        (SLOW.as_slice(), args.batch_size().min(SLOW_IMAGES)),
    ] {
        let estimators = created(&registry, compared)?;
        let ours = osee(&networks, &estimators, images)?;
        let theirs = pytorch(&python, &networks, compared, images)?;
        let ms = |seconds: f64| 1e3 * seconds / networks.len() as f64;
        for (name, _) in compared {
            let (own, eager) = (ours[name], theirs.get(*name).copied().unwrap_or(f64::NAN));
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{name:<14}{images:>4} images{:>8.2} times as fast ({:.0} ms against {:.0})",
                eager / own,
                ms(own),
                ms(eager)
            );
        }
    }
    Ok(text)
}

/// Estimators that take the given weights and images.
fn created<'a>(
    registry: &Registry,
    compared: &[(&'a str, &[&str])],
) -> Result<BTreeMap<&'a str, Vec<Foreign>>, CliError> {
    let create = |id: &&str| {
        let (plugin, info) = registry.estimator(id)?;
        let given = [("init", "given"), ("inputs", "batch")];
        let given = given.map(|(key, value)| (key.to_owned(), value.into())).into();
        let settings = Settings::resolve(id, &info.settings, &given)?;
        Ok(plugin.functions.create(info.kind, id, &settings)?)
    };
    let all = compared.iter();
    all.map(|(name, ids)| Ok((*name, ids.iter().map(create).collect::<Result<_, CliError>>()?)))
        .collect()
}

/// Seconds of each estimator over all networks, each on a network of its own.
fn osee<'a>(
    networks: &[(String, LentGraph)],
    estimators: &BTreeMap<&'a str, Vec<Foreign>>,
    images: usize,
) -> Result<BTreeMap<&'a str, f64>, CliError> {
    let device = open_device(DeviceName::default())?;
    let threads = tch::get_num_threads();
    tch::set_num_threads(THREADS);
    let batch = batch(images as i64);
    let mut seconds: BTreeMap<&str, f64> = estimators.keys().map(|name| (*name, 0.0)).collect();
    // The first network is scored twice, because it compiles kernels and takes memory.
    let first = networks.first().into_iter().map(|network| (network, 0.0));
    for ((arch, graph), weight) in first.chain(networks.iter().map(|network| (network, 1.0))) {
        let described: &Graph = graph;
        let values = Initialiser::standalone(described, Init::Pytorch, 0, "bench", arch);
        for (name, estimators) in estimators {
            let layout = Layout::fastest(device, Kind::Float);
            let network = Network::new(
                graph.clone(),
                &values,
                batch.share(),
                layout,
                Origin { arch: arch.clone(), ..Origin::default() },
            )?;
            let start = Instant::now();
            for estimator in estimators {
                if let Foreign::ZeroShot(estimator) = estimator {
                    // A network without a score takes as long to find that out.
                    let _ = estimator.score(network.handle(0));
                }
            }
            synchronize(device)?;
            *seconds.entry(name).or_default() += weight * start.elapsed().as_secs_f64();
        }
    }
    tch::set_num_threads(threads);
    Ok(seconds)
}

fn batch(images: i64) -> Batch {
    let labels = Tensor::randint(10, [images], (Kind::Int64, Device::Cpu));
    let images = Tensor::randn([images, 3, 32, 32], (Kind::Float, Device::Cpu));
    Batch::new(images, labels).expect("an image has one label")
}

fn pytorch(
    python: &str,
    networks: &[(String, LentGraph)],
    compared: &[(&str, &[&str])],
    images: usize,
) -> Result<BTreeMap<String, f64>, CliError> {
    let archs: Vec<&str> = networks.iter().map(|(arch, _)| arch.as_str()).collect();
    let names: Vec<&str> = compared.iter().map(|(name, _)| *name).collect();
    let request = serde_json::json!({
        "task": "time", "archs": archs, "channels": 16, "cells": 5, "batch": images,
        "threads": THREADS, "estimators": names,
    });
    python::ask(python, &["-c", LOADER, NETWORK, ESTIMATORS], &request).map_err(CliError::Worker)
}
