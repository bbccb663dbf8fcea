//! Whether a plugin keeps the rules that results rely on: the same score for
//! the same network whatever ran before, nothing left changed, failures told
//! as such.

mod one_shot;

use crate::{
    data::Source,
    engine::{Batch, Layout, Network, guard::TorchState, parameters::Initialiser},
    loader::{Plugin, Registry, Space, libtorch::this_program},
    worker::ended,
};
use osee_core::{
    estimator::{EstimatorInfo, Failure, FailureKind},
    graph::Graph,
    protocol::Protocol,
    settings::{SettingSpec, Settings, Value},
    store::Outcome,
};
use osee_sdk::{
    Error, ExportInfo, Population, Result,
    abi::root::{Foreign, ForeignMeta},
};
use std::{
    io,
    process::Stdio,
    rc::Rc,
    time::{Duration, Instant},
};
use tch::{Device, Kind, Tensor};

/// News of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is under way.
    Begun,
    /// The rule is kept.
    Kept,
    /// The rule is broken.
    Broken {
        /// What was seen.
        what: String,
        /// What to do.
        mend: &'static str,
    },
}

/// Longest time for a score that was told to stop.
const STOPPING: Duration = Duration::from_secs(2);

/// Architectures to look at: the first ones have no operation, or one kind of
/// operation alone in the bundled space.
const SPREAD: [u64; 8] = [0, 1, 3905, 7812, 11718, 15624, 5000, 12345];

type Broken = (String, &'static str);
type Tell<'a> = &'a mut dyn FnMut(&str, Verdict);

fn rule(tell: Tell<'_>, name: &str, check: impl FnOnce() -> std::result::Result<(), Broken>) {
    tell(name, Verdict::Begun);
    let verdict = match check() {
        Ok(()) => Verdict::Kept,
        Err((what, mend)) => Verdict::Broken { what, mend },
    };
    tell(name, verdict);
}

/// Checks one export of `plugin`; every rule is told to `tell` as it is begun
/// and when it is judged.
///
/// # Errors
/// When there is no space to make networks of, or the export cannot be made.
pub fn check(
    registry: &Registry,
    plugin: &Plugin,
    export: &ExportInfo,
    mut tell: impl FnMut(&str, Verdict),
) -> Result<()> {
    let tell: Tell<'_> = &mut tell;
    match export {
        ExportInfo::Space(info) => {
            declared_once(&info.settings, tell);
            let space = registry.space(&info.id).map_err(|error| Error::new(error.to_string()))?;
            check_space(&space, tell);
        }
        ExportInfo::Estimator(info) => {
            declared_once(&info.settings, tell);
            let settings = declared(plugin, info, tell);
            // What cannot be made has been told.
            let Ok(made) = plugin.functions.create(&info.id, &settings) else { return Ok(()) };
            match made {
                Foreign::Meta(meta) => check_meta(&meta, tell),
                Foreign::OneShot(one_shot) => one_shot::check(registry, &one_shot, tell)?,
                _ => {
                    let subject = Subject::new(registry, plugin, info, settings)?;
                    check_scores(&subject, tell);
                }
            }
        }
    }
    Ok(())
}

/// Of two settings of one name a study can give only one.
fn declared_once(settings: &[SettingSpec], tell: Tell<'_>) {
    rule(tell, "every setting is declared once", || {
        let twice = settings
            .iter()
            .enumerate()
            .find(|(i, spec)| settings[..*i].iter().any(|earlier| earlier.key == spec.key));
        match twice {
            Some((_, spec)) => {
                Err((format!("`{}` is declared twice", spec.key), "give one another key"))
            }
            None => Ok(()),
        }
    });
}

/// The defaults, and whether it is made with them.
fn declared(plugin: &Plugin, info: &EstimatorInfo, tell: Tell<'_>) -> Settings {
    let defaults = Settings::defaults(&info.settings);
    rule(tell, "it is described, and made with its default settings", || {
        if info.summary.is_empty() || info.citation.is_empty() {
            let mend = "give EstimatorInfo a summary and a citation";
            return Err(("it has no summary or no citation".to_owned(), mend));
        }
        let made = plugin.functions.create(&info.id, &defaults);
        made.map(drop).map_err(|error| (error.to_string(), "let `new` accept every default"))
    });
    defaults
}

/// An estimator that scores networks or graphs, and networks for it.
struct Subject<'a> {
    plugin: &'a Plugin,
    id: &'a str,
    settings: Settings,
    protocol: Protocol,
    graphs: Vec<(String, Graph)>,
}

