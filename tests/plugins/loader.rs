//! Loads plugins as libraries: each is itself, whatever was loaded before it.

use crate::support;
use crate::support::snapshots::snapshot;
use osee_host::loader::{LoadErrorKind, Plugin};
use osee_sdk::{Measurement, abi::header::PluginHeader};
use osee_testkit::{FixedNetwork, Library, small_graph};
use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use tch::Tensor;

fn library(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.with_file_name(format!("lib{name}.so"))
}

#[test]
fn two_plugins_in_one_process_are_two() {
    // abi_stable's usual loader returns the first module for every path.
    let ids = |name| -> Vec<String> {
        let plugin = Plugin::load(&library(name), |_, _| Ok(())).unwrap();
        plugin.exports.iter().map(|export| export.id().to_owned()).collect()
    };
    assert_eq!(ids("zse_synflow"), ["logsynflow", "synflow", "synflow_bn"]);
    let activation = [
        "epe_nas",
        "eznas_a",
        "jacob_cov",
        "linear_regions",
        "relu_logdet",
        "swap",
        "swap_reg",
        "wrcor",
    ];
    assert_eq!(ids("zse_activation"), activation);
    assert_eq!(ids("zse_synflow"), ["logsynflow", "synflow", "synflow_bn"]);
}

#[test]
fn a_library_scores_what_the_network_says() {
    let kernel = Tensor::from_slice(&[3.0f64, 1.0, 1.0, 3.0]).view([2, 2]);
    let network = FixedNetwork::new(small_graph()).with(Measurement::ReluKernel, vec![kernel]);
    let activation = Library::open(&library("zse_activation")).unwrap();
    let score = activation.zero_shot("relu_logdet").unwrap().score(&network).unwrap();
    assert!((score - 8.0f64.ln()).abs() < 1e-12);
    let error = activation.zero_shot("jacob_cov").unwrap().score(&network).unwrap_err();
    assert_eq!(error.to_string(), "this test gave no input_gradient");
}

