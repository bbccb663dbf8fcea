//! The share of a study that a process computes: given, or taken from the environment
//! of the scheduler that started it.

use super::CliError;
use crate::terminal::say;
use clap::Args;
use osee_core::shard::Shard;

/// Variable with the number of shards, for schedulers that do not give it or only give
/// the number of tasks just started.
pub const COUNT: &str = "OSEE_SHARDS";

/// The flag of commands that compute.
#[derive(Debug, Default, Args)]
pub struct ShardArg {
    /// Compute share K of N only, in the folder shard-K-of-N of the run
    /// directory. In a Slurm array or an indexed Kubernetes job that share by
    /// default; 1/1 for all.
    #[arg(long, value_name = "K/N", allow_hyphen_values = true)]
    shard: Option<Shard>,
}

impl ShardArg {
    /// The share that the user or the environment asks for; `None` if neither does.
    pub fn shard(&self) -> Result<Option<Shard>, CliError> {
        let wrong = |what: String| CliError::Usage(what);
        if self.shard.is_some() {
            return Ok(self.shard);
        }
        let shard = of_environment(|name| std::env::var(name).ok()).map_err(wrong)?;
        if let Some((shard, variable)) = &shard {
            say(format_args!("shard {shard}, by {variable}; --shard 1/1 for the whole study"));
        }
        Ok(shard.map(|(shard, _)| shard))
    }
}

/// The share, with the variable that it is from.
fn of_environment(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<(Shard, &'static str)>, String> {
    let number = |name: &str| -> Result<Option<u32>, String> {
        let Some(text) = variable(name) else { return Ok(None) };
        let number = text.trim().parse();
        number.map(Some).map_err(|_| format!("{name}={text} is not a number; give --shard K/N"))
    };
    let count = number(COUNT)?;
    let shard = |index: u32, count: u32, name| match Shard::new(index, count) {
        Ok(shard) => Ok(Some((shard, name))),
        Err(_) => Err(format!("{name} is for shard {index} of {count}, which does not exist")),
    };
    const SLURM: &str = "SLURM_ARRAY_TASK_ID";
    if let Some(id) = number(SLURM)? {
        if let Some(count) = count {
            return shard(id, count, SLURM);
        }
        // Slurm counts the tasks that it was given: if an array repeats a few tasks of
        // another, count and ids are not those of the partition.
        let tasks = number("SLURM_ARRAY_TASK_COUNT")?;
        let [first, last] = [number("SLURM_ARRAY_TASK_MIN")?, number("SLURM_ARRAY_TASK_MAX")?];
        let (Some(tasks), Some(first), Some(last)) = (tasks, first, last) else {
            return Err(format!("{SLURM} is set without count, least and greatest; set {COUNT}"));
        };
        if first > 1 || last < first || last - first + 1 != tasks || !(first..=last).contains(&id) {
            return Err(format!(
                "the array's {tasks} tasks from {first} to {last} are not numbered from 0 or 1 \
                 without gaps, so which shards they are is not clear; number them from 1 and set \
                 {COUNT} to how many shards there are in all, or give --shard K/N"
            ));
        }
        return shard(id - first + 1, tasks, SLURM);
    }
    const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
    if let Some(index) = number(KUBERNETES)? {
        let count =
            count.ok_or_else(|| format!("{KUBERNETES} is set; set {COUNT} to the completions"))?;
        return shard(index.saturating_add(1), count, KUBERNETES);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let find = |name: &str| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        Ok(of_environment(find)?.map(|(shard, _)| shard.to_string()))
    }

    fn slurm(id: &str, count: &str, least: &str, greatest: &str) -> Result<Option<String>, String> {
        shard(&[
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_COUNT", count),
            ("SLURM_ARRAY_TASK_MIN", least),
            ("SLURM_ARRAY_TASK_MAX", greatest),
        ])
    }

    fn is(text: &str) -> Result<Option<String>, String> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn schedulers_number_from_0_or_1() {
        assert_eq!(slurm("0", "5", "0", "4"), is("1/5"));
        assert_eq!(slurm("5", "5", "1", "5"), is("5/5"));
        let kubernetes = [("JOB_COMPLETION_INDEX", "0"), (COUNT, "3")];
        assert_eq!(shard(&kubernetes), is("1/3"));
        assert_eq!(shard(&[]), Ok(None));
        assert_eq!(shard(&[(COUNT, "3")]), Ok(None));
    }

    #[test]
    fn a_few_tasks_of_an_array_are_not_taken_for_a_smaller_one() {
        for (count, least, greatest) in [("2", "3", "7"), ("1", "3", "3"), ("3", "1", "5")] {
            let refused = slurm("3", count, least, greatest).unwrap_err();
            assert!(refused.contains("set OSEE_SHARDS"), "{refused}");
        }
        assert_eq!(shard(&[("SLURM_ARRAY_TASK_ID", "7"), (COUNT, "8")]), is("7/8"));
        assert!(shard(&[("SLURM_ARRAY_TASK_ID", "9"), (COUNT, "8")]).is_err());
        assert!(shard(&[("JOB_COMPLETION_INDEX", "0")]).unwrap_err().contains(COUNT));
        assert!(shard(&[("SLURM_ARRAY_TASK_ID", "x")]).is_err());
    }
}
