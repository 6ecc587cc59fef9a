//! Small deterministic random numbers: the same seed, tenant and files forever.
//!
//! `SplitMix64` is Sebastiano Vigna's public domain generator (2015, after
//! Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators").
//! It is used both as a stream and, one step at a time, as a hash, so that any
//! row can be drawn without drawing those before it. Never for secrets.

/// One output of `SplitMix64` for one state.
pub(super) const fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hash of a path of numbers, e.g. seed, kind of thing, its index.
pub(super) const fn key(path: &[u64]) -> u64 {
    let mut state = 0;
    let mut index = 0;
    while index < path.len() {
        state = mix(state ^ path[index]);
        index += 1;
    }
    state
}

/// Hash of a text, for names whose ids are the same under every seed.
pub(super) fn text_key(text: &str) -> u64 {
    text.bytes().fold(0, |state, byte| mix(state ^ u64::from(byte)))
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of a path of numbers.
    pub(super) const fn new(path: &[u64]) -> Self {
        Self(key(path))
    }

    /// The next 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        let drawn = mix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        drawn
    }

    /// A number from 0 below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        scale(self.next(), bound)
    }

    /// One of the items.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

/// Scales 64 random bits to a number from 0 below `bound`.
pub(super) const fn scale(bits: u64, bound: u64) -> u64 {
    ((bits as u128 * bound as u128) >> 64) as u64
}

/// A GUID (version 4 in form) that belongs to a key.
pub(super) fn guid(key: u64) -> String {
    let (high, low) = (mix(key), mix(key ^ 0x5bd1_e995_cafe_f00d));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_vignas() {
        // First outputs of the reference implementation from state 1234567.
        let mut stream = Random(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| stream.next()).collect();
        assert_eq!(
            drawn,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn guids_have_their_form() {
        let text = guid(7);
        assert_eq!(text.len(), 36);
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(text, guid(8));
    }
}
