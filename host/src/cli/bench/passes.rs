//! Measures where the time of zero-shot scoring goes, pass by pass.

use super::BenchArgs;
use crate::cli::{CliError, plugin_args::PluginArgs};
use osee_core::study::Study;
use osee_engine::{
    data::Source, described_device, open_device, parameters::Initialiser, pass_times as bench,
};
use osee_model::{
    protocol::Protocol,
    seed::{below, stream},
};
use std::fmt::Write;

/// Returns the time of each pass as a table.
pub fn run(args: &BenchArgs) -> Result<String, CliError> {
    let device = open_device(args.device())?;
    tch::set_num_threads(args.threads());
    let registry = PluginArgs::default().registry()?;
    let space = registry.space(&Study::default().space.id)?;
    let (id, settings) = (&space.info.id, space.info.defaults());
    let preset = Protocol::preset("paper").expect("it is listed in PRESETS");
    let protocol = Protocol { batch_size: args.batch_size(), ..preset };
    let mut stream = stream(0, &["bench"]);
    let mut initialiser = Initialiser::default();
    let networks = (0..args.networks())
        .map(|_| {
            let index = below(&mut stream, space.info.size.unwrap_or(1) as usize) as u64;
            let arch = space.functions.architecture(index)?;
            let graph = space.functions.graph(&arch, &settings)?;
            let values = initialiser.draw(&graph, &protocol, 0, id, &arch);
            Ok((graph, values))
        })
        .collect::<Result<Vec<_>, CliError>>()?;
    let (first, _) = &networks[0];
    let classes = first.node(first.output).shape.channels();
    let batches = Source::Noise.batches(&protocol, 0, first.input_shape(), classes)?;
    let (total, passes) = bench::profile(networks, &batches[0].on(device))?;
    let mut text = format!(
        "{} random networks of {id}, batch {}, {} thread(s), {}\n",
        args.networks(),
        args.batch_size(),
        args.threads(),
        described_device(args.device())
    );
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    for (what, time) in passes {
        // Writing to a string cannot fail.
        let share = 100.0 * time.as_secs_f64() / total.as_secs_f64();
        let _ = writeln!(text, "{:<26}{:>9.1} ms {share:>5.1}%", what.name(), ms(time));
    }
    let _ = writeln!(text, "{:<26}{:>9.1} ms", "all, with instantiation", ms(total));
    Ok(text)
}
