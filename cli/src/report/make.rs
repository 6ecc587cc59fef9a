//! Makes the files of reports: runs each, opens a document per scope and format, and hands
//! finished files to the set.
//!
//! Input: a session, definitions, parameters. Output: files in the set, described for its
//! manifest. One document is open at a time, in every format.

use std::collections::{BTreeMap, BTreeSet};

use costlake_engine::query::Session;
use costlake_engine::report::set::ReportSet;
use costlake_engine::report::{
    DataStatus, KnownScope, KnownScopes, ReportDefinition, ReportError, ReportEvent,
    ReportParameters, ReportRun, ReportScope, ScopeSelection, SectionTotals,
};
use serde_json::{Map, Value, json};

use super::csv::CsvDocument;
use super::document::{Document, Subject, notes};
use super::html::HtmlDocument;
use super::json::JsonDocument;
use super::markdown::MarkdownDocument;
use super::parquet::ParquetDocument;
use super::section::SectionView;
use super::writer::{DocumentWriter, Place};
use super::xlsx::XlsxDocument;
use crate::args::ReportFormat;
use crate::failure::Failure;
use crate::output::cell::{Cells, Spelling, unpacked};
use crate::progress::ReportProgress;
use crate::shell::source::{Origin, StatementPlace};

/// Letters of a name that a folder is called by.
const FOLDER_NAME_MAX: usize = 40;

/// Letters of an id that tell folders apart.
const FOLDER_ID_LENGTH: usize = 8;

/// Letters of an id that is a folder's whole name.
const FOLDER_ID_MAX: usize = 80;

/// Folder of what belongs to no scope.
const FOLDER_OF_NONE: &str = "_none";

/// What is to be made.
pub struct Job<'a> {
    pub session: &'a Session,
    pub reports: &'a [ReportDefinition],
    pub parameters: &'a ReportParameters,
    pub formats: &'a [ReportFormat],
    pub status: &'a DataStatus,
    /// The scopes of the parameters' type.
    pub scopes: &'a KnownScopes,
    /// The day expiry counts from.
    pub made_on: String,
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    pub documents: u64,
    pub rows: u64,
}

