//! A text column of a batch: texts, or codes into texts that earlier batches had, too.
//!
//! Codes spare whoever comes next to look each row up again: the same code is the same
//! text, in this batch and in all others with a dictionary of the same identity.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array as _, StringViewArray};

/// Position of a text in a [`TextDictionary`].
pub type TextCode = u32;

/// Texts by code. Grows at its end, so that a code that was given out stays what it is.
#[derive(Clone, Debug)]
pub struct TextDictionary {
    identity: u64,
    text: String,
    /// Where each text stands; `None` is NULL.
    places: Vec<Option<(u32, u32)>>,
    nulls: usize,
    /// Whether all are the same.
    is_constant: bool,
}

impl TextDictionary {
    /// An empty dictionary of an identity of its own.
    pub(crate) fn new() -> Self {
        static IDENTITIES: AtomicU64 = AtomicU64::new(1);
        let identity = IDENTITIES.fetch_add(1, Ordering::Relaxed);
        Self { identity, text: String::new(), places: Vec::new(), nulls: 0, is_constant: true }
    }

    /// What two dictionaries share if one is the beginning of the other; never 0.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// Number of codes.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Codes that stand for NULL.
    pub fn nulls(&self) -> usize {
        self.nulls
    }

    /// Memory in use, with what a reader keeps of each code.
    pub(super) fn size_bytes(&self) -> usize {
        const BYTES_PER_CODE: usize = size_of::<Option<(u32, u32)>>() + 3 * size_of::<u32>();
        self.text.len() + self.places.len() * BYTES_PER_CODE
    }

    /// Whether all codes stand for the same.
    pub fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// The text of a code; `None` is NULL.
    ///
    /// # Panics
    /// When there is no such code.
    #[inline]
    pub fn get(&self, code: TextCode) -> Option<&str> {
        self.places[code as usize].map(|(start, end)| &self.text[start as usize..end as usize])
    }

    /// Appends texts, whose codes follow those there are.
    pub(crate) fn extend(&mut self, texts: &StringViewArray) {
        self.nulls += texts.null_count();
        for text in texts {
            let place = text.map(|text| {
                let start = self.text.len() as u32;
                self.text.push_str(text);
                (start, self.text.len() as u32)
            });
            self.places.push(place);
            self.is_constant &= text == self.get(0);
        }
    }
}

/// A code per row.
#[derive(Clone, Debug)]
pub struct CodedTexts {
    codes: Arc<[TextCode]>,
    dictionary: Arc<TextDictionary>,
}

impl CodedTexts {
    /// All codes are of the dictionary.
    pub(crate) fn new(codes: Arc<[TextCode]>, dictionary: Arc<TextDictionary>) -> Self {
        debug_assert!(codes.iter().all(|code| (*code as usize) < dictionary.len()));
        Self { codes, dictionary }
    }

    /// A code per row; columns that change together share them.
    pub fn codes(&self) -> &[TextCode] {
        &self.codes
    }

    /// What the codes stand for.
    pub fn dictionary(&self) -> &TextDictionary {
        &self.dictionary
    }

    /// The texts themselves, copied.
    pub fn to_array(&self) -> StringViewArray {
        self.codes.iter().map(|code| self.dictionary.get(*code)).collect()
    }
}

/// A text column, however the batch holds it.
#[derive(Clone, Copy, Debug)]
pub enum Texts<'a> {
    /// A text per row.
    Array(&'a StringViewArray),
    /// A code per row.
    Coded(&'a CodedTexts),
}

impl<'a> Texts<'a> {
    /// The text of a row; `None` is NULL.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Array(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Coded(texts) => texts.dictionary.get(texts.codes[row]),
        }
    }

    /// Whether two rows say the same.
    pub fn is_same(self, left: usize, right: usize) -> bool {
        match self {
            Self::Coded(texts) if texts.codes[left] == texts.codes[right] => true,
            _ => self.get(left) == self.get(right),
        }
    }

    /// Every row in order.
    pub fn iter(self) -> impl Iterator<Item = Option<&'a str>> {
        let rows = match self {
            Self::Array(texts) => texts.len(),
            Self::Coded(texts) => texts.codes.len(),
        };
        (0..rows).map(move |row| self.get(row))
    }
}
