//! Scores one architecture under many estimators, with every pass shared.

use crate::{
    loader::{Registry, RegistryError},
    networks::{lent_network, misfit},
    one_shot::{Place, Step, SubNetworks, SupernetUse, Trainer, TrainingError},
    plan::{PlanError, Setup, Unit},
    stop::Stop,
};
use osee_core::{row::EstimatorKey, store::Outcome};
use osee_engine::{
    self as engine, Batch, Layout, Network, Origin, data::Source, guard::TorchState,
    parameters::Initialiser,
};
use osee_model::{
    estimator::{EstimatorKind, Failure, FailureKind},
    graph::{Graph, Shape},
    seed::derived,
};
use osee_sdk::abi::{graph::LentGraph, instance::Foreign, kinds::space::ForeignSpace};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    io,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tch::Device;

use super::{Scored, frames::Answer};

/// Loaded plugins, images and weights of one set-up.
pub struct Scorer {
    setup: Setup,
    space: Arc<ForeignSpace>,
    estimators: Vec<Foreign>,
    source: Source,
    /// Batches by seed, input shape and number of classes, which bounds the labels of
    /// noise.
    batches: HashMap<(u64, Shape, usize), Vec<Batch>>,
    initialiser: Initialiser,
    sub_networks: SubNetworks,
    device: Device,
    registry: Registry,
    stop: Stop,
}

/// A unit's network on each batch, or the failure and the time it took to find out.
type Made = Result<Vec<Rc<Network>>, (Failure, Duration)>;

impl Scorer {
    /// Loads what `setup` names.
    ///
    /// # Errors
    /// If something it names does not exist or refuses.
    pub fn new(setup: &Setup) -> Result<Self, PlanError> {
        let device = engine::open_device(setup.device)?;
        tch::set_num_threads(setup.threads as i32);
        let registry = Registry::exactly(&setup.plugins)?;
        let estimators = setup
            .rows
            .iter()
            .map(|row| {
                let EstimatorKey { id, kind, settings, .. } = &row.key.estimator;
                let (plugin, _) = registry.estimator(id)?;
                Ok(plugin.functions.create(*kind, id, settings)?)
            })
            .collect::<Result<_, PlanError>>()?;
        Ok(Self {
            space: Arc::new(registry.space(&setup.space)?.functions),
            estimators,
            sub_networks: SubNetworks::new(
                &setup.supernets,
                &setup.space,
                setup.run.clone(),
                device,
            ),
            source: Source::open(&setup.data)?,
            batches: HashMap::new(),
            initialiser: Initialiser::default(),
            device,
            setup: setup.clone(),
            registry,
            stop: Stop::default(),
        })
    }

    /// Makes estimators return early once `stop` is set.
    #[must_use]
    pub fn stopped_by(self, stop: &Stop) -> Self {
        Self { stop: stop.clone(), ..self }
    }

    /// Trains one of the setup's supernets, or resumes it.
    ///
    /// # Errors
    /// If it cannot be trained.
    pub fn train(
        &self,
        supernet: usize,
        seed: u64,
        tell: impl FnMut(Step) -> io::Result<()>,
    ) -> Result<(), TrainingError> {
        let unknown = || osee_sdk::Error::new("asked to train a supernet that is not set up");
        let spec = self.setup.supernets.get(supernet).ok_or_else(unknown)?;
        let wrong = |error: RegistryError| osee_sdk::Error::new(error.to_string());
        let (plugin, info) = self.registry.estimator(&spec.estimator).map_err(wrong)?;
        let Foreign::OneShot(sampler) =
            plugin.functions.create(info.kind, &spec.estimator, &spec.settings)?
        else {
            let what = format!("`{}` is not a one-shot estimator", spec.estimator);
            return Err(osee_sdk::Error::new(what).into());
        };
        let place = Place {
            sampler: &sampler,
            space: Arc::clone(&self.space),
            info: self.registry.space(&self.setup.space).map_err(wrong)?.info,
            source: &self.source,
            device: self.device,
            run: &self.setup.run,
        };
        Trainer::new(spec, seed, place)?.run(tell)
    }

