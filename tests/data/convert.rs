//! Converts every data set of the catalogue from its original files, where they
//! are available, and compares it with tables that were made in another way.

use crate::support;
use osee_host::{
    catalog::{Catalog, Entry, Home, import},
    stop::Stop,
};
use serde_json::json;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// `osee-host data` with this home and no network.
fn data(home: &Path, args: &[&str]) -> Command {
    let mut command = support::osee(&["data"]);
    command.args(args).env("OSEE_DATA", home).env_remove("OSEE_DATA_MIRROR");
    command.env("https_proxy", "http://127.0.0.1:1");
    command
}

fn output(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The cells of a table, by column.
fn columns(path: &Path) -> HashMap<String, Vec<String>> {
    let bytes = fs::read(path).unwrap();
    let mut text = Vec::new();
    match path.extension().is_some_and(|it| it == "gz") {
        true => {
            let mut from = flate2::read::GzDecoder::new(bytes.as_slice());
            std::io::copy(&mut from, &mut text).unwrap();
        }
        false => text = bytes,
    }
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    for record in reader.records() {
        for (name, cell) in names.iter().zip(record.unwrap().iter()) {
            columns.entry(name.clone()).or_default().push(cell.to_owned());
        }
    }
    columns
}

/// Checks that two columns are equal to nine digits; rows are matched by their keys.
fn equal(ours: (&[String], &[String]), theirs: (&[String], &[String])) {
    assert_eq!(ours.0.len(), theirs.0.len());
    let by_key: HashMap<&String, &String> = theirs.0.iter().zip(theirs.1).collect();
    assert_eq!(by_key.len(), theirs.0.len(), "keys are distinct");
    for (key, own) in ours.0.iter().zip(ours.1) {
        let other = by_key[key];
        let (a, b): (f64, f64) = (own.parse().unwrap(), other.parse().unwrap());
        assert!((a - b).abs() <= 1e-8 * b.abs().max(1.0), "{key}: {own} {other}");
    }
}

#[test]
fn tables_from_the_mirror_are_those_made_of_the_same_files_in_another_way() {
    let Some(shared) = support::data() else { return };
    let mirror = shared.join("../mirror");
    if !mirror.exists() {
        support::skipped("there is no mirror beside the data");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let names =
        ["nb201", "nds-resnet", "nds-resnext-a", "nb-macro", "tnb101-micro", "tnb101-macro"];
    let mut fetch = data(&home, &[&["fetch"][..], &names].concat());
    // The mirror's path is relative to where the command runs.
    fetch.current_dir(&shared).env("OSEE_DATA_MIRROR", "../mirror");
    output(fetch);
    let said = output(data(&home, &["verify"]));
    assert_eq!(said.matches("as they were written").count(), names.len(), "{said}");
    let table = |name: &str| {
        let path = output(data(&home, &["path", name]));
        (columns(Path::new(path.trim_end())), path.trim_end().to_owned())
    };

    let (nb201, nb201_path) = table("nb201");
    let truth = columns(&shared.join("nb201/nb201_gt.csv.gz"));
    assert_eq!(nb201["arch_str"].len(), 15_625);
    assert_eq!(nb201["arch_str"], truth["arch_str"]);
    for (own, other) in nb201["c10_test_hp200_v10"].iter().zip(&truth["c10_test_hp200_v10"]) {
        let (own, other): (f64, f64) = (own.parse().unwrap(), other.parse().unwrap());
        assert!((own - other).abs() < 1e-5, "{own} {other}");
    }
    for (column, file) in
        [("nats_c10", "cifar10"), ("nats_c100", "cifar100"), ("nats_in16", "ImageNet16-120")]
    {
        let other = columns(&shared.join(format!("nb201_zcp/nb201_freerea_{file}.csv.gz")));
        let index: Vec<String> = (0..15_625).map(|it: i32| it.to_string()).collect();
        equal((&index, &nb201[column]), (&other["index"], &other["accuracies"]));
    }

    let mut paths = vec![("nb201", nb201_path)];
    for (name, file) in [("nds-resnet", "resnet_5k_3seed"), ("nds-resnext-a", "resnexta_5k")] {
        let (own, path) = table(name);
        let other = columns(&shared.join(format!("nds/{file}.csv.gz")));
        assert_eq!(own["test_acc"].len(), 5_000);
        let settings = own.keys().filter(|it| it.ends_with(['0', '1', '2']));
        for column in settings.chain([&"params".to_owned(), &"flops".to_owned()]) {
            assert_eq!(own[column], other[column], "{column}");
        }
        for (own, other) in own["test_acc"].iter().zip(&other["test_acc"]) {
            let (own, other): (f64, f64) = (own.parse().unwrap(), other.parse().unwrap());
            assert!((own - other).abs() < 1e-6, "{own} {other}");
        }
        paths.push((name, path));
    }

    let (own, _) = table("nb-macro");
    let other = columns(&shared.join("nbmacro/nbmacro_6561.csv.gz"));
    assert_eq!(own["arch"].len(), 6_561);
    for column in ["acc_s0", "acc_s1", "acc_s2", "params", "flops"] {
        equal((&own["arch"], &own[column]), (&other["arch"], &other[column]));
    }
    for (name, file, rows) in
        [("tnb101-micro", "tnb101_micro", 4_096), ("tnb101-macro", "tnb101_macro", 3_256)]
    {
        let (own, _) = table(name);
        let other = columns(&shared.join(format!("tnb101/{file}_truth.csv.gz")));
        assert_eq!((own["arch"].len(), own.len()), (rows, 8));
        for column in other.keys().filter(|it| *it != "arch") {
            equal((&own["arch"], &own[column]), (&other["arch"], &other[column]));
        }
    }

    // Tables of a bundled space are accepted as its truth. A check counts what is missing,
    // which takes minutes in the large spaces; a plan joins the table as well.
    support::run(&["truth", "check", "nb201", "--truth", &paths[0].1]);
    for (space, path) in &paths[1..] {
        let study = format!("{}/../studies/{space}.toml", env!("CARGO_MANIFEST_DIR"));
        let plan = support::run(&["plan", "--study", &study, "--data", "noise", "--truth", path]);
        assert!(plan.contains("units: 200"), "{plan}");
    }
    // The mirror's folder can be imported as well.
    let again = folder.path().join("again");
    output(data(&again, &["import", "nb201", mirror.to_str().unwrap()]));
    let path = output(data(&again, &["path", "nb201"]));
    assert_eq!(fs::read(path.trim_end()).unwrap(), fs::read(&paths[0].1).unwrap());
}

#[test]
fn what_is_imported_from_extracts_is_the_table_as_it_was() {
    let Some(shared) = support::data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for (name, path, rows) in [
        ("nb101-1shot1", "nb101/paper_1shot1_sub3_5k.csv.gz", 5_000),
        ("nb101-mean", "nb101/nb101_full_423624.csv.gz", 423_624),
        ("nb301", "nb301/paper_anchor_5896.csv.gz", 5_896),
        ("autoformer", "transformers/autoformer_inherited3003.csv.gz", 3_003),
        ("lts", "transformers/lts.csv.gz", 1_121),
        ("nas-bench-bert", "transformers/flexibert500.csv.gz", 500),
    ] {
        let path = shared.join(path);
        output(data(home, &["import", name, path.to_str().unwrap()]));
        let own = output(data(home, &["path", name]));
        let (own, other) = (columns(Path::new(own.trim_end())), columns(&path));
        assert!(own.values().all(|column| column.len() == rows), "{name}");
        assert!(own == other, "{name}");
    }
    for (study, name) in [("nb101", "nb101-1shot1"), ("nb301", "nb301")] {
        let study = format!("{}/../studies/{study}.toml", env!("CARGO_MANIFEST_DIR"));
        let path = output(data(home, &["path", name]));
        let args = ["plan", "--study", &study, "--data", "noise", "--truth", path.trim_end()];
        let plan = support::run(&[&args[..], &["--duplicates", "mean"]].concat());
        assert!(plan.contains("units: "), "{plan}");
    }

    // Several files become one table.
    let part = |path: &str| shared.join(path).to_str().unwrap().to_owned();
    output(data(home, &["import", "hw-nas-bench", &part("nb201")]));
    let own = columns(Path::new(output(data(home, &["path", "hw-nas-bench"])).trim_end()));
    assert_eq!((own.len(), own["arch_str"].len()), (31, 15_625));
    let truth = columns(&shared.join("nb201/nb201_gt.csv.gz"));
    let other = columns(&shared.join("nb201/nb201_hwnasbench_cifar100.csv.gz"));
    assert_eq!(own["fpga_energy_cifar100"], other["fpga_energy"]);
    let mut cells = [own["arch_str"].clone(), truth["arch_str"].clone()];
    for cells in &mut cells {
        cells.sort();
    }
    assert_eq!(cells[0], cells[1]);
    let at = own["arch_str"].iter().position(|it| {
        it == "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    });
    assert_eq!(other["net"][at.unwrap()], "(4, 3, 3, 0, 0, 0)");

    output(data(home, &["import", "vitbench101", &part("transformers")]));
    let own = columns(Path::new(output(data(home, &["path", "vitbench101"])).trim_end()));
    assert_eq!(own["space"].len(), 300);
    let pit = columns(&shared.join("transformers/vitbench101_pit.csv.gz"));
    let autoformer = columns(&shared.join("transformers/vitbench101_autoformer.csv.gz"));
    assert_eq!((own["space"][99].as_str(), own["space"][100].as_str()), ("pit", "autoformer"));
    assert_eq!(own["c100_base_acc"][..100], pit["c100_base_acc"]);
    assert_eq!(own["hidden_dim"][100..], autoformer["hidden_dim"]);
    assert_eq!(own["hidden_dim"][0], "");

    // A file is imported into the place of a data set that it does not belong to.
    let error =
        data(home, &["import", "nb301", &part("transformers/lts.csv.gz")]).output().unwrap();
    let said = String::from_utf8_lossy(&error.stderr).into_owned();
    assert_eq!(error.status.code(), Some(7), "{said}");
    assert!(said.contains("has no column `genotype`"), "{said}");
    output(data(home, &["verify", "nb301"]));
}

#[test]
fn analog_is_fetched_by_pip_and_equals_the_digital_truth_in_rank() {
    let folder = tempfile::tempdir().unwrap();
    let mut fetch = support::osee(&["data", "fetch", "nb201-analog"]);
    fetch.env("OSEE_DATA", folder.path()).env_remove("OSEE_DATA_MIRROR");
    let Output { status, stderr, .. } = fetch.output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    if status.code() == Some(7) && said.contains("pip") && said.contains("cannot be fetched") {
        support::skipped(&format!("PyPI cannot be reached: {said}"));
        return;
    }
    assert!(status.success(), "{said}");
    let path = output(data(folder.path(), &["path", "nb201-analog"]));
    let own = columns(Path::new(path.trim_end()));
    assert_eq!((own["arch_str"].len(), own.len()), (15_625, 1 + 5 + 16));
    let at = own["arch_str"].iter().position(|it| {
        it == "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
    });
    let cell = |column: &str| own[column][at.unwrap()].as_str();
    assert_eq!(
        [cell("baseline_accuracy"), cell("noisy_accuracy"), cell("baseline_drift_60")],
        ["60.7836", "10.0", "10.0"]
    );
    support::run(&[
        "truth",
        "check",
        "nb201",
        "--truth",
        path.trim_end(),
        "--truth-column",
        "baseline_accuracy",
    ]);
    let Some(shared) = support::data() else { return };
    let truth = shared.join("nb201/nb201_gt.csv.gz");
    let args = ["criteria", "--key", "arch_str", "--scores", path.trim_end(), "--resamples", "0"];
    let more = ["--truth", truth.to_str().unwrap(), "--truth-column", "c10_test_hp200_v10"];
    let more = [&more[..], &["--score-column", "baseline_accuracy", "--format", "json"]].concat();
    let found: serde_json::Value =
        serde_json::from_str(&support::run(&[&args[..], &more].concat())).unwrap();
    let kd = found["rows"][0]["kd"].as_f64().unwrap();
    assert!((kd - 0.920).abs() < 0.0005, "{kd}");
}

#[test]
fn images_are_imported_from_a_folder_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    for at in 1..=5 {
        let file = fs::File::create(own.join(format!("data_batch_{at}.bin"))).unwrap();
        file.set_len(10_000 * 3073).unwrap();
    }
    fs::write(own.join("notes.txt"), "mine").unwrap();
    let home = folder.path().join("home");
    output(data(&home, &["import", "cifar10", own.to_str().unwrap()]));
    let path = output(data(&home, &["path", "cifar10"]));
    assert_eq!(path, format!("{}\n", home.join("cifar10").display()));
    assert!(home.join("cifar10/cifar-10-batches-bin/data_batch_5.bin").is_file());
    assert!(!home.join("cifar10/cifar-10-batches-bin/notes.txt").exists());
    output(data(&home, &["verify", "cifar10"]));
    // A label that the data set does not have.
    let bytes = fs::read(own.join("data_batch_2.bin")).unwrap();
    fs::write(own.join("data_batch_2.bin"), [&[10], &bytes[1..]].concat()).unwrap();
    let again = data(&home, &["import", "cifar10", own.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(again.status.code(), Some(6), "{said}");
    assert!(said.contains("own/data_batch_2.bin"), "{said}");
    output(data(&home, &["verify", "cifar10"]));
    output(data(&home, &["remove", "cifar10"]));
    assert!(!home.join("cifar10").exists() && own.join("data_batch_2.bin").exists());
}

/// A TFRecord file of these rows.
fn tfrecord(rows: &[Vec<u8>]) -> Vec<u8> {
    // CRC-32C, bit by bit.
    let crc = |bytes: &[u8]| {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
            }
        }
        (!crc).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
    };
    let mut file = Vec::new();
    for row in rows {
        let length = (row.len() as u64).to_le_bytes();
        file.extend([&length[..], &crc(&length), row, &crc(row)].concat());
    }
    file
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |part: &[u8]| {
        let bits = part.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - part.len()));
        let digit = |at: usize| match at <= part.len() {
            true => DIGITS[(bits >> (18 - 6 * at)) as usize & 63] as char,
            false => '=',
        };
        [digit(0), digit(1), digit(2), digit(3)]
    };
    bytes.chunks(3).flat_map(group).collect()
}

/// A training in the form in which NAS-Bench-101 stores it.
fn training(hash: &str, epochs: u64, adjacency: &str, operations: &str, test: f64) -> Vec<u8> {
    let evaluation = |epoch: f64, validation: f64, test: f64| {
        let numbers = [(1, epoch), (2, 9.5), (3, 1.0), (4, validation), (5, test)];
        let fields = numbers.map(|(at, value)| [&[at << 3 | 1], &value.to_le_bytes()[..]].concat());
        let body = [fields.concat(), [&[6 << 3 | 2, 4], &b"path"[..]].concat()].concat();
        [&[1 << 3 | 2, body.len() as u8], body.as_slice()].concat()
    };
    let metrics = [
        evaluation(0.0, 0.1, 0.1),
        evaluation(54.0, 0.5, 0.5),
        evaluation(108.0, test + 0.01, test),
        // A field of 300 parameters.
        vec![2 << 3, 0xac, 0x02],
        [&[3 << 3 | 1], &1e3f64.to_le_bytes()[..]].concat(),
    ];
    let row = json!([hash, epochs, adjacency, operations, base64(&metrics.concat())]);
    serde_json::to_vec(&row).unwrap()
}

#[test]
fn nasbench_101_is_read_from_its_official_file_whose_layout_is_checked() {
    let text = "[[entry]]\nname = \"nb101\"\ntitle = \"two cells\"\nkind = \"table\"\nrows = 2\n\
                converter = \"nb101\"\nlicence = \"l\"\ncitation = \"c\"\norigin = \"o\"\n\
                file = [{ name = \"nasbench_only108.tfrecord\" }]\n";
    let entry: Entry = Catalog::parse(text).unwrap().find("nb101").unwrap().clone();
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("home"));
    let file = folder.path().join("made.tfrecord");
    let get = |bytes: &[u8]| -> Result<PathBuf, String> {
        fs::write(&file, bytes).unwrap();
        import(&entry, &file, &home, &Stop::default())
            .and_then(|_| home.located(&entry))
            .map_err(|error| error.to_string())
    };
    let a = |test| training("aa", 108, "010001000", "input,conv3x3-bn-relu,output", test);
    let b = |test| {
        training("bb", 108, "0100001000010000", "input,maxpool3x3,conv1x1-bn-relu,output", test)
    };
    let rows = [a(0.9), b(0.5), a(0.8), a(0.85), b(0.6), b(0.7)];
    let path = get(&tfrecord(&rows)).unwrap();
    assert_eq!(
        fs::read_to_string(path).unwrap(),
        "hash,adjacency_rows,interior_ops,trainable_parameters,\
         val_acc_108ep,val_acc_108ep_s0,val_acc_108ep_s1,val_acc_108ep_s2,\
         test_acc_108ep,test_acc_108ep_s0,test_acc_108ep_s1,test_acc_108ep_s2\n\
         aa,010|001|000,conv3x3,300,0.86,0.91,0.81,0.86,0.85,0.9,0.8,0.85\n\
         bb,0100|0010|0001|0000,\"maxpool3x3,conv1x1\",300,0.61,0.51,0.61,0.71,0.6,0.5,0.6,0.7\n"
    );
    let good = tfrecord(&rows);
    let mut damaged = good.clone();
    damaged[40] ^= 1;
    let with = |row: Vec<u8>| tfrecord(&[a(0.9), row]);
    let operations = "input,conv3x3-bn-relu,output";
    for (bytes, why) in [
        (good[..good.len() - 5].to_vec(), "ends within a record"),
        (damaged, "the checksum of a record is wrong"),
        (b"arch,acc\n0,1\n".to_vec(), "is not a TFRecord"),
        (tfrecord(&rows[..5]), "has 2 trainings of cell bb, but 3 are expected"),
        (tfrecord(&[a(0.9), a(0.8), a(0.7)]), "the table has 1 rows, but 2 are expected"),
        (with(training("aa", 36, "010001000", operations, 0.5)), "is of 36 epochs"),
        (with(training("aa", 108, "0100010", operations, 0.5)), "no matrix of 3 vertices"),
        (with(training("aa", 108, "012001000", operations, 0.5)), "no matrix of 3 vertices"),
        (with(training("aa", 108, "011001000", operations, 0.5)), "the hash of another cell"),
        (with(training("aa", 108, "010001000", "input,conv5x5,output", 0.5)), "other operations"),
        (with(training("aa", 108, "010001000", operations, 1.5)), "metrics of another form"),
        (with(b"[1]".to_vec()), "is not a row"),
    ] {
        let error = get(&bytes).unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
    // What was there before is unchanged.
    home.verify(&entry, &Stop::default()).unwrap();
}