impl<'a> Subject<'a> {
    fn new(
        registry: &Registry,
        plugin: &'a Plugin,
        info: &'a EstimatorInfo,
        settings: Settings,
    ) -> Result<Self> {
        let space = registry.space("nb201").map_err(|error| Error::new(error.to_string()))?;
        let small = [("channels", 4i64), ("cells", 1), ("image_size", 16)];
        let small = small.map(|(key, value)| (key.to_owned(), Value::from(value)));
        let small = Settings::resolve("nb201", &space.info.settings, &small.into())?;
        let graph = |&index: &u64| -> Result<(String, Graph)> {
            let arch = space.functions.architecture(index)?;
            let graph = space.functions.graph(&arch, &small)?;
            Ok((arch, graph))
        };
        // Sums do not depend on the process then.
        tch::set_num_threads(1);
        let preset = Protocol::preset("paper").ok_or_else(|| Error::new("no preset `paper`"))?;
        Ok(Self {
            plugin,
            id: &info.id,
            settings,
            protocol: Protocol { batch_size: 8, ..preset },
            graphs: SPREAD.iter().map(graph).collect::<Result<_>>()?,
        })
    }

    fn network(&self, at: usize) -> Result<Rc<Network>> {
        let (arch, graph) = &self.graphs[at];
        let values = Initialiser::default().draw(graph, &self.protocol, 0, "nb201", arch);
        let batches = Source::Noise
            .batches(&self.protocol, 0, graph.input_shape(), 10)
            .map_err(|error| Error::new(error.to_string()))?;
        let Some(Batch { images, labels }) = batches.into_iter().next() else {
            return Err(Error::new("no images"));
        };
        Network::new(graph.clone(), values, Batch { images, labels }, Layout::ChannelsLast)
    }

    /// The score of one architecture on a fresh network, by a fresh instance
    /// or `instance`.
    fn score(&self, at: usize, instance: Option<&Foreign>) -> Outcome {
        let made;
        let instance = match instance {
            Some(instance) => instance,
            None => {
                made = self.plugin.functions.create(self.id, &self.settings)?;
                &made
            }
        };
        self.score_network(&self.network(at)?, at, instance)
    }

    fn score_network(&self, network: &Rc<Network>, at: usize, instance: &Foreign) -> Outcome {
        Ok(match instance {
            Foreign::ZeroShot(estimator) => estimator.score(network.handle())?,
            Foreign::Baseline(baseline) => baseline.score(&self.graphs[at].1)?,
            _ => return Err(Failure::new(FailureKind::Error, "it does not score networks")),
        })
    }

    fn scores(&self, order: &[usize]) -> Vec<Outcome> {
        let instance = match self.plugin.functions.create(self.id, &self.settings) {
            Ok(instance) => instance,
            Err(error) => return vec![Err(error.into()); order.len()],
        };
        let mut scores = vec![Ok(0.0); order.len()];
        for &at in order {
            let _state = TorchState::protect(0);
            scores[at] = self.score(at, Some(&instance));
        }
        scores
    }
}

