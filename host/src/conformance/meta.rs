//! The rules of meta estimators.

use super::{
    respondent::{self, Respondent},
    rules::{Tell, broken, rule},
};
use crate::loader::{Plugin, Registry};
use osee_model::{
    estimator::{EstimatorInfo, EstimatorKind},
    settings::Settings,
    space::SpaceInfo,
};
use osee_sdk::{
    Error, ExportInfo, ExportKind, Population, Result, SearchSpace,
    abi::kinds::{meta::ForeignMeta, space::ForeignSpace},
};
use osee_testkit::SmallSpace;

/// Numbers of architectures of the populations that are scored.
const SIZES: [usize; 4] = [40, 41, 7, 2];

fn create(plugin: &Plugin, info: &EstimatorInfo) -> Result<ForeignMeta> {
    plugin.functions.create(info.kind, &info.id, &info.defaults())?.try_into()
}

/// The largest of `SIZES`.
const MOST: u64 = 41;

/// `MOST` architectures, spread over the space. A space without numbers gives its
/// example and mutations of it. Small spaces give some architectures repeatedly.
fn architectures(info: &SpaceInfo, functions: &ForeignSpace) -> Result<Vec<String>> {
    let Some(size) = info.size.filter(|size| *size > 0) else {
        let first = functions.parse(&info.example)?;
        let others = functions.mutations(&first)?.into_iter().map(|it| it.arch);
        let some: Vec<String> = [first].into_iter().chain(others).take(MOST as usize).collect();
        return Ok(some.iter().cycle().take(MOST as usize).cloned().collect());
    };
    let number = |i: u64| (u128::from(i) * u128::from(size) / u128::from(MOST)) as u64;
    (0..MOST).map(|i| functions.architecture(number(i))).collect()
}

/// Populations of the test kit's space, then of each space in the plugin: a meta
/// estimator may parse architectures, and be made for the plugin's own spaces.
fn of_spaces<'a>(
    plugin: &'a Plugin,
    experts: &'a [String],
) -> Result<impl Iterator<Item = Vec<Population>> + use<'a>> {
    let populations = |all: Vec<String>| -> Vec<Population> {
        SIZES.iter().map(|count| population(experts, &all[..*count])).collect()
    };
    let small = ForeignSpace::here::<SmallSpace>();
    let first = populations(architectures(&SmallSpace::info(), &small)?);
    let own = plugin.exports.iter().filter_map(move |export| {
        let ExportInfo::Space(info) = export else { return None };
        // Errors of a space are reported by the check of that space.
        let made = plugin.functions.create(ExportKind::Space, &info.id, &Settings::default());
        let functions: ForeignSpace = made.ok()?.try_into().ok()?;
        architectures(info, &functions).ok().map(populations)
    });
    Ok([first].into_iter().chain(own))
}

/// Populations of the first space that the estimator can score, else of the first
/// space.
fn populations(meta: &ForeignMeta, experts: &[String], plugin: &Plugin) -> Result<Vec<Population>> {
    let mut first = None;
    for all in of_spaces(plugin, experts)? {
        if meta.scores(&all[0]).is_ok() {
            return Ok(all);
        }
        first = first.or(Some(all));
    }
    first.ok_or_else(|| Error::new("there is no search space"))
}

/// A population whose scores are distinct numbers without a pattern: multiples modulo
/// a prime.
fn population(experts: &[String], architectures: &[String]) -> Population {
    let count = architectures.len();
    let column =
        |expert: usize| (0..count).map(|i| ((i + 1) * (7 + expert % 30) % 43) as f64).collect();
    Population {
        architectures: architectures.to_vec(),
        columns: (0..experts.len()).map(column).collect(),
        estimators: experts.to_vec(),
        seed: 0,
    }
}

