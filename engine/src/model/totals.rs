//! Control totals: what a run holds, per billing currency, to the last decimal.

use std::collections::BTreeMap;

use super::money::{self, format_decimal};

/// Totals of one billing currency. Sums are raw units of 10⁻¹⁸.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurrencyTotals {
    /// Rows.
    pub rows: u64,
    /// Σ `cost_in_billing_currency`.
    pub cost_in_billing_currency: i128,
    /// Σ `payg_cost_in_billing_currency`.
    pub payg_cost_in_billing_currency: i128,
    /// Σ `cost_in_usd`.
    pub cost_in_usd: i128,
}

/// A sum left the range of `Decimal128(38, 18)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a control total exceeds 38 digits with 18 decimals")]
pub struct TotalOverflow;

/// The sum, as long as it stays in the range of the money type.
pub(crate) fn checked_sum(left: i128, right: i128) -> Result<i128, TotalOverflow> {
    left.checked_add(right).filter(|sum| sum.abs() <= money::MAX_RAW).ok_or(TotalOverflow)
}

impl CurrencyTotals {
    /// Adds other totals of the same currency, or says that a sum overflowed.
    pub fn add(&mut self, other: &Self) -> Result<(), TotalOverflow> {
        *self = Self {
            rows: self.rows.checked_add(other.rows).ok_or(TotalOverflow)?,
            cost_in_billing_currency: checked_sum(
                self.cost_in_billing_currency,
                other.cost_in_billing_currency,
            )?,
            payg_cost_in_billing_currency: checked_sum(
                self.payg_cost_in_billing_currency,
                other.payg_cost_in_billing_currency,
            )?,
            cost_in_usd: checked_sum(self.cost_in_usd, other.cost_in_usd)?,
        };
        Ok(())
    }
}

/// Totals by billing currency. Currencies are never added to one another; a
/// row without a currency counts under the empty name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlTotals {
    by_currency: BTreeMap<String, CurrencyTotals>,
}

impl ControlTotals {
    /// Adds totals to one currency.
    pub fn add(&mut self, currency: &str, totals: &CurrencyTotals) -> Result<(), TotalOverflow> {
        match self.by_currency.get_mut(currency) {
            Some(present) => present.add(totals),
            None => {
                // Through `add`, which checks the range.
                let mut first = CurrencyTotals::default();
                first.add(totals)?;
                self.by_currency.insert(currency.to_owned(), first);
                Ok(())
            }
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) -> Result<(), TotalOverflow> {
        other.iter().try_for_each(|(currency, totals)| self.add(currency, totals))
    }

    /// Currencies in order, with their totals.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &CurrencyTotals)> {
        self.by_currency.iter().map(|(currency, totals)| (currency.as_str(), totals))
    }

    /// Rows of all currencies.
    pub fn rows(&self) -> u64 {
        self.by_currency.values().map(|totals| totals.rows).sum()
    }

    /// As a JSON array, one object per currency, sums as exact decimal texts.
    pub fn to_json(&self) -> serde_json::Value {
        let totals = self.iter().map(|(currency, totals)| {
            serde_json::json!({
                "billing_currency": currency,
                "rows": totals.rows,
                "cost_in_billing_currency": format_decimal(totals.cost_in_billing_currency),
                "payg_cost_in_billing_currency": format_decimal(totals.payg_cost_in_billing_currency),
                "cost_in_usd": format_decimal(totals.cost_in_usd),
            })
        });
        serde_json::Value::Array(totals.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_beyond_38_digits_is_refused_from_the_first() {
        let totals = |cost| CurrencyTotals { cost_in_billing_currency: cost, ..Default::default() };
        let mut control = ControlTotals::default();
        assert_eq!(control.add("EUR", &totals(money::MAX_RAW + 1)), Err(TotalOverflow));
        control.add("EUR", &totals(money::MAX_RAW)).unwrap();
        assert_eq!(control.add("EUR", &totals(1)), Err(TotalOverflow));
        control.add("EUR", &totals(-1)).unwrap();
    }
}
