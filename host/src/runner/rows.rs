//! From the estimators that a study names to the rows of its leaderboard, and
//! the supernets that they look at.

use super::{RunError, architectures::any_network};
use crate::{
    loader::{Registry, Space},
    one_shot::{SupernetSpec, SupernetUse},
    worker::Named,
};
use osee_core::{
    store::ScorerKey,
    study::{EstimatorChoice, Study, StudyError, TrainingChoice},
};
use osee_engine::data::Source;
use osee_model::{
    estimator::{EstimatorInfo, EstimatorKind},
    evaluation::Evaluation,
    graph::Graph,
    protocol::Protocol,
    settings::{Settings, key_hash, nearest},
};
use osee_sdk::{
    Epoch,
    abi::{instance::Foreign, kinds::one_shot::ForeignOneShot},
};
use std::sync::Arc;

/// In place of an estimator's id.
const ALL: &str = "all";

/// Most rows of a trend.
const TREND: usize = 10_000;

/// Architectures whose networks are looked at before anything is trained; a
/// training looks at each that it may sample.
const LOOKED_AT: usize = 20_000;

/// Rows and supernets of a study.
pub struct Rows<'a> {
    study: &'a Study,
    registry: &'a Registry,
    space: &'a Space<'a>,
    architectures: &'a [String],
    source: &'a Source,
    data: &'a str,
    /// The rows.
    pub named: Vec<Named>,
    /// What they look at.
    pub supernets: Vec<SupernetSpec>,
}

