//! Every mistake has its own message and exit code, and loses no data.

use crate::support;
use crate::support::{SMALL, fail, osee, run};
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path, process::Command};

/// A small run with these changes, into a fresh folder.
fn small(changes: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut args = vec!["run", "--archs", "3", "--out", out.to_str().unwrap()];
    args.extend(support::small_with(changes));
    let failed = fail(&args);
    assert!(!out.exists(), "a run that cannot start leaves no folder: {failed:?}");
    failed
}

#[track_caller]
fn says((code, text): (i32, String), wanted: i32, words: &str) {
    assert!(code == wanted && text.contains(words), "exit code {code}: {text}");
}

#[test]
fn names_that_are_not_there_are_answered_with_the_nearest() {
    says(small(&["--estimators", "grad_nrom"]), 3, "did you mean `grad_norm`?");
    says(small(&["--space", "nb2O1"]), 3, "did you mean `nb201`?");
    says(small(&["--set", "chanels=8"]), 3, "did you mean `channels`?");
    says(small(&["--set", "channels=many"]), 3, "must be a whole number");
    says(small(&["--set", "channels=0"]), 3, "must be at least 1");
    says(small(&["--preset", "papr"]), 3, "did you mean `paper`?");
    says(small(&["--estimators", "vote"]), 3, "needs `relu_logdet`");
    says(small(&["--device", "cuda:99"]), 1, "device `cuda:99` is not available");
    says(small(&["--device", "cud:0"]), 3, "devices are cpu, cuda:0");
    says(small(&["--data", "imagenet"]), 6, "unknown data");
    says(fail(&["run", "--no-such-flag"]), 2, "--no-such-flag");
}

#[test]
fn a_setting_that_is_given_twice_is_named() {
    let twice = ["--set", "channels=4", "--set", "channels=8"];
    let arch = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
    for command in [&["plan"][..], &["score", "--arch", arch], &["space", "show", "nb201", arch]] {
        let said = "setting `channels` is given twice, as `4` and as `8`";
        says(fail(&[command, &twice].concat()), 3, said);
    }
}

#[test]
fn a_list_of_architectures_is_taken_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    let archs = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|\n\
                 |none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|\n";
    fs::write(folder.path().join("archs.txt"), archs).unwrap();
    let study = |architectures: &str| {
        fs::write(&file, format!("[architectures]\n{architectures}\n")).unwrap();
        ["plan", "--estimators", "params", "--study", file.to_str().unwrap()]
    };
    let plan = study("file = \"archs.txt\"\ncount = 1");
    says(fail(&plan), 3, "[architectures] `count` has no effect on `file`");
    // On the command line, a list replaces what the study draws.
    let plan = study("count = 20\nseed = 3\njudged = true");
    let list = folder.path().join("archs.txt");
    let said = run(&[&plan[..], &["--archs", list.to_str().unwrap()]].concat());
    assert!(said.contains("study: 2 architectures x 2 seeds"), "{said}");
    let noise = ["--data", "noise"];
    fs::write(&file, "data = \"digits\"\n[architectures]\ncount = 4\n[protocol]\naugment = true\n")
        .unwrap();
    run(&[&plan[..], &noise].concat());
}

#[test]
fn architectures_that_are_none_are_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("archs.txt");
    fs::write(&list, "# comment\n|none~0|+|none~0|none~1|\n").unwrap();
    says(small(&["--archs", list.to_str().unwrap()]), 3, "archs.txt line 2");
    says(small(&["--archs", "no-such-file"]), 3, "no-such-file");
    says(small(&["--archs", "20000"]), 3, "there are 15625");
    says(small(&["--archs", "20000", "--unique"]), 3, "there are 6466 unique");
    says(small(&["--seeds", "1,1"]), 3, "seed 1 is given twice");
    says(fail(&["space", "show", "nb201", "|x~0|"]), 3, "1 nodes");
}

#[test]
fn numbers_that_make_no_sense_are_answered_with_what_does() {
    for limit in ["--time-limit=nan", "--time-limit=inf", "--time-limit=0", "--time-limit=-3"] {
        says(small(&[limit]), 2, "it is a number of seconds above 0");
    }
    for archs in [&["--archs=-5"][..], &["--archs", "-5"]] {
        let what = "--archs takes a number of architectures, all, or an existing file";
        says(small(archs), 2, what);
    }
    says(small(&["--workers", "-1"]), 2, "'--workers <N>': it is a whole number from 1");
}

