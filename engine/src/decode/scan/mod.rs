//! Finds the structure of CSV bytes, once: where fields and records end.
//!
//! Input: a buffer, a position to go on from, and the [`State`] there.
//! Output: an [`Index`] of separators and records, and the state at the end.
//! Never copies a byte, never looks at what a field says.
//!
//! Four ways give the same index and are tested against one another: `avx512`, `avx2`
//! and `portable` work on masks of 64 bytes, [`plain`] byte by byte. The
//! mask ways rest on one fact: as long as every opening quote stands at the
//! start of a field (or right after a closing one, which makes the pair an
//! escaped quote) and every closing quote stands at the end of its field,
//! "inside quotes" is the parity of the quotes before. Each block is checked
//! for exactly that; a block that breaks it is handed to the plain machine,
//! whose state says everything the next block must know.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;
mod portable;

/// Bytes per mask.
pub(super) const BLOCK_BYTES: usize = 64;

/// Where a record begins: its first byte, and its first field in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordStart {
    pub(super) byte: u32,
    pub(super) field: u32,
}

/// Where fields and records end in one buffer.
#[derive(Debug)]
pub(super) struct Index {
    /// Position of the separator that ends each field; only the first
    /// `fields` slots are filled.
    ends: Vec<u32>,
    fields: usize,
    /// Every complete record, then the record that is still open.
    records: Vec<RecordStart>,
    /// Line feeds, inside quotes too.
    line_feeds: u64,
    /// Whether every byte is ASCII.
    is_ascii: bool,
}

impl Index {
    /// An index without a record; the first begins at `start`.
    pub(super) fn new(start: usize) -> Self {
        let open = RecordStart { byte: start as u32, field: 0 };
        let (ends, records) = (Vec::new(), vec![open]);
        Self { ends, fields: 0, records, line_feeds: 0, is_ascii: true }
    }

    /// The record whose end was not seen yet.
    pub(super) fn open_record(&self) -> RecordStart {
        *self.records.last().expect("the open record is always in the index")
    }

    /// Start of the field whose end was not seen yet.
    pub(super) fn open_field(&self) -> usize {
        let open = self.open_record();
        if self.fields > open.field as usize {
            self.ends[self.fields - 1] as usize + 1
        } else {
            open.byte as usize
        }
    }

    /// Number of complete records.
    pub(super) fn complete_records(&self) -> usize {
        self.records.len() - 1
    }

    /// Complete records from the `first`-th on, as byte start and length
    /// (line end included).
    pub(super) fn records_from(&self, first: usize) -> impl Iterator<Item = (usize, usize)> {
        self.records[first..].windows(2).map(|pair| {
            let start = pair[0].byte as usize;
            (start, self.ends[pair[1].field as usize - 1] as usize - start)
        })
    }

    /// Line feeds of what was scanned.
    pub(super) fn line_feeds(&self) -> u64 {
        self.line_feeds
    }

    /// Whether all that was scanned is ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// Takes the complete records out; what was found of the open record, whose
    /// scanned bytes are `open_bytes`, stays, counted from a buffer that begins where
    /// that record begins. Returns field ends and records (the last entry is the end).
    pub(super) fn take_complete(&mut self, open_bytes: &[u8]) -> (Vec<u32>, Vec<RecordStart>) {
        let open = self.open_record();
        let first_open_field = open.field as usize;
        let tail = self.ends[first_open_field..self.fields].iter().map(|end| end - open.byte);
        let mut next = Self::new(0);
        // The next chunk needs about as many slots as this one.
        next.ends.reserve(self.ends.len());
        next.ends.extend(tail);
        next.fields = next.ends.len();
        open_bytes.iter().for_each(|byte| next.see(*byte));
        next.records.reserve(self.records.len());
        let mut complete = std::mem::replace(self, next);
        complete.ends.truncate(first_open_field);
        (complete.ends, complete.records)
    }

    /// Notes what a byte is, whatever it means.
    #[inline(always)]
    fn see(&mut self, byte: u8) {
        self.line_feeds += u64::from(byte == b'\n');
        self.is_ascii &= byte.is_ascii();
    }

    /// A field ends at `position`.
    fn push_field(&mut self, position: usize) {
        match self.ends.get_mut(self.fields) {
            Some(slot) => *slot = position as u32,
            None => self.ends.push(position as u32),
        }
        self.fields += 1;
    }

    /// A line feed outside quotes at `position`: a record ends, unless the
    /// line is blank.
    fn push_line_end(&mut self, bytes: &[u8], position: usize) {
        if self.skip_blank_line(bytes, position) {
            return;
        }
        self.push_field(position);
        self.records.push(RecordStart { byte: position as u32 + 1, field: self.fields as u32 });
    }

