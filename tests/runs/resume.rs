//! A run that is killed again and again gives the same leaderboard, and
//! computes nothing twice that was stored.

use crate::support;
use std::{fs, os::unix::fs::FileExt, path::Path, thread, time::Duration};

fn study(out: &Path) -> Vec<String> {
    let mut args = vec!["run".to_owned()];
    args.extend(support::SMALL.map(str::to_owned));
    for arg in ["--archs", "40", "--unique", "--seeds", "0,1", "--workers", "2", "--out"] {
        args.push(arg.to_owned());
    }
    args.push(out.to_str().unwrap().to_owned());
    args
}

fn boards(out: &Path) -> [String; 2] {
    ["json", "scores-csv"].map(|format| {
        support::run(&["leaderboard", out.to_str().unwrap(), "--no-timing", "--format", format])
    })
}

/// The milliseconds of every stored score; they would differ if one were recomputed.
fn stored(out: &Path) -> Vec<(usize, u64, f64)> {
    let store = osee_core::store::Store::open(out).unwrap();
    let rows = store.rows().unwrap();
    let all = rows.iter().filter(|(_, key)| !key.is_meta());
    all.flat_map(|(id, _)| store.scores(*id).unwrap())
        .map(|score| (score.arch_index, score.seed, score.milliseconds))
        .collect()
}

#[test]
fn twenty_kills_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let args = study(&whole);
    support::run(&args.iter().map(String::as_str).collect::<Vec<_>>());

    let args = study(&killed);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut moment = 0x2545_f491u64;
    let (mut kills, mut before) = (0, Vec::new());
    while kills < 20 {
        // xorshift gives moments from start-up to a second in.
        moment ^= moment << 13;
        moment ^= moment >> 7;
        moment ^= moment << 17;
        let mut child = support::osee(&args).spawn().unwrap();
        thread::sleep(Duration::from_millis(20 + moment % 700));
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        if killed.join("results.sqlite").exists() {
            let now = stored(&killed);
            assert!(before.iter().all(|score| now.contains(score)), "something was redone");
            before = now;
        }
    }
    println!("{} scores were stored by the twentieth kill", before.len());
    support::run(&args);
    let now = stored(&killed);
    assert!(before.iter().all(|score| now.contains(score)), "something was redone");
    assert_eq!(boards(&whole), boards(&killed));
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let boards = ["1", "3"].map(|workers| {
        let out = folder.path().join(workers);
        let mut args = study(&out);
        let at = args.iter().position(|arg| arg == "--workers").unwrap();
        args[at + 1] = workers.to_owned();
        support::run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        boards(&out)
    });
    assert_eq!(boards[0], boards[1]);
}

/// A protocol may read any image, so changing any makes another data set.
#[test]
fn images_that_changed_are_scored_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("train.bin")).unwrap();
    file.set_len(50_000 * 3074).unwrap();
    let data = format!("cifar100:{}", folder.path().display());
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let mut args = vec!["run", "--archs", "2", "--seeds", "0", "--out", &out];
    args.extend(support::SMALL);
    // A later flag replaces an earlier one.
    args.extend(["--data", &data, "--set", "classes=100", "--estimators", "l2_norm,params"]);
    let images = || -> Vec<String> {
        support::run(&args);
        let store = osee_core::store::Store::open(Path::new(&out)).unwrap();
        let rows = store.rows().unwrap().into_iter();
        rows.filter(|(_, key)| key.name == "l2_norm").flat_map(|(_, key)| key.images).collect()
    };
    assert_eq!(images(), images(), "the same images are the same data");
    // The first pixel of image 110, and the label of the last image.
    let mut known = 1;
    for (image, byte) in [(110, 2), (49_999, 1)] {
        file.write_all_at(&[1], image * 3074 + byte).unwrap();
        known += 1;
        let all = images();
        assert_eq!(all.len(), known, "image {image}: {all:?}");
        let board = support::run(&["leaderboard", &out]);
        assert!(board.contains(all.last().unwrap()), "{board}");
    }
}
