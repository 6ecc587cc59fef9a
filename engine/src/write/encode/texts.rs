//! Pages of a text column.

use arrow::array::{Array, StringViewArray};
use arrow::buffer::Buffer;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Bounds, ChunkBuilder, Finished, Zstd};
use super::coded::KnownCodes;
use super::hybrid;
use super::page::{Mode, PageBuffer, SAMPLE_VALUES, STEP_ROWS};
use super::pool::{Code, Entry, INLINE_BYTES_MAX, NONE, TextPool};
use crate::normalize::{CodedTexts, TextCode, TextDictionary};
use crate::same::is_same;

/// Eighths of the sample that may be distinct. A text that comes twice is looked up
/// and compressed in less time than it takes to compress it twice.
const DISTINCT_EIGHTHS_MAX: usize = 7;

/// Quarters of a page's values that must be distinct for it to be tried both ways. Below,
/// codes are smaller, and quicker.
const TRIED_QUARTERS_MIN: usize = 1;

/// Row groups that go by the outcome of a trial.
const ROW_GROUPS_PER_TRIAL: usize = 8;

/// Bytes of a dictionary, above which the rest of a row group is plain.
const DICTIONARY_BYTES_MAX: usize = 8 << 20;

/// Memory of a pool that outlives its row group.
const POOL_BYTES_KEPT_MAX: usize = 2 << 20;

/// Longest bound in statistics; what is longer is cut, the maximum rounded up.
const BOUND_BYTES_MAX: usize = 64;

pub(super) struct TextEncoder {
    chunk: ChunkBuilder,
    has_statistics: bool,
    mode: Mode,
    pool: TextPool,
    known: KnownCodes,
    /// Bytes of the dictionary's page.
    dictionary_bytes: usize,
    /// Row groups until pages are tried both ways again.
    next_trial: usize,
    /// What the last trial found to be smaller.
    prefers_plain: bool,
    /// Values of the row group, NULLs not counted.
    values: usize,
    page: PageBuffer,
    page_extremes: Extremes,
    chunk_extremes: Extremes,
    scratch: Vec<u8>,
}

impl TextEncoder {
    pub(super) fn new(descriptor: ColumnDescPtr, has_statistics: bool) -> Self {
        Self {
            chunk: ChunkBuilder::new(descriptor, has_statistics),
            has_statistics,
            mode: Mode::Undecided,
            pool: TextPool::new(),
            known: KnownCodes::default(),
            dictionary_bytes: 0,
            next_trial: 0,
            prefers_plain: false,
            values: 0,
            page: PageBuffer::new(),
            page_extremes: Extremes::default(),
            chunk_extremes: Extremes::default(),
            scratch: Vec::new(),
        }
    }

    /// Appends rows of a batch.
    pub(super) fn push(
        &mut self,
        column: &StringViewArray,
        from: usize,
        rows: usize,
        zstd: &mut Zstd,
    ) -> Result<()> {
        let end = from + rows;
        let mut at = from;
        while at < end {
            let step = self.page.step(end - at);
            self.push_step(column, at, step);
            at += step;
            self.choose_mode(zstd)?;
            if self.page.is_full() {
                self.close_page(zstd)?;
            }
        }
        Ok(())
    }

    /// As [`Self::push`], of codes.
    pub(super) fn push_coded(
        &mut self,
        texts: &CodedTexts,
        from: usize,
        rows: usize,
        zstd: &mut Zstd,
    ) -> Result<()> {
        self.known.of(texts.dictionary());
        let mut codes = &texts.codes()[from..from + rows];
        while !codes.is_empty() {
            let (step, rest) = codes.split_at(self.page.step(codes.len()));
            self.push_codes(step, texts.dictionary());
            codes = rest;
            self.choose_mode(zstd)?;
            if self.page.is_full() {
                self.close_page(zstd)?;
            }
        }
        Ok(())
    }

    /// At most [`STEP_ROWS`] codes.
    fn push_codes(&mut self, codes: &[TextCode], dictionary: &TextDictionary) {
        if dictionary.nulls() == dictionary.len() {
            self.page.levels.push_nulls(codes.len());
        } else if self.mode == Mode::Plain {
            let is_there = |code: &TextCode| self.push_plain(dictionary.get(*code));
            let (bits, present) = bits_of(codes, is_there);
            self.values += present;
            self.page.levels.push_bits(&bits, codes.len(), present);
        } else if dictionary.is_constant() {
            self.see_codes(&codes[..1], dictionary);
            let own = self.known.own(codes[0]);
            self.page.codes.resize(self.page.codes.len() + codes.len(), own);
            self.values += self.page.levels.push(None, 0, codes.len());
        } else {
            self.see_codes(codes, dictionary);
            let known = &self.known;
            if dictionary.nulls() == 0 {
                self.page.codes.extend(codes.iter().map(|code| known.own(*code)));
                self.values += self.page.levels.push(None, 0, codes.len());
            } else {
                let (bits, present) = bits_of(codes, |code| known.own(*code) != NONE);
                let own = codes.iter().map(|code| known.own(*code));
                self.page.codes.extend(own.filter(|own| *own != NONE));
                self.values += present;
                self.page.levels.push_bits(&bits, codes.len(), present);
            }
        }
    }

