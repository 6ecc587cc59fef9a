//! What the codes of a batch are in the dictionary of the row group at hand.
//!
//! In: codes of a [`TextDictionary`]. Out: codes of the row group; only those that the
//! page sees for the first time are looked up.

use super::pool::{Code, Entry, NONE};
use crate::normalize::{TextCode, TextDictionary};

/// What is known of the codes of one dictionary, each at its place.
#[derive(Default)]
pub(super) struct KnownCodes {
    /// Whose codes they are; 0 is nobody's.
    identity: u64,
    /// The page that has `own`; 0 is none.
    pages: Vec<u32>,
    /// The row group's code, [`NONE`] for NULL.
    own: Vec<Code>,
    /// Where the text is in the pool; [`NONE`] if that is not known.
    entries: Vec<Entry>,
}

impl KnownCodes {
    /// Makes room for the codes of a dictionary; forgets those of another.
    pub(super) fn of(&mut self, dictionary: &TextDictionary) {
        if self.identity != dictionary.identity() {
            self.pages.clear();
            self.own.clear();
            self.entries.clear();
            self.identity = dictionary.identity();
        }
        let length = dictionary.len().max(self.pages.len());
        self.pages.resize(length, 0);
        self.own.resize(length, NONE);
        self.entries.resize(length, NONE);
    }

    /// Forgets all: the pool is another.
    pub(super) fn forget(&mut self) {
        self.identity = 0;
    }

    /// Whether the page has the code already.
    #[inline(always)]
    pub(super) fn is_on(&self, page: u32, code: TextCode) -> bool {
        self.pages[code as usize] == page
    }

    /// The row group's code of one that [`Self::is_on`] its page; [`NONE`] for NULL.
    #[inline(always)]
    pub(super) fn own(&self, code: TextCode) -> Code {
        self.own[code as usize]
    }

    /// Where the text of a code is in the pool.
    pub(super) fn entry(&self, code: TextCode) -> Option<Entry> {
        let entry = self.entries[code as usize];
        (entry != NONE).then_some(entry)
    }

    /// Notes what a code is on a page, and its place in the pool.
    pub(super) fn note(&mut self, code: TextCode, page: u32, own: Code, entry: Entry) {
        let at = code as usize;
        (self.pages[at], self.own[at], self.entries[at]) = (page, own, entry);
    }
}
