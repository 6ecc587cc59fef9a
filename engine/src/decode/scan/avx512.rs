//! Masks from one 64-byte compare each; positions of a block's separators at once.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32,
    _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi8, _mm512_movepi8_mask,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_storeu_si512,
};

use super::{BLOCK_BYTES, BlockMasks, Index, Masks, State, scan_masks};

/// Whether this processor has every feature named below.
#[inline]
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
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
    scan_masks::<Avx512>(bytes, from, state, index)
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
            let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte as i8));
            BlockMasks {
                quotes: equal(b'"'),
                commas: equal(b','),
                line_feeds: equal(b'\n'),
                is_ascii: _mm512_movepi8_mask(bytes) == 0,
            }
        }
    }

    #[inline(always)]
    unsafe fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: the caller vouches for PCLMULQDQ. A carry-less product with
        // all ones adds (xor) every lower bit into each bit.
        unsafe {
            let bits = _mm_set_epi64x(0, bits as i64);
            _mm_cvtsi128_si64(_mm_clmulepi64_si128(bits, _mm_set1_epi8(-1), 0)) as u64
        }
    }

    /// Places of set bits are moved together as bytes, then widened sixteen at a time;
    /// hardly any block has more separators than that.
    #[inline(always)]
    unsafe fn write_positions(slots: &mut [u32; BLOCK_BYTES], at: u32, bits: u64) {
        let count = bits.count_ones() as usize;
        // SAFETY: the caller vouches for AVX-512 F and VBMI2. PLACES has the 64 bytes that
        // are loaded; each store writes 16 of the 64 slots, from 0, 16, 32 or 48 on.
        unsafe {
            let places = _mm512_loadu_si512(PLACES.as_ptr().cast::<__m512i>());
            let places = _mm512_maskz_compress_epi8(bits, places);
            let at = _mm512_set1_epi32(at as i32);
            let store = |slots: &mut [u32; BLOCK_BYTES], group: usize, places: __m128i| {
                let positions = _mm512_add_epi32(at, _mm512_cvtepu8_epi32(places));
                let slots = slots.as_mut_ptr().add(group * LANES);
                _mm512_storeu_si512(slots.cast::<__m512i>(), positions);
            };
            store(slots, 0, _mm512_castsi512_si128(places));
            if count > LANES {
                store(slots, 1, _mm512_extracti32x4_epi32::<1>(places));
                store(slots, 2, _mm512_extracti32x4_epi32::<2>(places));
                store(slots, 3, _mm512_extracti32x4_epi32::<3>(places));
            }
        }
    }
}