impl Job<'_> {
    /// Makes every report.
    pub async fn run(
        &self,
        set: &mut ReportSet,
        progress: &ReportProgress,
    ) -> Result<Made, Failure> {
        let folders = self.folders();
        let mut made = Made::default();
        for report in self.reports {
            progress.report(&report.name);
            self.report(report, &folders, set, progress, &mut made).await?;
            progress.report_done();
        }
        Ok(made)
    }

    async fn report(
        &self,
        report: &ReportDefinition,
        folders: &BTreeMap<String, String>,
        set: &mut ReportSet,
        progress: &ReportProgress,
        made: &mut Made,
    ) -> Result<(), Failure> {
        let mut run =
            ReportRun::start(self.session, report, self.parameters).await.map_err(failure)?;
        let views: Vec<SectionView> = report
            .sections
            .iter()
            .zip(run.schemas())
            .map(|(definition, schema)| SectionView::new(definition, &schema))
            .collect();
        let mut open: Option<Open> = None;
        while let Some(event) = run.next().await.map_err(failure)? {
            match event {
                ReportEvent::Scope(id) => {
                    open = Some(self.open(report, id, folders, set)?);
                    progress.scope();
                }
                ReportEvent::ScopeEnd => {
                    if let Some(open) = open.take() {
                        made.documents += 1;
                        made.rows += open.rows();
                        open.finish(set).await?;
                    }
                }
                event => {
                    let open = open.as_mut().expect("a scope comes first");
                    open.event(event, &views)?;
                }
            }
        }
        Ok(())
    }

    fn open(
        &self,
        report: &ReportDefinition,
        id: Option<String>,
        folders: &BTreeMap<String, String>,
        set: &ReportSet,
    ) -> Result<Open, Failure> {
        let folder = match &self.parameters.scopes {
            ScopeSelection::Each(_) => match &id {
                // A scope the lake's lists do not know, as reports of users may have.
                Some(id) => Some(folders.get(id).cloned().unwrap_or_else(|| folder_of(id, None))),
                None => Some(FOLDER_OF_NONE.to_owned()),
            },
            _ => None,
        };
        let stem = match &folder {
            Some(folder) => format!("{folder}/{}", report.name),
            None => report.name.clone(),
        };
        // Makes the folder of the scope.
        set.file(&stem).map_err(Failure::engine)?;
        let place = Place { root: set.root().to_owned(), stem };
        let document = self.document(report, id);
        let mut writers: Vec<(ReportFormat, Box<dyn DocumentWriter>)> = Vec::new();
        for format in self.formats {
            let place = place.clone();
            let writer: Box<dyn DocumentWriter> = match format {
                ReportFormat::Html => Box::new(HtmlDocument::new(&place, &document)),
                ReportFormat::Xlsx => Box::new(XlsxDocument::new(&place, &document)?),
                ReportFormat::Csv => Box::new(CsvDocument::new(place)),
                ReportFormat::Json => Box::new(JsonDocument::new(&place, &document)?),
                ReportFormat::Markdown => Box::new(MarkdownDocument::new(&place, &document)),
                ReportFormat::Parquet => Box::new(ParquetDocument::new(place)),
            };
            writers.push((*format, writer));
        }
        Ok(Open { document, writers, sections: Vec::new() })
    }

    fn document(&self, report: &ReportDefinition, id: Option<String>) -> Document {
        let known = id.as_deref().and_then(|id| self.scopes.get(id));
        let status = status_of(self.status, self.parameters.source.as_ref(), known);
        let subject = match &self.parameters.scopes {
            ScopeSelection::All => match &self.parameters.source {
                None => Subject::All,
                Some(source) => Subject::Scope {
                    scope_type: ReportScope::Source,
                    id: Some(source.clone()),
                    name: Some(source.clone()),
                },
            },
            selection => Subject::Scope {
                scope_type: selection.scope_type(),
                id,
                name: known.and_then(|known| known.name.clone()),
            },
        };
        Document {
            report: report.name.clone(),
            title: report.title.clone(),
            question: report.question.clone(),
            subject,
            months: self.parameters.months,
            currency: self.parameters.currency.clone(),
            made_on: self.made_on.clone(),
            notes: notes(&status),
            several_sources: status.sources.len() > 1,
            status,
        }
    }

    /// A folder for each scope, by id.
    fn folders(&self) -> BTreeMap<String, String> {
        let by_name_alone = self.scopes.scope_type() == ReportScope::Source;
        let known = self.scopes.iter().map(|(id, scope)| {
            let folder = match by_name_alone {
                true => slug(id, FOLDER_NAME_MAX),
                false => folder_of(id, scope.name.as_deref()),
            };
            (id.to_owned(), folder)
        });
        let mut folders: BTreeMap<String, String> = known.collect();
        // Two of one name and one beginning of an id are told apart by all of it.
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        for folder in folders.values() {
            *times.entry(folder.clone()).or_default() += 1;
        }
        for (id, folder) in &mut folders {
            if folder.is_empty() || folder == FOLDER_OF_NONE || times[folder] > 1 {
                *folder = told_apart(folder, id);
            }
        }
        folders
    }
}

/// A document while it is written.
struct Open {
    document: Document,
    writers: Vec<(ReportFormat, Box<dyn DocumentWriter>)>,
    /// What the manifest says of each section.
    sections: Vec<(String, Value, u64)>,
}

impl Open {
    fn rows(&self) -> u64 {
        self.sections.iter().map(|(.., rows)| rows).sum()
    }

    fn event(&mut self, event: ReportEvent, views: &[SectionView]) -> Result<(), Failure> {
        match event {
            ReportEvent::Section(at) => {
                self.sections.push((views[at].definition.name.clone(), Value::Null, 0));
                self.writers.iter_mut().try_for_each(|(_, writer)| writer.section(&views[at]))
            }
            ReportEvent::Rows(rows) => {
                self.writers.iter_mut().try_for_each(|(_, writer)| writer.rows(&rows))
            }
            ReportEvent::SectionEnd(totals) => {
                let (name, about, rows) = self.sections.last_mut().expect("a section came first");
                *rows = totals.rows;
                *about =
                    json!({ "name": name, "rows": totals.rows, "totals": totals_of(&totals)? });
                self.writers.iter_mut().try_for_each(|(_, writer)| writer.section_end(&totals))
            }
            ReportEvent::Scope(_) | ReportEvent::ScopeEnd => Ok(()),
        }
    }

    async fn finish(self, set: &mut ReportSet) -> Result<(), Failure> {
        let Self { document, writers, sections } = self;
        for (format, writer) in writers {
            for file in writer.finish()? {
                let of_file = sections
                    .iter()
                    .filter(|(name, ..)| file.section.as_ref().is_none_or(|of| of == name))
                    .map(|(_, about, _)| about.clone());
                let mut about = Map::new();
                about.insert("report".to_owned(), json!(document.report));
                if let Subject::Scope { scope_type, id, name } = &document.subject {
                    about.insert("scope_type".to_owned(), json!(scope_type.name()));
                    about.insert("scope_id".to_owned(), json!(id));
                    about.insert("scope_name".to_owned(), json!(name));
                }
                about.insert("format".to_owned(), json!(format.name()));
                about.insert("sections".to_owned(), Value::Array(of_file.collect()));
                set.add(&file.path, about).await.map_err(failure)?;
            }
        }
        Ok(())
    }
}

