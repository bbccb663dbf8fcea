//! `osee-host submit slurm`: submits an array of shards, and a merge after it.

use super::{JobArgs, Jobs};
use crate::{
    cli::{
        CliError,
        lists::{usage, whole},
        print,
        shell::{path_word, word},
    },
    terminal::say,
};
use clap::Args;
use std::{
    fmt::Write,
    path::Path,
    process::{Command, Stdio},
};

/// A study for Slurm.
#[derive(Debug, Args)]
pub struct SlurmArgs {
    #[command(flatten)]
    jobs: JobArgs,
    /// Longest time of a shard or training, in sbatch's format; one that is not
    /// done by then is queued again.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Seconds before that time at which a job stops taking units; allow for
    /// the longest unit.
    #[arg(long, value_name = "SECONDS", default_value_t = 150, value_parser = whole::<u32>(0..=65_535))]
    grace: u32,
    /// Generic resources of every shard and training, such as gpu:1.
    #[arg(long, value_name = "LIST")]
    gres: Option<String>,
    /// Partition.
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Memory of a job, in sbatch's format.
    #[arg(long, value_name = "SIZE")]
    mem: Option<String>,
    /// Shards that run at once; as many as there is room for by default.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    at_once: Option<u32>,
    /// Another option of sbatch, such as --sbatch=--account=nas; may be given
    /// several times.
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,
}

/// One job of the study.
struct Job {
    file: &'static str,
    script: String,
    /// The earlier job that it waits for, and the kind of dependency.
    after: Option<(&'static str, &'static str)>,
}

/// Writes scripts and submits them, or prints them.
pub fn run(args: &SlurmArgs) -> Result<(), CliError> {
    let jobs = args.jobs.prepare()?;
    args.check(&jobs)?;
    let scripts = args.scripts(&jobs)?;
    if args.jobs.dry_run {
        let one = |job: &Job| {
            let after = job.after.map(|(how, file)| format!(" --dependency={how}:{file}"));
            let command = format!("sbatch{} {}", after.unwrap_or_default(), job.file);
            format!("# {command}\n{}\n", job.script)
        };
        return print(&scripts.iter().map(one).collect::<String>());
    }
    let files: Vec<_> = scripts.iter().map(|job| (job.file, job.script.as_str())).collect();
    jobs.write(&files)?;
    let mut submitted: Vec<(&str, String)> = Vec::new();
    for job in &scripts {
        let after = job.after.map(|(how, file)| {
            let id = submitted.iter().find(|(other, _)| *other == file);
            format!("--dependency={how}:{}", id.map_or("", |(_, id)| id.as_str()))
        });
        let id = sbatch(&jobs.folder().join(job.file), after)?;
        submitted.push((job.file, id));
    }
    let lines = submitted.iter().map(|(file, id)| format!("{id} {file}\n"));
    print(&lines.collect::<String>())?;
    say(format_args!("logs are in {}", jobs.folder().display()));
    Ok(())
}

