//! A network of NAS-Bench-201 with its batch.

use osee_engine::{Batch, Layout, Network, Origin, parameters::Initialiser};
use osee_model::{graph::Graph, protocol::Init, seed::stream};
use osee_sdk::prelude::*;
use rand_distr::{Distribution, StandardNormal, StandardUniform};
use space_nb201::Nb201;
use std::{collections::HashMap, rc::Rc};
use tch::{Device, Tensor};

/// An architecture whose operations are about the mean of the space: 2 convolutions, a pool and
/// 2 sums in a cell.
pub const ARCH: &str =
    "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|skip_connect~2|";

/// How large networks and images are.
#[derive(Clone, Copy)]
pub struct Size {
    /// Channels of the first stage.
    pub channels: i64,
    /// Cells per stage.
    pub cells: i64,
    /// Side of an image, pixels.
    pub side: i64,
    /// Images of a batch.
    pub images: i64,
}

impl Size {
    /// The graph of an architecture.
    pub fn graph(self, arch: &str, dropout: f64) -> Graph {
        let Self { channels, cells, side, .. } = self;
        let mut given: HashMap<String, Value> =
            [("channels", channels), ("cells", cells), ("image_size", side)]
                .map(|(key, value)| (key.to_owned(), Value::Int(value)))
                .into();
        given.insert("dropout".to_owned(), Value::Float(dropout));
        let given = given.into_iter().collect();
        let settings = Settings::resolve("nb201", &Nb201::info().settings, &given).unwrap();
        Nb201.graph(&arch.parse().unwrap(), &settings).unwrap()
    }

    /// Images of noise, with labels.
    pub fn batch(self, seed: u64, device: Device) -> Batch {
        let Self { side, images: n, .. } = self;
        let pixels = (n * 3 * side * side) as usize;
        let random = || stream(seed, &["batch"]);
        let pixels: Vec<f32> = StandardNormal.sample_iter(random()).take(pixels).collect();
        let uniform = StandardUniform.sample_iter(random()).take(n as usize);
        let labels: Vec<i64> = uniform.map(|x: f64| (10.0 * x) as i64).collect();
        let images = Tensor::from_slice(&pixels).view([n, 3, side, side]);
        Batch::new(images, Tensor::from_slice(&labels)).unwrap().on(device)
    }
}

/// The network of these weights on the device of `batch`.
pub fn network(graph: Graph, parameters: &[Tensor], batch: Batch) -> Rc<Network> {
    let layout = Layout::fastest(batch.images.device(), Kind::Float);
    Network::new(graph, parameters, batch, layout, Origin::default()).unwrap()
}

/// Initial weights of a network, on the CPU.
pub fn weights(graph: &Graph, seed: u64) -> Vec<Tensor> {
    Initialiser::standalone(graph, Init::Pytorch, seed, "nb201", ARCH)
}
