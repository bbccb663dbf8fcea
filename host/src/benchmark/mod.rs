//! Builds benchmarks: trains every architecture of a study alone, with every seed.
//!
//! It uses threads, not processes: only the host's own engine works here, and a space
//! that crashes costs the trainings under way. The seeds of an architecture train side
//! by side, as one network. Invariant: a training depends on the study, the
//! architecture and the seed, not on what else is trained.

mod card;
mod trainer;

pub use card::card;

use crate::{
    catalog,
    exit::{Category, ExitCode},
    loader::{Registry, Space},
    networks::network,
    plan::{PlanError, any_network, choose},
    progress::{Event, Reporter},
    stop::Stop,
    worker::MALLOC,
};
use osee_core::{
    benchmark::{BenchmarkStudy, BenchmarkTable, Candidate, Log, LogError, Training},
    shard::Shard,
    study::StudyError,
};
use osee_engine::{data::Source, open_device};
use osee_model::{
    graph::Graph,
    recipe::Recipe,
    settings::{Settings, key_hash},
};
use std::{
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};
use trainer::Trainer;

/// Instruction sets that libraries choose by the processor, and that sums depend on.
/// With these variables set, all x86-64 processors of the last ten years choose the
/// same ones.
pub const KERNELS: [(&str, &str); 5] = [
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_CBWR", "COMPATIBLE"),
    ("OMP_NUM_THREADS", "1"),
    ("GLIBC_TUNABLES", MALLOC),
];

/// The reason why a benchmark cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The study asks for what is not there, or torch fails.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Stored trainings cannot be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Category for BuildError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Plan(error) => error.exit_code(),
            Self::Log(error) => error.exit_code(),
        }
    }
}

/// A benchmark with everything resolved.
pub struct Benchmark<'a> {
    /// The study as the user wrote it.
    pub study: &'a BenchmarkStudy,
    /// How networks are trained.
    pub recipe: Recipe,
    /// Resolved settings of the space.
    pub space_settings: Settings,
    /// The architectures to train.
    pub candidates: Vec<Candidate>,
    /// Hash of what all its trainings have in common.
    pub key: String,
    space: Space<'a>,
    source: Source,
}

impl<'a> Benchmark<'a> {
    /// Resolves `study` and checks all that it names.
    ///
    /// # Errors
    /// At the first thing that does not exist or makes no sense.
    pub fn new(study: &'a BenchmarkStudy, registry: &'a Registry) -> Result<Self, PlanError> {
        let source = Source::open(&catalog::images(&study.data)?)?;
        let own = Recipe::preset("standalone").expect("there is such a preset");
        let recipe = study.training.resolve(own, source.normalisation())?;
        let [training, validation] = source.split();
        recipe.check_images(training.len(), validation.len()).map_err(StudyError::from)?;
        let judged = recipe.images.max(recipe.validation_images).max(source.test().len());
        study.training.check_alone(&recipe, source.facts().side, judged)?;
        let space = registry.space(&study.space.id)?;
        let mut settings = space.known(&recipe.space);
        settings.extend(study.space.settings.clone());
        settings.extend(study.training.space.clone());
        let space_settings = space.resolve(&settings)?;
        open_device(study.device)?;
        let architectures = choose(&study.architectures, &space, None)?.list;
        let mut candidates = Vec::with_capacity(architectures.len());
        let fits = |graph: &Graph| source.facts().fits(graph);
        let any = any_network(&space, &architectures, &space_settings, fits)?;
        source.facts().tell_spare_outputs(&any);
        for arch in architectures {
            let cost = space.functions.graph(&arch, &space_settings).ok().map(|it| it.cost());
            candidates.push(Candidate {
                arch,
                params: cost.map(|it| it.params),
                flops: cost.map(|it| it.flops()),
            });
        }
        // The key leaves out the other architectures, which change no training. It has
        // the seeds, since they train side by side and so change rounding.
        let key = key_hash(&(
            &space.info.id,
            &space.info.version,
            &space_settings,
            &recipe,
            source.identity()?,
            Some(study.device.kind()),
            &study.seeds,
        ));
        Ok(Self { study, recipe, space_settings, candidates, key, space, source })
    }