#[test]
fn without_a_working_folder_every_command_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    for args in [&["--version"][..], &["plugin", "list"]] {
        fs::create_dir(&gone).unwrap();
        let command = osee(args);
        let output = Command::new("bash")
            .args(["-c", "rmdir \"$PWD\"; exec \"$@\"", "bash", crate::support::program()])
            .args(args)
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(&gone)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        says((output.status.code().unwrap_or(-1), said), 3, "the working folder is gone");
    }
}

#[test]
fn files_that_are_no_plugins_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.so");
    fs::write(&text, "hello").unwrap();
    let refused = |file: &str| fail(&["plugin", "list", "--plugin", file]);
    says(refused(text.to_str().unwrap()), 4, "not a shared library");
    says(refused("/nowhere.so"), 4, "cannot be read");
    // The test's own program is an ELF file, but not a library.
    let exe = std::env::current_exe().unwrap();
    says(refused(exe.to_str().unwrap()), 4, "osee plugin");
}

#[test]
fn damaged_images_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for i in 1..=5 {
        let file = fs::File::create(folder.path().join(format!("data_batch_{i}.bin"))).unwrap();
        file.set_len(if i == 3 { 12_345 } else { 30_730_000 }).unwrap();
    }
    let data = format!("cifar10:{}", folder.path().display());
    says(small(&["--data", &data]), 6, "data_batch_3.bin has 12345 bytes");
    says(small(&["--data", "cifar10:/nowhere"]), 6, "cannot read /nowhere/data_batch_1.bin");
}

#[test]
fn networks_that_do_not_fit_the_images_are_told_which_setting_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("train.bin")).unwrap();
    let data = format!("cifar100:{}", folder.path().display());
    says(small(&["--data", &data]), 6, "train.bin has 0 bytes, that of CIFAR-100 has 153700000");
    file.set_len(153_700_000).unwrap();
    says(small(&["--data", &data]), 6, "give it --set classes=100");
    let wide = ["--data", &data, "--set", "classes=100", "--set", "image_size=20"];
    says(small(&wide), 6, "sides of 32 pixels, which can be made 32, 16, 8, 4, 2 or 1");
    says(small(&wide), 6, "--set image_size=32");
    says(small(&["--data", "imagenet16-120:/nowhere"]), 6, "train_data_batch_1.npz");
}

#[test]
fn truth_that_cannot_be_used_is_known_before_the_scoring() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.csv");
    fs::write(&truth, "arch_str,acc\nx,1\ny,2\n").unwrap();
    let truth = truth.to_str().unwrap();
    says(small(&["--truth", truth, "--truth-column", "accu"]), 7, "did you mean `acc`?");
    says(small(&["--truth", "/nowhere.csv", "--truth-column", "acc"]), 7, "/nowhere.csv");
    says(small(&["--truth", truth, "--truth-column", "acc"]), 7, "no architecture of the run");
}

#[test]
fn the_embedded_benchmark_is_found_by_its_images_or_its_truth_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (name, named) in
        [("data", ["--data", "digits"]), ("truth", ["--truth", "embedded:nb201-digits"])]
    {
        let out = folder.path().join(name);
        let out = out.to_str().unwrap();
        let small = ["--archs", "12", "--estimators", "params,flops", "--out", out];
        let text = run(&[&["run"][..], &named, &small].concat());
        assert!(text.contains("12 architectures of nb201"), "{text}");
        assert!(text.contains("embedded:nb201-digits, test accuracy on 8 x 8"), "{text}");
        let study = fs::read_to_string(folder.path().join(name).join("study.toml")).unwrap();
        assert!(study.contains("data = \"digits\"") && study.contains("image_size = 8"), "{study}");
    }
    // Any other options give other networks, but the truth's columns remain the table's.
    let out = folder.path().join("noise");
    let out = out.to_str().unwrap();
    let small = ["--archs", "12", "--estimators", "params,flops", "--out", out];
    let text = run(&[&["run", "--truth", "embedded:nb201-digits"][..], &SMALL, &small].concat());
    assert!(text.contains("embedded:nb201-digits, test accuracy on 8 x 8"), "{text}");
    let again = run(&["leaderboard", out, "--truth", "embedded:nb201-digits"]);
    assert!(again.contains("embedded:nb201-digits, test accuracy on 8 x 8"), "{again}");
    let scores = folder.path().join("scores.csv");
    fs::write(&scores, run(&["leaderboard", out, "--format", "scores-csv"])).unwrap();
    let scores = scores.to_str().unwrap();
    let tables = ["--scores", scores, "--key", "arch", "--truth", "embedded:nb201-digits"];
    let judged = run(&[&["criteria"][..], &tables].concat());
    let is_params = |line: &str| line.split_whitespace().nth(1) == Some("params");
    assert!(judged.lines().any(is_params), "{judged}");
    let text = run(&[&["analyze", "--space", "nb201"][..], &tables].concat());
    assert!(text.contains("truth: test_accuracy"), "{text}");
    let mut own = tables;
    own[5] = scores;
    says(fail(&[&["criteria"][..], &own].concat()), 2, "--truth-column says which column");
    says(fail(&[&["analyze"][..], &own].concat()), 2, "--truth-column says which column");
}

