//! Splits a text into SQL statements and puts column names in their own case.
//!
//! Input: SQL text. Output: statement texts with their offsets, or the text
//! with unquoted names of mixed-case columns quoted. Works on tokens, so
//! strings, comments and quoted names are left alone. Never parses.

use std::collections::{HashMap, HashSet};

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::error::{QueryError, SourcePosition};

/// One statement of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementText<'a> {
    /// The statement without its semicolon and surrounding blanks.
    pub text: &'a str,
    /// Byte of the whole text it starts at.
    pub offset: usize,
}

/// Splits at semicolons. Empty statements, and what is only a comment, are
/// left out. [`QueryError::Syntax`] for an unterminated string or comment.
pub fn split_statements(sql: &str) -> Result<Vec<StatementText<'_>>, QueryError> {
    let lines = LineStarts::of(sql);
    let mut statements = Vec::new();
    let mut start = 0;
    let mut has_content = false;
    let mut push = |start: usize, end: usize, has_content: bool| {
        if has_content {
            let piece = &sql[start..end];
            let offset = start + (piece.len() - piece.trim_start().len());
            statements.push(StatementText { text: piece.trim(), offset });
        }
    };
    for token in tokens(sql)? {
        match token.token {
            Token::SemiColon => {
                push(start, lines.byte(token.span.start), has_content);
                start = lines.byte(token.span.end);
                has_content = false;
            }
            Token::Whitespace(_) | Token::EOF => {}
            _ => has_content = true,
        }
    }
    push(start, sql.len(), has_content);
    Ok(statements)
}

fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, QueryError> {
    let dialect = GenericDialect {};
    // Without unescaping, a token's text is its source text.
    Ok(Tokenizer::new(&dialect, sql).with_unescape(false).tokenize_with_location()?)
}

/// Names of the placeholders of a text, `$name`, without their `$`.
pub(crate) fn placeholders(sql: &str) -> Result<Vec<String>, QueryError> {
    let names = tokens(sql)?.into_iter().filter_map(|token| match token.token {
        Token::Placeholder(name) => Some(name.trim_start_matches('$').to_owned()),
        _ => None,
    });
    Ok(names.collect())
}

/// Where each line starts, to turn the tokenizer's places into bytes.
struct LineStarts<'a> {
    sql: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineStarts<'a> {
    fn of(sql: &'a str) -> Self {
        let ends = sql.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(index, _)| index + 1)).collect();
        Self { sql, starts }
    }

    /// The byte of a place; columns count characters.
    fn byte(&self, place: Location) -> usize {
        let line = usize::try_from(place.line).unwrap_or(1).max(1) - 1;
        let column = usize::try_from(place.column).unwrap_or(1).max(1) - 1;
        let start = self.starts.get(line).copied().unwrap_or(self.sql.len());
        let rest = &self.sql[start..];
        start + rest.char_indices().nth(column).map_or(rest.len(), |(index, _)| index)
    }
}

/// Columns of tables that have names with capitals, by table.
#[derive(Clone, Debug, Default)]
pub(crate) struct MixedCaseNames {
    tables: HashMap<String, TableNames>,
}

#[derive(Clone, Debug, Default)]
struct TableNames {
    /// Names with capitals, by their lower-case form.
    mixed: HashMap<String, String>,
    /// Names without.
    lower: HashSet<String>,
}

/// A text with quotes put in, and where.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    /// Places in the source text of the names that got quotes.
    quoted: Vec<Location>,
}

impl Rewritten {
    /// A place of the new text in the source text.
    pub(crate) fn source_position(&self, position: SourcePosition) -> SourcePosition {
        let mut column = position.column;
        for place in self.quoted.iter().filter(|place| place.line == position.line).rev() {
            // Two quotes stand around each name; a name itself starts behind one.
            let before =
                self.quoted.iter().filter(|p| p.line == place.line && p.column < place.column);
            let shifted = place.column + 2 * before.count() as u64;
            if shifted < column {
                column -= 2;
            }
        }
        SourcePosition { line: position.line, column }
    }
}

impl MixedCaseNames {
    pub(crate) fn add(&mut self, table: &str, column: &str) {
        let names = self.tables.entry(table.to_lowercase()).or_default();
        let lower = column.to_lowercase();
        if lower == column {
            names.lower.insert(lower);
        } else {
            names.mixed.insert(lower, column.to_owned());
        }
    }

