//! What the columns of a section are, told by their names and types.
//!
//! Names follow the lake's: `…_usd` is in US dollars, `…_pct` percent, an amount is in the
//! currency of its row. Input: a schema. Output: a [`ColumnView`] per column.

use arrow::datatypes::{DataType, SchemaRef};

/// Columns that name the currency of a row's amounts.
const CURRENCY_COLUMNS: [&str; 2] = ["billing_currency", "BillingCurrency"];

/// Parts of the names of amounts.
const AMOUNTS: [&str; 10] = [
    "cost",
    "savings",
    "credit",
    "amount",
    "margin",
    "change",
    "difference",
    "tax",
    "total",
    "price",
];

/// Words that are spelled in capitals.
const CAPITALS: [&str; 4] = ["id", "usd", "mpn", "utc"];

/// Names that people shorten.
const LABELS: [(&str, &str); 13] = [
    ("billing_currency", "Currency"),
    ("billing_month", "Month"),
    ("change_pct", "Change %"),
    ("customer_name", "Customer"),
    ("customer_tenant_id", "Customer ID"),
    ("meter_category", "Service"),
    ("owner_customer_name", "Customer"),
    ("owner_subscription_name", "Subscription"),
    ("priced_coverage_pct", "Priced %"),
    ("product_name", "Product"),
    ("subscription_name", "Subscription"),
    ("utilization_cost_pct", "Used %"),
    ("utilization_pct", "Used %"),
];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Money in the currency of the row.
    Money,
    /// Money in US dollars.
    Usd,
    /// Percent.
    Percent,
    /// A decimal or a floating number of something else.
    Number,
    /// A whole number.
    Count,
    /// A day.
    Date,
    /// An instant.
    Instant,
    /// Anything else.
    Text,
}

impl ColumnKind {
    /// Whether people read it from its right end.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Money | Self::Usd | Self::Percent | Self::Number | Self::Count)
    }

    /// Whether NULL says that nobody knows. A percentage of nothing is none.
    pub fn is_unknown_when_null(self) -> bool {
        matches!(self, Self::Money | Self::Usd | Self::Number | Self::Count)
    }
}

/// A column, as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnView {
    /// Its name in the lake.
    pub name: String,
    /// What stands above it.
    pub label: String,
    /// What it holds.
    pub kind: ColumnKind,
}

impl ColumnView {
    /// Whether it names things for programs.
    pub fn is_id(&self) -> bool {
        self.name == "id" || self.name.ends_with("_id")
    }
}

/// The columns of a schema, and which of them names the currency of a row.
pub fn columns(schema: &SchemaRef) -> (Vec<ColumnView>, Option<usize>) {
    let currency =
        schema.fields().iter().position(|field| CURRENCY_COLUMNS.contains(&field.name().as_str()));
    let view = |field: &arrow::datatypes::FieldRef| ColumnView {
        name: field.name().clone(),
        label: label(field.name()),
        kind: kind(field.name(), field.data_type(), currency.is_some()),
    };
    (schema.fields().iter().map(view).collect(), currency)
}

fn kind(name: &str, data_type: &DataType, has_currency: bool) -> ColumnKind {
    let name = name.to_ascii_lowercase();
    let is_amount =
        || AMOUNTS.iter().any(|part| name.contains(part)) && !name.contains("unitprice");
    match data_type {
        DataType::Dictionary(_, value) => kind(&name, value, has_currency),
        DataType::Decimal128(..) | DataType::Decimal256(..) if name.ends_with("_usd") => {
            ColumnKind::Usd
        }
        DataType::Decimal128(..) | DataType::Decimal256(..) if has_currency && is_amount() => {
            ColumnKind::Money
        }
        DataType::Float64 | DataType::Float32 if name.ends_with("_pct") => ColumnKind::Percent,
        DataType::Decimal128(..) | DataType::Decimal256(..) => ColumnKind::Number,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnKind::Number,
        data_type if data_type.is_integer() => ColumnKind::Count,
        DataType::Date32 | DataType::Date64 => ColumnKind::Date,
        DataType::Timestamp(..) => ColumnKind::Instant,
        _ => ColumnKind::Text,
    }
}

/// `list_cost_usd` as `List cost USD`, `savings_pct` as `Savings %`; names with capitals
/// stay as they are.
pub fn label(name: &str) -> String {
    if name.chars().any(char::is_uppercase) {
        return name.to_owned();
    }
    if let Some((_, label)) = LABELS.iter().find(|(known, _)| *known == name) {
        return (*label).to_owned();
    }
    let words = name.split('_').enumerate().map(|(position, word)| match word {
        "pct" => "%".to_owned(),
        word if CAPITALS.contains(&word) => word.to_uppercase(),
        word if position == 0 => {
            let mut letters = word.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
        word => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_aloud() {
        for (name, read) in [
            ("list_cost", "List cost"),
            ("list_cost_usd", "List cost USD"),
            ("savings_pct", "Savings %"),
            ("order_id", "Order ID"),
            ("billing_month", "Month"),
            ("BilledCost", "BilledCost"),
            ("x_Source", "x_Source"),
        ] {
            assert_eq!(label(name), read);
        }
    }

    #[test]
    fn amounts_need_a_currency() {
        let decimal = DataType::Decimal128(38, 18);
        assert_eq!(kind("list_cost", &decimal, true), ColumnKind::Money);
        assert_eq!(kind("list_cost", &decimal, false), ColumnKind::Number);
        assert_eq!(kind("list_cost_usd", &decimal, false), ColumnKind::Usd);
        assert_eq!(kind("used_hours", &decimal, true), ColumnKind::Number);
        assert_eq!(kind("savings_pct", &DataType::Float64, true), ColumnKind::Percent);
        assert_eq!(kind("ListUnitPrice", &decimal, true), ColumnKind::Number);
    }
}
