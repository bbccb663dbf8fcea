//! Turns the estimators that a study names into rows, and the supernets whose weights
//! they score.

use super::{PlanError, Row, any_network, experts};
use crate::{
    loader::{Registry, Space},
    one_shot::{SupernetSpec, SupernetUse},
};
use osee_core::{
    row::{Checkpoint, Conditions, EstimatorKey, RowKey, SpaceKey, SupernetWeights},
    study::{EstimatorChoice, Study, StudyError, TrainingChoice},
};
use osee_engine::data::Source;
use osee_model::{
    device::DeviceKind,
    estimator::{EstimatorInfo, EstimatorKind, Group},
    evaluation::Evaluation,
    graph::Graph,
    protocol::Protocol,
    settings::{Settings, key_hash, nearest},
};
use osee_sdk::{
    Epoch,
    abi::{instance::Foreign, kinds::one_shot::ForeignOneShot},
};
use std::{num::NonZeroU32, sync::Arc};

/// Largest number of rows of a trend.
const TREND: usize = 10_000;

/// Number of architectures whose networks are checked before anything is trained; a
/// training checks each one that it may sample.
const TRIED: usize = 20_000;

/// What all rows of a study have in common.
pub struct Ground<'a> {
    /// The search space.
    pub space: &'a Space<'a>,
    /// Resolved settings of the space, for rows without a supernet.
    pub space_settings: &'a Settings,
    /// The architectures of the study.
    pub architectures: &'a [String],
    /// The source of the images.
    pub source: &'a Source,
    /// Identity of the images.
    pub images: &'a str,
    /// How networks are shown to zero-shot estimators.
    pub protocol: &'a Protocol,
}

/// The rows and supernets of a study, resolved one after another.
pub struct Rows<'a> {
    study: &'a Study,
    registry: &'a Registry,
    ground: &'a Ground<'a>,
    /// The rows so far, meta estimators included.
    pub rows: Vec<Row>,
    /// The supernets whose weights they score.
    pub supernets: Vec<SupernetSpec>,
}

/// An estimator of the study, instantiated with its settings.
struct Made {
    info: EstimatorInfo,
    settings: Settings,
    instance: Foreign,
}

impl<'a> Rows<'a> {
    /// Resolves the estimators of `study`.
    ///
    /// # Errors
    /// If something does not exist or makes no sense.
    pub fn resolve(
        study: &'a Study,
        registry: &'a Registry,
        ground: &'a Ground<'a>,
    ) -> Result<Self, PlanError> {
        let mut all = Self { study, registry, ground, rows: Vec::new(), supernets: Vec::new() };
        let choices = all.choices();
        // A preset that does not exist is refused even if no row trains.
        study.training.base()?;
        for choice in &choices {
            all.add(choice, &choices)?;
        }
        experts::check(&all.rows, registry)?;
        Ok(all)
    }

    /// The estimators of the study, with those that the name of a group stands for. A meta
    /// estimator among these brings the experts that it judges by, or stays away if there are none.
    fn choices(&self) -> Vec<EstimatorChoice> {
        let classic = [EstimatorChoice::plain("classic")];
        let chosen = match self.study.estimators.as_slice() {
            [] => &classic[..],
            chosen => chosen,
        };
        let mut choices: Vec<EstimatorChoice> = Vec::new();
        // What each of a group needs; nothing for what the study names itself.
        let mut needs: Vec<Vec<String>> = Vec::new();
        for choice in chosen {
            if !choice.is_many() || *choice != EstimatorChoice::plain(&choice.id) {
                choices.push(choice.clone());
                needs.push(Vec::new());
                continue;
            }
            for info in self.registry.of_group(Group::named(&choice.id)) {
                // What has a place of its own, or has come by another group, does not come twice.
                let there = |it: &EstimatorChoice| it.name() == info.id;
                if !chosen.iter().chain(&choices).any(there) {
                    choices.push(EstimatorChoice::plain(&info.id));
                    needs.push(self.default_experts(info));
                }
            }
        }
        let mut at = 0;
        while at < choices.len() {
            let there = |name: &String| choices.iter().any(|it| it.name() == name);
            let missing: Vec<String> = needs[at].iter().filter(|it| !there(it)).cloned().collect();
            let found: Option<Vec<_>> =
                missing.iter().map(|id| self.registry.estimator(id).ok()).collect();
            match found {
                Some(found) => {
                    for (_, info) in found {
                        choices.push(EstimatorChoice::plain(&info.id));
                        needs.push(self.default_experts(info));
                    }
                    at += 1;
                }
                // No plugin has them.
                None => {
                    choices.remove(at);
                    needs.remove(at);
                }
            }
        }
        choices
    }

