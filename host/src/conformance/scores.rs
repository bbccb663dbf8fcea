//! The rules of estimators that score one network or graph at a time.

use super::{
    respondent::{self, Respondent},
    rules::{Broken, Tell, rule},
};
use crate::{
    loader::Plugin,
    stop::Stop,
    worker::{GRACE, own_seed},
};
use osee_core::store::Outcome;
use osee_engine::{
    Layout, Network, Origin, data::Source, guard::TorchState, open_device, parameters::Initialiser,
};
use osee_model::{
    device::DeviceName,
    estimator::{EstimatorInfo, EstimatorKind, Failure, FailureKind},
    protocol::Protocol,
};
use osee_sdk::{
    Error, Result, SearchSpace,
    abi::{graph::LentGraph, instance::Foreign},
};
use osee_testkit::SmallSpace;
use std::{rc::Rc, time::Instant};
use tch::{Device, Kind, Tensor};

/// Numbers of the architectures that are scored: the first has no operation, the last
/// has every one.
const SPREAD: [u64; 8] = [0, 1, 6, 14, 25, 46, 65, 80];

/// An estimator that scores networks or graphs, and the networks to score.
pub struct Subject<'a> {
    plugin: &'a Plugin,
    info: &'a EstimatorInfo,
    space: String,
    protocol: Protocol,
    graphs: Vec<(String, LentGraph)>,
    device: Device,
}

impl<'a> Subject<'a> {
    pub fn new(plugin: &'a Plugin, info: &'a EstimatorInfo, device: DeviceName) -> Result<Self> {
        let device = open_device(device).map_err(|error| Error::new(error.to_string()))?;
        let space = SmallSpace::info();
        let graph = |&index: &u64| -> Result<(String, LentGraph)> {
            let arch = SmallSpace.architecture(index)?;
            Ok((arch.to_string(), SmallSpace.graph(&arch, &space.defaults())?.into()))
        };
        let graphs = SPREAD.iter().map(graph).collect::<Result<_>>()?;
        let preset = Protocol::preset("paper").ok_or_else(|| Error::new("no preset `paper`"))?;
        let protocol = Protocol { batch_size: 8, ..preset };
        Ok(Self { plugin, info, space: space.id, protocol, graphs, device })
    }

    fn create(&self) -> Result<Foreign> {
        self.plugin.functions.create(self.info.kind, &self.info.id, &self.info.defaults())
    }

    /// Advice where the score of one network varies.
    fn same_again(&self) -> &'static str {
        match self.info.kind {
            EstimatorKind::Baseline => {
                "derive the score from the graph alone: a baseline has no random numbers and no clock"
            }
            _ => "draw every random number from `network.rng()`",
        }
    }

    fn network(&self, at: usize) -> Result<Rc<Network>> {
        let (arch, graph) = &self.graphs[at];
        let values = Initialiser::default().draw(graph, &self.protocol, 0, &self.space, arch);
        let batches = Source::Noise
            .batches(&self.protocol, 0, graph.input_shape(), 10)
            .map_err(|error| Error::new(error.to_string()))?;
        let Some(batch) = batches.into_iter().next() else {
            return Err(Error::new("no images"));
        };
        let layout = Layout::fastest(self.device, Kind::Float);
        let (space, arch) = (self.space.to_string(), arch.clone());
        let origin = Origin { space, arch, ..Origin::default() };
        Network::new(graph.clone(), &values, batch.on(self.device), layout, origin)
    }

    /// Score of one architecture on a fresh network.
    fn score(&self, at: usize, instance: &Foreign) -> Outcome {
        let _state = TorchState::protect(0);
        self.score_network(&self.network(at)?, at, instance)
    }

    fn score_network(&self, network: &Rc<Network>, at: usize, instance: &Foreign) -> Outcome {
        Ok(match instance {
            Foreign::ZeroShot(estimator) => {
                let seed = own_seed(0, &self.space, &self.graphs[at].0, &self.info.id, 0);
                estimator.score(network.handle(seed))?
            }
            Foreign::Baseline(baseline) => baseline.score(&self.graphs[at].1)?,
            _ => return Err(Failure::new(FailureKind::Error, "it does not score networks")),
        })
    }

    fn scores(&self, order: &[usize]) -> Vec<Outcome> {
        let instance = match self.create() {
            Ok(instance) => instance,
            Err(error) => return vec![Err(error.into()); order.len()],
        };
        let mut scores = vec![Ok(0.0); order.len()];
        for &at in order {
            scores[at] = self.score(at, &instance);
        }
        scores
    }
}

