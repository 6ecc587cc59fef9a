//! Compressed bytes in, plain bytes out.
//!
//! Input: pieces of a blob, cut anywhere. Output: pieces of at most
//! [`PIECE_BYTES_MAX`] bytes. Never holds more than one piece, whatever a
//! small input expands to.

use std::fmt;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use super::DecodeError;
use crate::model::Compression;

/// Largest piece of decompressed output.
pub const PIECE_BYTES_MAX: usize = 1 << 20;

/// Window of RFC 1951, the largest there is.
const WINDOW_BITS: u8 = 15;

/// The first byte of a gzip stream, which no text in UTF-8 begins with.
const GZIP_MAGIC: u8 = 0x1f;

/// Push decompressor of one blob.
#[derive(Debug)]
pub struct Decompressor {
    gzip: Option<Gzip>,
    begun: bool,
}

struct Gzip {
    inflate: Decompress,
    /// Decompressed bytes not handed out yet.
    piece: Vec<u8>,
    position: Position,
    /// Compressed bytes consumed.
    byte_offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Nothing read yet.
    Start,
    InMember,
    /// A member ended with a good checksum; another one may follow.
    BetweenMembers,
}

impl fmt::Debug for Gzip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gzip")
            .field("position", &self.position)
            .field("byte_offset", &self.byte_offset)
            .finish_non_exhaustive()
    }
}

impl Decompressor {
    /// A decompressor at the start of a blob.
    pub fn new(compression: Compression) -> Self {
        let gzip = match compression {
            Compression::None => None,
            Compression::Gzip => Some(Gzip::new()),
        };
        Self { gzip, begun: false }
    }

    /// Takes the next bytes; calls `out` for every piece that is full.
    /// Uncompressed input is handed on as it is, without a copy; what begins as
    /// gzip does is decompressed whatever its name says.
    ///
    /// # Errors
    /// [`DecodeError::CorruptGzip`], [`DecodeError::TrailingGarbage`].
    pub fn push(&mut self, bytes: Bytes, out: &mut impl FnMut(Bytes)) -> Result<(), DecodeError> {
        if !self.begun && !bytes.is_empty() {
            self.begun = true;
            if bytes[0] == GZIP_MAGIC {
                self.gzip.get_or_insert_with(Gzip::new);
            }
        }
        match &mut self.gzip {
            None => {
                if !bytes.is_empty() {
                    out(bytes);
                }
                Ok(())
            }
            Some(gzip) => gzip.push(&bytes, out),
        }
    }

    /// Whether bytes go on as they are, by the first of them. `false` before that came.
    pub fn passes_through(&self) -> bool {
        self.begun && self.gzip.is_none()
    }

    /// Ends the blob: hands out the last piece.
    ///
    /// # Errors
    /// [`DecodeError::TruncatedGzip`] when the input stopped inside a member;
    /// a blob of no bytes at all is no gzip stream either.
    pub fn finish(&mut self, out: &mut impl FnMut(Bytes)) -> Result<(), DecodeError> {
        let Some(gzip) = &mut self.gzip else { return Ok(()) };
        gzip.hand_out(out);
        match gzip.position {
            Position::BetweenMembers => Ok(()),
            Position::Start => Err(DecodeError::EmptyFile),
            Position::InMember => Err(DecodeError::TruncatedGzip { byte_offset: gzip.byte_offset }),
        }
    }
}

impl Gzip {
    fn new() -> Self {
        Self {
            inflate: Decompress::new_gzip(WINDOW_BITS),
            piece: Vec::new(),
            position: Position::Start,
            byte_offset: 0,
        }
    }

    fn push(&mut self, mut input: &[u8], out: &mut impl FnMut(Bytes)) -> Result<(), DecodeError> {
        while !input.is_empty() {
            if self.position == Position::BetweenMembers {
                // Only the first byte is looked at here; the rest of the
                // magic may not have arrived and is checked by the inflater.
                if input[0] != GZIP_MAGIC {
                    return Err(DecodeError::TrailingGarbage { byte_offset: self.byte_offset });
                }
                self.inflate = Decompress::new_gzip(WINDOW_BITS);
            }
            self.position = Position::InMember;
            input = self.inflate_some(input, out)?;
        }
        Ok(())
    }

