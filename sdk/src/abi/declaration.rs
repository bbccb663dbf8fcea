//! What exports say of themselves, looked at where it arrives.

use super::answer::{self, Call, DECLARED, NAME, WORDS, shown};
use crate::{ExportInfo, Result};
use osee_model::{
    estimator::{EstimatorInfo, EstimatorKind},
    settings::{SettingSpec, Value},
    space::SpaceInfo,
};
use std::collections::HashSet;

/// Most bytes of the name of an export: it is part of folder names.
const ID: usize = 64;
/// What studies write for all estimators.
const ALL: &str = "all";

/// Whether the list of a library's exports can be read: how many, and their
/// names. What else is wrong with one of them keeps only that one from use.
pub(super) fn list(call: Call<'_>, exports: &[ExportInfo]) -> Result<()> {
    call.at_most(exports.len(), DECLARED, "exports")?;
    let mut seen = HashSet::new();
    for export in exports {
        let id = export.id();
        id_is_sound(call, id)?;
        if !seen.insert(id) {
            return Err(call.wrong(format!("two exports called `{id}`"), "one"));
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

/// Whether one export's declaration makes sense.
///
/// # Errors
/// What does not.
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
    let mut seen = HashSet::new();
    for SettingSpec { key, default, help, in_supernet, .. } in specs {
        call.is_name(key, "a setting called")?;
        if key.contains('=') {
            return Err(call.wrong(format!("a setting called `{key}`"), "no `=` in it"));
        }
        if !seen.insert(key) {
            return Err(call.wrong(format!("setting `{key}` twice"), "each setting once"));
        }
        words(call, help, "help")?;
        for value in [Some(default), in_supernet.as_ref()].into_iter().flatten() {
            let got = |what: String| format!("setting `{key}` with the default {what}");
            match value {
                Value::Float(number) if !number.is_finite() => {
                    return Err(call.wrong(got(number.to_string()), "a finite number"));
                }
                Value::Text(text) if text.len() > WORDS => {
                    return Err(call.wrong(got(shown(text)), format!("at most {WORDS} bytes")));
                }
                _ => {}
            }
        }
        let same = |other: &Value| std::mem::discriminant(other) == std::mem::discriminant(default);
        if in_supernet.as_ref().is_some_and(|value| !same(value)) {
            let got = format!("setting `{key}` with another kind of value in supernets");
            return Err(call.wrong(got, "the kind of its default"));
        }
    }
    Ok(())
}

/// Whether what was made is of the kind that was declared.
pub(super) fn kind(call: Call<'_>, export: &ExportInfo, made: Option<EstimatorKind>) -> Result<()> {
    let name = |kind: Option<EstimatorKind>| match kind {
        Some(kind) => format!("a {kind} estimator"),
        None => "a search space".to_owned(),
    };
    let declared = match export {
        ExportInfo::Estimator(info) => Some(info.kind),
        ExportInfo::Space(_) => None,
    };
    match declared == made {
        true => Ok(()),
        false => Err(call.wrong(name(made), format!("{}, as its info says", name(declared)))),
    }
}

const _: () = assert!(ID <= NAME && NAME < answer::ARCHITECTURE);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::answer::Origin;
    use osee_model::space::TruthColumns;

    fn with(specs: Vec<SettingSpec>) -> ExportInfo {
        let info = EstimatorInfo::new("mine", "1", EstimatorKind::Baseline);
        ExportInfo::Estimator(EstimatorInfo { settings: specs, ..info })
    }

    fn refusal(export: &ExportInfo) -> String {
        let origin = Origin::of_export("mine");
        check(origin.call("info"), export).unwrap_err().to_string()
    }

    #[test]
    fn a_setting_is_declared_once_with_a_usable_default() {
        let twice = [1, 2].map(|n| SettingSpec::new("depth", n, ""));
        let twice = refusal(&with(twice.to_vec()));
        assert!(twice.ends_with("info gave setting `depth` twice, expected each setting once"));
        let nan = refusal(&with(vec![SettingSpec::new("eps", f64::NAN, "")]));
        assert!(nan.contains("the default NaN, expected a finite number"), "{nan}");
        let mixed = SettingSpec::new("width", 1, "").in_supernet("wide");
        assert!(refusal(&with(vec![mixed])).contains("another kind of value"));
        let assigned = refusal(&with(vec![SettingSpec::new("a=b", 1, "")]));
        assert!(assigned.contains("no `=` in it"), "{assigned}");
        let many = (0..1001).map(|n| SettingSpec::new(&format!("s{n}"), 1, "")).collect();
        assert!(refusal(&with(many)).contains("1001 settings, expected at most 1000"));
    }

    #[test]
    fn names_that_would_leave_their_folder_or_mean_all_are_refused() {
        let origin = Origin::of_export("library");
        let export =
            |id: &str| ExportInfo::Estimator(EstimatorInfo::new(id, "1", EstimatorKind::Baseline));
        for id in ["", "../up", "a/b", "a b", "all", ".hidden", &"x".repeat(65)] {
            assert!(list(origin.call("exports"), &[export(id)]).is_err(), "{id}");
        }
        let two = list(origin.call("exports"), &[export("a"), export("a")]).unwrap_err();
        assert!(two.to_string().contains("two exports called `a`, expected one"), "{two}");
        assert!(list(origin.call("exports"), &[export("nb101-1shot1"), export("b_2.0")]).is_ok());
    }

    #[test]
    fn a_space_has_a_size_an_example_and_named_columns() {
        let sound = SpaceInfo {
            id: "mine".to_owned(),
            version: "1".to_owned(),
            summary: String::new(),
            citation: String::new(),
            example: "3-1-5".to_owned(),
            size: Some(u64::MAX),
            settings: Vec::new(),
            truth: TruthColumns::new("arch", "acc").on("cifar100", "acc100"),
        };
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
