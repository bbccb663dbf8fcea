//! Random numbers that depend on what is asked, not on when.
//!
//! Every random choice of a study draws from a [`stream`] named by the study's seed and a path of
//! labels (space, architecture, role). Streams are independent of one another and of the order in
//! which they are opened, so one process, many workers and a resumed run see the same numbers.

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The random generator of a stream.
pub type Stream = ChaCha8Rng;

/// The stream of `seed` at `path`. The length of each label is hashed too, so `["a", "b"]` and
/// `["ab"]` are different streams.
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

/// The first number of the stream of `seed` at `path`, as a seed for other generators.
pub fn derived(seed: u64, path: &[&str]) -> u64 {
    stream(seed, path).next_u64()
}

/// A number from 0 (included) to 1 (excluded), in steps of 2^-53.
pub fn unit(stream: &mut Stream) -> f64 {
    (stream.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A number below `bound`. All are equally likely, up to a relative error of `bound` / 2^64
/// (multiply-shift; Lemire 2019 without the rejection).
pub fn below(stream: &mut Stream, bound: usize) -> usize {
    ((u128::from(stream.next_u64()) * bound as u128) >> 64) as usize
}

/// The numbers below `count` in random order, one at a time (Fisher & Yates, without a list of the
/// numbers that were not drawn yet).
pub fn order(stream: &mut Stream, count: u64) -> impl Iterator<Item = u64> {
    // The number at each position whose own number was swapped away.
    let mut moved: HashMap<u64, u64> = HashMap::new();
    (0..count).map(move |i| {
        let j = i + below(stream, usize::try_from(count - i).unwrap_or(usize::MAX)) as u64;
        let own = moved.remove(&i).unwrap_or(i);
        if j == i { own } else { moved.insert(j, own).unwrap_or(j) }
    })
}

/// Puts `items` in the order that [`order`] draws.
pub fn shuffle<T>(stream: &mut Stream, items: &mut [T]) {
    for i in 0..items.len() {
        let j = i + below(stream, items.len() - i);
        items.swap(i, j);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_shuffle_of_the_numbers() {
        for count in [0, 1, 2, 7, 100] {
            let mut items: Vec<u64> = (0..count).collect();
            shuffle(&mut stream(3, &["order"]), &mut items);
            let drawn: Vec<u64> = order(&mut stream(3, &["order"]), count).collect();
            assert_eq!(drawn, items);
        }
        let huge = order(&mut stream(3, &["order"]), u64::MAX).take(100).max();
        assert!(huge > Some(u64::MAX / 2));
    }

    #[test]
    fn units_fill_the_interval_evenly() {
        let mut random = stream(5, &["unit"]);
        let drawn: Vec<f64> = (0..10_000).map(|_| unit(&mut random)).collect();
        assert!(drawn.iter().all(|it| (0.0..1.0).contains(it)));
        let mean = drawn.iter().sum::<f64>() / 1e4;
        // Its standard deviation is 1 / sqrt(12 * 10,000) = 0.0029.
        assert!((mean - 0.5).abs() < 0.012, "{mean}");
    }

    #[test]
    fn a_stream_is_named_by_seed_and_path_alone() {
        let draw = |seed, path: &[&str]| stream(seed, path).next_u64();
        assert_eq!(draw(1, &["a", "b"]), draw(1, &["a", "b"]));
        let others = [draw(1, &["ab"]), draw(2, &["a", "b"]), draw(1, &["b", "a"])];
        assert!(others.iter().all(|other| *other != draw(1, &["a", "b"])));
    }
}
