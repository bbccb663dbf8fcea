//! `osee-host score`: one network, number by number.

use super::{CliError, plugin_args::PluginArgs, print};
use crate::{
    data::Source,
    engine::{Batch, Layout, Network, guard::TorchState, open_device, parameters, weights_file},
    loader::Registry,
    worker::{finite, own_seed},
};
use clap::Args;
use osee_core::{
    graph::Graph, protocol::Protocol, settings::Settings, store::Outcome, study::ProtocolChoice,
};
use osee_sdk::{Measurement, abi::root::Foreign};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::PathBuf, rc::Rc};

/// Which network, which weights.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    #[command(flatten)]
    plugins: PluginArgs,
    /// Search space.
    #[arg(long, default_value = "nb201")]
    space: String,
    /// Architecture in the space's notation.
    #[arg(long, value_name = "STR")]
    arch: String,
    /// Setting of the search space, such as channels=16.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// All parameters and nothing else, and a batch `input` and `target` if it
    /// has one, from this file. A dtype is converted where no value changes.
    #[arg(long, value_name = "FILE.safetensors")]
    weights: Option<PathBuf>,
    /// Estimators by comma, or all.
    #[arg(long, default_value = "all")]
    estimators: String,
    /// Protocol preset for what the weights file does not fix.
    #[arg(long, default_value = "paper")]
    preset: String,
    /// Images if the weights file has none: noise, or as `run` takes them.
    #[arg(long, default_value = "noise", value_name = "SPEC")]
    data: String,
    /// Initialisation seed if there is no weights file.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// cpu or cuda:N.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// The only form there is.
    #[arg(long, value_parser = ["json"], default_value = "json")]
    format: String,
}

/// Scores and prints.
pub fn run(args: &ScoreArgs) -> Result<(), CliError> {
    let device = open_device(&args.device)?;
    let registry = args.plugins.registry()?;
    let preset = ProtocolChoice { preset: args.preset.clone(), ..ProtocolChoice::default() };
    // Images that the weights file has are as it has them.
    let source = Source::open(&args.data)?;
    let protocol = preset.resolve(source.normalisation())?;
    let space = registry.space(&args.space)?;
    // A weights file has what it has, whatever a preset leaves out.
    let mut given = match args.weights {
        Some(_) => BTreeMap::new(),
        None => space.known(&protocol.space),
    };
    given.extend(Settings::parse_assignments(&args.set)?);
    let settings = space.resolve(&given)?;
    let arch = space.functions.parse(&args.arch)?;
    let graph = space.functions.graph(&arch, &settings)?;
    let (values, batch) = args.network(&graph, &protocol, &arch, &source)?;
    let batch =
        Batch { images: batch.images.to_device(device), labels: batch.labels.to_device(device) };
    let network = Network::new(graph.clone(), values, batch, Layout::Contiguous)?;

    let ids: Vec<String> = match args.estimators.as_str() {
        "all" => registry.estimators().map(|(_, info)| info.id.clone()).collect(),
        list => list.split(',').map(|id| id.trim().to_owned()).collect(),
    };
    let (mut scores, mut failures) = (Map::new(), Map::new());
    for id in ids {
        let Some(outcome) =
            one(&registry, &id, &graph, &network, own_seed(args.seed, &args.space, &arch, &id, 0))?
        else {
            continue;
        };
        match outcome {
            Ok(score) => scores.insert(id, json!(score)),
            Err(failure) => {
                failures.insert(id.clone(), json!(failure.to_string()));
                scores.insert(id, Value::Null)
            }
        };
    }
    let loss = network.measure(Measurement::Loss).ok().map(|t| t[0].double_value(&[]));
    let logits = network.measure(Measurement::Logits)?.remove(0);
    let cost = graph.cost();
    let document = json!({
        "arch": arch,
        "params": cost.params,
        "flops": cost.flops(),
        "scores": scores,
        "failures": failures,
        "loss": loss,
        "logits_sum_abs": logits.abs().sum(tch::Kind::Double).double_value(&[]),
    });
    let text = serde_json::to_string_pretty(&document).expect("a document is plain data");
    print(&(text + "\n"))
}

impl ScoreArgs {
    /// Parameters and a batch, from the file as far as it has them.
    fn network(
        &self,
        graph: &Graph,
        protocol: &Protocol,
        arch: &str,
        source: &Source,
    ) -> Result<(Vec<tch::Tensor>, Batch), CliError> {
        let (values, batch) = match &self.weights {
            Some(file) => weights_file::read(file, graph).map_err(CliError::Weights)?,
            None => {
                let mut initialiser = parameters::Initialiser::default();
                (initialiser.draw(graph, protocol, self.seed, &self.space, arch), None)
            }
        };
        if let Some(batch) = batch {
            return Ok((values, batch));
        }
        source.check_network(graph)?;
        let classes = graph.node(graph.output).shape.channels();
        let mut batches = source.batches(protocol, self.seed, graph.input_shape(), classes)?;
        Ok((values, batches.swap_remove(0)))
    }
}

/// `None` for estimators that one network says nothing about.
fn one(
    registry: &Registry,
    id: &str,
    graph: &Graph,
    network: &Rc<Network>,
    seed: u64,
) -> Result<Option<Outcome>, CliError> {
    let (plugin, info) = registry.estimator(id)?;
    let settings = Settings::defaults(&info.settings);
    let _state = TorchState::protect(0);
    let result = match plugin.functions.create(id, &settings)? {
        Foreign::ZeroShot(estimator) => estimator.score(network.handle(seed)),
        Foreign::Baseline(estimator) => estimator.score(graph),
        _ => return Ok(None),
    };
    Ok(Some(finite(result.map_err(Into::into))))
}
