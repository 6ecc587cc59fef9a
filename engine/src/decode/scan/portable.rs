//! Masks from plain 64-bit integers, eight bytes at a time.

use super::{BLOCK_BYTES, BlockMasks, Masks};

pub(super) struct Portable;

impl Masks for Portable {
    #[inline(always)]
    unsafe fn classify(block: &[u8; BLOCK_BYTES]) -> BlockMasks {
        let mut masks =
            BlockMasks { quotes: 0, commas: 0, line_feeds: 0, is_ascii: block.is_ascii() };
        for (index, word) in block.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let shift = 8 * index;
            masks.quotes |= equal_bytes(word, b'"') << shift;
            masks.commas |= equal_bytes(word, b',') << shift;
            masks.line_feeds |= equal_bytes(word, b'\n') << shift;
        }
        masks
    }

    #[inline(always)]
    unsafe fn prefix_xor(mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }
}

/// Bit `i` says whether byte `i` of the word equals `byte`; exact.
#[inline(always)]
fn equal_bytes(word: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let difference = word ^ (u64::from(byte) * 0x0101_0101_0101_0101);
    // The high bit of each byte is set where that byte is zero.
    let zeros = !(((difference & LOW_BITS) + LOW_BITS) | difference | LOW_BITS);
    (zeros >> 7).wrapping_mul(GATHER) >> 56
}
