//! What has no effect, cannot be done, or would leave its folder is refused before
//! anything is computed.

use crate::support;
use crate::support::{SMALL, fail, osee};
use std::{fs, path::PathBuf};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Checks that a command on a study of this text, in a folder of its own, is refused.
    fn refused(&self, command: &[&str], text: &str, code: i32, words: &str) {
        let (study, out) = (self.at("study.toml"), self.at("out"));
        fs::write(&study, text).unwrap();
        let more = ["--study", study.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let output = osee(&[command, &more].concat()).current_dir(self.0.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}: {said}");
        assert!(said.contains(words), "{text}: {said}");
        assert!(!out.exists(), "{text}");
    }
}

#[test]
fn numbers_that_no_memory_holds_are_refused() {
    let place = Place::new();
    let out = place.at("out");
    let small = [&["run", "--out", out.to_str().unwrap()][..], &SMALL].concat();
    let run = |more: &[&str]| fail(&[&small[..], more].concat());
    let (code, said) = fail(&["run", "--space", "nb301", "--archs", "100000000000"]);
    assert!(code == 3 && said.contains("at most 20000000 can be listed"), "{code}: {said}");
    // A space with fewer architectures is listed to its end.
    let (code, said) = run(&["--archs", "100000000000"]);
    assert!(code == 3 && said.contains("were asked for, there are 15625"), "{code}: {said}");
    let images = "needs 1000000000000 images, but there are 50000";
    let (code, said) = run(&["--archs", "3", "--batch-size", "1000000000000"]);
    assert!(code == 6 && said.contains(images), "{code}: {said}");
    let (code, said) = run(&["--archs", "3", "--batch-size", "18446744073709551615"]);
    assert!(code == 6 && said.contains("images, but there are 50000"), "{code}: {said}");
    let (code, said) = run(&["--archs", "3", "--torch-threads", "4294967297"]);
    assert!(code == 2 && said.contains("from 1 to 1024"), "{code}: {said}");

    let (code, said) = run(&["--archs", "3", "--workers", "18446744073709551615"]);
    assert!(code == 2 && said.contains("from 1 to 1024"), "{code}: {said}");
    let tables = ["criteria", "--scores", "a.csv", "--truth", "a.csv", "--key", "arch"];
    let (code, said) = fail(&[&tables[..], &["--resamples", "1000000000000"]].concat());
    assert!(code == 2 && said.contains("from 0 to 10000000"), "{code}: {said}");

    let row = |settings: &str| format!("[[estimators]]\nid = \"one_shot\"\n{settings}\n");
    let trend = format!("[training]\nepochs = 1000000\nkeep_every = 1\n{}", row("trend = true"));
    place.refused(&["plan"], &trend, 3, "`one_shot` has `trend`, a row for every kept epoch");
    let samples = row("settings = { sampler = \"uniform\", samples = 1000000000000 }");
    place.refused(
        &["plan"],
        &samples,
        3,
        "`samples` of estimator `one_shot` must be at least 1 and at most 10000",
    );
    let tournament = row("settings = { tournament = 1000000000000 }");
    let tournament = tournament.replace("one_shot", "one_shot_controller");
    let said = "`tournament` of estimator `one_shot_controller` must be at least 1 and at most";
    place.refused(&["plan"], &tournament, 3, said);
}

#[test]
fn names_stay_in_their_place_and_on_their_line() {
    let place = Place::new();
    for (name, words) in [
        ("../../evil", "has a `/`"),
        ("/tmp/x", "has a `/`"),
        ("", "is empty"),
        (" ", "is empty"),
        (".", "is that of another folder"),
        ("..", "is that of another folder"),
        ("two\\nlines", "has a line break"),
    ] {
        place.refused(&["run"], &format!("name = \"{name}\"\n"), 3, words);
        let bench = format!("name = \"{name}\"\ndata = \"digits\"\n[space]\nid = \"nb201\"\n");
        place.refused(&["bench", "build"], &bench, 3, words);
    }
    for name in ["two\\nlines", "a\\tb", "\\u001b[31m"] {
        let row = format!("[[estimators]]\nid = \"params\"\nname = \"{name}\"\n");
        place.refused(&["run"], &row, 3, "of a row has a line break");
    }
}

