//! Time periods of runs: one calendar month at most.
//!
//! In: months and the present day. Out: [`TimePeriod`]s as the service takes
//! them. Pure: the present is an argument.

use std::fmt;

use super::error::ExportsError;
use crate::model::BillingMonth;
use crate::model::date::civil_from_days;

/// Months back that the service still has: seven years, through the API
/// (learn.microsoft.com/azure/cost-management-billing/costs/tutorial-improved-exports).
pub const BACKFILL_MONTHS_MAX: usize = 84;

/// A period of one calendar month or less, both days included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimePeriod {
    from_day: i32,
    to_day: i32,
}

impl TimePeriod {
    /// A whole month, or as much of it as there is: the service refuses an end in
    /// the future (finops-toolkit #1611). `today` counts days since 1970-01-01.
    /// Errors when the month has not begun, or lies further back than the service
    /// keeps.
    pub fn of_month(month: BillingMonth, today: i32) -> Result<Self, ExportsError> {
        if month.first_day() > today {
            return Err(ExportsError::BadDefinition {
                what: format!("{month} has not begun"),
                hint: "name months up to the present one".to_owned(),
            });
        }
        let current = BillingMonth::of_day(today).unwrap_or(month);
        if BillingMonth::range(month, current).take(BACKFILL_MONTHS_MAX + 1).count()
            > BACKFILL_MONTHS_MAX
        {
            return Err(ExportsError::BadDefinition {
                what: format!("{month} is more than {BACKFILL_MONTHS_MAX} months back"),
                hint: "the service keeps seven years; begin later".to_owned(),
            });
        }
        Ok(Self { from_day: month.first_day(), to_day: month.last_day().min(today) })
    }

    /// First day, as days since 1970-01-01.
    pub fn from_day(self) -> i32 {
        self.from_day
    }

    /// Last day, likewise.
    pub fn to_day(self) -> i32 {
        self.to_day
    }

    /// The month it lies in.
    pub fn month(self) -> Option<BillingMonth> {
        BillingMonth::of_day(self.from_day)
    }

    /// The body of a run of this period.
    pub fn body(self) -> serde_json::Value {
        serde_json::json!({
            "timePeriod": { "from": midnight(self.from_day), "to": midnight(self.to_day) }
        })
    }
}

impl fmt::Display for TimePeriod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} to {}", day(self.from_day), day(self.to_day))
    }
}

/// The periods that fill the past, from a month through the present one, a
/// calendar month each: the service takes no more in one run.
pub fn backfill_periods(first: BillingMonth, today: i32) -> Result<Vec<TimePeriod>, ExportsError> {
    // Also what bounds the range.
    TimePeriod::of_month(first, today)?;
    let current = BillingMonth::of_day(today).unwrap_or(first);
    BillingMonth::range(first, current).map(|month| TimePeriod::of_month(month, today)).collect()
}

/// `YYYY-MM-DD`.
pub(super) fn day(days: i32) -> String {
    let date = civil_from_days(days);
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

/// The day's first instant, as the service writes it.
pub(super) fn midnight(days: i32) -> String {
    format!("{}T00:00:00Z", day(days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::date::parse_date;

    fn periods(first: &str, today: &str) -> Result<Vec<String>, ExportsError> {
        let today = parse_date(today.as_bytes()).unwrap();
        let periods = backfill_periods(first.parse().unwrap(), today)?;
        Ok(periods.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_backfill_is_whole_months_and_the_present_one_up_to_today() {
        assert_eq!(
            periods("2025-12", "2026-02-10").unwrap(),
            ["2025-12-01 to 2025-12-31", "2026-01-01 to 2026-01-31", "2026-02-01 to 2026-02-10"]
        );
        assert_eq!(periods("2024-02", "2024-02-29").unwrap(), ["2024-02-01 to 2024-02-29"]);
        assert_eq!(periods("2026-03", "2026-03-01").unwrap(), ["2026-03-01 to 2026-03-01"]);
        assert_eq!(periods("2019-03", "2026-02-10").unwrap().len(), BACKFILL_MONTHS_MAX);
        for (first, today, what) in [
            ("2026-03", "2026-02-28", "2026-03 has not begun"),
            ("2019-02", "2026-02-10", "2019-02 is more than 84 months back"),
            ("2000-01", "2026-02-10", "2000-01 is more than 84 months back"),
        ] {
            assert_eq!(periods(first, today).unwrap_err().to_string(), what);
        }
    }

    #[test]
    fn a_run_says_its_period_in_full() {
        let today = parse_date(b"2024-01-15").unwrap();
        let period = TimePeriod::of_month("2023-12".parse().unwrap(), today).unwrap();
        let json = serde_json::json!({
            "timePeriod": { "from": "2023-12-01T00:00:00Z", "to": "2023-12-31T00:00:00Z" }
        });
        assert_eq!(period.body(), json);
    }
}
