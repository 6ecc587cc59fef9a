//! Completion of what is being typed.
//!
//! Input: the text up to the cursor and the catalog. Output: where the word
//! begins and what it may become. It knows no grammar: after FROM and JOIN come
//! tables, after `alias.` the columns of the table the alias stands for, and
//! elsewhere columns of the tables named in the statement, then keywords.

use costlake_engine::query::TableDescription;

use super::dot::COMMANDS;
use crate::output::Mode;
use crate::sql_text::{FUNCTIONS, KEYWORDS, PieceKind, is_keyword, is_word, pieces};

/// Names that completion knows.
#[derive(Clone, Debug, Default)]
pub struct Names {
    tables: Vec<Table>,
}

#[derive(Clone, Debug)]
struct Table {
    name: String,
    columns: Vec<String>,
}

/// What the word at the cursor may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Replace from this byte on by one of these.
    Words(usize, Vec<String>),
    /// A file name starts at this byte.
    File,
}

impl Names {
    /// Of a catalog.
    pub fn new(catalog: &[TableDescription]) -> Self {
        let tables = catalog
            .iter()
            .map(|table| Table {
                name: table.name.clone(),
                columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            })
            .collect();
        Self { tables }
    }

    /// Completes the word that ends at the cursor (a byte of `text`).
    pub fn complete(&self, text: &str, cursor: usize) -> Completion {
        let before = &text[..cursor];
        if before.trim_start().starts_with(['.', '\\']) {
            return self.complete_command(before);
        }
        let start = before
            .char_indices()
            .rev()
            .take_while(|(_, letter)| is_word(*letter))
            .last()
            .map_or(cursor, |(at, _)| at);
        let word = &before[start..];
        let words = match before[..start].strip_suffix('.') {
            Some(owner) => self.columns_of(last_word(owner), text),
            None if wants_table(&before[..start]) => self.table_names(),
            None => self.everything(text, word),
        };
        Completion::Words(start, beginning_with(word, words))
    }

    fn complete_command(&self, before: &str) -> Completion {
        let indent = before.len() - before.trim_start().len();
        let Some((command, _)) = before[indent..].split_once(char::is_whitespace) else {
            let words = COMMANDS.iter().map(|command| (*command).to_owned()).collect();
            return Completion::Words(indent, beginning_with(&before[indent..], words));
        };
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let words = match command {
            ".read" | "\\i" | ".output" | "\\o" => return Completion::File,
            ".mode" => Mode::NAMES.map(str::to_owned).to_vec(),
            ".timer" | "\\timing" | "\\x" => vec!["on".to_owned(), "off".to_owned()],
            ".tables" | ".columns" | ".schema" | "\\d" | "\\dt" | "\\dv" => self.table_names(),
            _ => Vec::new(),
        };
        Completion::Words(start, beginning_with(&before[start..], words))
    }

    fn table_names(&self) -> Vec<String> {
        self.tables.iter().map(|table| table.name.clone()).collect()
    }

    /// Columns of a table, or of the table an alias stands for.
    fn columns_of(&self, owner: &str, text: &str) -> Vec<String> {
        let owner = owner.to_lowercase();
        let named = self.named_in(text);
        named
            .iter()
            .filter(|(_, alias)| alias.as_deref() == Some(&owner))
            .map(|(table, _)| *table)
            .chain(self.tables.iter().filter(|table| table.name.to_lowercase() == owner))
            .flat_map(|table| table.columns.clone())
            .collect()
    }