impl<'a> Rows<'a> {
    /// Resolves the estimators of `study`, on these images with their identity.
    ///
    /// # Errors
    /// What is not there, or makes no sense.
    pub fn resolve(
        study: &'a Study,
        registry: &'a Registry,
        (space, architectures): (&'a Space<'a>, &'a [String]),
        (source, data): (&'a Source, &'a str),
    ) -> Result<Self, RunError> {
        let supernets = Vec::new();
        let named = Vec::new();
        let mut rows =
            Self { study, registry, space, architectures, source, data, named, supernets };
        let choices = rows.choices();
        // Whether or not any row trains.
        study.training.base()?;
        for choice in &choices {
            rows.add(choice, &choices)?;
        }
        super::vote::check_experts(&rows.named, registry)?;
        Ok(rows)
    }

    /// Those of the study; in place of `all`, or if it names none, all that need
    /// no training, and those that the user brought.
    fn choices(&self) -> Vec<EstimatorChoice> {
        let chosen = &self.study.estimators;
        if chosen.is_empty() {
            return self.all().collect();
        }
        let mut choices = Vec::new();
        for choice in chosen {
            if *choice == EstimatorChoice::plain(ALL) {
                let named = |it: &EstimatorChoice| chosen.iter().any(|own| own.name() == it.name());
                choices.extend(self.all().filter(|it| !named(it)));
            } else {
                choices.push(choice.clone());
            }
        }
        choices
    }

    fn all(&self) -> impl Iterator<Item = EstimatorChoice> {
        let given: Vec<&str> = self
            .registry
            .given()
            .iter()
            .flat_map(|plugin| plugin.exports.iter().map(|export| export.id()))
            .collect();
        let wanted = move |info: &&EstimatorInfo| {
            info.kind != EstimatorKind::OneShot || given.contains(&info.id.as_str())
        };
        let all = self.registry.estimators().map(|(_, info)| info).filter(wanted);
        all.map(|info| EstimatorChoice::plain(&info.id))
    }

    fn add(
        &mut self,
        choice: &EstimatorChoice,
        choices: &[EstimatorChoice],
    ) -> Result<(), RunError> {
        let (settings, instance) = self.create(choice)?;
        let (_, info) = self.registry.estimator(&choice.id)?;
        let trains = info.kind == EstimatorKind::OneShot && choice.supernet.is_none();
        if !trains && choice.training != TrainingChoice::default() {
            return Err(RunError::NoTraining(choice.name().to_owned()));
        }
        if choice.trend && choice.epoch.is_some() {
            return Err(RunError::EpochOfTrend(choice.name().to_owned()));
        }
        let looks_at = match (&instance, &choice.supernet) {
            (Foreign::OneShot(one_shot), None) => Some(self.looks_at(choice, &settings, one_shot)?),
            (Foreign::ZeroShot(_), Some(row)) => Some(self.lent_by(row, choice, choices)?),
            (_, None) => None,
            (_, Some(_)) => return Err(RunError::NoSupernet(choice.name().to_owned())),
        };
        if looks_at.is_none() && (choice.trend || choice.epoch.is_some()) {
            return Err(RunError::NoCheckpoints(choice.name().to_owned()));
        }
        let named = Named { supernet: looks_at, ..Named::new(choice.name(), info, settings) };
        match (&named.supernet, choice.trend) {
            (Some(looks_at), true) => {
                let kept = self.supernets[looks_at.supernet].recipe.kept();
                if kept.len() > TREND {
                    let (row, kept, most) = (choice.name().to_owned(), kept.len(), TREND);
                    return Err(RunError::LongTrend { row, kept, most });
                }
                // Those before have too few to average.
                for epoch in kept.into_iter().skip(looks_at.evaluation.checkpoints - 1) {
                    let supernet = Some(self.at(looks_at, epoch, choice.name())?);
                    let name = format!("{}@{epoch}", choice.name());
                    self.push(Named { name, supernet, ..named.clone() })?;
                }
                Ok(())
            }
            _ => self.push(named),
        }
    }

    /// The estimator that a row names, and its settings.
    fn create(&self, choice: &EstimatorChoice) -> Result<(Settings, Foreign), RunError> {
        let (plugin, info) = self.registry.estimator(&choice.id)?;
        let owner = format!("estimator `{}`", choice.id);
        let settings = Settings::resolve(&owner, &info.settings, &choice.settings)?;
        // The plugin may refuse values that the declaration allows.
        let instance = plugin.functions.create(info.kind, &choice.id, &settings)?;
        Ok((settings, instance))
    }

    fn push(&mut self, named: Named) -> Result<(), RunError> {
        if self.named.iter().any(|other| other.name == named.name) {
            return Err(RunError::SameName(named.name));
        }
        self.named.push(named);
        Ok(())
    }

    /// The supernet of a one-shot row, shared with rows that train alike.
    fn looks_at(
        &mut self,
        choice: &EstimatorChoice,
        settings: &Settings,
        one_shot: &ForeignOneShot,
    ) -> Result<SupernetUse, RunError> {
        let own = one_shot.recipe()?;
        let (plugin, info) = self.registry.estimator(&choice.id)?;
        self.registry.check_recipe(plugin, &choice.id, &own)?;
        let asked = self.study.training.with(&choice.training);
        let recipe = asked.resolve(own, self.source.normalisation())?;
        let [training, validation] = self.source.split();
        recipe.check_images(training.len(), validation.len()).map_err(StudyError::from)?;
        asked.check_supernet(&recipe, self.source.facts().side)?;
        let training: Vec<_> = settings.iter().filter(|(key, _)| trains(info, key)).collect();
        let mut of_space = Settings::of_supernet(&self.space.info.settings);
        of_space.extend(self.space.known(&recipe.space));
        of_space.extend(self.study.space.settings.clone());
        of_space.extend(asked.space);
        let space_settings = self.space.resolve(&of_space)?;
        let key = key_hash(&(
            (&choice.id, &info.version, &plugin.sha256, json(&training)),
            (&recipe, json(&space_settings)),
            (&self.space.info.id, &self.space.info.version, &self.space.plugin.sha256),
            self.data,
        ));
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
            return Err(RunError::FewBatches { row, wanted, batches });
        }
        let looks_at = SupernetUse { supernet, epochs: Vec::new(), evaluation };
        self.at(&looks_at, choice.epoch.unwrap_or(last), choice.name())
    }

