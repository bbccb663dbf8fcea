//! A benchmark's table is the same whichever process trained which part of it, and
//! training again gives the same numbers.

use crate::support;
use std::{fs, path::Path, thread, time::Duration};

/// A study of eight architectures with two seeds; takes a second or two in all.
fn study(folder: &Path, epochs: u32) -> String {
    let file = folder.join(format!("study-{epochs}.toml"));
    let text = format!(
        "name = \"test\"\nseeds = [0, 7]\ndata = \"digits\"\n\
         [space]\nid = \"nb201\"\nsettings = {{ channels = 2, cells = 1, image_size = 8 }}\n\
         [architectures]\ncount = 8\nunique = true\n\
         [training]\nepochs = {epochs}\nimages = 200\nvalidation_images = 100\n"
    );
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn build<'a>(study: &'a str, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let args = ["bench", "build", "--study", study, "--out", out.to_str().unwrap()];
    [&args[..], more].concat()
}

fn tables(out: &Path) -> [String; 2] {
    ["table.csv", "curves.csv"].map(|name| fs::read_to_string(out.join(name)).unwrap())
}

#[test]
fn the_table_does_not_depend_on_workers_shards_or_kills() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 2);
    let [one, two, sharded, killed] =
        ["one", "two", "sharded", "killed"].map(|name| folder.path().join(name));
    support::run(&build(&study, &one, &["--workers", "1"]));
    support::run(&build(&study, &two, &["--workers", "2"]));
    let whole = tables(&one);
    assert_eq!(whole, tables(&two));
    // Eight rows with a header, and 8 x 2 x 2 epochs with one.
    assert_eq!(whole.each_ref().map(|text| text.lines().count()), [9, 33]);

    // Each shard runs on its own machine, and their files are copied together.
    fs::create_dir(&sharded).unwrap();
    for shard in ["2", "3", "1"] {
        let own = folder.path().join(format!("shard-{shard}"));
        support::run(&build(&study, &own, &["--shard", &format!("{shard}/3")]));
        assert!(!own.join("table.csv").exists(), "a shard has no whole table");
        let name = format!("trainings-{shard}-of-3.jsonl");
        fs::copy(own.join(&name), sharded.join(&name)).unwrap();
    }
    support::run(&build(&study, &sharded, &[]));
    assert_eq!(whole, tables(&sharded));
    let added = fs::read_to_string(sharded.join("trainings-1-of-1.jsonl")).unwrap();
    assert_eq!(added.lines().count(), 1, "all was there: {added}");

    for moment in [150, 300, 450] {
        let mut child = support::osee(&build(&study, &killed, &[])).spawn().unwrap();
        thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    support::run(&build(&study, &killed, &[]));
    assert_eq!(whole, tables(&killed));
}

#[test]
fn training_again_gives_the_tables_numbers_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let own = study(folder.path(), 2);
    support::run(&build(&own, &out, &[]));
    let table = out.join("table.csv");
    let check = |study: &str| {
        ["bench", "check", table.to_str().unwrap(), "--study", study, "--rows", "3"]
            .map(str::to_owned)
    };
    let args = check(&own);
    let said = support::run(&args.each_ref().map(String::as_str));
    // Parameters, FLOPs, and four columns with a mean and two seeds each.
    assert_eq!(
        said,
        "42 of 42 numbers of 3 architectures with 2 seeds are the table's\n\
         30 of 30 parameters, FLOPs and means of the other 5 are right\n"
    );
    let none = ["bench", "check", table.to_str().unwrap(), "--study", &own, "--rows", "0"];
    assert_eq!(support::fail(&none).0, 2);
    // One more epoch makes another benchmark.
    let args = check(&study(folder.path(), 3));
    let (code, said) = support::fail(&args.each_ref().map(String::as_str));
    assert_eq!(code, 7);
    assert!(said.contains("was not made by this study"), "{said}");
    let other = study(folder.path(), 3);
    let (code, said) = support::fail(&build(&other, &out, &[]));
    assert_eq!(code, 5);
    assert!(said.contains("trainings of another benchmark"), "{said}");
    assert_eq!(fs::read_to_string(&table).unwrap().lines().count(), 9);
}

/// A benchmark that was built, and its table.
struct Built {
    folder: tempfile::TempDir,
    study: String,
    text: String,
}

