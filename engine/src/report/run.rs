//! Runs the sections of a report together and tells their rows scope by scope.
//!
//! Input: a session, a definition, parameters. Output: [`ReportEvent`]s, in order: a scope,
//! its sections with their rows and totals, the next scope. Each section is one query; of
//! its rows one batch is held, besides what the query sorts. Scopes come by id, rows that
//! belong to none last.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::definition::{ChartKind, ReportDefinition, SectionDefinition};
use super::error::ReportError;
use super::params::{ReportParameters, ScopeSelection};
use super::plan::{SCOPE_COLUMN, plan};
use super::totals::{Adder, SectionTotals, TotalFault, is_of_no_currency};
use crate::query::{QueryError, Session};

/// What happens in a run, in this order: `Scope`, then for each section `Section`, `Rows`
/// any number of times and `SectionEnd`, then `ScopeEnd`.
#[derive(Debug)]
pub enum ReportEvent {
    /// The next scope: its id; `None` for what belongs to none, and where all is in one.
    Scope(Option<String>),
    /// The next section of it, by position.
    Section(usize),
    /// Rows of the section, without the column of the scope.
    Rows(RecordBatch),
    /// What the section adds up to.
    SectionEnd(SectionTotals),
    /// No more of this scope.
    ScopeEnd,
}

/// A report while it runs.
pub struct ReportRun {
    report: ReportDefinition,
    sections: Vec<SectionStream>,
    selection: ScopeSelection,
    at: Position,
}

enum Position {
    BetweenScopes,
    /// In a scope, before this section.
    Before(Option<String>, usize),
    /// In this section of it.
    In(Option<String>, usize, Box<Adder>),
    Done,
}

impl ReportRun {
    /// Plans every section. Nothing is read before the first event.
    pub async fn start(
        session: &Session,
        report: &ReportDefinition,
        parameters: &ReportParameters,
    ) -> Result<Self, ReportError> {
        let mut sections = Vec::with_capacity(report.sections.len());
        for section in &report.sections {
            let planned = plan(session, report, section, parameters).await?;
            let stream =
                session.run(planned).await.map_err(|e| ReportError::section(report, section, e))?;
            let stream = SectionStream::new(stream);
            // What does not fit is told before hours of reading.
            Adder::new(&stream.schema, &section.totals)
                .map_err(|fault| misfit(report, section, fault))?;
            if let Some(name) =
                section.shown_columns().find(|name| stream.schema.index_of(name).is_err())
            {
                let reason = format!("it has no column {name} to draw or to set aside");
                let hint = "\"chart:\" and \"aside:\" name columns of the query";
                return Err(ReportError::misfit(report, section, &reason, hint));
            }
            // Of one currency, whether it is told or not.
            let in_several = parameters.currency.is_none();
            if let Some(name) = drawn_of_no_currency(section, &stream.schema).filter(|_| in_several)
            {
                let reason = format!(
                    "{name} cannot be drawn: no column billing_currency says in what it is"
                );
                let hint = "select billing_currency: each currency then has a chart of its own";
                return Err(ReportError::misfit(report, section, &reason, hint));
            }
            sections.push(stream);
        }
        let selection = parameters.scopes.clone();
        Ok(Self { report: report.clone(), sections, selection, at: Position::BetweenScopes })
    }

    /// The columns of each section, without that of the scope.
    pub fn schemas(&self) -> Vec<SchemaRef> {
        self.sections.iter().map(|section| Arc::clone(&section.schema)).collect()
    }

    /// What happens next; nothing at the end.
    pub async fn next(&mut self) -> Result<Option<ReportEvent>, ReportError> {
        match std::mem::replace(&mut self.at, Position::Done) {
            Position::Done => Ok(None),
            Position::BetweenScopes => self.next_scope().await,
            Position::Before(scope, section) => {
                let Some(definition) = self.report.sections.get(section) else {
                    self.at = match self.selection {
                        ScopeSelection::Each(_) => Position::BetweenScopes,
                        _ => Position::Done,
                    };
                    return Ok(Some(ReportEvent::ScopeEnd));
                };
                let adder = Adder::new(&self.sections[section].schema, &definition.totals)
                    .map_err(|fault| misfit(&self.report, definition, fault))?;
                self.at = Position::In(scope, section, Box::new(adder));
                Ok(Some(ReportEvent::Section(section)))
            }
            Position::In(scope, section, mut adder) => {
                let definition = &self.report.sections[section];
                let told_apart = matches!(self.selection, ScopeSelection::Each(_));
                let stream = &mut self.sections[section];
                stream
                    .fill()
                    .await
                    .map_err(|error| ReportError::section(&self.report, definition, error))?;
                let rows = stream.take(told_apart.then_some(scope.as_deref()));
                let fault = |fault| misfit(&self.report, definition, fault);
                match rows {
                    Some(rows) => {
                        adder.add(&rows).map_err(fault)?;
                        self.at = Position::In(scope, section, adder);
                        Ok(Some(ReportEvent::Rows(rows)))
                    }
                    None => {
                        let totals = adder.finish().map_err(fault)?;
                        self.at = Position::Before(scope, section + 1);
                        Ok(Some(ReportEvent::SectionEnd(totals)))
                    }
                }
            }
        }
    }

