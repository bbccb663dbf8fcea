//! Fuzzing of a space's notation.

use osee_model::seed::{Stream, below, stream};
use osee_sdk::{Error, Result, SearchSpace};

/// Characters that damage inserts: those of notations, and some that none uses.
const SIGNS: &[char] = &[
    '|', '~', '+', ';', ',', '(', ')', '[', ']', '=', '\'', '"', '-', '.', '_', ' ', '\n', '0',
    '1', '9', 'e', 'n', 'ö', '\\',
];

/// Reads architectures of the space and `others` (texts of them in other forms), as they
/// are and with a few characters changed, doubled, lost or moved. The number of cases is
/// `OSEE_FUZZ_CASES`, or 20,000. Every damaged text must be refused, or read as something
/// that survives being written and read again.
///
/// # Errors
/// A text that should be read and is not, or an architecture that is not read as written.
pub fn notation<S: SearchSpace>(others: &[&str]) -> Result<()> {
    let (space, info) = (S::new(), S::info());
    let mut random = stream(0, &["fuzz", &info.id]);
    let mut whole: Vec<String> = others.iter().map(|text| (*text).to_owned()).collect();
    whole.push(info.example);
    for _ in 0..200 {
        let size = usize::try_from(info.size.unwrap_or(0)).unwrap_or(usize::MAX);
        let arch = match size {
            // A space without indices is walked by one mutation after another.
            0 => {
                let last = whole[whole.len() - 1].parse::<S::Arch>()?;
                let mut mutations = space.mutations(&last);
                let at = below(&mut random, mutations.len());
                mutations.swap_remove(at).arch
            }
            _ => space.architecture(below(&mut random, size) as u64)?.to_string(),
        };
        match arch.parse::<S::Arch>()?.to_string() {
            read if read == arch => whole.push(arch),
            read => return Err(Error::new(format!("`{arch}` is read as `{read}`"))),
        }
    }
    let asked = std::env::var("OSEE_FUZZ_CASES").ok().and_then(|text| text.parse().ok());
    for _ in 0..asked.unwrap_or(20_000) {
        let text = damaged(&whole[below(&mut random, whole.len())], &mut random);
        read_back::<S>(&text)?;
    }
    Ok(())
}

/// Reads one text, and what is written of it once more, which must be the same.
///
/// # Errors
/// An architecture that is not read as it is written; a text that is none is no
/// error.
pub fn read_back<S: SearchSpace>(text: &str) -> Result<()> {
    let Ok(read) = text.parse::<S::Arch>() else { return Ok(()) };
    let written = read.to_string();
    match written.parse::<S::Arch>()?.to_string() == written {
        true => Ok(()),
        false => Err(Error::new(format!("`{text}` is written as `{written}`, which is another"))),
    }
}

fn damaged(text: &str, random: &mut Stream) -> String {
    let mut signs: Vec<char> = text.chars().collect();
    for _ in 0..=below(random, 4) {
        let at = below(random, signs.len() + 1);
        let end = (at + below(random, 12)).min(signs.len());
        let new = SIGNS[below(random, SIGNS.len())];
        match below(random, 5) {
            0 => signs.insert(at, new),
            1 if at < signs.len() => signs[at] = new,
            2 => drop(signs.drain(at..end)),
            3 => {
                let part: Vec<char> = signs[at..end].to_vec();
                signs.splice(at..at, part);
            }
            _ => {
                let part: Vec<char> = signs.drain(at..end).collect();
                let to = below(random, signs.len() + 1);
                signs.splice(to..to, part);
            }
        }
    }
    signs.into_iter().collect()
}
