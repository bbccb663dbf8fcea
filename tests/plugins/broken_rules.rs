//! Every way to break a rule is found by `plugin check`, and none harms a run: each
//! costs an error or a failure that names plugin, export and call.

use crate::support;
use crate::support::{SMALL, columns, fixture, osee, run_study};
use std::{collections::BTreeMap, path::Path, process::Output};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The broken rules of each export: a rule's name, then what was seen.
fn broken(said: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut export = String::new();
    let lines: Vec<&str> = said.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        match line.strip_suffix(" ... FAILED") {
            Some(rule) => {
                let (rule, seen) = (rule.trim(), lines[at + 1].trim());
                // For exports that are checked together, the line names the export.
                let of = match rule.starts_with("each export") {
                    true => seen.split(':').next().unwrap(),
                    false => &export,
                };
                found.get_mut(of).unwrap().push(format!("{rule}: {seen}"));
            }
            None if at > 0 && lines[at - 1].is_empty() && !line.contains(' ') => {
                export = (*line).to_owned();
                found.entry(export.clone()).or_default();
            }
            None => {}
        }
    }
    found
}

/// Export, rule, and what the output must say of it.
const RULES: [(&str, &str, &str); 52] = [
    ("zs_sticky", "in a fresh process, in reverse order", "in order"),
    ("zs_torch_random", "torch's generator", "torch's generator has moved"),
    ("zs_nan", "scores are finite", "NaN for"),
    ("zs_new_fails", "made with its default settings", "it was never meant to be made"),
    ("zs_aborts", "scores are finite", "ended the process: signal: 6 (SIGABRT)"),
    ("zs_setting_twice", "it is described", "info gave setting `floor` twice, expected each"),
    ("base_sticky", "in a fresh process, in reverse order", "in order"),
    (
        "meta_short",
        "one finite score per",
        "export `meta_short`: scores gave 39 scores, expected 40",
    ),
    ("meta_long", "one finite score per", "scores gave 42 scores, expected 40"),
    ("meta_sticky", "in a fresh process, in reverse order", "question"),
    ("meta_nameless", "says what it needs", "needs gave a name \"\", expected one line"),
    ("meta_infinite", "one finite score per", "a score is inf"),
    ("os_no_epochs", "its recipe", "recipe gave a recipe that cannot be run"),
    ("os_no_checkpoints", "its evaluation", "evaluation gave 0 checkpoints, expected at least 1"),
    ("os_short_epoch", "every step of an epoch", "sample gave 19 steps, expected 20"),
    ("os_empty_step", "every step of an epoch", "sample gave no architecture for step 0"),
    ("os_other_space", "every step of an epoch", "4-3"),
    ("os_sticky", "in a fresh process, in reverse order", "question"),
    ("space_same_twice", "its own architecture", "numbers 3 and 20 are both 2-1"),
    ("space_read_otherwise", "read back as it is written", "is read as"),
    ("space_two_decisions", "change one decision", "changes `kernel` too"),
    ("space_no_decision", "change one decision", "changes nothing"),
    ("space_joins", "networks of as many parameters", "share a form, and have"),
    ("space_joined_and_large", "networks of as many parameters", "share a form, and have"),
    ("space_cut_to_32_bits", "its own architecture", "are both"),
    ("space_overflows", "architectures are available", "three times the number fits"),
    ("space_megabyte_form", "canonical form is always", "bytes, expected at most 65536"),
    ("space_many_mutations", "change one decision", "200000 mutations, expected at most 100000"),
    ("space_without_end", "change one decision", "it held more than 2048 MiB"),
    (
        "space_million_nodes",
        "makes a graph",
        "a graph of 1000004 nodes is too large: at most 100000",
    ),
    ("space_sticky", "in a fresh process, in reverse order", "architecture 1-1 in order"),
    ("space_two_lines", "architectures are available", "expected one line of text"),
    ("zs_reader", "each export answers as it does alone", "after `zs_writer`"),
    ("base_clock", "the same score again", "became"),
    ("meta_of_itself", "judge by itself", "meta_of_itself needs meta_of_itself"),
    ("meta_first", "judge by itself", "meta_first needs meta_second needs meta_first"),
    ("meta_second", "judge by itself", "meta_second needs meta_first needs meta_second"),
    ("meta_mean", "failure does not fail the rest", "39 of the 39 others have no finite score"),
    ("os_many_checkpoints", "its recipe", "averages 77 checkpoints, and its recipe keeps 5"),
    ("os_many_batches", "its recipe", "looks at 1000 batches, and its recipe has 4"),
    ("os_setting_of_no_space", "its recipe", "`chanels` = `8`, expected a setting that a search"),
    ("os_setting_of_another_kind", "its recipe", "must be a whole number, got `eight`"),
    ("os_surveys_other_space", "every step of an epoch", "survey gave `4-3` before epoch 0"),
    ("space_mutation_twice", "change one decision", "is there twice"),
    ("space_mutation_lost", "change one decision", "after it and not before it"),
    ("space_mutation_spelled", "change one decision", "by the space"),
    ("space_comment", "architectures are available", "expected one that does not begin with #"),
    ("space_flops_wrap", "makes a graph", "FLOPs is too large: at most 9007199254740992"),
    ("space_no_graph", "makes a graph", "export `space_no_graph`: graph of 4-3: no network today"),
    ("space_no_form", "canonical form is always", "canonical of 4-3: no form today"),
    ("space_no_mutations", "change one decision", "mutations of 5-"),
    ("space_no_size", "it is described", "info gave a size of 0"),
];

