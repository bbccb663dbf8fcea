//! Users' own tables of scores and of truth: nothing that a user names is ignored, and no
//! column or row is left out silently.

use crate::support;
use crate::support::tables::{Files, close, criteria, names, row};
use crate::support::{fail, osee, run};
use serde_json::Value;
use std::{fs, path::Path};

#[test]
fn every_column_is_judged_or_left_out_with_a_reason() {
    let files = Files::new();
    let table = files.with(
        "scores.csv",
        ",arch,acc,good,loss,word,same,same,copy\n\
         0,a,1,1,9,None,1,1,1\n1,b,2,2,8,4,2,2,2\n2,c,3,4,7,5,3,3,3\n3,d,4,3,6,6,4,4,4\n",
    );
    let found = criteria(&table, &table, &[]);
    assert_eq!(names(&found), ["good", "loss"]);
    let left_out: Vec<(&str, &str)> = (found["left_out"].as_array().unwrap().iter())
        .map(|it| (it["column"].as_str().unwrap(), it["why"].as_str().unwrap()))
        .collect();
    assert_eq!(left_out.len(), 6, "{left_out:?}");
    for (column, why) in [
        ("word", "row 2 holds `None`"),
        ("same", "2 columns have this name"),
        ("acc", "it is the truth"),
        ("copy", "it is the truth"),
        ("", "it has no name"),
    ] {
        assert!(left_out.iter().any(|it| it.0 == column && it.1.contains(why)), "{left_out:?}");
    }
    // Of six pairs, one is in the wrong order.
    close(&row(&found, "good")["kd"], 4.0 / 6.0);
    close(&row(&found, "loss")["kd"], -1.0);
    // --negate does not narrow the columns, and a column that is asked for is judged.
    let found = criteria(&table, &table, &["--negate", "loss"]);
    assert_eq!(names(&found), ["loss", "good"]);
    close(&row(&found, "loss")["kd"], 1.0);
    let found = criteria(&table, &table, &["--score-column", "copy", "--score-column", "acc"]);
    assert_eq!(names(&found), ["copy", "acc"]);
    let args =
        ["criteria", "--key", "arch", "--truth-column", "acc", "--scores", &table, "--truth"];
    let refused = |more: &[&str]| fail(&[&args[..], &[&table], more].concat());
    for (more, words) in [
        (["--score-column", "word"], "row 2: column `word` holds `None`"),
        (["--score-column", "same"], "2 columns `same`"),
        (["--negate", "los"], "did you mean `loss`?"),
        (["--score-column", "good_s{seed}"], "no column `good_s{seed}`"),
        (["--where", "tusk=1"], "no column `tusk`"),
        (["--where", "good=7"], "has `7` in column `good`; it has 1, 2, 3, 4"),
    ] {
        let (code, said) = refused(&more);
        assert!(code == 7 && said.contains(words), "{more:?} {code}: {said}");
    }
    // The report names the columns that were asked for.
    let text = run(&[&args[..], &[&table]].concat());
    for words in ["95% interval", "WR@5%", "failed", "measured", "left out is column `word`: row 2"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    // Fewer than nine architectures give no interval.
    let rows = (0..12).map(|i| format!("{i},{i},{}\n", i * 5 % 12));
    let twelve = files.with("twelve.csv", "arch,acc,good\n".to_owned() + &rows.collect::<String>());
    let interval = |resamples| {
        let args = ["criteria", "--key", "arch", "--truth-column", "acc"];
        let tables = ["--scores", &twelve, "--truth", &twelve, "--resamples", resamples];
        let text = run(&[&args[..], &tables].concat());
        text.lines().find(|line| line.contains("good")).unwrap().contains("..")
    };
    assert_eq!([interval("0"), interval("50")], [false, true]);
}

#[test]
fn what_was_not_measured_is_not_judged_and_what_failed_ranks_last() {
    let files = Files::new();
    let table = files.with("t.csv", "arch,acc,zse\na,1,\nb,2,1\nc,3,2\nd,4,nan\ne,5,3\nf,6,inf\n");
    let found = criteria(&table, &table, &[]);
    let zse = row(&found, "zse");
    // b, c and e are in order, f is last of four: three of six pairs each way.
    close(&zse["kd"], 0.0);
    assert_eq!((&zse["measured"], &zse["failures"]), (&4.into(), &1.into()));
    let only = files.with("o.csv", "arch,acc,zse\na,1,\nb,2,1\nc,3,\n");
    let found = criteria(&only, &only, &[]);
    assert_eq!(
        (&row(&found, "zse")["measured"], &row(&found, "zse")["kd"]),
        (&1.into(), &Value::Null)
    );
    let (code, said) = fail(&[
        "criteria",
        "--key",
        "arch",
        "--truth-column",
        "zse",
        "--scores",
        &table,
        "--truth",
        &table,
    ]);
    assert!(
        code == 7 && said.contains("row 7: column `zse` holds `inf`; a truth must be finite"),
        "{said}"
    );
}

#[test]
fn a_mean_is_of_the_seeds_that_are_there_and_ties_where_means_tie() {
    let files = Files::new();
    // The means are 93.2 three times, 90 from one seed, and 95; g has no seed at all.
    let text = "arch,acc,os_s1,os_s2,os_s3\na,1,93.1,93.3,93.2\nb,2,93.2,93.2,93.2\n\
                c,3,93.3,93.2,93.1\nd,4,,90,inf\ne,5,95,95,95\ng,6,,,\n";
    let table = files.with("t.csv", text);
    let found = criteria(&table, &table, &["--score-column", "os_s{seed}"]);
    let os = row(&found, "os");
    assert_eq!((&os["measured"], &os["means_of_fewer_seeds"]), (&5.into(), &1.into()));
    assert_eq!((&os["distinct_scores"], &os["seeds"]), (&3.into(), &serde_json::json!([1, 2, 3])));
    // Of 10 pairs 3 are tied; e is right with 4, and d is wrong with 3.
    close(&os["kd"], 1.0 / 70f64.sqrt());
    let args = ["analyze", "--key", "arch", "--truth-column", "acc", "--scores", &table, "--truth"];
    let args = [&args[..], &[&table, "--column", "os_s{seed}", "--only", "seeds"]].concat();
    let text = run(&args);
    assert!(text.contains("note: 1 means of os are of fewer than its 3 seeds"), "{text}");
    assert!(text.contains("note: os is judged over 5 of 6"), "{text}");
}

#[test]
fn a_row_is_negated_by_its_own_name_in_every_command() {
    let files = Files::new();
    let text = "arch,acc,val_loss_s1,val_loss_s2\na,1,9,9\nb,2,8,7\nc,3,7,5\n";
    let table = files.with("t.csv", text);
    let form = ["--score-column", "val_loss_s{seed}", "--negate", "val_loss"];
    close(&row(&criteria(&table, &table, &form), "val_loss")["kd"], 1.0);
    let args = ["analyze", "--key", "arch", "--truth-column", "acc", "--scores", &table, "--truth"];
    let args = [&args[..], &[&table, "--column", "val_loss_s{seed}", "--only", "seeds"]].concat();
    let kd = |more: &[&str]| {
        let text = run(&[&args[..], more].concat());
        let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut rows = rows.filter(|it| it.len() > 1 && it[0] == "val_loss" && it[1] != "depends");
        rows.next().unwrap()[1].to_owned()
    };
    assert_eq!([kd(&[]), kd(&["--negate", "val_loss"])], ["-1.000", "1.000"]);
    let (code, said) = fail(&[&args[..], &["--negate", "val_lss"]].concat());
    assert!(code == 7 && said.contains("did you mean `val_loss`?"), "{said}");
    let (code, said) = fail(&[&args[..], &["--column", "acc_s{seed}"]].concat());
    assert!(code == 7 && said.contains("no column `acc_s{seed}`"), "{said}");
    // For a run, the same option is another error.
    let (code, said) = fail(&["analyze", files.0.path().to_str().unwrap(), "--negate", "val_loss"]);
    assert!(code == 2 && said.contains("--negate is about a table of scores"), "{said}");
    for (more, words) in [
        (&["--truth-column", "acc"][..], "--scores needs --truth FILE"),
        (&["--truth", &table][..], "--truth-column says which column is the accuracy"),
    ] {
        let args = [&["analyze", "--key", "arch", "--scores", &table], more].concat();
        let (code, said) = fail(&args);
        assert!(code == 2 && said.contains(words), "{said}");
    }
}

#[test]
fn rows_of_one_architecture_are_one_by_choice_only() {
    let files = Files::new();
    let text = "task,arch,acc,zse\nx,a,1,10\ny,a,9,5\nx,b,2,20\ny,b,8,6\nx,c,3,30\ny,c,7,\n";
    let table = files.with("t.csv", text);
    let base = ["--key", "arch", "--truth-column", "acc", "--scores", &table, "--truth", &table];
    for command in ["criteria", "analyze", "report"] {
        let (code, said) = fail(&[&[command], &base[..]].concat());
        assert!(code == 7 && said.contains("--where 'task=...'"), "{command} {code}: {said}");
    }
    close(&row(&criteria(&table, &table, &["--where", "task=x"]), "zse")["kd"], 1.0);
    let y = criteria(&table, &table, &["--where", "task=y"]);
    close(&row(&y, "zse")["kd"], -1.0);
    assert_eq!((&row(&y, "zse")["measured"], &y["where"]["task"]), (&2.into(), &"y".into()));
    let mean = criteria(&table, &table, &["--duplicates", "mean"]);
    assert_eq!(row(&mean, "zse")["measured"], 3);
    assert_eq!(mean["duplicates"]["policy"], "mean");
    assert_eq!(mean["duplicates"]["scores"]["rows_without_value"], 1);
    let args = [&["analyze"], &base[..], &["--duplicates", "mean"]].concat();
    let text = run(&args);
    let said = "note: scores: 3 architectures are in several rows, 3 with different values; their mean \
                counts, of what is there: 1 of these rows lack a value";
    assert!(text.contains(said), "{text}");
}

/// The expected figures are scipy's (kendalltau, spearmanr and pearsonr) for the same rows,
/// joined by pandas.merge and dropna.
#[test]
fn transnas_tables_give_the_figures_of_their_own_rows() {
    let Some(data) = support::data() else { return };
    let file = |name: &str| data.join("tnb101").join(name).to_str().unwrap().to_owned();
    let truth = file("tnb101_micro_truth.csv.gz");
    let [sample, full] = ["sample_proxies_public_half", "full_proxies"]
        .map(|it| file(&format!("tnb101_micro_{it}.csv.gz")));
    let judged = |scores: &str, task: &str, more: &[&str]| -> Value {
        let column = format!("val_{task}");
        let args = ["criteria", "--key", "arch", "--truth-column", &column, "--resamples", "0"];
        let args = [&args[..], &["--scores", scores, "--truth", &truth, "--format", "json"], more];
        serde_json::from_str(&run(&args.concat())).unwrap()
    };
    let (code, said) = fail(&[
        "criteria",
        "--key",
        "arch",
        "--truth-column",
        "val_jigsaw",
        "--scores",
        &sample,
        "--truth",
        &truth,
    ]);
    assert!(code == 7 && said.contains("--where 'task=...'"), "{said}");
    let jigsaw = judged(&sample, "jigsaw", &["--where", "task=jigsaw"]);
    close(&row(&jigsaw, "jacov")["kd"], 0.360_535_141_244_431_1);
    assert_eq!(jigsaw["architectures"], 355);
    let last = judged(&sample, "jigsaw", &["--duplicates", "last"]);
    close(&row(&last, "jacov")["kd"], 0.473_240_411_863_311_23);
    let found = judged(&full, "class_scene", &[]);
    let fisher = row(&found, "fisher_class_scene");
    assert_eq!((&fisher["measured"], &found["architectures"]), (&721.into(), &4096.into()));
    close(&fisher["kd"], 0.501_023_117_265_651_6);
    close(&fisher["spearman"], 0.675_319_808_587_973_9);
    close(&fisher["lc"], 0.169_187_376_068_040_63);
}

#[test]
fn a_list_of_architectures_may_come_from_elsewhere_and_a_table_is_named() {
    let files = Files::new();
    let arch = "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|";
    let other = arch.replace("nor_conv_3x3", "skip_connect");
    let out = files.0.path().join("out");
    let args = |archs: &str| {
        let args = ["run", "--space", "nb201", "--estimators", "params", "--archs", archs];
        osee(&args).args(["--out", out.to_str().unwrap()]).output().unwrap()
    };
    let list = files.with("list.txt", format!("\u{feff}{arch}\r\n# none\r\n\r\n{other}\r\n"));
    let output = args(&list);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The same table with quoted cells, and with the line ends of old Macs.
    for text in [format!("\"{arch}\"\n{other}\n"), format!("{arch}\r{other}\r")] {
        let output = args(&files.with("list.txt", text));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let wrong = other.replace("none~2", "nona~2");
    for (name, bytes, words) in [
        (
            "wrong.txt",
            format!("{arch}\n{arch}\n{other}\n{wrong}\n").into_bytes(),
            "wrong.txt line 4: `|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|nona~2|` is not a valid \
             nb201 architecture: column 57: edge 3<-2 has unknown operation `nona` (did you mean `none`?)",
        ),
        (
            "headless.csv",
            format!("{arch},93.2\n{other},91\n").into_bytes(),
            "line 1: the line is a row of a table without a header, with an architecture in cell 1",
        ),
        ("latin.txt", b"# f\xfcr\n".to_vec(), "not text in UTF-8, first in line 1"),
        (
            "table.csv",
            format!("index,arch\n0,{arch}\n1,{other}\n").into_bytes(),
            "in column `arch`",
        ),
        ("column.csv", format!("arch\n{arch}\n").into_bytes(), "in column `arch`"),
        ("list.gz", b"\x1f\x8b\x08\0".to_vec(), "compressed by gzip"),
        ("list.xz", b"\xfd7zXZ\0".to_vec(), "xz -dk"),
        ("list.txt", b"\xff\xfea\0".to_vec(), "UTF-16"),
    ] {
        let output = args(&files.with(name, bytes));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && said.contains(words), "{name}: {said}");
    }
}

#[test]
fn numbers_that_are_none_are_named() {
    let (code, said) = fail(&["run", "--seeds", "-1"]);
    assert!(code == 2 && said.contains("a seed is a whole number from 0"), "{said}");
    let files = Files::new();
    let table = files.with("t.csv", "arch,acc\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,\n");
    let check = ["truth", "check", "nb201", "--truth-key", "arch", "--truth-column", "acc"];
    let output = osee(&check).args(["--truth", &table]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("; 0.000% of pairs are tied"), "{text}");
    let data = Path::new(&table).with_file_name("i.csv");
    fs::write(&data, "arch,acc\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,inf\n").unwrap();
    let output = osee(&check).args(["--truth", data.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("row 2: column `acc` holds `inf`; a truth must be finite"), "{said}");
}

/// Copies of the truth, of its trainings, and of what rows were chosen by.
#[test]
fn what_comes_from_the_truth_is_no_estimator() {
    let files = Files::new();
    let table = files.with(
        "t.csv",
        "arch,acc,acc_s0,acc_s1,gap,third,fold,Unnamed: 0.1,Unnamed: 0_level_1,own\n\
         a,1.5,1,2,1.5,1.5,1,0,0,9\nb,2.5,2,3,,2.5,1,1,1,7\nc,3.5,3,4,3.5,3.5000000000000004,1,2,2,8\n\
         d,0.5,1,0,0.5,0.5,1,3,3,6\ne,9.5,9,10,9.5,9.5,2,4,4,5\n",
    );
    let more = ["--where", "fold=1"];
    let found = criteria(&table, &table, &more);
    assert_eq!(names(&found), ["own"], "{found}");
    let left_out: Vec<(&str, &str)> = (found["left_out"].as_array().unwrap().iter())
        .map(|it| (it["column"].as_str().unwrap(), it["why"].as_str().unwrap()))
        .collect();
    let why = |column: &str| left_out.iter().find(|it| it.0 == column).unwrap().1;
    for column in ["acc", "gap", "third"] {
        assert_eq!(why(column), "it is the truth", "{column}");
    }
    for column in ["acc_s0", "acc_s1"] {
        assert_eq!(why(column), "it is a training of the truth", "{column}");
    }
    assert_eq!(why("fold"), "its rows were chosen by it");
    for column in ["Unnamed: 0.1", "Unnamed: 0_level_1"] {
        assert!(why(column).starts_with("it has no name"), "{column}");
    }
    // A column that is named is judged, whatever it is.
    let named = criteria(&table, &table, &["--score-column", "gap"]);
    close(&row(&named, "gap")["kd"], 1.0);
    let empty = files.with("empty.csv", "arch,acc\na,\nb,\nc,nan\n");
    let args = ["criteria", "--key", "arch", "--truth-column", "acc", "--truth", &empty];
    let (code, said) = fail(&[&args[..], &["--scores", &table]].concat());
    assert!(code == 7 && said.contains("column `acc` is empty for all 3"), "{said}");
}
