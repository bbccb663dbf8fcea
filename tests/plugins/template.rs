//! `plugin new` writes complete crates; `.ci/template` builds them.

use crate::support::{fail, run};
use std::{fs, path::Path};

/// Every file under `folder`.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_kind_is_a_whole_crate() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["zero-shot", "one-shot", "baseline", "meta", "space"] {
        let into = folder.path().join(kind);
        let said =
            run(&["plugin", "new", "my-own", "--kind", kind, "--into", into.to_str().unwrap()]);
        assert!(said.contains("--plugin target/release/libmy_own.so"), "{said}");
        let files = files(&into);
        assert_eq!(files.len(), 9, "{files:?}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("{%"), "{}: {text}", file.display());
            assert!(!text.contains("{{") || text.contains("{{ "), "{}: {text}", file.display());
            if file.extension().is_some_and(|e| e == "toml" || e == "lock") {
                text.parse::<toml::Table>().unwrap();
            }
        }
        let (study, _) = osee_core::study::Study::read(&into.join("osee.toml")).unwrap();
        assert_eq!(study.space.id, if kind == "space" { "my_own" } else { "nb201" });
        assert_eq!(study.like.as_deref(), (kind != "space").then_some("default"));
        let lines = fs::read_to_string(into.join("src").join(kind.replace('-', "_") + ".rs"));
        assert!(kind == "space" || lines.unwrap().lines().count() <= 40);
    }
}

#[test]
fn what_cannot_be_a_crate_is_refused_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("thesis.tex"), "precious").unwrap();
    let own = own.to_str().unwrap();
    let none = folder.path().join("none");
    let none = none.to_str().unwrap();
    let (code, said) = fail(&["plugin", "new", "mine", "--into", own]);
    assert!(code == 3 && said.contains("is not empty; nothing was written"), "{said}");
    for name in ["", "9lives", "My", "a/b", "../up"] {
        let (code, said) = fail(&["plugin", "new", name, "--into", own]);
        assert!(code == 3 && said.contains("is not a crate name"), "{name}: {said}");
    }
    let (code, said) = fail(&["plugin", "new", "self", "--into", none]);
    assert!(
        code == 3 && said.contains("a plugin cannot be called `self`: that word is reserved"),
        "{said}"
    );
    let taken = [
        ("zero-shot", "synflow", "`synflow`, which is the id of a bundled estimator"),
        ("zero-shot", "nb201", "`nb201`, which is the id of a bundled search space"),
        ("one-shot", "grad-norm", "`grad_norm`, which is the id of a bundled estimator"),
        ("baseline", "params", "`params`, which is the id of a bundled estimator"),
        ("meta", "vote", "`vote`, which is the id of a bundled estimator"),
        ("space", "synflow", "`synflow`, which is the id of a bundled estimator"),
        ("space", "nb201", "`nb201`, which is the id of a bundled search space"),
    ];
    for (kind, name, what) in taken {
        let (code, said) = fail(&["plugin", "new", name, "--kind", kind, "--into", none]);
        assert!(code == 3 && said.contains(what), "{name} {kind}: {said}");
    }
    let (code, said) = fail(&["plugin", "new", "mine", "--sdk", "/nowhere", "--into", none]);
    assert!(code == 3 && said.contains("say where with --sdk"), "{said}");
}
