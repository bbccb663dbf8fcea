use super::*;
use crate::row::Checkpoint;
use osee_model::protocol::{Normalisation, Protocol, Weights};
use std::{ffi::OsString, os::unix::ffi::OsStringExt};

fn read(text: &str) -> Result<Study, StudyError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.toml");
    std::fs::write(&path, text).unwrap();
    Study::read(&path).map(|(study, _)| study)
}

#[test]
fn an_embedded_table_has_no_folder() {
    let study = read("[truth]\nfile = \"embedded:nb201-digits\"\n").unwrap();
    assert_eq!(study.truth.unwrap().table, TableSource::Embedded("nb201-digits".to_owned()));
    let study = read("[truth]\nfile = \"t.csv\"\n").unwrap();
    assert!(study.truth.unwrap().table.path().is_absolute());
}

#[test]
fn a_table_is_asked_for_by_name_or_by_path() {
    for (table, name) in [
        ("nb201", true),
        ("nb201:cifar100", true),
        ("embedded:nb201-digits", true),
        ("nb201.csv", false),
        ("nb201.csv.gz", false),
        ("./nb201", false),
        ("data/nb201:x", false),
        ("nb201.parquet", true),
    ] {
        let is_file = matches!(TableSource::of(Path::new(table)), TableSource::File(_));
        assert_eq!(is_file, !name, "{table}");
        let short = read(&format!("truth = \"{table}\"\n")).unwrap();
        let long = read(&format!("[truth]\nfile = \"{table}\"\n")).unwrap();
        // Each was read in a folder of its own, and paths are relative to that folder.
        let [short, long] = [short, long].map(|study| study.truth.unwrap());
        assert_eq!(short.table.path().is_absolute(), !name, "{table}");
        assert_eq!(short.table.path().file_name(), long.table.path().file_name());
        assert_eq!(TruthChoice { table: long.table.clone(), ..short }, long);
    }
    let wrong = read("truth = 3\n").unwrap_err().to_string();
    assert!(wrong.contains("the name or the path of a table"), "{wrong}");
    let wrong = read("[truth]\nfile = \"nb201\"\ncolum = \"x\"\n").unwrap_err().to_string();
    assert!(wrong.contains("colum") && wrong.contains("line 3"), "{wrong}");
}

#[test]
fn rows_of_a_truth_are_chosen_by_what_stands_in_a_column() {
    let text = "[truth]\nfile = \"t.csv\"\nwhere = { task = \"jigsaw\" }\n";
    let study = read(text).unwrap();
    assert_eq!(toml::from_str::<Study>(&study.to_toml()).unwrap(), study);
    let filters = study.truth.unwrap().filters();
    assert_eq!(filters, ["task=jigsaw".parse().unwrap()]);
}

#[test]
fn an_empty_study_is_a_whole_one_and_survives_writing() {
    let study = read("").unwrap();
    assert_eq!(study, Study::default());
    assert_eq!(toml::from_str::<Study>(&study.to_toml()).unwrap(), study);
}

