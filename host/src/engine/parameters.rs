//! Initial weights: drawn from osee's own streams, or read from a file.
//!
//! Invariant: a drawn value depends on (seed, space, parameter name, stored
//! shape), and on the architecture for standalone networks; never on the order
//! of drawing. Name and stored shape together are what architectures share:
//! the 1x1 and the 3x3 convolution of one edge are two parameters.

use super::Batch;
use osee_core::{
    graph::{Graph, ParamRole, Parameter},
    protocol::{Init, Protocol, Weights},
    seed::stream,
};
use osee_sdk::{Error, Result};
use rand_distr::{Distribution, Normal, Uniform};
use std::{collections::HashMap, path::Path};
use tch::Tensor;

/// Draws parameters; remembers those that all architectures of a seed share.
#[derive(Default)]
pub struct Initialiser {
    shared: HashMap<(u64, String, Vec<usize>), Tensor>,
}

impl Initialiser {
    /// The whole of a parameter that all architectures of a seed share.
    pub fn supernet(parameter: &Parameter, init: Init, seed: u64, space: &str) -> Tensor {
        let shape = format!("{:?}", parameter.stored);
        draw(parameter, init, seed, &["init", space, &parameter.name, &shape])
    }

    /// Parameters of `graph`, f32, in its order and the shapes it uses.
    pub fn draw(
        &mut self,
        graph: &Graph,
        protocol: &Protocol,
        seed: u64,
        space: &str,
        arch: &str,
    ) -> Vec<Tensor> {
        let parameters = graph.parameters.iter();
        let values = parameters.map(|parameter| {
            let shape = format!("{:?}", parameter.stored);
            let stored = match protocol.weights {
                Weights::Standalone => draw(
                    parameter,
                    protocol.init,
                    seed,
                    &["init", space, &parameter.name, &shape, arch],
                ),
                Weights::Supernet => self
                    .shared
                    .entry((seed, parameter.name.clone(), parameter.stored.clone()))
                    .or_insert_with(|| Self::supernet(parameter, protocol.init, seed, space))
                    .shallow_clone(),
            };
            slice(&stored, parameter)
        });
        values.collect()
    }
}

/// The stored parameter, `parameter.stored`.
fn draw(parameter: &Parameter, init: Init, seed: u64, path: &[&str]) -> Tensor {
    let shape: Vec<i64> = parameter.stored.iter().map(|&n| n as i64).collect();
    let count = parameter.stored.iter().product();
    let mut stream = stream(seed, path);
    let values: Vec<f32> = match law(parameter, init) {
        Law::Constant(value) => vec![value; count],
        Law::Uniform(bound) => {
            let uniform = Uniform::new(-bound, bound).expect("the bound is positive and finite");
            uniform.sample_iter(&mut stream).take(count).collect()
        }
        Law::Normal(deviation) => {
            let normal = Normal::new(0.0, deviation).expect("the deviation is finite");
            normal.sample_iter(&mut stream).take(count).collect()
        }
    };
    Tensor::from_slice(&values).view(shape.as_slice())
}

enum Law {
    Constant(f32),
    Uniform(f32),
    Normal(f32),
}

fn law(parameter: &Parameter, init: Init) -> Law {
    let fan_in = |shape: &[usize]| shape[1..].iter().product::<usize>().max(1) as f32;
    match (parameter.role, init) {
        (ParamRole::NormScale, _) => Law::Constant(1.0),
        (ParamRole::NormShift, _) => Law::Constant(0.0),
        (ParamRole::ConvWeight, Init::KaimingFanOut) => {
            let (out, kernel) = (parameter.stored[0], &parameter.stored[2..]);
            let fan_out = out * kernel.iter().product::<usize>();
            Law::Normal((2.0 / fan_out as f32).sqrt())
        }
        (ParamRole::LinearWeight, Init::KaimingFanOut) => Law::Normal(0.01),
        (ParamRole::Bias { .. }, Init::KaimingFanOut) => Law::Constant(0.0),
        (ParamRole::Bias { fan_in }, _) => Law::Uniform(1.0 / (fan_in.max(1) as f32).sqrt()),
        (ParamRole::ConvWeight | ParamRole::LinearWeight, _) => {
            Law::Uniform(1.0 / fan_in(&parameter.stored).sqrt())
        }
    }
}

/// The part of a stored parameter that a graph uses.
pub fn slice(stored: &Tensor, parameter: &Parameter) -> Tensor {
    let mut part = stored.shallow_clone();
    for (dim, range) in parameter.slice.iter().enumerate() {
        part = part.narrow(dim as i64, range.start as i64, range.len() as i64);
    }
    part
}

/// Parameters of `graph` from a safetensors file, and its `input` and
/// `target` if it has them.
///
/// # Errors
/// When the file cannot be read, lacks a parameter, or has it in another
/// shape.
pub fn from_file(path: &Path, graph: &Graph) -> Result<(Vec<Tensor>, Option<Batch>)> {
    let tensors = Tensor::read_safetensors(path).map_err(|error| {
        Error::new(format!("cannot read weights from {}: {error}", path.display()))
    })?;
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let parameters = graph
        .parameters
        .iter()
        .map(|parameter| {
            let stored = tensors.get(&parameter.name).ok_or_else(|| {
                Error::new(format!("{} has no parameter `{}`", path.display(), parameter.name))
            })?;
            let wanted: Vec<i64> = parameter.stored.iter().map(|&n| n as i64).collect();
            if stored.size() != wanted {
                return Err(Error::new(format!(
                    "parameter `{}` in {} has shape {:?}, the architecture needs {wanted:?}",
                    parameter.name,
                    path.display(),
                    stored.size()
                )));
            }
            Ok(slice(&stored.to_kind(tch::Kind::Float), parameter))
        })
        .collect::<Result<Vec<Tensor>>>()?;
    let batch = match (tensors.get("input"), tensors.get("target")) {
        (Some(images), Some(labels)) => {
            Some(Batch { images: images.shallow_clone(), labels: labels.shallow_clone() })
        }
        _ => None,
    };
    Ok((parameters, batch))
}
