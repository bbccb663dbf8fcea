//! `osee-host score`: scores one network and prints each number.

use super::{
    CliError,
    lists::{once, refuse, settings_of, usage, whole},
    plugin_args::PluginArgs,
    print,
};
use crate::{
    catalog,
    loader::Registry,
    worker::{finite, own_seed},
};
use clap::Args;
use osee_core::{
    store::Outcome,
    study::{EstimatorChoice, ProtocolChoice, StudyError},
};
use osee_engine::{
    Batch, Layout, Network, Origin, data::Source, guard::TorchState, open_device, parameters,
    weights_file,
};
use osee_model::{
    data_source::DataSource,
    estimator::Group,
    graph::Graph,
    protocol::Protocol,
    settings::{Settings, Value as Setting},
};
use osee_sdk::{
    Measurement,
    abi::{graph::LentGraph, instance::Foreign},
};
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
    /// Setting of the search space, such as channels=16; may be repeated for
    /// several.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// All parameters and nothing else, and a batch `input` and `target` if it
    /// has one, from this file. A dtype is converted where no value changes.
    #[arg(long, value_name = "FILE.safetensors")]
    weights: Option<PathBuf>,
    /// Estimators by comma; classic, fast, slow and all stand for several.
    #[arg(long, default_value = "classic")]
    estimators: String,
    /// Setting of an estimator, such as zen.repeats=4; may be repeated for several.
    #[arg(long, value_name = "NAME.KEY=VALUE")]
    estimator_set: Vec<String>,
    /// Protocol preset for what the weights file does not fix; paper by default.
    #[arg(long)]
    preset: Option<String>,
    /// Images if the weights file has none, as `run` takes them; noise by
    /// default.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// Seed of parameters and batch where no weights file has them, and of
    /// estimators' own random numbers; 0 by default.
    #[arg(long, value_parser = whole::<u64>(0..=u64::MAX))]
    seed: Option<u64>,
    /// cpu or cuda:N.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// The only format.
    #[arg(long, value_parser = ["json"], default_value = "json")]
    format: String,
}

