//! Faults that happen on many machines: each is named, and none loses data.

use crate::support;
use crate::support::shards::{bytes, run_args, shard, study, units};
use crate::support::{fail, osee};
use osee_core::{
    shard::Shard,
    store::{Store, StoreWriter},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn a_shard_that_is_missing_damaged_or_of_another_plugin_is_named_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let out = folder.path().join("out");
    for number in 1..=5 {
        shard(&study, &out, number);
    }
    let part = |number| out.join(Shard::new(number, 5).unwrap().folder());
    let merge = || {
        let done = osee(&["merge", out.to_str().unwrap()]).output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    // The shard is half copied.
    let file = part(3).join("results.sqlite");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (code, said) = merge();
    assert!(code == Some(9) && said.contains("left out"), "{said}");
    assert!(said.contains("damaged or was copied in part"), "{said}");
    // The shard is missing.
    fs::rename(part(3), folder.path().join("elsewhere")).unwrap();
    let (code, said) = merge();
    assert!(code == Some(9) && said.contains("shard 3/5: its directory"), "{said}");
    fs::rename(folder.path().join("elsewhere"), part(3)).unwrap();
    fs::write(&file, &whole).unwrap();

    // The shard comes from a node with another build of a plugin.
    let before = fs::read(out.join("results.sqlite")).unwrap();
    let connection = rusqlite::Connection::open(&file).unwrap();
    let other = "UPDATE row SET key = json_set(key, '$.estimator.plugin_sha256', 'other')
         WHERE json_extract(key, '$.name') = 'synflow'";
    assert_eq!(connection.execute(other, []).unwrap(), 1);
    drop(connection);
    let (code, said) = merge();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("`synflow` is not the same in"), "{said}");
    assert!(said.contains("plugin (its SHA-256) differs") && said.contains("shard-3-of-5"));
    assert!(said.contains("nothing was merged"), "{said}");
    assert_eq!(fs::read(out.join("results.sqlite")).unwrap(), before);
    fs::write(&file, &whole).unwrap();
    assert_eq!(merge().0, Some(0));
}

#[test]
fn two_processes_on_one_shard_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let out = folder.path().join("out");
    let args = run_args(&study, &out, &["--shard", "1/2"]);
    assert!(osee(&args).output().unwrap().status.success());
    let dir = out.join("shard-1-of-2");
    let resolved = Store::open(&dir).unwrap().study().unwrap();
    let writer = StoreWriter::open(&dir, &resolved).unwrap();
    let (code, said) = fail(&args);
    assert!(code == 5 && said.contains("another osee-host is writing"), "{said}");
    drop(writer);
    // Rerun when everything is stored, the same command computes nothing.
    assert!(osee(&args).output().unwrap().status.success());
    // Another partition of the same study lies beside it and does not interfere.
    let other = run_args(&study, &out, &["--shard", "1/3"]);
    assert!(osee(&other).output().unwrap().status.success());
}

/// Runs osee-host after the shell command `limit`.
fn limited(limit: &str, args: &[&str]) -> (i32, String) {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{limit}; exec \"$@\""), "bash", crate::support::program()]);
    let plain = osee(args);
    command.args(args).envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let done = command.output().unwrap();
    (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn when_nothing_can_be_written_any_more_what_was_stored_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let [one, out] = ["one", "out"].map(|name| folder.path().join(name));
    support::run(&run_args(&study, &one, &[]));
    let args = run_args(&study, &out, &["--workers", "1"]);
    // Files of at most 300 KiB are enough for the list, but not for the results.
    let (code, said) = limited("trap '' XFSZ; ulimit -f 300", &args);
    assert!(code == 5 && said.contains("what was stored is kept"), "{code}: {said}");
    let kept = units(&out);
    println!("{kept} units were stored: {said}");
    support::run(&args);
    assert_eq!(bytes(&one), bytes(&out));
}

/// Needs root, to mount a small file system that soon is full.
#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let [one, small] = ["one", "small"].map(|name| folder.path().join(name));
    fs::create_dir(&small).unwrap();
    let mount = |options: &str| {
        let args = ["-t", "tmpfs", "-o", options, "osee", small.to_str().unwrap()];
        Command::new("mount").args(args).output().is_ok_and(|output| output.status.success())
    };
    if !mount("size=400k") {
        support::skipped("a file system cannot be mounted");
        return;
    }
    let _unmounted = Unmount(small.clone());
    support::run(&run_args(&study, &one, &[]));
    let out = small.join("out");
    let args = run_args(&study, &out, &["--workers", "1"]);
    let (code, said) = fail(&args);
    assert!(code == 5 && said.contains("what was stored is kept, so make room"), "{code}: {said}");
    println!("{} units were stored: {said}", units(&out));
    assert!(mount("remount,size=20m"));
    support::run(&args);
    assert_eq!(bytes(&one), bytes(&out));
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn output_that_cannot_be_written_is_named() {
    // Nobody, not even root, can make a folder there.
    let out = Path::new("/proc/osee/out");
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let (code, said) = fail(&run_args(&study, out, &["--shard", "1/2"]));
    assert!(code == 5 && said.contains("cannot write to /proc/osee/out/shard-1-of-2"), "{said}");
    let shards = folder.path().join("shards");
    shard(&study, &shards, 1);
    let part = shards.join("shard-1-of-5");
    let (code, said) = fail(&["merge", out.to_str().unwrap(), part.to_str().unwrap()]);
    assert!(code == 5 && said.contains("cannot write to /proc/osee/out"), "{said}");
}
