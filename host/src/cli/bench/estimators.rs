//! Compares zero-shot estimators with plain PyTorch, which goes image by image and batch by batch
//! where the originals do, if Python can import torch.

use super::{BenchArgs, python};
use crate::cli::{CliError, plugin_args::PluginArgs};
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
const COMPARED: [(&str, &[&str]); 14] = [
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
    ("ntk_cond", &["ntk_cond"]),
    ("hnas_trace", &["hnas_trace"]),
    ("vkdnw", &["vkdnw"]),
];

/// Number of networks unless the command line says otherwise: some take a backward pass for each image.
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
    let estimators: BTreeMap<&str, Vec<Foreign>> = COMPARED
        .iter()
        .map(|(name, ids)| {
            let created = ids.iter().map(|id| {
                let (plugin, info) = registry.estimator(id)?;
                let given = [("init", "given"), ("inputs", "batch")];
                let given = given.map(|(key, value)| (key.to_owned(), value.into())).into();
                let settings = Settings::resolve(id, &info.settings, &given)?;
                Ok(plugin.functions.create(info.kind, id, &settings)?)
            });
            Ok((*name, created.collect::<Result<_, CliError>>()?))
        })
        .collect::<Result<_, CliError>>()?;
    let ours = osee(&networks, &estimators, args.batch_size())?;
    let theirs = pytorch(&python, &networks, args.batch_size())?;
    let mut text = format!(
        "\nestimators against plain PyTorch, {} networks of {} with C=16, N=5, batch {}, {THREADS} \
         threads\n",
        networks.len(),
        space.info.id,
        args.batch_size()
    );
    let ms = |seconds: f64| 1e3 * seconds / networks.len() as f64;
    for (name, _) in COMPARED {
        let (own, eager) = (ours[name], theirs.get(name).copied().unwrap_or(f64::NAN));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name:<20}{:>8.2} times as fast ({:.0} ms against {:.0})",
            eager / own,
            ms(own),
            ms(eager)
        );
    }
    Ok(text)
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
    images: usize,
) -> Result<BTreeMap<String, f64>, CliError> {
    let archs: Vec<&str> = networks.iter().map(|(arch, _)| arch.as_str()).collect();
    let names: Vec<&str> = COMPARED.iter().map(|(name, _)| *name).collect();
    let request = serde_json::json!({
        "task": "time", "archs": archs, "channels": 16, "cells": 5, "batch": images,
        "threads": THREADS, "estimators": names,
    });
    python::ask(python, &["-c", LOADER, NETWORK, ESTIMATORS], &request).map_err(CliError::Worker)
}
