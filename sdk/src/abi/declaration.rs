//! Checks of what exports declare, made where the declarations arrive.

use super::answer::{self, Call, DECLARED, NAME, WORDS, shown};
use crate::{ExportInfo, Result};
use osee_model::{
    estimator::EstimatorInfo,
    settings::{SettingSpec, Value},
    space::SpaceInfo,
};
use std::collections::HashMap;

/// Most bytes of the name of an export: it is part of folder names.
const ID: usize = 64;
/// Studies write this for "all estimators", so no export may be called so.
const ALL: &str = "all";

/// Checks a library's list of exports: how many there are, and their names. Any other
/// fault of an export disables only that export.
pub(super) fn list(call: Call<'_>, exports: &[ExportInfo]) -> Result<()> {
    call.at_most(exports.len(), DECLARED, "exports")?;
    let mut seen = HashMap::new();
    for export in exports {
        let (id, kind) = (export.id(), export.kind());
        id_is_sound(call, id)?;
        if let Some(other) = seen.insert((kind.family(), id), kind) {
            let got = match other == kind {
                true => format!("two {kind}s called `{id}`"),
                false => format!("a {other} and a {kind} called `{id}`"),
            };
            return Err(call.wrong(got, format!("another id for each {}", kind.family())));
        }
    }
    Ok(())
}

fn id_is_sound(call: Call<'_>, id: &str) -> Result<()> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let starts = id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if id.len() > ID || !starts || !id.chars().all(known) {
        return Err(call.wrong(
            format!("an export called {}", shown(id)),
            format!("letters, digits, `_`, `-` and `.`, a letter or digit first, at most {ID}"),
        ));
    }
    if id == ALL {
        return Err(call.wrong("an export called `all`", "another name: studies mean all by it"));
    }
    Ok(())
}

/// Checks one export's declaration.
///
/// # Errors
/// The first thing in it that cannot be used.
pub(super) fn check(call: Call<'_>, export: &ExportInfo) -> Result<()> {
    match export {
        ExportInfo::Estimator(info) => estimator(call, info),
        ExportInfo::Space(info) => space(call, info),
    }
}

fn estimator(call: Call<'_>, info: &EstimatorInfo) -> Result<()> {
    call.is_name(&info.version, "the version")?;
    words(call, &info.summary, "a summary")?;
    words(call, &info.citation, "a citation")?;
    settings(call, &info.settings)
}

fn space(call: Call<'_>, info: &SpaceInfo) -> Result<()> {
    call.is_name(&info.version, "the version")?;
    words(call, &info.summary, "a summary")?;
    words(call, &info.citation, "a citation")?;
    call.is_architecture(&info.example)?;
    if info.size == Some(0) {
        return Err(call.wrong("a size of 0", "a number of architectures, or none"));
    }
    let truth = &info.truth;
    let columns =
        [Some(&truth.key), Some(&truth.value), truth.params.as_ref(), truth.flops.as_ref()];
    call.at_most(truth.by_data.len(), DECLARED, "columns of truth")?;
    let by_data = truth.by_data.iter().flat_map(|(data, column)| [data, column]);
    for column in columns.into_iter().flatten().chain(by_data) {
        call.is_name(column, "the column")?;
    }
    settings(call, &info.settings)
}

fn words(call: Call<'_>, text: &str, what: &str) -> Result<()> {
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    match text.len() > WORDS || text.chars().any(control) {
        true => Err(call.wrong(
            format!("{what} {}", shown(text)),
            format!("at most {WORDS} bytes of plain text"),
        )),
        false => Ok(()),
    }
}

fn settings(call: Call<'_>, specs: &[SettingSpec]) -> Result<()> {
    call.at_most(specs.len(), DECLARED, "settings")?;
    for (at, spec) in specs.iter().enumerate() {
        let key = &spec.key;
        call.is_name(key, "a setting called")?;
        if key.contains('=') {
            return Err(call.wrong(format!("a setting called `{key}`"), "no `=` in it"));
        }
        if specs[..at].iter().any(|other| other.key == *key) {
            return Err(call.wrong(format!("setting `{key}` twice"), "each setting once"));
        }
        words(call, &spec.help, "help")?;
        constraints(call, spec)?;
        for value in [Some(&spec.default), spec.in_supernet.as_ref()].into_iter().flatten() {
            default(call, spec, value)?;
        }
    }
    Ok(())
}

/// Checks that a default is usable and keeps the setting's own constraints.
fn default(call: Call<'_>, spec: &SettingSpec, value: &Value) -> Result<()> {
    let wrong = |what: String, expected: String| {
        Err(call.wrong(format!("setting `{}` with the default {what}", spec.key), expected))
    };
    match value {
        Value::Float(number) if !number.is_finite() => {
            return wrong(number.to_string(), "a finite number".to_owned());
        }
        Value::Text(text) if text.len() > WORDS => {
            return wrong(shown(text), format!("at most {WORDS} bytes"));
        }
        _ => {}
    }
    if std::mem::discriminant(value) != std::mem::discriminant(&spec.default) {
        let got = format!("setting `{}` with another kind of value in supernets", spec.key);
        return Err(call.wrong(got, "the kind of its default"));
    }
    match spec.allows(value) {
        true => Ok(()),
        false => wrong(shown(&value.to_string()), spec.allowed().unwrap_or_default()),
    }
}

