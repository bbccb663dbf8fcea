//! Snapshots of the bytes of every document that crosses the boundary in this ABI major:
//! `snapshots/abi-MAJOR/NAME.hex`. A plugin built earlier reads and writes
//! these.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use osee_model::{
    estimator::{EstimatorKind, Failure, FailureKind, Limit},
    graph::{Op, Select},
    protocol::Init,
    settings::Settings,
};
use osee_sdk::{
    ExportInfo, ExportKind, Measurement,
    abi::{document, header::ABI_MAJOR},
    prelude::*,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, env, fmt::Debug, fs, path::PathBuf, time::Duration};

const WRITE: &str = "OSEE_WRITE_SNAPSHOTS";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/abi-{ABI_MAJOR}"))
}

/// Sixteen bytes a line, in hex and, where they are ASCII, as text.
fn dump(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        format!("{:<47}  {}\n", hex.join(" "), bytes.iter().map(shown).collect::<String>())
    };
    bytes.chunks(16).map(line).collect()
}

fn bytes_of(dump: &str) -> Vec<u8> {
    let hex = dump.lines().flat_map(|line| line[..47].split_whitespace());
    hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// Compares a document with its snapshot, encoding and decoding.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let file = folder().join(format!("{name}.hex"));
    let now = dump(&document::encode(value));
    if env::var_os(WRITE).is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&file, &now).unwrap();
    }
    let then = fs::read_to_string(&file).unwrap_or_default();
    let change = format!(
        "the document `{name}` is not what plugins of ABI {ABI_MAJOR} write and read: bump \
         ABI_MAJOR in sdk/src/abi/header.rs and write the snapshots of the new one \
         ({WRITE}=1 cargo test -p osee-sdk --test documents), or this is a mistake"
    );
    assert!(then == now, "{change}\nthen:\n{then}now:\n{now}");
    let read: T = document::decode(&bytes_of(&then)).unwrap_or_else(|e| panic!("{change}: {e}"));
    assert_eq!(read, *value, "{change}");
}

/// A network with every operation, and with parameters used in every way.
fn graph() -> Graph {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.conv("conv", g.input(), ConvSpec::same(4, 3).dilation(2));
    let x = g.batch_norm("affine", x, true);
    let x = g.relu(x);
    let largest = Select::LargestL1 { of: "conv.weight".to_owned(), count: 4 };
    let [all, some] = [Shared::whole(4), Shared { stored: 4, used: largest }];
    let x = g.shared_conv("shared", x, ConvSpec::same(4, 1), [&some, &all]);
    let x = g.shared_norm("plain", x, false, &some);
    let pool = Pool { kind: PoolKind::Max, kernel: 2, stride: 2, padding: 0, ceil_mode: true };
    let largest = g.cell("cell", |g| g.pool(x, pool));
    let mean = PoolKind::Average { count_include_pad: true };
    let mean = g.pool(x, Pool { kind: mean, ..pool });
    let zero = g.zero(x, 2);
    let same = g.op(Op::Identity, &[mean]);
    let sum = g.add(&[largest, zero, same]);
    let both = g.concat(&[sum, mean]);
    let part = g.op(Op::ChannelSlice { start: 2, length: 3 }, &[both]);
    let x = g.op(Op::Crop { offset: 1 }, &[part]);
    let x = g.global_avg_pool(x);
    let x = g.op(Op::Dropout { probability: 0.25 }, &[x]);
    let x = g.linear("classifier", x, 10);
    g.finish(x).unwrap()
}

fn settings() -> Vec<SettingSpec> {
    vec![
        SettingSpec::new("channels", 16, "channels").at_least(2).multiple_of(2).in_supernet(8),
        SettingSpec::new("dropout", 0.0, "share dropped").in_range(0.0..1.0),
        SettingSpec::new("keep", 1.0, "share kept").above(0.0).at_most(1.0).judges_only(),
        SettingSpec::new("score", "loss", "what counts").one_of(["loss", "accuracy"]),
        SettingSpec::new("ops", "", "what is left out").list_of(["none", "skip"]),
        SettingSpec::new("affine", true, "scale and shift"),
    ]
}

fn exports() -> Vec<ExportInfo> {
    let estimator = EstimatorInfo::new("mine", "2")
        .direction(Direction::LowerIsBetter)
        .summary("what it is")
        .citation("who says so")
        .settings(settings());
    let space = SpaceInfo::new("space", "1")
        .summary("what it is")
        .citation("who says so")
        .example("3-1-5")
        .size(27)
        .settings(settings())
        .truth(TruthColumns::new("arch", "acc").params("p").flops("f").on("cifar100", "acc100"));
    let kinds = [EstimatorKind::ZeroShot, EstimatorKind::OneShot, EstimatorKind::Meta];
    let plain = kinds.map(|kind| EstimatorInfo::new("plain", "1").of_kind(kind));
    [estimator.of_kind(EstimatorKind::Baseline)]
        .into_iter()
        .chain(plain)
        .map(ExportInfo::Estimator)
        .chain([ExportInfo::Space(space)])
        .collect()
}

fn measurements() -> Vec<Measurement> {
    vec![
        Measurement::Batch,
        Measurement::Parameters,
        Measurement::Leaves,
        Measurement::Logits,
        Measurement::Loss,
        Measurement::LossGradients,
        Measurement::LayerActivations,
        Measurement::InputGradient,
        Measurement::ReluKernel,
        Measurement::SynapticFlow(BatchNormMode::Bypassed),
        Measurement::SynapticFlow(BatchNormMode::Kept),
        Measurement::WeightHessianGradient,
        Measurement::Seed,
    ]
}

