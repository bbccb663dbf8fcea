//! `osee-host plugin list`.

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

/// Prints them.
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
            let (kind, version, summary, settings) = match export {
                ExportInfo::Estimator(it) => {
                    (it.kind.to_string(), &it.version, &it.summary, &it.settings)
                }
                ExportInfo::Space(it) => {
                    ("space".to_owned(), &it.version, &it.summary, &it.settings)
                }
            };
            let _ = writeln!(text, "  {:<12} {kind:<10} v{version}  {summary}", export.id());
            for setting in settings {
                let _ = writeln!(
                    text,
                    "{:27}{} = {}  {}",
                    "", setting.key, setting.default, setting.help
                );
            }
            if let ExportInfo::Space(it) = export {
                let _ = writeln!(text, "{:27}truth: {}", "", it.truth);
            }
        }
    }
    if registry.plugins().is_empty() {
        text.push_str(
            "no plugins were found beside osee-host; set OSEE_PLUGIN_PATH or give --plugin\n",
        );
    }
    print(&text)
}
