//! The studies that are part of osee, for a first look and for estimators of
//! one's own: a board of NAS-Bench-201 itself, whose table is fetched, and one of
//! handwritten digits, which needs no file and trains supernets as well.

use crate::{catalog::TruthSource, loader::Registry};
use osee_core::study::{Study, StudyError, TableSource, TruthChoice};
use osee_model::{data_source::DataSource, estimator::EstimatorKind};
use std::{collections::HashSet, path::Path};

/// What `like` of a study says for the first of the boards that can be had.
pub const DEFAULT: &str = "default";

/// A study that is part of osee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// Its name.
    pub name: &'static str,
    text: &'static str,
}

/// NAS-Bench-201 networks of full size on noise, judged by AnalogNAS-Bench.
pub const ANALOG: Board =
    Board { name: "nb201-analog", text: include_str!("../../../studies/nb201-analog.toml") };

/// Half the width of NAS-Bench-201 on handwritten digits.
pub const DIGITS: Board =
    Board { name: "digits", text: include_str!("../../../studies/digits.toml") };

impl Board {
    /// The board of this name.
    ///
    /// # Errors
    /// Another name.
    pub fn named(name: &str) -> Result<Self, StudyError> {
        [ANALOG, DIGITS].into_iter().find(|board| board.name == name).ok_or_else(|| {
            StudyError::Invalid(format!(
                "`like` of a study is {DEFAULT}, {} or {}, not `{name}`",
                ANALOG.name, DIGITS.name
            ))
        })
    }

    /// Its study.
    pub fn study(self) -> Study {
        Study::parse(Path::new(self.name), self.text).expect("it is ours, and a test reads it")
    }

    /// What judges it.
    fn truth(self) -> TruthChoice {
        self.study().truth.expect("a board is judged")
    }

    /// Whether its table is here.
    pub fn can_be_had(self) -> bool {
        TruthSource::find(&self.truth(), "").is_ok()
    }

    /// Whether its truth, in whatever column, is asked for by `table`.
    fn is_judged_by(self, table: &TableSource) -> bool {
        match (self.truth().table, table) {
            (TableSource::DataSet { name: own, .. }, TableSource::DataSet { name, .. }) => {
                own == *name
            }
            (own, table) => own == *table,
        }
    }

    /// Whether what is named is its own, and tells it from a study without a
    /// board. A space alone does not, for it has other networks; nor does noise.
    pub fn is_meant_by(
        self,
        space: Option<&String>,
        data: Option<&DataSource>,
        truth: Option<&TableSource>,
    ) -> bool {
        let own = self.study();
        let tells = truth.is_some() || data.is_some_and(|data| *data != DataSource::noise());
        tells
            && space.is_none_or(|space| *space == own.space.id)
            && data.is_none_or(|data| *data == own.data)
            && truth.is_none_or(|truth| self.is_judged_by(truth))
    }

    /// Gives `study` what its file, which has `fields`, does not say.
    pub fn complete(self, study: &mut Study, fields: &HashSet<String>) {
        let own = self.study();
        let absent = |field: &str| !fields.contains(field);
        if absent("name") {
            study.name = own.name;
        }
        if absent("seeds") {
            study.seeds = own.seeds;
        }
        if absent("data") {
            study.data = own.data;
        }
        if absent("space") {
            study.space = own.space;
        }
        if absent("architectures") {
            study.architectures = own.architectures;
        }
        if absent("protocol") {
            study.protocol = own.protocol;
        }
        if absent("training") {
            study.training = own.training;
        }
        if absent("truth") {
            study.truth = own.truth;
        }
        if absent("estimators") {
            study.estimators = own.estimators;
        }
    }
}

/// An estimator that the study asks for, or that is in a user plugin, which needs a
/// supernet, by its name.
pub fn trained<'a>(study: &'a Study, registry: &'a Registry) -> Option<&'a str> {
    let one_shot = |id: &str| {
        registry.estimator(id).is_ok_and(|(_, info)| info.kind == EstimatorKind::OneShot)
    };
    let asked = study.estimators.iter().find(|it| it.id != "all" && one_shot(&it.id));
    let all = study.estimators.is_empty() || study.estimators.iter().any(|it| it.id == "all");
    let exports = registry.given().iter().flat_map(|plugin| &plugin.exports);
    let of_user = exports.map(|export| export.id()).find(|id| all && one_shot(id));
    asked.map(|it| it.name()).or(of_user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_core::study::Seeds;

    #[test]
    fn boards_are_whole_and_have_run_directories_of_their_own() {
        for board in [ANALOG, DIGITS] {
            let study = board.study();
            study.check().unwrap();
            assert_eq!(study.name, board.name);
            assert_eq!(Board::named(board.name).unwrap(), board);
            let mut other = Study::default();
            board.complete(&mut other, &HashSet::new());
            assert_eq!(other, study);
            let one = Seeds::one(7);
            let mut seeds = Study { seeds: one.clone(), ..Study::default() };
            board.complete(&mut seeds, &HashSet::from(["seeds".to_owned()]));
            assert_eq!(seeds, Study { seeds: one, ..study });
        }
        let error = Board::named("digit").unwrap_err().to_string();
        assert!(error.contains("default, nb201-analog or digits"), "{error}");
        assert!(DIGITS.can_be_had());
    }

    #[test]
    fn a_board_is_meant_by_its_images_and_by_its_truth() {
        let meant = |board: Board, space: &str, data: &str, truth: &str| {
            let given = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
            let truth = given(truth).map(TableSource::from);
            let data = given(data).map(DataSource::from);
            board.is_meant_by(given(space).as_ref(), data.as_ref(), truth.as_ref())
        };
        assert!(meant(DIGITS, "", "digits", ""));
        assert!(meant(DIGITS, "nb201", "", "embedded:nb201-digits"));
        assert!(meant(ANALOG, "", "noise", "nb201-analog:ptq"));
        assert!(!meant(ANALOG, "", "noise", ""));
        assert!(!meant(ANALOG, "nb201", "", ""));
        assert!(!meant(ANALOG, "", "digits", "nb201-analog"));
        assert!(!meant(ANALOG, "nb101", "", "nb201-analog"));
        assert!(!meant(DIGITS, "", "digits", "embedded:other"));
        assert!(!meant(DIGITS, "", "", ""));
    }
}