/// Exports that keep every rule.
const KEEP: [&str; 7] = [
    "zs_keeps",
    "zs_writer",
    "meta_keeps",
    "meta_reads",
    "meta_reads_own",
    "os_keeps",
    "space_keeps",
];

#[test]
fn the_check_finds_every_broken_rule_and_goes_through_all_exports() {
    let plugin = fixture("broken_rules");
    let args = ["plugin", "check", plugin.to_str().unwrap(), "--allow-unpinned"];
    let output = osee(&args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}{}", stderr(&output));
    let found = broken(&said);
    for (export, rule, what) in RULES {
        let there = found[export].iter().any(|it| it.contains(rule) && it.contains(what));
        assert!(there, "{export}: {rule}: {what}: {:#?}", found[export]);
    }
    for export in KEEP {
        assert!(found[export].is_empty(), "{export}: {:?}", found[export]);
    }
    let all: usize = found.values().map(Vec::len).sum();
    let bad = found.values().filter(|rules| !rules.is_empty()).count();
    assert_eq!((found.len(), bad), (RULES.len() + KEEP.len(), RULES.len()));
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("{all} checks failed, of {bad} of {} exports: ", found.len())),
        "{last}"
    );
    assert!(last.contains("zs_new_fails"), "{last}");
    // The advice suits this kind of export.
    let clock = said.split("\nbase_clock\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert!(clock.contains("a baseline has no random numbers"), "{clock}");
    assert!(!clock.contains("rng()"), "{clock}");
}

#[test]
fn a_loop_is_one_that_did_not_end_in_time_and_no_signal() {
    let plugin = fixture("in_host");
    let args = ["plugin", "check", plugin.to_str().unwrap(), "--allow-unpinned"];
    let args = [&args[..], &["--time-limit", "10"]].concat();
    let output = osee(&args).env("OSEE_TEST_SHAKY", "canonical~").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}{}", stderr(&output));
    let looped = "the canonical form is always the same ... FAILED\n    it did not end within 10 s";
    assert!(said.contains(looped), "{said}");
    assert!(!said.contains("SIGUSR1"), "{said}");
    for wrong in ["0", "-1", "soon", "1e300"] {
        let limit = format!("--time-limit={wrong}");
        let args = ["plugin", "check", plugin.to_str().unwrap(), "--allow-unpinned", &limit];
        let (code, said) = support::fail(&args);
        assert!(code == 2 && said.contains("a number of seconds above 0"), "{wrong}: {said}");
    }
}

/// Runs a small study with this addition on the fixture.
fn study(folder: &Path, name: &str, text: &str, args: &[&str]) -> (Output, String) {
    let text = format!("plugins = [{:?}]\nseeds = [0]\n{text}", fixture("broken_rules"));
    let all = [&["--data", "noise", "--batch-size", "8", "--allow-unpinned"], args].concat();
    run_study(folder, name, &text, &all)
}

/// The scores of a row.
fn column(out: &str, name: &str) -> Vec<String> {
    columns(out).remove(name).unwrap()
}

fn rows(ids: &[&str]) -> String {
    ids.iter().map(|id| format!("[[estimators]]\nid = {id:?}\n")).collect()
}

