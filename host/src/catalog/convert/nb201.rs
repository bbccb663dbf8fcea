//! Converts NAS-Bench-201: the paper's own truth as a Python dict in text, and
//! NATS-Bench by index, in FreeREA's tables.
//!
//! An index is a place in the benchmark's order of all cells, which its authors
//! drew with Python's generator of random numbers, seed 88.

use super::table::{Out, wrong};
use crate::catalog::error::Fault;
use osee_core::truth::Sheet;
use osee_files::csv_text::Field;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// Operations in the order that the benchmark enumerates cells by.
const OPERATIONS: [&str; 5] =
    ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
const SEED: u32 = 88;

/// Reads the text and the three tables, and writes one table.
pub fn convert(originals: &[PathBuf], out: &Out<'_>) -> Result<(), Fault> {
    let [dict, tables @ ..] = originals else {
        return Err(Fault::Content("no files".to_owned()));
    };
    let by_cell = accuracies(dict)?;
    let cells = cells();
    let mut columns = Vec::new();
    for path in tables {
        columns.push(by_index(path, cells.len())?);
    }
    let mut rows = Vec::with_capacity(cells.len());
    for (at, cell) in cells.iter().enumerate() {
        let accuracy = by_cell.get(cell.as_str());
        let accuracy = accuracy.ok_or_else(|| wrong(dict, format!("has no row of {cell}")))?;
        let mut row = vec![Field::from(cell.as_str()), (accuracy * 100.0).into()];
        row.extend(columns.iter().map(|column| Field::from(column[at].as_str())));
        rows.push(row);
    }
    out.write(["arch_str", "c10_test_hp200_v10", "nats_c10", "nats_c100", "nats_in16"], rows)
}

/// Reads lines of `'ARCH': ACCURACY`.
fn accuracies(path: &Path) -> Result<HashMap<String, f64>, Fault> {
    let text = fs::read_to_string(path).map_err(Fault::io("read", path))?;
    let pair = |line: &str| {
        let (arch, accuracy) = line.rsplit_once(": ")?;
        let arch = arch.strip_prefix('\'')?.strip_suffix('\'')?;
        let accuracy: f64 = accuracy.trim().parse().ok()?;
        accuracy.is_finite().then(|| (arch.to_owned(), accuracy))
    };
    let mut found = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let (arch, accuracy) = pair(line)
            .ok_or_else(|| wrong(path, format!("line {} is not 'ARCH': ACCURACY", at + 1)))?;
        found.insert(arch, accuracy);
    }
    Ok(found)
}

/// Accuracies by index, as text.
fn by_index(path: &Path, count: usize) -> Result<Vec<String>, Fault> {
    let read = |error: osee_core::truth::TableError| Fault::Content(error.to_string());
    let sheet = Sheet::read(path).map_err(read)?;
    let (index, accuracy) =
        (sheet.column("index").map_err(read)?, sheet.column("accuracy").map_err(read)?);
    let mut column = Vec::with_capacity(count);
    for (at, (index, accuracy)) in sheet.cells(index).zip(sheet.cells(accuracy)).enumerate() {
        if index.parse() != Ok(at) || !accuracy.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(wrong(path, format!("has another row {at} than {index},{accuracy}")));
        }
        column.push(accuracy.to_owned());
    }
    match column.len() == count {
        true => Ok(column),
        false => Err(wrong(path, format!("has {} rows, but {count} are expected", column.len()))),
    }
}

/// All cells in the benchmark's order.
fn cells() -> Vec<String> {
    let all = OPERATIONS.len().pow(6);
    let mut cells: Vec<String> = (0..all)
        .map(|number| {
            // The first edge changes slowest.
            let op = |edge: u32| OPERATIONS[number / OPERATIONS.len().pow(5 - edge) % 5];
            let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(op);
            format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|")
        })
        .collect();
    let mut random = Mersenne::new(SEED);
    for last in (1..cells.len()).rev() {
        let other = random.below(last as u32 + 1);
        cells.swap(last, other as usize);
    }
    cells
}

/// MT19937 (Matsumoto and Nishimura 1998), seeded and used as in Python's
/// `random.seed(n)` and `random.shuffle`.
struct Mersenne {
    state: [u32; 624],
    at: usize,
}

impl Mersenne {
    fn new(seed: u32) -> Self {
        let mut state = [0u32; 624];
        state[0] = 19_650_218;
        for i in 1..624 {
            let last = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = last.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        // Seeds by an array that holds only the seed.
        let mut i = 1;
        let mut mix = |state: &mut [u32; 624], factor: u32, add: &dyn Fn(usize) -> u32| {
            let last = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = (state[i] ^ last.wrapping_mul(factor)).wrapping_add(add(i));
            i += 1;
            if i == 624 {
                state[0] = state[623];
                i = 1;
            }
        };
        for _ in 0..624 {
            mix(&mut state, 1_664_525, &|_| seed);
        }
        for _ in 0..623 {
            mix(&mut state, 1_566_083_941, &|i| (i as u32).wrapping_neg());
        }
        state[0] = 1 << 31;
        Self { state, at: 624 }
    }

    fn next(&mut self) -> u32 {
        if self.at == 624 {
            for i in 0..624 {
                let y = (self.state[i] & (1 << 31)) | (self.state[(i + 1) % 624] & !(1 << 31));
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ odd;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A random number below `bound`, which is at least 1.
    fn below(&mut self, bound: u32) -> u32 {
        let bits = u32::BITS - bound.leading_zeros();
        loop {
            let number = self.next() >> (32 - bits);
            if number < bound {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_cells_is_the_benchmarks() {
        let cells = cells();
        // The authors' code asserts these, too.
        for (at, cell) in [
            (
                0,
                "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
            ),
            (9, "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"),
            (
                123,
                "|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
            ),
        ] {
            assert_eq!(cells[at], cell);
        }
        let distinct: std::collections::HashSet<&String> = cells.iter().collect();
        assert_eq!(distinct.len(), 15_625);
    }
}
