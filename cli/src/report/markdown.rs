//! Markdown (GitHub's flavor): one file, tables for people.

use std::io::Write as _;
use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;

use super::document::{Document, Note};
use super::kept::KeptSection;
use super::section::{NOTHING, SectionView, UNKNOWN};
use super::writer::{DocumentWriter, Place, WrittenFile, create, failure};
use crate::failure::Failure;
use crate::output::markdown::push_escaped;

const FORMAT: &str = "markdown";

/// Keeps a document until it is complete.
pub struct MarkdownDocument {
    path: String,
    local: PathBuf,
    text: String,
    document: Document,
    section: Option<KeptSection>,
}

impl MarkdownDocument {
    pub fn new(place: &Place, document: &Document) -> Self {
        let (path, local) = place.file("md");
        let title = format!("{}: {}", document.title, document.subject.title());
        let mut text = format!("# {}\n\n", escaped(&title));
        if let Some(subtitle) = document.subject.subtitle() {
            text.push_str(&format!("{}  \n", escaped(&subtitle)));
        }
        text.push_str(&format!("Months: {}  \n", document.months));
        if let Some(currency) = &document.currency {
            text.push_str(&format!("Currency: {}  \n", escaped(currency)));
        }
        text.push_str(&format!("As of {}\n", document.made_on));
        for note in &document.notes {
            match note {
                Note::Caution(note) => text.push_str(&format!("\n> **Note:** {}\n", escaped(note))),
                Note::Fine(note) => text.push_str(&format!("\n> {}\n", escaped(note))),
            }
        }
        Self { path, local, text, document: document.clone(), section: None }
    }

    fn push_section(&mut self, section: &KeptSection) {
        let definition = &section.view.definition;
        if section.rows_total == 0 {
            if let Some(sentence) = self.document.if_empty(definition) {
                let title = escaped(&definition.title);
                self.text.push_str(&format!("\n## {title}\n\n{}\n", escaped(&sentence)));
            }
            return;
        }
        self.text.push_str(&format!("\n## {}\n", escaped(&definition.title)));
        if let Some(note) = &definition.note {
            self.text.push_str(&format!("\n{}\n", escaped(note)));
        }
        let columns = section.view.on_page(self.document.several_sources);
        self.text.push_str("\n|");
        for column in &columns {
            self.text.push(' ');
            push_escaped(&mut self.text, &escaped(&section.view.columns[*column].label));
            self.text.push_str(" |");
        }
        self.text.push_str("\n|");
        for column in &columns {
            let right = section.view.columns[*column].kind.is_number();
            self.text.push_str(if right { "---:|" } else { "---|" });
        }
        self.text.push('\n');
        for row in section.shown().filter(|_| definition.shows_table) {
            self.text.push('|');
            for column in &columns {
                self.text.push(' ');
                let nothing = match section.is_unknown(row, *column) {
                    true => UNKNOWN,
                    false => NOTHING,
                };
                let text = row[*column].shown.as_deref().unwrap_or(nothing);
                push_escaped(&mut self.text, &escaped(text));
                self.text.push_str(" |");
            }
            self.text.push('\n');
        }
        for row in &section.totals {
            self.text.push('|');
            for (position, column) in columns.iter().enumerate() {
                let is_unknown = section.is_total_unknown(row, *column);
                let cell = row[*column].shown.as_deref();
                match cell.or(is_unknown.then_some(UNKNOWN)) {
                    Some(text) => {
                        let first =
                            position == 0 && !section.view.columns[*column].kind.is_number();
                        self.text.push_str(if first { " **Total " } else { " **" });
                        push_escaped(&mut self.text, &escaped(text));
                        self.text.push_str("** |");
                    }
                    None if position == 0 => self.text.push_str(" **Total** |"),
                    None => self.text.push_str(" |"),
                }
            }
            self.text.push('\n');
        }
        let hidden = if definition.shows_table { section.more() } else { section.rows_total };
        if hidden > 0 {
            self.text.push_str(&format!(
                "\n{hidden} more rows are in the other formats; the totals are of all {}.\n",
                section.rows_total
            ));
        }
        for note in section.notes() {
            self.text.push_str(&format!("\n{}.\n", escaped(&note)));
        }
    }
}

/// Letters that Markdown would take for marks.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

impl DocumentWriter for MarkdownDocument {
    fn section(&mut self, section: &SectionView) -> Result<(), Failure> {
        self.section = Some(KeptSection::new(section, &self.document));
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let section = self.section.as_mut().expect("rows come in a section");
        section.keep(batch, FORMAT).map_err(|error| failure(&self.local, error))
    }

    fn section_end(&mut self, totals: &SectionTotals) -> Result<(), Failure> {
        let mut section = self.section.take().expect("a section ends once");
        section.end(totals, FORMAT).map_err(|error| failure(&self.local, error))?;
        self.push_section(&section);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, Failure> {
        let mut out = create(&self.local)?;
        let written = out.write_all(self.text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| failure(&self.local, error.into()))?;
        Ok(vec![WrittenFile { path: self.path, section: None }])
    }
}