    /// Looks up those of the codes that the page has not seen.
    fn see_codes(&mut self, codes: &[TextCode], dictionary: &TextDictionary) {
        let page = self.pool.marks.page();
        for code in codes {
            if !self.known.is_on(page, *code) {
                self.look_up(*code, dictionary);
            }
        }
    }

    #[inline(never)]
    fn look_up(&mut self, code: TextCode, dictionary: &TextDictionary) {
        let entry = match (self.known.entry(code), dictionary.get(code)) {
            (Some(entry), _) => Some(entry),
            (None, text) => text.map(|text| self.pool.text(text.as_bytes())),
        };
        let own = entry.map_or(NONE, |entry| self.code_of(entry));
        self.known.note(code, self.pool.marks.page(), own, entry.unwrap_or(NONE));
    }

    fn push_plain(&mut self, text: Option<&str>) -> bool {
        let Some(text) = text.map(str::as_bytes) else { return false };
        append_plain(text, &mut self.page.plain);
        if self.has_statistics {
            self.page_extremes.see(text);
        }
        true
    }

    /// The row group's code of an entry.
    #[inline(always)]
    fn code_of(&mut self, entry: Entry) -> Code {
        let known = self.pool.marks.entries().len();
        let (code, is_new) = self.pool.marks.code(entry);
        if is_new {
            self.see_entry(entry, code as usize == known);
        }
        code
    }

    fn push_step(&mut self, column: &StringViewArray, from: usize, rows: usize) {
        let present = self.page.levels.push(column.nulls(), from, rows);
        self.values += present;
        if present == 0 {
            return;
        }
        let views = &column.views()[from..from + rows];
        let buffers = column.data_buffers();
        match column.nulls().filter(|_| present < rows) {
            None => self.push_views(views.iter().copied(), buffers),
            Some(nulls) => {
                let nulls = nulls.slice(from, rows);
                self.push_views(nulls.valid_indices().map(|row| views[row]), buffers);
            }
        }
    }

    fn push_views(&mut self, views: impl Iterator<Item = u128>, buffers: &[Buffer]) {
        if self.mode == Mode::Plain {
            for view in views {
                let inline = view.to_le_bytes();
                let text = text_of(view, &inline, buffers);
                append_plain(text, &mut self.page.plain);
                if self.has_statistics {
                    self.page_extremes.see(text);
                }
            }
            return;
        }
        let (mut last_view, mut last_text, mut last_code) = (0u128, &[][..], Code::MAX);
        for view in views {
            let entry = if view as u32 as usize <= INLINE_BYTES_MAX {
                if view == last_view && last_code != Code::MAX {
                    self.page.codes.push(last_code);
                    continue;
                }
                self.pool.short(view)
            } else {
                let text = long_text(view, buffers);
                if view as u64 == last_view as u64 && is_same(text, last_text) {
                    self.page.codes.push(last_code);
                    continue;
                }
                last_text = text;
                self.pool.long(view, text)
            };
            let code = self.code_of(entry);
            self.page.codes.push(code);
            (last_view, last_code) = (view, code);
        }
    }

    /// Notes a value that the page, or the row group too, has for the first time.
    fn see_entry(&mut self, entry: Entry, is_new_to_chunk: bool) {
        if is_new_to_chunk {
            self.dictionary_bytes += size_of::<u32>() + self.pool.length(entry);
        }
        if self.has_statistics {
            self.scratch.clear();
            self.pool.append(entry, &mut self.scratch);
            self.page_extremes.see(&self.scratch);
        }
    }

