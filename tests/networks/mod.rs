//! Architectures, their networks, and measurements against other programs.

mod degenerate;
mod golden;
mod golden_small;
mod later;
mod missing;
mod pytorch;
mod spaces;
mod uneven;
