//! What is handed to schedulers. `.ci/slurm` runs it through a real Slurm.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::Value;
use std::process::Command;
use support::fail;

/// A small part of JSON Schema: type, enum, required, items, and no property
/// that is not named.
fn check(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(number) if number.is_i64() => "integer",
        _ => "other",
    };
    if schema["type"] != kind {
        return Err(format!("{place} is {kind}, not {}", schema["type"]));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{place} is {value}"));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap()).is_none() {
            return Err(format!("{place} has no {required}"));
        }
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], item, &format!("{place}[{at}]"))?;
    }
    for (name, own) in value.as_object().into_iter().flatten() {
        let named = schema["properties"].get(name).or(schema.get("additionalProperties"));
        let place = format!("{place}.{name}");
        check(named.ok_or_else(|| format!("{place} is unknown"))?, own, &place)?;
    }
    Ok(())
}

#[test]
fn the_manifest_for_kubernetes_is_one_of_its_schema() {
    let schemas: Value =
        serde_json::from_str(include_str!("fixtures/kubernetes.schema.json")).unwrap();
    let args = ["submit", "kubernetes", "--archs", "5", "--data", "noise", "--shards", "7"];
    let print = |more: &[&str]| {
        let all: Vec<&str> = args.iter().chain(more).copied().collect();
        serde_json::from_str::<Value>(&support::run(&all)).unwrap()
    };
    let manifest = print(&["--gpus", "1", "--out", "/runs/x", "--dry-run"]);
    for item in manifest["items"].as_array().unwrap() {
        let kind = item["kind"].as_str().unwrap();
        check(&schemas[kind], item, kind).unwrap();
    }
    let job = &manifest["items"][1]["spec"];
    assert_eq!((&job["completions"], &job["completionMode"]), (&7.into(), &"Indexed".into()));
    // The schema refuses something.
    let mut wrong = manifest["items"][1].clone();
    wrong["spec"]["completion"] = 7.into();
    assert_eq!(
        check(&schemas["Job"], &wrong, "Job").unwrap_err(),
        "Job.spec.completion is unknown"
    );
    let (code, said) = fail(&args);
    assert!(code == 2 && said.contains("--dry-run prints the manifest"), "{said}");
}

#[test]
fn a_dry_run_for_slurm_writes_nothing_and_prints_the_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("it's here");
    let small =
        ["submit", "slurm", "--archs", "5", "--data", "noise", "--shards", "7", "--dry-run"];
    let mut args = small.to_vec();
    args.extend(["--gres", "gpu:1", "--time", "1:00:00", "--sbatch=--account=nas"]);
    args.extend(["--out", out.to_str().unwrap()]);
    let said = support::run(&args);
    let lines = ["--array=1-7", "--gres=gpu:1", "--time=1:00:00", "--account=nas", "--requeue"];
    for line in lines {
        assert!(said.contains(&format!("#SBATCH {line}\n")), "{line}: {said}");
    }
    assert!(said.contains("# sbatch --dependency=afterany:shards.sh merge.sh"), "{said}");
    assert!(said.contains(r#"--shard "$SLURM_ARRAY_TASK_ID/7""#) && !said.contains("train.sh"));
    assert!(!out.exists());
    for script in said.split("# sbatch").skip(1) {
        let script = script.split_once('\n').unwrap().1;
        let checked = Command::new("bash").args(["-n", "-c", script]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

/// What a scheduler would read as its own syntax in a path is escaped for it.
#[test]
fn paths_are_escaped_for_the_scheduler_that_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("50%j $(OSEE_SHARDS) 'x'");
    let out = out.to_str().unwrap();
    let small = ["--archs", "5", "--data", "noise", "--shards", "7", "--dry-run", "--out", out];
    let said = support::run(&[&["submit", "slurm"], &small[..]].concat());
    let log = said.lines().find(|line| line.starts_with("#SBATCH --output=")).unwrap();
    assert!(log.contains("/50%%j $(OSEE_SHARDS) "), "{log}");
    assert!(log.contains("/jobs/shard-%A_%a.log"), "{log}");
    // The command itself has the path as it is.
    assert!(said.contains(r"/50%j $(OSEE_SHARDS) '\''x'\'''"), "{said}");

    let text = support::run(&[&["submit", "kubernetes"], &small[..]].concat());
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let container = &manifest["items"][1]["spec"]["template"]["spec"]["containers"][0];
    let args: Vec<&str> =
        container["args"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(args.contains(&out.replace('$', "$$").as_str()), "{args:?}");
    assert_eq!(container["volumeMounts"][0]["mountPath"], out);

    let broken = format!("{out}\nx");
    let small = ["--archs", "5", "--data", "noise", "--shards", "7", "--dry-run", "--out", &broken];
    let (code, said) = fail(&[&["submit", "slurm"], &small[..]].concat());
    assert!(code == 2 && said.contains("a line end"), "{said}");
}
