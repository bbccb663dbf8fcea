//! Compares training and evaluation with plain PyTorch on the same weights and
//! images: with its figures, kept in a file, and with PyTorch itself
//! where Python can import it.

use crate::support;
use osee_engine::{
    Batch,
    supernet::{Sgd, Supernet},
};
use osee_model::{
    graph::Graph,
    protocol::Init,
    seed::{below, stream},
    settings::{Settings, Value},
};
use osee_testkit::Library;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tch::{Device, Tensor};

const SCRIPT: &str = include_str!("../fixtures/nb201_pytorch.py");
/// A dead convolution, an edge without operation, and one edge of each other kind.
const ARCH: &str = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|";
const DEAD: &str =
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|";
const SGD: Sgd = Sgd { learning_rate: 0.05, momentum: 0.9, weight_decay: 5e-4, max_norm: 5.0 };

/// Results of two steps and an evaluated batch.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Figures {
    losses: Vec<f64>,
    gradient_norms: Vec<f64>,
    evaluated_loss: f64,
    evaluated_correct: u32,
    /// Mean and norm of each weight.
    weights: BTreeMap<String, [f64; 2]>,
}

fn graph(arch: &str) -> Graph {
    let space = Library::of_crate("space_nb201").unwrap().space("nb201").unwrap();
    let settings = [
        ("channels", Value::Int(4)),
        ("cells", Value::Int(1)),
        ("classes", Value::Int(10)),
        ("image_size", Value::Int(16)),
        ("affine", Value::Bool(false)),
        ("dropout", Value::Float(0.0)),
    ];
    let settings: Settings =
        settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    space.graph(arch, &settings).unwrap()
}

/// A small batch, so that no value is likely to be so near zero that its ReLU depends
/// on the order of summation.
fn batch() -> Batch {
    let pixels: Vec<f32> =
        StandardNormal.sample_iter(stream(7, &["images"])).take(8 * 3 * 16 * 16).collect();
    let mut labels = stream(7, &["labels"]);
    let labels: Vec<i64> = (0..8).map(|_| below(&mut labels, 10) as i64).collect();
    let images = Tensor::from_slice(&pixels).view([8, 3, 16, 16]);
    Batch::new(images, Tensor::from_slice(&labels)).unwrap()
}

fn ours(arch: &str) -> Figures {
    let graph = graph(arch);
    let batch = batch();
    let mut net = Supernet::new("nb201", 3, Init::Pytorch, Device::Cpu);
    let seen = [(); 2].map(|()| net.train(std::slice::from_ref(&graph), &batch, &SGD).unwrap());
    let evaluated = net.evaluate(&graph, &[batch]).unwrap()[0];
    let values = net.parameters(&graph);
    let named = graph.parameters.iter().zip(&values);
    let weights = named.map(|(parameter, value)| {
        let value = value.detach().to_kind(tch::Kind::Double);
        let figure = |tensor: Tensor| tensor.double_value(&[]);
        (parameter.name.clone(), [figure(value.mean(tch::Kind::Double)), figure(value.norm())])
    });
    Figures {
        losses: seen.iter().map(|seen| seen.loss).collect(),
        gradient_norms: seen.iter().map(|seen| seen.gradient_norm).collect(),
        evaluated_loss: evaluated.loss,
        evaluated_correct: evaluated.correct,
        weights: weights.collect(),
    }
}

/// The figures of PyTorch itself; `None` if Python cannot import it.
fn pytorch(arch: &str) -> Option<Figures> {
    let python = support::python_with_torch()?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.safetensors");
    let graph = graph(arch);
    let mut net = Supernet::new("nb201", 3, Init::Pytorch, Device::Cpu);
    let names = graph.parameters.iter().map(|parameter| parameter.name.clone());
    let values = net.parameters(&graph);
    let mut tensors: Vec<(String, Tensor)> =
        names.zip(values.iter().map(|value| value.detach().contiguous())).collect();
    let batch = batch();
    let labels = batch.labels().shallow_clone();
    tensors.extend([("images".to_owned(), batch.images), ("labels".to_owned(), labels)]);
    Tensor::write_safetensors(&tensors, &file).unwrap();
    let request = serde_json::json!({
        "task": "step", "file": file, "arch": arch, "channels": 4, "cells": 1,
        "learning_rate": SGD.learning_rate, "momentum": SGD.momentum,
        "weight_decay": SGD.weight_decay, "max_norm": SGD.max_norm,
    });
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nb201_pytorch.json")
}

fn known() -> BTreeMap<String, Figures> {
    serde_json::from_str(&std::fs::read_to_string(golden()).unwrap()).unwrap()
}

fn assert_close(a: &Figures, b: &Figures) {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-4 * b.abs().max(1.0);
    let all =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(*a, *b));
    assert!(all(&a.losses, &b.losses), "{:?} {:?}", a.losses, b.losses);
    assert!(all(&a.gradient_norms, &b.gradient_norms), "{a:?} {b:?}");
    assert!(close(a.evaluated_loss, b.evaluated_loss), "{a:?} {b:?}");
    assert_eq!(a.evaluated_correct, b.evaluated_correct);
    assert_eq!(a.weights.len(), b.weights.len());
    for (name, of_a) in &a.weights {
        assert!(all(of_a, &b.weights[name]), "{name}: {of_a:?} {:?}", b.weights[name]);
    }
}

#[test]
fn two_steps_and_an_evaluated_batch_are_those_of_pytorch() {
    let known = known();
    for arch in [ARCH, DEAD] {
        assert_close(&ours(arch), &known[arch]);
    }
}

/// With `OSEE_WRITE_GOLDEN=1`, writes the file anew from PyTorch.
#[test]
fn pytorch_still_says_the_same() {
    let Some(figures) = pytorch(ARCH) else { return };
    let Some(dead) = pytorch(DEAD) else { return };
    let now = BTreeMap::from([(ARCH.to_owned(), figures), (DEAD.to_owned(), dead)]);
    if std::env::var_os("OSEE_WRITE_GOLDEN").is_some() {
        std::fs::write(golden(), serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    let known = known();
    for (arch, figures) in &now {
        assert_close(figures, &known[arch]);
        assert_close(&ours(arch), figures);
    }
}
