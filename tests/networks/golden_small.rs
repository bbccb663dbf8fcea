//! Compares `osee-host score` with scores that plain PyTorch gave for the same small
//! networks. Their weights and images are made from their names, here as in
//! `fixtures/golden_small.py`, so that every clone has them.

use crate::support;
use safetensors::{Dtype, tensor::TensorView};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs, process::Command};

const SCRIPT: &str = include_str!("../fixtures/golden_small.py");

/// Tolerance of float32 against float64. The error is 1e-5 on kernels from SSE4.1 to AVX-512,
/// and largest in `plain` and `grasp`, sums that nearly cancel.
const FLOAT32: f64 = 5e-5;

/// Tolerance of scores that are computed in float64 or from whole numbers.
const FLOAT64: f64 = 1e-10;

/// Tolerance of `grasp` with wide weights. `engine/hessian` treats a convolution as
/// invariant to scale if all variances of its output are at least 1e4 eps. Ignoring eps
/// costs up to 5e-5 of these sums, and rounding a tenth of that.
const GRASP_WITHOUT_EPS: f64 = 1e-4;

/// The spread of wide weights.
const WIDE: f32 = 0.25;

/// The tolerance of each score, relative to the score.
const TOLERANCES: [(&str, f64); 14] = [
    ("loss", FLOAT32),
    ("logits_sum_abs", FLOAT32),
    ("grad_norm", FLOAT32),
    ("plain", FLOAT32),
    ("snip", FLOAT32),
    ("grasp", FLOAT32),
    ("fisher", FLOAT32),
    ("l2_norm", FLOAT32),
    ("synflow", FLOAT64),
    ("synflow_bn", FLOAT64),
    ("jacob_cov", FLOAT32),
    ("relu_logdet", FLOAT64),
    ("params", 0.0),
    ("relu", 0.0),
];

/// Scores by name; `None` if there is no finite number.
pub(super) type Scores = BTreeMap<String, Option<f64>>;

/// The contents of `fixtures/golden_small.json`.
#[derive(Deserialize)]
pub(super) struct Golden {
    channels: usize,
    cells: usize,
    image_size: usize,
    batch: usize,
    pub(super) networks: Vec<Network>,
}

#[derive(Deserialize)]
pub(super) struct Network {
    pub(super) arch: String,
    /// Largest distance of a parameter from its centre.
    spread: f32,
    scores: Scores,
    /// Shapes by name.
    pub(super) parameters: BTreeMap<String, Vec<usize>>,
}

impl Network {
    fn tolerance(&self, name: &str, usual: f64) -> f64 {
        match name {
            "grasp" if self.spread == WIDE => GRASP_WITHOUT_EPS,
            _ => usual,
        }
    }
}

pub(super) fn golden() -> Golden {
    serde_json::from_str(include_str!("../fixtures/golden_small.json")).unwrap()
}

/// Sixteen bits for number `i` of the tensor of this name.
fn bits(name: &str, i: usize) -> u16 {
    let digest = Sha256::digest(format!("{name}/{i}"));
    u16::from_le_bytes([digest[0], digest[1]])
}

/// A number from -1 to 1 that float32 represents exactly.
fn number(name: &str, i: usize) -> f32 {
    f32::from(bits(name, i)) / 32768.0 - 1.0
}

/// Values around 1 for scales, and around 0 for all else.
fn parameter(name: &str, shape: &[usize], spread: f32) -> Vec<f32> {
    let scales = shape.len() == 1 && name.ends_with(".weight");
    let centre = if scales { 1.0 } else { 0.0 };
    (0..shape.iter().product()).map(|i| centre + spread * number(name, i)).collect()
}

/// Dtype, shape and bytes of a tensor.
pub(super) type Stored = (Dtype, Vec<usize>, Vec<u8>);

fn float32(shape: &[usize], values: &[f32]) -> Stored {
    (Dtype::F32, shape.to_vec(), values.iter().flat_map(|it| it.to_le_bytes()).collect())
}

/// The parameters of the network and the batch.
pub(super) fn tensors(golden: &Golden, network: &Network) -> BTreeMap<String, Stored> {
    let parameters = network.parameters.iter().map(|(name, shape)| {
        (name.clone(), float32(shape, &parameter(name, shape, network.spread)))
    });
    let mut tensors: BTreeMap<String, Stored> = parameters.collect();
    let Golden { image_size, batch, .. } = *golden;
    let shape = [batch, 3, image_size, image_size];
    let pixels: Vec<f32> = (0..shape.iter().product()).map(|i| 2.0 * number("input", i)).collect();
    tensors.insert("input".to_owned(), float32(&shape, &pixels));
    let labels = (0..batch).flat_map(|i| i64::from(bits("target", i) % 10).to_le_bytes());
    tensors.insert("target".to_owned(), (Dtype::I64, vec![batch], labels.collect()));
    tensors
}

