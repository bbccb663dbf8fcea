//! Worker processes: each loads the plugins, holds the images, and scores one
//! architecture at a time, or trains a supernet. A plugin that crashes ends only its
//! worker.
//!
//! Invariant: the first message of either side is the protocol number and never changes
//! its form, so that any two versions can tell each other apart.

mod child;
pub mod frames;
mod limits;
mod output;
mod parent;
pub mod policy;
mod scorer;

pub use child::serve;
pub use frames::{Answer, MetaSetup, Scored};
pub use limits::{Clock, Exceeded, GRACE, Limits, Watched, cores, memory_of_one, resident};
pub use parent::{Death, Ended, MALLOC, Worker, WorkerError, ended};
pub use scorer::{Scorer, finite, own_seed};