/// Checks a meta estimator on artificial populations.
pub fn check(
    registry: &Registry,
    plugin: &Plugin,
    info: &EstimatorInfo,
    tell: Tell<'_>,
) -> Result<()> {
    let meta = create(plugin, info)?;
    let mut experts = Vec::new();
    rule(tell, "it says what it needs", || {
        let mend = "return the names of the estimators whose columns you read";
        experts = meta.needs().map_err(broken(mend))?;
        match experts.is_empty() {
            true => Err(("it needs no estimator".to_owned(), mend)),
            false => Ok(()),
        }
    });
    rule(tell, "it does not judge by itself", || match circle(registry, &info.id) {
        None => Ok(()),
        Some(circle) => {
            let mend = "name experts that can be computed before it";
            Err((format!("{}: none can be the first", circle.join(" needs ")), mend))
        }
    });
    let populations = populations(&meta, &experts, plugin)?;
    rule(tell, "there is one finite score per architecture", || {
        let mend = "return population.architectures.len() finite numbers";
        for population in &populations {
            let scores = meta.scores(population).map_err(broken(mend))?;
            if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
                return Err((format!("a score is {score}"), mend));
            }
        }
        Ok(())
    });
    rule(tell, "scores tell architectures apart", || {
        let first = meta.scores(&populations[0]);
        match first.is_ok_and(|first| first.windows(2).all(|pair| pair[0] == pair[1])) {
            true => Err(("all are equal".to_owned(), "a constant ranks nothing")),
            false => Ok(()),
        }
    });
    rule(tell, "the same population gets the same scores again", || {
        for population in &populations {
            if meta.scores(population) != meta.scores(population) {
                let mend = "draw from `population.random(..)`";
                return Err(("they differ".to_owned(), mend));
            }
        }
        Ok(())
    });
    rule(tell, "one expert's failure does not fail the rest", || {
        let mend = "rank NaN below every number, and leave it out of means and the like";
        let mut spoilt = populations[0].clone();
        for column in &mut spoilt.columns {
            column[FAILED] = f64::NAN;
        }
        let scores = meta.scores(&spoilt).map_err(broken(mend))?;
        let lost = |(at, score): &(usize, &f64)| *at != FAILED && !score.is_finite();
        match scores.iter().enumerate().filter(lost).count() {
            0 => Ok(()),
            lost => Err((
                format!(
                    "with NaN for one architecture, {lost} of the {} others have no finite score",
                    scores.len() - 1
                ),
                mend,
            )),
        }
    });
    Ok(())
}

/// Position of the architecture for which every expert fails.
const FAILED: usize = 3;

/// A circle of estimators from `id` back to `id`, each needing the next; `None` if
/// there is none.
fn circle(registry: &Registry, id: &str) -> Option<Vec<String>> {
    let mut known = vec![id.to_owned()];
    let mut ways = vec![vec![id.to_owned()]];
    while let Some(way) = ways.pop() {
        for need in needs(registry, way.last()?) {
            let way = [way.as_slice(), std::slice::from_ref(&need)].concat();
            if need == id {
                return Some(way);
            }
            if !known.contains(&need) {
                known.push(need);
                ways.push(way);
            }
        }
    }
    None
}

/// Estimators that a loaded meta estimator needs; empty for any other.
fn needs(registry: &Registry, id: &str) -> Vec<String> {
    let found = registry.estimator(id).ok().filter(|(_, info)| info.kind == EstimatorKind::Meta);
    let made = found.and_then(|(plugin, info)| create(plugin, info).ok());
    made.and_then(|meta| meta.needs().ok()).unwrap_or_default()
}

/// Answers question N with the scores of the population of size `SIZES[N]`.
pub struct Asked<'a> {
    meta: ForeignMeta,
    experts: Vec<String>,
    plugin: &'a Plugin,
}

impl<'a> Asked<'a> {
    pub fn new(plugin: &'a Plugin, info: &EstimatorInfo) -> Result<Self> {
        let meta = create(plugin, info)?;
        Ok(Self { experts: meta.needs()?, meta, plugin })
    }

    /// Scores of the first space that the estimator can score.
    fn scores(&self, question: usize) -> Result<Vec<f64>> {
        let spaces = of_spaces(self.plugin, &self.experts)?;
        let mut scores = spaces.map(|all| self.meta.scores(&all[question]));
        scores.find(Result::is_ok).unwrap_or_else(|| Err(Error::new("it judges nothing")))
    }
}

impl Respondent for Asked<'_> {
    fn questions(&self) -> usize {
        SIZES.len()
    }

    fn answer(&self, question: usize) -> String {
        respondent::text(self.scores(question), |scores| format!("scores {scores:?}"))
    }
}
