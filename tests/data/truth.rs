//! Checks tables of truth before anything is scored: the benchmark's own tables and damaged
//! ones.

use crate::support;
use crate::support::{osee, run};
use std::{fs, path::Path};

const ARCHS: [&str; 3] = [
    "|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|",
    "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
    "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
];

/// What a check of this table prints, its exit code, and its standard error.
fn check(table: &str, more: &[&str]) -> (String, i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.csv");
    fs::write(&file, table).unwrap();
    let mut args = vec!["truth", "check", "nb201", "--truth", file.to_str().unwrap()];
    args.extend(["--truth-key", "arch", "--truth-column", "acc"]);
    args.extend(more);
    let output = osee(&args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), output.status.code().unwrap(), text(output.stderr))
}

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}")).trim()
}

#[test]
fn nb201_is_whole_and_its_seeds_agree_as_published() {
    let Some(data) = support::data() else { return };
    let file = data.join("nb201/nb201_gt.csv.gz");
    let seeds = ["--seed-columns", "c10_test_seeds_v11"];
    let check = |file: &Path| {
        let mut args = vec!["truth", "check", "nb201", "--truth", file.to_str().unwrap()];
        args.extend(seeds);
        run(&args)
    };
    let text = check(&file);
    let rows = "rows        15625: 15625 architectures in 6466 isomorphism groups; 0 are unknown";
    assert_eq!(line(&text, "rows"), rows);
    assert_eq!(line(&text, "duplicates"), "duplicates  none");
    let missing =
        "missing     0 of the space's 15625 architectures, 0 of its 6466 isomorphism groups";
    assert_eq!(line(&text, "missing"), missing);
    let seeds_of = |text: &str| line(text, "seeds").split_once("pairs is ").unwrap().1.to_owned();
    // More architectures have two seeds than three, and their seeds agree less.
    let all = "0.9080 (0.9053 .. 0.9097), over 7961 to 13400 architectures";
    assert_eq!(seeds_of(&text), all);
    // These are trainings of version 1.1, whose mean is that version's truth, not this one.
    let foreign = "ceiling     none: the truth is the mean of these trainings for 11";
    assert!(line(&text, "ceiling").starts_with(foreign), "{text}");
    let mut args = vec!["truth", "check", "nb201", "--truth", file.to_str().unwrap()];
    args.extend(seeds);
    args.extend(["--truth-column", "c10_test_hp200_v11"]);
    let own = run(&args);
    assert!(line(&own, "ceiling").ends_with("the truth is the mean of 1 to 3 trainings"), "{own}");
    // Over the architectures with all three seeds it is the published 0.909.
    let folder = tempfile::tempdir().unwrap();
    let three = folder.path().join("three.csv");
    let mut from =
        csv::Reader::from_reader(flate2::read::GzDecoder::new(fs::File::open(&file).unwrap()));
    let mut to = csv::Writer::from_path(&three).unwrap();
    let header = from.headers().unwrap().clone();
    let at = header.iter().position(|name| name == "c10_test_seeds_v11").unwrap();
    to.write_record(&header).unwrap();
    for row in from.records().map(Result::unwrap).filter(|row| row[at].split(';').count() == 3) {
        to.write_record(&row).unwrap();
    }
    to.flush().unwrap();
    let three = seeds_of(&check(&three));
    assert!(three.starts_with("0.909") && three.ends_with("over 7961 architectures"), "{three}");
}

#[test]
fn a_table_of_ones_own_is_told_what_is_wrong_with_it() {
    let [a, b, c] = ARCHS;
    let table =
        format!("arch,acc,s1,s2\n{a},90,1,2\n{b},nan,2,1\n|x~0|,1,9,9\n{c},90,3,3\n{c},90,4,4\n");
    let (text, code, error) = check(&table, &["--seed-columns", "s1,s2"]);
    assert!(line(&text, "rows").starts_with("rows        5: 3 architectures in 3 isomorphism"));
    assert!(line(&text, "rows").ends_with("1 are unknown"));
    assert!(line(&text, "  unknown 1").contains("1 nodes"), "{text}");
    let duplicates = "duplicates  1 architectures are in several rows, 0 with different values";
    assert_eq!(line(&text, "duplicates"), duplicates);
    let missing = "missing     15622 of the space's 15625 architectures, 6463 of its 6466";
    assert!(line(&text, "missing").starts_with(missing), "{text}");
    let values = format!("values      2 are finite, 1 not, and left out; first: {b} has NaN");
    assert_eq!(line(&text, "values"), values);
    assert!(line(&text, "ties").contains("1 distinct values, at most 2 architectures"), "{text}");
    assert!(line(&text, "ties").contains("100.000% of pairs"), "{text}");
    // The seeds rank (1, 2, 3) and (2, 1, 3), so one pair of three is in the other order.
    assert!(line(&text, "seeds").contains("1 pairs is 0.3333"), "{text}");
    // Two architectures can be ranked; one cannot.
    assert_eq!(code, 0, "{error}");
    let (_, code, error) = check(&format!("arch,acc\n{a},90\n{b},nan\n"), &[]);
    assert_eq!((code, error.contains("at least two architectures")), (7, true), "{error}");
}

