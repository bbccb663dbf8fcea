//! The studies embedded in osee, for a first look and for user plugins: one of
//! NAS-Bench-201 itself, whose table is fetched, and one of handwritten digits, which
//! needs no file and trains supernets as well.

use crate::{catalog::TruthSource, loader::Registry};
use osee_core::study::{EstimatorChoice, Study, StudyError, TableSource, TruthChoice};
use osee_model::{data_source::DataSource, estimator::EstimatorKind};
use std::{collections::HashSet, path::Path};

/// The value of `like` in a study for the first board whose table is available.
pub const DEFAULT: &str = "default";

/// A study embedded in osee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// Name of the board, as `like` has it.
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
    /// Finds a board by name.
    ///
    /// # Errors
    /// If there is no board of this name.
    pub fn named(name: &str) -> Result<Self, StudyError> {
        [ANALOG, DIGITS].into_iter().find(|board| board.name == name).ok_or_else(|| {
            StudyError::Invalid(format!(
                "`like` of a study is {DEFAULT}, {} or {}, not `{name}`",
                ANALOG.name, DIGITS.name
            ))
        })
    }

    /// Parses its study.
    pub fn study(self) -> Study {
        Study::parse(Path::new(self.name), self.text).expect("it is ours, and a test reads it")
    }

    /// The truth of its study.
    fn truth(self) -> TruthChoice {
        self.study().truth.expect("a board is judged")
    }

    /// True if its table is available.
    pub fn can_be_had(self) -> bool {
        TruthSource::find(&self.truth(), "").is_ok()
    }

    /// True if `table` is the table of its truth, whatever the column.
    fn is_judged_by(self, table: &TableSource) -> bool {
        match (self.truth().table, table) {
            (TableSource::DataSet { name: own, .. }, TableSource::DataSet { name, .. }) => {
                own == *name
            }
            (own, table) => own == *table,
        }
    }

    /// True if what is named belongs to this board and tells it from a study without a
    /// board. A space alone does not, since it has other networks; neither does noise.
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

    /// Fills in the fields of `study` that its file, which has `fields`, leaves out.
    pub fn complete(self, study: &mut Study, fields: &HashSet<String>) {
        let own = self.study();
        macro_rules! complete {
            ($($field:ident)*) => {
                $(if !fields.contains(stringify!($field)) {
                    study.$field = own.$field;
                })*
            };
        }
        complete!(name seeds data space architectures protocol training truth estimators);
    }
}

/// Name of the first estimator that needs a supernet, among those of the study and of
/// user plugins.
pub fn trained<'a>(study: &'a Study, registry: &'a Registry) -> Option<&'a str> {
    let one_shot = |id: &str| {
        registry.estimator(id).is_ok_and(|(_, info)| info.kind == EstimatorKind::OneShot)
    };
    let asked = study.estimators.iter().find(|it| !it.is_many() && one_shot(&it.id));
    let all = study.estimators.is_empty() || study.estimators.iter().any(EstimatorChoice::is_many);
    let exports = registry.user_plugins().iter().flat_map(|plugin| &plugin.exports);
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
