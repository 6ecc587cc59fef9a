use proptest::prelude::*;

use super::*;

type Records = Vec<Vec<Vec<u8>>>;

/// Small chunks, so that every test crosses their borders.
fn options(chunk_bytes_target: usize) -> SplitOptions {
    SplitOptions { chunk_bytes_target, ..SplitOptions::default() }
}

fn chunks_of(
    input: &[u8],
    step: usize,
    options: SplitOptions,
) -> Result<Vec<RecordChunk>, DecodeError> {
    let mut splitter = Splitter::with_options(options);
    let mut chunks = Vec::new();
    for part in input.chunks(step.max(1)) {
        splitter.push(Bytes::copy_from_slice(part), &mut |chunk| chunks.push(chunk))?;
    }
    splitter.finish(&mut |chunk| chunks.push(chunk))?;
    Ok(chunks)
}

/// The same bytes, appended where there is room for them.
fn chunks_of_appended(
    input: &[u8],
    step: usize,
    options: SplitOptions,
) -> Result<Vec<RecordChunk>, DecodeError> {
    let mut splitter = Splitter::with_options(options);
    let mut chunks = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (room, bytes_max) = splitter.room();
        let (taken, left) = rest.split_at(step.clamp(1, bytes_max).min(rest.len()));
        room.extend_from_slice(taken);
        rest = left;
        splitter.take_appended(&mut |chunk| chunks.push(chunk))?;
    }
    assert_eq!(splitter.bytes_taken(), input.len() as u64);
    splitter.finish(&mut |chunk| chunks.push(chunk))?;
    Ok(chunks)
}

fn records_of(chunks: &[RecordChunk]) -> Records {
    let text = |record: RecordRef<'_>| record.fields().map(|f| f.text().into_owned()).collect();
    chunks.iter().flat_map(|chunk| chunk.records().map(text)).collect()
}

fn split(input: &[u8]) -> Records {
    records_of(&chunks_of(input, 3, options(8)).unwrap())
}

fn csv_records(input: &[u8]) -> Records {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    let records =
        reader.byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect());
    records.collect()
}

fn rows(rows: &[&[&str]]) -> Records {
    rows.iter().map(|row| row.iter().map(|field| field.as_bytes().to_vec()).collect()).collect()
}

#[test]
fn records_and_fields_are_found() {
    for (input, expected) in [
        ("", rows(&[])),
        ("\n\r\n\n", rows(&[])),
        ("a,b\n1,2\n", rows(&[&["a", "b"], &["1", "2"]])),
        ("a,b\r\n1,2\r\n", rows(&[&["a", "b"], &["1", "2"]])),
        ("a,b\n1,2", rows(&[&["a", "b"], &["1", "2"]])),
        ("a\n\n\r\nb\n", rows(&[&["a"], &["b"]])),
        ("a,\n,\n", rows(&[&["a", ""], &["", ""]])),
        ("a,\r\n", rows(&[&["a", ""]])),
        ("\"\"\n", rows(&[&[""]])),
        (" \n", rows(&[&[" "]])),
        ("a,b,c\n1\n1,2,3,4\n", rows(&[&["a", "b", "c"], &["1"], &["1", "2", "3", "4"]])),
        ("\"a,\"\"b\"\"\n\",c\r\n", rows(&[&["a,\"b\"\n", "c"]])),
        ("\u{feff}a,b\n", rows(&[&["a", "b"]])),
        ("\u{feff}\"a\",b\n", rows(&[&["a", "b"]])),
        ("\u{feff}", rows(&[])),
    ] {
        assert_eq!(split(input.as_bytes()), expected, "{input:?}");
    }
}

#[test]
fn stray_quotes_are_read_as_the_csv_crate_reads_them() {
    for input in [
        "a\"b,c\n",
        "a\"b\"\",c\nd\n",
        "\"a\"b,c\n",
        "\"a\"b\"c\",d\n",
        "\"a\" ,\"b\"\n",
        " \"a,b\"\n",
        "\"a\"\"\"b,\n",
        "x,\"a\"\r\n\"b\"\r\n",
    ] {
        // The same stretch at every distance from the border of a block.
        for shift in 0..70 {
            let input = format!("{}\n{input}z,\"z\"\n", "x".repeat(shift));
            assert_eq!(split(input.as_bytes()), csv_records(input.as_bytes()), "{input:?}");
        }
    }
}

#[test]
fn a_carriage_return_alone_is_data() {
    // The csv crate would end a record at each of them.
    assert_eq!(
        split(b"a\rb,\"c\rd\"\n\re\r\r\n\"f\"\rg\n"),
        rows(&[&["a\rb", "c\rd"], &["\re\r"], &["f\rg"]])
    );
    assert_eq!(split(b"a\r"), rows(&[&["a"]]), "a line end cut in half");
}

