//! Everything that people read: [figures](figure) as SVG, a self-contained
//! [page](html), tables as [`text`], and [numbers](number).
//!
//! Invariant: everything is a function of plain data, byte for byte. Nothing here
//! knows a run, a store, a plugin or torch.

pub mod figure;
pub mod html;
pub mod number;
pub mod text;
