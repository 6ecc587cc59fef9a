//! Adds up the rows of a section, exactly, per source and currency.
//!
//! Input: batches. Output: [`SectionTotals`], rows of the section's own columns. Two
//! currencies are never added, nor two sources, which may hold the same subscription.
//! What is NULL is unknown: it is counted beside the sum, and a sum of nothing known is
//! NULL. A percentage is unknown as soon as that of a row is, whose denominator is known:
//! list cost without its savings would make little of the savings that are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef, i256};

use super::definition::TotalDefinition;
use super::plan::{CURRENCY_COLUMNS, SOURCE_COLUMNS};
use crate::query::decimal::exact::total as rounded;

/// What a section adds up to.
#[derive(Clone, Debug)]
pub struct SectionTotals {
    /// Rows added up.
    pub rows: u64,
    /// One row per source and currency, in the section's columns; those without a total,
    /// and totals of which nothing is known, are NULL. No row where the section has no totals or no rows.
    pub totals: RecordBatch,
    /// Of each total of [`SectionTotals::totals`]'s rows, in the order of the section's
    /// columns: rows whose value is unknown and so not in it.
    pub unknown: Vec<Vec<u64>>,
    /// Positions of the columns that tell what may be added: source and currency, of those
    /// the section has.
    pub keys: Vec<usize>,
}

/// A column that cannot be added up, or a sum that is too large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TotalFault {
    /// There is no such column.
    Missing(String),
    /// It may be money, and no column says in which currency.
    NoCurrency(String),
    /// Its type is not one of numbers.
    NoNumber(String),
    /// More than 20 digits before the point.
    Overflow(String),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Money and other decimals with this many decimals.
    Decimal(i8),
    /// Rows and other counts.
    Count,
}

struct Summed {
    column: usize,
    kind: Kind,
}

/// `100 * numerator / denominator`, by position among the sums.
struct Percent {
    column: usize,
    numerator: usize,
    denominator: usize,
}

#[derive(Clone, Default)]
struct Sum {
    raw: i256,
    known: u64,
    unknown: u64,
}

/// What is added up of one source and currency.
struct Group {
    sums: Vec<Sum>,
    /// Of each percentage, rows that make it unknown.
    untold: Vec<u64>,
}

/// Adds up batches of one schema.
pub(super) struct Adder {
    schema: SchemaRef,
    /// Columns that tell what may be added, of those the section has.
    keys: Vec<usize>,
    sums: Vec<Summed>,
    percents: Vec<Percent>,
    rows: u64,
    groups: BTreeMap<Vec<Option<String>>, Group>,
}