    /// The input ends: closes the open record, if it has a byte.
    pub(super) fn push_input_end(&mut self, bytes: &[u8]) {
        if self.open_record().byte as usize == bytes.len() {
            return;
        }
        if !self.skip_blank_line(bytes, bytes.len()) {
            self.push_field(bytes.len());
            let end = RecordStart { byte: bytes.len() as u32, field: self.fields as u32 };
            self.records.push(end);
        }
    }

    /// Whether the line that ends at `position` is blank; moves the open
    /// record behind it.
    fn skip_blank_line(&mut self, bytes: &[u8], position: usize) -> bool {
        let open = self.records.last_mut().expect("the open record is always in the index");
        let line = &bytes[open.byte as usize..position];
        let blank = matches!(line, [] | [b'\r']);
        if blank {
            open.byte = (position + 1).min(bytes.len()) as u32;
        }
        blank
    }

    /// Adds the separators and line ends of a block of regular quoting.
    ///
    /// # Safety
    /// As [`Masks::write_positions`].
    #[inline(always)]
    unsafe fn push_block<M: Masks>(
        &mut self,
        bytes: &[u8],
        at: usize,
        mut separators: u64,
        mut line_ends: u64,
    ) {
        while line_ends != 0 {
            let bit = line_ends & line_ends.wrapping_neg();
            let position = at + line_ends.trailing_zeros() as usize;
            if self.skip_blank_line(bytes, position) {
                separators &= !bit;
            } else {
                let fields_before = (separators & (bit - 1)).count_ones() as usize;
                let field = (self.fields + fields_before + 1) as u32;
                self.records.push(RecordStart { byte: position as u32 + 1, field });
            }
            line_ends &= line_ends - 1;
        }
        if self.ends.len() < self.fields + BLOCK_BYTES {
            self.grow();
        }
        // Slots behind the last separator hold rubbish that the next block overwrites.
        let slots: &mut [u32; BLOCK_BYTES] = self.ends[self.fields..]
            .first_chunk_mut()
            .expect("grown to a block's worth of slots above");
        // SAFETY: the caller vouches for the features.
        unsafe { M::write_positions(slots, at as u32, separators) };
        self.fields += separators.count_ones() as usize;
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.fields + BLOCK_BYTES).max(self.ends.capacity()).max(2 * self.ends.len());
        self.ends.resize(slots, 0);
    }
}

/// What must be known about the bytes before a position to go on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Right behind a separator or at the start.
    FieldStart,
    /// In a field without quotes, or behind the closing quote of one with
    /// text after it: quotes mean nothing.
    Unquoted,
    /// Inside quotes.
    Quoted,
    /// Right behind a quote that was read inside quotes: it closes the field,
    /// or is the first half of an escaped quote.
    QuoteSeen,
}

/// Which implementation scans. All give the same index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// AVX-512 with VBMI2; x86-64 processors since Ice Lake and Zen 4 mostly have both.
    Avx512,
    /// AVX2 and carry-less multiplication; x86-64 processors that have both.
    Avx2,
    /// 64-byte masks in plain integers; every processor.
    Portable,
    /// Byte by byte: the reference the others are tested against.
    Plain,
}

impl Kernel {
    /// All of them, the fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Portable, Self::Plain];

    /// The fastest one this processor has.
    pub fn best() -> Self {
        let best = Self::ALL.into_iter().find(|kernel| kernel.is_available());
        best.expect("every processor has the portable one")
    }

    /// Whether this processor can run it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable | Self::Plain => true,
        }
    }

    /// Scans the whole blocks of `bytes[from..]`; returns where it stopped
    /// and the state there.
    pub(super) fn scan_blocks(
        self,
        bytes: &[u8],
        from: usize,
        state: State,
        index: &mut Index,
    ) -> (usize, State) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if avx512::is_available() => {
                // SAFETY: the processor has the features, just asked.
                unsafe { avx512::scan_blocks(bytes, from, state, index) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if avx2::is_available() => {
                // SAFETY: the processor has the features, just asked.
                unsafe { avx2::scan_blocks(bytes, from, state, index) }
            }
            Self::Avx512 | Self::Avx2 | Self::Portable => {
                // SAFETY: needs no feature.
                unsafe { scan_masks::<portable::Portable>(bytes, from, state, index) }
            }
            Self::Plain => {
                let blocks = (bytes.len() - from) / BLOCK_BYTES;
                let to = from + blocks * BLOCK_BYTES;
                (to, plain::scan(bytes, from, to, state, index))
            }
        }
    }

    /// Scans what is left behind the last whole block.
    pub(super) fn scan_rest(
        self,
        bytes: &[u8],
        from: usize,
        state: State,
        index: &mut Index,
    ) -> State {
        plain::scan(bytes, from, bytes.len(), state, index)
    }
}