#[test]
fn groups_of_a_huge_space_are_refused_by_the_name_of_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let (study, list) = (folder.path().join("s.toml"), folder.path().join("archs.txt"));
    let row = "[[estimators]]\nid = \"one_shot\"\nname = \"post\"\nsettings = { sampler = \"uniform\", isomorphic = true }\n";
    let shown = run(&["space", "show", "nb301", GENOTYPE]);
    fs::write(&list, &shown.lines().nth(1).unwrap()[11..]).unwrap();
    for (space, list, words) in [
        (
            "nb301",
            list.to_str().unwrap(),
            "`nb301` has 1076746950455072400; leave `isomorphic` out there",
        ),
        (
            "nb301",
            "3",
            "`post` averages over isomorphism groups, for which all architectures are listed",
        ),
    ] {
        fs::write(&study, format!("[space]\nid = \"{space}\"\n{row}")).unwrap();
        let args =
            ["run", "--study", study.to_str().unwrap(), "--archs", list, "--out", "/nowhere/x"];
        says(fail(&args), 3, words);
    }
}

const GENOTYPE: &str = "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
    ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), \
    ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), \
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), \
    ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], \
    reduce_concat=range(2, 6))";

#[test]
fn a_run_directory_is_never_taken_from_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "precious").unwrap();
    let out = folder.path().to_str().unwrap();
    let mut args = vec!["run", "--archs", "2", "--seeds", "0", "--out", out];
    args.extend(SMALL);
    says(fail(&args), 5, "not an osee run");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let own = folder.path().join("own");
    let at = args.iter().position(|arg| *arg == out).unwrap();
    args[at] = own.to_str().unwrap();
    run(&args);
    args.extend(["--seeds", "7"]);
    let other: Vec<&str> = {
        // A second flag would be a repetition, so the first one is replaced.
        let at = args.iter().position(|arg| *arg == "0").unwrap();
        let mut other = args[..args.len() - 2].to_vec();
        other[at] = "7";
        other
    };
    says(fail(&other), 5, "its seeds differs");
    says(fail(&["leaderboard", "/nowhere"]), 5, "not an osee run");
    args.truncate(args.len() - 2);
    let file = folder.path().join("thesis.tex/run");
    let at = args.iter().position(|arg| *arg == own.to_str().unwrap()).unwrap();
    args[at] = file.to_str().unwrap();
    says(fail(&args), 5, "cannot write to");
}

#[test]
fn a_dead_terminal_changes_nothing_but_what_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, rows: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("arch,v\n{rows}")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let truth = file("truth.csv", "a,1\nb,2\nc,3\nd,4\nnone,\n");
    let scores = file("scores.csv", "a,1\nb,3\nc,2\nd,4\nother,1\n");
    let criteria = ["criteria", "--truth", &truth, "--truth-column", "v", "--scores", &scores];
    let criteria = [&criteria[..], &["--key", "arch", "--score-column", "v"]].concat();
    let run_into = |name: &str| {
        let out = folder.path().join(name).to_str().unwrap().to_owned();
        let mut args: Vec<String> =
            ["run", "--archs", "3", "--seeds", "0", "--format", "csv", "--out", &out]
                .map(str::to_owned)
                .to_vec();
        args.extend(["--estimators", "params,flops"].map(str::to_owned));
        args.extend(SMALL.map(str::to_owned));
        args
    };
    // Standard error is closed, full, or a pipe that nothing reads.
    let ways = ["2>&-", "2>/dev/full", "2> >(exec true)"];
    let through = |redirection: &str, args: &[String]| {
        let plain = osee(&[]);
        let script = format!("sleep 0.1; exec \"$@\" {redirection}");
        let mut command = Command::new("bash");
        command.args(["-c", &script, "bash", crate::support::program()]).args(args);
        command.env("OSEE_LOG", "debug");
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let criteria: Vec<String> = criteria.iter().map(|it| (*it).to_owned()).collect();
    let expected = through("", &criteria);
    assert!(expected.0 == Some(0) && !expected.1.is_empty(), "{expected:?}");
    let untimed = |(code, text): (Option<i32>, String)| {
        let lines = text.lines().map(|line| line.rsplit_once(',').map_or(line, |it| it.0));
        (code, lines.map(str::to_owned).collect::<Vec<_>>())
    };
    let whole = untimed(through("", &run_into("whole")));
    assert!(whole.0 == Some(0) && whole.1.len() > 2, "{whole:?}");
    for (i, way) in ways.into_iter().enumerate() {
        assert_eq!(through(way, &criteria), expected, "{way}");
        let run = untimed(through(way, &run_into(&i.to_string())));
        assert_eq!((run.0, run.1.len()), (whole.0, whole.1.len()), "{way}: {run:?}");
        // An error keeps its exit code.
        assert_eq!(through(way, &["leaderboard".to_owned(), "/nowhere".to_owned()]).0, Some(5));
        assert_eq!(through(way, &["--no-such-flag".to_owned()]).0, Some(2));
    }
    // Output that is the command's whole purpose is treated differently.
    let words = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let whole = folder.path().join("whole");
    let export = words(&["export", whole.to_str().unwrap()]);
    for args in [criteria, words(&["--help"]), words(&["space", "--help"]), export] {
        let args = &args[..];
        assert_eq!(through(">/dev/full", args).0, Some(1), "{args:?}");
        assert_eq!(through("> >(exec true)", args).0, Some(0), "{args:?}");
    }
}