fn check_scores(subject: &Subject<'_>, tell: Tell<'_>) {
    let forwards: Vec<usize> = (0..SPREAD.len()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    let first = subject.scores(&forwards);
    rule(tell, "scores are finite, or say why they are not", || {
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
    rule(tell, "the same network gets the same score again", || {
        let mend = "derive every random choice from the torch generator or a fixed seed";
        same(&first, &subject.scores(&forwards), mend)
    });
    rule(tell, "scores do not depend on the order", || {
        same(&first, &subject.scores(&backwards), "keep nothing from one score to the next")
    });
    rule(tell, "scores do not depend on the process", || {
        let mend = "keep nothing for the life of the process, such as a static's first value";
        let other = elsewhere(subject).map_err(|error| (error.to_string(), mend))?;
        same(&first, &other, mend)
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
        network.cancel();
        let start = Instant::now();
        let _ = subject.score_network(&network, SPREAD.len() - 1, &instance);
        match start.elapsed() {
            long if long > STOPPING => Err((
                format!("it took {:.1} s", long.as_secs_f64()),
                "look at network.cancelled() in long loops, and return an error",
            )),
            _ => Ok(()),
        }
    });
}

/// Scores by their bits, which no text changes.
type Bits = Vec<std::result::Result<u64, Failure>>;

/// The scores in a process that has made no other, the last architecture first.
fn elsewhere(subject: &Subject<'_>) -> io::Result<Vec<Outcome>> {
    let output = this_program()?
        .arg("__scores")
        .args([&subject.plugin.path, &subject.plugin.copy])
        .arg(subject.id)
        .stderr(Stdio::inherit())
        .output()?;
    match output.status.success() {
        true => {
            let bits: Bits = serde_json::from_slice(&output.stdout).map_err(io::Error::other)?;
            Ok(bits.into_iter().map(|it| it.map(f64::from_bits)).collect())
        }
        false => Err(io::Error::other(ended("another process", output.status))),
    }
}

/// The other side, `osee-host __scores FILE COPY ID`: scores of one export with
/// its defaults, the last architecture first.
///
/// # Errors
/// When there is none, or no networks for it.
pub fn scores_backwards(registry: &Registry, plugin: &Plugin, id: &str) -> Result<Bits> {
    let info = plugin.exports.iter().find_map(|export| match export {
        ExportInfo::Estimator(info) if info.id == id => Some(info),
        _ => None,
    });
    let info = info.ok_or_else(|| Error::new(format!("there is no estimator `{id}`")))?;
    let subject = Subject::new(registry, plugin, info, Settings::defaults(&info.settings))?;
    let backwards: Vec<usize> = (0..SPREAD.len()).rev().collect();
    Ok(subject.scores(&backwards).into_iter().map(|it| it.map(f64::to_bits)).collect())
}

fn prepared(subject: &Subject<'_>) -> std::result::Result<(Rc<Network>, Foreign), Broken> {
    let make = || -> Result<(Rc<Network>, Foreign)> {
        let instance = subject.plugin.functions.create(subject.id, &subject.settings)?;
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
        let mend = "draw from a generator of your own, seeded by a setting, or put it back";
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

fn check_meta(meta: &ForeignMeta, tell: Tell<'_>) {
    let experts = meta.needs().unwrap_or_default();
    let count = 40;
    // Distinct numbers without a pattern: powers modulo a prime.
    let column = |expert: usize| (0..count).map(|i| ((i + 1) * (7 + expert) % 41) as f64).collect();
    let population = Population {
        architectures: (0..count).map(|i| i.to_string()).collect(),
        columns: (0..experts.len()).map(column).collect(),
        estimators: experts,
    };
    let first = meta.scores(&population);
    rule(tell, "there is one finite score per architecture", || match &first {
        Ok(scores) if scores.len() == count && scores.iter().all(|s| s.is_finite()) => Ok(()),
        Ok(scores) => Err((
            format!("{} scores for {count} architectures, or not finite", scores.len()),
            "return population.architectures.len() numbers",
        )),
        Err(error) => Err((error.to_string(), "score every population with the columns it needs")),
    });
    rule(tell, "the same population gets the same scores again", || {
        match meta.scores(&population) == first {
            true => Ok(()),
            false => Err(("they differ".to_owned(), "derive every random choice from a setting")),
        }
    });
    rule(tell, "an expert's failure is no failure of all", || {
        let mut spoilt = population.clone();
        for column in &mut spoilt.columns {
            column[3] = f64::NAN;
        }
        match meta.scores(&spoilt) {
            Ok(scores) if scores.len() == count => Ok(()),
            Ok(scores) => Err((format!("{} scores", scores.len()), "rank NaN below every number")),
            Err(error) => Err((error.to_string(), "rank NaN below every number")),
        }
    });
}

fn check_space(space: &Space<'_>, tell: Tell<'_>) {
    let functions = &space.functions;
    let size = space.info.size.unwrap_or(0);
    let archs = || -> Result<Vec<String>> {
        let numbers = (0..20u64).map(|i| i * size.saturating_sub(1) / 19);
        let mut archs = vec![functions.parse(&space.info.example)?];
        for number in numbers.filter(|_| size > 0) {
            archs.push(functions.architecture(number)?);
        }
        Ok(archs)
    };
    let archs = match archs() {
        Ok(archs) => archs,
        Err(error) => {
            return rule(tell, "architectures can be had", || {
                Err((error.to_string(), "the example and every number below size must be read"))
            });
        }
    };
    let every = |check: &dyn Fn(&str) -> Result<()>, mend: &'static str| {
        archs
            .iter()
            .try_for_each(|arch| check(arch).map_err(|error| (format!("{arch}: {error}"), mend)))
    };
    rule(tell, "an architecture is read as it is written", || {
        let check = |arch: &str| match functions.parse(arch)? {
            read if read == arch => Ok(()),
            read => Err(Error::new(format!("read as {read}"))),
        };
        every(&check, "let Display and FromStr agree")
    });
    rule(tell, "what is no architecture is refused", || {
        let nonsense = ["", "?", "|||", "\u{0}", "9999999999999999999999"];
        match nonsense.iter().find(|text| functions.parse(text).is_ok()) {
            Some(text) => Err((format!("{text:?} was taken"), "check every part in FromStr")),
            None => Ok(()),
        }
    });
    rule(tell, "every architecture makes a graph", || {
        let settings = Settings::defaults(&space.info.settings);
        every(&|arch| functions.graph(arch, &settings).map(drop), "build it with GraphBuilder")
    });
    rule(tell, "mutations are architectures, and others", || {
        let check = |arch: &str| {
            for mutation in functions.mutations(arch)? {
                if functions.parse(&mutation.arch)? == arch || mutation.from == mutation.to {
                    return Err(Error::new(format!("{mutation:?} changes nothing")));
                }
            }
            Ok(())
        };
        every(&check, "change one decision in each")
    });
    rule(tell, "the canonical form is always the same", || {
        let check = |arch: &str| match functions.canonical(arch)? == functions.canonical(arch)? {
            true => Ok(()),
            false => Err(Error::new("it changed")),
        };
        every(&check, "derive it from the architecture alone")
    });
}
