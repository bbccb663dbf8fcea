//! Loading plugins, and what they may do wrong.

mod broken_rules;
mod libtorch;
mod loader;
mod misbehaving;
mod template;