impl Adder {
    pub(super) fn new(schema: &SchemaRef, totals: &[TotalDefinition]) -> Result<Self, TotalFault> {
        let position =
            |name: &str| schema.index_of(name).map_err(|_| TotalFault::Missing(name.to_owned()));
        let mut sums = Vec::new();
        for total in totals {
            if let TotalDefinition::Sum(name) = total {
                let column = position(name)?;
                let kind = kind(schema.field(column).data_type())
                    .ok_or_else(|| TotalFault::NoNumber(name.clone()))?;
                sums.push(Summed { column, kind });
            }
        }
        let mut percents = Vec::new();
        for total in totals {
            if let TotalDefinition::Percent { column, numerator, denominator } = total {
                let sum = |name: &str| {
                    let column = position(name)?;
                    let found = sums.iter().position(|sum| sum.column == column);
                    found.ok_or_else(|| TotalFault::Missing(name.to_owned()))
                };
                let column = position(column)?;
                if *schema.field(column).data_type() != DataType::Float64 {
                    return Err(TotalFault::NoNumber(schema.field(column).name().clone()));
                }
                percents.push(Percent {
                    column,
                    numerator: sum(numerator)?,
                    denominator: sum(denominator)?,
                });
            }
        }
        if let Some(money) = sums.iter().find(|sum| is_of_no_currency(schema, sum.column)) {
            return Err(TotalFault::NoCurrency(schema.field(money.column).name().clone()));
        }
        let keys = column_of(schema, SOURCE_COLUMNS).into_iter();
        let keys = keys.chain(column_of(schema, CURRENCY_COLUMNS)).collect();
        let schema = Arc::clone(schema);
        Ok(Self { schema, keys, sums, percents, rows: 0, groups: BTreeMap::new() })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), TotalFault> {
        self.rows += batch.num_rows() as u64;
        if self.sums.is_empty() || batch.num_rows() == 0 {
            return Ok(());
        }
        let name = |column: usize| self.schema.field(column).name().clone();
        let text = |column: usize| cast(batch.column(column), &DataType::Utf8);
        let keys: Vec<ArrayRef> = self
            .keys
            .iter()
            .map(|column| text(*column).map_err(|_| TotalFault::NoNumber(name(*column))))
            .collect::<Result<_, _>>()?;
        let columns: Vec<ArrayRef> = self
            .sums
            .iter()
            .map(|sum| {
                let data_type = match sum.kind {
                    Kind::Decimal(_) => batch.column(sum.column).data_type().clone(),
                    Kind::Count => DataType::Int64,
                };
                let column = cast(batch.column(sum.column), &data_type);
                column.map_err(|_| TotalFault::Overflow(name(sum.column)))
            })
            .collect::<Result<_, _>>()?;
        let mut row = 0;
        while row < batch.num_rows() {
            let key = keys.iter().map(|key| value(key, row)).collect::<Vec<_>>();
            let same = |other: usize| keys.iter().zip(&key).all(|(of, is)| is_value(of, other, is));
            let end = (row + 1..batch.num_rows()).find(|other| !same(*other));
            let end = end.unwrap_or(batch.num_rows());
            let group = self.groups.entry(key).or_insert_with(|| Group {
                sums: vec![Sum::default(); self.sums.len()],
                untold: vec![0; self.percents.len()],
            });
            for ((sum, column), definition) in group.sums.iter_mut().zip(&columns).zip(&self.sums) {
                sum.add(&column.slice(row, end - row), definition.kind)
                    .ok_or_else(|| TotalFault::Overflow(name(definition.column)))?;
            }
            for (untold, percent) in group.untold.iter_mut().zip(&self.percents) {
                let (told, of) = (batch.column(percent.column), &columns[percent.denominator]);
                *untold +=
                    (row..end).filter(|at| told.is_null(*at) && is_some(of, *at)).count() as u64;
            }
            row = end;
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<SectionTotals, TotalFault> {
        let groups: Vec<(&Vec<Option<String>>, &Group)> = self.groups.iter().collect();
        let mut columns: Vec<ArrayRef> = self
            .schema
            .fields()
            .iter()
            .map(|field| new_null_array(field.data_type(), groups.len()))
            .collect();
        for (position, column) in self.keys.iter().enumerate() {
            let values: StringArray = groups.iter().map(|(key, _)| key[position].clone()).collect();
            let data_type = self.schema.field(*column).data_type();
            columns[*column] =
                cast(&values, data_type).unwrap_or_else(|_| Arc::clone(&columns[*column]));
        }
        for (position, definition) in self.sums.iter().enumerate() {
            let field = self.schema.field(definition.column);
            let overflow = || TotalFault::Overflow(field.name().clone());
            let sums = groups.iter().map(|(_, group)| &group.sums[position]);
            columns[definition.column] = match definition.kind {
                Kind::Decimal(scale) => {
                    let values =
                        sums.map(|sum| sum.decimal(scale)).collect::<Option<Decimal128Array>>();
                    let values = values.ok_or_else(overflow)?;
                    let exact = values.with_precision_and_scale(38, 18).map_err(|_| overflow())?;
                    cast(&exact, field.data_type()).map_err(|_| overflow())?
                }
                Kind::Count => {
                    let values = sums.map(Sum::count).collect::<Option<Int64Array>>();
                    cast(&values.ok_or_else(overflow)?, field.data_type())
                        .map_err(|_| overflow())?
                }
            };
        }
        for (position, percent) in self.percents.iter().enumerate() {
            let kinds = (self.sums[percent.numerator].kind, self.sums[percent.denominator].kind);
            let values: Float64Array = groups
                .iter()
                .map(|(_, group)| {
                    if group.untold[position] > 0 {
                        return None;
                    }
                    let numerator = group.sums[percent.numerator].approximate(kinds.0)?;
                    let denominator = group.sums[percent.denominator].approximate(kinds.1)?;
                    (denominator != 0.0).then(|| 100.0 * numerator / denominator)
                })
                .collect();
            columns[percent.column] = Arc::new(values);
        }
        let unknown = groups
            .iter()
            .map(|(_, group)| {
                let of = |column: usize| self.sums.iter().position(|sum| sum.column == column);
                let count = |column| of(column).map_or(0, |at: usize| group.sums[at].unknown);
                (0..self.schema.fields().len()).map(count).collect()
            })
            .collect();
        let totals = RecordBatch::try_new(with_nulls(&self.schema), columns)
            .expect("every column has the type of its field and a row per group");
        Ok(SectionTotals { rows: self.rows, totals, unknown, keys: self.keys.clone() })
    }
}

/// The same schema, every column of which may be NULL.
fn with_nulls(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> =
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    Arc::new(arrow::datatypes::Schema::new(fields))
}

impl Sum {
    /// Adds an array; nothing where the sum becomes too large.
    fn add(&mut self, array: &ArrayRef, kind: Kind) -> Option<()> {
        self.unknown += array.null_count() as u64;
        self.known += (array.len() - array.null_count()) as u64;
        let mut add = |value: i128| {
            self.raw = self.raw.checked_add(i256::from_i128(value))?;
            Some(())
        };
        match kind {
            Kind::Decimal(_) => {
                array.as_primitive::<Decimal128Type>().iter().flatten().try_for_each(&mut add)
            }
            Kind::Count => array
                .as_primitive::<Int64Type>()
                .iter()
                .flatten()
                .try_for_each(|value| add(i128::from(value))),
        }
    }

    /// With 18 decimals: NULL where nothing is known, nothing where it is too large.
    fn decimal(&self, scale: i8) -> Option<Option<i128>> {
        match self.known {
            0 => Some(None),
            _ => rounded(self.raw, scale).ok().map(Some),
        }
    }

    fn count(&self) -> Option<Option<i64>> {
        match self.known {
            0 => Some(None),
            _ => self.raw.to_i128().and_then(|raw| i64::try_from(raw).ok()).map(Some),
        }
    }

    /// For ratios only.
    fn approximate(&self, kind: Kind) -> Option<f64> {
        let scale = match kind {
            Kind::Decimal(scale) => i32::from(scale),
            Kind::Count => 0,
        };
        (self.known > 0).then(|| self.raw.to_i128().map(|raw| raw as f64 / 10_f64.powi(scale)))?
    }
}

fn column_of(schema: &SchemaRef, names: [&str; 2]) -> Option<usize> {
    names.iter().find_map(|name| schema.index_of(name).ok())
}

/// Whether a column may be money, and none says in which currency: two would be added, or
/// be measured against each other.
pub(super) fn is_of_no_currency(schema: &SchemaRef, column: usize) -> bool {
    let field = schema.field(column);
    column_of(schema, CURRENCY_COLUMNS).is_none()
        && matches!(field.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..))
        && !is_of_one_unit(field.name())
}

/// Whether decimals of that name are in one unit wherever they are: US dollars, hours,
/// percent.
fn is_of_one_unit(name: &str) -> bool {
    ["_usd", "_hours", "quantity", "_pct"]
        .iter()
        .any(|ending| name.to_lowercase().ends_with(ending))
}

fn kind(data_type: &DataType) -> Option<Kind> {
    match data_type {
        DataType::Decimal128(_, scale) => Some(Kind::Decimal(*scale)),
        data_type if data_type.is_integer() => Some(Kind::Count),
        _ => None,
    }
}

fn value(keys: &ArrayRef, row: usize) -> Option<String> {
    let keys = keys.as_string::<i32>();
    keys.is_valid(row).then(|| keys.value(row).to_owned())
}

/// Whether a number is known and not 0.
fn is_some(numbers: &ArrayRef, row: usize) -> bool {
    let is_not_0 = match numbers.as_primitive_opt::<Decimal128Type>() {
        Some(numbers) => numbers.value(row) != 0,
        None => numbers.as_primitive::<Int64Type>().value(row) != 0,
    };
    numbers.is_valid(row) && is_not_0
}

fn is_value(keys: &ArrayRef, row: usize, value: &Option<String>) -> bool {
    let keys = keys.as_string::<i32>();
    match value {
        Some(value) => keys.is_valid(row) && keys.value(row) == value,
        None => keys.is_null(row),
    }
}

#[cfg(test)]
mod tests;
