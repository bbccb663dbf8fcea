//! Damaged input for readers that must not crash on anything.

use osee_model::seed::{below, stream};

/// Number of cases of each test: `OSEE_FUZZ_CASES`, which `make fuzz` sets to ten
/// million, or a number that a test run can afford.
fn count() -> usize {
    let asked = std::env::var("OSEE_FUZZ_CASES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(50_000)
}

/// Calls `check` on inputs of the corpus with a few bytes changed, cut or both, case
/// after case; only a panic is a failure.
pub fn cases(name: &str, corpus: &mut [Vec<u8>], mut check: impl FnMut(&[u8])) {
    let mut random = stream(0, &["fuzz", name]);
    for _ in 0..count() {
        let bytes = &mut corpus[below(&mut random, corpus.len())];
        let length = bytes.len();
        let mut undo = Vec::new();
        for _ in 0..below(&mut random, 9) {
            // Half of the changes go where formats keep their structure.
            let reach = if below(&mut random, 2) == 0 { length.min(256) } else { length };
            let (at, value) = (below(&mut random, reach), below(&mut random, 256) as u8);
            undo.push((at, bytes[at]));
            bytes[at] = [value, 0, 0xff, bytes[at] ^ 1 << (value % 8)][below(&mut random, 4)];
        }
        let end = if below(&mut random, 4) == 0 { below(&mut random, length) } else { length };
        check(&bytes[..end]);
        for (at, value) in undo.into_iter().rev() {
            bytes[at] = value;
        }
    }
}
