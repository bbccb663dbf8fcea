//! Times of passes on any device.
//!
//! A GPU works on after a call returns, and its time would be booked on whichever pass waits for
//! it first. So moments there are events in its own queue of work, which cost no waiting.

use crate::cuda::Events;
use std::{
    ffi::c_void,
    time::{Duration, Instant},
};
use tch::Device;

/// A moment in the work of a device.
#[derive(Debug)]
pub(crate) enum Moment {
    Host(Instant),
    /// The queue has done what it was given before.
    Queue(Event),
}

impl Moment {
    /// The present moment.
    pub fn now(device: Device) -> Self {
        match (device, Events::get()) {
            (Device::Cuda(_), Some(events)) => events
                .record()
                .map_or_else(|| Self::Host(Instant::now()), |it| Self::Queue(Event(it))),
            _ => Self::Host(Instant::now()),
        }
    }

    /// The time from this moment to a later one of the same device. Waits for the later one.
    pub fn until(&self, later: &Self) -> Duration {
        match (self, later) {
            (Self::Host(from), Self::Host(to)) => to.duration_since(*from),
            (Self::Queue(from), Self::Queue(to)) => {
                let events = Events::get().expect("events come from there");
                let milliseconds = events.between(from.0, to.0).unwrap_or(0.0);
                Duration::from_secs_f64(f64::from(milliseconds.max(0.0)) / 1e3)
            }
            // One of the two could not be recorded.
            _ => Duration::ZERO,
        }
    }
}

/// An event of CUDA, which ends with it.
#[derive(Debug)]
pub(crate) struct Event(*mut c_void);

impl Drop for Event {
    fn drop(&mut self) {
        if let Some(events) = Events::get() {
            events.destroy(self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_on_the_host() {
        let before = Moment::now(Device::Cpu);
        std::thread::sleep(Duration::from_millis(2));
        let between = before.until(&Moment::now(Device::Cpu));
        assert!(between >= Duration::from_millis(2));
    }
}
