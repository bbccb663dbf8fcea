//! An architecture that makes no network, or none for the images, fails alone:
//! everything else is scored, trained alone or trained in a supernet.

use crate::support;
use crate::support::{fixture, osee};
use std::{collections::BTreeMap, fs, path::Path};

const TRAINING: &str = "[training]\nepochs = 3\nkeep_every = 1\nimages = 64\nbatch_size = 16\n\
                        validation_images = 32\nvalidation_batch_size = 16\n";

/// The scores of all seven widths by row; empty where there is none.
type Board = BTreeMap<String, Vec<String>>;

/// Runs a study with these settings of the space and rows. Returns the exit code, the
/// scores and standard error.
fn run(folder: &Path, settings: &str, rows: &str) -> (Option<i32>, Board, String) {
    let file = folder.join("study.toml");
    let text = format!(
        "plugins = [{:?}]\nseeds = [0]\ndata = \"digits\"\n[space]\nid = \"uneven\"\n\
         settings = {{ {settings} }}\n[architectures]\nunique = false\n[protocol]\n\
         batch_size = 16\n{TRAINING}{rows}",
        fixture("uneven")
    );
    fs::write(&file, text).unwrap();
    let out = tempfile::tempdir_in(folder).unwrap();
    let args = ["run", "--study", file.to_str().unwrap(), "--archs", "all", "--allow-unpinned"];
    let more = ["--out", out.path().to_str().unwrap(), "--format", "scores-csv"];
    let output = osee(&[&args[..], &more].concat()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let mut board = Board::new();
    let mut reader = csv::Reader::from_reader(&output.stdout[..]);
    let names = reader.headers().unwrap().clone();
    for record in reader.records() {
        let record = record.unwrap();
        for (name, cell) in names.iter().zip(&record).skip(1) {
            board.entry(name.to_owned()).or_default().push(cell.to_owned());
        }
    }
    (output.status.code(), board, said)
}

/// The widths without a score; widths count from 1.
fn failed(column: &[String]) -> Vec<usize> {
    assert_eq!(column.len(), 7);
    (1..=7).filter(|width| column[width - 1].is_empty()).collect()
}

fn row(name: &str, id: &str, settings: &str) -> String {
    format!("[[estimators]]\nid = {id:?}\nname = {name:?}\nsettings = {{ {settings} }}\n")
}

/// Rows for every way to sample.
fn samplers() -> String {
    [
        row("uniform", "one_shot", "sampler = \"uniform\""),
        row("deiso", "one_shot", ""),
        row("fair", "one_shot", "sampler = \"fair\""),
        row("kept", "one_shot", "sampler = \"uniform\", keep = 0.5, keep_after = 1"),
        row("evolved", "one_shot_controller", "population = 3, update_every = 1"),
        row("blind", "blind", ""),
    ]
    .concat()
}

#[test]
fn a_supernet_is_trained_without_what_makes_no_network() {
    let folder = tempfile::tempdir().unwrap();
    for none in [1, 4] {
        let (code, board, said) = run(folder.path(), &format!("none = {none}"), &samplers());
        assert_eq!(code, Some(8), "{said}");
        assert_eq!(board.len(), 6);
        for (name, column) in &board {
            assert_eq!(failed(column), [none], "{name}: {said}");
            let why = format!(
                "{name}: 1 x error, such as: `{none}` makes no network: plugin libuneven.so, export \
                 `uneven`: graph of {none}: it was taken out"
            );
            assert!(said.contains(&why), "{name}: {said}");
        }
    }
}

#[test]
fn a_network_that_does_not_fit_the_images_is_a_failure_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let rows = samplers() + &row("norm", "grad_norm", "") + &row("params", "params", "");
    for (settings, width, why) in [
        ("few = 7", 7, "digits has 10 classes, the network 5"),
        ("few = 1", 1, "digits has 10 classes, the network 5"),
        ("odd = 7, side = 3", 7, "the network takes [3, 3, 3]"),
    ] {
        let (code, board, said) = run(folder.path(), settings, &rows);
        assert_eq!(code, Some(8), "{settings}: {said}");
        let misfit = format!("the network of `{width}` does not fit the images: ");
        for (name, column) in &board {
            // A count of parameters needs no images.
            let expected: &[usize] = if name == "params" { &[] } else { &[width] };
            assert_eq!(failed(column), expected, "{settings}: {name}: {said}");
        }
        for words in [&misfit, why] {
            assert_eq!(said.matches(words).count(), board.len() - 1, "{settings}: {said}");
        }
    }
    // Images are resized to each network's input.
    let (code, board, said) = run(folder.path(), "odd = 7, side = 4", &rows);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(board.len(), 8);
}

