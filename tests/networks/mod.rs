//! Architectures, their networks, and measurements against other programs.

mod golden;
mod golden_small;
mod networks;
mod pytorch;
mod spaces;
mod uneven;
