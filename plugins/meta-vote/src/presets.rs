//! Published combinations: fixed members under one rule.
//!
//! The host gives every member so that higher is better, whatever its direction. So no
//! member has a sign here: the condition number of the neural tangent kernel, of which
//! low values are good, declares that itself.

use crate::{Combine, Rule};
use osee_sdk::prelude::*;

/// Defines a meta estimator without settings for each published combination.
macro_rules! presets {
    ($($(#[$about:meta])* $name:ident($id:literal, $group:ident, $rule:ident, $members:expr, $summary:literal,
       $citation:literal);)+) => {$(
        $(#[$about])*
        pub struct $name(Combine);

        impl Meta for $name {
            fn info() -> EstimatorInfo {
                EstimatorInfo::new($id, "1")
                    .group(Group::$group)
                    .summary($summary)
                    .citation($citation)
            }

            fn new(_: &Settings) -> Result<Self> {
                Ok(Self(Combine::of(&$members, Rule::$rule)))
            }

            fn needs(&self) -> Vec<String> {
                self.0.needs()
            }

            fn scores(&self, population: &Population) -> Result<Vec<f64>> {
                self.0.scores(population)
            }
        }
    )+};
}

presets! {
    /// AZ-NAS: expressivity, progressivity and trainability of features, and FLOPs, by
    /// the sum of ln(rank / M) over the population.
    AzNas(
        "az_nas", Fast, LogRank, ["az_expressivity", "az_progressivity", "az_trainability", "flops"],
        "log-rank of az_expressivity, az_progressivity, az_trainability and flops",
        "Lee & Ham, AZ-NAS, CVPR 2024"
    );
    /// TE-NAS: the sum of the ranks of the condition number of the neural tangent kernel,
    /// low ones best, and of the number of linear regions.
    TeNas(
        "te_nas", Slow, RankSum, ["ntk_cond", "linear_regions"],
        "rank-sum of ntk_cond, low ones best, and linear_regions",
        "Chen et al., Neural Architecture Search on ImageNet in Four GPU Hours, ICLR 2021"
    );
    /// FreeREA: relu_logdet, logsynflow and the length of skips, each divided by its
    /// largest absolute value in the population.
    FreeRea(
        "freerea", Fast, MaxNorm, ["relu_logdet", "logsynflow", "skip_distance"],
        "max-norm of relu_logdet, logsynflow and skip_distance",
        "Cavagnero et al., FreeREA, WACV 2023"
    );
    /// VKDNW's aggregate: its single score with jacob_cov, two parts of AZ-NAS and FLOPs,
    /// by the sum of ln(rank / M) over the population.
    VkdnwAgg(
        "vkdnw_agg", Slow, LogRank,
        ["vkdnw", "jacob_cov", "az_expressivity", "az_trainability", "flops"],
        "log-rank of vkdnw, jacob_cov, az_expressivity, az_trainability and flops",
        "Tybl & Neumann, Training-free Neural Architecture Search through Variance of Knowledge of \
         Deep Network Weights, CVPR 2025"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a preset against `combine` with the same members, given by their names.
    fn is_combine<P: Meta>(id: &str, rule: &str, members: &str) {
        let preset = P::new(&P::info().defaults()).unwrap();
        let names: Vec<&str> = members.split(',').collect();
        let info = P::info();
        assert_eq!(
            (info.id.as_str(), preset.needs()),
            (id, names.iter().map(|it| (*it).to_owned()).collect())
        );
        assert!(info.summary.starts_with(rule) && info.settings.is_empty());
        let count = 7;
        let score = |expert: usize, at: usize| match (5 * at + 3 * expert) % count {
            6 => f64::NAN,
            score => score as f64,
        };
        let population = Population {
            architectures: (0..count).map(|at| at.to_string()).collect(),
            // The study has other rows too, in another order.
            estimators: ["other"]
                .iter()
                .chain(names.iter().rev())
                .map(|it| (*it).to_owned())
                .collect(),
            columns: (0..=names.len())
                .map(|e| (0..count).map(|at| score(e, at)).collect())
                .collect(),
            seed: 0,
        };
        let given = [("members", members), ("rule", rule)];
        let given = given.map(|(key, value)| (key.to_owned(), Value::from(value))).into();
        let settings = Settings::resolve("combine", &Combine::info().settings, &given).unwrap();
        let wanted = Combine::new(&settings).unwrap().scores(&population).unwrap();
        let own = preset.scores(&population).unwrap();
        assert!(own.iter().zip(&wanted).all(|(a, b)| a.to_bits() == b.to_bits()), "{id}");
        assert!(own.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn each_preset_is_combine_with_its_members_and_rule() {
        is_combine::<AzNas>(
            "az_nas",
            "log-rank",
            "az_expressivity,az_progressivity,az_trainability,flops",
        );
        is_combine::<TeNas>("te_nas", "rank-sum", "ntk_cond,linear_regions");
        is_combine::<FreeRea>("freerea", "max-norm", "relu_logdet,logsynflow,skip_distance");
        is_combine::<VkdnwAgg>(
            "vkdnw_agg",
            "log-rank",
            "vkdnw,jacob_cov,az_expressivity,az_trainability,flops",
        );
    }
}