    /// Inflates until the input, the member or the piece ends; returns the
    /// rest of the input.
    fn inflate_some<'a>(
        &mut self,
        input: &'a [u8],
        out: &mut impl FnMut(Bytes),
    ) -> Result<&'a [u8], DecodeError> {
        if self.piece.capacity() == 0 {
            self.piece.reserve_exact(PIECE_BYTES_MAX);
        }
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress_vec(input, &mut self.piece, FlushDecompress::None)
            .map_err(|error| self.corrupt(before_in, &error.to_string()))?;
        let consumed = self.inflate.total_in() - before_in;
        self.byte_offset += consumed;
        if self.piece.len() == self.piece.capacity() {
            self.hand_out(out);
        } else if status != Status::StreamEnd
            && consumed == 0
            && self.inflate.total_out() == before_out
        {
            // Room on both sides and no progress: the stream cannot go on.
            return Err(self.corrupt(self.inflate.total_in(), "no progress"));
        }
        if status == Status::StreamEnd {
            self.position = Position::BetweenMembers;
        }
        Ok(&input[consumed as usize..])
    }

    fn corrupt(&self, before_in: u64, reason: &str) -> DecodeError {
        let consumed = self.inflate.total_in() - before_in;
        DecodeError::CorruptGzip {
            byte_offset: self.byte_offset + consumed,
            reason: reason.to_owned(),
        }
    }

    fn hand_out(&mut self, out: &mut impl FnMut(Bytes)) {
        if !self.piece.is_empty() {
            out(Bytes::from(std::mem::take(&mut self.piece)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decompress(input: &[u8], step: usize) -> Result<Vec<u8>, DecodeError> {
        let mut decompressor = Decompressor::new(Compression::Gzip);
        let mut text = Vec::new();
        let mut collect = |piece: Bytes| {
            assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES_MAX);
            text.extend_from_slice(&piece);
        };
        for part in input.chunks(step) {
            decompressor.push(Bytes::copy_from_slice(part), &mut collect)?;
        }
        decompressor.finish(&mut collect)?;
        Ok(text)
    }

    #[test]
    fn members_in_a_row_are_one_text_however_they_are_cut() {
        let long = b"0123456789abcdef".repeat(200_000);
        let mut input = gzip(b"first,");
        input.extend(gzip(b""));
        input.extend(gzip(&long));
        let expected = [b"first,".as_slice(), &long].concat();
        for step in [1, 7, 4096, usize::MAX] {
            assert!(decompress(&input, step).unwrap() == expected, "step {step}");
        }
    }

    #[test]
    fn a_cut_stream_is_an_error_at_every_length() {
        let input = gzip(b"a,b\n1,2\n");
        for length in 1..input.len() {
            assert_eq!(
                decompress(&input[..length], 5),
                Err(DecodeError::TruncatedGzip { byte_offset: length as u64 }),
                "{length}"
            );
        }
        assert_eq!(decompress(&[], 1), Err(DecodeError::EmptyFile));
    }

    #[test]
    fn damage_is_an_error_with_its_offset() {
        let good = gzip(b"a,b\n1,2\n");
        let mut bad_checksum = good.clone();
        let last = bad_checksum.len() - 8;
        bad_checksum[last] ^= 1;
        assert!(matches!(
            decompress(&bad_checksum, 3),
            Err(DecodeError::CorruptGzip { byte_offset, .. }) if byte_offset >= last as u64
        ));
        assert!(matches!(
            decompress(b"a,b\n1,2\n", 3),
            Err(DecodeError::CorruptGzip { byte_offset, .. }) if byte_offset < 8
        ));
    }

    #[test]
    fn data_after_the_stream_is_an_error() {
        let mut input = gzip(b"a,b\n");
        let end = input.len() as u64;
        input.extend(b"\0\0\0\0");
        for step in [1, 1000] {
            assert_eq!(
                decompress(&input, step),
                Err(DecodeError::TrailingGarbage { byte_offset: end })
            );
        }
    }

    #[test]
    fn uncompressed_input_passes_through() {
        let mut decompressor = Decompressor::new(Compression::None);
        let input = Bytes::from_static(b"a,b\n");
        let mut pieces = Vec::new();
        decompressor.push(input.clone(), &mut |piece| pieces.push(piece)).unwrap();
        decompressor.push(Bytes::new(), &mut |piece| pieces.push(piece)).unwrap();
        decompressor.finish(&mut |piece| pieces.push(piece)).unwrap();
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0], input);
        assert_eq!(pieces[0].as_ptr(), input.as_ptr());
    }
}