#[test]
fn a_study_is_refused_where_no_network_fits_and_where_nothing_can_be_trained() {
    let folder = tempfile::tempdir().unwrap();
    let (list, plugin) = (folder.path().join("list.txt"), fixture("uneven"));
    fs::write(&list, "7\n").unwrap();
    let own = ["--plugin", plugin.to_str().unwrap(), "--allow-unpinned", "--data", "digits"];
    let out = folder.path().join("out");
    let refused = |space: &str, more: &[&str]| {
        let args = ["run", "--space", space, "--out", out.to_str().unwrap(), "--batch-size", "16"];
        support::fail(&[&args[..], &own, more].concat())
    };
    let archs = ["--archs", list.to_str().unwrap(), "--set", "few=7"];
    let study = folder.path().join("study.toml");
    let of_study = ["--study", study.to_str().unwrap()];
    for estimator in ["grad_norm", "blind"] {
        fs::write(&study, format!("{TRAINING}{}", row(estimator, estimator, ""))).unwrap();
        let (code, said) = refused("uneven", &[&archs[..], &of_study].concat());
        assert!(code == 6 && said.contains("10 classes, the network 5"), "{code}: {said}");
    }
    for (sampler, id) in [
        ("uniform", "one_shot"),
        ("deiso", "one_shot"),
        ("fair", "one_shot"),
        ("uniform", "one_shot_controller"),
    ] {
        let row = row("mine", id, &format!("sampler = {sampler:?}"));
        let training = TRAINING.replace("epochs = 3", "epochs = 30");
        fs::write(&study, format!("{training}{row}")).unwrap();
        let all = ["--archs", "all"];
        let (code, said) = refused("untrainable", &[&of_study[..], &all].concat());
        let why = "`mine` cannot be trained: untrainable has no architecture that can be trained";
        assert!(code == 3 && said.contains(why), "{sampler}: {code}: {said}");
        assert!(!said.contains("`without`"), "{sampler}: {said}");
    }
    assert!(!out.exists());
}

/// A row of a benchmark does not depend on which other networks are trained.
#[test]
fn a_benchmark_trains_each_network_on_images_of_its_own_size() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let build = |name: &str, list: &str, settings: &str| {
        fs::write(at("list.txt"), list).unwrap();
        let text = format!(
            "plugins = [{:?}]\nseeds = [0, 1]\ndata = \"digits\"\n[space]\nid = \"uneven\"\n\
             settings = {{ {settings} }}\n[architectures]\nfile = \"list.txt\"\n[training]\n\
             epochs = 2\nimages = 64\nbatch_size = 16\nvalidation_images = 32\n",
            fixture("uneven")
        );
        fs::write(at("bench.toml"), text).unwrap();
        let (study, out) = (at("bench.toml"), at(name));
        let args = ["bench", "build", "--study", study.to_str().unwrap(), "--allow-unpinned"];
        let output = osee(&[&args[..], &["--out", out.to_str().unwrap()]].concat()).output();
        let output = output.unwrap();
        let table = fs::read_to_string(out.join("table.csv")).unwrap_or_default();
        let log = fs::read_to_string(out.join("trainings-1-of-1.jsonl")).unwrap_or_default();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), table, log, said)
    };
    let row_of = |table: &str| {
        let line = table.lines().find(|line| line.starts_with("7,"));
        line.unwrap_or_else(|| panic!("{table}")).to_owned()
    };
    let small = "odd = 7, side = 4";
    let (code, among, _, said) = build("among", "3\n7\n5\n", small);
    assert_eq!(code, Some(0), "{said}");
    let (_, alone, ..) = build("alone", "7\n", small);
    assert_eq!(row_of(&among), row_of(&alone));
    let (_, whole, ..) = build("whole", "7\n", "");
    assert_ne!(row_of(&alone), row_of(&whole), "small images are others");

    for (name, settings, why) in [
        ("odd", "odd = 7, side = 3", "the network takes [3, 3, 3]"),
        ("few", "few = 7", "digits has 10 classes, the network 5"),
        ("none", "none = 7", "export `uneven`: graph of 7: it was taken out"),
    ] {
        let (code, table, log, said) = build(name, "7\n3\n", settings);
        assert_eq!(code, Some(8), "{name}: {said}");
        assert_eq!(log.matches(why).count(), 2, "{name}: {log}");
        // An architecture that only the images do not fit still has its counts.
        assert!(row_of(&table).ends_with(",,,,,,,,,,,"), "{name}: {table}");
        let (code, table, _, said) = build(&format!("{name}-alone"), "7\n", settings);
        assert!(code.is_some_and(|code| code == 3 || code == 6), "{name}: {said}");
        assert!(said.contains(why) && table.is_empty(), "{name}: {said}");
    }
}