#[test]
fn places_of_records_count_bytes_and_lines_of_the_file() {
    let input = "\u{feff}h1,h2\r\n\r\n\"two\nlines\",x\r\n\nlast";
    for (step, target) in [(1, 1), (2, 5), (100, 1000)] {
        let chunks = chunks_of(input.as_bytes(), step, options(target)).unwrap();
        let places: Vec<(u64, u64, &[u8])> = chunks
            .iter()
            .flat_map(RecordChunk::records)
            .map(|record| (record.line(), record.byte_offset().unwrap(), record.raw()))
            .collect();
        assert_eq!(
            places,
            [(1, 3, b"h1,h2".as_slice()), (3, 12, b"\"two\nlines\",x"), (6, 28, b"last"),]
        );
        for (_, byte_offset, raw) in places {
            assert!(input.as_bytes()[byte_offset as usize..].starts_with(raw));
        }
    }
}

#[test]
fn fields_tell_their_raw_text() {
    let chunks = chunks_of(b"a,\"b\"\"c\"\r\n", 100, options(100)).unwrap();
    let record = chunks[0].record(0);
    assert!(!record.field(0).is_quoted() && record.field(1).is_quoted());
    assert_eq!(record.field(1).raw(), b"\"b\"\"c\"");
    assert_eq!(record.field(1).text().as_ref(), b"b\"c");
    assert_eq!(chunks[0].uniform_field_count(), Some(2));
    let ragged = chunks_of(b"a,b\nc\n", 100, options(100)).unwrap();
    assert_eq!(ragged[0].uniform_field_count(), None);
}

#[test]
fn columns_are_sliced_over_chosen_records() {
    let chunks = chunks_of(b"a,b\r\nx\r\nc,d\r\n", 100, options(100)).unwrap();
    let mut spans = Vec::new();
    let mut texts = |field| -> Vec<String> {
        chunks[0].column_spans(&[0, 2], 2, field..=field, &mut spans);
        let text = |span: &FieldSpan| &chunks[0].bytes()[span.start as usize..span.end as usize];
        spans.iter().map(|span| String::from_utf8(text(span).to_vec()).unwrap()).collect()
    };
    assert_eq!(texts(0), ["a", "c"]);
    assert_eq!(texts(1), ["b", "d"]);
}

#[test]
fn an_open_quote_at_the_end_is_an_error_with_its_place() {
    for (input, line, byte_offset) in
        [("a,\"b", 1, 2), ("a\nb,c,\"d\n\n,e\n", 2, 6), ("\"", 1, 0), ("a\n\"b\"\"", 2, 2)]
    {
        assert_eq!(
            chunks_of(input.as_bytes(), 2, options(4)).unwrap_err(),
            DecodeError::UnterminatedQuote { line, byte_offset },
            "{input:?}"
        );
    }
}

#[test]
fn a_record_above_the_bound_is_an_error_with_its_place() {
    let options = SplitOptions { record_bytes_max: 100, ..options(16) };
    let fits = format!("a\n{}\nb\n", "x".repeat(100));
    assert_eq!(records_of(&chunks_of(fits.as_bytes(), 7, options).unwrap()).len(), 3);
    let expected = DecodeError::RecordTooLarge { line: 2, byte_offset: 2, bytes_max: 100 };
    for (text, step) in
        [("x".repeat(101), 1000), (format!("\"{}", "x\n".repeat(90)), 7), ("x,".repeat(70), 5)]
    {
        let input = format!("a\n{text}\nb\n");
        assert_eq!(chunks_of(input.as_bytes(), step, options).unwrap_err(), expected);
    }
}

#[test]
fn blank_lines_without_end_do_not_pile_up() {
    let mut splitter = Splitter::with_options(options(64));
    for _ in 0..1000 {
        splitter.push(Bytes::from_static(&[b'\n'; 64]), &mut |_| panic!("no record")).unwrap();
    }
    assert!(format!("{splitter:?}").contains("byte_offset: 64000"), "{splitter:?}");
}

#[test]
fn chunks_share_their_bytes() {
    let chunks = chunks_of(b"a,b\nc,d\n", 100, options(1 << 20)).unwrap();
    let copy = chunks[0].clone();
    assert_eq!(copy.bytes().as_ptr(), chunks[0].bytes().as_ptr());
}

fn decode(input: &[u8]) -> Result<(Arc<Header>, Records), DecodeError> {
    let mut decoder = Decoder::with_options(Compression::None, options(8));
    let mut chunks = Vec::new();
    for part in input.chunks(5) {
        decoder.push(Bytes::copy_from_slice(part), &mut |_, chunk| chunks.push(chunk))?;
    }
    let header = decoder.finish(&mut |_, chunk| chunks.push(chunk))?;
    Ok((header.header, records_of(&chunks)))
}

/// The same through [`Decoder::room`], and what was decompressed of it.
fn decode_appended(input: &[u8]) -> Result<(Decoded, Records), DecodeError> {
    let mut decoder = Decoder::with_options(Compression::None, options(8));
    let mut chunks = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (room, bytes_max) = decoder.room();
        let (taken, left) = rest.split_at(5.min(bytes_max).min(rest.len()));
        room.extend_from_slice(taken);
        rest = left;
        decoder.take_appended(&mut |_, chunk| chunks.push(chunk))?;
    }
    let end = decoder.finish(&mut |_, chunk| chunks.push(chunk))?;
    Ok((end, records_of(&chunks)))
}