/// Submits a script, and returns the id of the job.
fn sbatch(script: &Path, after: Option<String>) -> Result<String, CliError> {
    let wrong = |what: String| {
        let hint = "--dry-run prints the scripts, for sbatch by hand";
        CliError::Scheduler(format!("sbatch {}: {what}; {hint}", script.display()))
    };
    let output = Command::new("sbatch")
        .arg("--parsable")
        .args(after)
        .arg(script)
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| wrong(error.to_string()))?;
    if !output.status.success() {
        return Err(wrong(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // sbatch prints `id` or `id;cluster`.
    Ok(text.trim().split(';').next().unwrap_or_default().to_owned())
}

impl SlurmArgs {
    /// Refuses paths and values that sbatch would misread.
    fn check(&self, jobs: &Jobs) -> Result<(), CliError> {
        let out = jobs.out.display().to_string();
        if out.contains('\\') {
            return Err(CliError::Usage(format!(
                "{out} has a backslash, which in a path keeps sbatch from putting job numbers in place \
                 of %A and %a, so all shards would have one log; give --out another folder"
            )));
        }
        let is_option = |option: &String| {
            option.strip_prefix('-').is_some_and(|rest| !rest.trim_start_matches('-').is_empty())
        };
        match self.sbatch.iter().find(|option| !is_option(option)) {
            None => Ok(()),
            Some(option) => Err(CliError::Usage(format!(
                "--sbatch `{option}` is not an option of sbatch: those begin with a minus, as in \
                 --sbatch=--account=nas"
            ))),
        }
    }

    fn scripts(&self, jobs: &Jobs) -> Result<Vec<Job>, CliError> {
        const TRAIN: &str = "train.sh";
        const SHARDS: &str = "shards.sh";
        let mut all = Vec::new();
        if jobs.trains {
            let head = self.head(jobs, "train", true);
            let script = script(&head, jobs.arguments("train"), "", true)?;
            all.push(Job { file: TRAIN, script, after: None });
        }
        let at_once = self.at_once.map_or_else(String::new, |count| format!("%{count}"));
        let mut head = self.head(jobs, "shard", true);
        head.push(format!("--array=1-{}{at_once}", jobs.shards));
        let shard = format!(" --shard \"$SLURM_ARRAY_TASK_ID/{}\"", jobs.shards);
        let script_of_shards = script(&head, jobs.arguments("run"), &shard, true)?;
        let after = jobs.trains.then_some(("afterok", TRAIN));
        all.push(Job { file: SHARDS, script: script_of_shards, after });
        // The merge runs whatever happened to the shards, and says what is missing.
        let merge = vec!["merge".to_owned(), jobs.out.display().to_string()];
        let script = script(&self.head(jobs, "merge", false), merge, "", false)?;
        all.push(Job { file: "merge.sh", script, after: Some(("afterany", SHARDS)) });
        Ok(all)
    }

    /// Options of sbatch for a script's head.
    fn head(&self, jobs: &Jobs, part: &str, computes: bool) -> Vec<String> {
        let number = if part == "shard" { "%A_%a" } else { "%j" };
        // sbatch reads `%` in a path as the start of a placeholder.
        let folder = jobs.folder().display().to_string().replace('%', "%%");
        let log = Path::new(&folder).join(format!("{part}-{number}.log"));
        let mut head = vec![
            format!("--job-name={}-{part}", name(&jobs.name)),
            format!("--output={}", word(&log.display().to_string())),
            // Keeps what a job printed before it was queued again.
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
        ];
        if computes {
            head.push(format!("--cpus-per-task={}", jobs.workers));
            head.push(format!("--signal=B:USR1@{}", self.grace));
            head.extend(self.time.iter().map(|time| format!("--time={}", word(time))));
            head.extend(self.gres.iter().map(|gres| format!("--gres={}", word(gres))));
        }
        head.extend(self.mem.iter().map(|size| format!("--mem={}", word(size))));
        head.extend(self.partition.iter().map(|name| format!("--partition={}", word(name))));
        head.extend(self.sbatch.iter().cloned());
        head
    }
}

/// Makes a name for a job, without spaces.
fn name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

/// Writes a script that runs osee-host and passes signals on to it. When the time is
/// nearly up, the job ends its units and is queued again; when it is cancelled, it ends
/// them and is not.
fn script(
    head: &[String],
    arguments: Vec<String>,
    more: &str,
    computes: bool,
) -> Result<String, CliError> {
    let host = std::env::current_exe().map_err(CliError::WorkingFolder)?;
    let here = std::env::current_dir().map_err(CliError::WorkingFolder)?;
    let mut text = String::from("#!/bin/bash\n");
    for option in head {
        if option.contains(['\n', '\r']) {
            let what = "has a line break, which an option of sbatch in a script cannot have";
            return Err(usage(format!("{option:?} {what}")));
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#SBATCH {option}");
    }
    let words = arguments.iter().map(|it| word(it));
    let command: Vec<String> = std::iter::once(path_word(&host)).chain(words).collect();
    let command = format!("{}{more}", command.join(" "));
    let _ = writeln!(text, "cd {}", path_word(&here));
    if !computes {
        let _ = writeln!(text, "exec {command}");
        return Ok(text);
    }
    let id = match more.is_empty() {
        true => "$SLURM_JOB_ID",
        false => "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID",
    };
    let _ = write!(
        text,
        r#"{command} &
host=$!
again=
# Before the time is up, and when the job is cancelled: osee-host ends its units, and exits with 9.
trap 'again=yes; kill -TERM "$host"' USR1
trap 'kill -TERM "$host"' TERM
# A signal ends a wait before the process that is waited for.
wait "$host"; code=$?
while kill -0 "$host" 2>/dev/null; do wait "$host"; code=$?; done
if [ "$code" = 9 ] && [ "$again" ]; then scontrol requeue "{id}"; fi
exit "$code"
"#
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_jobs_name_has_no_spaces() {
        assert_eq!(name("my study/1"), "my-study-1");
    }
}
