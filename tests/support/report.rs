//! A report with made-up values, as large as a real one gets.
#![allow(dead_code, reason = "every test uses its own part")]

use osee_report::{
    figure::{
        Axis, Bars, Drawing, Drawings, Estimate, Figure, HeatMap, Histogram, Intervals, Lines,
        Scatter, Value,
    },
    html::{Absent, Cell, Column, Explorer, Page, Scores, Section, Table},
};

/// Numbers that look random but are the same every time (splitmix64).
pub struct Noise(u64);

impl Noise {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An approximately normal number with mean 0 and deviation 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

pub const ARCHITECTURES: usize = 15_625;
pub const ESTIMATORS: [&str; 12] = [
    "vote",
    "relu_logdet",
    "flops",
    "params",
    "synflow",
    "jacob_cov",
    "snip",
    "grad_norm",
    "grasp",
    "fisher",
    "mine-with-a-name-that-somebody-thought-describes-every-one-of-its-settings-at-once",
    "constant",
];
const OPS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
const WORTH: [f64; 5] = [-1.6, 0.2, 0.7, 1.0, -0.4];
const EDGES: [[usize; 2]; 6] = [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]];

fn ops(index: usize) -> [usize; 6] {
    std::array::from_fn(|at| index / 5_usize.pow(at as u32) % 5)
}

fn spelt(index: usize) -> String {
    let ops = ops(index).map(|op| OPS[op]);
    format!("|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|", ops[0], ops[1], ops[2], ops[3], ops[4], ops[5])
}

/// The drawing of a cell: a box per sum and per operation that does something.
pub fn cell(index: usize) -> Drawing {
    let mut labels = vec!["input", "sum 1", "sum 2", "output"];
    let mut edges = Vec::new();
    for ([from, to], op) in EDGES.into_iter().zip(ops(index)) {
        if op > 0 {
            labels.push(OPS[op]);
            edges.extend([[from, labels.len() - 1], [labels.len() - 1, to]]);
        }
    }
    Drawing::layered(&labels, &edges)
}

