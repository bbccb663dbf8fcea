//! `osee-host data` as a user meets it: exit codes, proxies, pip, and downloads
//! that are stopped or killed.

use crate::support;
use crate::support::server::{Server, send, send_slowly};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The folder of original files; `None`, with a note, if there is none.
fn mirror() -> Option<PathBuf> {
    let folder = support::data()?.parent()?.join("mirror");
    if !folder.exists() {
        support::skipped("there is no mirror beside the data");
        return None;
    }
    Some(folder)
}

/// `osee-host data` with this home, and no network but the loopback.
fn data(home: &Path, args: &[&str]) -> Command {
    let mut command = support::osee(&["data"]);
    for name in ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command
        .args(args)
        .env("OSEE_DATA", home)
        .env_remove("OSEE_DATA_MIRROR")
        .env("https_proxy", "http://127.0.0.1:1")
        .env("no_proxy", "127.0.0.1");
    command
}

fn ended(output: &Output) -> (i32, String) {
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Starts a command, and waits until `bytes` of the file `part` have arrived.
fn begun(mut command: Command, part: &Path, bytes: u64) -> Child {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while fs::metadata(part).map_or(0, |it| it.len()) < bytes {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing came in");
        thread::sleep(Duration::from_millis(20));
    }
    child
}

#[test]
fn a_fetch_that_is_stopped_or_killed_goes_on() {
    let Some(mirror) = mirror() else { return };
    let file = "xiusu/NAS-Bench-Macro/61a2bfc2ca0dce04d0997e6cf498047c27d6acf2/data/\
                nas-bench-macro_cifar10.json";
    let bytes = fs::read(mirror.join(file)).unwrap();
    let own = bytes.clone();
    let server = Server::new(move |asked, to| match asked.nth {
        0 | 1 => send_slowly(asked, &own, 20_000, to),
        _ => send(asked, &own, to),
    });
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let part = home.join("incoming/nb-macro/nas-bench-macro_cifar10.json.part");
    let command = || {
        let mut command = data(home, &["fetch", "nb-macro"]);
        command.env("OSEE_DATA_MIRROR", server.address("/m"));
        command
    };
    // First it is told to stop.
    let child = begun(command(), &part, 100_000);
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let (code, said) = ended(&child.wait_with_output().unwrap());
    assert_eq!(code, 9, "{said}");
    assert!(said.contains("stopped; what was downloaded is kept"), "{said}");
    let first = fs::metadata(&part).unwrap().len();
    // Then it is killed.
    let mut child = begun(command(), &part, first + 100_000);
    child.kill().unwrap();
    child.wait().unwrap();
    let second = fs::metadata(&part).unwrap().len();
    let (code, said) = ended(&command().output().unwrap());
    assert_eq!(code, 0, "{said}");
    let from: Vec<Option<usize>> = server.asked().iter().map(|it| it.from).collect();
    assert_eq!(from, [None, Some(first as usize), Some(second as usize)]);
    assert_eq!(server.asked()[0].path, format!("/m/{file}"));
    let output = data(home, &["path", "nb-macro"]).output().unwrap();
    let path = String::from_utf8(output.stdout).unwrap();
    assert_eq!(path, format!("{}\n", home.join("nb-macro/nb-macro.csv").display()));
    assert!(output.stderr.is_empty());
    assert!(!home.join("incoming/nb-macro").exists());
}

#[test]
fn a_proxy_is_used_for_what_is_not_near() {
    let Some(mirror) = mirror() else { return };
    let proxy = Server::new(move |asked, to| {
        let path = asked.path.split("/m/").nth(1).unwrap_or_default();
        send(asked, &fs::read(mirror.join(path)).unwrap_or_default(), to);
    });
    let folder = tempfile::tempdir().unwrap();
    let mut command = data(folder.path(), &["fetch", "nds-resnet"]);
    command.env_remove("https_proxy").env("http_proxy", proxy.address(""));
    command.env("OSEE_DATA_MIRROR", "http://mirror.invalid/m");
    let (code, said) = ended(&command.output().unwrap());
    assert_eq!((code, proxy.asked().len()), (0, 1), "{said}");
}

#[test]
fn exit_codes_tell_tables_images_and_names_apart() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let run = |args: &[&str]| ended(&data(home, args).output().unwrap());
    for (args, expected, why) in [
        (&["fetch", "nb201"][..], 7, "iso_dict.txt cannot be fetched"),
        (&["fetch", "cifar10"], 6, "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz: "),
        (&["fetch", "--offline", "nb201"], 7, "not asked, because of --offline"),
        (&["fetch", "--offline", "nb201-analog"], 7, "pypi:analog-nasbench==0.1.3: not asked"),
        (&["fetch", "nb301"], 7, "osee-host data import nb301 FILE"),
        (&["fetch", "imagenet16-120"], 6, "osee-host data import imagenet16-120 FOLDER"),
        (&["fetch", "taskonomy"], 6, "by request"),
        (&["import", "taskonomy", "."], 6, "by request"),
        (&["fetch", "nb202"], 3, "did you mean `nb201`?"),
        (&["path", "nb201"], 7, "osee-host data fetch nb201"),
        (&["path", "cifar100"], 6, "osee-host data fetch cifar100"),
        (&["verify", "nb201"], 7, "osee-host data fetch nb201"),
        (&["remove", "nb201"], 7, "it is not in"),
        (&["import", "nb201", "/nonexistent"], 7, "/nonexistent"),
        (&["import", "nb201", "/etc/hostname"], 7, "several are needed: iso_dict.txt, nats-"),
        (&["import", "cifar10", "."], 6, "data_batch_1.bin"),
        (&["import", "imagenet16-120", "/etc/hostname"], 6, "the folder that they are in"),
    ] {
        let (code, said) = run(args);
        assert_eq!(code, expected, "{args:?}: {said}");
        assert!(said.contains(why), "{args:?}: {said}");
    }
    // A data set that fails does not keep the command from trying the others.
    let (code, said) = run(&["fetch", "--offline", "cifar10", "nb201"]);
    assert_eq!(code, 6);
    assert!(said.contains("error: cifar10: ") && said.contains("error: nb201: "), "{said}");
    let (code, said) = run(&["verify"]);
    assert_eq!(code, 0);
    assert!(said.contains("there is no data set in"), "{said}");
    let output = data(home, &["list"]).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    assert!(list.contains("nb201-analog   table   fetch, 2.9 MB"), "{list}");
    assert!(list.contains("nb301          table   import "), "{list}");
}

#[test]
fn pip_that_fails_is_told_and_its_file_is_not_believed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let python = folder.path().join("bin/python3");
    fs::create_dir(folder.path().join("bin")).unwrap();
    let run = |script: &str| {
        fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = data(&folder.path().join("home"), &["fetch", "nb201-analog"]);
        let paths = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{paths}", folder.path().join("bin").display()));
        ended(&command.output().unwrap())
    };
    for (script, why) in [
        (
            "echo 'WARNING: slow' >&2; echo 'ERROR: No matching distribution' >&2; exit 1",
            "ERROR: No matching distribution",
        ),
        ("exit 0", "it gave another file"),
        (
            // The name that the catalogue gives the file, in the folder that pip is told to use.
            "while [ \"$1\" != --dest ]; do shift; done\n\
             echo x > \"$2/analog_nasbench-0.1.3-py3-none-any.whl\"",
            "has 2 bytes, but 2882438 are expected",
        ),
    ] {
        let (code, said) = run(script);
        assert_eq!(code, 7, "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!folder.path().join("home/nb201-analog").exists());
        assert!(!folder.path().join("home/incoming/nb201-analog/.pip").exists());
    }
}
