//! Cost added up by day and scope: what one load of a month is compared by with the
//! next, so that a restatement can be told long after the rows it replaced are gone.

use std::collections::HashMap;

use arrow::array::{Array, StringViewArray};

use super::RowBatch;
use crate::model::totals::{TotalOverflow, checked_sum};

/// Texts of a [`DayTotal`], by their columns in the lake.
pub const SCOPE_COLUMNS: [&str; 5] = [
    "billing_account_id",
    "billing_profile_id",
    "customer_tenant_id",
    "subscription_id",
    "billing_currency",
];

/// The text's number in [`DayTotals::texts`]; `None` for NULL.
type TextNumber = Option<u32>;

/// Rows and cost of one day, scope and currency. Sums are raw units of 10⁻¹⁸.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    rows: u64,
    cost: i128,
    cost_usd: i128,
}

/// One day of one subscription, as [`DayTotals::iter`] tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTotal<'a> {
    /// Days since 1970-01-01; `None` never in files that are read here.
    pub day: Option<i32>,
    /// Values of [`SCOPE_COLUMNS`].
    pub scope: [Option<&'a str>; 5],
    /// Rows.
    pub rows: u64,
    /// Σ `cost_in_billing_currency`, raw units of 10⁻¹⁸.
    pub cost: i128,
    /// Σ `cost_in_usd`, raw units of 10⁻¹⁸.
    pub cost_usd: i128,
}

/// Rows and cost by day, scope keys and currency.
#[derive(Clone, Debug, Default)]
pub struct DayTotals {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
    sums: HashMap<(Option<i32>, [TextNumber; 5]), Sums>,
}

impl DayTotals {
    /// Adds rows of the cost columns. Rows of one key mostly stand together: only
    /// where the key changes is it looked up.
    ///
    /// # Errors
    /// When a sum leaves the range of the money type.
    pub fn add(&mut self, batch: &RowBatch) -> Result<(), TotalOverflow> {
        let scopes = SCOPE_COLUMNS.map(|column| batch.texts(column));
        let days = batch.dates("date");
        let costs = batch.decimals("cost_in_billing_currency").values();
        let costs_usd = batch.decimals("cost_in_usd").values();
        let same = |left: usize, right: usize| {
            days.is_null(left) == days.is_null(right)
                && days.value(left) == days.value(right)
                && scopes.iter().all(|scope| text(scope, left) == text(scope, right))
        };
        let mut start = 0;
        let mut last: Option<(usize, [TextNumber; 5])> = None;
        while start < batch.num_rows() {
            let mut run = Sums::default();
            let mut end = start;
            while end < batch.num_rows() && same(start, end) {
                // A NULL's raw value is 0: it counts as nothing.
                run.add(&Sums { rows: 1, cost: costs[end], cost_usd: costs_usd[end] })?;
                end += 1;
            }
            let day = days.is_valid(start).then(|| days.value(start));
            // Of what makes a key hardly more than one part changes at a time.
            let scope = std::array::from_fn(|part| {
                let new = text(scopes[part], start);
                match last {
                    Some((row, numbers)) if text(scopes[part], row) == new => numbers[part],
                    _ => new.map(|text| self.number(text)),
                }
            });
            last = Some((start, scope));
            self.sums.entry((day, scope)).or_default().add(&run)?;
            start = end;
        }
        Ok(())
    }

    /// Adds all of `other`.
    ///
    /// # Errors
    /// When a sum leaves the range of the money type.
    pub fn merge(&mut self, other: &Self) -> Result<(), TotalOverflow> {
        for total in other.iter() {
            let scope = total.scope.map(|text| text.map(|text| self.number(text)));
            let sums = Sums { rows: total.rows, cost: total.cost, cost_usd: total.cost_usd };
            self.sums.entry((total.day, scope)).or_default().add(&sums)?;
        }
        Ok(())
    }

    /// Every day and scope, in no order.
    pub fn iter(&self) -> impl Iterator<Item = DayTotal<'_>> {
        self.sums.iter().map(|((day, scope), sums)| DayTotal {
            day: *day,
            scope: scope.map(|number| number.map(|number| &*self.texts[number as usize])),
            rows: sums.rows,
            cost: sums.cost,
            cost_usd: sums.cost_usd,
        })
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).expect("a month has fewer than 2^32 scopes");
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }
}

impl Sums {
    fn add(&mut self, other: &Self) -> Result<(), TotalOverflow> {
        *self = Self {
            rows: self.rows + other.rows,
            cost: checked_sum(self.cost, other.cost)?,
            cost_usd: checked_sum(self.cost_usd, other.cost_usd)?,
        };
        Ok(())
    }
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}