    fn choose_mode(&mut self, zstd: &mut Zstd) -> Result<()> {
        let distinct = self.pool.marks.entries().len();
        match self.mode {
            Mode::Undecided if self.values >= SAMPLE_VALUES => {
                let prefers_plain = self.prefers_plain && self.is_worth_a_trial();
                if distinct * 8 > self.values * DISTINCT_EIGHTHS_MAX || prefers_plain {
                    let plain = self.plain_page();
                    self.give_codes_up(plain);
                } else {
                    self.mode = Mode::Dictionary;
                }
            }
            Mode::Undecided | Mode::Dictionary if self.dictionary_bytes > DICTIONARY_BYTES_MAX => {
                self.close_page(zstd)?;
                self.mode = Mode::Plain;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether so many of the row group's values are distinct that plain pages, in which
    /// zstd finds repeats itself, may be smaller than codes and a dictionary.
    fn is_worth_a_trial(&self) -> bool {
        self.pool.marks.entries().len() * 4 >= self.values * TRIED_QUARTERS_MIN
    }

    /// Compresses a page that holds all values of its row group so far both ways, and
    /// goes on with the smaller. No count of distinct values tells which that is: where
    /// every other text comes once and the rest is near its like, codes cost more than
    /// they save; where all come again a day later, plain pages are twice as large.
    fn try_plain(&mut self, zstd: &mut Zstd) -> Result<()> {
        self.next_trial = ROW_GROUPS_PER_TRIAL;
        let plain = self.plain_page();
        let plain_bytes = zstd.compressed_length(&plain)?;
        let dictionary = self.dictionary();
        let mut codes = Vec::new();
        let width = hybrid::bit_width(self.pool.marks.entries().len() as u32 - 1);
        hybrid::encode(&self.page.codes, width, &mut codes);
        let coded_bytes = zstd.compressed_length(&dictionary)? + zstd.compressed_length(&codes)?;
        self.prefers_plain = plain_bytes < coded_bytes;
        if self.prefers_plain {
            self.give_codes_up(plain);
        }
        Ok(())
    }

    /// The page's texts, which it has by code, as a plain page holds them.
    fn plain_page(&self) -> Vec<u8> {
        let (mut plain, mut text) = (Vec::new(), Vec::new());
        for code in &self.page.codes {
            let entry = self.pool.marks.entries()[*code as usize];
            text.clear();
            self.pool.append(entry, &mut text);
            append_plain(&text, &mut plain);
        }
        plain
    }

    /// Writes the page, the first of its row group, and all that follow plainly.
    fn give_codes_up(&mut self, plain: Vec<u8>) {
        self.page.codes.clear();
        self.page.plain = plain;
        self.pool = TextPool::new();
        self.known.forget();
        self.dictionary_bytes = 0;
        self.mode = Mode::Plain;
    }

    /// The dictionary's page.
    fn dictionary(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.dictionary_bytes);
        for entry in self.pool.marks.entries() {
            page.extend_from_slice(&(self.pool.length(*entry) as u32).to_le_bytes());
            self.pool.append(*entry, &mut page);
        }
        page
    }

    fn close_page(&mut self, zstd: &mut Zstd) -> Result<()> {
        if self.page.is_empty() {
            return Ok(());
        }
        if self.mode == Mode::Undecided && self.page.has_values() {
            self.mode = Mode::Dictionary;
        }
        let is_whole = self.page.codes.len() == self.values && self.values >= SAMPLE_VALUES;
        if self.next_trial == 0 && is_whole && self.is_worth_a_trial() {
            self.try_plain(zstd)?;
        }
        let bounds = self
            .page_extremes
            .bounds()
            .map(|(minimum, maximum)| Bounds { minimum: minimum.to_vec(), maximum });
        self.chunk_extremes.merge(&self.page_extremes);
        self.page_extremes.clear();
        self.pool.marks.begin_page();
        let dictionary_length = self.pool.marks.entries().len();
        self.page.close(dictionary_length, bounds, &mut self.chunk, zstd)
    }

    /// Ends the row group.
    pub(super) fn finish(&mut self, zstd: &mut Zstd) -> Result<Finished> {
        self.close_page(zstd)?;
        let dictionary = self.dictionary();
        let dictionary = (&dictionary[..], self.pool.marks.entries().len());
        let statistics = self.chunk_extremes.statistics(self.chunk.nulls());
        let finished = self.chunk.finish(Some(dictionary), Some(statistics), zstd)?;
        if self.pool.end_row_group(POOL_BYTES_KEPT_MAX) {
            self.known.forget();
        }
        self.chunk_extremes.clear();
        self.mode = Mode::Undecided;
        self.next_trial = self.next_trial.saturating_sub(1);
        self.prefers_plain &= self.next_trial > 0;
        self.dictionary_bytes = 0;
        self.values = 0;
        Ok(finished)
    }
}

/// A bit per code, from the lowest, and how many are set.
fn bits_of(
    codes: &[TextCode],
    mut is_there: impl FnMut(&TextCode) -> bool,
) -> ([u8; STEP_ROWS.div_ceil(8)], usize) {
    let mut bits = [0u8; STEP_ROWS.div_ceil(8)];
    let mut present = 0;
    for (codes, bits) in codes.chunks(8).zip(&mut bits) {
        for (bit, code) in codes.iter().enumerate() {
            *bits |= u8::from(is_there(code)) << bit;
        }
        present += bits.count_ones() as usize;
    }
    (bits, present)
}

#[inline(always)]
fn text_of<'a>(view: u128, inline: &'a [u8; 16], buffers: &'a [Buffer]) -> &'a [u8] {
    match view as u32 as usize {
        length @ 0..=INLINE_BYTES_MAX => &inline[4..4 + length],
        _ => long_text(view, buffers),
    }
}

/// Arrow's view: length, first four bytes, number of the buffer, offset in it.
#[inline(always)]
fn long_text(view: u128, buffers: &[Buffer]) -> &[u8] {
    let start = (view >> 96) as usize;
    &buffers[(view >> 64) as u32 as usize][start..start + view as u32 as usize]
}

fn append_plain(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

/// Smallest and largest text, by their bytes.
#[derive(Default)]
struct Extremes {
    minimum: Vec<u8>,
    maximum: Vec<u8>,
    any: bool,
}

impl Extremes {
    fn see(&mut self, text: &[u8]) {
        if !self.any {
            self.any = true;
            self.minimum.extend_from_slice(text);
            self.maximum.extend_from_slice(text);
        } else if text < &self.minimum[..] {
            self.minimum.clear();
            self.minimum.extend_from_slice(text);
        } else if text > &self.maximum[..] {
            self.maximum.clear();
            self.maximum.extend_from_slice(text);
        }
    }

    fn merge(&mut self, other: &Self) {
        if other.any {
            self.see(&other.minimum);
            self.see(&other.maximum);
        }
    }

    fn clear(&mut self) {
        self.minimum.clear();
        self.maximum.clear();
        self.any = false;
    }

    /// Both as they may be told, if both may be.
    fn bounds(&self) -> Option<(&[u8], Vec<u8>)> {
        self.any.then(|| Some((lower_bound(&self.minimum), upper_bound(&self.maximum)?))).flatten()
    }

    fn statistics(&self, nulls: usize) -> Statistics {
        let bounds = self.bounds();
        let minimum = bounds.as_ref().map(|(minimum, _)| ByteArray::from(minimum.to_vec()));
        let maximum = bounds.map(|(_, maximum)| ByteArray::from(maximum));
        let is_exact = |text: &[u8]| text.len() <= BOUND_BYTES_MAX;
        let values = ValueStatistics::new(minimum, maximum, None, Some(nulls as u64), false)
            .with_min_is_exact(self.any && is_exact(&self.minimum))
            .with_max_is_exact(self.any && is_exact(&self.maximum));
        Statistics::ByteArray(values)
    }
}

/// A text not above `text`, of at most [`BOUND_BYTES_MAX`] bytes.
fn lower_bound(text: &[u8]) -> &[u8] {
    let mut end = text.len().min(BOUND_BYTES_MAX);
    // Not within a character.
    while end < text.len() && end > 0 && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

/// A text not below `text`, as short; `None` where there is none.
fn upper_bound(text: &[u8]) -> Option<Vec<u8>> {
    let mut bound = lower_bound(text).to_vec();
    if bound.len() == text.len() {
        return Some(bound);
    }
    loop {
        match bound.last_mut()? {
            // One up, and still a character.
            last @ ..0x7e => {
                *last += 1;
                return Some(bound);
            }
            _ => {
                bound.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_short_whole_and_on_the_right_side() {
        for text in [
            "short".to_owned(),
            "a".repeat(64),
            "a".repeat(65),
            "ä".repeat(40),
            format!("{}~~~~~~~~~~", "b".repeat(60)),
            format!("{}ééééé", "b".repeat(61)),
        ] {
            let (lower, upper) = (lower_bound(text.as_bytes()), upper_bound(text.as_bytes()));
            let upper = upper.unwrap_or_else(|| vec![0xff]);
            assert!(lower <= text.as_bytes() && *text.as_bytes() <= upper[..], "{text}");
            assert!(lower.len() <= BOUND_BYTES_MAX && upper.len() <= BOUND_BYTES_MAX);
            assert!(std::str::from_utf8(lower).is_ok(), "{text}");
            assert!(upper == [0xff] || std::str::from_utf8(&upper).is_ok(), "{text}");
        }
        assert_eq!(upper_bound("~".repeat(65).as_bytes()), None);
    }
}