    /// The rows that a meta estimator judges by under its default settings; empty for any
    /// other, and for one that cannot be made, which its row reports.
    fn default_experts(&self, info: &EstimatorInfo) -> Vec<String> {
        if info.kind != EstimatorKind::Meta || self.registry.is_of_user(info) {
            return Vec::new();
        }
        match self.create(&EstimatorChoice::plain(&info.id)).map(|made| made.instance) {
            Ok(Foreign::Meta(meta)) => meta.needs().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn add(
        &mut self,
        choice: &EstimatorChoice,
        choices: &[EstimatorChoice],
    ) -> Result<(), PlanError> {
        let name = || choice.name().to_owned();
        let made = self.create(choice)?;
        let trains = made.info.kind == EstimatorKind::OneShot && choice.supernet.is_none();
        if !trains && choice.training != TrainingChoice::default() {
            return Err(PlanError::NoTraining(name()));
        }
        if choice.trend && choice.epoch.is_some() {
            return Err(PlanError::EpochOfTrend(name()));
        }
        if choice.trend_every.is_some() && !choice.trend {
            return Err(PlanError::NoTrend(name()));
        }
        let weights = match (&made.instance, &choice.supernet) {
            (Foreign::OneShot(one_shot), None) => Some(self.own_weights(choice, &made, one_shot)?),
            (Foreign::ZeroShot(_), Some(row)) => Some(self.lent_by(row, choice, choices)?),
            (_, None) => None,
            (_, Some(_)) => return Err(PlanError::NoSupernet(name())),
        };
        let Some(weights) = weights else {
            return match choice.trend || choice.epoch.is_some() {
                true => Err(PlanError::NoCheckpoints(name())),
                false => self.push(self.row(name(), &made, None)?),
            };
        };
        if !choice.trend {
            return self.push(self.row(name(), &made, Some(weights))?);
        }
        let kept = self.supernets[weights.supernet].recipe.kept();
        // Earlier epochs have too few checkpoints to average.
        let enough = kept.into_iter().skip(weights.evaluation.checkpoints - 1).rev();
        let every = choice.trend_every.map_or(1, NonZeroU32::get) as usize;
        let mut epochs: Vec<u32> = enough.step_by(every).collect();
        epochs.reverse();
        if epochs.len() > TREND {
            return Err(PlanError::LongTrend { row: name(), kept: epochs.len(), most: TREND });
        }
        for epoch in epochs {
            let checkpoint = Checkpoint { row: name(), epoch };
            let weights = self.at(&weights, epoch, choice.name())?;
            let mut row = self.row(checkpoint.name(), &made, Some(weights))?;
            row.key.checkpoint_of = Some(checkpoint);
            self.push(row)?;
        }
        Ok(())
    }

    /// Instantiates the estimator that a row names.
    fn create(&self, choice: &EstimatorChoice) -> Result<Made, PlanError> {
        let (plugin, info) = self.registry.estimator(&choice.id)?;
        let owner = format!("estimator `{}`", choice.id);
        let settings = Settings::resolve(&owner, &info.settings, &choice.settings)?;
        // The plugin may refuse values that the declaration allows.
        let instance = plugin.functions.create(info.kind, &choice.id, &settings)?;
        Ok(Made { info: info.clone(), settings, instance })
    }

    /// Makes a row, with everything that its scores depend on.
    fn row(
        &self,
        name: String,
        made: &Made,
        weights: Option<SupernetUse>,
    ) -> Result<Row, PlanError> {
        let Ground { space, space_settings, protocol, images, .. } = *self.ground;
        let (plugin, info) = self.registry.estimator(&made.info.id)?;
        let estimator = EstimatorKey {
            id: info.id.clone(),
            version: info.version.clone(),
            kind: info.kind,
            direction: info.direction,
            settings: made.settings.clone(),
            plugin_sha256: plugin.sha256.clone(),
        };
        let spec = weights.as_ref().map(|it| (it, &self.supernets[it.supernet]));
        let conditions = match spec {
            None => Conditions::Untrained(protocol.clone()),
            Some((weights, spec)) => Conditions::Supernet(Box::new(SupernetWeights {
                key: spec.key.clone(),
                recipe: spec.recipe.clone(),
                epochs: weights.epochs.clone(),
                seeds: None,
                protocol: (info.kind == EstimatorKind::ZeroShot).then(|| protocol.clone()),
            })),
        };
        let settings = spec.map_or(space_settings, |(_, spec)| &spec.space_settings);
        let space = SpaceKey {
            id: space.info.id.clone(),
            version: space.info.version.clone(),
            settings: settings.clone(),
            plugin_sha256: space.plugin.sha256.clone(),
        };
        let sees_images = estimator.sees_images();
        let key = RowKey {
            name,
            space,
            conditions,
            images: sees_images.then(|| images.to_owned()),
            device: if sees_images { self.study.device.kind() } else { DeviceKind::Cpu },
            estimator,
            checkpoint_of: None,
        };
        Ok(Row { key, weights })
    }

    fn push(&mut self, row: Row) -> Result<(), PlanError> {
        if self.rows.iter().any(|other| other.key.name == row.key.name) {
            return Err(PlanError::SameName(row.key.name));
        }
        self.rows.push(row);
        Ok(())
    }

    /// Returns the supernet of a one-shot row, shared with rows that train alike.
    fn own_weights(
        &mut self,
        choice: &EstimatorChoice,
        made: &Made,
        one_shot: &ForeignOneShot,
    ) -> Result<SupernetUse, PlanError> {
        let own = one_shot.recipe()?;
        let Made { info, settings, .. } = made;
        let (plugin, _) = self.registry.estimator(&choice.id)?;
        self.registry.check_recipe(plugin, &choice.id, &own)?;
        let asked = self.study.training.with(&choice.training);
        let recipe = asked.resolve(own, self.ground.source.normalisation())?;
        let [training, validation] = self.ground.source.split();
        recipe.check_images(training.len(), validation.len()).map_err(StudyError::from)?;
        let device = self.study.device.kind();
        asked.check_supernet(&recipe, self.ground.source.facts().side, device)?;
        let training: Vec<_> = settings.iter().filter(|(key, _)| trains(info, key)).collect();
        let mut of_space = Settings::of_supernet(&self.ground.space.info.settings);
        of_space.extend(self.ground.space.known(&recipe.space));
        of_space.extend(self.study.space.settings.clone());
        of_space.extend(asked.space);
        let space_settings = self.ground.space.resolve(&of_space)?;
        let key = key_hash(&(
            (&choice.id, &info.version, &plugin.sha256, json(&training)),
            (&recipe, json(&space_settings)),
            (
                &self.ground.space.info.id,
                &self.ground.space.info.version,
                &self.ground.space.plugin.sha256,
            ),
            self.ground.images,
        ));
        // On the CPU the key is that of versions which knew no other device.
        let key = match self.study.device.kind() {
            DeviceKind::Cpu => key,
            other => key_hash(&(key, other)),
        };
        let known = self.supernets.iter().position(|spec| spec.key == key);
        let observe = asked.observe.unwrap_or(0);
        let supernet = match known {
            Some(known) => known,
            None => {
                self.supernets.push(SupernetSpec {
                    key,
                    name: choice.name().to_owned(),
                    estimator: choice.id.clone(),
                    settings: settings.clone(),
                    recipe,
                    space_settings,
                    observe: 0,
                });
                self.check_start(one_shot)?;
                self.supernets.len() - 1
            }
        };
        let spec = &mut self.supernets[supernet];
        spec.observe = spec.observe.max(observe);
        let evaluation = one_shot.evaluation()?;
        let (last, batches) = (spec.recipe.epochs, spec.recipe.validation_batches());
        if let Some(wanted) = evaluation.batches.filter(|wanted| *wanted > batches) {
            let row = choice.name().to_owned();
            return Err(PlanError::FewBatches { row, wanted, batches });
        }
        let weights = SupernetUse { supernet, epochs: Vec::new(), evaluation };
        self.at(&weights, choice.epoch.unwrap_or(last), choice.name())
    }

    /// Refuses the last supernet if the images fit none of its networks, or if its
    /// estimator fails to say what it wants to survey before the first epoch: it could
    /// never train.
    fn check_start(&self, one_shot: &ForeignOneShot) -> Result<(), PlanError> {
        let Some(spec) = self.supernets.last() else { return Ok(()) };
        let fits = |graph: &Graph| self.ground.source.facts().fits(graph);
        let any =
            any_network(self.ground.space, self.ground.architectures, &spec.space_settings, fits)?;
        self.ground.source.facts().tell_spare_outputs(&any);
        let functions = Arc::new(self.registry.space(&self.ground.space.info.id)?.functions);
        let lent = spec.lend(self.ground.source, self.ground.space.info, &functions, TRIED);
        let epoch = Epoch {
            number: 0,
            epochs: spec.recipe.epochs,
            steps: spec.recipe.steps(),
            seed: self.study.seeds.first(),
            surveyed: Vec::new(),
            memory: Vec::new(),
        };
        let asked = one_shot.survey(&epoch, &lent);
        asked.map(drop).map_err(|error| PlanError::Untrainable { row: spec.name.clone(), error })
    }

    /// Returns the weights that a zero-shot row scores, from the supernet of row `row`.
    fn lent_by(
        &mut self,
        row: &str,
        choice: &EstimatorChoice,
        choices: &[EstimatorChoice],
    ) -> Result<SupernetUse, PlanError> {
        let lender = choices.iter().find(|other| other.name() == row);
        let unknown = || PlanError::NoRow {
            row: row.to_owned(),
            near: nearest(row, choices.iter().map(EstimatorChoice::name)).map(str::to_owned),
        };
        let lender = lender.ok_or_else(unknown)?;
        let made = self.create(lender)?;
        let Foreign::OneShot(one_shot) = &made.instance else { return Err(unknown()) };
        let lent = self.own_weights(lender, &made, one_shot)?;
        // The weights that the other row scores, unless this one gives an epoch.
        let weights = SupernetUse { evaluation: Evaluation::default(), ..lent };
        match choice.epoch {
            None => Ok(weights),
            Some(epoch) => self.at(&weights, epoch, choice.name()),
        }
    }

    /// Returns `weights` at `epoch`, with as many kept checkpoints up to it as the row
    /// averages.
    fn at(&self, weights: &SupernetUse, epoch: u32, name: &str) -> Result<SupernetUse, PlanError> {
        let kept = self.supernets[weights.supernet].recipe.kept();
        let wanted = weights.evaluation.checkpoints;
        let row = name.to_owned();
        let up_to = match (epoch, kept.iter().position(|it| *it == epoch)) {
            (0, _) => vec![0],
            (_, Some(at)) => kept[..=at].to_vec(),
            (_, None) => return Err(PlanError::NotKept { row, epoch, kept }),
        };
        match up_to.len().checked_sub(wanted) {
            Some(first) if wanted > 0 => {
                Ok(SupernetUse { epochs: up_to[first..].to_vec(), ..weights.clone() })
            }
            _ => Err(PlanError::FewCheckpoints { row, wanted, epoch, there: up_to }),
        }
    }
}

fn trains(info: &EstimatorInfo, key: &str) -> bool {
    !info.settings.iter().any(|spec| spec.key == *key && spec.judges_only)
}

/// Writes settings as the JSON in the key of a supernet.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("keys are plain data")
}