    /// Refuses the last supernet where the images fit none of its networks, and
    /// asks the estimator what it wants to see before its first epoch: one that
    /// refuses can never train it.
    fn check_start(&self, one_shot: &ForeignOneShot) -> Result<(), RunError> {
        let Some(spec) = self.supernets.last() else { return Ok(()) };
        let fits = |graph: &Graph| self.source.facts().fits(graph);
        let any = any_network(self.space, self.architectures, &spec.space_settings, fits)?;
        self.source.facts().tell_spare_outputs(&any);
        let functions = Arc::new(self.registry.space(&self.space.info.id)?.functions);
        let lent = spec.lend(self.source, self.space.info, &functions, LOOKED_AT);
        let epoch = Epoch {
            number: 0,
            epochs: spec.recipe.epochs,
            steps: spec.recipe.steps(),
            seed: self.study.seeds[0],
            surveyed: Vec::new(),
            memory: Vec::new(),
        };
        let asked = one_shot.survey(&epoch, &lent);
        asked.map(drop).map_err(|error| RunError::Untrainable { row: spec.name.clone(), error })
    }

    /// The supernet of another row, for a zero-shot estimator.
    fn lent_by(
        &mut self,
        row: &str,
        choice: &EstimatorChoice,
        choices: &[EstimatorChoice],
    ) -> Result<SupernetUse, RunError> {
        let lender = choices.iter().find(|other| other.name() == row);
        let unknown = || RunError::NoRow {
            row: row.to_owned(),
            near: nearest(row, choices.iter().map(EstimatorChoice::name)).map(str::to_owned),
        };
        let lender = lender.ok_or_else(unknown)?;
        let (settings, Foreign::OneShot(one_shot)) = self.create(lender)? else {
            return Err(unknown());
        };
        let lent = self.looks_at(lender, &settings, &one_shot)?;
        // The weights that the other row looks at, unless this one says which.
        let looks_at = SupernetUse { evaluation: Evaluation::default(), ..lent };
        match choice.epoch {
            None => Ok(looks_at),
            Some(epoch) => self.at(&looks_at, epoch, choice.name()),
        }
    }

    /// The same at an epoch, with as many kept checkpoints before it as the
    /// row averages.
    fn at(&self, looks_at: &SupernetUse, epoch: u32, name: &str) -> Result<SupernetUse, RunError> {
        let kept = self.supernets[looks_at.supernet].recipe.kept();
        let wanted = looks_at.evaluation.checkpoints;
        let row = name.to_owned();
        let up_to = match (epoch, kept.iter().position(|it| *it == epoch)) {
            (0, _) => vec![0],
            (_, Some(at)) => kept[..=at].to_vec(),
            (_, None) => return Err(RunError::NotKept { row, epoch, kept }),
        };
        match up_to.len().checked_sub(wanted) {
            Some(first) if wanted > 0 => {
                Ok(SupernetUse { epochs: up_to[first..].to_vec(), ..looks_at.clone() })
            }
            _ => Err(RunError::FewCheckpoints { row, wanted, epoch, there: up_to }),
        }
    }

    /// The key of a row's results; `protocol` and `space_settings` are those of
    /// rows without supernet.
    pub fn key(
        &self,
        named: &Named,
        protocol: &Protocol,
        space_settings: &Settings,
    ) -> Result<ScorerKey, RunError> {
        let (plugin, info) = self.registry.estimator(&named.id)?;
        let spec = named.supernet.as_ref().map(|it| (it, &self.supernets[it.supernet]));
        let protocol = match spec {
            None => json(protocol),
            Some((looks_at, spec)) => {
                let zero_shot = named.kind == EstimatorKind::ZeroShot;
                json(&serde_json::json!({
                    "supernet": spec.key,
                    "recipe": spec.recipe,
                    "epochs": looks_at.epochs,
                    "protocol": zero_shot.then_some(protocol),
                }))
            }
        };
        Ok(ScorerKey {
            name: named.name.clone(),
            estimator: named.id.clone(),
            version: info.version.clone(),
            kind: named.kind,
            direction: named.direction,
            settings: json(&named.settings),
            plugin_sha256: plugin.sha256.clone(),
            space: self.space.info.id.clone(),
            space_version: self.space.info.version.clone(),
            space_settings: json(spec.map_or(space_settings, |(_, spec)| &spec.space_settings)),
            space_sha256: self.space.plugin.sha256.clone(),
            protocol,
            data: self.data.to_owned(),
        })
    }
}

fn trains(info: &EstimatorInfo, key: &str) -> bool {
    !info.settings.iter().any(|spec| spec.key == *key && spec.judges_only)
}

/// Settings and protocols as the JSON of a key.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("keys are plain data")
}
