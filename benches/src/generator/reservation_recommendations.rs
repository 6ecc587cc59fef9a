//! Reservation recommendations: reservations that would save money on usage
//! that is on demand, MCA 2023-05-01.
//!
//! The machines are those the showcase runs on demand in every month. Money is
//! in the currency of the scope's first customer, as the file names none;
//! `Net Savings` is exactly the cost without less the cost with reservations.

use super::GeneratorError;
use super::catalog::{D4S, E8S, F16S, METERS, REGIONS};
use super::cells::{Money, NumberStyle, percent, plain_text};
use super::rows::Month;
use super::sheet::{Counted, Row, Sheet};
use super::totals::iso_day;

/// Azure's columns, in the order of its schema page.
pub(super) const COLUMNS: [&str; 18] = [
    "Cost With No ReservedInstances",
    "First UsageDate",
    "Instance Flexibility Ratio",
    "Instance Flexibility Group",
    "Location",
    "LookBackPeriod",
    "MeterID",
    "Net Savings",
    "Normalized Size",
    "Recommended Quantity",
    "Recommended Quantity Normalized",
    "ResourceType",
    "scope",
    "SkuName",
    "Sku Properties",
    "SubscriptionId",
    "Term",
    "Total Cost With ReservedInstances",
];

/// What is looked at, with both terms.
struct Advice {
    meter: usize,
    /// Smallest size of the meter's flexibility group, and how many of it make
    /// one machine.
    smallest: (&'static str, u32),
    scope: &'static str,
    look_back_days: i32,
    machines: u32,
}

const fn advice(
    meter: usize,
    smallest: (&'static str, u32),
    scope: &'static str,
    look_back_days: i32,
    machines: u32,
) -> Advice {
    Advice { meter, smallest, scope, look_back_days, machines }
}

const ADVICE: [Advice; 6] = [
    advice(D4S, ("Standard_D2s_v5", 2), "Shared", 30, 3),
    advice(D4S, ("Standard_D2s_v5", 2), "Single", 30, 1),
    advice(D4S, ("Standard_D2s_v5", 2), "Shared", 7, 3),
    advice(E8S, ("Standard_E2s_v5", 4), "Shared", 60, 2),
    advice(E8S, ("Standard_E2s_v5", 4), "Single", 7, 1),
    advice(F16S, ("Standard_F2s_v2", 8), "Shared", 30, 1),
];

/// Terms, and the share of the negotiated price that each costs.
const TERMS: [(&str, i128); 2] = [("P1Y", 61), ("P3Y", 41)];

/// Writes the rows.
pub(super) fn write(month: &Month<'_>, sheet: &mut Sheet<'_>) -> Result<(), GeneratorError> {
    for advice in &ADVICE {
        for (term, share) in TERMS {
            sheet.push(&row(month, advice, term, share), Counted::default())?;
        }
    }
    Ok(())
}

fn row(month: &Month<'_>, advice: &Advice, term: &str, share: i128) -> Row {
    let (meter, region) = (&METERS[advice.meter], &REGIONS[0]);
    let place = month.tenant.nth_place(0);
    let profile = month.tenant.profile_of(place.customer);
    let rate = month.exchange_rates[profile.currency];
    let hours = i128::from(advice.look_back_days) * 24 * i128::from(advice.machines);
    let without = percent(meter.list_price(region), 100 - profile.discount_percent) * hours;
    let billed = |usd| Money::product(usd, rate, NumberStyle::Plain).raw;
    let (cost_without, cost_with) = (billed(without), billed(percent(without, share)));
    let (smallest, ratio) = advice.smallest;
    let resource_type = meter.resource_type.rsplit('/').next().unwrap_or_default();
    let mut row = Row::new(&COLUMNS);
    row.set("Cost With No ReservedInstances", plain_text(cost_without));
    row.set("First UsageDate", iso_day(month.month.last_day() - advice.look_back_days + 1));
    row.set("Instance Flexibility Ratio", ratio.to_string());
    row.set("Instance Flexibility Group", meter.flexibility_group());
    row.set("Location", region.name);
    row.set("LookBackPeriod", format!("Last{}Days", advice.look_back_days));
    row.set("MeterID", meter.id(region));
    row.set("Net Savings", plain_text(cost_without - cost_with));
    row.set("Normalized Size", smallest);
    row.set("Recommended Quantity", advice.machines.to_string());
    row.set("Recommended Quantity Normalized", (advice.machines * ratio).to_string());
    row.set("ResourceType", resource_type);
    row.set("scope", advice.scope);
    row.set("SkuName", meter.sku);
    row.set("Sku Properties", format!("[{{\"Name\":\"Cores\",\"Value\":\"{}\"}}]", meter.vcpus));
    if advice.scope == "Single" {
        row.set("SubscriptionId", &month.tenant.subscription(place).id);
    }
    row.set("Term", term);
    row.set("Total Cost With ReservedInstances", plain_text(cost_with));
    row
}
