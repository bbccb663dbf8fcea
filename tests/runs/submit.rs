//! Tests what is handed to schedulers. `.ci/slurm` runs it through a real Slurm.

use crate::support;
use crate::support::fail;
use serde_json::Value;
use std::process::Command;

/// True if the whole of `text` matches `pattern` in bash.
fn matches(pattern: &str, text: &str) -> bool {
    let script = r#"LC_ALL=C; [[ $2 =~ ^($1)$ ]]"#;
    let status = Command::new("bash").args(["-c", script, "bash", pattern, text]).status();
    status.unwrap().success()
}

/// Checks a small part of JSON Schema: type, enum, pattern, maxLength, maximum, required,
/// items and propertyNames. Unknown properties are refused; patterns match the whole text.
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
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !matches(pattern, text)
    {
        return Err(format!("{place} is {value}, which is not {pattern}"));
    }
    let length = value.as_str().map_or(0, str::len) as u64;
    if schema["maxLength"].as_u64().is_some_and(|most| length > most) {
        return Err(format!("{place} has {length} characters"));
    }
    if schema["maximum"].as_i64().is_some_and(|most| value.as_i64() > Some(most)) {
        return Err(format!("{place} is {value}"));
    }
    for (name, _) in value.as_object().into_iter().flatten() {
        if let Some(names) = schema.get("propertyNames") {
            check(names, &Value::from(name.as_str()), &format!("{place}'s names"))?;
        }
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
        serde_json::from_str(include_str!("../fixtures/kubernetes.schema.json")).unwrap();
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
    // Proof that the schema refuses something.
    let mut wrong = manifest["items"][1].clone();
    wrong["spec"]["completion"] = 7.into();
    assert_eq!(
        check(&schemas["Job"], &wrong, "Job").unwrap_err(),
        "Job.spec.completion is unknown"
    );
    let (code, said) = fail(&args);
    assert!(code == 2 && said.contains("--dry-run prints the manifest"), "{said}");
}

