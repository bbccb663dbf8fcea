//! What host and worker say to each other: length-prefixed MessagePack over a
//! socket of their own, because plugins may print.

use super::Setup;
use osee_core::store::Outcome;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// Number of the protocol, the first four bytes of either side.
pub const PROTOCOL: u32 = 2;

/// A frame longer than this is noise, not a message.
const LONGEST: u32 = 64 << 20;

/// One architecture with one seed, under some of the estimators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Position in the plan.
    pub arch: usize,
    /// The architecture.
    pub text: String,
    /// Initialisation seed.
    pub seed: u64,
    /// Positions in the setup's estimators.
    pub estimators: Vec<usize>,
}

/// One estimator's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Position in the setup's estimators.
    pub estimator: usize,
    /// What came out.
    pub outcome: Outcome,
    /// What it would cost alone, milliseconds.
    pub milliseconds: f64,
}

/// From host to worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// First.
    Setup(Box<Setup>),
    /// Any number of times.
    Score(Unit),
}

/// From worker to host. A set-up is answered by `Ready` or `Refused`; a unit by
/// `Started` and `Scored` for each estimator in turn, so that the host knows
/// whom a worker died of, or by `Refused`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Set up.
    Ready,
    /// Could not be done.
    Refused(String),
    /// This estimator, by its position in the setup, is at work.
    Started(usize),
    /// Its result.
    Scored(Scored),
}

pub fn write_hello(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(&PROTOCOL.to_le_bytes())
}

pub fn read_hello(stream: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

pub fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(&bytes)
}

pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes)?;
    rmp_serde::from_slice(&bytes).map_err(io::Error::other)
}
