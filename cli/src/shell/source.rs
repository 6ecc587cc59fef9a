//! Where a statement comes from, for messages.
//!
//! Input: the origin of the text and a position in the statement. Output: a
//! place as the user would name it, and the offending line.

use std::fmt;

/// Where text was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// At the prompt: lines count from the start of the statement.
    Prompt,
    /// `-c`.
    Argument,
    /// A pipe.
    Stdin,
    /// A file.
    File(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt => formatter.write_str("statement"),
            Self::Argument => formatter.write_str("-c"),
            Self::Stdin => formatter.write_str("stdin"),
            Self::File(path) => formatter.write_str(path),
        }
    }
}

/// A statement's text and where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementPlace {
    /// Where the text was read.
    pub origin: Origin,
    /// Line the statement starts in, from 1.
    pub line: u64,
    /// Column (in characters) it starts in, from 1.
    pub column: u64,
    /// The statement.
    pub text: String,
}

impl StatementPlace {
    /// Line and column of the origin for a position in the statement, all
    /// counted from 1.
    fn in_origin(&self, line: u64, column: u64) -> (u64, u64) {
        let first_line = line <= 1;
        let column = if first_line { self.column + column - 1 } else { column };
        (self.line + line.max(1) - 1, column)
    }

    /// A position in the statement as the user would find it.
    pub fn at(&self, line: u64, column: u64) -> String {
        let (line, column) = self.in_origin(line, column);
        match &self.origin {
            Origin::File(path) => format!("{path}:{line}:{column}"),
            origin => format!("{origin}, line {line}, column {column}"),
        }
    }

    /// The line of the statement, and below it a caret under the column.
    pub fn excerpt(&self, line: u64, column: u64) -> Option<String> {
        let text = self.text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let number = self.in_origin(line, column).0.to_string();
        let before = usize::try_from(column).ok()?.saturating_sub(1);
        // Tabs stay tabs, so that the caret stands under its letter.
        let indent: String = text
            .chars()
            .chain(std::iter::repeat(' '))
            .take(before)
            .map(|letter| if letter == '\t' { '\t' } else { ' ' })
            .collect();
        let margin = " ".repeat(number.len());
        Some(format!("{number} | {text}\n{margin} | {indent}^"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_the_file_and_the_caret_from_the_statement() {
        let place = StatementPlace {
            origin: Origin::File("a.sql".to_owned()),
            line: 7,
            column: 11,
            text: "select x,\n\tfoo".to_owned(),
        };
        assert_eq!(place.at(1, 8), "a.sql:7:18");
        assert_eq!(place.at(2, 2), "a.sql:8:2");
        assert_eq!(place.excerpt(1, 8).unwrap(), "7 | select x,\n  |        ^");
        assert_eq!(place.excerpt(2, 2).unwrap(), "8 | \tfoo\n  | \t^");
        assert_eq!(place.excerpt(9, 1), None);
    }
}