/// The manifest of a small study called `name`; the schema accepts it.
fn manifest(name: &str, more: &[&str]) -> Value {
    let schemas: Value =
        serde_json::from_str(include_str!("../fixtures/kubernetes.schema.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.toml");
    // The study trains supernets, so that all kinds of jobs are present.
    let text = format!(
        "name = {name:?}\n[architectures]\ncount = 2\n[training]\nimages = 64\nbatch_size = 32\n\
         [[estimators]]\nid = \"one_shot\"\n"
    );
    std::fs::write(&study, text).unwrap();
    let mut args = vec!["submit", "kubernetes", "--study", study.to_str().unwrap()];
    args.extend(["--shards", "100000", "--dry-run"]);
    args.extend(more);
    let manifest: Value = serde_json::from_str(&support::run(&args)).unwrap();
    for item in manifest["items"].as_array().unwrap() {
        let kind = item["kind"].as_str().unwrap();
        check(&schemas[kind], item, kind).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    manifest
}

/// The names of the objects in a manifest.
fn names(manifest: &Value) -> Vec<String> {
    let items = manifest["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// Whatever a study is called, Kubernetes accepts the names of its objects. They differ from
/// those of another study, and of the same study in another run directory.
#[test]
fn names_of_kubernetes_are_valid_and_those_of_one_study() {
    let forty = "a-study-of-forty-characters-and-not-more";
    assert_eq!(forty.len(), 40);
    let endings = ["-1", "-2", "_1"].map(|end| format!("{forty}{end}"));
    let mut studies =
        vec!["study", "NB201, small_", "nb201--small", "---", "исследование", "исследования"];
    studies.extend(["über", "Über-größe", "0", "a.b", "\u{212a}elvin"]);
    studies.extend(endings.iter().map(String::as_str));
    let cut = format!("{}-{}", "b".repeat(35), "c".repeat(90));
    studies.push(&cut);
    let mut all = std::collections::BTreeSet::new();
    let runs = studies.iter().map(|name| (*name, "/runs/x")).chain([("study", "/runs/y")]);
    for (name, out) in runs {
        let own = names(&manifest(name, &["--out", out]));
        assert_eq!(own.len(), 3);
        // The name of a pod is that of its job with its index, and is also used as a label.
        assert!(own.iter().all(|name| format!("{name}-99999").len() <= 63), "{own:?}");
        for name in own {
            assert!(all.insert(name.clone()), "{name} is there twice");
        }
    }
    // The same study gives the same names, by which `kubectl apply` finds its objects.
    let again = names(&manifest("study", &["--out", "/runs/y"]));
    assert!(again.iter().all(|name| all.contains(name)), "{again:?}");
}

#[test]
fn what_kubernetes_would_refuse_is_refused() {
    let refused = |more: &[&str], part: &str| {
        let mut args = vec!["submit", "kubernetes", "--archs", "2", "--data", "noise"];
        args.extend(["--shards", "7", "--dry-run", "--out", "/runs/x"]);
        args.extend(more);
        let (code, said) = fail(&args);
        assert!(code == 2 && said.contains(part), "{more:?}: {code}: {said}");
    };
    refused(&["--out", "/runs/12:30"], "mounts nothing at /runs/12:30");
    for out in ["/study", "/study/", "/study/runs", "/tmp/../study", "/", "/study/../study/x/.."] {
        refused(&["--out", out], "/study is the study's");
    }
    refused(&["--claim", "My_Claim"], "--claim `My_Claim` is not a Kubernetes name");
    for image in ["my image", "Foo:bar:baz", "Osee", "osee:", "osee@sha256:12", ""] {
        refused(&["--image", image], &format!("--image `{image}` is not an image"));
    }
    refused(&["--at-once", "0"], "--at-once");
    refused(&["--at-once", "100001"], "--at-once");
    refused(&["--gpus", "0"], "--gpus");
    refused(&["--shards", "4294967295"], "fewer --shards");
}

/// With the config map and the plugin's file, a pod has all it needs to load the plugin. It
/// does not load another file.
#[test]
fn a_plugin_of_ones_own_is_loaded_in_a_pod() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("libown.so");
    std::fs::copy(support::fixture("own_autograd"), &plugin).unwrap();
    let own = ["--plugin", plugin.to_str().unwrap(), "--allow-unpinned"];
    let mut args = own.to_vec();
    args.extend(["--out", "/runs/x"]);
    let manifest = manifest("own", &args);
    let data = manifest["items"][0]["data"].as_object().unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["osee.lock", "study.toml"]);
    let mounted = tempfile::tempdir().unwrap();
    for (name, text) in data {
        std::fs::write(mounted.path().join(name), text.as_str().unwrap()).unwrap();
    }
    let study = mounted.path().join("study.toml");
    let plan = ["plan", "--study", study.to_str().unwrap()];
    support::run(&plan);
    std::fs::copy(support::fixture("misbehaving"), &plugin).unwrap();
    let (code, said) = fail(&plan);
    assert!(code == 4, "{code}: {said}");
    // Without user plugins there is nothing to pin.
    assert_eq!(
        self::manifest("none", &["--out", "/runs/x"])["items"][0]["data"]["osee.lock"],
        Value::Null
    );
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

/// Characters in a path that are syntax to a scheduler are escaped for it.
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
    // The command itself has the path unescaped.
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
    assert!(code == 2 && said.contains("a line break"), "{said}");
}

#[test]
fn what_sbatch_would_take_for_something_else_is_refused() {
    let small =
        ["submit", "slurm", "--archs", "5", "--data", "noise", "--shards", "7", "--dry-run"];
    let (code, said) = fail(&[&small[..], &["--out", r"o\back"]].concat());
    assert!(code == 2 && said.contains("a backslash, which in a path keeps sbatch from"), "{said}");
    for option in ["account", "account=nas", "", "-", "--"] {
        let (code, said) = fail(&[&small[..], &[&format!("--sbatch={option}")]].concat());
        let words = format!("--sbatch `{option}` is not an option of sbatch");
        assert!(code == 2 && said.contains(&words), "{said}");
    }
    let said = support::run(&[&small[..], &["--sbatch=-A nas"]].concat());
    assert!(said.contains("#SBATCH -A nas\n"), "{said}");
}
