//! `osee-host submit kubernetes`: prints an indexed job whose pods share a volume.

use super::{JobArgs, Jobs};
use crate::{
    cli::{CliError, lists::whole, print, shard_args::COUNT},
    loader::{Entry, LOCK, lock_text},
};
use clap::Args;
use osee_model::{paths, settings::key_hash};
use serde_json::{Value, json};
use std::path::{Component, Path, PathBuf};

/// Folder in pods where the study and its lock file are mounted.
const STUDY: &str = "/study";
/// Largest number of pods of an indexed job that run at once.
const AT_ONCE: u32 = 100_000;
/// Letters of a study's name in the names of its jobs: with a hash, the job's purpose
/// and a pod's index they fit in a label.
const WORD: usize = 36;

/// A study for Kubernetes.
#[derive(Debug, Args)]
pub struct KubernetesArgs {
    #[command(flatten)]
    jobs: JobArgs,
    /// Image with osee-host and its plugins.
    #[arg(long, value_name = "IMAGE", default_value = "osee:latest")]
    image: String,
    /// Persistent volume claim that all pods can write to, mounted where the
    /// run directory is.
    #[arg(long, value_name = "NAME", default_value = "osee")]
    claim: String,
    /// Pods at once; all by default, as far as Kubernetes allows.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=AT_ONCE.into()))]
    at_once: Option<u32>,
    /// GPUs of a pod.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    gpus: Option<u32>,
}

/// Prints the manifest; `kubectl apply` submits it.
pub fn run(args: &KubernetesArgs) -> Result<(), CliError> {
    if !args.jobs.dry_run {
        let what = "osee-host does not talk to Kubernetes; --dry-run prints the manifest, for \
                    kubectl apply -f -";
        return Err(CliError::Usage(what.to_owned()));
    }
    let mut jobs = args.jobs.prepare()?;
    jobs.out = normal(&jobs.out);
    args.check(&jobs)?;
    let manifest = args.manifest(&jobs);
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
    print(&(text + "\n"))
}

impl KubernetesArgs {
    /// Refuses what the API would refuse.
    fn check(&self, jobs: &Jobs) -> Result<(), CliError> {
        let wrong = |what: String| Err(CliError::Usage(what));
        let out = jobs.out.display();
        let study = Path::new(STUDY);
        let taken = jobs.out.starts_with(study) || study.starts_with(&jobs.out);
        if taken || jobs.out.to_str().is_none_or(|out| out.contains(':')) {
            return wrong(format!(
                "Kubernetes mounts nothing at {out}: a path there is text without a colon, and \
                 {STUDY} is the study's, with all that is in it and above it; give --out another \
                 folder"
            ));
        }
        if !is_name(&self.claim) {
            return wrong(format!(
                "--claim `{}` is not a Kubernetes name: those are of a-z, 0-9, `-` and `.`, with a \
                 letter or digit at both ends of every part, and at most 253 characters",
                self.claim
            ));
        }
        if !is_image(&self.image) {
            return wrong(format!(
                "--image `{}` is not an image: one is REGISTRY/REPOSITORY:TAG@DIGEST, of which all but \
                 the repository may be left out; that is of a-z and 0-9, with single `.`, `_`, `__` \
                 or `-` between them",
                self.image
            ));
        }
        match i32::try_from(jobs.shards) {
            Ok(_) => Ok(()),
            Err(_) => wrong(format!("Kubernetes counts pods to {}; give fewer --shards", i32::MAX)),
        }
    }

    /// A config map with the study and its lock file, a job that trains, and one of
    /// shards.
    fn manifest(&self, jobs: &Jobs) -> Value {
        let name = label(jobs);
        let mut study = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": format!("{name}-study") },
            "data": { "study.toml": jobs.study },
        });
        if !jobs.plugins.is_empty() {
            let pin = |(file, sha256): &(PathBuf, String)| Entry {
                file: file.clone(),
                sha256: Some(sha256.clone()),
                build: None,
            };
            let entries: Vec<Entry> = jobs.plugins.iter().map(pin).collect();
            study["data"][LOCK] = json!(lock_text(&entries));
        }
        let mut items = vec![study];
        if jobs.trains {
            items.push(self.job(jobs, "train", json!({ "completions": 1 })));
        }
        let shards = json!({
            "completions": jobs.shards,
            "parallelism": self.at_once.unwrap_or(jobs.shards.min(AT_ONCE)),
            "completionMode": "Indexed",
        });
        items.push(self.job(jobs, "run", shards));
        json!({ "apiVersion": "v1", "kind": "List", "items": items })
    }

    fn job(&self, jobs: &Jobs, command: &str, mut spec: Value) -> Value {
        let name = label(jobs);
        let mut arguments = jobs.arguments(command);
        // In a pod, the study is at its mount.
        if let Some(at) = arguments.iter().position(|it| it == "--study") {
            arguments[at + 1] = format!("{STUDY}/study.toml");
        }
        // Kubernetes would replace $(NAME) by a variable, and reads $$ as one $.
        arguments.iter_mut().for_each(|it| *it = it.replace('$', "$$"));
        let mut resources = json!({ "requests": { "cpu": jobs.workers.to_string() } });
        if let Some(gpus) = self.gpus {
            resources["limits"] = json!({ "nvidia.com/gpu": gpus.to_string() });
        }
        let mut variables = vec![json!({ "name": COUNT, "value": jobs.shards.to_string() })];
        if let Some(data) = &jobs.data {
            variables.push(json!({ "name": "OSEE_DATA", "value": paths::text(data) }));
        }
        let container = json!({
            "name": "osee",
            "image": self.image,
            "command": ["osee-host"],
            "args": arguments,
            "env": variables,
            "resources": resources,
            "volumeMounts": [
                { "name": "runs", "mountPath": jobs.out.display().to_string() },
                { "name": "study", "mountPath": STUDY },
            ],
        });
        // Exit code 9 is a pod that was told to stop: restarted, it resumes. A mistake
        // in the study is the same in every pod.
        let again =
            json!({ "action": "Ignore", "onExitCodes": { "operator": "In", "values": [9] } });
        let never = json!({
            "action": "FailJob",
            "onExitCodes": { "operator": "In", "values": [2, 3, 4, 6, 7] },
        });
        spec["podFailurePolicy"] = json!({ "rules": [again, never] });
        spec["backoffLimit"] = json!(jobs.shards);
        spec["template"] = json!({
            "metadata": { "labels": { "app": name } },
            "spec": {
                "restartPolicy": "Never",
                // As long as the longest unit may take, in seconds.
                "terminationGracePeriodSeconds": 150,
                "containers": [container],
                "volumes": [
                    { "name": "runs", "persistentVolumeClaim": { "claimName": self.claim } },
                    { "name": "study", "configMap": { "name": format!("{name}-study") } },
                ],
            },
        });
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": { "name": format!("{name}-{command}"), "labels": { "app": name } },
            "spec": spec,
        })
    }
}

