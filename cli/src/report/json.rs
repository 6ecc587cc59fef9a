//! JSON: one object per document, numbers with every digit.
//!
//! ```text
//! {"report": …, "scope": …, "months": …, "notes": […], "sections": [
//!   {"name": …, "title": …, "rows": […], "totals": […]}]}
//! ```

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;
use serde_json::{Value, json};

use super::document::{Document, Note, Subject};
use super::section::SectionView;
use super::writer::{DocumentWriter, Place, WrittenFile, create, failure};
use crate::failure::Failure;
use crate::output::OutputError;
use crate::output::json::JsonRows;

/// Writes one object.
pub struct JsonDocument {
    path: String,
    local: PathBuf,
    out: BufWriter<File>,
    rows: Option<JsonRows>,
    sections: usize,
}

/// What a document is about, as the object of every format for programs has it.
pub fn about(document: &Document) -> serde_json::Map<String, Value> {
    let scope = match &document.subject {
        Subject::All => json!({ "scope_type": "all", "scope_id": null, "scope_name": null }),
        Subject::Scope { scope_type, id, name } => json!({
            "scope_type": scope_type.name(), "scope_id": id, "scope_name": name,
        }),
    };
    let notes: Vec<Value> = document
        .notes
        .iter()
        .map(|note| match note {
            Note::Caution(text) => json!({ "level": "caution", "text": text }),
            Note::Fine(text) => json!({ "level": "fine", "text": text }),
        })
        .collect();
    let about = json!({
        "report": document.report,
        "title": document.title,
        "question": document.question,
        "scope": scope,
        "first_month": document.months.first().to_string(),
        "last_month": document.months.last().to_string(),
        "currency": document.currency,
        "made_on": document.made_on,
        "notes": notes,
    });
    match about {
        Value::Object(about) => about,
        _ => unreachable!("it is an object"),
    }
}

impl JsonDocument {
    pub fn new(place: &Place, document: &Document) -> Result<Self, Failure> {
        let (path, local) = place.file("json");
        let mut out = create(&local)?;
        let about = Value::Object(about(document)).to_string();
        let opened = about.strip_suffix('}').expect("an object ends with a brace").to_owned();
        let begun = write!(out, "{opened},\"sections\":[");
        begun.map_err(|error| failure(&local, error.into()))?;
        Ok(Self { path, local, out, rows: None, sections: 0 })
    }

    fn failure(&self, error: OutputError) -> Failure {
        failure(&self.local, error)
    }
}

impl DocumentWriter for JsonDocument {
    fn section(&mut self, section: &SectionView) -> Result<(), Failure> {
        let comma = if self.sections == 0 { "" } else { "," };
        self.sections += 1;
        let definition = &section.definition;
        let written = write!(
            self.out,
            "{comma}\n{{\"name\":{},\"title\":{},\"note\":{},\"rows\":",
            json!(definition.name),
            json!(definition.title),
            json!(definition.note),
        );
        written.map_err(|error| self.failure(error.into()))?;
        self.rows = Some(JsonRows::array(&section.schema));
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let rows = self.rows.as_mut().expect("rows come in a section");
        rows.batch(batch, &mut self.out).map_err(|error| failure(&self.local, error))
    }

    fn section_end(&mut self, totals: &SectionTotals) -> Result<(), Failure> {
        let mut rows = self.rows.take().expect("a section ends once");
        let written = (|| {
            rows.finish(&mut self.out)?;
            self.out.write_all(b",\"totals\":")?;
            let mut sums = JsonRows::array(&totals.totals.schema());
            sums.batch(&totals.totals, &mut self.out)?;
            sums.finish(&mut self.out)?;
            Ok(self.out.write_all(b"}")?)
        })();
        written.map_err(|error| self.failure(error))
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<WrittenFile>, Failure> {
        let written = self.out.write_all(b"\n]}\n").and_then(|()| self.out.flush());
        written.map_err(|error| self.failure(error.into()))?;
        Ok(vec![WrittenFile { path: self.path, section: None }])
    }
}