#[test]
fn a_meta_estimator_with_too_few_or_too_many_scores_fails_and_the_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = rows(&["params", "meta_short", "meta_keeps", "meta_long"]);
    let args: Vec<&str> = ["--archs", "6"].into_iter().chain(SMALL).collect();
    let (ended, out) = study(folder.path(), "metas", &text, &args);
    let said = stderr(&ended);
    assert_eq!(ended.status.code(), Some(8), "{said}");
    let plugin = "plugin libbroken_rules.so, export";
    for (id, got) in [("meta_short", 5), ("meta_long", 8)] {
        let words = format!("{plugin} `{id}`: scores gave {got} scores, expected 6");
        assert!(said.contains(&words), "{words}: {said}");
        assert_eq!(column(&out, id), [""; 6], "{id}");
    }
    assert!(!said.contains("FOREIGN KEY"), "{said}");
    assert_eq!(column(&out, "meta_keeps"), column(&out, "params"));
}

#[test]
fn what_an_estimator_declares_or_answers_wrongly_is_named_before_anything_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let args: Vec<&str> = ["--archs", "6"].into_iter().chain(SMALL).collect();
    for (id, words) in [
        ("zs_new_fails", "it was never meant to be made"),
        ("zs_setting_twice", "info gave setting `floor` twice"),
        ("meta_nameless", "needs gave a name \"\", expected one line of text"),
        ("os_no_epochs", "recipe gave a recipe that cannot be run"),
        ("os_no_checkpoints", "evaluation gave 0 checkpoints, expected at least 1"),
        ("os_setting_of_no_space", "recipe gave `chanels` = `8`, expected a setting that a search"),
        ("os_setting_of_no_space", "did you mean `channels`?"),
        ("os_setting_of_another_kind", "must be a whole number, got `eight`"),
    ] {
        let (ended, _) = study(folder.path(), id, &rows(&["params", id]), &args);
        let said = stderr(&ended);
        assert_eq!(ended.status.code(), Some(3), "{id}: {said}");
        assert!(said.contains(words), "{id}: {said}");
    }
}

#[test]
fn a_sampler_with_another_number_of_steps_is_not_trained_and_the_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let training = "[training]\nepochs = 1\nimages = 32\nbatch_size = 8\nvalidation_images = 8\n\
                    validation_batch_size = 8\n";
    let ids = ["params", "os_short_epoch", "os_empty_step", "os_other_space", "os_keeps"];
    let args: Vec<&str> = ["--archs", "4"].into_iter().chain(SMALL).collect();
    let (ended, out) =
        study(folder.path(), "samplers", &(training.to_owned() + &rows(&ids)), &args);
    let said = stderr(&ended);
    for words in [
        "export `os_short_epoch`: sample gave 3 steps, expected 4",
        "export `os_empty_step`: sample gave no architecture for step 0",
        "4-3",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(column(&out, "os_keeps").iter().all(|score| !score.is_empty()), "{said}");
}

#[test]
fn a_hostile_space_costs_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |id: &str, unique: bool, args: &[&str]| {
        let text = format!(
            "[space]\nid = {id:?}\n[architectures]\ncount = 6\nunique = {unique}\n{}",
            rows(&["params", "relu"])
        );
        let (ended, out) = study(folder.path(), &format!("{id}-{unique}"), &text, args);
        (ended.status.code(), stderr(&ended), out)
    };
    for (id, words) in [
        ("space_megabyte_form", "canonical gave 3145728 bytes, expected at most 65536"),
        ("space_million_nodes", "a graph of 1000004 nodes is too large: at most 100000"),
        ("space_two_lines", "architecture gave the architecture"),
        ("space_overflows", "three times the number fits"),
        ("space_no_size", "info gave a size of 0, expected a number of architectures"),
        // 2^40 architectures with three canonical forms.
        ("space_joined_and_large", "gave 1000000 architectures in a row that were among the 3"),
    ] {
        let (code, said, _) = run(id, true, &[]);
        // A wrong declaration is the plugin's error, a wrong answer the study's.
        let expected = if id == "space_no_size" { 4 } else { 3 };
        assert_eq!(code, Some(expected), "{id}: {said}");
        assert!(said.contains(words), "{id}: {said}");
    }
    // Twice too many mutations do no harm if nothing asks for them.
    let (code, said, out) = run("space_many_mutations", true, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(column(&out, "params").iter().all(|score| !score.is_empty()));
}

