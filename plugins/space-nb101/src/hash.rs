//! The benchmark's graph hash (Ying & Hutter 2019): labels of vertices are refined by
//! those of their neighbours, as often as there are vertices, with MD5.

use crate::cell::{Cell, VertexOp};
use md5::{Digest, Md5};
use osee_sdk::model::hex::hex;

/// The hash of the part of `cell` that lies between its input and its output.
pub fn canonical(cell: &Cell) -> String {
    let used = cell.used();
    let kept: Vec<usize> = (0..cell.vertices()).filter(|&vertex| used[vertex]).collect();
    let n = kept.len();
    let edge = |from: usize, to: usize| cell.edge(kept[from], kept[to]);
    let sources: Vec<Vec<usize>> =
        (0..n).map(|to| (0..n).filter(|&from| edge(from, to)).collect()).collect();
    let targets: Vec<Vec<usize>> =
        (0..n).map(|from| (0..n).filter(|&to| edge(from, to)).collect()).collect();
    let mut labels: Vec<String> = (0..n)
        .map(|vertex| {
            let label = match cell.op(kept[vertex]) {
                _ if vertex == 0 => -1,
                Some(op) => VertexOp::ALL.iter().position(|it| *it == op).map_or(0, |at| at as i32),
                None => -2,
            };
            digest(&format!("({}, {}, {label})", targets[vertex].len(), sources[vertex].len()))
        })
        .collect();
    let mut text = String::new();
    for _ in 0..n {
        let refined = (0..n).map(|vertex| {
            text.clear();
            for neighbours in [&sources[vertex], &targets[vertex]] {
                let mut around: Vec<&str> =
                    neighbours.iter().map(|&other| labels[other].as_str()).collect();
                around.sort_unstable();
                around.into_iter().for_each(|label| text.push_str(label));
                text.push('|');
            }
            text.push_str(&labels[vertex]);
            digest(&text)
        });
        labels = refined.collect();
    }
    labels.sort_unstable();
    // Written as Python writes a list of strings.
    let quoted: Vec<String> = labels.iter().map(|label| format!("'{label}'")).collect();
    digest(&format!("[{}]", quoted.join(", ")))
}

fn digest(text: &str) -> String {
    hex(Md5::digest(text))
}
