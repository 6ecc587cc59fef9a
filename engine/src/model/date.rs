//! Days as Arrow's `Date32` counts them: days since 1970-01-01, UTC.
//!
//! The civil calendar algorithms are Howard Hinnant's `days_from_civil` and
//! `civil_from_days`.

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Microseconds of a day.
pub const DAY_US: i64 = 1_000 * DAY_MS;

/// A calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilDate {
    /// Year, 1 to 9999.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, from 1.
    pub day: u32,
}

/// Number of days in a month.
pub const fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a valid calendar day.
pub const fn days_from_civil(date: CivilDate) -> i32 {
    let year = if date.month <= 2 { date.year - 1 } else { date.year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (date.month as i32 + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + date.day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The calendar day of a count of days since 1970-01-01.
pub const fn civil_from_days(days: i32) -> CivilDate {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    CivilDate { year, month: month as u32, day }
}

/// A count of days since 1970-01-01 as `YYYY-MM-DD`.
pub fn format_date(days: i32) -> String {
    let date = civil_from_days(days);
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

/// Reads `MM/DD/YYYY` (also `M/D/YYYY`), `YYYY-MM-DD`, or ISO with a time part
/// (`YYYY-MM-DDT…`), of which the day is taken. Returns `None` for anything
/// else, days that do not exist included.
pub fn parse_date(text: &[u8]) -> Option<i32> {
    let date = if text.len() >= 10 && text[4] == b'-' {
        if text[7] != b'-' || (text.len() > 10 && !matches!(text[10], b'T' | b' ')) {
            return None;
        }
        CivilDate {
            year: digits(&text[..4])? as i32,
            month: digits(&text[5..7])?,
            day: digits(&text[8..10])?,
        }
    } else {
        let mut parts = text.split(|&byte| byte == b'/');
        let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 || month.len() > 2 || day.len() > 2 {
            return None;
        }
        CivilDate { year: digits(year)? as i32, month: digits(month)?, day: digits(day)? }
    };
    let exists = date.year >= 1
        && (1..=12).contains(&date.month)
        && date.day >= 1
        && date.day <= days_in_month(date.year, date.month);
    exists.then(|| days_from_civil(date))
}

fn digits(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0, |number, &byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_round_trips() {
        let mut expected = days_from_civil(CivilDate { year: 1899, month: 12, day: 31 });
        for year in 1900..2300 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    let date = CivilDate { year, month, day };
                    expected += 1;
                    assert_eq!(days_from_civil(date), expected);
                    assert_eq!(civil_from_days(expected), date);
                }
            }
        }
        assert_eq!(days_from_civil(CivilDate { year: 1970, month: 1, day: 1 }), 0);
    }

    #[test]
    fn both_spellings_are_read_and_days_that_do_not_exist_are_not() {
        assert_eq!(parse_date(b"07/01/2026"), parse_date(b"2026-07-01"));
        assert_eq!(parse_date(b"3/1/2021"), parse_date(b"2021-03-01T00:00:00Z"));
        for bad in [
            "02/29/2026",
            "13/01/2026",
            "2026-13-01",
            "2026-07-01x",
            "",
            "7/1/26",
            "2026/07/01",
            "00/10/2026",
            "07-01-2026",
        ] {
            assert_eq!(parse_date(bad.as_bytes()), None, "{bad}");
        }
    }
}
