//! The canonical schemas: for each dataset Azure's columns in documented order, then
//! the two partition columns `source` and `billing_month`.
//!
//! One file of this folder describes the columns of one kind of rows.

mod cost;
mod price_sheet;
mod reservation_details;
mod reservation_recommendations;
mod reservation_transactions;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

pub use cost::COST;
pub use price_sheet::PRICE_SHEET;
pub use reservation_details::RESERVATION_DETAILS;
pub use reservation_recommendations::RESERVATION_RECOMMENDATIONS;
pub use reservation_transactions::RESERVATION_TRANSACTIONS;

use super::money::{DECIMAL_PRECISION, DECIMAL_SCALE};

/// How a cell's text becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// UTF-8 text, verbatim; empty cells and all-zero GUIDs are NULL.
    Text,
    /// As `Text`, lower-cased, because Azure's own spelling is unstable.
    LowercaseText,
    /// `Decimal128(38, 18)`, parsed exactly; see [`super::money`].
    Decimal,
    /// A decimal fraction; `15%` and `15` both read as `0.15`.
    Rate,
    /// `Date32`; `MM/DD/YYYY` or ISO.
    Date,
    /// `Boolean`; any letter case, also `1`/`0` and `yes`/`no`.
    Boolean,
    /// `Int32`.
    Integer,
}

impl ValueKind {
    /// The Arrow type this kind is stored as.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text | Self::LowercaseText => DataType::Utf8,
            Self::Decimal | Self::Rate => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            Self::Date => DataType::Date32,
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int32,
        }
    }
}

/// One column of a canonical schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in the lake.
    pub name: &'static str,
    /// Name in Azure's file; matched without regard to letter case.
    pub azure_name: &'static str,
    /// How its cells are read.
    pub kind: ValueKind,
    /// What it means, for people and for the catalog.
    pub description: &'static str,
}

const fn column(
    name: &'static str,
    azure_name: &'static str,
    kind: ValueKind,
    description: &'static str,
) -> Column {
    Column { name, azure_name, kind, description }
}

/// Partition column: the bill connect a row came from.
pub const SOURCE_COLUMN: &str = "source";
/// Partition column: `YYYY-MM`.
pub const BILLING_MONTH_COLUMN: &str = "billing_month";

/// The columns of one kind of rows, and what some of them are for.
#[derive(Debug, PartialEq, Eq)]
pub struct ColumnSet {
    /// In documented order.
    pub columns: &'static [Column],
    /// The day a row belongs to, where it belongs to one.
    pub day: Option<&'static str>,
    /// Columns that no row may leave empty.
    pub never_null: &'static [&'static str],
    /// The currency rows are counted by.
    pub currency: Option<&'static str>,
    /// The sums of [`CurrencyTotals`](super::CurrencyTotals), in its order.
    pub totals: Option<[&'static str; 3]>,
}

impl ColumnSet {
    /// Position of a column by its name in the lake.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The columns a data file holds, as Arrow fields, all nullable, without the
    /// partition columns.
    pub fn file_schema(&self) -> SchemaRef {
        let field = |column: &Column| Field::new(column.name, column.kind.data_type(), true);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// The columns a table has: [`Self::file_schema`], then `source` and
    /// `billing_month` (both text, never NULL).
    pub fn table_schema(&self) -> SchemaRef {
        let mut fields: Vec<Arc<Field>> = self.file_schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(SOURCE_COLUMN, DataType::Utf8, false)));
        fields.push(Arc::new(Field::new(BILLING_MONTH_COLUMN, DataType::Utf8, false)));
        Arc::new(Schema::new(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DatasetType;

    #[test]
    fn names_are_unique_and_snake_case() {
        for dataset in DatasetType::ALL {
            let set = dataset.column_set();
            let mut names: Vec<&str> = set.columns.iter().map(|column| column.name).collect();
            assert!(names.iter().all(|name| {
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            }));
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{dataset}");
        }
    }

    #[test]
    fn what_columns_are_for_is_said_of_columns_that_are_there() {
        for dataset in DatasetType::ALL {
            let set = dataset.column_set();
            let kind = |name: &str| set.columns[set.position(name).unwrap()].kind;
            let numbers = set.totals.iter().flatten().copied();
            assert!(set.day.is_none_or(|name| kind(name) == ValueKind::Date));
            assert!(set.currency.is_none_or(|name| kind(name) == ValueKind::Text));
            assert!(numbers.clone().all(|name| kind(name) == ValueKind::Decimal));
            assert!(set.never_null.iter().all(|name| set.position(name).is_some()));
        }
    }
}