impl Built {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let study = study(folder.path(), 2);
        support::run(&build(&study, &out, &[]));
        let text = fs::read_to_string(out.join("table.csv")).unwrap();
        Self { folder, study, text }
    }

    /// Checks `text` as the benchmark's table. Returns the exit code and the output.
    fn check(&self, text: &str, rows: &str) -> (Option<i32>, String) {
        let table = self.folder.path().join("table.csv");
        fs::write(&table, text).unwrap();
        let table = table.to_str().unwrap();
        let args = ["bench", "check", table, "--study", &self.study, "--rows", rows];
        let output = support::osee(&args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

#[test]
fn a_table_with_columns_written_over_or_rows_of_another_study_is_not_confirmed() {
    let built = Built::new();
    let text = &built.text;
    let check = |text: String| built.check(&text, "2");
    let lines: Vec<&str> = text.lines().collect();
    // Changes means, parameters and FLOPs, and leaves the results of single seeds.
    let names: Vec<&str> = lines[0].split(',').collect();
    let over = |line: &&str| {
        let cells = line.split(',').zip(&names);
        let cells = cells.map(|(cell, name)| match *name {
            "arch" => cell,
            name if name.contains("_s") => cell,
            _ => "1.2345",
        });
        cells.collect::<Vec<_>>().join(",") + "\n"
    };
    let changed: String = lines[1..].iter().map(over).collect();
    let (code, said) = check(format!("{}\n{changed}", lines[0]));
    assert_eq!(code, Some(7), "{said}");
    // Two rows of fourteen numbers, six of which belong to no seed and are wrong.
    assert!(said.contains("16 of 28 numbers"), "{said}");
    for column in ["params", "flops", "test_accuracy", "test_loss"] {
        assert!(said.contains(&format!(" {column}: 1.2345 in the table")), "{column}: {said}");
    }
    // Architectures that the table lacks are not drawn, so both of its rows are.
    let (code, said) = check(lines[..3].join("\n"));
    assert!(code == Some(0) && said.contains("28 of 28"), "{said}");
    let foreign = lines[1].replacen("none", "nor_conv_3x3", 1).replacen("skip_connect", "none", 1);
    assert!(!text.contains(&foreign));
    let (code, said) = check(format!("{text}{foreign}\n"));
    assert!(code == Some(7) && said.contains("1 rows of the table are of arch"), "{said}");
}

#[test]
fn a_mean_that_is_not_its_seeds_is_found_in_rows_that_are_not_drawn() {
    let built = Built::new();
    let mut rows: Vec<Vec<&str>> =
        built.text.lines().map(|line| line.split(',').collect()).collect();
    let mean = rows[0].iter().position(|name| *name == "validation_loss").unwrap();
    rows.iter_mut().skip(1).for_each(|row| row[mean] = "9.0000");
    let text: String = rows.iter().map(|row| row.join(",") + "\n").collect();
    let (code, said) = built.check(&text, "1");
    assert_eq!(code, Some(7), "{said}");
    // One in the row that was drawn, and seven in the others.
    assert_eq!(said.matches(" validation_loss: 9 in the table").count(), 8, "{said}");
    assert!(said.contains("35 of 42 parameters, FLOPs and means of the other 7"), "{said}");
}

/// A table whose rows are failures is right if training fails again.
#[test]
fn rows_of_failures_are_confirmed_and_said_to_be_such() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path().join("out"), study(folder.path(), 2));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}learning_rate = 1e30\nmax_norm = 0.0\n")).unwrap();
    let (code, said) = support::fail(&build(&file, &out, &[]));
    assert_eq!(code, 8, "{said}");
    let table = out.join("table.csv");
    let args = ["bench", "check", table.to_str().unwrap(), "--study", &file, "--rows", "2"];
    let said = support::run(&args);
    assert!(said.contains("4 of 4 numbers of 2 architectures"), "{said}");
    assert!(said.contains("no training of them came to its end, as the table says"), "{said}");
    // These trainings do not confirm numbers of another table.
    let other = fs::read_to_string(&table).unwrap().replacen("flops", "flops,test_loss_s0", 1);
    let other: String = other.lines().map(|line| line.to_owned() + ",0.5\n").collect();
    fs::write(&table, other).unwrap();
    assert_eq!(support::fail(&args).0, 7);
}

/// Some seeds diverge while others of the same network continue.
#[test]
fn a_lost_seed_is_empty_cells_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path().join("out"), study(folder.path(), 2));
    let text = fs::read_to_string(&file).unwrap();
    let steep = "batch_size = 10\nlearning_rate = 40.0\nmax_norm = 0.0\n";
    fs::write(&file, format!("{text}{steep}")).unwrap();
    // The second call reads what the first one kept.
    for _ in 0..2 {
        let (code, said) = support::fail(&build(&file, &out, &[]));
        assert_eq!(code, 8, "{said}");
    }
    let table = fs::read_to_string(out.join("table.csv")).unwrap();
    let lost = |row: &&str| row.split(',').filter(|cell| cell.is_empty()).count();
    let lost: Vec<usize> = table.lines().skip(1).map(|row| lost(&row)).collect();
    // Of 12 numbers, a diverged seed costs its own and the means; the other seed's remain.
    assert!(lost.contains(&8), "{table}");
}
