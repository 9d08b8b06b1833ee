//! The two ways in which Parquet packs small numbers: the hybrid of runs and bit-packed groups (levels, dictionary
//! codes), and deltas (times, line numbers, lengths). Format: `Encodings.md` of apache/parquet-format.

/// A shorter run is packed with its neighbours.
const RUN_MIN: usize = 16;
const GROUP: usize = 8;
const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;

/// The bits that numbers up to `max` need.
pub(super) fn width_of(max: u32) -> u8 {
    u8::try_from(u32::BITS - max.leading_zeros()).unwrap_or(32)
}

/// Appends `values`, none of which needs more than `width` bits, as `RLE` hybrid.
pub(super) fn put_hybrid(values: &[u32], width: u8, out: &mut Vec<u8>) {
    let (mut at, mut literal) = (0, 0);
    while at + GROUP <= values.len() {
        let first = values[at];
        if values[at..at + GROUP].iter().all(|value| *value == first) {
            let run = values[at..].iter().take_while(|value| **value == first).count();
            if run >= RUN_MIN {
                put_packed(&values[literal..at], width, out);
                put_run(run, first, width, out);
                at += run;
                literal = at;
                continue;
            }
        }
        at += GROUP;
    }
    put_packed(&values[literal..], width, out);
}

/// Appends `count` levels of 0 and 1, packed by [`put_booleans`], as `RLE` hybrid.
pub(super) fn put_bits(groups: &[u8], count: usize, out: &mut Vec<u8>) {
    let (mut at, mut literal) = (0, 0);
    // the last group may be filled up, and so is part of no run
    let whole = groups.get(..count / GROUP).unwrap_or_default();
    while let Some(&first) = whole.get(at) {
        let run = match first {
            0 | u8::MAX => whole[at..].iter().take_while(|group| **group == first).count(),
            _ => 1,
        };
        if run >= RUN_MIN / GROUP {
            put_groups(&groups[literal..at], out);
            put_run(run * GROUP, u32::from(first & 1), 1, out);
            literal = at + run;
        }
        at += run;
    }
    put_groups(&groups[literal..], out);
}

fn put_groups(groups: &[u8], out: &mut Vec<u8>) {
    if !groups.is_empty() {
        put_varint((groups.len() as u64) << 1 | 1, out);
        out.extend_from_slice(groups);
    }
}

/// Appends as `PLAIN`, one bit each, whether rows are as asked for.
pub(super) fn put_booleans<T>(rows: &[T], is_set: impl Fn(&T) -> bool, out: &mut Vec<u8>) {
    let byte = |group: &[T]| group.iter().rev().fold(0, |bits, row| bits << 1 | u8::from(is_set(row)));
    let (whole, rest) = rows.as_chunks::<GROUP>();
    out.extend(whole.iter().map(|group| byte(group)));
    if !rest.is_empty() {
        out.push(byte(rest));
    }
}

/// `count` times the same value.
pub(super) fn put_run(count: usize, value: u32, width: u8, out: &mut Vec<u8>) {
    put_varint((count as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..usize::from(width.div_ceil(8))]);
}

/// Whole groups, but for the last of a page, which is filled up with zeros.
fn put_packed(values: &[u32], width: u8, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    put_varint((groups as u64) << 1 | 1, out);
    if width > 16 {
        let mut bits = Bits::new(out);
        values.iter().for_each(|value| bits.put(u64::from(*value), width));
        (values.len()..groups * GROUP).for_each(|_| bits.put(0, width));
        return bits.finish();
    }
    // a group of eight takes as many bytes as a value takes bits
    let bytes = usize::from(width);
    let start = out.len();
    out.resize(start + groups * bytes, 0);
    for (group, to) in values.chunks(GROUP).zip(out[start..].chunks_exact_mut(bytes.max(1))) {
        if width <= 8 {
            let packed = group.iter().rev().fold(0_u64, |packed, value| packed << width | u64::from(*value));
            to.copy_from_slice(&packed.to_le_bytes()[..bytes]);
        } else {
            let packed = group.iter().rev().fold(0_u128, |packed, value| packed << width | u128::from(*value));
            to.copy_from_slice(&packed.to_le_bytes()[..bytes]);
        }
    }
}

/// Appends `values` as `DELTA_BINARY_PACKED` of 64-bit numbers.
pub(super) fn put_deltas(values: &[i64], out: &mut Vec<u8>) {
    deltas(values, i64::wrapping_sub, out);
}

/// Appends `values`, which fit 32 bits, as `DELTA_BINARY_PACKED` of 32-bit numbers, whose deltas wrap.
pub(super) fn put_deltas32(values: &[i64], out: &mut Vec<u8>) {
    #[expect(clippy::cast_possible_truncation, reason = "wrapping is what the format asks for")]
    deltas(values, |value, before| i64::from((value as i32).wrapping_sub(before as i32)), out);
}

