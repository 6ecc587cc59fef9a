//! Distinct values of a column, each with a number.
//!
//! In: values, one after the other. Out: the number of each, the same for the same
//! value. A pool outlives row groups, so that a value that comes every month and
//! every row is hashed into the same place; [`Marks`] say which of its values the
//! row group and the page at hand have seen.

use crate::same;

/// Number of a value in its pool.
pub(super) type Entry = u32;

/// Position of a value in the dictionary of the row group at hand.
pub(super) type Code = u32;

/// No code yet.
const NONE: Code = Code::MAX;

/// A value as a pool keeps it: its own bits, or where it is.
type Key = u128;

/// Longest text that an Arrow view holds itself.
pub(super) const INLINE_BYTES_MAX: usize = 12;

/// Open addressing with linear probing, at most half full. A slot keeps half of
/// the hash, so that growing and most mismatches touch no key.
#[derive(Default)]
struct Slots {
    /// Upper half of the hash, then the entry + 1; 0 when free.
    slots: Vec<u64>,
    filled: usize,
}

impl Slots {
    const LENGTH_MIN: usize = 64;

    /// The entry with this hash that `is_same`, or a free place for it.
    #[inline(always)]
    fn find(&self, hash: u64, is_same: impl Fn(Entry) -> bool) -> Result<Entry, usize> {
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
    fn fill(&mut self, at: usize, hash: u64, entry: Entry, hash_of: impl Fn(Entry) -> u64) {
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

    fn clear(&mut self) {
        self.slots.clear();
        self.slots.resize(Self::LENGTH_MIN, 0);
        self.slots.shrink_to_fit();
        self.filled = 0;
    }
}

/// What a value mixes to, as wyhash mixes (Wang Yi): a product of 64 by 64 bits,
/// folded.
#[inline(always)]
fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

const SEEDS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, 0xa076_1d64_78bd_642f];

#[inline(always)]
fn hash_of_bits(bits: u128) -> u64 {
    let mixed = mix(bits as u64 ^ SEEDS[0], (bits >> 64) as u64 ^ SEEDS[1]);
    // Low bits of the product alone depend on low bits alone.
    mix(mixed ^ SEEDS[2], SEEDS[0])
}

#[inline(always)]
fn hash_of_bytes(bytes: &[u8]) -> u64 {
    debug_assert!(bytes.len() > INLINE_BYTES_MAX);
    let word = |at: usize| {
        let word: &[u8; 8] = bytes[at..].first_chunk().expect("within the text");
        u64::from_le_bytes(*word)
    };
    let length = bytes.len();
    let mut state = SEEDS[0] ^ length as u64;
    let mut at = 0;
    while at + 16 < length {
        state = mix(word(at) ^ SEEDS[1], word(at + 8) ^ state);
        at += 16;
    }
    // The last words may overlap those before them; 13 bytes have two.
    let tail = length.max(16) - 16;
    let first = if length < 16 { word(0) } else { word(tail) };
    state = mix(first ^ SEEDS[1], word(length - 8) ^ state);
    mix(state ^ SEEDS[2], SEEDS[0])
}

/// Distinct texts.
pub(super) struct TextPool {
    slots: Slots,
    /// Of a short text its view; else length, first four bytes, and where it
    /// stands in `bytes`.
    keys: Vec<Key>,
    hashes: Vec<u64>,
    bytes: Vec<u8>,
    pub(super) marks: Marks,
}

impl TextPool {
    pub(super) fn new() -> Self {
        let mut slots = Slots::default();
        slots.clear();
        let (keys, hashes, bytes) = Default::default();
        Self { slots, keys, hashes, bytes, marks: Marks::default() }
    }

    /// Memory in use.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len() + self.keys.len() * (size_of::<Key>() + 8 + size_of::<Mark>() + 16)
    }

    /// Number of a short text, which the view itself holds.
    #[inline(always)]
    pub(super) fn short(&mut self, view: u128) -> Entry {
        let hash = hash_of_bits(view);
        match self.slots.find(hash, |entry| self.keys[entry as usize] == view) {
            Ok(entry) => entry,
            Err(at) => self.add(at, hash, view),
        }
    }

    /// Number of a longer text, with its view.
    #[inline(always)]
    pub(super) fn long(&mut self, view: u128, text: &[u8]) -> Entry {
        let hash = hash_of_bytes(text);
        // Length and first bytes are the lower half of a view.
        let is_same = |entry: Entry| {
            let key = self.keys[entry as usize];
            key as u64 == view as u64 && same::is_same(self.long_text(key), text)
        };
        match self.slots.find(hash, is_same) {
            Ok(entry) => entry,
            Err(at) => {
                let key = view as u64 as u128 | (self.bytes.len() as u128) << 64;
                self.bytes.extend_from_slice(text);
                self.add(at, hash, key)
            }
        }
    }

