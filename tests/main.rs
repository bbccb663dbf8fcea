//! Tests osee from outside: the real host with the plugins that cargo built.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod data;
mod networks;
mod plugins;
mod reports;
mod runs;
mod support;
mod walls;
