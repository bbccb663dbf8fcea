//! `osee-host plugin list`: prints plugins with their exports and settings.

use crate::cli::{CliError, plugin_args::PluginArgs, print};
use clap::Args;
use osee_sdk::ExportInfo;
use std::fmt::Write;

/// Which further plugins.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Runs the command.
pub fn run(args: &ListArgs) -> Result<(), CliError> {
    let registry = args.plugins.registry()?;
    let mut text = String::new();
    for plugin in registry.plugins() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}\n  sdk {}, libtorch {}, {}, sha256 {}...",
            plugin.path.display(),
            plugin.header.sdk,
            plugin.header.libtorch,
            plugin.header.rustc,
            &plugin.sha256[..12]
        );
        for export in &plugin.exports {
            describe(&mut text, export);
        }
    }
    if registry.plugins().is_empty() {
        text.push_str(
            "no plugins were found beside osee-host; set OSEE_PLUGIN_PATH or give --plugin\n",
        );
    }
    print(&text)
}

/// Writes an export and its settings, one a line: key, default, other allowed values,
/// help.
fn describe(text: &mut String, export: &ExportInfo) {
    let (kind, version, summary) = match export {
        ExportInfo::Estimator(it) => (it.kind.to_string(), &it.version, &it.summary),
        ExportInfo::Space(it) => ("space".to_owned(), &it.version, &it.summary),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {:<12} {kind:<10} v{version}  {summary}", export.id());
    for setting in export.settings() {
        let allowed = setting.allowed().map(|it| format!(" ({it})")).unwrap_or_default();
        let (key, default, help) = (&setting.key, &setting.default, &setting.help);
        let _ = writeln!(text, "{:27}{key} = {default}{allowed}  {help}", "");
    }
    if let ExportInfo::Space(it) = export {
        let _ = writeln!(text, "{:27}truth: {}", "", it.truth);
    }
}