    /// Quotes unquoted names of mixed-case columns of the tables the text
    /// names. A name that is also a lower-case column of one of them stays.
    pub(crate) fn quote(&self, sql: &str) -> Result<Rewritten, QueryError> {
        let tokens = tokens(sql)?;
        let names = self.names_in(&tokens);
        let mut rewritten =
            Rewritten { text: String::with_capacity(sql.len()), quoted: Vec::new() };
        if names.is_empty() {
            rewritten.text.push_str(sql);
            return Ok(rewritten);
        }
        let lines = LineStarts::of(sql);
        let mut copied = 0;
        for (index, token) in tokens.iter().enumerate() {
            let Some(name) = unquoted(&token.token).and_then(|word| names.get(word.as_str()))
            else {
                continue;
            };
            // A name before a parenthesis is a function.
            if matches!(tokens.get(index + 1).map(|next| &next.token), Some(Token::LParen)) {
                continue;
            }
            let (start, end) = (lines.byte(token.span.start), lines.byte(token.span.end));
            rewritten.text.push_str(&sql[copied..start]);
            rewritten.text.push('"');
            rewritten.text.push_str(name);
            rewritten.text.push('"');
            rewritten.quoted.push(token.span.start);
            copied = end;
        }
        rewritten.text.push_str(&sql[copied..]);
        Ok(rewritten)
    }

    fn names_in(&self, tokens: &[TokenWithSpan]) -> HashMap<&str, &str> {
        let tables: Vec<&TableNames> = tokens
            .iter()
            .filter_map(|token| match &token.token {
                Token::Word(word) => self.tables.get(&word.value.to_lowercase()),
                _ => None,
            })
            .collect();
        tables
            .iter()
            .flat_map(|table| &table.mixed)
            .filter(|(lower, _)| !tables.iter().any(|table| table.lower.contains(*lower)))
            .map(|(lower, name)| (lower.as_str(), name.as_str()))
            .collect()
    }
}

fn unquoted(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(sql: &str) -> Vec<(&str, usize)> {
        let statements = split_statements(sql).unwrap();
        statements.iter().map(|statement| (statement.text, statement.offset)).collect()
    }

    #[test]
    fn semicolons_in_strings_and_comments_do_not_split() {
        assert_eq!(
            split("select ';' as \"a;b\" -- ; no\n; /* ; */ select 'ü;''' ;; -- end"),
            [("select ';' as \"a;b\" -- ; no", 0), ("/* ; */ select 'ü;'''", 30)]
        );
        assert_eq!(split(" \n-- nothing\n;"), []);
        assert_eq!(split("é;select 1"), [("é", 0), ("select 1", 3)]);
    }

    #[test]
    fn an_unterminated_string_has_a_place() {
        let error = split_statements("select\n  'abc").unwrap_err();
        assert_eq!(error.position(), Some(SourcePosition { line: 2, column: 3 }));
    }

    fn names() -> MixedCaseNames {
        let mut names = MixedCaseNames::default();
        for column in ["BilledCost", "Tags", "x_CustomerName"] {
            names.add("focus_1_2", column);
        }
        names.add("actual_cost", "tags");
        names
    }

    #[test]
    fn mixed_case_names_are_quoted_where_their_table_is_named() {
        let quoted = |sql: &str| names().quote(sql).unwrap().text;
        assert_eq!(
            quoted("select sum(billedcost) as b, f.TAGS from focus_1_2 f -- billedcost"),
            "select sum(\"BilledCost\") as b, f.\"Tags\" from focus_1_2 f -- billedcost"
        );
        assert_eq!(quoted("select billedcost from other"), "select billedcost from other");
        assert_eq!(quoted("select tags from actual_cost"), "select tags from actual_cost");
        assert_eq!(
            quoted("select tags, 'billedcost', \"billedcost\", tags(1) from focus_1_2"),
            "select \"Tags\", 'billedcost', \"billedcost\", tags(1) from focus_1_2"
        );
        // In both tables: the lower-case one is meant, as SQL reads it.
        assert_eq!(
            quoted("select tags, BILLEDCOST from focus_1_2, actual_cost"),
            "select tags, \"BilledCost\" from focus_1_2, actual_cost"
        );
    }

    #[test]
    fn places_are_those_of_the_text_typed() {
        let rewritten = names().quote("select billedcost, tags, nope from focus_1_2").unwrap();
        let column = rewritten.text.find("nope").unwrap() as u64 + 1;
        let position = rewritten.source_position(SourcePosition { line: 1, column });
        assert_eq!(position, SourcePosition { line: 1, column: 26 });
        let first = rewritten.source_position(SourcePosition { line: 1, column: 8 });
        assert_eq!(first.column, 8);
    }
}
