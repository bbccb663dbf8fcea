//! A truth is looked up in one way, whether for a run, for a table of its scores, or for
//! any other table.

use crate::support::tables::{Files, criteria, row};
use crate::support::{fail, osee, run};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

/// The run has 60 of the space's 15,625 architectures; the embedded benchmark trained one
/// of each of the 6,466 groups.
#[test]
fn the_noise_ceiling_is_that_of_the_truth_in_use_by_the_same_lookup() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    run(&["run", "--archs", "60", "--estimators", "params", "--out", out]);
    let noise = |more: &[&str]| run(&[&["analyze", out, "--only", "noise"], more].concat());
    let text = noise(&[]);
    assert!(text.contains("60 architectures with two or more trainings"), "{text}");
    assert!(text.contains("by test_accuracy, the mean of 3 trainings"), "{text}");
    let seeds = "test_accuracy_s0,test_accuracy_s1,test_accuracy_s2";
    let single = ["--truth-column", "test_accuracy_s0", "--seed-columns", seeds];
    let text = noise(&single);
    assert!(text.contains("by test_accuracy_s0, which is a single training of each"), "{text}");
    let other = ["--truth-column", "validation_accuracy", "--seed-columns", seeds];
    let output =
        osee(&[&["analyze", out, "--only", "noise"], &other[..]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("not here") && text.contains("they are not the ones behind it"),
        "{text}"
    );
    // A table of scores uses the same lookup.
    let scores = folder.path().join("scores.csv");
    fs::write(&scores, run(&["leaderboard", out, "--format", "scores-csv"])).unwrap();
    let args = ["analyze", "--space", "nb201", "--key", "arch", "--truth", "embedded:nb201-digits"];
    let more = ["--truth-key", "arch", "--truth-column", "test_accuracy", "--only", "noise"];
    let text = run(&[&args[..], &more, &["--scores", scores.to_str().unwrap()]].concat());
    assert!(text.contains("60 architectures with two or more trainings"), "{text}");
}

/// The leaderboard and analyses of a run, recomputed from a table of its scores.
#[test]
fn scores_that_are_read_again_have_the_runs_own_figures() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let estimators = "params,flops,synflow,l2_norm";
    let drawn = ["--archs", "80", "--seeds", "1,2", "--data", "noise", "--batch-size", "4"];
    let truth = ["--truth", "embedded:nb201-digits"];
    run(&[&["run", "--estimators", estimators, "--out", out][..], &drawn, &truth].concat());
    let scores = folder.path().join("scores.csv");
    fs::write(&scores, run(&["leaderboard", out, "--format", "scores-csv"])).unwrap();
    let scores = scores.to_str().unwrap();

    let board: Value =
        serde_json::from_str(&run(&["leaderboard", out, "--format", "json"])).unwrap();
    // The run looks its truth up by isomorphism, and its export has what it found.
    let export = run(&["export", out]);
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let [arch, truth] =
        ["architecture", "truth"].map(|name| heads.iter().position(|it| it == name).unwrap());
    let pairs = reader.records().map(|row| row.unwrap());
    let pairs: BTreeSet<String> =
        pairs.map(|row| format!("\"{}\",{}\n", &row[arch], &row[truth])).collect();
    let file = folder.path().join("truth.csv");
    fs::write(&file, format!("arch,acc\n{}", pairs.into_iter().collect::<String>())).unwrap();
    let table =
        ["criteria", "--scores", scores, "--key", "arch", "--truth", file.to_str().unwrap()];
    let more = ["--truth-column", "acc", "--format", "json"];
    let table: Value = serde_json::from_str(&run(&[&table[..], &more].concat())).unwrap();
    for of in board["rows"].as_array().unwrap() {
        let other = row(&table, of["estimator"].as_str().unwrap());
        for field in ["kd", "kd_ci", "kd_p", "spearman", "p_top", "p_bottom", "br", "wr", "kd_top"]
        {
            assert_eq!(of[field], other[field], "{field} of {}", of["estimator"]);
        }
    }

    let only = "significance,agreement,complexity,architectures";
    let of_run = run(&["analyze", out, "--only", only]);
    let of_table = ["analyze", "--only", only, "--scores", scores, "--key", "arch"];
    let truth = ["--truth", "embedded:nb201-digits", "--space", "nb201"];
    let of_table = run(&[&of_table[..], &truth].concat());
    // The lines on sources differ, since a table knows neither sizes nor kinds.
    let told = |text: &str| -> Vec<String> {
        let other = |line: &&str| line.contains("; truth: ") || line.starts_with("note: ");
        text.lines().filter(|line| !other(line)).map(str::to_owned).collect()
    };
    let (of_run, of_table) = (told(&of_run), told(&of_table));
    assert!(of_run.len() > 40, "{of_run:#?}");
    let differing: Vec<_> = of_run.iter().zip(&of_table).filter(|(a, b)| a != b).collect();
    assert!(differing.is_empty() && of_run.len() == of_table.len(), "{differing:#?}");
}

