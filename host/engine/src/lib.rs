//! The torch engine: instantiates a graph once and measures it for all estimators,
//! trains supernets and single networks, and makes batches of images ([`data`]).
//!
//! Invariants: each pass runs at most once per network and batch; what cannot reach the
//! output is not run for a result that depends on the output alone;
//! grad mode, thread count and torch's generator are the host's, whatever a
//! plugin did to them ([`guard`]).

mod batch;
mod clock;
pub mod cuda;
pub mod data;
mod device;
mod executor;
pub mod guard;
mod hessian;
mod layout;
mod network;
pub mod parameters;
pub mod pass_times;
mod program;
mod relu_kernel;
pub mod standalone;
pub mod supernet;
#[cfg(test)]
mod test_device;
pub mod weights_file;

pub use batch::Batch;
pub use device::{
    DeviceError, described as described_device, is_exclusive, open as open_device, synchronize,
};
pub use layout::Layout;
pub use network::{Network, Origin};