/// Scores and prints.
pub fn run(args: &ScoreArgs) -> Result<(), CliError> {
    let named: Vec<&str> = args.estimators.split(',').map(str::trim).collect();
    once("--estimators", &named)?;
    let device = open_device(args.device.parse().map_err(StudyError::from)?)?;
    let registry = args.plugins.registry()?;
    let preset = args.preset.clone().unwrap_or_else(|| ProtocolChoice::default().preset);
    let preset = ProtocolChoice { preset, ..ProtocolChoice::default() };
    // Images in the weights file are used as they are.
    let source = Source::open(&catalog::images(
        &args.data.clone().map_or_else(DataSource::noise, DataSource::from),
    )?)?;
    let protocol = preset.resolve(source.normalisation())?;
    let space = registry.space(&args.space)?;
    // With a weights file, the preset's settings of the space do not apply.
    let mut given = match args.weights {
        Some(_) => BTreeMap::new(),
        None => space.known(&protocol.space),
    };
    given.extend(settings_of(&args.set)?);
    let settings = space.resolve(&given)?;
    let arch = space.functions.parse(&args.arch)?;
    let graph = space.functions.lent_graph(&arch, &settings)?;
    // Bundled estimators draw no random numbers; others may.
    let idle_seed = args.seed.is_some() && registry.user_plugins().is_empty();
    let (values, batch) = args.network(&graph, &protocol, &arch, &source, idle_seed)?;
    let origin = Origin {
        seed: args.seed.unwrap_or(0),
        space: args.space.clone(),
        arch: arch.clone(),
        batch: 0,
    };
    let network =
        Network::new(graph.clone(), &values, batch.on(device), Layout::Contiguous, origin)?;

    let mut ids: Vec<&str> = Vec::new();
    for name in &named {
        match EstimatorChoice::plain(name).is_many() {
            true => {
                let all = registry.of_group(Group::named(name));
                ids.extend(all.map(|info| info.id.as_str()));
            }
            false => ids.push(name),
        }
    }
    let mut own = estimator_settings(&args.estimator_set)?;
    let (mut scores, mut failures) = (Map::new(), Map::new());
    for id in ids {
        let own = own.remove(id).unwrap_or_default();
        let seed = own_seed(args.seed.unwrap_or(0), &args.space, &arch, id, 0);
        match one(&registry, id, &own, &graph, &network, seed)? {
            None if named.contains(&id) => {
                return Err(usage(format!(
                    "estimator `{id}` needs more than one network, and score has one; \
                     osee-host run has rows of such estimators"
                )));
            }
            None => continue,
            Some(Ok(score)) => scores.insert(id.to_owned(), json!(score)),
            Some(Err(failure)) => {
                failures.insert(id.to_owned(), json!(failure.to_string()));
                scores.insert(id.to_owned(), Value::Null)
            }
        };
    }
    if let Some(id) = own.keys().next() {
        registry.estimator(id)?;
        return Err(usage(format!("--estimator-set names `{id}`, which is not scored here")));
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
    /// Parameters and a batch, from the weights file as far as it has them.
    fn network(
        &self,
        graph: &Graph,
        protocol: &Protocol,
        arch: &str,
        source: &Source,
        idle_seed: bool,
    ) -> Result<(Vec<tch::Tensor>, Batch), CliError> {
        let seed = self.seed.unwrap_or(0);
        let (values, batch) = match &self.weights {
            Some(file) => weights_file::read(file, graph).map_err(CliError::Weights)?,
            None => {
                let mut initialiser = parameters::Initialiser::default();
                (initialiser.draw(graph, protocol, seed, &self.space, arch), None)
            }
        };
        if let Some(batch) = batch {
            let given = [
                ("--data", self.data.is_some()),
                ("--preset", self.preset.is_some()),
                ("--seed", idle_seed),
            ];
            refuse(&given, "has no effect where the file of --weights has `input` and `target`")?;
            return Ok((values, batch));
        }
        source.fits(graph, protocol)?;
        source.tell_spare_outputs(graph);
        let classes = graph.node(graph.output).shape.channels();
        let mut batches = source.batches(protocol, seed, graph.input_shape(), classes)?;
        Ok((values, batches.swap_remove(0)))
    }
}

/// Settings by the name of their estimator, from texts such as `zen.repeats=4`.
fn estimator_settings(
    texts: &[String],
) -> Result<BTreeMap<String, BTreeMap<String, Setting>>, CliError> {
    let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for text in texts {
        let (id, assignment) = text.split_once('.').ok_or_else(|| {
            usage(format!(
                "--estimator-set takes NAME.KEY=VALUE, such as zen.repeats=4, not `{text}`"
            ))
        })?;
        settings.entry(id.to_owned()).or_default().push(assignment.to_owned());
    }
    settings.into_iter().map(|(id, texts)| Ok((id, settings_of(&texts)?))).collect()
}

/// Scores with one estimator; `None` for kinds that one network is too little for.
fn one(
    registry: &Registry,
    id: &str,
    own: &BTreeMap<String, Setting>,
    graph: &LentGraph,
    network: &Rc<Network>,
    seed: u64,
) -> Result<Option<Outcome>, CliError> {
    let (plugin, info) = registry.estimator(id)?;
    let _state = TorchState::protect(0);
    let settings = Settings::resolve(&format!("estimator `{id}`"), &info.settings, own)?;
    let result = match plugin.functions.create(info.kind, id, &settings)? {
        Foreign::ZeroShot(estimator) => estimator.score(network.handle(seed)),
        Foreign::Baseline(estimator) => estimator.score(graph),
        _ => return Ok(None),
    };
    Ok(Some(finite(result.map_err(Into::into))))
}
