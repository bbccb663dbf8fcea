//! Compares the counts with those in the notation of every NAS-Bench-201 cell, and,
//! where the data is available, with what they are known to say about its accuracies.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../../tests/support/skipped.rs"]
mod skipped;

use baselines::{Conv3x3Count, ConvCount, ConvDepth, Entropy, SkipCount, SkipDistance};
use osee_core::criteria::kendall_tau_b;
use osee_sdk::{abi::kinds::space::ForeignSpace, prelude::*};
use osee_testkit::Library;
use std::collections::HashMap;

/// Cells per stage of the networks here.
const CELLS: usize = 2;
/// Channels of the three stages.
const CHANNELS: [usize; 3] = [4, 8, 16];
/// Sequences of nodes from a cell's input to its output.
const PATHS: [&[usize]; 4] = [&[0, 3], &[0, 1, 3], &[0, 2, 3], &[0, 1, 2, 3]];

fn space() -> ForeignSpace {
    Library::of_crate("space_nb201").unwrap().space("nb201").unwrap()
}

fn graph(space: &ForeignSpace, arch: &str) -> Graph {
    let sizes = [("channels", CHANNELS[0]), ("cells", CELLS), ("classes", 10), ("image_size", 32)];
    let sizes = sizes.map(|(key, size)| (key.to_owned(), Value::Int(size as i64)));
    let others = [("affine", Value::Bool(true)), ("dropout", Value::Float(0.0))];
    let others = others.map(|(key, value)| (key.to_owned(), value));
    space.graph(arch, &sizes.into_iter().chain(others).collect()).unwrap()
}

/// The operation of each edge (source, target) of a cell, read from its notation.
fn edges(arch: &str) -> HashMap<(usize, usize), &str> {
    let nodes = arch.split('+').enumerate();
    let edges = nodes.flat_map(|(at, node)| {
        node.trim_matches('|').split('|').map(move |edge| {
            let (op, from) = edge.split_once('~').unwrap();
            ((from.parse().unwrap(), at + 1), op)
        })
    });
    edges.collect()
}

/// The operations along each path of a cell on which none is `none`.
fn paths<'a>(edges: &HashMap<(usize, usize), &'a str>) -> Vec<Vec<&'a str>> {
    let path = |path: &[usize]| path.windows(2).map(|it| edges[&(it[0], it[1])]).collect();
    let all: Vec<Vec<&str>> = PATHS.into_iter().map(path).collect();
    all.into_iter().filter(|path| !path.contains(&"none")).collect()
}

fn is_convolution(op: &&str) -> bool {
    op.starts_with("nor_conv")
}

/// Number of convolutions on the cell's path with most; `None` without any path.
fn depth(edges: &HashMap<(usize, usize), &str>) -> Option<usize> {
    let convolutions = |path: Vec<&str>| path.iter().filter(|op| is_convolution(op)).count();
    paths(edges).into_iter().map(convolutions).max()
}

fn length(edges: &HashMap<(usize, usize), &str>) -> f64 {
    let skips = edges.iter().filter(|(_, op)| **op == "skip_connect");
    let lengths: Vec<f64> = skips.map(|((from, to), _)| (to - from - 1) as f64).collect();
    if lengths.is_empty() { 0.0 } else { lengths.iter().sum::<f64>() / lengths.len() as f64 }
}

/// The closed form, of the path with most convolutions and then most 3x3 ones.
fn entropy(edges: &HashMap<(usize, usize), &str>) -> Option<f64> {
    let count = |path: &[&str], name: &str| path.iter().filter(|op| **op == name).count();
    let sizes = paths(edges).into_iter().map(|path| {
        let (small, large) = (count(&path, "nor_conv_1x1"), count(&path, "nor_conv_3x3"));
        (small + large, large)
    });
    let (all, large) = sizes.max()?;
    let half = |window: usize| (window as f64).ln() / 2.0;
    let (mut sum, mut score) = (half(3 * 9), 0.0);
    for (stage, channels) in CHANNELS.into_iter().enumerate() {
        if stage > 0 {
            sum += half(9 * CHANNELS[stage - 1]) + half(9 * channels);
        }
        let cell = (all - large) as f64 * half(channels) + large as f64 * half(9 * channels);
        sum += CELLS as f64 * cell;
        score += [1.0, 1.0, 6.0][stage] * (sum + (channels as f64).ln());
    }
    Some(score)
}

