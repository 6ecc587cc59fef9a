//! SQL as it is being typed: pieces, and whether a statement is complete.
//!
//! Input: text that may break off anywhere. Output: its pieces by place. It
//! knows strings, quoted names, comments and dollar quotes, and no grammar; the
//! engine parses. Pure.

use std::ops::Range;

/// What a piece of SQL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// Keyword, name or function.
    Word,
    /// `"name"`.
    QuotedName,
    /// `'text'`, `e'text'` or `$tag$text$tag$`.
    Text,
    /// Digits, with point and exponent.
    Number,
    /// `-- …` or `/* … */`.
    Comment,
    /// Blanks and line ends.
    Space,
    /// `;` outside of everything else.
    Semicolon,
    /// `.` outside of a number.
    Point,
    /// Any other sign.
    Sign,
}

/// A piece and its bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub kind: PieceKind,
    pub bytes: Range<usize>,
    /// Whether the end was seen: false for a string, quoted name or comment
    /// that the text breaks off in.
    pub closed: bool,
}

/// How far a text has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Blanks and comments only.
    Blank,
    /// A statement without its semicolon.
    Open,
    /// Statements up to this byte, the last semicolon included. What follows is
    /// open or blank.
    Complete(usize),
}

/// Whether a text holds complete statements.
pub fn progress(sql: &str) -> Progress {
    let mut last = None;
    let mut blank = true;
    for piece in pieces(sql) {
        match piece.kind {
            PieceKind::Semicolon => last = Some(piece.bytes.end),
            PieceKind::Space => {}
            PieceKind::Comment if piece.closed => {}
            _ => blank = false,
        }
    }
    match last {
        Some(end) => Progress::Complete(end),
        None if blank => Progress::Blank,
        None => Progress::Open,
    }
}

/// The pieces of a text, without gaps.
pub fn pieces(sql: &str) -> impl Iterator<Item = Piece> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &sql[at..];
        let (kind, length, closed) = first_piece(rest)?;
        let piece = Piece { kind, bytes: at..at + length, closed };
        at += length;
        Some(piece)
    })
}

fn first_piece(rest: &str) -> Option<(PieceKind, usize, bool)> {
    let first = rest.chars().next()?;
    let starts = |start: &str| rest.starts_with(start);
    let piece = match first {
        ';' => (PieceKind::Semicolon, 1, true),
        '\'' => quoted(PieceKind::Text, rest, 0, '\'', Escape::Doubled),
        '"' => quoted(PieceKind::QuotedName, rest, 0, '"', Escape::Doubled),
        'e' | 'E' if rest[1..].starts_with('\'') => {
            quoted(PieceKind::Text, rest, 1, '\'', Escape::Backslash)
        }
        '-' if starts("--") => {
            let line = rest.find('\n');
            // An open line comment is closed by the end of the text.
            (PieceKind::Comment, line.unwrap_or(rest.len()), true)
        }
        '/' if starts("/*") => block_comment(rest),
        '$' => dollar_quoted(rest).unwrap_or((PieceKind::Sign, 1, true)),
        '0'..='9' => (PieceKind::Number, number_length(rest), true),
        '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
            (PieceKind::Number, number_length(rest), true)
        }
        '.' => (PieceKind::Point, 1, true),
        _ if first.is_whitespace() => {
            (PieceKind::Space, length_while(rest, char::is_whitespace), true)
        }
        _ if is_word_start(first) => (PieceKind::Word, length_while(rest, is_word), true),
        _ => (PieceKind::Sign, first.len_utf8(), true),
    };
    Some(piece)
}

fn is_word_start(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

/// Whether a letter may stand within a name.
pub fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn length_while(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    Doubled,
    Backslash,
}

fn quoted(
    kind: PieceKind,
    rest: &str,
    prefix: usize,
    quote: char,
    escape: Escape,
) -> (PieceKind, usize, bool) {
    let mut letters = rest.char_indices().skip(prefix + 1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && escape == Escape::Backslash {
            letters.next();
        } else if letter == quote {
            let doubled = letters.peek().is_some_and(|(_, next)| *next == quote);
            if !doubled {
                return (kind, at + quote.len_utf8(), true);
            }
            letters.next();
        }
    }
    (kind, rest.len(), false)
}

/// Block comments nest, as in PostgreSQL.
fn block_comment(rest: &str) -> (PieceKind, usize, bool) {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (PieceKind::Comment, at, true);
            }
        } else {
            at += 1;
        }
    }
    (PieceKind::Comment, rest.len(), false)
}

