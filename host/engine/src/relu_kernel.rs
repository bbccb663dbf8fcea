//! Counts the ReLU units on which each pair of images agrees.

use super::{
    executor::{Executor, Values},
    program::Value,
};
use osee_model::graph::{Op, Shape};
use osee_sdk::Result;
use std::collections::{BTreeMap, HashSet};
use tch::{Device, Kind, Tensor};

/// The kernel, `[n, n]`, f64. It counts every ReLU call of one forward pass, as the
/// reference's hooks do: a call whose result cannot reach the output counts too,
/// and so does each of several calls that share their input.
pub fn measure(executor: &Executor<'_>, values: &mut Values) -> Result<Tensor> {
    let _no_grad = tch::no_grad_guard();
    let images = values.outputs[0].as_ref().expect("the input is always there");
    let (n, device) = (images.size()[0], images.device());
    let (calls, agreed_always) = calls_by_step(executor, |_| true);
    executor.run(values, |step| calls.contains_key(&step.node) || !step.live)?;

    let calls: Vec<Call<'_>> = calls
        .into_iter()
        .map(|(node, multiplicity)| Call {
            output: values.outputs[node].as_ref().expect("just run"),
            units: executor.graph.nodes[node].shape.numel(),
            multiplicity,
        })
        .collect();
    match device {
        Device::Cpu => by_bits(&calls, n, agreed_always),
        _ => by_products(&calls, n, agreed_always, device),
    }
}

/// The number of ReLU calls that each step computes, of those on a `wanted` shape, and the units of
/// calls on constant zeros.
pub fn calls_by_step(
    executor: &Executor<'_>,
    wanted: impl Fn(Shape) -> bool,
) -> (BTreeMap<usize, u64>, u64) {
    let mut calls: BTreeMap<usize, u64> = BTreeMap::new();
    let mut of_zeros = 0;
    let all = executor.graph.iter();
    for (id, node) in all.filter(|(_, node)| node.op == Op::Relu && wanted(node.shape)) {
        match executor.program.values[id.index()] {
            Value::Of(step) => *calls.entry(step).or_default() += 1,
            Value::Zero => of_zeros += node.shape.numel() as u64,
        }
    }
    (calls, of_zeros)
}

/// How many columns differ: there is one for each unit of the outputs, `[n, ..]`, with a bit for
/// each of at most 128 images, 1 where the unit is positive. `zero` adds a column of zeros.
pub fn different_columns<'a>(
    outputs: impl Iterator<Item = &'a Tensor>,
    zero: bool,
) -> Result<usize> {
    let mut known: HashSet<u128> = HashSet::new();
    known.extend(zero.then_some(0));
    for output in outputs {
        let images = output.size()[0] as usize;
        let units = output.numel() / images.max(1);
        let bytes = positive(output)?;
        let mut columns = vec![0u128; units];
        for (image, row) in bytes.chunks_exact(units).enumerate() {
            for (column, &bit) in columns.iter_mut().zip(row) {
                *column |= u128::from(bit) << image;
            }
        }
        columns.sort_unstable();
        columns.dedup();
        known.extend(columns);
    }
    Ok(known.len())
}

/// How many rows differ: there is one for each image of the outputs, `[n, ..]`, with a bit for each
/// unit, 1 where it is positive.
pub fn different_rows<'a>(outputs: impl Iterator<Item = &'a Tensor>) -> Result<usize> {
    let mut rows: Vec<Vec<u64>> = Vec::new();
    for output in outputs {
        let images = output.size()[0] as usize;
        rows.resize(images, Vec::new());
        let bits = sign_bits(output, output.numel() / images.max(1))?;
        rows.iter_mut().zip(bits).for_each(|(row, more)| row.extend(more));
    }
    Ok(rows.into_iter().collect::<HashSet<_>>().len())
}

/// ReLU calls with one result.
struct Call<'a> {
    output: &'a Tensor,
    /// Units of each image.
    units: usize,
    /// Number of calls.
    multiplicity: u64,
}

