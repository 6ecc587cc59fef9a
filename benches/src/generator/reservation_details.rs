//! Reservation details: hours reserved and used, by reservation, resource and
//! day, MCA 2023-03-01.
//!
//! The resources are those of the amortized file's covered usage, and their
//! hours its quantities. Reserved hours of a day are 24 for each machine. They
//! stand on one row of the day: that of the unused rest or, where nothing is
//! unused, the first resource's; all other rows say 0. [`Details`] names the
//! reservations that differ. Ids are in upper case from some day of the month.

use costlake_engine::model::money::ONE;

use super::GeneratorError;
use super::cells::{MICRO, plain_text};
use super::commitments::{Commitment, Details, Kind, groups};
use super::line::hours;
use super::rows::Month;
use super::sheet::{Counted, Row, Sheet};
use super::totals::{ReservationHours, iso_day};

/// Azure's columns, in the order of its schema page.
pub(super) const COLUMNS: [&str; 11] = [
    "InstanceFlexibilityGroup",
    "InstanceFlexibilityRatio",
    "InstanceId",
    "Kind",
    "ReservationOrderId",
    "ReservationId",
    "ReservedHours",
    "SkuName",
    "TotalReservedQuantity",
    "UsageDate",
    "UsedHours",
];

/// Day of each month that a reservation with [`Details::DayMissing`] lacks.
const MISSING_DAY: i32 = 13;
/// Day of the month from which ids are in upper case.
const UPPER_CASE_DAY: i32 = 21;

/// A row of a day, before its reserved hours are known.
struct Used<'a> {
    /// Empty where nothing used the hours.
    instance_id: &'a str,
    /// Raw units of hours.
    hours: i128,
}

/// Writes the rows, by reservation and day.
pub(super) fn write(
    month: &Month<'_>,
    committed: u64,
    sheet: &mut Sheet<'_>,
) -> Result<(), GeneratorError> {
    let reservations = groups(month.tenant, committed)
        .flatten()
        .filter(|commitment| commitment.kind == Kind::Reservation);
    for reservation in reservations {
        let Some((first, days)) = reservation.days_in(month.month) else { continue };
        let instance_ids: Vec<String> = (0..reservation.units)
            .map(|member| reservation.member(member).id(month.tenant))
            .collect();
        for day in first..first + days {
            let number = day - month.month.first_day() + 1;
            if reservation.details == Details::DayMissing && number == MISSING_DAY {
                continue;
            }
            let used = used_on(&reservation, &instance_ids, day);
            write_day(sheet, &reservation, &used, day, number >= UPPER_CASE_DAY)?;
        }
    }
    Ok(())
}

/// What used a reservation on a day, the unused rest last.
fn used_on<'a>(reservation: &Commitment, instance_ids: &'a [String], day: i32) -> Vec<Used<'a>> {
    let running = if reservation.rests_on(day) { &[] } else { instance_ids };
    let mut used: Vec<Used<'a>> = (0..)
        .zip(running)
        .map(|(member, instance_id)| {
            let line_key = reservation.member(member).line_key();
            let machine_hours =
                i128::from(hours(line_key, reservation.habit, day)) * (ONE / i128::from(MICRO));
            let hours = match reservation.details {
                Details::HalfSized => machine_hours / 2,
                _ => machine_hours,
            };
            Used { instance_id, hours }
        })
        .collect();
    if used.iter().map(|row| row.hours).sum::<i128>() < reserved_hours(reservation) {
        used.push(Used { instance_id: "", hours: 0 });
    }
    used
}

/// Hours reserved on a day, raw units.
fn reserved_hours(reservation: &Commitment) -> i128 {
    24 * ONE * i128::from(reservation.units)
}

fn write_day(
    sheet: &mut Sheet<'_>,
    reservation: &Commitment,
    used: &[Used<'_>],
    day: i32,
    upper_case: bool,
) -> Result<(), GeneratorError> {
    let meter = reservation.meter();
    let spelled = |id: &str| if upper_case { id.to_ascii_uppercase() } else { id.to_owned() };
    let rest = used.iter().position(|row| row.instance_id.is_empty());
    let told_on = rest.unwrap_or(0);
    for (position, one) in used.iter().enumerate() {
        let told = reservation.details == Details::Repeated || position == told_on;
        let hours = ReservationHours {
            used: one.hours,
            reserved: if told { reserved_hours(reservation) } else { 0 },
        };
        let half_sized = reservation.details == Details::HalfSized;
        let mut row = Row::new(&COLUMNS);
        row.set("InstanceFlexibilityGroup", meter.flexibility_group());
        row.set("InstanceFlexibilityRatio", if half_sized { "2" } else { "1" });
        row.set("InstanceId", spelled(one.instance_id));
        row.set("Kind", "Reservation");
        row.set("ReservationOrderId", spelled(&reservation.order_id));
        row.set("ReservationId", spelled(&reservation.id));
        row.set("ReservedHours", plain_text(hours.reserved));
        row.set("SkuName", meter.sku);
        row.set("TotalReservedQuantity", reservation.units.to_string());
        row.set("UsageDate", iso_day(day));
        row.set("UsedHours", plain_text(hours.used));
        sheet.push(&row, Counted { hours, ..Counted::default() })?;
    }
    Ok(())
}