    #[cold]
    fn add(&mut self, at: usize, hash: u64, key: Key) -> Entry {
        let entry = self.keys.len() as Entry;
        self.keys.push(key);
        self.hashes.push(hash);
        self.marks.marks.push(Mark::default());
        let hashes = &self.hashes;
        self.slots.fill(at, hash, entry, |entry| hashes[entry as usize]);
        entry
    }

    #[inline(always)]
    fn long_text(&self, key: Key) -> &[u8] {
        let start = (key >> 64) as usize;
        &self.bytes[start..start + key as u32 as usize]
    }

    /// Appends a text.
    pub(super) fn append(&self, entry: Entry, out: &mut Vec<u8>) {
        let key = self.keys[entry as usize];
        match key as u32 as usize {
            length @ 0..=INLINE_BYTES_MAX => {
                out.extend_from_slice(&key.to_le_bytes()[4..4 + length]);
            }
            _ => out.extend_from_slice(self.long_text(key)),
        }
    }

    /// Bytes of a text.
    pub(super) fn length(&self, entry: Entry) -> usize {
        self.keys[entry as usize] as u32 as usize
    }

    /// Ends the row group; forgets all values above so much memory.
    pub(super) fn end_row_group(&mut self, kept_bytes_max: usize) {
        self.marks.end_row_group();
        if self.size_bytes() > kept_bytes_max {
            *self = Self::new();
        }
    }
}

/// Distinct numbers.
pub(super) struct NumberPool {
    slots: Slots,
    values: Vec<i128>,
    pub(super) marks: Marks,
}

impl NumberPool {
    pub(super) fn new() -> Self {
        let mut slots = Slots::default();
        slots.clear();
        Self { slots, values: Vec::new(), marks: Marks::default() }
    }

    /// Memory in use.
    pub(super) fn size_bytes(&self) -> usize {
        self.values.len() * (size_of::<i128>() + size_of::<Mark>() + 16)
    }

    #[inline(always)]
    pub(super) fn entry(&mut self, value: i128) -> Entry {
        let hash = hash_of_bits(value as u128);
        match self.slots.find(hash, |entry| self.values[entry as usize] == value) {
            Ok(entry) => entry,
            Err(at) => self.add(at, hash, value),
        }
    }

    #[cold]
    fn add(&mut self, at: usize, hash: u64, value: i128) -> Entry {
        let entry = self.values.len() as Entry;
        self.values.push(value);
        self.marks.marks.push(Mark::default());
        let values = &self.values;
        let hash_of = |entry: Entry| hash_of_bits(values[entry as usize] as u128);
        self.slots.fill(at, hash, entry, hash_of);
        entry
    }

    pub(super) fn value(&self, entry: Entry) -> i128 {
        self.values[entry as usize]
    }

    /// As [`TextPool::end_row_group`].
    pub(super) fn end_row_group(&mut self, kept_bytes_max: usize) {
        self.marks.end_row_group();
        if self.size_bytes() > kept_bytes_max {
            *self = Self::new();
        }
    }
}

/// What the row group and the page at hand have seen of a value.
#[derive(Clone, Copy)]
struct Mark {
    code: Code,
    /// Number of the page that has it, counted over all row groups.
    page: u32,
}

impl Default for Mark {
    fn default() -> Self {
        Self { code: NONE, page: 0 }
    }
}

/// The dictionary of the row group at hand.
pub(super) struct Marks {
    marks: Vec<Mark>,
    /// Entries by code.
    entries: Vec<Entry>,
    /// Number of the page at hand, from 1: a mark's 0 is none.
    page: u32,
}

impl Default for Marks {
    fn default() -> Self {
        Self { marks: Vec::new(), entries: Vec::new(), page: 1 }
    }
}

impl Marks {
    /// Begins the next page.
    pub(super) fn begin_page(&mut self) {
        self.page = self.page.checked_add(1).unwrap_or_else(|| {
            // Once in four billion pages: as if no page had been.
            self.marks.iter_mut().for_each(|mark| mark.page = 0);
            1
        });
    }

    /// The code of an entry; whether the page sees it for the first time.
    #[inline(always)]
    pub(super) fn code(&mut self, entry: Entry) -> (Code, bool) {
        let mark = &mut self.marks[entry as usize];
        if mark.page == self.page {
            return (mark.code, false);
        }
        mark.page = self.page;
        if mark.code == NONE {
            mark.code = self.entries.len() as Code;
            self.entries.push(entry);
        }
        (mark.code, true)
    }

    /// The dictionary, by code.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn end_row_group(&mut self) {
        for entry in self.entries.drain(..) {
            self.marks[entry as usize].code = NONE;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_keep_their_entries(values in prop::collection::vec(-300i128..300, 0..2_000)) {
            let mut pool = NumberPool::new();
            let mut known: HashMap<i128, Entry> = HashMap::new();
            for value in values {
                let entry = pool.entry(value);
                prop_assert_eq!(*known.entry(value).or_insert(entry), entry);
                prop_assert_eq!(pool.value(entry), value);
            }
            prop_assert_eq!(pool.values.len(), known.len());
        }
    }

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
        for length in 13..200 {
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
