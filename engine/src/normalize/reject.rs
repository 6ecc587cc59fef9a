//! Rows that could not be read, kept with all it takes to find them again.

use crate::decode::RecordRef;

/// Longest raw text kept of a rejected row: a whole row of an export, unless
/// its tags are extraordinary.
pub const RAW_TEXT_BYTES_MAX: usize = 8 << 10;

/// A row that is in no batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Line of the file the row begins on, from 1; of a Parquet file the number
    /// of the row, counted as if a header were line 1.
    pub line: u64,
    /// Offset of the row in the uncompressed file, from 0; a row of a Parquet
    /// file lies in as many places as it has columns, so it has none.
    pub byte_offset: Option<u64>,
    /// The column that could not be read, as the file spells it; `None` when
    /// the row as a whole is wrong.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// The row as it stands in the file, of a Parquet file as CSV of the columns
    /// that are kept; bytes that are not UTF-8 replaced, and when cut off, saying
    /// so at the end.
    pub raw_text: String,
}

impl RejectedRow {
    pub(super) fn new(
        record: RecordRef<'_>,
        line: u64,
        column: Option<String>,
        reason: String,
        raw_text_bytes_max: usize,
    ) -> Self {
        let raw_text = shown(record.raw(), raw_text_bytes_max);
        Self { line, byte_offset: record.byte_offset(), column, reason, raw_text }
    }
}

/// Text of at most `bytes_max` bytes of `raw`; says how much was cut.
pub(super) fn shown(raw: &[u8], bytes_max: usize) -> String {
    if raw.len() <= bytes_max {
        return String::from_utf8_lossy(raw).into_owned();
    }
    // Not through the middle of a character: back to its first byte.
    let is_continuation = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let back = raw[..=bytes_max].iter().rev().take(4).take_while(|byte| is_continuation(byte));
    let end = bytes_max - back.count().min(bytes_max);
    let text = String::from_utf8_lossy(&raw[..end]);
    format!("{text}… [cut: {end} of {} bytes]", raw.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_says_that_it_was_cut() {
        assert_eq!(shown(b"abc", 3), "abc");
        assert_eq!(shown(b"abcd", 3), "abc… [cut: 3 of 4 bytes]");
        assert_eq!(shown("ééé".as_bytes(), 3), "é… [cut: 2 of 6 bytes]");
        assert_eq!(shown(b"a\xff", 9), "a\u{fffd}");
    }
}
