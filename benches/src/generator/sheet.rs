//! A file of a few plain columns: cells by column name in, rows of a run and
//! their totals out.

use std::collections::BTreeMap;

use costlake_engine::model::{ControlTotals, CurrencyTotals};

use super::GeneratorError;
use super::cells::push_text;
use super::totals::{ChargeTotals, ReservationHours};
use super::writer::{Part, PartFormat, PartWriter};

/// A row; cells not set are empty.
pub(super) struct Row {
    columns: &'static [&'static str],
    cells: Vec<String>,
}

impl Row {
    /// An empty row.
    pub(super) fn new(columns: &'static [&'static str]) -> Self {
        Self { columns, cells: vec![String::new(); columns.len()] }
    }

    /// Sets a cell.
    pub(super) fn set(&mut self, column: &str, text: impl Into<String>) {
        let position = self.columns.iter().position(|name| *name == column);
        self.cells[position.expect("a file's writer knows its columns")] = text.into();
    }
}

/// What of a row is told in the totals.
#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    /// Empty in datasets without a currency.
    pub(super) currency: &'static str,
    /// Price type or event type.
    pub(super) kind: Option<&'static str>,
    /// Money of a transaction, raw units of the currency.
    pub(super) amount: i128,
    pub(super) hours: ReservationHours,
}

/// A run being written by one thread.
pub(super) struct Sheet<'a> {
    writer: PartWriter<'a>,
    line: Vec<u8>,
    totals: SheetTotals,
}

/// What a sheet's rows add up to.
#[derive(Default)]
pub(super) struct SheetTotals {
    rows_by_currency: BTreeMap<&'static str, u64>,
    /// By currency and price type or event type.
    pub(super) kinds: BTreeMap<(&'static str, &'static str), ChargeTotals>,
    pub(super) hours: ReservationHours,
}

impl<'a> Sheet<'a> {
    /// Writes into the format's directory.
    pub(super) fn new(format: &'a PartFormat) -> Self {
        let writer = PartWriter::new(format, 0);
        Self { writer, line: Vec::new(), totals: SheetTotals::default() }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &Row, counted: Counted) -> Result<(), GeneratorError> {
        self.line.clear();
        for (position, cell) in row.cells.iter().enumerate() {
            if position > 0 {
                self.line.push(b',');
            }
            push_text(&mut self.line, cell);
        }
        self.totals.add(counted);
        self.writer.push(&self.line)
    }

    /// Closes the parts, of which there is at least one.
    pub(super) fn finish(self) -> Result<(Vec<Part>, SheetTotals), GeneratorError> {
        Ok((self.writer.finish_with_header()?, self.totals))
    }
}

impl SheetTotals {
    fn add(&mut self, counted: Counted) {
        *self.rows_by_currency.entry(counted.currency).or_default() += 1;
        if let Some(kind) = counted.kind {
            let totals = self.kinds.entry((counted.currency, kind)).or_default();
            totals.rows += 1;
            totals.cost_in_billing_currency += counted.amount;
        }
        self.hours.used += counted.hours.used;
        self.hours.reserved += counted.hours.reserved;
    }

    /// Rows by currency, as a loader counts them; nothing is added up there.
    pub(super) fn currencies(&self) -> ControlTotals {
        let mut totals = ControlTotals::default();
        for (currency, rows) in &self.rows_by_currency {
            let counted = CurrencyTotals { rows: *rows, ..CurrencyTotals::default() };
            totals.add(currency, &counted).expect("sums of nothing fit");
        }
        totals
    }
}
