//! Compares supernets with eager PyTorch on the same sub-networks, threads and machine,
//! if Python can import torch.

use super::python;
use crate::cli::{CliError, plugin_args::PluginArgs};
use osee_core::study::Study;
use osee_engine::{
    Batch, open_device,
    supernet::{Sgd, Supernet},
    synchronize,
};
use osee_model::{
    device::DeviceName,
    graph::Graph,
    protocol::Init,
    seed::{below, stream},
};
use serde::Deserialize;
use std::{
    io,
    time::{Duration, Instant},
};
use tch::{Device, Kind, Tensor};

/// The same networks in plain PyTorch.
const SCRIPT: &str = include_str!("../../../../tests/fixtures/nb201_pytorch.py");
/// Number of times that both sides take turns.
const ROUNDS: usize = 2;
/// Number of sub-networks trained in a round.
const TRAINED: usize = 6;
const EVALUATED: usize = 25;
/// Timed steps per sub-network.
const STEPS: usize = 3;
const THREADS: i32 = 2;

/// Seconds for training steps, and for evaluating sub-networks on 1,000 images.
#[derive(Debug, Default, Deserialize)]
struct Seconds {
    step: f64,
    evaluation: f64,
}

/// Measures both ratios, and returns them as lines of text.
pub fn run(name: DeviceName) -> Result<String, CliError> {
    let python = match python::with_torch("supernets") {
        Ok(python) => python,
        Err(line) => return Ok(line),
    };
    let device = open_device(name)?;
    let registry = PluginArgs::default().registry()?;
    let space = registry.space(&Study::default().space.id)?;
    let settings = space.info.defaults().with("affine", false);
    let mut random = stream(0, &["bench", "architectures"]);
    let size = space.info.size.unwrap_or(1) as usize;
    let mut draw = |count: usize| -> osee_sdk::Result<Vec<(String, Graph)>> {
        let mut drawn = Vec::with_capacity(count);
        while drawn.len() < count {
            let arch = space.functions.architecture(below(&mut random, size) as u64)?;
            if space.functions.trainable(&arch)? {
                let graph = space.functions.graph(&arch, &settings)?;
                drawn.push((arch, graph));
            }
        }
        Ok(drawn)
    };
    let (mut own, mut eager) = (Seconds::default(), Seconds::default());
    for _ in 0..ROUNDS {
        let (trained, evaluated) = (draw(TRAINED)?, draw(EVALUATED)?);
        let theirs = pytorch(&python, name, &trained, &evaluated).map_err(CliError::Worker)?;
        let ours = osee(device, &trained, &evaluated)?;
        own.step += ours.step;
        own.evaluation += ours.evaluation;
        eager.step += theirs.step;
        eager.evaluation += theirs.evaluation;
    }
    let steps = (ROUNDS * TRAINED) as f64;
    let nets = (ROUNDS * EVALUATED) as f64;
    Ok(format!(
        "\nsupernets against eager PyTorch, NAS-Bench-201 with C=16, N=5, {THREADS} threads, {name}\n\
         training step, batch 128           {:>8.3} times the time ({:.0} ms against {:.0})\n\
         sub-network on 1,000 images        {:>8.3} times the time ({:.0} ms against {:.0})\n",
        own.step / eager.step,
        1e3 * own.step / steps,
        1e3 * eager.step / steps,
        own.evaluation / eager.evaluation,
        1e3 * own.evaluation / nets,
        1e3 * eager.evaluation / nets,
    ))
}

fn batch(images: i64, device: Device) -> Batch {
    let labels = Tensor::randint(10, [images], (Kind::Int64, Device::Cpu));
    let images = Tensor::randn([images, 3, 32, 32], (Kind::Float, Device::Cpu));
    Batch::new(images, labels).expect("an image has one label").on(device)
}

fn osee(
    device: Device,
    trained: &[(String, Graph)],
    evaluated: &[(String, Graph)],
) -> osee_sdk::Result<Seconds> {
    let threads = tch::get_num_threads();
    tch::set_num_threads(THREADS);
    let sgd = Sgd { learning_rate: 0.05, momentum: 0.9, weight_decay: 5e-4, max_norm: 5.0 };
    let mut supernet = Supernet::new("bench", 0, Init::Pytorch, device);
    let mut seconds = Seconds::default();
    let images = batch(128, device);
    for (_, graph) in trained {
        supernet.train(std::slice::from_ref(graph), &images, &sgd)?;
        synchronize(device)?;
        let start = Instant::now();
        for _ in 0..STEPS {
            supernet.train(std::slice::from_ref(graph), &images, &sgd)?;
        }
        synchronize(device)?;
        seconds.step += per(start.elapsed(), STEPS);
    }
    let batches: Vec<Batch> = (0..4).map(|_| batch(250, device)).collect();
    for (_, graph) in evaluated {
        let start = Instant::now();
        supernet.evaluate(graph, &batches)?;
        seconds.evaluation += start.elapsed().as_secs_f64();
    }
    tch::set_num_threads(threads);
    Ok(seconds)
}

fn per(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() / count as f64
}

fn pytorch(
    python: &str,
    device: DeviceName,
    trained: &[(String, Graph)],
    evaluated: &[(String, Graph)],
) -> io::Result<Seconds> {
    let names = |archs: &[(String, Graph)]| -> Vec<String> {
        archs.iter().map(|(arch, _)| arch.clone()).collect()
    };
    let request = serde_json::json!({
        "task": "time", "archs": names(trained), "evaluate": names(evaluated), "channels": 16,
        "cells": 5, "batch": 128, "steps": STEPS, "images": 1000, "threads": THREADS,
        "device": device.to_string(),
    });
    python::ask(python, &["-c", SCRIPT], &request)
}