/// One bit per byte of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BlockMasks {
    quotes: u64,
    commas: u64,
    line_feeds: u64,
    is_ascii: bool,
}

/// How a processor finds the masks.
trait Masks {
    /// # Safety
    /// The processor has the features the implementation is written for.
    unsafe fn classify(block: &[u8; BLOCK_BYTES]) -> BlockMasks;

    /// Bit `i` of the result is the parity of bits `0..=i`.
    ///
    /// # Safety
    /// As [`Self::classify`].
    unsafe fn prefix_xor(bits: u64) -> u64;

    /// Writes `at` + the number of each set bit, ascending, into the first slots, one for
    /// each of them; what the others hold then is not said. Here four at a time, without
    /// asking how many there are.
    ///
    /// # Safety
    /// As [`Self::classify`].
    #[inline(always)]
    unsafe fn write_positions(slots: &mut [u32; BLOCK_BYTES], at: u32, mut bits: u64) {
        const GROUP: usize = 4;
        let count = bits.count_ones() as usize;
        let mut written = 0;
        while written < count {
            for slot in &mut slots[written..written + GROUP] {
                *slot = at + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            written += GROUP;
        }
    }
}

/// State at the border of two blocks, as masks.
#[derive(Clone, Copy)]
struct Carry {
    /// All ones inside quotes, else zero.
    inside: u64,
    /// 1 behind a closing quote.
    close: u64,
    /// 1 at the start of a field.
    separator: u64,
}

impl From<State> for Carry {
    #[inline(always)]
    fn from(state: State) -> Self {
        Self {
            inside: if state == State::Quoted { !0 } else { 0 },
            close: u64::from(state == State::QuoteSeen),
            separator: u64::from(state == State::FieldStart),
        }
    }
}

impl From<Carry> for State {
    #[inline(always)]
    fn from(carry: Carry) -> Self {
        if carry.inside != 0 {
            Self::Quoted
        } else if carry.close != 0 {
            Self::QuoteSeen
        } else if carry.separator != 0 {
            Self::FieldStart
        } else {
            Self::Unquoted
        }
    }
}

/// The scan over masks. Whoever changes it: `inside` has a bit for an opening
/// quote and none for a closing one, because the parity counts the quote
/// itself. A quote at the start of a block opens or escapes according to the
/// carry, so nothing here may look back into the previous block's bytes.
///
/// # Safety
/// The processor has the features of `M`.
#[inline(always)]
unsafe fn scan_masks<M: Masks>(
    bytes: &[u8],
    from: usize,
    state: State,
    index: &mut Index,
) -> (usize, State) {
    let mut at = from;
    let mut carry = Carry::from(state);
    while let Some(block) = bytes[at..].first_chunk::<BLOCK_BYTES>() {
        // SAFETY: the caller vouches for the features.
        let (masks, parity) = unsafe {
            let masks = M::classify(block);
            (masks, M::prefix_xor(masks.quotes))
        };
        let inside = parity ^ carry.inside;
        let open = masks.quotes & inside;
        let close = masks.quotes & !inside;
        let separators = (masks.commas | masks.line_feeds) & !inside;
        let after_close = (close << 1) | carry.close;
        let after_separator = (separators << 1) | carry.separator;
        let stray_open = open & !(after_separator | after_close);
        let text_after_close = after_close & !(masks.quotes | masks.commas | masks.line_feeds);
        let regular = stray_open | text_after_close == 0
            || (stray_open == 0 && are_line_ends(bytes, at, text_after_close));
        if regular {
            // SAFETY: as above.
            unsafe { index.push_block::<M>(bytes, at, separators, masks.line_feeds & !inside) };
            index.line_feeds += u64::from(masks.line_feeds.count_ones());
            index.is_ascii &= masks.is_ascii;
            carry = Carry {
                inside: ((inside as i64) >> 63) as u64,
                close: close >> 63,
                separator: separators >> 63,
            };
        } else {
            carry = plain::scan(bytes, at, at + BLOCK_BYTES, carry.into(), index).into();
        }
        at += BLOCK_BYTES;
    }
    (at, carry.into())
}

/// Whether all of these positions hold a carriage return before a line feed.
/// One whose next byte has not arrived is not known to be.
fn are_line_ends(bytes: &[u8], at: usize, mut positions: u64) -> bool {
    while positions != 0 {
        let position = at + positions.trailing_zeros() as usize;
        if bytes.get(position..position + 2) != Some(b"\r\n") {
            return false;
        }
        positions &= positions - 1;
    }
    true
}

#[cfg(test)]
mod tests;
