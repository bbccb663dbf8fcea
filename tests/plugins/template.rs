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
