//! `osee-host submit kubernetes`: an indexed job whose pods share a volume.

use super::{JobArgs, Jobs};
use crate::{
    cli::{CliError, print, shard_args::COUNT},
    loader::{Entry, LOCK, lock_text},
};
use clap::Args;
use osee_core::settings::key_hash;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Where the study is mounted, and its lock file.
const STUDY: &str = "/study";
/// More pods of an indexed job than these are not run at once.
const AT_ONCE: u32 = 100_000;
/// Letters of a study's name in those of its jobs: with a hash, what a job is for
/// and a pod's index they are a label.
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=AT_ONCE as i64))]
    at_once: Option<u32>,
    /// GPUs of a pod.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    gpus: Option<u32>,
}

/// Prints the manifest; `kubectl apply` submits it.
pub fn run(args: &KubernetesArgs) -> Result<(), CliError> {
    if !args.jobs.dry_run {
        let what = "osee-host does not talk to Kubernetes; --dry-run prints the manifest, for \
                    kubectl apply -f -";
        return Err(CliError::Usage(what.to_owned()));
    }
    let jobs = args.jobs.prepare()?;
    args.check(&jobs)?;
    let manifest = args.manifest(&jobs);
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
    print(&(text + "\n"))
}

impl KubernetesArgs {
    /// Refuses what the API would.
    fn check(&self, jobs: &Jobs) -> Result<(), CliError> {
        let wrong = |what: String| Err(CliError::Usage(what));
        let out = jobs.out.display();
        if jobs.out.to_str().is_none_or(|out| out.contains(':') || out == STUDY) {
            return wrong(format!(
                "Kubernetes mounts nothing at {out}: a path there is text without a colon, and \
                 {STUDY} is the study's; give --out another folder"
            ));
        }
        if !is_name(&self.claim) {
            return wrong(format!(
                "--claim `{}` is no name of Kubernetes: those are of a-z, 0-9, `-` and `.`, with a \
                 letter or digit at both ends of every part, and at most 253 characters",
                self.claim
            ));
        }
        if self.image.is_empty() || self.image.contains(char::is_whitespace) {
            return wrong(format!("--image `{}` is no image: it has no spaces", self.image));
        }
        match i32::try_from(jobs.shards) {
            Ok(_) => Ok(()),
            Err(_) => wrong(format!("Kubernetes counts pods to {}; give fewer --shards", i32::MAX)),
        }
    }

    /// A config map with the study and what may be loaded for it, a job that trains, one of shards.
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
        // The study is mounted.
        if let Some(at) = arguments.iter().position(|it| it == "--study") {
            arguments[at + 1] = format!("{STUDY}/study.toml");
        }
        // Kubernetes would put variables in place of $(NAME), and reads $$ as one $.
        arguments.iter_mut().for_each(|it| *it = it.replace('$', "$$"));
        let mut resources = json!({ "requests": { "cpu": jobs.workers.to_string() } });
        if let Some(gpus) = self.gpus {
            resources["limits"] = json!({ "nvidia.com/gpu": gpus.to_string() });
        }
        let container = json!({
            "name": "osee",
            "image": self.image,
            "command": ["osee-host"],
            "args": arguments,
            "env": [{ "name": COUNT, "value": jobs.shards.to_string() }],
            "resources": resources,
            "volumeMounts": [
                { "name": "runs", "mountPath": jobs.out.display().to_string() },
                { "name": "study", "mountPath": STUDY },
            ],
        });
        // 9 is a pod that was told to stop: begun again, it goes on. A mistake in the study is one
        // in every pod.
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
                // As long as the longest unit may take.
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

/// What the study's jobs are called: a label (RFC 1123) that another name or
/// another run directory does not have.
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

/// Whether Kubernetes takes it for an object's name (RFC 1123).
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

#[cfg(test)]
mod tests {
    use super::is_name;

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
