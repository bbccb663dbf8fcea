//! A network as an estimator borrows it for one call.

use super::Network;
use crate::guard::GradOn;
use osee_sdk::{Measurement, Result, abi::kinds::network::HostNetwork};
use std::{rc::Rc, sync::atomic::Ordering};
use tch::Tensor;

pub(super) struct Lent {
    pub network: Rc<Network>,
    pub seed: u64,
}

impl HostNetwork for Lent {
    fn graph_document(&self) -> &[u8] {
        self.network.graph.document()
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        if what == Measurement::Seed {
            // The seed is not the network's: each estimator has its own. The bits are kept.
            return Ok(vec![Tensor::from(self.seed as i64)]);
        }
        // A plugin may call this from inside its own no_grad.
        let _grad = GradOn::new();
        self.network.measure(what)
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.network.executor().logits(images)
    }

    fn cancelled(&self) -> bool {
        let stop = self.network.stop.borrow().load(Ordering::Relaxed);
        self.network.cancelled.set(stop || self.network.cancelled.get());
        stop
    }
}