#[test]
fn settings_of_samplers_that_change_nothing_are_refused() {
    let place = Place::new();
    let row = |settings: &str| {
        format!(
            "[training]\nepochs = 2\nspace = {{ channels = 2, cells = 1 }}\n[[estimators]]\n\
             id = \"one_shot\"\nsettings = {{ {settings} }}\n"
        )
    };
    let fair = row("sampler = \"fair\", keep = 0.5");
    place.refused(&["plan"], &fair, 3, "`sampler = \"fair\"` is about the epochs before `keep`");
    for nothing in [",", " ", " , ,"] {
        let without = row(&format!("without = {nothing:?}"));
        place.refused(&["plan"], &without, 3, "must be words separated by commas");
    }
    let preset = "[training]\npreset = \"smal\"\n[[estimators]]\nid = \"params\"\n";
    place.refused(&["plan"], preset, 3, "did you mean `small`?");
}

/// A bench study of these architectures and this training.
fn bench(architectures: &str, training: &str) -> String {
    format!(
        "data = \"digits\"\n[space]\nid = \"nb201\"\n\
         settings = {{ channels = 2, cells = 1, image_size = 8 }}\n\
         [architectures]\ncount = 2\n{architectures}\n[training]\nepochs = 2\n{training}\n"
    )
}

#[test]
fn what_a_benchmark_never_uses_is_refused_by_its_name() {
    let place = Place::new();
    for (training, words) in [
        ("cutout = 64", "`cutout` of [training] is 64; it must be below the side of the images, 8"),
        ("cutout = 8", "`cutout` of [training] is 8"),
        ("keep_every = 1", "`keep_every` of [training] is about supernets"),
        ("observe = 1", "`observe` of [training] is about supernets"),
        ("schedule = { kind = \"plateau\", factor = 1.0, patience = 0 }", "`factor` is above 0"),
        ("schedule = { kind = \"cosine\", last = 0.2 }", "below the first, 0.1"),
        ("validation_batch_size = 5000", "is 5000, and there are 797 images that are judged"),
        ("validation_batch_size = 798", "is 798, and there are 797"),
    ] {
        place.refused(&["bench", "build"], &bench("", training), 3, words);
    }
    let neighbours = "`neighbours` are for the analysis of a run by operation";
    place.refused(&["bench", "build"], &bench("neighbours = 2", ""), 3, neighbours);
    let judged = "a benchmark cannot have one, for it is what makes one";
    place.refused(&["bench", "build"], &bench("judged = true", ""), 3, judged);
}

#[test]
fn a_bench_study_is_called_after_its_file_and_trains_with_seed_0() {
    let place = Place::new();
    let (study, out) = (place.at("digits-small.toml"), place.at("out"));
    // The largest batch that makes a difference.
    let few = "images = 100\nvalidation_images = 50\nvalidation_batch_size = 797";
    fs::write(&study, bench("", few)).unwrap();
    let args = ["bench", "build", "--study", study.to_str().unwrap(), "--out"];
    support::run(&[&args[..], &[out.to_str().unwrap()]].concat());
    let card = fs::read_to_string(out.join("card.md")).unwrap();
    assert!(card.starts_with("# digits-small\n"), "{card}");
    assert!(
        card.contains("2 architectures of `nb201`, each trained alone with seeds [0]"),
        "{card}"
    );
}

#[test]
fn a_study_of_the_digits_alone_has_networks_that_fit_them() {
    let place = Place::new();
    let (study, out) = (place.at("study.toml"), place.at("out"));
    let run = |text: &str, more: &[&str]| {
        fs::write(&study, text).unwrap();
        let _ = fs::remove_dir_all(&out);
        let args = ["run", "--study", study.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let text = support::run(&[&args[..], &["--estimators", "params,flops"], more].concat());
        (text, fs::read_to_string(out.join("study.toml")).unwrap())
    };
    let digits = "data = \"digits\"\n";
    let (text, _) = run(digits, &["--archs", "12"]);
    assert!(text.contains("12 architectures of nb201"), "{text}");
    assert!(text.contains("embedded:nb201-digits, test accuracy on 8 x 8"), "{text}");
    // What the study says is kept.
    let (text, kept) = run(&format!("{digits}[architectures]\ncount = 7\nunique = true\n"), &[]);
    assert!(text.contains("7 architectures of nb201"), "{text}");
    assert!(kept.contains("image_size = 8") && kept.contains("unique = true"), "{kept}");
    let (_, kept) = run(digits, &["--archs", "5", "--set", "image_size=4"]);
    assert!(!kept.contains("channels = 8") && !kept.contains("nb201-digits"), "{kept}");
}
