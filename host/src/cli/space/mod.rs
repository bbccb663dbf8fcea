//! `osee-host space`: shows what a search space is made of, and compares it with a
//! benchmark.

mod check;
mod groups;

pub use groups::groups;

use super::{CliError, lists::settings_of, plugin_args::PluginArgs, print};
use crate::{loader::Space, plan::LISTABLE, terminal::say};
use check::CheckArgs;
use clap::{Args, Subcommand};
use osee_files::csv_text::csv_text;
use osee_model::{
    graph::{Graph, SketchedCell},
    settings::Settings,
};
use osee_report::figure::{Drawing, Drawings, Figure};
use std::fmt::Write;

/// What to see of a space.
#[derive(Debug, Subcommand)]
pub enum SpaceCommand {
    /// One architecture: its graph, parameters, FLOPs, canonical form.
    Show(ShowArgs),
    /// A picture of an architecture's cells or blocks, as SVG.
    Draw(ShowArgs),
    /// Every architecture: index, arch, params, flops, canonical.
    Table(TableArgs),
    /// Compare a benchmark's table with the space: architectures, isomorphism,
    /// parameters, FLOPs, and how those rank.
    Check(CheckArgs),
    /// Count architectures and isomorphism groups of the whole space.
    Groups(GroupsArgs),
}

/// Which space.
#[derive(Debug, Args)]
pub struct GroupsArgs {
    /// Search space.
    space: String,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Which space, with which settings.
#[derive(Debug, Args)]
struct SpaceArgs {
    #[command(flatten)]
    of: GroupsArgs,
    /// Setting, such as channels=16; may be repeated for several.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
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
    /// The only format.
    #[arg(long, value_parser = ["csv"], default_value = "csv")]
    format: String,
}

/// Runs the command.
pub fn run(command: &SpaceCommand) -> Result<(), CliError> {
    let (of, set): (_, &[String]) = match command {
        SpaceCommand::Show(args) | SpaceCommand::Draw(args) => (&args.space.of, &args.space.set),
        SpaceCommand::Table(args) => (&args.space.of, &args.space.set),
        SpaceCommand::Check(args) => (&args.space.of, &args.space.set),
        SpaceCommand::Groups(args) => (args, &[]),
    };
    let given = settings_of(set)?;
    let registry = of.plugins.registry()?;
    let space = registry.space(&of.space)?;
    let settings = space.resolve(&given)?;
    match command {
        SpaceCommand::Show(args) => print(&show(&space, &args.arch, &settings)?),
        SpaceCommand::Draw(args) => print(&draw(&space, &args.arch, &settings)?),
        SpaceCommand::Table(_) => print(&table(&space, &settings)?),
        SpaceCommand::Check(args) => print(&check::check(&space, args, &settings)?),
        SpaceCommand::Groups(_) => print(&groups::count(&space)?),
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

/// Draws every distinct cell, with the number of times it occurs.
fn draw(space: &Space<'_>, arch: &str, settings: &Settings) -> Result<String, CliError> {
    let arch = space.functions.parse(arch)?;
    let graph = space.functions.graph(&arch, settings)?;
    let mut drawings = Drawings::default();
    for SketchedCell { name, count, sketch } in graph.sketches() {
        let times = if count == 1 { String::new() } else { format!("{count} times") };
        drawings = drawings.drawing(&name, &times, Drawing::layered(&sketch.labels, &sketch.edges));
    }
    let cost = graph.cost();
    let title = format!("{}: {:.2}M parameters", space.info.id, cost.params as f64 / 1e6);
    Ok(Figure::new("cells", &title, drawings).svg())
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

/// Number of architectures of a space that can be enumerated and is small enough.
fn listable(space: &Space<'_>) -> Result<u64, CliError> {
    let id = &space.info.id;
    match space.info.size {
        None => Err(CliError::Usage(format!("search space `{id}` cannot be enumerated"))),
        Some(size) if size > LISTABLE => Err(CliError::Usage(format!(
            "search space `{id}` has {size} architectures, too many to go through"
        ))),
        Some(size) => Ok(size),
    }
}

/// Collects architectures that make no network.
#[derive(Default)]
struct Without {
    count: usize,
    first: Option<osee_sdk::Error>,
}

impl Without {
    /// Returns the value, or keeps the error.
    fn keep<T>(&mut self, known: osee_sdk::Result<T>) -> Option<T> {
        let error = match known {
            Ok(known) => return Some(known),
            Err(error) => error,
        };
        self.count += 1;
        self.first.get_or_insert(error);
        None
    }

    /// A line with their number, `what` they lack or are, and the first error; `None`
    /// if there are none.
    fn said(&self, what: &str) -> Option<String> {
        let first = self.first.as_ref()?;
        Some(format!("{} architectures make no network and {what}; first: {first}", self.count))
    }
}

fn table(space: &Space<'_>, settings: &Settings) -> Result<String, CliError> {
    let size = listable(space)?;
    let (mut lines, mut without) = (Vec::new(), Without::default());
    for index in 0..size {
        let arch = space.functions.architecture(index)?;
        let cost = without.keep(space.functions.graph(&arch, settings)).map(|it| it.cost());
        let canonical = space.functions.canonical(&arch)?;
        let [params, flops] = [cost.map(|it| it.params), cost.map(|it| it.flops())];
        lines.push(vec![index.into(), arch.into(), params.into(), flops.into(), canonical.into()]);
    }
    if let Some(what) = without.said("have empty cells") {
        say(what);
    }
    Ok(csv_text(["index", "arch", "params", "flops", "canonical"], lines))
}