/// 91.5 and 90.5 lie on either side of the mean of two spellings of one network.
#[test]
fn isomorphic_rows_that_differ_are_an_error_until_it_is_said_which_count() {
    let files = Files::new();
    let arch = |a: &str, b: &str, c: &str, d: &str, e: &str, f: &str| {
        format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|")
    };
    let (conv, skip, none) = ("nor_conv_3x3", "skip_connect", "none");
    let direct = arch(none, none, none, conv, none, none);
    let by_first = arch(conv, none, none, none, skip, none);
    let asked = arch(skip, none, none, none, conv, none);
    let low = arch(none, none, none, skip, none, none);
    let high = arch("nor_conv_1x1", none, none, none, conv, none);
    let scores = files.with("s.csv", format!("arch,zse\n{low},1\n{asked},2\n{high},3\n"));
    let rows = [(&low, 90.5), (&high, 91.5), (&direct, 90.0), (&by_first, 92.0)];
    let truth = |order: [usize; 4]| {
        let lines = order.map(|at| format!("{},{}\n", rows[at].0, rows[at].1));
        files.with(&format!("t{order:?}.csv"), format!("arch,acc\n{}", lines.concat()))
    };
    let space = ["--space", "nb201", "--truth-isomorphic"];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0]] {
        let truth = truth(order);
        let args = ["criteria", "--key", "arch", "--truth-column", "acc", "--scores", &scores];
        let (code, said) = fail(&[&args[..], &["--truth", &truth], &space].concat());
        assert!(
            code == 7 && said.contains("2 rows of architectures isomorphic to it differ"),
            "{said}"
        );
        let with = |policy| {
            let found =
                criteria(&scores, &truth, &[&space[..], &["--duplicates", policy]].concat());
            assert_eq!(found["architectures"], 3);
            row(&found, "zse")["kd"].as_f64().unwrap()
        };
        // 91 lies between the two spellings; 90 lies below and 92 above both.
        assert_eq!(with("mean"), 1.0);
        for policy in ["first", "last"] {
            assert!((with(policy) - 1.0 / 3.0).abs() < 1e-12, "{policy}");
        }
    }
    // An embedded table has one row per group; without the space not all are found.
    let scores = ["criteria", "--key", "arch", "--truth", "embedded:nb201-digits", "--scores"];
    let spelled =
        files.with("i.csv", format!("arch,zse\n{direct},1\n{by_first},2\n{asked},3\n{high},4\n"));
    let found = run(&[&scores[..], &[&spelled, "--space", "nb201", "--format", "json"]].concat());
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&found["architectures"], row(&found, "zse")["kd"].is_number()), (&4.into(), true));
}

#[test]
fn few_architectures_promise_neither_a_ceiling_nor_a_bias() {
    let files = Files::new();
    let archs = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
    let line = |at: usize| {
        let arch = format!("|{}~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", archs[at]);
        format!("{arch},{at},{at};{},{}\n", at + 1, (at * 3) % 5)
    };
    let lines = (0..5).map(line).collect::<String>();
    let table = files.with("t.csv", format!("arch,acc,seeds,zse\n{lines}"));
    let args =
        ["analyze", "--scores", &table, "--key", "arch", "--truth", &table, "--space", "nb201"];
    let more = ["--truth-column", "acc", "--seed-columns", "seeds"];
    let text = run(&[&args[..], &more].concat());
    assert!(text.contains("5 architectures: an interval of KD needs 9"), "{text}");
    assert!(
        text.contains("5 architectures with two trainings are too few; 9 are needed"),
        "{text}"
    );
    assert!(text.contains("5 architectures are too few for two groups of 5"), "{text}");
    let check = ["truth", "check", "nb201", "--truth", &table, "--truth-key", "arch"];
    let text = run(&[&check[..], &more].concat());
    assert!(text.contains("none: 5 architectures with two trainings are too few"), "{text}");
}
