//! The body as a tree that still knows its duplicate keys.
//!
//! In: the text. Out: a [`Node`]. A `serde_json::Value` would silently keep
//! the last of two equal keys, and nobody could tell which one was meant.
//! [`Node`] holds the secret while the rules are checked, so it has no `Debug`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::BillConnectError;
use super::json_comments::to_plain_json;

/// One JSON value. No field of a bill connect is a list, so lists lose their
/// elements.
pub(super) enum Node {
    Null,
    Bool(bool),
    /// As it reads, near enough to be recognized.
    Number(String),
    Text(String),
    List,
    /// Fields in the order of the text.
    Object(Vec<(String, Node)>),
}

/// Reads JSON with comments, a byte order mark and trailing commas.
pub(super) fn read(text: &str) -> Result<Node, BillConnectError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let plain = to_plain_json(text).map_err(|unclosed| {
        let before = &text[..unclosed.offset];
        let line = before.matches('\n').count() + 1;
        let column = unclosed.offset - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        syntax(text, line, column, "a comment is opened with /* and never closed".to_owned())
    })?;
    serde_json::from_str(&plain).map_err(|error| {
        let reason = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = reason.strip_suffix(&place).unwrap_or(&reason).to_owned();
        syntax(text, error.line(), error.column(), reason)
    })
}

/// A syntax error at a column counted in bytes, as `serde_json` does; people
/// and their editors count characters.
fn syntax(text: &str, line: usize, column: usize, reason: String) -> BillConnectError {
    let bytes = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().bytes();
    let inside = bytes.take(column).filter(|byte| byte & 0b1100_0000 == 0b1000_0000).count();
    BillConnectError::Syntax { line: line as u64, column: (column - inside) as u64, reason }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = entries.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}