#[test]
fn paths_need_not_be_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&odd).unwrap();
    let plugin = odd.join("libmine.so");
    fs::copy(support::fixture("misbehaving"), &plugin).unwrap();
    let list = odd.join(OsStr::from_bytes(b"archs\xff.txt"));
    let arch = |op: &str| format!("|{op}~0|+|{op}~0|{op}~1|+|{op}~0|{op}~1|{op}~2|\n");
    let archs = ["none", "skip_connect", "nor_conv_1x1"].map(arch);
    fs::write(&list, archs.concat()).unwrap();
    let truth = odd.join(OsStr::from_bytes(b"truth\xff.csv"));
    let rows = archs.iter().enumerate().map(|(i, arch)| format!("{},{i}\n", arch.trim_end()));
    fs::write(&truth, "arch,acc\n".to_owned() + &rows.collect::<String>()).unwrap();
    let command = |args: &[&OsStr], in_folder: &Path| {
        let output = support::osee(&[]).args(args).current_dir(in_folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = |text: &'static str| OsStr::new(text);
    let mut args = vec![text("run"), text("--plugin"), plugin.as_os_str()];
    args.extend([text("--allow-unpinned"), text("--archs"), list.as_os_str()]);
    args.extend(SMALL.map(OsStr::new));
    args.extend(["--seeds", "0", "--estimators", "params,misbehaving"].map(OsStr::new));
    args.extend([text("--truth"), truth.as_os_str()]);
    args.extend(["--truth-key", "arch", "--truth-column", "acc"].map(OsStr::new));
    let out = odd.join("out");
    let absolute = [&args[..], &[text("--out"), out.as_os_str()]].concat();
    let board = command(&absolute, folder.path());
    assert!(board.contains("misbehaving"), "{board}");
    // The run is resumed from there, and other commands read it.
    command(&[&args[..], &[text("--out"), text("out")]].concat(), &odd);
    let study = fs::read_to_string(out.join("study.toml")).unwrap();
    let study: osee_core::study::Study = toml::from_str(&study).unwrap();
    assert_eq!(study.plugins, [plugin]);
    assert_eq!(study.architectures.file, Some(list));
    assert_eq!(study.truth.unwrap().table.path(), truth);
    for read in ["leaderboard", "export", "analyze", "report"] {
        command(&[text(read), out.as_os_str()], folder.path());
    }
    assert!(out.join("report/report.html").exists());
    command(&[text("plugin"), text("list")], &odd);
    // Images beside the study: a missing file is named, whatever the folder is called.
    let missing = support::osee(&["run", "--data", "cifar10:images", "--out", "new"])
        .current_dir(&odd)
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(6), "{missing:?}");
}

#[test]
fn images_lie_where_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"im\xe9"));
    fs::create_dir(&odd).unwrap();
    let file = fs::File::create(odd.join("train.bin")).unwrap();
    file.set_len(153_700_000).unwrap();
    let out = folder.path().join("out");
    let data = [b"cifar100:", odd.as_os_str().as_bytes()].concat();
    let mut args: Vec<&OsStr> = vec![OsStr::new("run")];
    args.extend(SMALL.map(OsStr::new));
    args.extend(["--set", "classes=100", "--archs", "2", "--seeds", "0"].map(OsStr::new));
    args.extend(["--estimators", "params,grad_norm", "--data"].map(OsStr::new));
    args.extend([OsStr::from_bytes(&data), OsStr::new("--out"), out.as_os_str()]);
    let output = support::osee(&[]).args(&args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
