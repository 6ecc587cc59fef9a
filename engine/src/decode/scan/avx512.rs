//! Masks from one 64-byte compare each; positions of a block's separators at once.

use std::arch::x86_64::{
    __m128i, __m512i, _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask,
    _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_loadu_si512,
    _mm512_maskz_compress_epi8, _mm512_movepi8_mask, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

use super::{BLOCK_BYTES, BlockMasks, Index, Masks, State, avx2, scan_masks};

/// Whether this processor has every feature named below.
#[inline]
pub(super) fn is_available() -> bool {
    // A compiler that may use AVX-512 takes AVX2, FMA and F16C for granted.
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// As [`scan_masks`], compiled for the features.
///
/// # Safety
/// [`is_available`] is true.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,pclmulqdq,bmi1,bmi2,popcnt")]
pub(super) unsafe fn scan_blocks(
    bytes: &[u8],
    from: usize,
    state: State,
    index: &mut Index,
) -> (usize, State) {
    // SAFETY: the caller vouches for the features.
    unsafe { scan_masks::<Avx512>(bytes, from, state, index) }
}

/// Numbers that one register holds.
const LANES: usize = 16;

/// Where each byte of a block stands.
static PLACES: [u8; BLOCK_BYTES] = {
    let mut places = [0; BLOCK_BYTES];
    let mut place = 0;
    while place < BLOCK_BYTES {
        places[place] = place as u8;
        place += 1;
    }
    places
};

struct Avx512;

impl Masks for Avx512 {
    #[inline(always)]
    unsafe fn classify(block: &[u8; BLOCK_BYTES]) -> BlockMasks {
        // SAFETY: the caller vouches for AVX-512 F and BW; the unaligned load of 64 bytes
        // is the block.
        unsafe {
            let bytes = _mm512_loadu_si512(block.as_ptr().cast::<__m512i>());
            BlockMasks {
                quotes: equal_bytes(bytes, b'"'),
                commas: equal_bytes(bytes, b','),
                line_feeds: equal_bytes(bytes, b'\n'),
                is_ascii: _mm512_movepi8_mask(bytes) == 0,
            }
        }
    }

    #[inline(always)]
    unsafe fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: the caller vouches for PCLMULQDQ.
        unsafe { avx2::prefix_xor(bits) }
    }

    /// Places of set bits are moved together as bytes, then widened sixteen at a time;
    /// hardly any block has more separators than that.
    #[inline(always)]
    unsafe fn write_positions(slots: &mut [u32; BLOCK_BYTES], at: u32, bits: u64) {
        // SAFETY: the caller vouches for AVX-512 F and VBMI2; PLACES has the 64 bytes that
        // are loaded.
        unsafe {
            let places = _mm512_loadu_si512(PLACES.as_ptr().cast::<__m512i>());
            let places = _mm512_maskz_compress_epi8(bits, places);
            write_lanes::<0>(slots, at, _mm512_castsi512_si128(places));
            if bits.count_ones() as usize > LANES {
                write_lanes::<1>(slots, at, _mm512_extracti32x4_epi32::<1>(places));
                write_lanes::<2>(slots, at, _mm512_extracti32x4_epi32::<2>(places));
                write_lanes::<3>(slots, at, _mm512_extracti32x4_epi32::<3>(places));
            }
        }
    }
}

/// # Safety
/// The processor has AVX-512 F and BW.
#[inline(always)]
unsafe fn equal_bytes(bytes: __m512i, byte: u8) -> u64 {
    // SAFETY: the caller vouches for AVX-512 F and BW.
    unsafe { _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte as i8)) }
}

/// Writes `at` + each of these places into the sixteen slots of a group.
///
/// # Safety
/// The processor has AVX-512 F.
#[inline(always)]
unsafe fn write_lanes<const GROUP: usize>(
    slots: &mut [u32; BLOCK_BYTES],
    at: u32,
    places: __m128i,
) {
    const { assert!((GROUP + 1) * LANES <= BLOCK_BYTES) };
    // SAFETY: the caller vouches for AVX-512 F; the store writes 16 of the 64 slots, as
    // asserted.
    unsafe {
        let positions =
            _mm512_add_epi32(_mm512_set1_epi32(at as i32), _mm512_cvtepu8_epi32(places));
        let slots = slots.as_mut_ptr().add(GROUP * LANES);
        _mm512_storeu_si512(slots.cast::<__m512i>(), positions);
    }
}
