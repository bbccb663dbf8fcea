//! What each measurement of a network cost.

use super::Network;
use crate::clock::Moment;
use osee_sdk::Measurement;
use std::{collections::HashSet, time::Duration};

/// A measurement that was run, with its time.
pub(super) struct Timed {
    what: Measurement,
    start: Moment,
    end: Moment,
    /// Number of passes before it began; those since then are its own and have entries of their
    /// own.
    inner: usize,
}

impl Network {
    /// Runs `work` and notes its time as that of `what`.
    pub(super) fn timed<T>(&self, what: &Measurement, work: impl FnOnce() -> T) -> T {
        let device = self.batch.images.device();
        let (start, inner) = (Moment::now(device), self.passes.borrow().len());
        let result = work();
        let end = Moment::now(device);
        self.passes.borrow_mut().push(Timed { what: what.clone(), start, end, inner });
        result
    }

    /// Notes the time since `start` as what this network cost to make.
    pub(super) fn made_since(&self, start: Moment) {
        let end = Moment::now(self.batch.images.device());
        let made = Timed { what: Measurement::Parameters, start, end, inner: 0 };
        self.passes.borrow_mut().push(made);
    }

    /// The time of each measurement that was run, in order, without those that it asked for.
    pub fn costs(&self) -> Vec<(Measurement, Duration)> {
        let mut costs: Vec<(Measurement, Duration)> = Vec::new();
        for pass in self.passes.borrow().iter() {
            let nested: Duration = costs[pass.inner..].iter().map(|(_, cost)| *cost).sum();
            costs.push((pass.what.clone(), pass.start.until(&pass.end).saturating_sub(nested)));
        }
        costs.extend(self.variants.borrow().costs());
        costs
    }

    /// Forgets which measurements were asked for.
    pub fn begin_requests(&self) {
        self.used.borrow_mut().clear();
    }

    /// Full cost of every measurement asked for since
    /// [`begin_requests`](Self::begin_requests), including those that it needed, as
    /// if nothing had been memoised.
    pub fn requested_cost(&self) -> Duration {
        let mut needed: HashSet<Measurement> = HashSet::new();
        let mut waiting = self.used.borrow().clone();
        while let Some(what) = waiting.pop() {
            waiting.extend(needs(&what));
            needed.insert(what);
        }
        // What was run more than once counts once.
        let costs = self.costs().into_iter();
        costs.filter(|(what, _)| needed.remove(what)).map(|(_, cost)| cost).sum()
    }

    /// Time of all measurements so far.
    pub fn total_cost(&self) -> Duration {
        self.costs().into_iter().map(|(_, cost)| cost).sum()
    }
}

/// The measurements that a measurement asks for itself.
fn needs(what: &Measurement) -> Vec<Measurement> {
    match what {
        Measurement::Loss
        | Measurement::LossGradients
        | Measurement::InputGradient
        | Measurement::ReluKernel
        | Measurement::Features
        | Measurement::NormVariances
        | Measurement::CellOutputs
        | Measurement::CellGradients(_)
        | Measurement::ReluColumns
        | Measurement::TangentKernel(_) => vec![Measurement::Logits],
        Measurement::LayerActivations | Measurement::WeightHessianGradient => {
            vec![Measurement::LossGradients]
        }
        Measurement::Varied(variation, what) => {
            let varied = |what| Measurement::Varied(*variation, Box::new(what));
            // The parameters of a varied network are what making it cost.
            let made = (**what != Measurement::Parameters).then_some(Measurement::Parameters);
            needs(what).into_iter().chain(made).map(varied).collect()
        }
        _ => Vec::new(),
    }
}
