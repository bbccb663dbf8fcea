//! A table of scores and its truth, as `criteria`, `report` and `analyze` take them.

use super::{
    CliError,
    leaderboard::TruthArgs,
    lists::{rows_of, usage},
    plugin_args::PluginArgs,
};
use crate::{
    analysis::{MaterialError, Tables},
    catalog::TruthSource,
    loader::Space,
};
use osee_core::study::{TableSource, TruthChoice};
use std::path::Path;

/// The arguments about both tables.
pub struct ScoreTables<'a> {
    /// The table of scores.
    pub scores: &'a Path,
    /// Its key column; that of the space if absent.
    pub key: Option<&'a String>,
    /// See [`Tables::columns`].
    pub columns: &'a [String],
    /// See [`Tables::negate`].
    pub negate: &'a [String],
    /// Id of the search space.
    pub space: Option<&'a String>,
    /// The truth's table.
    pub truth: &'a TruthArgs,
    /// See [`Tables::seed_columns`].
    pub seed_columns: &'a [String],
    /// Plugins that may have the space.
    pub plugins: &'a PluginArgs,
}

impl ScoreTables<'_> {
    /// Joins the tables with `join`, which gets the space if one is named.
    pub fn join<T>(
        &self,
        join: fn(&Tables<'_>, Option<&Space<'_>>) -> Result<T, MaterialError>,
    ) -> Result<T, CliError> {
        let asked = self.truth;
        let table = asked.truth.as_ref().ok_or_else(|| {
            usage(
                "--scores needs --truth FILE, the table with the accuracy, which may be the same file",
            )
        })?;
        let choice = TruthChoice {
            key: asked.truth_key.clone(),
            column: asked.truth_column.clone(),
            duplicates: asked.duplicates.map(Into::into),
            isomorphic: asked.truth_isomorphic,
            ..TruthChoice::plain(TableSource::of(table))
        };
        let truth = TruthSource::find(&choice, "")?;
        if truth.column.is_none() && self.space.is_none() {
            return Err(usage(
                "--truth-column says which column is the accuracy; with --space it is the space's own",
            ));
        }
        if asked.truth_isomorphic && self.space.is_none() {
            return Err(usage("--truth-isomorphic needs --space, which says what is isomorphic"));
        }
        self.plugins.needs_space(self.space.is_some())?;
        rows_of(&asked.filter)?;
        let registry = self.space.map(|_| self.plugins.registry()).transpose()?;
        let space = registry.as_ref().zip(self.space);
        let space = space.map(|(registry, id)| registry.space(id)).transpose()?;
        let key = self.key.or(space.as_ref().map(|space| &space.info.truth.key));
        let key =
            key.ok_or_else(|| usage("--key says which column of the scores is the architecture"))?;
        let tables = Tables {
            scores: self.scores,
            key,
            columns: self.columns,
            negate: self.negate,
            truth: &truth,
            filters: &asked.filter,
            seed_columns: self.seed_columns,
        };
        Ok(join(&tables, space.as_ref())?)
    }
}