#[test]
fn every_field_can_stand_alone_or_says_what_it_needs() {
    for text in [
        "name = \"a\"",
        "shard = \"1/2\"",
        "plugins = [\"a.so\"]",
        "seeds = [3]",
        "device = \"cuda:0\"",
        "data = \"digits\"",
        "[space]\nid = \"nds-resnet\"",
        "[space]\nsettings = { channels = 4 }",
        "[space.settings]\nchannels = 4",
        "[architectures]\ncount = 3",
        "[architectures]\nfile = \"a.txt\"",
        "[architectures]\njudged = true",
        "[architectures]\nunique = true",
        "[architectures]\nseed = 3",
        "[architectures]\nneighbours = 3",
        "[protocol]\npreset = \"naswot\"",
        "[protocol]\nbatch_size = 32",
        "[protocol]\nbatches = 2",
        "[protocol]\nimages = \"train-shuffled\"",
        "[protocol]\naugment = true",
        "[protocol]\nweights = \"standalone\"",
        "[protocol]\ninit = \"pytorch\"",
        "[training]\npreset = \"small\"",
        "[training]\nepochs = 3",
        "[training]\nspace = { channels = 4 }",
        "[truth]\nfile = \"t.csv\"",
        "[[estimators]]\nid = \"params\"",
    ] {
        let study = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_ne!(study, Study::default(), "{text}");
        study.protocol.resolve(None).unwrap();
        assert_eq!(toml::from_str::<Study>(&study.to_toml()).unwrap(), study, "{text}");
    }
    let batch = read("[protocol]\nbatch_size = 32").unwrap().protocol;
    assert_eq!((batch.preset.as_str(), batch.batch_size), ("paper", Some(32)));
    let named = read("estimators = [\"fast\", { id = \"zen\", name = \"z\" }]").unwrap().estimators;
    let zen = EstimatorChoice { name: Some("z".to_owned()), ..EstimatorChoice::plain("zen") };
    assert_eq!(named, [EstimatorChoice::plain("fast"), zen]);
    let wrong = read("estimators = [3]").unwrap_err().to_string();
    assert!(wrong.contains("the id of an estimator or a group"), "{wrong}");
    let space = read("[space]\nsettings = { channels = 4 }").unwrap().space;
    assert_eq!((space.id.as_str(), space.settings["channels"].clone()), ("nb201", 4.into()));
    for (text, needs) in [
        ("[truth]", "file"),
        ("[truth]\ncolumn = \"acc\"", "file"),
        ("[[estimators]]\nname = \"a\"", "id"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{needs}`")), "{error}");
        assert!(error.contains("line 1"), "{error}");
    }
}

#[test]
fn a_field_that_changes_nothing_beside_another_is_refused() {
    let said = |text: &str| match read(text) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let list = "[architectures]\nfile = \"a.txt\"\n";
    let counted = said(&format!("{list}count = 20"));
    assert!(counted.contains("[architectures] `count` has no effect"), "{counted}");
    for text in [
        list.to_owned(),
        format!("{list}unique = true"),
        format!("{list}judged = true"),
        "[architectures]\nseed = 3".to_owned(),
        format!("{list}neighbours = 3\nseed = 3"),
        "[architectures]\ncount = 3\njudged = true\nseed = 3".to_owned(),
        "[architectures]\nneighbours = 3\nseed = 3".to_owned(),
        "data = \"digits\"\n[protocol]\naugment = true".to_owned(),
        "[protocol]\nbatches = 2\ninit = \"pytorch\"".to_owned(),
    ] {
        assert_eq!(said(&text), "", "{text}");
    }
}

#[test]
fn a_study_says_its_version_and_a_newer_one_is_refused() {
    assert_eq!(read("version = 1\n").unwrap(), Study::default());
    for version in ["2", "0", "-1", "0x2", "99999999999999999999"] {
        let said = read(&format!("version = {version}\nnew_field = 3\n")).unwrap_err().to_string();
        assert!(
            said.contains(&format!("has version {}", version.trim_start_matches("0x"))),
            "{said}"
        );
        assert!(said.contains("versions up to 1"), "{said}");
    }
    assert!(read("version = \"1\"\n").unwrap_err().to_string().contains("invalid type"));
    assert!(Study::default().to_toml().starts_with("version = 1\n"));
}

#[test]
fn keys_with_hyphens_are_read_and_told() {
    let old = "[protocol]\nbatch-size = 32\n[training]\nkeep-every = 3\nspace = { a-b = 1 }\n\
               [[estimators]]\nid = \"x\"\nsettings = { batch-size = 4 }\n\
               training = { \"max-norm\" = 1.0 }\n[space.settings]\nkeep-every = 5\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.toml");
    std::fs::write(&path, old).unwrap();
    let (study, told) = Study::read(&path).unwrap();
    assert_eq!(told, ["batch-size", "keep-every", "\"max-norm\""]);
    assert_eq!((study.protocol.batch_size, study.training.keep_every), (Some(32), Some(3)));
    assert_eq!(study.estimators[0].training.max_norm, Some(1.0));
    assert_eq!(study.training.space["a-b"], 1.into());
    assert_eq!(study.estimators[0].settings["batch-size"], 4.into());
    assert_eq!(study.space.settings["keep-every"], 5.into());
    assert!(!study.to_toml().contains("keep-every = 3"));
    // The error names the line of the file as written.
    std::fs::write(&path, old.replace("keep-every = 3", "keep-evry = 3")).unwrap();
    let said = Study::read(&path).unwrap_err().to_string();
    assert!(said.contains("line 4") && said.contains("keep_evry"), "{said}");
}

#[test]
fn a_row_has_a_name_and_a_study_knows_its_rows() {
    let nameless = read("[[estimators]]\nid = \"params\"\nname = \" \"\n");
    let wrong = nameless.unwrap_err().to_string();
    assert!(wrong.contains("`params` has an empty name"), "{wrong}");
    let study = read("[[estimators]]\nid = \"one_shot\"\nname = \"loss\"\n").unwrap();
    study.check().unwrap();
    let row = |name: &str, of: Option<&str>| {
        let checkpoint_of = of.map(|row| Checkpoint { row: row.to_owned(), epoch: 40 });
        RowKey { name: name.to_owned(), checkpoint_of, ..crate::store::tests::key() }
    };
    let rows = [("loss", None), ("loss@40", Some("loss")), ("loss@40", None), ("one_shot", None)];
    let asked = rows.map(|(name, of)| study.asks_for(&row(name, of)));
    assert_eq!(asked, [true, true, false, false]);
    assert!(Study::default().asks_for(&row("anything", None)));
}

#[test]
fn unknown_fields_and_presets_are_named() {
    let wrong = read("[space]\nid = \"nb201\"\nsetings = {}\n").unwrap_err().to_string();
    assert!(wrong.contains("setings") && wrong.contains("line 3"), "{wrong}");
    let study = read("[protocol]\npreset = \"naswott\"\n").unwrap();
    let wrong = study.protocol.resolve(None).unwrap_err().to_string();
    assert_eq!(wrong, "there is no preset `naswott`; did you mean `naswot`?");
}

#[test]
fn changes_override_the_preset() {
    let study = read("[protocol]\npreset = \"paper\"\nbatch_size = 64\n").unwrap();
    let protocol = study.protocol.resolve(None).unwrap();
    assert_eq!((protocol.batch_size, protocol.weights), (64, Weights::Supernet));
}

#[test]
fn pixel_statistics_are_the_studys_then_the_data_sets_then_the_presets() {
    let own = |mean| Normalisation { mean: [mean; 3], std: [1.0; 3] };
    let set = own(0.25);
    let preset = ProtocolChoice::default();
    let kept = Protocol::preset("paper").unwrap().normalisation;
    assert_eq!(preset.resolve(None).unwrap().normalisation, kept);
    assert_eq!(preset.resolve(Some(set)).unwrap().normalisation, set);
    let study = ProtocolChoice { normalisation: Some(own(0.5)), ..preset };
    assert_eq!(study.resolve(Some(set)).unwrap().normalisation, own(0.5));
}

#[test]
fn paths_need_not_be_utf_8() {
    let folder = PathBuf::from(OsString::from_vec(b"/caf\xe9".to_vec()));
    let mut study = Study { data: "cifar10:images".parse().unwrap(), ..Study::default() };
    study.plugins = vec!["libx.so".into()];
    study.architectures.file = Some("archs.txt".into());
    study.rebase(&folder);
    let read: Study = toml::from_str(&study.to_toml()).unwrap();
    assert_eq!(read, study);
    assert_eq!(read.plugins, [folder.join("libx.so")]);
    assert_eq!(read.architectures.file, Some(folder.join("archs.txt")));
    assert_eq!(read.data.folder, Some(folder.join("images")));
}

#[test]
fn folders_of_images_are_relative_to_the_study() {
    let mut study = Study { data: "cifar100:images".parse().unwrap(), ..Study::default() };
    study.rebase(Path::new("/studies"));
    assert_eq!(
        (study.data.to_string(), study.data.kind),
        ("cifar100:/studies/images".to_owned(), "cifar100".to_owned())
    );
}