/// Checks that a setting's constraints suit its kind of value.
fn constraints(call: Call<'_>, spec: &SettingSpec) -> Result<()> {
    call.at_most(spec.constraints.len(), DECLARED, "constraints of a setting")?;
    for constraint in &spec.constraints {
        let vocabulary = constraint.vocabulary();
        call.at_most(vocabulary.len(), DECLARED, "choices of a setting")?;
        vocabulary.iter().try_for_each(|word| call.is_name(word, "the choice"))?;
        if !constraint.suits(&spec.default) {
            let got =
                format!("setting `{}`, {}, that is {constraint}", spec.key, spec.default.kind());
            return Err(call.wrong(got, "a constraint of values of its kind"));
        }
    }
    Ok(())
}

const _: () = assert!(ID <= NAME && NAME < answer::ARCHITECTURE);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::answer::Origin;
    use osee_model::{estimator::EstimatorKind, space::TruthColumns};
    use std::path::Path;

    fn named(id: &str) -> ExportInfo {
        ExportInfo::Estimator(EstimatorInfo::new(id, "1"))
    }

    fn with(specs: impl IntoIterator<Item = SettingSpec>) -> ExportInfo {
        ExportInfo::Estimator(EstimatorInfo::new("mine", "1").settings(specs))
    }

    fn refusal(export: &ExportInfo) -> String {
        let origin = Origin::of_export("mine");
        check(origin.call("info"), export).unwrap_err().to_string()
    }

    #[test]
    fn a_setting_is_declared_once_with_a_usable_default() {
        let twice = [1, 2].map(|n| SettingSpec::new("depth", n, ""));
        let twice = refusal(&with(twice));
        assert!(twice.ends_with("info gave setting `depth` twice, expected each setting once"));
        let nan = refusal(&with([SettingSpec::new("eps", f64::NAN, "")]));
        assert!(nan.contains("the default NaN, expected a finite number"), "{nan}");
        let mixed = SettingSpec::new("width", 1, "").in_supernet("wide");
        assert!(refusal(&with([mixed])).contains("another kind of value"));
        let assigned = refusal(&with([SettingSpec::new("a=b", 1, "")]));
        assert!(assigned.contains("no `=` in it"), "{assigned}");
        let many = (0..1001).map(|n| SettingSpec::new(&format!("s{n}"), 1, ""));
        assert!(refusal(&with(many)).contains("1001 settings, expected at most 1000"));
    }

    #[test]
    fn a_default_keeps_the_constraints_and_they_are_about_its_kind() {
        let sampler = || SettingSpec::new("sampler", "deiso", "").one_of(["uniform", "deiso"]);
        assert!(check(Origin::of_export("mine").call("info"), &with([sampler()])).is_ok());
        for (wrong, part) in [
            (
                SettingSpec::new("cells", 0, "").at_least(1),
                "setting `cells` with the default \"0\", expected at least 1",
            ),
            (sampler().in_supernet("fair"), "the default \"fair\", expected uniform or deiso"),
            (
                SettingSpec::new("cells", 5, "").one_of(["five"]),
                "setting `cells`, a whole number, that is five",
            ),
            (
                SettingSpec::new("sampler", "a", "").at_least(1),
                "a constraint of values of its kind",
            ),
        ] {
            let said = refusal(&with([wrong]));
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn names_that_would_leave_their_folder_or_mean_all_are_refused() {
        let origin = Origin::of_export("library");
        for id in ["", "../up", "a/b", "a b", "all", ".hidden", &"x".repeat(65)] {
            assert!(list(origin.call("exports"), &[named(id)]).is_err(), "{id}");
        }
        assert!(list(origin.call("exports"), &[named("nb101-1shot1"), named("b_2.0")]).is_ok());
    }

    #[test]
    fn an_id_is_given_to_one_estimator_and_to_one_space() {
        let origin = Origin::of_library(Path::new("/plugins/libmine.so"), "*");
        let baseline = EstimatorInfo::new("a", "1").of_kind(EstimatorKind::Baseline);
        let both = [named("a"), ExportInfo::Estimator(baseline)];
        let said = list(origin.call("info"), &both).unwrap_err().to_string();
        assert_eq!(
            said,
            "plugin libmine.so, export `*`: info gave a zero-shot estimator and a baseline \
             estimator called `a`, expected another id for each estimator"
        );
        let space = ExportInfo::Space(SpaceInfo::new("a", "1"));
        assert!(list(origin.call("info"), &[named("a"), space.clone()]).is_ok());
        assert!(list(origin.call("info"), &[space.clone(), space]).is_err());
    }

    #[test]
    fn a_space_has_a_size_an_example_and_named_columns() {
        let sound = SpaceInfo::new("mine", "1")
            .example("3-1-5")
            .size(u64::MAX)
            .truth(TruthColumns::new("arch", "acc").on("cifar100", "acc100"));
        let origin = Origin::of_export("mine");
        assert!(check(origin.call("info"), &ExportInfo::Space(sound.clone())).is_ok());
        let refused = |change: fn(&mut SpaceInfo)| {
            let mut info = sound.clone();
            change(&mut info);
            refusal(&ExportInfo::Space(info))
        };
        assert!(refused(|it| it.size = Some(0)).contains("a size of 0"));
        assert!(refused(|it| it.example.clear()).contains("the architecture \"\""));
        assert!(refused(|it| it.truth.value.clear()).contains("the column \"\""));
        assert!(refused(|it| it.summary = "x".repeat(5000)).contains("of 5000 bytes"));
    }
}