/// Totals with every digit, as texts.
fn totals_of(totals: &SectionTotals) -> Result<Vec<Value>, Failure> {
    let refused = |error: arrow::error::ArrowError| Failure::Format {
        format: "manifest",
        what: error.to_string(),
    };
    let batch = &totals.totals;
    let columns = unpacked(batch).map_err(refused)?;
    let mut rows = vec![Map::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(&columns) {
        let cells = Cells::new(column, Spelling::Iso).map_err(refused)?;
        for (row, total) in rows.iter_mut().enumerate() {
            if !cells.is_null(row) {
                let mut text = String::new();
                cells.push_text(row, &mut text).map_err(refused)?;
                total.insert(field.name().clone(), Value::String(text));
            }
        }
    }
    Ok(rows.into_iter().map(Value::Object).collect())
}

/// The folder of a scope: its name, where it has one, and the beginning of its id.
fn folder_of(id: &str, name: Option<&str>) -> String {
    let id_slug = slug(id, usize::MAX);
    let name = name.map(|name| slug(name, FOLDER_NAME_MAX)).filter(|name| !name.is_empty());
    match name {
        Some(name) if !id_slug.is_empty() => {
            let short: String = id_slug.chars().take(FOLDER_ID_LENGTH).collect();
            format!("{name}-{}", short.trim_end_matches('-'))
        }
        // An id that is no name of a folder, or a part of one only.
        _ if id_slug.is_empty() || id_slug.chars().count() > FOLDER_ID_MAX => {
            let short: String = id_slug.chars().take(FOLDER_NAME_MAX).collect();
            told_apart(&short, id)
        }
        _ => id_slug,
    }
}

/// The folder that begins so and that no other id has.
fn told_apart(beginning: &str, id: &str) -> String {
    match beginning {
        "" => format!("{:016x}", fnv(id)),
        beginning => format!("{beginning}-{:016x}", fnv(id)),
    }
}

/// FNV-1a (Fowler, Noll, Vo): the same number for the same text on every machine.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Small letters, digits and dashes, at most so many.
fn slug(name: &str, length_max: usize) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if slug.chars().count() >= length_max {
            break;
        }
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// The status of the sources that a document is made of: the one asked for, else those
/// that know the scope, else all.
pub fn status_of(
    status: &DataStatus,
    source: Option<&String>,
    known: Option<&KnownScope>,
) -> DataStatus {
    match (source, known) {
        (Some(source), _) => status.of(&BTreeSet::from([source.clone()])),
        (None, Some(known)) => status.of(&known.sources),
        (None, None) => status.clone(),
    }
}

/// What a report's error means; a query's with its place in the file.
pub fn failure(error: ReportError) -> Failure {
    match error {
        // Without a place in the text, the section is the place.
        ReportError::Section { place, sql, source, .. } if source.position().is_some() => {
            Failure::Statement {
                source,
                place: StatementPlace {
                    origin: Origin::File(place.file),
                    line: place.line,
                    column: 1,
                    text: sql,
                },
            }
        }
        error => Failure::engine(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_called_by_letters_alone() {
        for (name, length, folder) in [
            ("\"Blue Yonder\" Airlines", 40, "blue-yonder-airlines"),
            ("Margie's Travel", 40, "margie-s-travel"),
            ("../../etc/passwd", 40, "etc-passwd"),
            ("Ärzte & Söhne GmbH", 8, "ärzte-sö"),
            ("株式会社", 40, "株式会社"),
            ("...", 40, ""),
            ("a - b", 3, "a-b"),
        ] {
            assert_eq!(slug(name, length), folder);
        }
    }

    #[test]
    fn every_scope_has_a_folder_whatever_its_id() {
        assert_eq!(folder_of("1C8D2D4E-2f0b-4a57", Some("Contoso")), "contoso-1c8d2d4e");
        assert_eq!(folder_of("1C8D2D4E-2f0b-4a57", None), "1c8d2d4e-2f0b-4a57");
        assert_eq!(folder_of("1C8D2D4E", Some("!!!")), "1c8d2d4e");
        assert_eq!(folder_of("///", None), format!("{:016x}", fnv("///")));
        assert_eq!(folder_of("", None).len(), 16);
        assert!(folder_of(&"x".repeat(300), None).len() < 60);
        // Of the empty text, and of "a", by the published tables.
        assert_eq!((fnv(""), fnv("a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
    }
}