fn deltas(values: &[i64], difference: impl Fn(i64, i64) -> i64, out: &mut Vec<u8>) {
    put_varint(BLOCK as u64, out);
    put_varint(MINIBLOCKS as u64, out);
    put_varint(values.len() as u64, out);
    put_zigzag(values.first().copied().unwrap_or_default(), out);
    let mut before = values.first().copied().unwrap_or_default();
    let mut deltas = [0_i64; BLOCK];
    for block in values.get(1..).unwrap_or_default().chunks(BLOCK) {
        for (delta, value) in deltas.iter_mut().zip(block) {
            *delta = difference(*value, before);
            before = *value;
        }
        put_block(&deltas[..block.len()], out);
    }
}

fn put_block(deltas: &[i64], out: &mut Vec<u8>) {
    const MINI: usize = BLOCK / MINIBLOCKS;
    let least = deltas.iter().copied().min().unwrap_or_default();
    let above = |delta: &i64| delta.wrapping_sub(least).cast_unsigned();
    put_zigzag(least, out);
    let widths = std::array::from_fn::<u8, MINIBLOCKS, _>(|mini| {
        let most = deltas.iter().skip(mini * MINI).take(MINI).map(above).fold(0, u64::max);
        u8::try_from(u64::BITS - most.leading_zeros()).unwrap_or(64)
    });
    out.extend_from_slice(&widths);
    for (mini, width) in deltas.chunks(MINI).zip(widths) {
        let mut bits = Bits::new(out);
        mini.iter().for_each(|delta| bits.put(above(delta), width));
        (mini.len()..MINI).for_each(|_| bits.put(0, width));
        bits.finish();
    }
}

/// Bits, the lowest first.
struct Bits<'a> {
    out: &'a mut Vec<u8>,
    held: u128,
    count: u8,
}

impl<'a> Bits<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, count: 0 }
    }

    /// Appends the lowest `width` bits, 64 at most, of a value that has no others.
    fn put(&mut self, value: u64, width: u8) {
        self.held |= u128::from(value) << self.count;
        self.count += width;
        if self.count >= 64 {
            self.out.extend_from_slice(&self.held.to_le_bytes()[..8]);
            self.held >>= 64;
            self.count -= 64;
        }
    }

    fn finish(self) {
        self.out.extend_from_slice(&self.held.to_le_bytes()[..usize::from(self.count.div_ceil(8))]);
    }
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn put_zigzag(value: i64, out: &mut Vec<u8>) {
    put_varint((value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the hybrid back, by the format's text.
    fn hybrid(mut bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let header = varint(&mut bytes);
            if header & 1 == 0 {
                let size = usize::from(width.div_ceil(8));
                let value = bytes[..size].iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
                bytes = &bytes[size..];
                values.extend(std::iter::repeat_n(value, usize::try_from(header >> 1).unwrap()));
            } else {
                let packed = usize::try_from(header >> 1).unwrap() * usize::from(width);
                let bit = |at: usize| u32::from(bytes[at / 8] >> (at % 8) & 1);
                let width = usize::from(width);
                for number in 0..usize::try_from(header >> 1).unwrap() * GROUP {
                    values.push((0..width).map(|at| bit(number * width + at) << at).sum());
                }
                bytes = &bytes[packed..];
            }
        }
        assert!(bytes.is_empty());
        values.truncate(count);
        values
    }

    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }

    #[test]
    fn the_hybrid_reads_back_as_written() {
        for width in 1..=32_u8 {
            let max = u32::MAX >> (32 - width);
            for count in [0, 1, 7, 8, 9, 15, 16, 17, 100, 1_000] {
                let runs: Vec<u32> = (0..count).map(|at| if at % 50 < 30 { max } else { at & max }).collect();
                let mut out = Vec::new();
                put_hybrid(&runs, width, &mut out);
                assert_eq!(hybrid(&out, width, runs.len()), runs, "{width} {count}");
            }
        }
    }

    #[test]
    fn bits_read_back_as_written() {
        for count in [0, 1, 7, 8, 9, 15, 16, 17, 64, 100, 1_000] {
            for every in [1, 2, 9, 40, 2_000] {
                let levels: Vec<u32> = (0..count).map(|at| u32::from(at / 24 % 2 == 0 || at % every == 0)).collect();
                let (mut groups, mut out) = (Vec::new(), Vec::new());
                put_booleans(&levels, |level| *level == 1, &mut groups);
                put_bits(&groups, levels.len(), &mut out);
                assert_eq!(hybrid(&out, 1, levels.len()), levels, "{count} {every}");
            }
        }
    }

    #[test]
    fn a_page_of_one_value_takes_a_few_bytes() {
        let mut out = Vec::new();
        put_hybrid(&vec![3; 10_000], 2, &mut out);
        assert_eq!(out.len(), 4);
    }

    #[test]
    fn widths_hold_the_greatest_number() {
        assert_eq!([0, 1, 2, 3, 4, 255, 256, u32::MAX].map(width_of), [0, 1, 2, 2, 3, 8, 9, 32]);
    }
}
