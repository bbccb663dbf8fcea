//! Checks that a plugin keeps the rules that results rely on: the same answer to the
//! same question, whatever was asked before and in whichever process; no state left
//! changed; failures reported as failures. Estimators are tried on the test kit's
//! small space, so that only the plugin itself must be there.

mod beside;
mod interview;
mod meta;
mod mutations;
mod one_shot;
mod respondent;
mod rules;
mod scores;
mod space;
mod terms;

pub use beside::{Alone, MEND as APART, check as check_beside};
pub use interview::serve;
pub use rules::Verdict;
pub use terms::Terms;

use crate::loader::{Plugin, Registry};
use osee_model::estimator::{EstimatorInfo, EstimatorKind};
use osee_sdk::{ExportInfo, Result};
use rules::{Tell, broken, rule};

/// Checks one export of `plugin`. `tell` hears of every rule when it begins and when
/// it is judged; an error that prevents further checks is a broken rule of its own. Returns
/// the export's answers in a fresh process if they are always the same.
pub fn check(
    registry: &Registry,
    plugin: &Plugin,
    export: &ExportInfo,
    terms: Terms,
    mut tell: impl FnMut(&str, Verdict),
) -> Option<Alone> {
    let tell: Tell<'_> = &mut tell;
    if !declared(plugin, export, tell) {
        return None;
    }
    let inspected = match export {
        ExportInfo::Space(info) => space::check(plugin, info, tell),
        ExportInfo::Estimator(info) => estimator(registry, plugin, info, terms, tell),
    };
    if let Err(error) = inspected {
        rule(tell, "it can be inspected further", || Err((error.to_string(), "see above")));
        return None;
    }
    let mut alone = None;
    rule(
        tell,
        "answers are the same in a fresh process, in reverse order, and from two workers",
        || {
            let answers = interview::check(plugin, export, terms)?;
            alone = Some(Alone::new(export, answers));
            Ok(())
        },
    );
    alone
}

/// True if the export can be made, so that further checks are possible.
fn declared(plugin: &Plugin, export: &ExportInfo, tell: Tell<'_>) -> bool {
    let (summary, citation) = match export {
        ExportInfo::Estimator(info) => (&info.summary, &info.citation),
        ExportInfo::Space(info) => (&info.summary, &info.citation),
    };
    let mut is_made = false;
    rule(tell, "it is described, and made with its default settings", || {
        let mend = "give its info what it lacks, and each setting once";
        plugin.functions.check_declaration(export).map_err(broken(mend))?;
        let mend = "let `new` accept every default";
        let created = plugin.functions.create(export.kind(), export.id(), &export.defaults());
        created.map_err(broken(mend))?;
        is_made = true;
        if summary.is_empty() || citation.is_empty() {
            let mend = "give its info a summary and a citation";
            return Err(("it has no summary or no citation".to_owned(), mend));
        }
        Ok(())
    });
    is_made
}

fn estimator(
    registry: &Registry,
    plugin: &Plugin,
    info: &EstimatorInfo,
    terms: Terms,
    tell: Tell<'_>,
) -> Result<()> {
    match info.kind {
        EstimatorKind::Meta => meta::check(registry, plugin, info, tell),
        EstimatorKind::OneShot => one_shot::check(registry, plugin, info, tell),
        _ => {
            scores::check(&scores::Subject::new(plugin, info, terms.device)?, tell);
            Ok(())
        }
    }
}