fn dollar_quoted(rest: &str) -> Option<(PieceKind, usize, bool)> {
    let tag = length_while(&rest[1..], is_word);
    // `$1` is a parameter, not the start of a tag.
    if rest[1..].starts_with(|first: char| first.is_ascii_digit())
        || !rest[1 + tag..].starts_with('$')
    {
        return None;
    }
    let opening = &rest[..tag + 2];
    Some(match rest[opening.len()..].find(opening) {
        Some(end) => (PieceKind::Text, opening.len() + end + opening.len(), true),
        None => (PieceKind::Text, rest.len(), false),
    })
}

fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    let mut point = false;
    while digit(at) || (!point && bytes.get(at) == Some(&b'.')) {
        point |= bytes[at] == b'.';
        at += 1;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digit(at + 1 + sign) {
            at += 1 + sign;
            while digit(at) {
                at += 1;
            }
        }
    }
    at
}

/// Words that are neither tables nor columns, lower case, sorted.
pub const KEYWORDS: &[&str] = &[
    "all",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "count",
    "create",
    "cross",
    "cube",
    "current_date",
    "date",
    "decimal",
    "delete",
    "desc",
    "describe",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "extract",
    "false",
    "filter",
    "first",
    "following",
    "for",
    "from",
    "full",
    "group",
    "grouping",
    "having",
    "if",
    "ilike",
    "in",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "last",
    "lateral",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "nulls",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "preceding",
    "qualify",
    "range",
    "recursive",
    "replace",
    "right",
    "rollup",
    "row",
    "rows",
    "select",
    "set",
    "sets",
    "show",
    "similar",
    "table",
    "tables",
    "then",
    "timestamp",
    "to",
    "true",
    "unbounded",
    "union",
    "unnest",
    "update",
    "using",
    "values",
    "varchar",
    "view",
    "when",
    "where",
    "window",
    "with",
    "within",
];

/// Functions worth completing, lower case, sorted.
pub const FUNCTIONS: &[&str] = &[
    "abs",
    "array_agg",
    "avg",
    "ceil",
    "coalesce",
    "concat",
    "date_part",
    "date_trunc",
    "dense_rank",
    "first_value",
    "floor",
    "greatest",
    "lag",
    "last_value",
    "lead",
    "least",
    "length",
    "lower",
    "max",
    "median",
    "min",
    "ntile",
    "nullif",
    "rank",
    "regexp_like",
    "regexp_replace",
    "round",
    "row_number",
    "split_part",
    "starts_with",
    "string_agg",
    "strpos",
    "substr",
    "sum",
    "to_char",
    "trim",
    "upper",
];

/// Whether a word is one of [`KEYWORDS`], in any letter case.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_at_a_semicolon_that_is_nowhere_inside() {
        for (sql, expected) in [
            ("", Progress::Blank),
            ("  \n-- note", Progress::Blank),
            ("/* open", Progress::Open),
            ("select 1", Progress::Open),
            ("select 1;", Progress::Complete(9)),
            ("select ';'", Progress::Open),
            ("select 'it''s;';", Progress::Complete(16)),
            ("select \"a;b\"", Progress::Open),
            ("select 1 -- ;", Progress::Open),
            ("select /* ; /* ; */ ; */ 1", Progress::Open),
            ("select $$a;b$$", Progress::Open),
            ("select $x$a$$;$x$;", Progress::Complete(18)),
            ("select $1;", Progress::Complete(10)),
            ("select 'open;", Progress::Open),
            (r"select e'a\';'", Progress::Open),
            ("select 1; select", Progress::Complete(9)),
            ("select 1; select 2; -- x", Progress::Complete(19)),
        ] {
            assert_eq!(progress(sql), expected, "{sql}");
        }
    }

    #[test]
    fn pieces_leave_no_gap_whatever_the_text() {
        let texts = [
            "select a.b, 1.5e-3, .5, 1.e, x1 from \"T\"\"x\" where é = 'ü;' -- ß\n;",
            "$",
            "$a",
            "'",
            "e'\\",
            "/*/",
            "*/--",
            "日本語 $日$x$日$",
        ];
        for text in texts {
            for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
                let mut at = 0;
                for piece in pieces(&text[..end]) {
                    assert_eq!(piece.bytes.start, at);
                    assert!(piece.bytes.end > at);
                    at = piece.bytes.end;
                }
                assert_eq!(at, end, "{text}");
            }
        }
    }

    #[test]
    fn word_lists_are_sorted_for_the_search() {
        assert!(KEYWORDS.is_sorted());
        assert!(FUNCTIONS.is_sorted());
        assert!(is_keyword("SELECT") && !is_keyword("cost"));
    }
}