/// Checks the scores, and the state that the estimator leaves behind.
pub fn check(subject: &Subject<'_>, tell: Tell<'_>) {
    let forwards: Vec<usize> = (0..SPREAD.len()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    let mut first = Vec::new();
    rule(tell, "scores are finite, or say why they are not", || {
        first = subject.scores(&forwards);
        for ((arch, _), outcome) in subject.graphs.iter().zip(&first) {
            let seen = match outcome {
                Ok(score) if score.is_finite() => continue,
                Ok(score) => format!("{score} for {arch}"),
                Err(failure) if failure.kind == FailureKind::Undefined => continue,
                Err(failure) => format!("{failure} for {arch}"),
            };
            let mend = "return Err(Error::undefined(why)) where the definition gives no number";
            return Err((seen, mend));
        }
        Ok(())
    });
    rule(tell, "scores tell architectures apart", || {
        let undefined =
            |it: &Outcome| it.as_ref().is_err_and(|failure| failure.kind == FailureKind::Undefined);
        if first.iter().all(undefined) {
            // These networks have nothing of what it measures.
            return Ok(());
        }
        let known: Vec<f64> = first.iter().filter_map(|s| s.as_ref().ok().copied()).collect();
        let constant = known.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
        match constant {
            true => Err((
                known.first().map_or("none has one".to_owned(), |score| format!("all are {score}")),
                "a constant ranks nothing",
            )),
            false => Ok(()),
        }
    });
    let mut steady = true;
    rule(tell, "the same network gets the same score again", || {
        let again = same(&first, &subject.scores(&forwards), subject.same_again());
        steady = again.is_ok();
        again
    });
    rule(tell, "scores do not depend on the order", || {
        // If scores vary anyway, the order is not the reason.
        let kept = "keep nothing from one score to the next";
        let mend = if steady { kept } else { subject.same_again() };
        same(&first, &subject.scores(&backwards), mend)
    });
    rule(tell, "grad mode, threads and torch's generator are left as found", || leaves(subject));
    rule(tell, "tensors of the network are left as found", || {
        let (network, instance) = prepared(subject)?;
        let _ = subject.score_network(&network, SPREAD.len() - 1, &instance);
        match network.altered() {
            Some(what) => {
                Err((format!("{what} was written to"), "copy() a tensor before changing it"))
            }
            None => Ok(()),
        }
    });
    rule(tell, "it returns when it is told to stop", || {
        let (network, instance) = prepared(subject)?;
        let stop = Stop::default();
        stop.set();
        network.stopped_by(stop.flag());
        let start = Instant::now();
        let _ = subject.score_network(&network, SPREAD.len() - 1, &instance);
        match start.elapsed() {
            long if long > GRACE => Err((
                format!("it took {:.1} s", long.as_secs_f64()),
                "look at network.cancelled() in long loops, and return an error",
            )),
            _ => Ok(()),
        }
    });
}

fn prepared(subject: &Subject<'_>) -> std::result::Result<(Rc<Network>, Foreign), Broken> {
    let make = || -> Result<(Rc<Network>, Foreign)> {
        let instance = subject.create()?;
        Ok((subject.network(SPREAD.len() - 1)?, instance))
    };
    make().map_err(|error| (error.to_string(), "let `new` accept every default"))
}

fn leaves(subject: &Subject<'_>) -> std::result::Result<(), Broken> {
    let (network, instance) = prepared(subject)?;
    let _state = TorchState::protect(0);
    let draw = || f64::try_from(Tensor::rand([1], (Kind::Double, Device::Cpu))).unwrap_or(f64::NAN);
    let threads = tch::get_num_threads();
    tch::manual_seed(42);
    let expected = draw();
    tch::manual_seed(42);
    let _ = subject.score_network(&network, SPREAD.len() - 1, &instance);
    if !(Tensor::from(1.0f32).set_requires_grad(true) * 2.0).requires_grad() {
        return Err(("autograd is off".to_owned(), "use tch::no_grad_guard(), and let it drop"));
    }
    if tch::get_num_threads() != threads {
        let what = format!("torch has {} threads, it had {threads}", tch::get_num_threads());
        return Err((what, "leave the number of threads alone"));
    }
    if draw() != expected {
        let mend = match subject.info.kind {
            EstimatorKind::Baseline => "leave torch's generator alone",
            _ => "draw every random number from `network.rng()`, not from torch's generator",
        };
        return Err(("torch's generator has moved".to_owned(), mend));
    }
    Ok(())
}

fn same(
    first: &[Outcome],
    second: &[Outcome],
    mend: &'static str,
) -> std::result::Result<(), Broken> {
    for (a, b) in first.iter().zip(second) {
        let equal = match (a, b) {
            (Ok(a), Ok(b)) => a.to_bits() == b.to_bits(),
            (Err(a), Err(b)) => a.kind == b.kind,
            _ => false,
        };
        if !equal {
            return Err((format!("{} became {}", text(a), text(b)), mend));
        }
    }
    Ok(())
}

fn text(outcome: &Outcome) -> String {
    match outcome {
        Ok(score) => score.to_string(),
        Err(failure) => failure.to_string(),
    }
}

/// Answers question N with the score of network N.
pub struct Asked<'a> {
    subject: Subject<'a>,
    instance: Foreign,
}

impl<'a> Asked<'a> {
    pub fn new(subject: Subject<'a>) -> Result<Self> {
        let instance = subject.create()?;
        Ok(Self { subject, instance })
    }
}

impl Respondent for Asked<'_> {
    fn questions(&self) -> usize {
        self.subject.graphs.len()
    }

    fn answer(&self, question: usize) -> String {
        let score = self.subject.score(question, &self.instance);
        let text = respondent::text(score, f64::to_string);
        format!("{text} for {}", self.subject.graphs[question].0)
    }
}
