//! The study file, as its reader sees it.

use super::*;

fn read(text: &str) -> Result<Study, StudyError> {
    Study::from_toml(text, Path::new("my.toml"), Path::new("/studies"))
}

/// An error with its causes, as the user reads it.
fn complaint(text: &str) -> String {
    let error = read(text).unwrap_err();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}

const FULL: &str = r#"
name = "full"
plugins = ["../libmine.so"]
seeds = [20, 2020]
device = "cuda:0"
data = "cifar10:../data"
[space]
id = "nb201"
settings = { channels = 8, bn = false, ratio = 0.5 }
[architectures]
file = "archs.txt"
unique = false
seed = 7
[protocol]
preset = "naswot"
batch_size = 64
space = { affine = true }
[truth]
file = "gt.csv.gz"
column = "acc"
[[estimators]]
id = "synflow"
[[estimators]]
id = "synflow"
name = "synflow_log"
settings = { log = true }
"#;

#[test]
fn a_short_file_is_filled_with_defaults() {
    assert_eq!(
        read("[space]\nid = 'nb201'").unwrap(),
        Study::default_for("nb201")
    );
}

#[test]
fn relative_paths_start_at_the_study_file() {
    let study = read(FULL).unwrap();
    assert_eq!(study.data.to_string(), "cifar10:/studies/../data");
    assert_eq!(
        study.architectures,
        Architectures::File("/studies/archs.txt".into())
    );
    assert_eq!(
        study.truth.unwrap().file,
        PathBuf::from("/studies/gt.csv.gz")
    );
}

#[test]
fn overrides_change_a_preset_and_keep_the_rest() {
    let protocol = read(FULL).unwrap().protocol;
    let naswot = Protocol::preset("naswot").unwrap();
    assert_eq!(protocol.batch_size, 64);
    assert_eq!(protocol.space["affine"], Value::Bool(true));
    assert_eq!(protocol.space["classes"], naswot.space["classes"]);
    assert_eq!(protocol.normalisation, naswot.normalisation);
}

#[test]
fn what_is_written_reads_as_the_same_study() {
    for text in [FULL.to_owned(), "[space]\nid = 'x'".to_owned()]
        .into_iter()
        .chain(Protocol::PRESETS.map(|preset| {
            format!("[space]\nid = 'x'\n[architectures]\nall = true\n[protocol]\npreset = '{preset}'")
        }))
    {
        let study = read(&text).unwrap();
        let again = Study::from_toml(&study.to_toml(), Path::new("x"), Path::new("/elsewhere"));
        assert_eq!(again.unwrap(), study);
    }
}

#[test]
fn an_unknown_key_is_placed_and_the_nearest_named() {
    assert_eq!(
        complaint("[space]\nid = 'x'\n\n[architectures]\n  cuont = 3"),
        "my.toml:5:3: unknown field `cuont`, expected one of `count`, `all`, `file`, `unique`, \
         `seed`; did you mean `count`?"
    );
}

#[test]
fn a_wrong_type_and_broken_toml_are_placed() {
    assert!(complaint("seeds = 3\n[space]\nid='x'").starts_with("my.toml:1:9: invalid type"));
    assert!(complaint("[space\nid='x'").starts_with("my.toml:1:7: "));
}

#[test]
fn an_unknown_preset_names_the_nearest() {
    assert_eq!(
        complaint("[space]\nid='x'\n[protocol]\npreset='nasslib'"),
        "in study file my.toml: `protocol.preset`: there is no preset `nasslib`; did you mean \
         `naslib`?; presets are paper, zero-cost-nas, naswot, naslib"
    );
}

#[test]
fn what_no_study_can_have_is_refused() {
    for (text, words) in [
        ("seeds = []\n[space]\nid='x'", "at least one seed"),
        ("seeds = [3, 3]\n[space]\nid='x'", "given twice"),
        ("data = 'mnist'\n[space]\nid='x'", "neither `noise` nor"),
        ("[space]\nid='x'\n[architectures]\ncount=0", "at least 1"),
        ("[space]\nid='x'\n[architectures]\ncount=3\nall=true", "only one of"),
        ("[space]\nid='x'\n[protocol]\nbatch_size=0", "batch_size"),
        ("[space]\nid='x'\n[[estimators]]\nid='a'\n[[estimators]]\nid='a'", "two rows"),
    ] {
        assert!(complaint(text).contains(words), "{}", complaint(text));
    }
}

#[test]
fn only_what_changes_results_makes_another_study() {
    let study = read(FULL).unwrap();
    let mut moved = study.clone();
    moved.data = Data::Cifar10("/elsewhere".into());
    moved.device = "cpu".to_owned();
    moved.seeds.push(1);
    assert_eq!(study.identity(), moved.identity());
    moved.protocol.batch_size = 32;
    assert_ne!(study.identity(), moved.identity());
}