/// If a call fails for one architecture, every command names both.
#[test]
fn a_failing_call_of_a_space_is_named_with_plugin_and_architecture() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = fixture("broken_rules");
    let own = ["--plugin", plugin.to_str().unwrap(), "--allow-unpinned"];
    let named =
        |id: &str, call: &str| format!("plugin libbroken_rules.so, export `{id}`: {call} of ");
    let run = |id: &str, more: &str| {
        let text = format!(
            "[space]\nid = {id:?}\n[architectures]\ncount = 21\n{more}\n{}",
            rows(&["params"])
        );
        let (ended, _) = study(folder.path(), id, &text, &[]);
        (ended.status.code(), stderr(&ended))
    };
    for (id, more, call) in [
        ("space_no_form", "unique = true", "canonical"),
        ("space_no_mutations", "neighbours = 21", "mutations"),
    ] {
        let (code, said) = run(id, more);
        assert!(code == Some(3) && said.contains(&named(id, call)), "{code:?}: {said}");
    }
    let ask = |args: &[&str]| osee(&[args, &own].concat()).output().unwrap();
    let groups = ask(&["space", "groups", "space_no_form"]);
    let said = stderr(&groups);
    assert!(said.contains(&named("space_no_form", "canonical")), "{said}");

    // A value that an architecture lacks is an empty cell, or its row is left out.
    let table = ask(&["space", "table", "space_no_graph"]);
    let (text, said) = (String::from_utf8(table.stdout.clone()).unwrap(), stderr(&table));
    assert!(table.status.success(), "{said}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 22);
    assert_eq!(lines[10..13], ["9,4-1,,,4-1", "10,4-3,,,4-3", "11,4-5,,,4-5"]);
    assert!(lines[13].starts_with("12,5-1,") && !lines[13].contains(",,"), "{}", lines[13]);
    let words = "3 architectures make no network and have empty cells; first: ";
    let first = named("space_no_graph", "graph") + "4-1: no network today";
    assert!(said.contains(words) && said.contains(&first), "{said}");
    let truth = folder.path().join("truth.csv");
    let row = |line: &&str| format!("{},0.{}\n", line.split(',').nth(1).unwrap(), line.len());
    let rows: String = lines[1..].iter().map(row).collect();
    std::fs::write(&truth, format!("arch,accuracy\n{rows}")).unwrap();
    let check = ask(&["space", "check", "space_no_graph", "--truth", truth.to_str().unwrap()]);
    let text = String::from_utf8(check.stdout.clone()).unwrap();
    assert!(check.status.success(), "{}", stderr(&check));
    assert!(text.contains("21: 21 architectures"), "{text}");
    let words = "left out  3 architectures make no network and are left out; first: ";
    assert!(text.contains(&(words.to_owned() + &first)), "{text}");
    assert!(text.contains("over 18 rows"), "{text}");
}

#[test]
fn random_numbers_of_ones_own_depend_on_the_seed_and_on_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let args: Vec<&str> = ["--archs", "6"].into_iter().chain(SMALL).collect();
    let scores = |name: &str, ids: &[&str], seed: &str, workers: &str| {
        let mut args = args.clone();
        args.extend(["--seeds", seed, "--workers", workers]);
        let (ended, out) = study(folder.path(), name, &rows(ids), &args);
        assert!(ended.status.success(), "{}", stderr(&ended));
        (column(&out, "zs_keeps"), column(&out, "params"))
    };
    let (alone, params) = scores("alone", &["zs_keeps", "params"], "0", "1");
    // A score is the number of parameters plus a number in [0, 1).
    let noise: Vec<f64> = alone
        .iter()
        .zip(&params)
        .map(|(own, params)| own.parse::<f64>().unwrap() - params.parse::<f64>().unwrap())
        .collect();
    assert!(noise.iter().all(|it| (0.0..1.0).contains(it)), "{noise:?}");
    assert!(noise.windows(2).all(|pair| pair[0] != pair[1]), "{noise:?}");
    let ids = ["synflow", "zs_torch_random", "params", "zs_keeps"];
    assert_eq!(scores("among", &ids, "0", "2").0, alone);
    assert_ne!(scores("other", &["zs_keeps", "params"], "1", "1").0, alone);
}

#[test]
fn a_plugin_is_checked_where_no_other_is() {
    let (folder, exe) = (tempfile::tempdir().unwrap(), std::env::current_exe().unwrap());
    for name in ["baselines", "meta_vote", "ose_supernet", "zse_activation", "space_nds"] {
        let plugin = exe.with_file_name(format!("lib{name}.so"));
        let args = ["plugin", "check", plugin.to_str().unwrap(), "--allow-unpinned"];
        let output = osee(&args).env("OSEE_PLUGIN_PATH", folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {said}{}", stderr(&output));
        assert!(said.ends_with("it passes every check\n"), "{said}");
    }
}
