//! Random numbers that depend on what is asked, not on when.
//!
//! Every random choice of a study draws from a [`stream`] named by the
//! study's seed and a path of labels (space, architecture, role). Streams are
//! independent of one another and of the order in which they are opened, so
//! one process, many workers and a resumed run see the same numbers.

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};

/// The generator of a stream.
pub type Stream = ChaCha8Rng;

/// The stream of `seed` at `path`. Labels are length-prefixed, so
/// `["a", "b"]` and `["ab"]` are different streams.
pub fn stream(seed: u64, path: &[&str]) -> Stream {
    let mut hash = Sha256::new();
    hash.update(b"osee stream 1");
    hash.update(seed.to_le_bytes());
    for label in path {
        hash.update((label.len() as u64).to_le_bytes());
        hash.update(label.as_bytes());
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// A number below `bound`, each equally likely to one part in 2^64 / `bound`
/// (multiply-shift; Lemire 2019 without the rejection).
pub fn below(stream: &mut Stream, bound: usize) -> usize {
    ((u128::from(stream.next_u64()) * bound as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_by_seed_and_path_alone() {
        let draw = |seed, path: &[&str]| stream(seed, path).next_u64();
        assert_eq!(draw(1, &["a", "b"]), draw(1, &["a", "b"]));
        let others = [draw(1, &["ab"]), draw(2, &["a", "b"]), draw(1, &["b", "a"])];
        assert!(others.iter().all(|other| *other != draw(1, &["a", "b"])));
    }
}
