use proptest::prelude::*;

use super::*;

/// Fields and records as every kernel must find them.
fn index_of(kernel: Kernel, bytes: &[u8]) -> (Vec<u32>, Vec<RecordStart>, u64, bool, State) {
    let mut index = Index::new(0);
    let (at, state) = kernel.scan_blocks(bytes, 0, State::FieldStart, &mut index);
    assert!(bytes.len() - at < BLOCK_BYTES);
    let state = kernel.scan_rest(bytes, at, state, &mut index);
    assert_eq!(index.is_ascii(), bytes.is_ascii());
    let ends = index.ends[..index.fields].to_vec();
    (ends, index.records, index.line_feeds, index.is_ascii, state)
}

fn assert_kernels_agree(bytes: &[u8]) {
    let expected = index_of(Kernel::Plain, bytes);
    for kernel in Kernel::ALL {
        if kernel.is_available() {
            assert_eq!(index_of(kernel, bytes), expected, "{kernel:?} {bytes:?}");
        }
    }
}

#[test]
fn masks_have_a_bit_for_each_byte_that_matches() {
    for byte in 0..=255u8 {
        let mut block = [byte; BLOCK_BYTES];
        block[7] = b'"';
        block[8] = b',';
        block[63] = b'\n';
        let expected = BlockMasks {
            quotes: mask(&block, b'"'),
            commas: mask(&block, b','),
            line_feeds: mask(&block, b'\n'),
            is_ascii: byte < 0x80,
        };
        // SAFETY: needs no feature.
        assert_eq!(unsafe { portable::Portable::classify(&block) }, expected);
    }
}

/// From none to all bytes of a block, whatever a kernel writes at a time.
#[test]
fn any_number_of_separators_is_found() {
    for count in 0..=2 * BLOCK_BYTES {
        let bytes = [",".repeat(count), "x".repeat(2 * BLOCK_BYTES)].concat();
        assert_kernels_agree(bytes.as_bytes());
        assert_kernels_agree(&bytes.bytes().rev().collect::<Vec<_>>());
    }
}

fn mask(block: &[u8; BLOCK_BYTES], byte: u8) -> u64 {
    block
        .iter()
        .enumerate()
        .fold(0, |mask, (index, other)| mask | (u64::from(*other == byte) << index))
}

#[test]
fn every_pair_of_nasty_bytes_agrees_at_every_place_of_a_block() {
    // Long enough that quotes, line ends and stray text cross block borders.
    let alphabet = [b'"', b',', b'\n', b'\r', b'x'];
    for filler in ["x", "x,", "\"x\",", "x\n"] {
        for place in 56..72 {
            for first in alphabet {
                for second in alphabet {
                    let mut bytes = filler.repeat(160 / filler.len()).into_bytes();
                    bytes[place] = first;
                    bytes[place + 1] = second;
                    assert_kernels_agree(&bytes);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn kernels_agree_on_nasty_text(
        parts in proptest::collection::vec(
            prop_oneof![
                4 => Just("a"), 2 => Just("\""), 2 => Just(","), 1 => Just("\n"), 1 => Just("\r"),
                1 => Just("\r\n"), 1 => Just("\"\""), 1 => Just("é"), 1 => Just(",\""),
                1 => Just("\","), 1 => Just("0123456789012345678901234567890123456789"),
            ],
            0..120,
        )
    ) {
        assert_kernels_agree(parts.concat().as_bytes());
    }

    #[test]
    fn kernels_agree_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        assert_kernels_agree(&bytes);
    }
}
