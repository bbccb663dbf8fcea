//! Chooses the libtorch: the one that osee was built for, or another of its
//! version on request.

use crate::support;
use std::{fs, path::Path, process::Command};

/// A folder with an empty library of libtorch's name.
fn fake_libtorch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().join("lib");
    fs::create_dir(&lib).unwrap();
    for name in ["libtorch_cpu.so", "libc10.so", "libtorch.so", "libgomp.so.1"] {
        let soname = format!("-Wl,-soname,{name}");
        let source = folder.path().join("empty.c");
        fs::write(&source, "int fake;\n").unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", &soname, "-o"]).arg(lib.join(name)).arg(source);
        assert!(cc.status().unwrap().success());
    }
    folder
}

#[test]
fn another_libtorch_on_the_library_path_is_not_taken() {
    let fake = fake_libtorch();
    let mut command = support::osee(&["plugin", "list"]);
    let output = command.env("LD_LIBRARY_PATH", fake.path().join("lib")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("grad_norm"));
}

#[test]
fn a_chosen_libtorch_is_taken_if_it_fits() {
    let list = |folder: &Path| {
        let mut args = vec!["run", "--archs", "2", "--estimators", "params", "--seeds", "0"];
        args.extend(support::SMALL);
        let out = tempfile::tempdir().unwrap();
        let run = out.path().join("run");
        args.extend(["--out", run.to_str().unwrap()]);
        let mut command = support::osee(&args);
        let output =
            command.env("OSEE_LIBTORCH", folder).env("OSEE_LOG", "debug").output().unwrap();
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        said += &fs::read_to_string(run.join("worker-0.log")).unwrap_or_default();
        (output.status.code().unwrap_or(-1), said)
    };
    // A folder without a libtorch, one with a fake, and one that states another version.
    let fake = fake_libtorch();
    let (code, said) = list(&fake.path().join("lib/nowhere"));
    assert!(code == 3 && said.contains("has no libtorch_cpu.so"), "{code} {said}");
    let (code, said) = list(fake.path());
    assert!(code == 3 && said.contains("cannot be used") && said.contains("help: "), "{said}");
    fs::write(fake.path().join("build-version"), "2.9.1+cu128\n").unwrap();
    let (code, said) = list(fake.path());
    assert!(code == 3 && said.contains("cannot be used: it is libtorch 2.9.1\n"), "{said}");
    assert!(said.contains("name one of version 2.11.0"), "{said}");
    // A copy of the one in use, which needs no other file.
    let other = tempfile::tempdir().unwrap();
    let lib = other.path().join("lib");
    fs::create_dir(&lib).unwrap();
    for entry in fs::read_dir(support::libtorch().join("lib")).unwrap().flatten() {
        let (from, to) = (fs::canonicalize(entry.path()).unwrap(), lib.join(entry.file_name()));
        fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).unwrap();
    }
    let (code, said) = list(other.path());
    assert_eq!(code, 0, "{said}");
    let taken = format!("Ok({:?})", fs::canonicalize(&lib).unwrap().join("libtorch_cpu.so"));
    assert_eq!(said.matches(&taken).count(), 2, "the host and its worker: {said}");
}
