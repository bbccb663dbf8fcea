//! The data card: what a user of a benchmark's table should know about it.

use super::{Benchmark, KERNELS};
use osee_core::{analysis::noise_ceiling, benchmark::BenchmarkTable, truth::Ties};
use osee_report::text::markdown_cell;
use serde::Serialize;

/// Writes the data card in Markdown. `processor` names the CPU that trained it.
pub fn card(benchmark: &Benchmark<'_>, table: &BenchmarkTable<'_>, processor: &str) -> String {
    let study = benchmark.study;
    let runs = table.accuracies();
    let failed = table.trainings().filter(|it| it.failure.is_some()).count();
    let facts: String = facts(table, &runs, processor)
        .into_iter()
        .map(|(name, value)| format!("| {name} | {value} |\n"))
        .collect();
    format!(
        "# {}\n\n\
         {} architectures of `{}`, each trained alone with seeds {:?}; {failed} trainings failed.\n\n\
         | | |\n|---|---|\n{facts}\n\
         The recipe:\n\n{}\n\
         Settings of the space:\n\n{}\n\
         Networks are judged with the statistics that batch normalisations see of the first \
         `validation_batch_size` training images.\n",
        markdown_cell(study.name()),
        runs.len(),
        study.space.id,
        study.seeds,
        block(&benchmark.recipe),
        block(&benchmark.space_settings),
    )
}

/// Names and values of the card's table. `runs` are test accuracies by architecture and
/// seed, as fractions.
fn facts(table: &BenchmarkTable<'_>, runs: &[Vec<f64>], processor: &str) -> Vec<(String, String)> {
    let means = runs.iter().map(|runs| runs.iter().sum::<f64>() / runs.len() as f64);
    let mut means: Vec<f64> = means.filter(|mean| mean.is_finite()).collect();
    means.sort_by(f64::total_cmp);
    let percent = |share: f64| {
        let at = (share * (means.len() as f64 - 1.0)).round() as usize;
        means.get(at).map_or_else(|| "-".to_owned(), |it| format!("{:.1}", 100.0 * it))
    };
    let [least, low, middle, high, most] = [0.0, 0.25, 0.5, 0.75, 1.0].map(percent);
    // Rounded as in the table: sums of the same numbers differ in their last bits.
    let written: Vec<f64> = means.iter().map(|mean| (1e4 * mean).round()).collect();
    let ties = Ties::of(&written);
    let seconds: f64 = table.trainings().map(|it| it.seconds).sum();
    let kernels = KERNELS.map(|(name, value)| format!("{name}={value}"));
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut facts = vec![
        fact("truth", format!("`{}`, mean over seeds", table.truth_column())),
        fact("accuracy, %", format!("least {least}, quartiles {low} {middle} {high}, most {most}")),
        fact(
            "ties of the mean",
            format!(
                "{} distinct values; {:.2}% of the pairs are tied",
                ties.distinct,
                100.0 * ties.pairs
            ),
        ),
    ];
    facts.extend(noise(runs));
    facts.extend([
        fact(
            "cost",
            format!(
                "{:.2} hours of one core; {:.2} s a training",
                seconds / 3600.0,
                seconds / table.trainings().count().max(1) as f64
            ),
        ),
        fact(
            "made by",
            format!("osee {}, libtorch {}", env!("CARGO_PKG_VERSION"), osee_sdk::LIBTORCH),
        ),
        fact("on", markdown_cell(processor)),
        fact("kernels", kernels[..3].join(", ")),
    ]);
    facts
}

/// Rows on how well seeds agree; empty if there is one seed.
fn noise(runs: &[Vec<f64>]) -> Vec<(String, String)> {
    let Ok(report) = noise_ceiling(runs) else { return Vec::new() };
    let Some(kd) = report.seed_kd else { return Vec::new() };
    let mut facts = vec![("KD between single seeds".to_owned(), format!("{kd:.3}"))];
    facts.extend(report.ceilings.last().map(|most| {
        let name =
            format!("KD that a perfect estimator would have with the mean of {}", most.seeds);
        (name, format!("{:.3}", most.ceiling_kd))
    }));
    facts
}

/// Writes plain data as a TOML code block, with the keys of a study file.
fn block(data: &impl Serialize) -> String {
    let text = toml::to_string(data).expect("it is plain data");
    let line = |line: &str| match line.split_once(" = ") {
        Some((key, value)) => format!("{} = {value}\n", key.replace('-', "_")),
        None => format!("{line}\n"),
    };
    format!("```toml\n{}```\n", text.trim().lines().map(line).collect::<String>())
}
