//! `osee-host plugin trust FILE`: pins a plugin in the lock file.

use crate::{
    cli::{CliError, print},
    loader::{LOCK, LoadError, Lock, Plugin, trust::refuse_others},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// What to pin.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// The plugin. Its code is not run.
    file: PathBuf,
}

/// Pins the plugin in the working folder's lock file.
pub fn run(args: &TrustArgs) -> Result<(), CliError> {
    let (header, sha256) = Plugin::inspect(&args.file)?;
    // A file that would not be loaded is not pinned.
    let refused = |kind| LoadError { path: args.file.clone(), kind };
    refuse_others(&args.file).map_err(refused)?;
    let path = Path::new(LOCK);
    let mut lock = Lock::read(path)?;
    lock.pin(&args.file, &sha256);
    lock.write(path)?;
    print(&format!(
        "pinned {} in {LOCK}\n  sdk {}, libtorch {}, {}\n  sha256 {sha256}\n",
        args.file.display(),
        header.sdk,
        header.libtorch,
        header.rustc
    ))
}
