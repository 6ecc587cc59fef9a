//! Masks from 32-byte compares; quote parity by carry-less multiplication.

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

use super::{BLOCK_BYTES, BlockMasks, Index, Masks, State, scan_masks};

/// Whether this processor has every feature named below.
#[inline]
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// As [`scan_masks`], compiled for the features.
///
/// # Safety
/// [`is_available`] is true.
#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,popcnt")]
pub(super) unsafe fn scan_blocks(
    bytes: &[u8],
    from: usize,
    state: State,
    index: &mut Index,
) -> (usize, State) {
    // SAFETY: the caller vouches for the features.
    unsafe { scan_masks::<Avx2>(bytes, from, state, index) }
}

struct Avx2;

impl Masks for Avx2 {
    #[inline(always)]
    unsafe fn classify(block: &[u8; BLOCK_BYTES]) -> BlockMasks {
        // SAFETY: the caller vouches for AVX2; unaligned loads of 32 bytes at
        // 0 and 32 lie within the 64 bytes of the block.
        unsafe {
            let first = _mm256_loadu_si256(block.as_ptr().cast::<__m256i>());
            let second = _mm256_loadu_si256(block.as_ptr().add(32).cast::<__m256i>());
            BlockMasks {
                quotes: equal_bytes(first, second, b'"'),
                commas: equal_bytes(first, second, b','),
                line_feeds: equal_bytes(first, second, b'\n'),
                // The highest bits of all bytes.
                is_ascii: _mm256_movemask_epi8(_mm256_or_si256(first, second)) == 0,
            }
        }
    }

    #[inline(always)]
    unsafe fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: the caller vouches for PCLMULQDQ.
        unsafe { prefix_xor(bits) }
    }
}

/// Bit `i` of the result is the parity of bits `0..=i`.
///
/// # Safety
/// The processor has PCLMULQDQ.
#[inline(always)]
pub(super) unsafe fn prefix_xor(bits: u64) -> u64 {
    // SAFETY: the caller vouches for PCLMULQDQ. A carry-less product with
    // all ones adds (xor) every lower bit into each bit.
    unsafe {
        let bits = _mm_set_epi64x(0, bits as i64);
        _mm_cvtsi128_si64(_mm_clmulepi64_si128(bits, _mm_set1_epi8(-1), 0)) as u64
    }
}

/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn equal_bytes(first: __m256i, second: __m256i, byte: u8) -> u64 {
    // SAFETY: the caller vouches for AVX2.
    unsafe {
        let pattern = _mm256_set1_epi8(byte as i8);
        let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(first, pattern)) as u32;
        let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(second, pattern)) as u32;
        u64::from(low) | (u64::from(high) << 32)
    }
}