#[test]
fn rows_that_differ_are_refused_as_in_a_run_and_can_be_chosen_from() {
    let archs = run(&["space", "table", "nb201"]);
    let archs = archs.lines().skip(1).take(30).map(|line| line.split(',').nth(1).unwrap());
    let rows: Vec<String> = archs.enumerate().map(|(i, arch)| format!("{arch},{i}\n")).collect();
    let table = format!("arch,acc\n{}{}", rows.concat(), rows[3].replace(",3\n", ",5\n"));
    let (text, code, error) = check(&table, &[]);
    assert!(line(&text, "duplicates").contains("1 with different values; first: |none~0|"));
    assert!(code == 7 && error.contains("choose which counts"), "{error}");
    let (text, code, _) = check(&table, &["--duplicates", "mean"]);
    assert!(line(&text, "ties").contains("29 distinct values, at most 2"), "{text}");
    assert_eq!(code, 0);
}

#[test]
fn isomorphic_rows_that_differ_are_refused_where_a_run_would_look_them_up() {
    // Two spellings of one convolution, and two other architectures.
    let table = format!(
        "arch,acc\n{},50\n{},60\n{},70\n{},80\n",
        "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|",
        "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
        ARCHS[1],
        "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|",
    );
    let rows_stand_alone = check(&table, &[]);
    assert_eq!(rows_stand_alone.1, 0, "{}", rows_stand_alone.2);
    let (_, code, said) = check(&table, &["--truth-isomorphic"]);
    assert!(code == 7 && said.contains("the 2 rows of architectures isomorphic to it"), "{said}");
    let chosen = check(&table, &["--truth-isomorphic", "--duplicates", "mean"]);
    assert_eq!(chosen.1, 0, "{}", chosen.2);
}

#[test]
fn a_table_about_something_else_is_refused() {
    let (_, code, error) = check("arch,acc\nx,1\ny,2\n", &[]);
    assert!(code == 7 && error.contains("no architecture of the run"), "{error}");
    let (_, code, error) = check("arch,accuracy\nx,1\n", &[]);
    assert!(code == 7 && error.contains("did you mean `accuracy`?"), "{error}");
    let (_, code, error) = check("arch,acc\nx,1\n", &["--seed-columns", "s"]);
    assert!(code == 7 && error.contains("no column `s`"), "{error}");
}

#[test]
fn a_truth_is_that_of_the_studys_images() {
    let Some(data) = support::data() else { return };
    let file = data.join("nb201/nb201_gt.csv.gz");
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    // The layout of CIFAR-100, with black images of the first class.
    fs::File::create(images.join("train.bin")).unwrap().set_len(153_700_000).unwrap();
    let images = format!("cifar100:{}", images.display());
    let out = folder.path().join("out");
    let mut args = vec!["run", "--space", "nb201", "--archs", "12", "--seeds", "0"];
    args.extend(["--set", "channels=2", "--set", "cells=1", "--set", "classes=100"]);
    args.extend(["--estimators", "params,l2_norm", "--batch-size", "4", "--format", "json"]);
    args.extend(["--data", &images, "--truth", file.to_str().unwrap()]);
    args.extend(["--out", out.to_str().unwrap()]);
    let board: serde_json::Value = serde_json::from_str(&run(&args)).unwrap();
    assert_eq!(board["truth"]["column"], "c100_test_hp200");
    assert!(board["data"].as_str().unwrap().starts_with("cifar100:"), "{board}");
    let mean = &board["rows"][0]["protocol"]["normalisation"]["mean"];
    assert!((mean[0].as_f64().unwrap() - 129.3 / 255.0).abs() < 1e-6, "{mean}");
}

#[test]
fn without_a_study_it_is_the_embedded_benchmark_beside_what_the_user_asks() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut args = vec!["run", "--archs", "40", "--estimators", "params,l2_norm"];
    args.extend(["--format", "json", "--out", out.to_str().unwrap()]);
    let board: serde_json::Value = serde_json::from_str(&run(&args)).unwrap();
    assert_eq!(board["truth"]["file"], "embedded:nb201-digits");
    assert!(board["data"].as_str().unwrap().starts_with("digits:"), "{board}");
    assert_eq!((&board["architectures"], &board["without_truth"]), (&40.into(), &0.into()));
    // A row of the truth is about a group, so it judges other spellings as well.
    let listed = folder.path().join("archs");
    let ops = ["skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
    let spellings = ops.map(|op| {
        let one = format!("|{op}~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|");
        let other = format!("|none~0|+|{op}~0|none~1|+|none~0|none~1|nor_conv_1x1~2|");
        format!("{one}\n{other}\n")
    });
    std::fs::write(&listed, spellings.concat()).unwrap();
    let both = ["run", "--archs", listed.to_str().unwrap(), "--estimators", "params"];
    let other = folder.path().join("spellings");
    let both = [&both[..], &["--format", "json", "--out", other.to_str().unwrap()]].concat();
    let board: serde_json::Value = serde_json::from_str(&run(&both)).unwrap();
    assert_eq!((&board["architectures"], &board["without_truth"]), (&8.into(), &0.into()));
    let own = ["run", "--space", "nb201", "--archs", "4", "--estimators", "params"];
    let other = folder.path().join("other");
    let own = [&own[..], &["--format", "json", "--out", other.to_str().unwrap()]].concat();
    let board: serde_json::Value = serde_json::from_str(&run(&own)).unwrap();
    assert!(board["truth"].is_null() && board["data"] == "noise", "{board}");
}