    async fn next_scope(&mut self) -> Result<Option<ReportEvent>, ReportError> {
        let scope = match &self.selection {
            ScopeSelection::All => None,
            ScopeSelection::One { scope_id, .. } => Some(scope_id.clone()),
            ScopeSelection::Each(_) => {
                let mut first: Option<Option<String>> = None;
                for (section, definition) in self.sections.iter_mut().zip(&self.report.sections) {
                    section
                        .fill()
                        .await
                        .map_err(|error| ReportError::section(&self.report, definition, error))?;
                    if let Some(scope) = section.scope()
                        && first.as_ref().is_none_or(|first| by_id(&scope, first).is_lt())
                    {
                        first = Some(scope);
                    }
                }
                match first {
                    Some(scope) => scope,
                    None => return Ok(None),
                }
            }
        };
        self.at = Position::Before(scope.clone(), 0);
        Ok(Some(ReportEvent::Scope(scope)))
    }
}

/// By bytes, as the queries sort; none last.
fn by_id(left: &Option<String>, right: &Option<String>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp(right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// A column that a chart measures, and whose currency no column tells.
fn drawn_of_no_currency<'a>(section: &'a SectionDefinition, schema: &SchemaRef) -> Option<&'a str> {
    let chart = section.chart.as_ref().filter(|chart| chart.kind != ChartKind::Timeline)?;
    let is_money =
        |name: &&String| schema.index_of(name).is_ok_and(|at| is_of_no_currency(schema, at));
    chart.values.iter().find(is_money).map(String::as_str)
}

fn misfit(
    report: &ReportDefinition,
    section: &SectionDefinition,
    fault: TotalFault,
) -> ReportError {
    let reason = match fault {
        TotalFault::Overflow(column) => {
            let (report, section) = (report.name.clone(), section.name.clone());
            return ReportError::Overflow { report, section, column };
        }
        TotalFault::Missing(column) => format!("it has no column {column} to add up"),
        TotalFault::NoCurrency(column) => {
            format!("{column} cannot be added up: no column billing_currency says in what it is")
        }
        TotalFault::NoNumber(column) => format!("{column} cannot be added up: it holds no numbers"),
    };
    let hint = "the columns of \"totals:\" are those of the query";
    ReportError::misfit(report, section, &reason, hint)
}

/// The rows of one section, of which one batch is held.
struct SectionStream {
    stream: SendableRecordBatchStream,
    /// Without the column of the scope.
    schema: SchemaRef,
    /// Positions of those columns.
    shown: Vec<usize>,
    scope: Option<usize>,
    held: Option<Held>,
}

struct Held {
    rows: RecordBatch,
    scopes: Option<ArrayRef>,
}

impl SectionStream {
    fn new(stream: SendableRecordBatchStream) -> Self {
        let all = stream.schema();
        let scope = all.index_of(SCOPE_COLUMN).ok();
        let shown: Vec<usize> = (0..all.fields().len()).filter(|at| Some(*at) != scope).collect();
        let fields: Vec<_> = shown.iter().map(|at| Arc::clone(&all.fields()[*at])).collect();
        Self { stream, schema: Arc::new(Schema::new(fields)), shown, scope, held: None }
    }

    /// Holds rows, unless there are no more.
    async fn fill(&mut self) -> Result<(), QueryError> {
        while self.held.is_none() {
            let Some(batch) = self.stream.next().await.transpose()? else { break };
            if batch.num_rows() == 0 {
                continue;
            }
            let scopes = match self.scope {
                Some(column) => Some(
                    cast(batch.column(column), &DataType::Utf8)
                        .map_err(datafusion::error::DataFusionError::from)?,
                ),
                None => None,
            };
            let columns = self.shown.iter().map(|at| Arc::clone(batch.column(*at))).collect();
            let options =
                arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let rows =
                RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
                    .map_err(datafusion::error::DataFusionError::from)?;
            self.held = Some(Held { rows, scopes });
        }
        Ok(())
    }

    /// Whose the first row held is.
    fn scope(&self) -> Option<Option<String>> {
        let held = self.held.as_ref()?;
        Some(held.scope_of(0).map(str::to_owned))
    }

    /// The rows held that belong to a scope, where scopes are told apart; else all.
    fn take(&mut self, scope: Option<Option<&str>>) -> Option<RecordBatch> {
        let held = self.held.take()?;
        let Some(scope) = scope else { return Some(held.rows) };
        let rows = held.rows.num_rows();
        let end = (0..rows).find(|row| held.scope_of(*row) != scope).unwrap_or(rows);
        let taken = (end > 0).then(|| held.rows.slice(0, end));
        if end < rows {
            self.held = Some(Held {
                rows: held.rows.slice(end, rows - end),
                scopes: held.scopes.map(|scopes| scopes.slice(end, rows - end)),
            });
        }
        taken
    }
}

impl Held {
    fn scope_of(&self, row: usize) -> Option<&str> {
        let scopes = self.scopes.as_ref()?.as_string::<i32>();
        scopes.is_valid(row).then(|| scopes.value(row))
    }
}