    /// Trains what is outstanding of `shard` with `workers` threads, and stores it in
    /// `dir`. Returns the number of architectures left because of a stop. Reports each
    /// architecture to `reporter`.
    ///
    /// # Errors
    /// If the folder cannot be used, or torch fails for a reason other than the
    /// architecture.
    pub fn build(
        &self,
        dir: &Path,
        shard: Shard,
        (workers, stop): (usize, &Stop),
        reporter: &dyn Reporter,
    ) -> Result<usize, BuildError> {
        let mut log = Log::open(dir, shard, &self.key)?;
        let mut outstanding = self.table(dir)?.missing();
        outstanding.retain(|&at| shard.holds(&self.candidates[at].arch));
        reporter.tell(Event::BuildingBegins { outstanding: outstanding.len() as u64 });
        let mut left = outstanding.len();
        self.train(&outstanding, (workers, stop), |trainings| {
            left -= 1;
            if let Some(Training { arch, .. }) = trainings.first() {
                reporter.tell(Event::ArchitectureTrained { architecture: arch });
            }
            trainings.iter().try_for_each(|training| Ok(log.add(training)?))
        })?;
        reporter.tell(Event::Over);
        Ok(left)
    }

    /// Returns the table of all trainings that shards have stored in `dir`.
    ///
    /// # Errors
    /// If a file cannot be used.
    pub fn table(&self, dir: &Path) -> Result<BenchmarkTable<'_>, BuildError> {
        let trainings = Log::read(dir, &self.key)?;
        Ok(BenchmarkTable::new(&self.candidates, &self.study.seeds, trainings))
    }

    /// Trains the architectures at these positions with all seeds, and hands each to
    /// `keep` when it is done, in no particular order. Once `stop` is set, nothing is
    /// begun, and what is under way is abandoned.
    ///
    /// # Errors
    /// If `keep` fails, or torch does for a reason other than the architecture.
    pub fn train(
        &self,
        architectures: &[usize],
        (workers, stop): (usize, &Stop),
        mut keep: impl FnMut(Vec<Training>) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        if architectures.is_empty() {
            return Ok(());
        }
        let device = open_device(self.study.device).map_err(PlanError::from)?;
        // The sums of a training must not depend on how many run beside it.
        tch::set_num_threads(1);
        let trainer =
            || Trainer::new((&self.recipe, stop), &self.space.info.id, &self.source, device);
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel::<Result<Vec<Training>, BuildError>>();
        std::thread::scope(|scope| {
            for _ in 0..workers.clamp(1, architectures.len()) {
                let (sender, next, trainer) = (sender.clone(), &next, &trainer);
                // Each thread has its own images: a tensor must not be shared by
                // threads.
                scope.spawn(move || {
                    let trainer = match trainer() {
                        Ok(trainer) => trainer,
                        // If the receiver is gone, nobody needs the error.
                        Err(error) => return drop(sender.send(Err(PlanError::from(error).into()))),
                    };
                    let next = || architectures.get(next.fetch_add(1, Ordering::Relaxed));
                    while let Some(&at) = next().filter(|_| !stop.is_set()) {
                        let arch = &self.candidates[at].arch;
                        let trained = match self.graph(arch) {
                            Ok(graph) => trainer.train(&graph, arch, &self.study.seeds),
                            Err(why) => Some(self.without_network(arch, &why.to_string())),
                        };
                        let Some(trained) = trained else { break };
                        if sender.send(Ok(trained)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            // Dropping the receiver ends each thread after its current training.
            receiver.into_iter().try_for_each(|trained| keep(trained?))
        })
    }

    /// The network of an architecture, checked against the images.
    fn graph(&self, arch: &str) -> osee_sdk::Result<Graph> {
        let fits = |graph: &Graph| self.source.facts().fits(graph);
        network(&self.space.functions, (arch, &self.space_settings), fits)
    }

    /// The failures, one for each seed, of an architecture that cannot be trained.
    fn without_network(&self, arch: &str, why: &str) -> Vec<Training> {
        let failure = Some(why.to_owned());
        let one = |&seed: &u64| Training {
            arch: arch.to_owned(),
            seed,
            epochs: Vec::new(),
            test: None,
            failure: failure.clone(),
            seconds: 0.0,
        };
        self.study.seeds.iter().map(one).collect()
    }
}
