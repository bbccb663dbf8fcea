//! How far a download is.

use crate::{catalog::files::size, terminal::say};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};

/// A bar on a terminal, one line elsewhere.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// Begins one.
    pub fn new(data_set: &str, file: &str, bytes: u64, source: &str) -> Self {
        if !io::stderr().is_terminal() {
            say(format_args!("{data_set}: {file} ({}) from {source}", size(bytes)));
        }
        let style = ProgressStyle::with_template(
            "{msg} [{bar:30}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
        );
        let bar = ProgressBar::new(bytes);
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(format!("{data_set}: {file}"));
        Self(bar)
    }

    /// So many bytes are there.
    pub fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
