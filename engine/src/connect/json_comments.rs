//! JSON as people write it, made plain.
//!
//! In: JSON with `//` and `/* */` comments and trailing commas. Out: the same
//! text with each byte of those turned into a space, so that every other byte
//! keeps its line and column and a parser's error points into the original.
//! Never looks at what the JSON means, and leaves strings alone: `https://…`
//! is no comment.

/// A `/*` without its `*/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnclosedComment {
    /// Byte offset of the `/*`.
    pub(super) offset: usize,
}

/// Blanks comments and trailing commas. Plain JSON comes back unchanged.
pub(super) fn to_plain_json(text: &str) -> Result<String, UnclosedComment> {
    let mut plain = text.as_bytes().to_vec();
    // The last byte that is neither blank nor comment, and where it stood if it
    // is a comma behind a value: one behind `[`, `{` or another comma is a fault
    // that stays for the parser to find.
    let mut previous = b'{';
    let mut trailing_comma = None;
    let mut at = 0;
    while let Some(&byte) = plain.get(at) {
        let end = match (byte, plain.get(at + 1)) {
            (b'/', Some(b'/')) => blank(&mut plain, at, line_end(text, at)),
            (b'/', Some(b'*')) => {
                let inner = at + 2;
                let length = text[inner..].find("*/").ok_or(UnclosedComment { offset: at })?;
                blank(&mut plain, at, inner + length + 2)
            }
            (b' ' | b'\t' | b'\r' | b'\n', _) => at + 1,
            _ => {
                if let (b'}' | b']', Some(comma)) = (byte, trailing_comma) {
                    plain[comma] = b' ';
                }
                let follows_value = !matches!(previous, b'[' | b'{' | b',' | b':');
                trailing_comma = (byte == b',' && follows_value).then_some(at);
                previous = byte;
                if byte == b'"' { string_end(&plain, at) } else { at + 1 }
            }
        };
        at = end;
    }
    Ok(String::from_utf8(plain).expect("whole characters became spaces"))
}

/// Blanks `start..end`, but for the line ends in it.
fn blank(plain: &mut [u8], start: usize, end: usize) -> usize {
    for byte in &mut plain[start..end] {
        if !matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    end
}

fn line_end(text: &str, start: usize) -> usize {
    text[start..].find(['\r', '\n']).map_or(text.len(), |length| start + length)
}

/// Behind the closing quote; the end of the text where there is none, which
/// the parser then reports.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn comments_and_trailing_commas_become_blanks() {
        for (text, plain) in [
            ("{} // end", "{}       "),
            ("// ü\n{}", "     \n{}"),
            ("{/* a\r\nb */\"a\":1}", "{    \r\n    \"a\":1}"),
            ("/**/{}", "    {}"),
            ("/*/ */{}", "      {}"),
            ("// a\r{}", "    \r{}"),
            ("[1, // a\n]", "[1      \n]"),
            ("[1,]", "[1 ]"),
            ("{\"a\":[{},],}", "{\"a\":[{} ] }"),
            ("{\"a\":\"b\" , /* c */ }", "{\"a\":\"b\"           }"),
        ] {
            assert_eq!(to_plain_json(text).unwrap(), plain, "{text:?}");
        }
    }

    #[test]
    fn strings_are_left_alone() {
        for text in [
            r#"{"url":"https://a/b"}"#,
            r#"{"a":"/* b */"}"#,
            r#"{"a\"//":"\\"}"#,
            r#"{"a":"\\\"//,]"}"#,
            r#"[",]",",}"]"#,
        ] {
            assert_eq!(to_plain_json(text).unwrap(), text);
        }
    }

    #[test]
    fn faults_stay_faults() {
        for text in ["[,]", "{,}", "[1,,]", "{\"a\":,}", "[1,", "/", "{} /", "[1 / 2]", "\"//"] {
            let plain = to_plain_json(text).unwrap();
            assert!(serde_json::from_str::<Value>(&plain).is_err(), "{text} became {plain}");
        }
        assert_eq!(to_plain_json("{} /* a"), Err(UnclosedComment { offset: 3 }));
        assert_eq!(to_plain_json("{} /*/"), Err(UnclosedComment { offset: 3 }));
    }

    /// Pieces that matter to the scan, and some that do not.
    fn text_of_pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "//", "/*", "*/", "/", "*", "\"", "\\", "\n", "\r\n", "{", "}", "[", "]", ",", ":",
            "a", "ü", " ", "1", "\u{feff}",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text_of_pieces().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text_of_pieces(), inner, 0..6)
                    .prop_map(|fields| json!(fields)),
            ]
        })
    }

    proptest! {
        #[test]
        fn plain_json_is_unchanged(json in any_json()) {
            for text in [json.to_string(), format!("{json:#}")] {
                prop_assert_eq!(to_plain_json(&text), Ok(text));
            }
        }

        #[test]
        fn every_byte_keeps_its_place(text in text_of_pieces()) {
            if let Ok(plain) = to_plain_json(&text) {
                prop_assert_eq!(plain.len(), text.len());
                for (was, is) in text.bytes().zip(plain.bytes()) {
                    prop_assert!(is == was || (is == b' ' && was != b'\n' && was != b'\r'));
                }
                prop_assert_eq!(to_plain_json(&plain), Ok(plain));
            }
        }
    }
}