#[test]
fn appended_bytes_are_decoded_like_pushed_ones_compressed_or_not() {
    let text = "a,b\n".to_owned() + &"first,\"second\"\n".repeat(40);
    let (header, records) = decode(text.as_bytes()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    for input in [text.clone().into_bytes(), gzip.finish().unwrap()] {
        let (end, appended) = decode_appended(&input).unwrap();
        assert_eq!((end.header, end.bytes), (Arc::clone(&header), text.len() as u64));
        assert_eq!(appended, records);
    }
    for input in [b"".as_slice(), b"\xef\xbb\xbf", b"a,A\n"] {
        assert_eq!(decode_appended(input).unwrap_err(), decode(input).unwrap_err(), "{input:?}");
    }
}

#[test]
fn the_decoder_takes_the_header_off() {
    let (header, records) = decode(b"\xef\xbb\xbf\"invoiceId\",date\r\n1,2\r\n3,4\r\n").unwrap();
    assert_eq!(header.position("InvoiceId"), Some(0));
    assert_eq!(records, rows(&[&["1", "2"], &["3", "4"]]));
    let (header, records) = decode(b"a,b").unwrap();
    assert_eq!((header.len(), records.len()), (2, 0), "a header alone is legal");
}

#[test]
fn a_file_without_header_is_empty() {
    for input in [b"".as_slice(), b"\xef\xbb\xbf", b"\r\n\n"] {
        assert_eq!(decode(input).unwrap_err(), DecodeError::EmptyFile, "{input:?}");
    }
    assert_eq!(
        decode(b"a,A\n").unwrap_err(),
        DecodeError::DuplicateColumn { name: "A".to_owned() }
    );
    assert_eq!(
        decode(b"a,\xff\n1,2\n3,4\n").unwrap_err(),
        DecodeError::HeaderNotUtf8 { position: 2 }
    );
}

/// Text in which quotes, separators and line ends meet in every way.
fn nasty_text(with_lone_carriage_returns: bool) -> impl Strategy<Value = Vec<u8>> {
    let lone = if with_lone_carriage_returns { "\r" } else { "\r\n" };
    let part = prop_oneof![
        4 => Just("a"), 3 => Just("\""), 3 => Just(","), 2 => Just("\n"), 1 => Just("\r\n"),
        1 => Just(lone), 1 => Just("é"), 1 => Just(" "), 1 => Just("\"\""), 1 => Just(",\""),
        1 => Just("\","), 1 => Just("some longer text without any structure in it"),
    ];
    proptest::collection::vec(part, 0..100).prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_chunking_gives_the_same_records(
        input in prop_oneof![
            nasty_text(true), proptest::collection::vec(any::<u8>(), 0..300)
        ],
        step in 1..100usize,
        target in 1..200usize,
        kernel in proptest::sample::select(Kernel::ALL.to_vec()),
    ) {
        // One that this processor lacks is as good as the portable one.
        let options = |target| SplitOptions { kernel, ..options(target) };
        let places = |chunks: &[RecordChunk]| -> Vec<(u64, u64)> {
            let records = chunks.iter().flat_map(RecordChunk::records);
            records.map(|record| (record.line(), record.byte_offset().unwrap())).collect()
        };
        let whole = chunks_of(&input, usize::MAX, options(1 << 20));
        for cut in [
            chunks_of(&input, step, options(target)),
            chunks_of_appended(&input, step, options(target)),
        ] {
            match (&whole, cut) {
                (Ok(whole), Ok(cut)) => {
                    prop_assert_eq!(records_of(whole), records_of(&cut));
                    prop_assert_eq!(places(whole), places(&cut));
                }
                (whole, cut) => {
                    prop_assert_eq!(whole.as_ref().unwrap_err(), &cut.unwrap_err());
                }
            }
        }
    }

    /// Arrays are made of it unchecked.
    #[test]
    fn utf8_is_what_the_standard_library_takes_for_it(
        text in ".{0,40}",
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = text.into_bytes();
        for (place, byte) in damage {
            bytes.insert(place.index(bytes.len() + 1), byte);
        }
        for chunk in chunks_of(&bytes, 7, options(16)).unwrap_or_default() {
            prop_assert_eq!(chunk.is_utf8(), std::str::from_utf8(chunk.bytes()).is_ok());
        }
    }

    #[test]
    fn records_are_those_of_the_csv_crate(input in nasty_text(false), step in 1..100usize) {
        match chunks_of(&input, step, options(32)) {
            Ok(chunks) => prop_assert_eq!(records_of(&chunks), csv_records(&input)),
            // Deliberate: the csv crate closes the quote at the end of input.
            Err(DecodeError::UnterminatedQuote { byte_offset, .. }) => {
                prop_assert_eq!(input[byte_offset as usize], b'"');
                let closed = [input.as_slice(), b"\""].concat();
                let chunks = chunks_of(&closed, step, options(32)).unwrap();
                prop_assert_eq!(records_of(&chunks), csv_records(&input));
            }
            Err(other) => panic!("{other}"),
        }
    }
}