    /// Scores a unit. Every estimator gets a result or a failure, passed to `tell` as
    /// it comes, after the message that it is at work. What an estimator returns after
    /// it was told to stop is no result, and ends the unit.
    ///
    /// # Errors
    /// If `tell` fails.
    pub fn score(
        &mut self,
        unit: &Unit,
        mut tell: impl FnMut(Answer) -> io::Result<()>,
    ) -> io::Result<()> {
        self.sub_networks.begin(unit.known.clone());
        // The graph with the study's own settings.
        let mut graph = None;
        // Networks by the supernet and epochs of their weights; `None` for untrained
        // ones.
        let mut networks: BTreeMap<Option<(usize, Vec<u32>)>, Made> = BTreeMap::new();
        for &row in &unit.rows {
            tell(Answer::Started(row))?;
            let weights = self.setup.rows[row].weights.clone();
            match self.setup.rows[row].kind() {
                EstimatorKind::OneShot => {
                    tell(Answer::Scored(self.sub_network(unit, row)))?;
                    continue;
                }
                EstimatorKind::Baseline => {
                    let graph = graph.get_or_insert_with(|| self.graph(unit, None));
                    tell(Answer::Scored(self.baseline(row, graph)))?;
                    continue;
                }
                _ => {}
            }
            let key = weights.as_ref().map(|it| (it.supernet, it.epochs.clone()));
            let made = match networks.remove(&key) {
                Some(made) => made,
                None => {
                    let own = match &weights {
                        None => graph.get_or_insert_with(|| self.graph(unit, None)).clone(),
                        weights => self.graph(unit, weights.as_ref()),
                    };
                    let start = Instant::now();
                    let made = own.and_then(|graph| self.networks(unit, weights.as_ref(), &graph));
                    made.map_err(|failure| (failure, start.elapsed()))
                }
            };
            let scored = match &made {
                Ok(networks) => self.zero_shot(unit, row, networks),
                Err((failure, took)) => scored(row, Err(failure.clone()), *took),
            };
            if made.as_ref().is_ok_and(|all| all.iter().any(|it| it.was_cancelled())) {
                return tell(Answer::Cancelled(row));
            }
            tell(Answer::Scored(scored))?;
            // A network that an estimator has written to is made again for the next.
            if made.as_ref().map_or(true, |all| all.iter().all(|it| it.altered().is_none())) {
                networks.insert(key, made);
            }
        }
        Ok(())
    }

    /// Scores a sub-network under a one-shot row, with what was evaluated for it.
    fn sub_network(&mut self, unit: &Unit, row: usize) -> Scored {
        let start = Instant::now();
        let scored = match (&self.estimators[row], &self.setup.rows[row].weights) {
            (Foreign::OneShot(one_shot), Some(weights)) => {
                let alone = [unit.arch.clone()];
                let group = if weights.evaluation.isomorphic { &unit.group } else { &alone[..] };
                let _state = TorchState::protect(0);
                let functions = (&*self.space, &self.source, one_shot);
                self.sub_networks.score(weights, unit.seed, group, functions)
            }
            _ => Err(osee_sdk::Error::new("a one-shot estimator without a supernet")),
        };
        let (outcome, milliseconds) = match scored {
            Ok((score, milliseconds)) => (Ok(score), milliseconds),
            Err(error) => (Err(Failure::from(error)), milliseconds(start.elapsed())),
        };
        let outcome = finite(outcome);
        Scored { evaluated: self.sub_networks.news(), ..Scored::new(row, outcome, milliseconds) }
    }

    /// The unit's architecture as a network for these weights.
    fn graph(&self, unit: &Unit, weights: Option<&SupernetUse>) -> Result<LentGraph, Failure> {
        let settings = match weights {
            Some(weights) => &self.sub_networks.spec(weights).space_settings,
            None => &self.setup.space_settings,
        };
        lent_network(&self.space, &unit.arch, settings).map_err(Failure::from)
    }

    /// The network `graph` on each batch.
    fn networks(
        &mut self,
        unit: &Unit,
        weights: Option<&SupernetUse>,
        graph: &LentGraph,
    ) -> Result<Vec<Rc<Network>>, Failure> {
        let wrong = |error| Failure::new(FailureKind::Error, misfit(&unit.arch, &error));
        self.source.fits(graph, &self.setup.protocol).map_err(wrong)?;
        let batches = self.batches(unit.seed, graph)?;
        let Setup { protocol, space, .. } = &self.setup;
        let parameters = match weights {
            Some(weights) => self.sub_networks.parameters(weights, unit.seed, graph)?,
            None => self.initialiser.draw(graph, protocol, unit.seed, space, &unit.arch),
        };
        let networks = batches
            .into_iter()
            .enumerate()
            .map(|(number, batch)| {
                let layout = Layout::fastest(self.device, tch::Kind::Float);
                let origin = Origin {
                    seed: unit.seed,
                    space: space.clone(),
                    arch: unit.arch.clone(),
                    batch: number,
                };
                let network = Network::new(graph.clone(), &parameters, batch, layout, origin)?;
                network.stopped_by(self.stop.flag());
                Ok(network)
            })
            .collect::<osee_sdk::Result<_>>()?;
        Ok(networks)
    }

