//! `osee-host submit kubernetes`: an indexed job whose pods share a volume.

use super::{JobArgs, Jobs};
use crate::cli::{CliError, print, shard_args::COUNT};
use clap::Args;
use serde_json::{Value, json};

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
    /// Pods at once; all by default.
    #[arg(long, value_name = "N")]
    at_once: Option<u32>,
    /// GPUs of a pod.
    #[arg(long, value_name = "N")]
    gpus: Option<u32>,
}

/// Prints the manifest; `kubectl apply` submits it.
pub fn run(args: &KubernetesArgs) -> Result<(), CliError> {
    if !args.jobs.dry_run {
        let what = "osee-host does not talk to Kubernetes; --dry-run prints the manifest, for \
                    kubectl apply -f -";
        return Err(CliError::Usage(what.to_owned()));
    }
    let manifest = args.manifest(&args.jobs.prepare()?);
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
    print(&(text + "\n"))
}

impl KubernetesArgs {
    /// A config map with the study, a job that trains, one of shards.
    fn manifest(&self, jobs: &Jobs) -> Value {
        let name = label(&jobs.name);
        let study = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": format!("{name}-study") },
            "data": { "study.toml": jobs.study },
        });
        let mut items = vec![study];
        if jobs.trains {
            items.push(self.job(jobs, "train", json!({ "completions": 1 })));
        }
        let shards = json!({
            "completions": jobs.shards,
            "parallelism": self.at_once.unwrap_or(jobs.shards),
            "completionMode": "Indexed",
        });
        items.push(self.job(jobs, "run", shards));
        json!({ "apiVersion": "v1", "kind": "List", "items": items })
    }

    fn job(&self, jobs: &Jobs, command: &str, mut spec: Value) -> Value {
        let name = label(&jobs.name);
        let mut arguments = jobs.arguments(command);
        // The study is mounted.
        if let Some(at) = arguments.iter().position(|it| it == "--study") {
            arguments[at + 1] = "/study/study.toml".to_owned();
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
                { "name": "study", "mountPath": "/study" },
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

/// A name as Kubernetes has them (RFC 1123).
fn label(name: &str) -> String {
    let word: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let word = word.trim_matches('-');
    // It ends in a letter or a digit, wherever it is cut.
    let cut: String = word.chars().take(40).collect();
    let cut = cut.trim_end_matches('-');
    if cut.is_empty() { "study".to_owned() } else { cut.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn names_are_those_of_kubernetes() {
        assert_eq!(label("NB201, small_"), "nb201--small");
        assert_eq!(label("..."), "study");
        assert_eq!(label(&format!("{} b", "a".repeat(39))), "a".repeat(39));
    }
}