    fn everything(&self, text: &str, word: &str) -> Vec<String> {
        let named = self.named_in(text);
        let columns = named.iter().flat_map(|(table, _)| table.columns.iter().cloned());
        let aliases = named.iter().filter_map(|(_, alias)| alias.clone());
        let upper = word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase);
        let fixed = KEYWORDS.iter().chain(FUNCTIONS).map(|keyword| {
            if upper { keyword.to_ascii_uppercase() } else { (*keyword).to_owned() }
        });
        columns.chain(aliases).chain(self.table_names()).chain(fixed).collect()
    }

    /// The tables a text names, each with the alias that follows it.
    fn named_in(&self, text: &str) -> Vec<(&Table, Option<String>)> {
        let words: Vec<&str> = pieces(text)
            .filter(|piece| !matches!(piece.kind, PieceKind::Space | PieceKind::Comment))
            .map(|piece| &text[piece.bytes])
            .collect();
        let mut named = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let word = word.trim_matches('"').to_lowercase();
            let Some(table) = self.tables.iter().find(|table| table.name.to_lowercase() == word)
            else {
                continue;
            };
            let mut next = words[at + 1..].iter();
            let mut alias = next.next();
            if alias.is_some_and(|word| word.eq_ignore_ascii_case("as")) {
                alias = next.next();
            }
            let alias = alias
                .map(|word| word.trim_matches('"').to_lowercase())
                .filter(|word| word.chars().all(is_word) && !is_keyword(word));
            named.push((table, alias));
        }
        named
    }
}

/// Whether the word to come names a table.
fn wants_table(before: &str) -> bool {
    let last = last_word(before.trim_end()).to_lowercase();
    before.ends_with(char::is_whitespace)
        && matches!(last.as_str(), "from" | "join" | "describe" | "table" | "update")
}

fn last_word(text: &str) -> &str {
    let text = text.strip_suffix('"').unwrap_or(text);
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, letter)| is_word(*letter))
        .last()
        .map_or(text.len(), |(at, _)| at);
    &text[start..]
}

fn beginning_with(word: &str, words: Vec<String>) -> Vec<String> {
    let word = word.to_lowercase();
    let mut fitting: Vec<String> = Vec::new();
    for candidate in words {
        if candidate.to_lowercase().starts_with(&word) && !fitting.contains(&candidate) {
            fitting.push(candidate);
        }
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let table = |name: &str, columns: &[&str]| Table {
            name: name.to_owned(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        };
        Names {
            tables: vec![
                table("savings", &["scope_type", "savings", "savings_pct"]),
                table("actual_cost", &["source", "cost_in_usd"]),
            ],
        }
    }

    /// `|` is the cursor.
    fn completed(text: &str) -> Vec<String> {
        let cursor = text.find('|').unwrap();
        match names().complete(&text.replace('|', ""), cursor) {
            Completion::Words(_, words) => words,
            Completion::File => vec!["FILE".to_owned()],
        }
    }

    #[test]
    fn tables_follow_from_and_join() {
        assert_eq!(completed("select * from |"), ["savings", "actual_cost"]);
        assert_eq!(completed("select * from savings s join act|"), ["actual_cost"]);
        assert_eq!(completed("select * FROM\n  A|"), ["actual_cost"]);
    }

    #[test]
    fn columns_follow_an_alias_even_before_it_is_given() {
        assert_eq!(completed("select a.| from actual_cost a"), ["source", "cost_in_usd"]);
        assert_eq!(completed("select a.c| from savings s, actual_cost as a"), ["cost_in_usd"]);
        assert_eq!(completed("select savings.scope|"), ["scope_type"]);
        assert_eq!(completed("select x.| from savings s"), [""; 0]);
    }

    #[test]
    fn columns_of_named_tables_come_before_keywords() {
        assert_eq!(completed("select so| from actual_cost"), ["source"]);
        assert_eq!(completed("SEL|"), ["SELECT"]);
        assert_eq!(completed("sel|"), ["select"]);
        let words = completed("select s| from savings where x");
        assert_eq!(&words[..3], ["scope_type", "savings", "savings_pct"]);
        assert!(words.contains(&"select".to_owned()));
    }

    #[test]
    fn commands_complete_with_their_arguments() {
        assert_eq!(completed(".ta|"), [".tables"]);
        assert_eq!(completed("\\d|"), ["\\d", "\\dt", "\\dv"]);
        assert_eq!(completed(".mode m|"), ["markdown"]);
        assert_eq!(completed(".schema sav|"), ["savings"]);
        assert_eq!(completed(".read x|"), ["FILE"]);
    }
}
