//! What host and worker say to each other: length-prefixed MessagePack over a
//! socket of their own, because plugins may print.

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

/// Number of the protocol, the first four bytes of either side.
pub const PROTOCOL: u32 = 5;

/// A frame longer than this is noise, not a message.
const LONGEST: u32 = 1 << 30;

/// The result of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Index of its row in the setup.
    pub row: usize,
    /// What came out.
    pub outcome: Outcome,
    /// What it would cost alone, milliseconds.
    pub milliseconds: f64,
    /// Sub-networks that were evaluated for it.
    #[serde(default)]
    pub evaluated: Vec<Evaluated>,
}

impl Scored {
    /// Without sub-networks.
    pub fn new(row: usize, outcome: Outcome, milliseconds: f64) -> Self {
        Self { row, outcome, milliseconds, evaluated: Vec::new() }
    }
}

/// A meta estimator with settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MetaSetup {
    /// Plugin files, the bundled ones included.
    pub plugins: Vec<Pinned>,
    /// Its id.
    pub id: String,
    /// Resolved settings.
    pub settings: Settings,
}

/// From host to worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// First.
    Setup(Box<Setup>),
    /// Any number of times.
    Score(Unit),
    /// In place of a set-up: a meta estimator, to be asked what it needs.
    Meta(MetaSetup),
    /// The scores of the last meta estimator.
    Judge(Population),
    /// Train one of the setup's supernets, or go on with it.
    Train {
        /// Its position.
        supernet: usize,
        /// Seed of the training.
        seed: u64,
    },
}

/// From worker to host. A set-up is answered by `Ready` or `Refused`; a meta
/// estimator by `Needs` or `Failed`, its population by `Judged` or `Failed`; a unit by
/// `Started` and `Scored` for each estimator in turn, so that the host knows
/// whom a worker died of, up to one that is `Cancelled`, or by `Refused`; a training by `Training` any number
/// of times, then `Trained` or `Refused`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Set up.
    Ready,
    /// Could not be done.
    Refused(String),
    /// The estimator of this row, by its index in the setup, is at work.
    Started(usize),
    /// Its result.
    Scored(Scored),
    /// This estimator was told to stop and has returned; those after it were not
    /// begun.
    Cancelled(usize),
    /// The estimators whose columns a meta estimator judges by.
    Needs(Vec<String>),
    /// One score per architecture.
    Judged(Vec<f64>),
    /// A meta estimator's failure.
    Failed(Failure),
    /// A training goes on.
    Training(Step),
    /// It is done.
    Trained,
}

/// Says which protocol this side speaks.
///
/// # Errors
/// When the stream fails.
pub fn write_hello(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(&PROTOCOL.to_le_bytes())
}

/// The protocol of the other side.
///
/// # Errors
/// When the stream fails.
pub fn read_hello(stream: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Sends one message.
///
/// # Errors
/// When the stream fails, or the message is too long for a frame.
pub fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(&bytes)
}

/// Receives one message.
///
/// # Errors
/// When the stream fails or ends, or what came is no such message.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    // Grows with what comes, not with what a damaged length promises.
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
