//! Distinct values of a column, each with a number.
//!
//! In: values, one after the other. Out: the number of each, the same for the same
//! value. A pool outlives row groups, so that a value that comes every month and
//! every row is hashed into the same place; [`Marks`] say which of its values the
//! row group and the page at hand have seen.

use arrow::array::make_view;

use crate::same;
pub(super) use crate::slots::Entry;
use crate::slots::{Slots, hash_of_bits, hash_of_bytes};

/// Position of a value in the dictionary of the row group at hand.
pub(super) type Code = u32;

/// No code, or no entry.
pub(super) const NONE: Code = Code::MAX;

/// A value as a pool keeps it: its own bits, or where it is.
type Key = u128;

/// Longest text that an Arrow view holds itself.
pub(super) const INLINE_BYTES_MAX: usize = 12;

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
        let (keys, hashes, bytes) = Default::default();
        Self { slots: Slots::new(), keys, hashes, bytes, marks: Marks::default() }
    }

    /// Memory in use.
    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len() + self.keys.len() * (size_of::<Key>() + 8 + size_of::<Mark>() + 16)
    }

    /// Number of a text.
    pub(super) fn text(&mut self, text: &[u8]) -> Entry {
        // Where it stands is no part of what it says.
        let view = make_view(text, 0, 0);
        match text.len() {
            0..=INLINE_BYTES_MAX => self.short(view),
            _ => self.long(view, text),
        }
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

    /// Ends the row group; forgets all values above so much memory. Says whether it did.
    pub(super) fn end_row_group(&mut self, kept_bytes_max: usize) -> bool {
        self.marks.end_row_group();
        let forgets = self.size_bytes() > kept_bytes_max;
        if forgets {
            *self = Self::new();
        }
        forgets
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
        Self { slots: Slots::new(), values: Vec::new(), marks: Marks::default() }
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

    /// Ends the row group; forgets all values above so much memory.
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

    /// Number of the page at hand; never 0.
    pub(super) fn page(&self) -> u32 {
        self.page
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
}
