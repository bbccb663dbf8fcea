//! `osee-host submit`: runs a study as jobs of a scheduler: supernets first, then
//! shards, then their merge.
//!
//! Invariant: jobs run the study as it was resolved here, from a file in the run
//! directory, whatever happens to the original file.

mod kubernetes;
mod slurm;

use super::{
    CliError,
    lists::{usage, whole},
    study_args::{Prepared, Purpose, ScoringArgs, StudyArgs, TorchArgs, WorkerArgs},
};
use crate::{
    catalog::{self, Home},
    loader::{LOCK, Lock, Registry},
    progress::Silent,
    runner::Isolation,
    stop::Stop,
};
use clap::{Args, Subcommand};
use osee_core::{
    run_dir::RunDir,
    shard::Shard,
    study::{Study, TableSource},
};
use osee_files::write_whole;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A scheduler.
#[derive(Debug, Subcommand)]
pub enum SubmitCommand {
    /// To Slurm: an array of shards, and a merge that waits for it.
    Slurm(slurm::SlurmArgs),
    /// A Kubernetes manifest: an indexed job of shards. It is printed, not
    /// submitted, and was not run on a cluster yet.
    Kubernetes(kubernetes::KubernetesArgs),
}

/// Submits jobs, or prints what would be submitted.
pub fn run(command: SubmitCommand) -> Result<(), CliError> {
    match command {
        SubmitCommand::Slurm(args) => slurm::run(&args),
        SubmitCommand::Kubernetes(args) => kubernetes::run(&args),
    }
}

/// A study in shards.
#[derive(Debug, Args)]
pub struct JobArgs {
    #[command(flatten)]
    study: StudyArgs,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    scoring: ScoringArgs,
    #[command(flatten)]
    torch: TorchArgs,
    /// How many shards; tens of minutes of work each are a good size.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0..=u32::MAX.into()))]
    shards: u32,
    /// Print what would be submitted, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What the jobs of a study have in common.
struct Jobs {
    name: String,
    /// Absolute path of the run directory.
    out: PathBuf,
    /// The resolved study, as TOML.
    study: String,
    /// Plugins that are not bundled, as the study names them, with their SHA-256: other
    /// nodes load the same files or none.
    plugins: Vec<(PathBuf, String)>,
    /// The folder of data sets, if the study uses some.
    data: Option<PathBuf>,
    /// True if supernets are to be trained.
    trains: bool,
    shards: u32,
    workers: usize,
    /// Further flags of every job that computes.
    flags: Vec<String>,
    /// Further flags of jobs that score.
    scoring: Vec<String>,
}

impl JobArgs {
    fn prepare(&self) -> Result<Jobs, CliError> {
        Shard::new(1, self.shards).map_err(|error| usage(error.to_string()))?;
        let options =
            self.workers.options(Some(&self.scoring), Stop::default(), Arc::new(Silent))?;
        let Prepared { study, plan, registry, .. } =
            self.study.prepare(options.isolation, None, Purpose::Score, 1)?;
        if !plan.shard.is_whole() {
            let shard = plan.shard;
            return Err(usage(format!(
                "the study file is that of shard {shard}; submit the whole study, which --shards divides"
            )));
        }
        let out = std::path::absolute(plan.setup.run.path()).map_err(CliError::WorkingFolder)?;
        // Scripts and manifests are text.
        for path in [&out, &std::env::current_dir().map_err(CliError::WorkingFolder)?] {
            if path.to_str().is_none() {
                let path = path.display();
                let what = format!("{path} is not UTF-8, as a job script must be");
                return Err(usage(what));
            }
        }
        Ok(Jobs {
            name: study.name.clone(),
            out,
            study: study.to_toml(),
            plugins: pins(&study.plugins, &registry),
            data: data(&study)?,
            trains: !plan.setup.supernets.is_empty(),
            shards: self.shards,
            // Without worker processes only one network is scored at a time.
            workers: match options.isolation {
                Isolation::Process => options.workers_on(plan.setup.device.kind()),
                Isolation::None => 1,
            },
            flags: [self.workers.flags(), self.torch.flags()].concat(),
            scoring: self.scoring.flags(),
        })
    }
}

/// The folder of the data sets that a study uses, if any.
fn data(study: &Study) -> Result<Option<PathBuf>, CliError> {
    let of_catalog = |table: &TableSource| matches!(table, TableSource::DataSet { .. });
    let table = study.truth.as_ref().is_some_and(|truth| of_catalog(&truth.table));
    let images = study.data.folder.is_none() && catalog::find(&study.data.kind).is_ok();
    if !table && !images {
        return Ok(None);
    }
    let home = std::path::absolute(Home::find()?.path()).map_err(CliError::WorkingFolder)?;
    Ok(Some(home))
}

/// The plugin files of a study that are not bundled, with their SHA-256.
fn pins(files: &[PathBuf], registry: &Registry) -> Vec<(PathBuf, String)> {
    let given = |file: &PathBuf| {
        let path = std::fs::canonicalize(file).ok()?;
        let plugin = registry.user_plugins().iter().find(|plugin| plugin.path == path)?;
        Some((file.clone(), plugin.sha256.clone()))
    };
    files.iter().filter_map(given).collect()
}

impl Jobs {
    /// The folder of scripts and logs.
    fn folder(&self) -> PathBuf {
        RunDir::new(&self.out).jobs()
    }

    fn study_file(&self) -> PathBuf {
        RunDir::new(&self.out).jobs_study()
    }

    /// The arguments of `run` or `train` in a job.
    fn arguments(&self, command: &str) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        let mut all = vec![command.to_owned()];
        all.extend(["--study".to_owned(), text(&self.study_file())]);
        all.extend(["--out".to_owned(), text(&self.out)]);
        all.extend(["--workers".to_owned(), self.workers.to_string()]);
        all.extend(self.flags.iter().cloned());
        if command == "run" {
            all.extend(self.scoring.iter().cloned());
        }
        all
    }

    /// Writes the study and the given files, pairs of name and text.
    fn write(&self, files: &[(&str, &str)]) -> Result<(), CliError> {
        let folder = self.folder();
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            write_whole(&self.study_file(), &self.study)?;
            files.iter().try_for_each(|(name, text)| write_whole(&folder.join(name), text))
        };
        write().map_err(|error| CliError::Jobs { folder: folder.clone(), error })?;
        if self.plugins.is_empty() {
            return Ok(());
        }
        let file = folder.join(LOCK);
        let mut lock = Lock::read(&file)?;
        self.plugins.iter().for_each(|(plugin, sha256)| lock.pin(plugin, sha256));
        Ok(lock.write(&file)?)
    }
}