/// A copy of a plugin with one field of its header changed.
fn forged(change: impl Fn(&mut [u8])) -> (tempfile::TempDir, PathBuf) {
    let mut bytes = fs::read(library("meta_vote")).unwrap();
    let at = bytes.windows(8).position(|window| window == b"OSEEPLUG").unwrap();
    change(&mut bytes[at..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libforged.so");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The error for a plugin file, without its path.
fn refusal(path: &Path, args: &[&str]) -> String {
    let file = path.to_str().unwrap();
    let mut command = support::osee(&[&["plugin", "list", "--plugin", file], args].concat());
    let output = command.current_dir(path.parent().unwrap()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    // The warning that --allow-unpinned causes is not part of the error.
    let error: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("error")).collect();
    assert!(error.len() <= 3, "{said}");
    error.join("\n").replace(file, "FILE") + "\n"
}

/// Each error has at most three lines, as in the snapshot: what, why, what to do.
#[test]
fn every_rung_of_the_ladder_has_its_own_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut ladder = String::new();
    let mut rung = |what: &str, path: &Path, args: &[&str]| {
        ladder += &format!("{what}\n\n{}\n", refusal(path, args));
    };
    let allow = ["--allow-unpinned"];
    rung("There is no file.", Path::new("/nowhere.so"), &allow);
    rung("It is text.", &file("text.so", &[b'x'; 4096]), &allow);
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    rung("It is a program.", &file("program.so", &program), &allow);
    let (_keep, older_abi) = forged(|header| header[12] -= 1);
    rung("Its boundary is older.", &older_abi, &allow);
    let (_keep, newer_abi) = forged(|header| header[12] = 99);
    rung("Its boundary is newer.", &newer_abi, &allow);
    let (_keep, other_torch) = forged(|header| header[24 + 64..][..6].copy_from_slice(b"2.9.1\0"));
    rung("Its libtorch is another.", &other_torch, &allow);
    let (_keep, aborts) = forged(|header| header[20] = 0);
    rung("It ends the process by a panic.", &aborts, &allow);
    let whole = fs::read(support::fixture("misbehaving")).unwrap();
    // The file is cut off after its header, before its code.
    let header = whole.windows(8).position(|bytes| bytes == b"OSEEPLUG").unwrap();
    rung("Its end is missing.", &file("broken.so", &whole[..header + 4096]), &allow);
    let plugin = file("plugin.so", &whole);
    mode(&plugin, 0o666);
    rung("Everyone can write to it.", &plugin, &allow);
    mode(&plugin, 0o644);
    mode(folder.path(), 0o777);
    rung("Everyone can write to its folder.", &plugin, &allow);
    mode(folder.path(), 0o755);
    rung("Nobody has pinned it.", &plugin, &[]);
    let mut trust = support::osee(&["plugin", "trust", plugin.to_str().unwrap()]);
    assert!(trust.current_dir(folder.path()).output().unwrap().status.success());
    rung("It was changed.", &file("plugin.so", &[&whole[..], &[0]].concat()), &[]);
    rung("Loading it ends the process.", &support::fixture("crash_on_load"), &allow);

    let ours = PluginHeader::current();
    let missing = ladder.split("it is cut off: ").nth(1).unwrap().split(' ').next().unwrap();
    let replaced = [
        (missing.to_owned(), "COUNT"),
        (folder.path().display().to_string(), "FOLDER"),
        (format!("ABI {}.{}", ours.abi_major - 1, ours.abi_minor), "ABI OLDER"),
        (format!("ABI 99.{}", ours.abi_minor), "ABI NEWER"),
        (format!("ABI {}.{}", ours.abi_major, ours.abi_minor), "ABI OURS"),
        (format!("osee-sdk {}", ours.sdk), "osee-sdk OURS"),
        (format!("libtorch {}", ours.libtorch), "libtorch OURS"),
    ];
    snapshot("load-errors", &ladder, &replaced.each_ref().map(|(from, to)| (&**from, *to)));
}

#[test]
fn a_pinned_file_is_loaded_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("libmine.so");
    fs::copy(support::fixture("misbehaving"), &plugin).unwrap();
    let here = |args: &[&str]| {
        let output = support::osee(args).current_dir(folder.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let list = ["plugin", "list", "--plugin", "libmine.so"];
    assert_eq!(here(&list).0, Some(4));
    assert_eq!(here(&["plugin", "trust", "libmine.so"]).0, Some(0));
    assert_eq!(here(&list).0, Some(0), "{}", here(&list).1);
    let mut bytes = fs::read(&plugin).unwrap();
    bytes.push(0);
    fs::write(&plugin, bytes).unwrap();
    let (code, said) = here(&list);
    assert!(code == Some(4) && said.contains("its sha256 differs"), "{said}");
}

#[test]
fn an_id_is_that_of_one_estimator_and_of_one_space_in_a_library() {
    let plugin = support::fixture("in_host");
    let own = ["--allow-unpinned", "--plugin", plugin.to_str().unwrap()];
    let with_baseline = |id: &str, args: &[&str]| {
        let mut command = support::osee(&[args, &own].concat());
        let output = command.env("OSEE_TEST_NAMESAKE", id).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (_, list, _) = with_baseline("shaky", &["plugin", "list"]);
    assert!(list.contains("  shaky        baseline") && list.contains("  shaky        space"));
    let (code, space, said) = with_baseline("shaky", &["space", "show", "shaky", "3"]);
    assert!(code == Some(0) && space.contains("conv"), "{said}");
    let arch = ["--arch", "3", "--space", "shaky", "--estimators", "shaky"];
    let (code, score, said) = with_baseline("shaky", &[&["score"], &arch[..]].concat());
    assert!(code == Some(0) && score.contains("\"shaky\": 5184"), "{score}{said}");
    let (code, _, said) = with_baseline("chatty", &["plugin", "list"]);
    assert_eq!(code, Some(4), "{said}");
    for part in ["libin_host.so", "two baseline estimators called `chatty`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_list_of_plugins_says_what_settings_may_be() {
    let said = support::run(&["plugin", "list"]);
    for line in [
        "channels = 16 (at least 1)  channels of the first stage",
        "dropout = 0 (at least 0 and below 1)  share dropped before the classifier",
        "sampler = deiso (uniform, deiso or fair)  ",
        "channels = 16 (at least 2 and a multiple of 2)  ",
        "without =  (words separated by commas)  operations never sampled",
        "affine = true  whether",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn two_plugins_with_one_id_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let second = folder.path().join("libsecond.so");
    let mut bytes = fs::read(library("meta_vote")).unwrap();
    // Two files with the same bytes are one plugin.
    fs::write(&second, &bytes).unwrap();
    let list = ["plugin", "list", "--allow-unpinned", "--plugin", second.to_str().unwrap()];
    assert_eq!(support::run(&list).matches("  vote ").count(), 1);
    bytes.push(0);
    fs::write(&second, bytes).unwrap();
    let said = refusal(&second, &["--allow-unpinned"]);
    assert!(said.contains("estimator `az_nas` is exported by both FILE and"), "{said}");
}

#[test]
fn headers_that_do_not_fit_are_refused_before_loading() {
    let refused = |change: fn(&mut [u8])| {
        let (_folder, path) = forged(change);
        Plugin::load(&path, |_, _| Ok(())).err().unwrap()
    };
    let abi = refused(|header| header[12] = 99);
    assert!(matches!(abi.kind, LoadErrorKind::Abi { major: 99, .. }));
    assert!(abi.to_string().contains("help: rebuild it"), "{abi}");
    let torch = refused(|header| header[24 + 64..][..5].copy_from_slice(b"2.9.0"));
    assert!(matches!(torch.kind, LoadErrorKind::Libtorch { .. }), "{torch}");
    let aborts = refused(|header| header[20] = 0);
    assert!(matches!(aborts.kind, LoadErrorKind::Aborts));
    let magic = refused(|header| header[0] = b'X');
    assert!(matches!(magic.kind, LoadErrorKind::NotAPlugin));
}

#[test]
fn the_check_names_the_rule_that_is_broken() {
    let allow = "--allow-unpinned";
    let good = library("zse_gradient");
    let said = support::run(&["plugin", "check", good.to_str().unwrap()]);
    assert!(said.ends_with("it passes every check\n"), "{said}");
    // Its default mode keeps every rule but one: all its scores are equal.
    let constant = support::fixture("misbehaving");
    let output =
        support::osee(&["plugin", "check", constant.to_str().unwrap(), allow]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    for words in [
        "scores tell architectures apart ... FAILED\n    all are 1\n    help: a constant",
        "it is described, and made with its default settings ... FAILED",
        "the same network gets the same score again ... ok",
        "2 checks failed",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_check_goes_through_all_exports_and_names_those_that_fail() {
    let plugin = support::fixture("in_host").to_str().unwrap().to_owned();
    let output = support::osee(&["plugin", "check", &plugin, "--allow-unpinned"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    let part = |id: &str| {
        let from = said.find(&format!("\n{id}\n")).unwrap() + id.len() + 2;
        said[from..].split("\n\n").next().unwrap().to_owned()
    };
    // In one process its scores are right in every order.
    let keeps = part("keeps");
    assert!(keeps.contains("scores do not depend on the order ... ok"), "{keeps}");
    let apart = "answers are the same in a fresh process, in reverse order, and from two workers ... FAILED";
    assert!(keeps.contains(apart), "{keeps}");
    let refuses = part("refuses");
    assert!(refuses.contains("info gave setting `level` twice"), "{refuses}");
    assert!(!part("chatty").contains("FAILED"), "{said}");
    // The exports after one that cannot be created are checked as well.
    assert!(part("shaky").contains("every architecture makes a graph ... ok"), "{said}");
    let end = said.lines().last().unwrap();
    assert!(end.contains("keeps") && end.contains("refuses") && !end.contains("chatty"), "{end}");
}

/// True if the name service knows members of a group other than root and this user.
fn others_in(group: u32) -> bool {
    let script = "own=$(id -un); \
        { getent group \"$1\" | cut -d: -f4 | tr , '\\n'; \
          getent passwd | awk -F: -v g=\"$1\" '$4 == g { print $1 }'; } \
        | grep -v -x -e \"$own\" -e root -e ''";
    let output = Command::new("sh").args(["-c", script, "sh", &group.to_string()]).output();
    !output.unwrap().stdout.is_empty()
}

#[test]
fn a_group_of_ones_own_is_nobody_else_and_trust_asks_what_loading_asks() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("libmine.so");
    let here = |args: &[&str]| {
        let output = support::osee(args).current_dir(folder.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let list = ["plugin", "list", "--plugin", "libmine.so"];
    let trust = ["plugin", "trust", "libmine.so"];
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::copy(support::fixture("misbehaving"), &plugin).unwrap();
    // The permissions that umask 002 leaves.
    mode(&plugin, 0o775);
    mode(folder.path(), 0o2775);
    let group = fs::metadata(&plugin).unwrap().gid();
    match others_in(group) {
        false => {
            assert_eq!(here(&trust).0, Some(0), "{}", here(&trust).1);
            assert_eq!(here(&list).0, Some(0), "{}", here(&list).1);
        }
        true => {
            let (code, said) = here(&trust);
            assert!(code == Some(4) && said.contains("by group"), "{said}");
        }
    }
    // The group has another member, or is unknown; only root may give files to it.
    for (group, words) in [(1, "can, by group"), (4_000_000, "no list of groups has it")] {
        mode(folder.path(), 0o755);
        if chown(&plugin, None, Some(group)).is_err() {
            support::skipped(&format!("this user cannot give a file to group {group}"));
            continue;
        }
        mode(&plugin, 0o775);
        for args in [&trust[..], &list] {
            let (code, said) = here(args);
            assert!(code == Some(4) && said.contains(words), "{said}");
        }
        chown(&plugin, None, fs::metadata(folder.path()).ok().map(|it| it.gid())).unwrap();
        mode(&plugin, 0o755);
    }
    fs::remove_file(folder.path().join("osee.lock")).ok();
    // Whoever can write to a folder can replace the file, unless the folder is sticky.
    for (bits, expected) in [(0o777, Some(4)), (0o1777, Some(0))] {
        mode(folder.path(), bits);
        let (code, said) = here(&trust);
        assert_eq!(code, expected, "{said}");
        assert!(code == Some(0) || said.contains("other users can replace it"), "{said}");
        assert_eq!(folder.path().join("osee.lock").exists(), code == Some(0));
    }
}

#[test]
fn what_is_no_plugin_beside_the_program_is_passed_over_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy(library("meta_vote"), at("libmeta_vote.so")).unwrap();
    fs::write(at("text.so"), "hello").unwrap();
    symlink("nowhere", at("broken.so")).unwrap();
    fs::create_dir(at("folder.so")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe.so")).status().unwrap().success());
    let list = |level: &str| {
        let mut command = support::osee(&["plugin", "list"]);
        command.env("OSEE_PLUGIN_PATH", folder.path()).env("OSEE_LOG", level);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("vote"));
        said
    };
    let said = list("warn");
    for name in ["broken.so", "folder.so", "pipe.so"] {
        assert!(said.contains(name), "{name}: {said}");
    }
    // Ordinary libraries often lie beside a program, so they are not mentioned.
    assert!(!said.contains("text.so"), "{said}");
    assert!(list("info").contains("text.so"));
}

#[test]
fn a_damaged_library_and_a_copy_beside_the_program_are_passed_over_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(library("meta_vote")).unwrap();
    fs::copy(library("meta_vote"), folder.path().join("libmeta_vote.so")).unwrap();
    fs::copy(library("meta_vote"), folder.path().join("libcopy.so")).unwrap();
    let long = |at: usize| u64::from_le_bytes(whole[at..at + 8].try_into().unwrap()) as usize;
    // The dynamic segment: pairs of tag and value, up to tag 0. Its data have an offset that
    // differs from their address.
    let headers = long(32);
    let count = u16::from_le_bytes(whole[56..58].try_into().unwrap()) as usize;
    let header = |kind: u8| (0..count).map(|i| headers + 56 * i).find(|at| whole[*at] == kind);
    let dynamic = long(header(2).unwrap() + 8);
    let entry = |tag: usize| (dynamic..).step_by(16).find(|at| long(*at) == tag).unwrap();
    let [relocations, first] = [7, 25].map(entry);
    // Relocations lie before the writable segments, where an address is a file offset.
    let relocation = long(relocations + 8);
    let damages: [(&str, usize); 6] = [
        ("first_relocation", relocation + 4),
        ("symbol_of_a_relocation", relocation + 15),
        ("addend_of_a_relocation", relocation + 20),
        ("place_of_relocations", relocations + 13),
        ("length_of_relocations", entry(8)),
        ("list_of_functions", first + 10),
    ];
    for (name, at) in damages {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(folder.path().join(format!("lib{name}.so")), bytes).unwrap();
    }
    let output =
        support::osee(&["plugin", "list"]).env("OSEE_PLUGIN_PATH", folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{:?} {said}", output.status);
    assert_eq!(String::from_utf8(output.stdout).unwrap().matches("  vote ").count(), 1);
    for (name, _) in damages {
        let file = format!("lib{name}.so");
        let line = said.lines().find(|line| line.contains(&file)).unwrap_or_default();
        assert!(line.contains("skipped: it is damaged"), "{file}: {said}");
    }
    let line = said.lines().find(|line| line.contains("it is the same plugin as")).unwrap();
    assert!(line.contains("libcopy.so") && line.contains("libmeta_vote.so"), "{said}");
    // A file named by --plugin is refused for the same reason, without being loaded.
    let damaged = folder.path().join("libplace_of_relocations.so");
    let refused = refusal(&damaged, &["--allow-unpinned"]);
    assert!(refused.contains("it is damaged, and loading it would end the program"), "{refused}");
}

#[test]
fn a_plugin_without_section_headers_is_a_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("libmine.so");
    let mut bytes = fs::read(support::fixture("misbehaving")).unwrap();
    // Clears offset and number of section headers, as `strip --strip-section-headers` does.
    bytes[40..48].fill(0);
    bytes[60..64].fill(0);
    fs::write(&plugin, bytes).unwrap();
    let plugin = Plugin::load(&plugin, |_, _| Ok(())).unwrap();
    assert_eq!(plugin.exports[0].id(), "misbehaving");
}

#[test]
fn a_plugin_that_is_overwritten_in_place_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("libmine.so");
    fs::copy(support::fixture("in_host"), &plugin).unwrap();
    let out = folder.path().join("out");
    let mut args = vec!["run", "--plugin", plugin.to_str().unwrap(), "--allow-unpinned"];
    args.extend(support::SMALL);
    args.extend(["--archs", "400", "--seeds", "0", "--estimators", "params,chatty,judge"]);
    args.extend(["--out", out.to_str().unwrap(), "--workers", "1"]);
    let mut child =
        support::osee(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Even after the first worker has loaded it, more of the file will be mapped.
    while !out.join("worker-0.log").exists() {
        assert!(child.try_wait().unwrap().is_none(), "{:?}", child.wait_with_output());
        thread::sleep(Duration::from_millis(5));
    }
    let size = fs::metadata(&plugin).unwrap().len();
    let file = fs::File::options().write(true).open(&plugin).unwrap();
    file.write_all_at(&vec![0; size as usize], 0).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{:?} {said}", ended.status);
    // The meta estimator's worker starts long after the file was overwritten.
    for (name, column) in support::columns(out.to_str().unwrap()) {
        assert_eq!(column.len(), 400);
        assert!(column.iter().all(|cell| !cell.is_empty()), "{name}");
    }
}

#[test]
fn two_plugins_that_come_and_go_keep_their_own_copies() {
    // If a copy's descriptor were closed, the next copy would get its name.
    let id = |name| Plugin::load(&library(name), |_, _| Ok(())).unwrap().exports[0].id().to_owned();
    for _ in 0..3 {
        assert_eq!(id("meta_vote"), "az_nas");
        assert_eq!(id("zse_activation"), "epe_nas");
    }
    let again = || Plugin::load(&library("meta_vote"), |_, _| Ok(())).unwrap().copy;
    assert_eq!(again(), again(), "a file that is loaded again needs no other copy");
}