#[test]
fn every_cell_has_the_counts_of_its_notation() {
    let space = space();
    let cells = 3 * CELLS;
    let mut undefined = 0;
    for index in 0..15_625 {
        let arch = space.architecture(index).unwrap();
        let (graph, edges) = (graph(&space, &arch), edges(&arch));
        let count = |wanted: fn(&&str) -> bool| edges.values().filter(|op| wanted(op)).count();
        let own = [
            ConvCount.score(&graph),
            Conv3x3Count.score(&graph),
            SkipCount.score(&graph),
            ConvDepth.score(&graph),
        ];
        let wanted = [
            // Each of two reductions has two 3x3 and one 1x1 convolutions.
            6 + cells * count(is_convolution),
            4 + cells * count(|op| *op == "nor_conv_3x3"),
            cells * count(|op| *op == "skip_connect"),
            // The stem, and two convolutions of each reduction.
            depth(&edges).map_or(0, |depth| 5 + cells * depth),
        ];
        assert_eq!(own.map(Result::unwrap), wanted.map(|it| it as f64), "{arch}");
        assert_eq!(SkipDistance.score(&graph), Ok(length(&edges)), "{arch}");
        match (Entropy.score(&graph), entropy(&edges)) {
            (Ok(own), Some(wanted)) => {
                assert!((own - wanted).abs() < 1e-12 * wanted, "{arch}: {own}, not {wanted}");
            }
            (Err(_), None) => undefined += 1,
            other => panic!("{arch}: {other:?}"),
        }
    }
    // Cells whose output no path reaches.
    assert_eq!(undefined, 341);
}

/// True if every edge that is not `none` lies on a path from input to output: the cells
/// of NAS-Bench-Suite-Zero.
fn has_no_dead_edge(edges: &HashMap<(usize, usize), &str>) -> bool {
    let open = |path: &&&[usize]| path.windows(2).all(|it| edges[&(it[0], it[1])] != "none");
    let used: Vec<(usize, usize)> = PATHS
        .iter()
        .filter(open)
        .flat_map(|path| path.windows(2).map(|it| (it[0], it[1])))
        .collect();
    edges.iter().all(|(edge, op)| *op == "none" || used.contains(edge))
}

/// Correlations of the counts of the notation are known for all cells, and for those
/// without dead edges. `docs/baselines.md` has them.
#[test]
fn counts_rank_the_benchmark_as_documented() {
    let Some(data) = skipped::data() else { return };
    let file = std::fs::File::open(data.join("nb201/nb201_gt.csv.gz")).unwrap();
    let mut table = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let truths = ["c10_test_hp200_v10", "c100_test_hp200", "in16_test_hp200"];
    let space = space();
    let (mut alive, mut accuracies, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for row in table.deserialize() {
        let row: HashMap<String, String> = row.unwrap();
        let arch = &row["arch_str"];
        let graph = graph(&space, arch);
        alive.push(has_no_dead_edge(&edges(arch)));
        accuracies.push(truths.map(|truth| row[truth].parse::<f64>().unwrap()));
        scores.push(
            [
                ConvCount.score(&graph),
                Conv3x3Count.score(&graph),
                ConvDepth.score(&graph),
                SkipCount.score(&graph),
                SkipDistance.score(&graph),
            ]
            .map(Result::unwrap),
        );
    }
    assert_eq!((alive.len(), alive.iter().filter(|it| **it).count()), (15_625, 9_445));
    let kd = |score: usize, truth: usize, all: bool| {
        let judged = (0..alive.len()).filter(|at| all || alive[*at]);
        let (own, truth): (Vec<f64>, Vec<f64>) =
            judged.map(|at| (scores[at][score], accuracies[at][truth])).unzip();
        (kendall_tau_b(&own, &truth).unwrap() * 1e3).round() / 1e3
    };
    for (score, all, wanted) in [
        (0, true, [0.579, 0.592, 0.573]),
        (0, false, [0.624, 0.643, 0.622]),
        (1, true, [0.523, 0.487, 0.449]),
        (2, true, [0.568, 0.574, 0.565]),
        (3, true, [-0.076, -0.080, -0.034]),
        (4, true, [-0.004, 0.003, 0.023]),
    ] {
        assert_eq!([0, 1, 2].map(|truth| kd(score, truth, all)), wanted, "{score}");
    }
}