/// A page of 15,625 architectures under 12 estimators.
pub fn page() -> Page {
    let mut noise = Noise(1);
    let worth = |index| ops(index).into_iter().map(|op| WORTH[op]).sum::<f64>();
    let truth: Vec<f64> = (0..ARCHITECTURES)
        .map(|at| {
            let error = 9.0 * (-worth(at) - 1.0).exp().min(7.0) + 6.0 + 0.8 * noise.normal();
            ((100.0 - error) * 100.0).round() / 100.0
        })
        .collect();
    let scores = ESTIMATORS.iter().enumerate().map(|(e, name)| {
        let values = (0..ARCHITECTURES).map(|at| match *name {
            "constant" => 1.0,
            "params" | "flops" => {
                ops(at).into_iter().map(|op| f64::from([0, 0, 1, 9, 0][op])).sum()
            }
            "synflow" => (90.0 + 4.0 * worth(at) + 3.0 * noise.normal()).exp(),
            "jacob_cov" if noise.next() < 0.01 => f64::NAN,
            _ => worth(at) + 0.4 * e as f64 * noise.normal(),
        });
        let lower_is_better = *name == "fisher";
        let values = values.map(|it| if lower_is_better { -it } else { it }).collect();
        Scores { name: (*name).to_owned(), values, lower_is_better }
    });
    Page {
        title: "NAS-Bench-201, made up".to_owned(),
        lead: "How well 12 estimators rank 15,625 architectures. No number here was measured: \
               the page is as large as a real one, to be looked at."
            .to_owned(),
        basis: [
            ("Search space", "nb201"),
            ("Architectures", "15,625"),
            ("Seeds", "20, 2020"),
            ("Protocol", "paper, 1 x 64 images"),
            ("Data", "cifar10:6952d85dd6bccf19"),
            ("Truth", "c10_test_hp200_v10 of nb201_gt.csv.gz"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        leaderboard: Some(leaderboard()),
        explorer: Some(Explorer {
            truth_label: "test accuracy (%)".to_owned(),
            architectures: (0..ARCHITECTURES).map(spelt).collect(),
            scores: scores.collect(),
            truth,
            drawings: (0..ARCHITECTURES).map(cell).collect(),
        }),
        sections: sections(),
        absent: vec![
            Absent {
                heading: "Criteria over checkpoints".to_owned(),
                reason: "The study trains no supernet, so there are no checkpoints.".to_owned(),
                add: "[[estimators]]\nid = \"supernet\"\nsettings = { sampler = \"uniform\", \
                      checkpoints = [20, 40, 60, 80, 100, 120, 140, 160, 180, 200] }"
                    .to_owned(),
            },
            Absent {
                heading: "Variance over seeds".to_owned(),
                reason: "One seed has no variance.".to_owned(),
                add: "seeds = [20, 2020, 202020]".to_owned(),
            },
        ],
    }
}

fn leaderboard() -> Table {
    let columns = vec![
        Column::number("#", "Rank by KD."),
        Column::text("Estimator", "What gave the scores."),
        Column::number(
            "KD",
            "Kendall's tau-b between scores and truth: 1 is the same order, 0 none, -1 the reverse.",
        ),
        Column::number(
            "95% interval",
            "Percentiles of KD over bootstrap samples of the architectures.",
        ),
        Column::number("Spearman", "Correlation of the ranks."),
        Column::number(
            "P@top5%",
            "Share of the predicted best 5% that truly are among the best 5%.",
        ),
        Column::number(
            "P@bot5%",
            "Share of the predicted worst 5% that truly are among the worst 5%.",
        ),
        Column::number("BR@1%", "Best true rank among the predicted best 1%, as a share of all."),
        Column::number("WR@5%", "Worst true rank among the predicted best 5%, as a share of all."),
        Column::number("failed", "Scores that are not there, over architectures and seeds."),
        Column::number("ms/arch", "Cost of one score by itself on one core."),
    ];
    let mut table = Table::new(columns);
    for (at, name) in ESTIMATORS.iter().enumerate() {
        let kd = 0.69 - 0.06 * at as f64;
        let number = |value: f64| Cell::number(&format!("{value:.3}"), value);
        let mut cells =
            vec![Cell::number(&(at + 1).to_string(), (at + 1) as f64), Cell::text(name)];
        if *name == "constant" {
            let reason = "all scores are equal, so they order nothing";
            cells.extend((0..7).map(|_| Cell::undefined(reason)));
        } else {
            let interval = format!("{:.3} to {:.3}", kd - 0.05, kd + 0.05);
            cells.extend([number(kd), Cell::number(&interval, kd - 0.05), number(kd * 1.25)]);
            cells.extend(
                [0.467, 0.733, 0.003, 0.653].map(|it| number(it * (1.0 - 0.05 * at as f64))),
            );
        }
        cells.push(Cell::number(if *name == "jacob_cov" { "151" } else { "0" }, 0.0));
        let cost =
            [404.8, 145.4, 0.2, 0.1, 17.1, 242.3, 316.1, 315.9, 775.3, 327.5, 1204.2, 0.1][at];
        cells.push(Cell::number(&format!("{cost:.1}"), cost));
        table = match name.starts_with("mine") {
            true => table.marked_row(cells, "estimators of user plugins"),
            false => table.row(cells),
        };
    }
    table
}

fn sections() -> Vec<Section> {
    vec![certainty(), training(), complexity(), agreement(), distribution(), best()]
}

fn certainty() -> Section {
    let mut chart = Intervals::new(Axis::new("KD (Kendall's tau-b)"));
    for (at, name) in ESTIMATORS.iter().enumerate().filter(|(_, name)| **name != "constant") {
        let kd = 0.69 - 0.08 * at as f64;
        let estimate = Estimate::within(kd, Some([kd - 0.045, kd + 0.04]));
        chart = chart.row(name, estimate, name.starts_with("mine"));
    }
    chart = chart.row(
        "constant",
        Value::undefined("all scores are equal, so they order nothing"),
        false,
    );
    let cost = [404.8, 145.4, 0.2, 0.1, 17.1, 242.3, 316.1, 315.9, 775.3, 327.5, 1204.2];
    let points = ESTIMATORS.iter().zip(cost).enumerate().map(|(at, (name, cost))| {
        let kd = 0.69 - 0.06 * at as f64;
        (*name, cost, Estimate::within(kd, Some([kd - 0.045, kd + 0.04])))
    });
    let (own, bundled): (Vec<_>, Vec<_>) = points.partition(|(name, ..)| name.starts_with("mine"));
    let cost = Scatter::new(
        Axis::new("Cost of one score (ms, logarithmic)").log(),
        Axis::new("KD (Kendall's tau-b)"),
    );
    Section::new("certainty", "How sure the order is, and what it costs")
        .finding("vote is ahead of relu_logdet by more than the architectures' choice explains; it costs 2.8 times as much.")
        .rests_on("15,625 architectures, seeds 20 and 2020, 1,000 bootstrap samples of architectures")
        .figure(Figure::new("kd", "KD of each estimator with its 95% interval", chart))
        .figure(
            Figure::new("cost", "Quality against cost", cost.group("bundled", bundled).group("yours", own).front())
                .note("Dashed: the Pareto front. What lies below it costs more than something better."),
        )
}

fn training() -> Section {
    let epochs = [20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0, 160.0, 180.0, 200.0];
    let mut chart = Lines::new(Axis::new("Epoch"), Axis::new("Criterion"));
    for (at, name) in ["KD", "P@top5%", "P@bottom5%", "1 - BR@1%", "Spearman"].iter().enumerate() {
        let points = epochs.map(|epoch| {
            let value = 0.85 - 0.13 * at as f64 - 0.4 * (-epoch / 70.0_f64).exp();
            let estimate =
                Estimate::within(value, (at == 0).then_some([value - 0.04, value + 0.04]));
            let empty = at == 1 && epoch == 60.0;
            (
                epoch,
                if empty {
                    Value::undefined("no architecture is in the top 5%").into()
                } else {
                    estimate
                },
            )
        });
        chart = chart.series(name, points);
    }
    let batches = Lines::new(
        Axis::new("Batches of 128 images (logarithmic)").log(),
        Axis::new("KD").range(0.0, 1.0),
    )
    .series(
        "epoch 200",
        [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|n: f64| (n, (0.3 + 0.1 * n.ln()).into())),
    )
    .series(
        "epoch 1,000",
        [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|n: f64| (n, (0.5 + 0.08 * n.ln()).into())),
    );
    Section::new("training", "Criteria while the supernet trains")
        .finding("All criteria rise with training, P@top5% the most.")
        .rests_on("1,000 architectures, 3 supernets, 10 checkpoints")
        .figure(
            Figure::new("criteria", "Criteria over checkpoints", chart)
                .note("Shaded: lowest to highest of three supernets."),
        )
        .figure(Figure::new("batches", "More validation data ranks better", batches))
}

fn complexity() -> Section {
    let groups = ["0 to 20%", "20 to 40%", "40 to 60%", "60 to 80%", "80 to 100% of FLOPs"];
    let series = ["relu_logdet", "synflow", "snip"];
    let values = |start: f64, step: f64, width: f64| {
        let of = |s: usize| {
            (0..5).map(move |g| {
                let value = start + step * g as f64 - 0.06 * s as f64 * width;
                match (s, g) {
                    (2, 0) => Value::undefined("all scores of the group are equal").into(),
                    _ => {
                        Estimate::within(value, Some([value - 0.08 * width, value + 0.07 * width]))
                    }
                }
            })
        };
        (0..3).map(|s| of(s).collect()).collect::<Vec<Vec<_>>>()
    };
    let chart = Bars::new("Complexity group", &groups, &series)
        .panel(Axis::new("KD within the group"), values(0.62, -0.11, 1.0))
        .panel(
            Axis::new("Mean rank difference (positive: overestimated)"),
            values(1800.0, -900.0, 4000.0),
        );
    Section::new("complexity", "Bias by complexity")
        .finding("Large architectures are underestimated, and harder to tell apart.")
        .rests_on("15,625 architectures in five groups of equal size by FLOPs")
        .figure(Figure::new(
            "groups",
            "KD and mean rank difference in each complexity group",
            chart,
        ))
}

fn agreement() -> Section {
    let names = ESTIMATORS;
    let cell = |r: usize, c: usize| match (names[r], names[c]) {
        ("constant", _) | (_, "constant") => Value::undefined("all scores of constant are equal"),
        _ if r == c => 1.0.into(),
        _ => (0.9 - 0.17 * r.abs_diff(c) as f64 + 0.02 * ((r * c) % 5) as f64).into(),
    };
    let cells = (0..12).map(|r| (0..12).map(|c| cell(r, c)).collect()).collect();
    let small = vec![vec![0.62.into(), (-0.31).into()], vec![0.55.into(), 0.08.into()]];
    Section::new("agreement", "Which estimators agree")
        .finding("snip, grad_norm and fisher are nearly one estimator.")
        .rests_on("15,625 architectures")
        .figure(Figure::new(
            "kd",
            "KD between estimators",
            HeatMap::correlations(&names, &names, cells),
        ))
        .figure(Figure::new(
            "data",
            "KD on other data",
            HeatMap::correlations(&["synflow", "plain"], &["noise", "cifar10"], small),
        ))
}

fn distribution() -> Section {
    let mut noise = Noise(7);
    let accuracy: Vec<f64> =
        (0..2000).map(|_| 62.0 + 4.0 * noise.normal()).chain([f64::NAN; 3]).collect();
    let truth: Vec<f64> = (0..2000).map(|_| 90.0 - 2.5 * noise.normal().abs().powf(1.5)).collect();
    let chart = Histogram::new(Axis::new("Accuracy (%)"))
        .series("one-shot", accuracy)
        .series("truth", truth);
    Section::new("distribution", "How scores are distributed")
        .finding("One-shot accuracies lie lower and are spread more evenly than the truth.")
        .rests_on("2,000 architectures, epoch 200")
        .figure(Figure::new("accuracy", "Accuracy of architectures", chart))
        .table(
            Table::new(vec![
                Column::text("Series", ""),
                Column::number("Mean", "Arithmetic mean."),
                Column::number("Deviation", ""),
            ])
            .row(vec![Cell::text("one-shot"), Cell::number("62.0", 62.0), Cell::number("4.0", 4.0)])
            .row(vec![
                Cell::text("truth"),
                Cell::number("87.6", 87.6),
                Cell::number("2.2", 2.2),
            ]),
        )
}

fn best() -> Section {
    let drawings = [(15_624, "relu_logdet"), (12_343, "synflow"), (9_999, "snip")];
    let drawings = drawings.into_iter().fold(Drawings::default(), |all, (index, name)| {
        all.drawing(
            name,
            &format!("truth 93.{:02} %, rank {} of 15,625", index % 100, index / 7),
            cell(index),
        )
    });
    Section::new("best", "The best architectures by each estimator")
        .finding("synflow prefers large architectures; snip those without a skip connection.")
        .rests_on("15,625 architectures, ties broken by number")
        .figure(Figure::new("cells", "Best cell by each estimator", drawings))
}