/// The scores that `osee-host score` gives for these tensors.
fn scored(golden: &Golden, arch: &str, tensors: &BTreeMap<String, Stored>) -> Scores {
    let printed = printed(golden, arch, tensors, &[]);
    let figure = |name: &str| printed["scores"].get(name).unwrap_or(&printed[name]).as_f64();
    TOLERANCES.iter().map(|(name, _)| ((*name).to_owned(), figure(name))).collect()
}

/// What `osee-host score` prints for these tensors. Every failure is one of the definition.
pub(super) fn printed(
    golden: &Golden,
    arch: &str,
    tensors: &BTreeMap<String, Stored>,
    options: &[String],
) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    fs::write(&file, safetensors::serialize(views, &None).unwrap()).unwrap();
    let settings = [
        format!("channels={}", golden.channels),
        format!("cells={}", golden.cells),
        format!("image_size={}", golden.image_size),
    ];
    let mut args = vec!["score", "--arch", arch, "--weights", file.to_str().unwrap()];
    args.extend(settings.iter().flat_map(|it| ["--set", it]));
    args.extend(options.iter().map(String::as_str));
    let printed: Value = serde_json::from_str(&support::run(&args)).unwrap();
    for (name, reason) in printed["failures"].as_object().unwrap() {
        assert!(reason.as_str().unwrap().starts_with("undefined"), "{arch} {name}: {reason}");
    }
    printed
}

/// The relative difference; infinite if only one of the two is a number.
pub(super) fn difference(ours: Option<f64>, theirs: Option<f64>) -> f64 {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours != theirs => (ours - theirs).abs() / theirs.abs(),
        (ours, theirs) if ours == theirs => 0.0,
        _ => f64::INFINITY,
    }
}

/// The scores that differ from the network's: ours, PyTorch's, and the relative
/// difference.
fn wrong(ours: &Scores, network: &Network) -> BTreeMap<&'static str, String> {
    let mut wrong = BTreeMap::new();
    println!("{}", network.arch);
    for (name, usual) in TOLERANCES {
        let (ours, theirs) = (ours[name], network.scores[name]);
        let difference = difference(ours, theirs);
        println!("  {name} {difference:.1e}");
        if difference > network.tolerance(name, usual) {
            wrong.insert(name, format!("{ours:?} for {theirs:?} ({difference:.1e})"));
        }
    }
    wrong
}

#[test]
fn every_score_is_what_its_definition_comes_to() {
    let golden = golden();
    for network in &golden.networks {
        let ours = scored(&golden, &network.arch, &tensors(&golden, network));
        let wrong = wrong(&ours, network);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", network.arch);
    }
}

#[test]
fn no_score_is_that_of_another_network() {
    let golden = golden();
    let [network, others @ ..] = golden.networks.as_slice() else { panic!("there are some") };
    let ours = scored(&golden, &network.arch, &tensors(&golden, network));
    for other in others {
        let wrong = wrong(&ours, other);
        assert_eq!(wrong.len(), TOLERANCES.len(), "{}: {wrong:#?}", other.arch);
    }
}

#[test]
fn one_other_weight_is_seen_by_every_score_that_is_no_count() {
    let golden = golden();
    let network = &golden.networks[1];
    let mut tensors = tensors(&golden, network);
    let (_, _, bytes) = tensors.get_mut("stem_conv.weight").unwrap();
    bytes[..4].copy_from_slice(&1f32.to_le_bytes());
    let wrong = wrong(&scored(&golden, &network.arch, &tensors), network);
    let names = TOLERANCES.iter().map(|(name, _)| *name);
    let missed: Vec<&str> = names.filter(|name| !wrong.contains_key(name)).collect();
    assert_eq!(missed, ["params", "relu"]);
}

/// Skipped where Python cannot import torch; `OSEE_PYTHON` names another Python.
#[test]
fn pytorch_still_says_the_same() {
    let Some(python) = support::python_with_torch() else { return };
    let output = Command::new(python).args(["-c", SCRIPT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let now: Golden = serde_json::from_slice(&output.stdout).unwrap();
    let known = golden();
    assert_eq!(now.networks.len(), known.networks.len());
    for (now, known) in now.networks.iter().zip(&known.networks) {
        assert_eq!((&now.arch, &now.parameters), (&known.arch, &known.parameters));
        for (name, score) in &known.scores {
            assert!(difference(now.scores[name], *score) <= FLOAT64, "{} {name}", known.arch);
        }
    }
}