    fn batches(&mut self, seed: u64, graph: &Graph) -> Result<Vec<Batch>, Failure> {
        let classes = match graph.node(graph.output).shape {
            Shape::Flat { features } => features,
            Shape::Map { channels, .. } => channels,
        };
        let shape = graph.input_shape();
        let made = match self.batches.entry((seed, shape, classes)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let batches = self
                    .source
                    .batches(&self.setup.protocol, seed, shape, classes)
                    .map_err(|error| Failure::new(FailureKind::Error, error.to_string()))?;
                new.insert(batches.into_iter().map(|batch| batch.on(self.device)).collect())
            }
        };
        Ok(made.iter().map(Batch::share).collect())
    }

    fn baseline(&self, row: usize, graph: &Result<LentGraph, Failure>) -> Scored {
        let start = Instant::now();
        let outcome = match (&self.estimators[row], graph) {
            (_, Err(failure)) => Err(failure.clone()),
            (Foreign::Baseline(baseline), Ok(graph)) => {
                baseline.score(graph).map_err(Failure::from)
            }
            _ => Err(Failure::new(FailureKind::Error, "it does not score graphs")),
        };
        scored(row, outcome, start.elapsed())
    }

    fn zero_shot(&self, unit: &Unit, row: usize, networks: &[Rc<Network>]) -> Scored {
        let Foreign::ZeroShot(zero_shot) = &self.estimators[row] else {
            let failure = Failure::new(FailureKind::Error, "it does not score networks");
            return scored(row, Err(failure), Duration::ZERO);
        };
        let id = &self.setup.rows[row].key.estimator.id;
        let (outcome, cost) = mean(networks, |batch, network| {
            let _state = TorchState::protect(0);
            let seed = own_seed(unit.seed, &self.setup.space, &unit.arch, id, batch);
            let score = zero_shot.score(network.handle(seed));
            // An error of the GPU shows up late; here it still is this estimator's.
            let score = engine::synchronize(self.device).and(score);
            match network.altered() {
                _ if network.was_cancelled() => Err(osee_sdk::Error::new("it was told to stop")),
                Some(what) => Err(osee_sdk::Error::new(format!(
                    "it changed {what}, which others use, in place; copy it first"
                ))),
                None => score,
            }
        });
        scored(row, outcome.map_err(Failure::from), cost)
    }
}

fn scored(row: usize, outcome: Outcome, cost: Duration) -> Scored {
    Scored::new(row, finite(outcome), milliseconds(cost))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Seed of an estimator's own random numbers for one network on one batch, by index. It
/// does not depend on which other rows are scored, nor where or when.
pub fn own_seed(seed: u64, space: &str, arch: &str, estimator: &str, batch: usize) -> u64 {
    derived(seed, &["estimator", estimator, space, arch, &batch.to_string()])
}

/// Mean score over the batches, and the time that it would take alone.
fn mean(
    networks: &[Rc<Network>],
    score: impl Fn(usize, &Rc<Network>) -> osee_sdk::Result<f64>,
) -> (osee_sdk::Result<f64>, Duration) {
    let mut sum = 0.0;
    let mut cost = Duration::ZERO;
    for (batch, network) in networks.iter().enumerate() {
        let (start, passes) = (Instant::now(), network.total_cost());
        network.begin_requests();
        let result = score(batch, network);
        // Its own time, without passes that it happened to be the first to ask for,
        // plus every pass it needs, whoever asked first.
        let own = start.elapsed().saturating_sub(network.total_cost() - passes);
        cost += own + network.requested_cost();
        match result {
            Ok(value) => sum += value,
            Err(error) => return (Err(error), cost),
        }
    }
    (Ok(sum / networks.len().max(1) as f64), cost)
}

/// Turns a score that is not finite into a failure.
pub fn finite(outcome: Outcome) -> Outcome {
    match outcome {
        Ok(value) if !value.is_finite() => {
            Err(Failure::new(FailureKind::NotFinite, format!("the score is {value}")))
        }
        other => other,
    }
}
