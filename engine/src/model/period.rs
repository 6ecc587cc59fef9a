//! Billing months.

use std::fmt;
use std::str::FromStr;

use super::date::{CivilDate, civil_from_days, days_from_civil, days_in_month};

/// A calendar month of billing, written `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillingMonth {
    year: i32,
    month: u32,
}

/// The text is no month and no range of months.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMonth {
    /// Not of the form `YYYY-MM`.
    #[error("{0:?} is not a month; write it as YYYY-MM, e.g. 2026-07")]
    Form(String),
    /// A range that ends before it begins.
    #[error("{first}..{last} ends before it begins; write it as {last}..{first}")]
    Backward {
        /// What it begins with.
        first: BillingMonth,
        /// What it ends with.
        last: BillingMonth,
    },
}

impl BillingMonth {
    /// A month from 2000-01 to 9998-12.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        ((2000..=9998).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// The month a day (days since 1970-01-01) lies in.
    pub fn of_day(days: i32) -> Option<Self> {
        let date = civil_from_days(days);
        Self::new(date.year, date.month)
    }

    /// Reads Azure's range folder of one whole month, e.g. `20260701-20260731`.
    pub fn from_range_folder(name: &str) -> Option<Self> {
        let (first, last) = name.split_once('-')?;
        if first.len() != 8 || last.len() != 8 || !first.is_ascii() || !last.is_ascii() {
            return None;
        }
        let month = Self::new(first[..4].parse().ok()?, first[4..6].parse().ok()?)?;
        (&first[6..] == "01" && last == month.last_day_compact()).then_some(month)
    }

    /// Azure's range folder of this month.
    pub fn range_folder(self) -> String {
        format!("{:04}{:02}01-{}", self.year, self.month, self.last_day_compact())
    }

    fn last_day_compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.days())
    }

    /// Calendar year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// Calendar month, 1 to 12.
    pub fn month(self) -> u32 {
        self.month
    }

    /// Number of days.
    pub fn days(self) -> u32 {
        days_in_month(self.year, self.month)
    }

    /// First day, as days since 1970-01-01.
    pub fn first_day(self) -> i32 {
        days_from_civil(CivilDate { year: self.year, month: self.month, day: 1 })
    }

    /// Last day, as days since 1970-01-01.
    pub fn last_day(self) -> i32 {
        self.first_day() + self.days() as i32 - 1
    }

    /// Whether a day (days since 1970-01-01) lies in this month.
    pub fn contains(self, day: i32) -> bool {
        (self.first_day()..=self.last_day()).contains(&day)
    }

    /// The following month.
    #[must_use]
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self { year: self.year + 1, month: 1 }
        } else {
            Self { year: self.year, month: self.month + 1 }
        }
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        if self.month == 1 {
            Self { year: self.year - 1, month: 12 }
        } else {
            Self { year: self.year, month: self.month - 1 }
        }
    }

    /// Months from `first` through `last`; empty when `last` is earlier.
    pub fn range(first: Self, last: Self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(first), |month| Some(month.next()))
            .take_while(move |month| *month <= last)
    }

    /// Reads `YYYY-MM` as one month or `YYYY-MM..YYYY-MM` as a range, both
    /// ends included.
    pub fn parse_range(text: &str) -> Result<Vec<Self>, InvalidMonth> {
        let Some((first, last)) = text.split_once("..") else { return Ok(vec![text.parse()?]) };
        let (first, last): (Self, Self) = (first.parse()?, last.parse()?);
        if last < first {
            return Err(InvalidMonth::Backward { first, last });
        }
        Ok(Self::range(first, last).collect())
    }
}

impl fmt::Display for BillingMonth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for BillingMonth {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidMonth::Form(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(invalid)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(invalid());
        }
        let year = year.parse().map_err(|_| invalid())?;
        let month = month.parse().map_err(|_| invalid())?;
        Self::new(year, month).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_folders_are_whole_calendar_months() {
        let february: BillingMonth = "2024-02".parse().unwrap();
        assert_eq!(february.range_folder(), "20240201-20240229");
        assert_eq!(BillingMonth::from_range_folder("20240201-20240229"), Some(february));
        for bad in ["20240201-20240228", "20240202-20240229", "2024-02", "20241301-20241331"] {
            assert_eq!(BillingMonth::from_range_folder(bad), None, "{bad}");
        }
    }

    #[test]
    fn ranges_cross_years() {
        let months = BillingMonth::parse_range("2025-11..2026-02").unwrap();
        let text: Vec<String> = months.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["2025-11", "2025-12", "2026-01", "2026-02"]);
        assert!("2026-7".parse::<BillingMonth>().is_err());
    }

    #[test]
    fn a_range_that_is_none_says_why() {
        let told = |text| BillingMonth::parse_range(text).unwrap_err().to_string();
        assert_eq!(
            told("2026-02..2026-01"),
            "2026-02..2026-01 ends before it begins; write it as 2026-01..2026-02"
        );
        for (text, part) in [("2026-1..2026-02", "2026-1"), ("2026-01..", ""), ("x", "x")] {
            assert!(told(text).starts_with(&format!("{part:?} is not a month")), "{text}");
        }
    }
}