/// Name of the study's jobs: a label (RFC 1123), different for another study name or
/// run directory.
fn label(jobs: &Jobs) -> String {
    let hash = key_hash(&(&jobs.name, jobs.out.to_string_lossy()));
    let word: String = jobs
        .name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let word: String = word.trim_matches('-').chars().take(WORD).collect();
    let word = word.trim_matches('-');
    format!("{}-{}", if word.is_empty() { "study" } else { word }, &hash[..8])
}

/// True if Kubernetes accepts the text as the name of an object (RFC 1123).
fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// Makes an absolute path without `..`, as a mount needs.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// True if a registry accepts the text as a reference: name, tag and digest of the
/// distribution specification.
fn is_image(text: &str) -> bool {
    let (text, digest) = match text.split_once('@') {
        None => (text, None),
        Some((text, digest)) => (text, Some(digest)),
    };
    // A colon before the last slash belongs to a port.
    let (name, tag) = match text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        None => (text, None),
        Some((name, tag)) => (name, Some(tag)),
    };
    let (host, path) = match name.split_once('/').filter(|(first, _)| is_named_host(first)) {
        None => (None, name),
        Some((host, path)) => (Some(host), path),
    };
    name.len() <= 255
        && path.split('/').all(is_repository)
        && host.is_none_or(is_host)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
}

/// True if the first part of a name is a registry, not a folder of the default one.
fn is_named_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.contains(char::is_uppercase)
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.split_once(':') {
        None => (host, None),
        Some((name, port)) => (name, Some(port)),
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.split('.').all(part) && port.is_none_or(digits)
}

/// True for a part of a repository: words of a-z and 0-9, separated by `.`, `_`, `__`
/// or any number of `-`.
fn is_repository(part: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let between =
        |gap: &str| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|it| it == b'-');
    part.starts_with(inner) && part.ends_with(inner) && part.split(inner).all(between)
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=128).contains(&tag.len())
        && tag.starts_with(word)
        && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(part)
        && hex.len() >= 32
        && hex.bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::{is_image, is_name, normal};
    use std::path::Path;

    #[test]
    fn images_are_references_that_a_registry_takes() {
        let digest = format!("osee@sha256:{}", "0a".repeat(32));
        let both = format!("ghcr.io/a/osee:1.2@sha256:{}", "0a".repeat(32));
        for image in [
            "osee",
            "osee:latest",
            "library/osee",
            "a/b__c/d-e--f.g:1.0-rc_1",
            "localhost/osee",
            "localhost:5000/osee:1",
            "Registry.example.org:443/lab/osee",
            "127.0.0.1:5000/osee",
            &digest,
            &both,
            &"a".repeat(255),
        ] {
            assert!(is_image(image), "{image}");
        }
        for image in [
            "",
            "my image",
            "Osee",
            "lab/Osee",
            "Foo:bar:baz",
            "foo:bar:baz",
            "osee:",
            "osee:-1",
            ":latest",
            "/osee",
            "osee/",
            "a//b",
            "a..b",
            "a___b",
            "-osee",
            "osee_",
            "https://ghcr.io/osee",
            "ghcr.io:/osee",
            "osee@sha256:abc",
            "osee@latest",
            "osee:1@",
            "\u{f6}see",
            &"a".repeat(256),
            &format!("osee:{}", "a".repeat(129)),
        ] {
            assert!(!is_image(image), "{image}");
        }
    }

    #[test]
    fn a_path_is_where_it_leads() {
        for (path, to) in [
            ("/study/", "/study"),
            ("/tmp/../study", "/study"),
            ("/../..", "/"),
            ("/a/./b/../c", "/a/c"),
        ] {
            assert_eq!(normal(Path::new(path)), Path::new(to), "{path}");
        }
    }

    #[test]
    fn names_are_those_of_kubernetes() {
        for name in ["osee", "a", "0", "my-claim.v1", &"a".repeat(253)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "Osee", "a_b", "-a", "a-", "a..b", "a.-b", "\u{e9}", &"a".repeat(254)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