/// Those that came with ABI 4.1.
fn later_measurements() -> Vec<Measurement> {
    let variation = Variation::default()
        .weights(Weights::Drawn { init: Init::KaimingFanIn, repeat: 1 })
        .images(Images::Part { index: 1, of: 2 })
        .perturbed_by(Images::Noise(3))
        .norm(NormStatistics::Initial);
    let varied = |variation| Measurement::Varied(variation, Box::new(Measurement::Features));
    let images = [Images::Batch, Images::Reversed, Images::First(16)];
    let mut all = vec![
        Measurement::Features,
        Measurement::NormVariances,
        Measurement::CellOutputs,
        Measurement::CellGradients(Signs::Random),
        Measurement::CellGradients(Signs::Checkerboard),
        Measurement::LeafOutputs,
        Measurement::ReluActivations(Objective::Loss),
        Measurement::ReluActivations(Objective::PooledFeatures),
        Measurement::ReluColumns,
        Measurement::GradientSigns,
        Measurement::TangentKernel(Tangent::SumOfLogits),
        Measurement::TangentKernel(Tangent::LabelLogit),
        Measurement::FirstEntryJacobian,
        Measurement::LinearRegions,
        varied(variation),
    ];
    all.extend(images.map(|images| varied(Variation::default().images(images))));
    all
}

fn failures() -> Vec<Failure> {
    let crossing = FailureKind::ALL.into_iter().filter(|kind| *kind != FailureKind::Device);
    let kinds = crossing.chain([FailureKind::Untrained]);
    let failure = |kind: FailureKind| Failure::new(kind, "what happened");
    let over = [Limit::Time(Duration::from_millis(1500)), Limit::Memory(1 << 30)];
    let over = over.map(|limit| failure(FailureKind::Timeout).by(Some(limit)));
    kinds.map(failure).chain(over).collect()
}

#[test]
fn documents_are_those_of_this_abi_major() {
    let names = BTreeSet::from([
        "exports",
        "kinds",
        "settings",
        "graph",
        "measurements",
        "later_measurements",
        "groups",
        "failures",
        "mutations",
        "counts",
        "recipes",
        "evaluations",
        "epoch",
        "sampled",
        "batches",
        "population",
    ]);
    check("exports", &exports());
    let kinds = [EstimatorKind::ZeroShot, EstimatorKind::OneShot, EstimatorKind::Meta];
    let kinds = [kinds.as_slice(), &[EstimatorKind::Baseline]].concat();
    let kinds = kinds.into_iter().map(ExportKind::from).chain([ExportKind::Space]);
    check("kinds", &kinds.collect::<Vec<_>>());
    check("settings", &Settings::defaults(&settings()));
    check("graph", &graph());
    check("measurements", &measurements());
    check("later_measurements", &later_measurements());
    let groups = Group::NAMED.map(|(name, group)| EstimatorInfo::new(name, "1").group(group));
    check("groups", &groups.to_vec());
    check("failures", &failures());
    check("mutations", &vec![Mutation::new("3-1", "kernel 1", 5, 1)]);
    check("counts", &vec![Counts::default(), Counts::default().params(1 << 40).flops(7)]);
    let recipes = Recipe::PRESETS.map(|name| Recipe::preset(name).unwrap());
    let constant = Recipe { schedule: Schedule::Constant, ..Recipe::default() };
    check("recipes", &recipes.into_iter().chain([constant]).collect::<Vec<_>>());
    let evaluation = Evaluation::default();
    check("evaluations", &vec![evaluation, evaluation.batches(4).checkpoints(3).isomorphic(true)]);
    let batch = BatchResult { images: 100, loss: 0.5, correct: 40 };
    let surveyed = vec![Surveyed { arch: "3-1".to_owned(), batches: vec![batch] }];
    let epoch = Epoch { number: 1, epochs: 3, steps: 2, seed: 1 << 63, surveyed, memory: vec![1] };
    check("epoch", &epoch);
    check("sampled", &Sampled::new(vec![vec!["3-1".to_owned()]]).remembering(&7));
    check("batches", &vec![batch]);
    let population = Population {
        architectures: vec!["3-1".to_owned()],
        estimators: vec!["params".to_owned()],
        columns: vec![vec![1.5]],
        seed: 3,
    };
    check("population", &population);
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<String> =
        files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(files.iter().map(String::as_str).collect::<BTreeSet<_>>(), names);
}

/// The names of an enum's variants, taken from the error of decoding an unknown one.
fn variants<T: DeserializeOwned + Debug>() -> BTreeSet<String> {
    let error = document::decode::<T>(&document::encode(&"none of them")).unwrap_err().to_string();
    let (_, known) = error.split_once("expected one of").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_snapshots_have_every_variant() {
    let name = |value: &dyn Debug| {
        let text = format!("{value:?}");
        text.split([' ', '(']).next().unwrap().to_owned()
    };
    let ops: BTreeSet<String> = graph().nodes.iter().map(|node| name(&node.op)).collect();
    assert_eq!(ops, variants::<Op>());
    let measured: BTreeSet<String> =
        measurements().iter().chain(&later_measurements()).map(|it| name(it)).collect();
    assert_eq!(measured, variants::<Measurement>());
    let mut failed: BTreeSet<String> = failures().iter().map(|it| it.kind.to_string()).collect();
    // The host's own, for what it never hears from a plugin and never tells one.
    failed.insert(FailureKind::Device.to_string());
    assert_eq!(failed, variants::<FailureKind>());
}