/// Counts bits that differ, 64 at a time.
fn by_bits(calls: &[Call<'_>], n: i64, agreed_always: u64) -> Result<Tensor> {
    let images = n as usize;
    let mut agreement = vec![agreed_always; images * images];
    for &Call { output, units, multiplicity } in calls {
        add_agreement(&sign_bits(output, units)?, images, units, multiplicity, &mut agreement);
    }
    let agreement: Vec<f64> = agreement.into_iter().map(|count| count as f64).collect();
    Ok(Tensor::from_slice(&agreement).f_view([n, n])?)
}

/// Computes the same by matrix products where the signs are. With b = 1 for a positive unit
/// and 0 for others, n units of two images agree n - sum b - sum b' + 2 sum b b' times, and
/// sum b = sum b b. These are whole numbers, which float32 (also with TF32) and float64 have.
fn by_products(calls: &[Call<'_>], n: i64, agreed_always: u64, device: Device) -> Result<Tensor> {
    /// Units of an image that are multiplied at once: below 2^24, up to which float32 counts.
    const AT_ONCE: usize = 1 << 20;
    let mut both = Tensor::zeros([n, n], (Kind::Double, device));
    let mut all = agreed_always;
    let (mut waiting, mut units) = (Vec::new(), 0);
    let each = calls.iter().flat_map(|call| std::iter::repeat_n(call, call.multiplicity as usize));
    let mut each = each.peekable();
    while let Some(call) = each.next() {
        waiting.push(call.output.f_flatten(1, -1)?);
        units += call.units;
        if units >= AT_ONCE || each.peek().is_none() {
            let positive = Tensor::f_cat(&waiting, 1)?.f_gt(0.0)?.f_to_kind(Kind::Float)?;
            both = both.f_add_(&positive.f_mm(&positive.f_transpose(0, 1)?)?)?;
            all += units as u64;
            (waiting, units) = (Vec::new(), 0);
        }
    }
    let positive = both.diagonal(0, 0, 1);
    let positive = positive.f_unsqueeze(0)?.f_add(&positive.f_unsqueeze(1)?)?;
    Ok(both.f_mul_scalar(2.0)?.f_sub(&positive)?.f_add_scalar(all as f64)?)
}

/// The signs of each image's units, 64 to a word, padded with zeros.
fn sign_bits(output: &Tensor, units: usize) -> Result<Vec<Vec<u64>>> {
    Ok(positive(output)?.chunks_exact(units).map(pack).collect())
}

/// 1 for each positive unit and 0 for others, image by image.
fn positive(output: &Tensor) -> Result<Vec<u8>> {
    // Channels-last memory order; any order that all images share would do.
    let by_pixel =
        if output.dim() == 4 { output.permute([0, 2, 3, 1]) } else { output.shallow_clone() };
    let positive = by_pixel.f_gt(0.0)?.f_contiguous()?.f_to_kind(Kind::Uint8)?;
    let mut bytes = vec![0u8; positive.numel()];
    positive.f_copy_data_u8(&mut bytes, positive.numel())?;
    Ok(bytes)
}

/// Packs bytes of 0 and 1 into bits.
fn pack(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks(64)
        .map(|chunk| {
            let mut word = 0u64;
            for (i, eight) in chunk.chunks(8).enumerate() {
                let mut lanes = [0u8; 8];
                lanes[..eight.len()].copy_from_slice(eight);
                // Gathers the lowest bit of each byte into the top byte.
                let bits = u64::from_le_bytes(lanes).wrapping_mul(0x0102_0408_1020_4080) >> 56;
                word |= bits << (8 * i);
            }
            word
        })
        .collect()
}

fn add_agreement(
    bits: &[Vec<u64>],
    n: usize,
    units: usize,
    multiplicity: u64,
    agreement: &mut [u64],
) {
    for i in 0..n {
        agreement[i * n + i] += multiplicity * units as u64;
        for j in 0..i {
            let differ: u64 =
                bits[i].iter().zip(&bits[j]).map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
            let agree = multiplicity * (units as u64 - differ);
            agreement[i * n + j] += agree;
            agreement[j * n + i] += agree;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_every_bit_in_place() {
        let bytes: Vec<u8> = (0..150u32).map(|i| u8::from(i * i % 7 < 3)).collect();
        let words = pack(&bytes);
        for (i, &byte) in bytes.iter().enumerate() {
            assert_eq!(words[i / 64] >> (i % 64) & 1, u64::from(byte), "bit {i}");
        }
    }

    #[test]
    fn products_count_what_bits_count() {
        let device = crate::test_device::device();
        let options = (Kind::Float, Device::Cpu);
        let outputs =
            [Tensor::randn([5, 7, 3, 3], options).relu(), Tensor::randn([5, 11], options).relu()];
        let calls = |outputs: &[Tensor; 2], how: fn(&[Call<'_>]) -> Result<Tensor>| {
            let [one, two] = outputs;
            let calls = [
                Call { output: one, units: 63, multiplicity: 2 },
                Call { output: two, units: 11, multiplicity: 1 },
            ];
            how(&calls).unwrap()
        };
        let bits = calls(&outputs, |calls| by_bits(calls, 5, 4));
        let moved = outputs.map(|it| it.to_device(device));
        let products = calls(&moved, |calls| by_products(calls, 5, 4, calls[0].output.device()));
        assert_eq!(products.to_device(Device::Cpu), bits);
    }

    #[test]
    fn agreement_is_that_of_the_definition() {
        let patterns = [[1u8, 0, 1, 1, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1]];
        let bits: Vec<Vec<u64>> = patterns.iter().map(|p| pack(p)).collect();
        let mut agreement = vec![0; 9];
        add_agreement(&bits, 3, 5, 2, &mut agreement);
        for i in 0..3 {
            for j in 0..3 {
                let equal = (0..5).filter(|&k| patterns[i][k] == patterns[j][k]).count() as u64;
                assert_eq!(agreement[i * 3 + j], 2 * equal);
            }
        }
    }
}
