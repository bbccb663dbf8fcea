//! The neighbours of a study's architectures serve the bias by operation, and
//! nothing else.

use crate::support;
use std::path::Path;

/// Runs 20 architectures with these changes. Returns the directory and the leaderboard.
fn small(folder: &Path, name: &str, more: &[&str]) -> (String, serde_json::Value) {
    let out = folder.join(name).to_str().unwrap().to_owned();
    let mut args = vec!["run", "--archs", "20", "--seeds", "0", "--out", &out];
    args.extend(["--estimators", "params,synflow,relu_logdet,jacob_cov,vote"]);
    args.extend(["--truth", "embedded:nb201-digits"]);
    args.extend(support::SMALL);
    args.extend(more);
    support::osee(&args).output().unwrap();
    (out.clone(), board(&out))
}

fn board(out: &str) -> serde_json::Value {
    let args = ["leaderboard", out, "--format", "json", "--no-timing"];
    serde_json::from_str(&support::run(&args)).unwrap()
}

/// The architectures of a run and, for each, whether it is a neighbour, from its export.
fn listed(out: &str) -> (Vec<String>, Vec<bool>) {
    let text = support::run(&["export", out]);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let rows = rows.records().map(Result::unwrap).filter(|row| &row[0] == "params");
    rows.map(|row| (row[6].to_owned(), &row[14] == "1")).unzip()
}

/// Every cell with another operation on one edge, edge by edge.
fn mutations(arch: &str) -> Vec<String> {
    let ops = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
    let parts: Vec<&str> = arch.split_inclusive('|').collect();
    let edges = (0..parts.len()).filter(|&at| parts[at].contains('~'));
    edges
        .flat_map(|at| {
            let (own, from) = parts[at].split_once('~').unwrap();
            let parts = &parts;
            ops.into_iter().filter(move |op| *op != own).map(move |op| {
                let mut parts: Vec<String> = parts.iter().map(|it| (*it).to_owned()).collect();
                parts[at] = format!("{op}~{from}");
                parts.concat()
            })
        })
        .collect()
}

#[test]
fn neighbours_give_few_architectures_their_pairs_and_change_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (alone, rows) = small(folder.path(), "alone", &[]);
    let (with, board_with) = small(folder.path(), "with", &["--neighbours", "4"]);
    // All mutations of the first four architectures drawn, computed by hand.
    let (drawn, _) = listed(&alone);
    let (all, are_neighbours) = listed(&with);
    let mut wanted = drawn.clone();
    for arch in &drawn[..4] {
        for mutation in mutations(arch) {
            if !wanted.contains(&mutation) {
                wanted.push(mutation);
            }
        }
    }
    assert_eq!((drawn.len(), &all), (20, &wanted));
    assert!(are_neighbours.iter().enumerate().all(|(at, it)| *it == (at >= 20)));
    let [own, scores] =
        [&alone, &with].map(|out| support::run(&["leaderboard", out, "--format", "scores-csv"]));
    assert_eq!(scores, own);
    // Failures are counted over all architectures; criteria use only those drawn.
    let criteria = |board: &serde_json::Value| {
        let mut rows = board["rows"].as_array().unwrap().clone();
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            for of_all in ["failures", "failures_by_kind", "failure_examples"] {
                assert!(row.remove(of_all).is_some(), "{of_all}");
            }
        }
        rows
    };
    assert_eq!(criteria(&board_with), criteria(&rows));
    assert_eq!((&board_with["architectures"], &rows["neighbours"]), (&20.into(), &0.into()));
    assert_eq!(board_with["neighbours"], wanted.len() - 20);
    let table = support::run(&["leaderboard", &with]);
    let heading = format!("20 architectures and {} neighbours", wanted.len() - 20);
    assert!(table.contains(&format!("{heading} of nb201")), "{table}");
    let plan = ["plan", "--archs", "20", "--neighbours", "4", "--truth", "embedded:nb201-digits"];
    let plan = support::run(&[&plan[..], &support::SMALL].concat());
    assert!(plan.contains(&format!("({heading}) x ")), "{plan}");

    let other = |text: &str| -> String {
        let from = text.find("[operations]").map(|at| text[..at].rfind('\n').unwrap_or(0));
        let end = text.find("The best and the worst").unwrap();
        from.map_or_else(|| text.to_owned(), |from| text[..from + 1].to_owned() + &text[end..])
    };
    // The analysis asked for is not possible.
    let few = support::osee(&["analyze", &alone, "--only", "operations"]).output().unwrap();
    assert_eq!(few.status.code(), Some(3), "{}", String::from_utf8_lossy(&few.stderr));
    let few = String::from_utf8(few.stdout).unwrap();
    let first = few.lines().find(|line| !line.starts_with("note: ")).unwrap();
    assert!(first.starts_with("not here: Bias by operation: "), "{few}");
    assert!(few.contains("neighbours = 20"), "{few}");
    let text = support::run(&["analyze", &with, "--only", "operations"]);
    let rests = format!("found among them and {} neighbours", wanted.len() - 20);
    assert!(text.contains("The largest bias is that of") && text.contains(&rests), "{text}");
    let mut figures = text.lines().filter(|line| !line.starts_with("note: "));
    let of_vote = figures.find(|line| line.contains("vote"));
    assert_eq!(of_vote, None, "a vote over the drawn says nothing of others");
    let only = "agreement,complexity,architectures,significance";
    let [a, b] = [&alone, &with].map(|out| support::run(&["analyze", out, "--only", only]));
    assert_eq!(other(&a), other(&b));

    // The same in shards.
    for shard in ["1/2", "2/2"] {
        let out = folder.path().join("sharded").to_str().unwrap().to_owned();
        let mut args = vec!["run", "--archs", "20", "--seeds", "0", "--out", &out];
        args.extend(["--estimators", "params,synflow,relu_logdet,jacob_cov,vote"]);
        args.extend(["--truth", "embedded:nb201-digits", "--neighbours", "4", "--shard", shard]);
        args.extend(support::SMALL);
        support::osee(&args).output().unwrap();
    }
    let sharded = folder.path().join("sharded").to_str().unwrap().to_owned();
    support::run(&["merge", &sharded]);
    assert_eq!(board(&sharded), board_with);
    small(folder.path(), "with", &["--neighbours", "4"]);
    assert_eq!(board(&with), board_with);
    let fewer = ["run", "--archs", "20", "--neighbours", "21", "--out", "/nowhere"];
    let (code, said) = support::fail(&[&fewer[..], &support::SMALL].concat());
    assert!(code == 3 && said.contains("neighbours of 21 architectures were asked for"), "{said}");
}
