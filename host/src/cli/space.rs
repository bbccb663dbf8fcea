//! `osee-host space`.

use super::{CliError, plugin_args::PluginArgs, print};
use crate::loader::Space;
use clap::{Args, Subcommand};
use osee_core::{graph::Graph, settings::Settings};
use std::fmt::Write;

/// What to see of a space.
#[derive(Debug, Subcommand)]
pub enum SpaceCommand {
    /// One architecture: its graph, parameters, FLOPs, canonical form.
    Show(ShowArgs),
    /// Every architecture: index, arch, params, flops, canonical.
    Table(TableArgs),
}

/// Which space, with which settings.
#[derive(Debug, Args)]
struct SpaceArgs {
    /// Search space.
    space: String,
    /// Setting, such as channels=16.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Which architecture.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    space: SpaceArgs,
    /// Architecture in the space's notation.
    arch: String,
}

/// Which table.
#[derive(Debug, Args)]
pub struct TableArgs {
    #[command(flatten)]
    space: SpaceArgs,
    /// The only form there is.
    #[arg(long, value_parser = ["csv"], default_value = "csv")]
    format: String,
}

/// Runs it.
pub fn run(command: &SpaceCommand) -> Result<(), CliError> {
    let args = match command {
        SpaceCommand::Show(args) => &args.space,
        SpaceCommand::Table(args) => &args.space,
    };
    let registry = args.plugins.registry()?;
    let space = registry.space(&args.space)?;
    let given = args.set.iter().map(|text| Settings::parse_assignment(text));
    let given = given.collect::<Result<_, _>>()?;
    let owner = format!("search space `{}`", args.space);
    let settings = Settings::resolve(&owner, &space.info.settings, &given)?;
    match command {
        SpaceCommand::Show(args) => print(&show(&space, &args.arch, &settings)?),
        SpaceCommand::Table(_) => print(&table(&space, &settings)?),
    }
}

fn show(space: &Space<'_>, arch: &str, settings: &Settings) -> Result<String, CliError> {
    let arch = space.functions.parse(arch)?;
    let graph = space.functions.graph(&arch, settings)?;
    let cost = graph.cost();
    let settings: Vec<String> =
        settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "space      {} ({})", space.info.id, settings.join(", "));
    let _ = writeln!(text, "arch       {arch}");
    let _ = writeln!(text, "canonical  {}", space.functions.canonical(&arch)?);
    let _ = writeln!(text, "function   {}", graph.fingerprint());
    let _ = writeln!(text, "params     {}", cost.params);
    let _ = writeln!(text, "flops      {}", cost.flops());
    let _ = writeln!(text, "relus      {}", graph.relu_count());
    let _ = writeln!(
        text,
        "\n node  live  operation        inputs          shape           parameters"
    );
    nodes(&graph, &mut text);
    Ok(text)
}

fn nodes(graph: &Graph, text: &mut String) {
    let live = graph.live();
    for (id, node) in graph.iter() {
        let inputs: Vec<String> = node.inputs.iter().map(|id| id.index().to_string()).collect();
        let names: Vec<&str> =
            node.op.parameters().map(|id| graph.parameter(id).name.as_str()).collect();
        let line = format!(
            "{:>5}  {:<4}  {:<15}  {:<14}  {:<14}  {}",
            id.index(),
            if live[id.index()] { "yes" } else { "-" },
            node.op.name(),
            inputs.join(","),
            node.shape.to_string(),
            names.join(" ")
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn table(space: &Space<'_>, settings: &Settings) -> Result<String, CliError> {
    let size = space.info.size.ok_or_else(|| {
        CliError::Usage(format!("search space `{}` cannot be enumerated", space.info.id))
    })?;
    let mut text = "index,arch,params,flops,canonical\n".to_owned();
    for index in 0..size {
        let arch = space.functions.architecture(index)?;
        let cost = space.functions.graph(&arch, settings)?.cost();
        let canonical = space.functions.canonical(&arch)?;
        let _ = writeln!(text, "{index},{arch},{},{},{canonical}", cost.params, cost.flops());
    }
    Ok(text)
}
