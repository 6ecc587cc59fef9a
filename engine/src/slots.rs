//! Open addressing for values that are kept elsewhere, and hashes of what they are. Pure.
//!
//! In: the hash of a value. Out: the number under which it is kept, or where it belongs.

/// Number of a value where it is kept.
pub(crate) type Entry = u32;

/// Linear probing, at most half full. A slot keeps half of the hash, so that growing
/// and most mismatches touch no value.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    /// Upper half of the hash, then the entry + 1; 0 when free.
    slots: Vec<u64>,
    filled: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}

impl Slots {
    const LENGTH_MIN: usize = 64;

    pub(crate) fn new() -> Self {
        Self { slots: vec![0; Self::LENGTH_MIN], filled: 0 }
    }

    /// The entry with this hash that `is_same`, or a free place for it.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64, is_same: impl Fn(Entry) -> bool) -> Result<Entry, usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Err(at);
            }
            if (slot ^ hash) >> 32 == 0 {
                let entry = slot as u32 - 1;
                if is_same(entry) {
                    return Ok(entry);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Fills a free place.
    pub(crate) fn fill(
        &mut self,
        at: usize,
        hash: u64,
        entry: Entry,
        hash_of: impl Fn(Entry) -> u64,
    ) {
        self.slots[at] = hash >> 32 << 32 | u64::from(entry + 1);
        self.filled += 1;
        if self.filled * 2 > self.slots.len() {
            let length = self.slots.len() * 2;
            let slots = std::mem::replace(&mut self.slots, vec![0; length]);
            for slot in slots.into_iter().filter(|slot| *slot != 0) {
                let mut at = hash_of(slot as u32 - 1) as usize & (length - 1);
                while self.slots[at] != 0 {
                    at = (at + 1) & (length - 1);
                }
                self.slots[at] = slot;
            }
        }
    }
}

/// What a value mixes to, as wyhash mixes (Wang Yi): a product of 64 by 64 bits,
/// folded.
#[inline(always)]
fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

const SEEDS: [u64; 4] =
    [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];

#[inline(always)]
pub(crate) fn hash_of_bits(bits: u128) -> u64 {
    let mixed = mix(bits as u64 ^ SEEDS[0], (bits >> 64) as u64 ^ SEEDS[1]);
    // Low bits of the product alone depend on low bits alone.
    mix(mixed ^ SEEDS[2], SEEDS[0])
}

#[inline(always)]
pub(crate) fn hash_of_bytes(bytes: &[u8]) -> u64 {
    const WORD: usize = size_of::<u64>();
    const STEP: usize = 2 * WORD;
    const LANES: usize = SEEDS.len();
    if bytes.len() < WORD {
        let mut padded = [0; 2 * WORD];
        padded[..bytes.len()].copy_from_slice(bytes);
        padded[WORD] = bytes.len() as u8;
        return hash_of_bits(u128::from_le_bytes(padded));
    }
    let word = |at: usize| {
        let word: &[u8; WORD] = bytes[at..].first_chunk().expect("within the text");
        u64::from_le_bytes(*word)
    };
    let length = bytes.len();
    let mut state = SEEDS[0] ^ length as u64;
    let mut at = 0;
    if length > LANES * STEP {
        // A product waits for the one before it: long texts have several side by side.
        let mut lanes = SEEDS.map(|seed| seed ^ length as u64);
        while at + LANES * STEP < length {
            for (number, lane) in lanes.iter_mut().enumerate() {
                let at = at + number * STEP;
                *lane = mix(word(at) ^ SEEDS[1], word(at + WORD) ^ *lane);
            }
            at += LANES * STEP;
        }
        state = lanes.into_iter().reduce(|left, right| mix(left ^ SEEDS[2], right)).expect("lanes");
    }
    while at + STEP < length {
        state = mix(word(at) ^ SEEDS[1], word(at + WORD) ^ state);
        at += STEP;
    }
    // The last words may overlap those before them, or each other.
    let first = word(length.max(STEP) - STEP);
    state = mix(first ^ SEEDS[1], word(length - WORD) ^ state);
    mix(state ^ SEEDS[2], SEEDS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_spread_over_low_and_high_bits() {
        // As many as a month has: counters, and texts that differ at one place.
        let counters = (0..50_000u128).map(hash_of_bits);
        let multiples = (0..50_000u128).map(|number| hash_of_bits(number << 64));
        let texts = (0..50_000).map(|number| {
            hash_of_bytes(format!("/subscriptions/{number:08}/resourcegroups/x").as_bytes())
        });
        for hashes in [counters.collect::<Vec<_>>(), multiples.collect(), texts.collect()] {
            for shift in [0, 32] {
                let mut buckets = vec![0u32; 1 << 16];
                hashes.iter().for_each(|hash| buckets[(hash >> shift) as u16 as usize] += 1);
                let empty = buckets.iter().filter(|count| **count == 0).count() as f64;
                // Random hashes leave e^(-50000/65536) of the buckets empty.
                let expected = 65_536.0 * (-50_000.0f64 / 65_536.0).exp();
                assert!((empty / expected - 1.0).abs() < 0.05, "{empty} {expected}");
            }
        }
    }

    #[test]
    fn every_length_of_text_is_hashed_to_its_last_byte() {
        for length in 1..400 {
            let mut text = vec![b'a'; length];
            let before = hash_of_bytes(&text);
            for at in 0..length {
                text[at] = b'b';
                assert_ne!(hash_of_bytes(&text), before, "{at} of {length}");
                text[at] = b'a';
            }
        }
    }
}
