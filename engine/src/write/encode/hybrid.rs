//! Parquet's hybrid of run-length encoding and bit packing
//! (parquet.apache.org/docs/file-format/data-pages/encodings, "RLE / Bit-Packing
//! Hybrid").
//!
//! In: numbers that fit a bit width. Out: bytes. Pure.

/// A run shorter than a packed group of eight costs more than it saves.
const RUN_LENGTH_MIN: usize = 8;

/// Bits that every number up to `max` fits into; at least 1, because not every
/// reader takes 0.
pub(super) fn bit_width(max: u32) -> u8 {
    (u32::BITS - max.leading_zeros()).max(1) as u8
}

/// Appends numbers, each below `2^width`.
pub(super) fn encode(values: &[u32], width: u8, out: &mut Vec<u8>) {
    // Whole columns of a bill are constant: told at the speed of memory.
    if let Some(first) = values.first().filter(|_| values.len() >= RUN_LENGTH_MIN)
        && values.iter().all(|value| value == first)
    {
        return run(*first, values.len(), width, out);
    }
    let mut literals = 0;
    let mut at = 0;
    while at < values.len() {
        let value = values[at];
        let length = values[at..].iter().take_while(|other| **other == value).count();
        // Packed groups are whole; what completes one comes out of the run.
        let missing = (at - literals).next_multiple_of(RUN_LENGTH_MIN) - (at - literals);
        if length >= missing + RUN_LENGTH_MIN {
            pack(&values[literals..at + missing], width, out);
            run(value, length - missing, width, out);
            literals = at + length;
        }
        at += length;
    }
    pack(&values[literals..], width, out);
}

/// One value, so many times.
pub(super) fn run(value: u32, length: usize, width: u8, out: &mut Vec<u8>) {
    varint((length as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..usize::from(width).div_ceil(8)]);
}

/// The header of so many packed groups of eight.
pub(super) fn packed_header(groups: usize, out: &mut Vec<u8>) {
    varint((groups as u64) << 1 | 1, out);
}

/// Numbers side by side, the last group filled with zeros.
fn pack(values: &[u32], width: u8, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    packed_header(values.len().div_ceil(8), out);
    out.reserve(values.len().next_multiple_of(8) * usize::from(width) / 8 + 8);
    let (mut bits, mut filled) = (0u64, 0u32);
    let mut put = |value: u32, out: &mut Vec<u8>| {
        bits |= u64::from(value) << filled;
        filled += u32::from(width);
        if filled >= u32::BITS {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= u32::BITS;
            filled -= u32::BITS;
        }
    };
    for value in values {
        put(*value, out);
    }
    for _ in values.len()..values.len().next_multiple_of(8) {
        put(0, out);
    }
    // Eight numbers fill whole bytes, whatever the width.
    out.extend_from_slice(&bits.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads it back as the format's description says, bit by bit.
    fn decode(mut bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
        let width = usize::from(width);
        let mut values = Vec::new();
        while values.len() < count {
            let mut header = 0u64;
            for shift in (0..).step_by(7) {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            let length = (header >> 1) as usize;
            if header & 1 == 0 {
                let (value, rest) = bytes.split_at(width.div_ceil(8));
                let mut wide = [0; 4];
                wide[..value.len()].copy_from_slice(value);
                values.extend(std::iter::repeat_n(u32::from_le_bytes(wide), length));
                bytes = rest;
            } else {
                let (packed, rest) = bytes.split_at(length * width);
                let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
                let number = |index: usize| {
                    (0..width).fold(0, |number, at| number | bit(index * width + at) << at)
                };
                values.extend((0..length * 8).map(number));
                bytes = rest;
            }
        }
        assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
        let padding = values.split_off(count);
        assert!(padding.len() < 8 && padding.iter().all(|value| *value == 0));
        values
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(
            width in 1u8..=32,
            runs in prop::collection::vec((any::<u32>(), 1usize..40), 0..40),
        ) {
            let mask = u32::MAX >> (32 - u32::from(width));
            let values: Vec<u32> = runs
                .iter()
                .flat_map(|(value, length)| std::iter::repeat_n(value & mask, *length))
                .collect();
            let mut bytes = Vec::new();
            encode(&values, width, &mut bytes);
            prop_assert_eq!(decode(&bytes, width, values.len()), values);
        }
    }

    #[test]
    fn widths_hold_their_numbers() {
        let widths = [0, 1, 2, 255, 256, u32::MAX].map(bit_width);
        assert_eq!(widths, [1, 1, 2, 8, 9, 32]);
    }

    #[test]
    fn a_constant_takes_a_few_bytes() {
        let mut bytes = Vec::new();
        encode(&[5; 20_000], 3, &mut bytes);
        assert_eq!(bytes, [0xc0, 0xb8, 0x02, 5]);
    }
}
