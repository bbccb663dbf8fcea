//! Messages between host and worker: length-prefixed MessagePack over their own socket,
//! because plugins may print.

use crate::{
    loader::Pinned,
    one_shot::Step,
    plan::{Setup, Unit},
};
use osee_core::store::{Evaluated, Outcome};
use osee_model::{estimator::Failure, settings::Settings};
use osee_sdk::Population;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// Version of the protocol, the first four bytes that each side sends.
pub const PROTOCOL: u32 = 5;

/// Largest length of a frame in bytes; a longer one is noise, not a message.
const LONGEST: u32 = 1 << 30;

/// The result of one row for a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Index of the row in the setup.
    pub row: usize,
    /// The score or failure.
    pub outcome: Outcome,
    /// Milliseconds that it would take alone.
    pub milliseconds: f64,
    /// Sub-networks that were evaluated for it.
    #[serde(default)]
    pub evaluated: Vec<Evaluated>,
}

impl Scored {
    /// A result for which no sub-networks were evaluated.
    pub fn new(row: usize, outcome: Outcome, milliseconds: f64) -> Self {
        Self { row, outcome, milliseconds, evaluated: Vec::new() }
    }
}

/// A meta estimator, with what a worker needs to run it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MetaSetup {
    /// Plugin files, the bundled ones included.
    pub plugins: Vec<Pinned>,
    /// Id of the meta estimator.
    pub id: String,
    /// Resolved settings of the meta estimator.
    pub settings: Settings,
}

/// A message from host to worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Sets the worker up; sent first.
    Setup(Box<Setup>),
    /// Asks for the scores of a unit; any number of times.
    Score(Unit),
    /// Replaces the set-up: instantiates a meta estimator, and asks for its experts.
    Meta(MetaSetup),
    /// Asks for the scores of that meta estimator.
    Judge(Population),
    /// Trains one of the setup's supernets, or resumes it.
    Train {
        /// Index of the supernet in the setup.
        supernet: usize,
        /// Seed of the training.
        seed: u64,
    },
}

/// A message from worker to host. A set-up is answered by `Ready` or `Refused`; a meta
/// estimator by `Needs` or `Failed`, and its population by `Judged` or `Failed`; a unit
/// by `Started` and `Scored` for each estimator in turn, so that the host knows which
/// one a worker died of, up to one that is `Cancelled`, or by `Refused`; a training by
/// `Training` any number of times, then `Trained` or `Refused`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The worker is set up.
    Ready,
    /// The order cannot be carried out, for this reason.
    Refused(String),
    /// The estimator of this row, by its index in the setup, is at work.
    Started(usize),
    /// The result of that estimator.
    Scored(Scored),
    /// The estimator of this row was told to stop and has returned; those after it were
    /// not begun.
    Cancelled(usize),
    /// Names of the experts of a meta estimator.
    Needs(Vec<String>),
    /// Scores of a meta estimator, one per architecture.
    Judged(Vec<f64>),
    /// Failure of a meta estimator.
    Failed(Failure),
    /// Progress of a training.
    Training(Step),
    /// The training is complete.
    Trained,
}

/// Sends the version of the protocol.
///
/// # Errors
/// If the stream fails.
pub fn write_hello(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(&PROTOCOL.to_le_bytes())
}

/// Receives the version of the other side's protocol.
///
/// # Errors
/// If the stream fails.
pub fn read_hello(stream: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Sends one message.
///
/// # Errors
/// If the stream fails, or the message is too long for a frame.
pub fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(&bytes)
}

/// Receives one message.
///
/// # Errors
/// If the stream fails or ends, or the frame is not such a message.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    // The buffer grows with what arrives, not with what a damaged length promises.
    let mut bytes = Vec::new();
    stream.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    rmp_serde::from_slice(&bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::estimator::FailureKind;

    fn framed(message: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, message).unwrap();
        bytes
    }

    #[test]
    fn a_message_survives_its_frame() {
        let failure = Failure::new(FailureKind::Crash, "boom");
        let scored = Scored::new(3, Err(failure), 1.5);
        for answer in [Answer::Started(7), Answer::Scored(scored), Answer::Cancelled(7)] {
            assert_eq!(read::<Answer>(&mut framed(&answer).as_slice()).unwrap(), answer);
        }
    }
}
