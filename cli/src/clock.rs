//! The present. Whoever computes with it takes it as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use costlake_engine::model::date::DAY_US;
use costlake_engine::model::period::BillingMonth;

/// Microseconds since the epoch.
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    now_us() / 1_000
}

/// Days since 1970-01-01, UTC.
pub fn today() -> i32 {
    i32::try_from(now_us() / DAY_US).unwrap_or(i32::MAX)
}

/// The calendar month, UTC.
pub fn current_month() -> BillingMonth {
    BillingMonth::of_day(today()).expect("the present lies between 2000 and 9998")
}
