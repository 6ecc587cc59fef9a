//! Reservation transactions: purchases and refunds of reservation orders by the
//! day they happened, MCA 2023-05-01.
//!
//! One row per purchase or refund row of a reservation in the month's actual
//! cost file, with the same amount; a refund's is negative. An order billed
//! monthly has a purchase in each of its months. Savings plans have none.

use super::GeneratorError;
use super::cells::{Money, NumberStyle, plain_text};
use super::commitments::{Commitment, Kind, Plan, groups};
use super::line::ChargeType;
use super::payments::{Payment, payments_in};
use super::rows::{Month, invoice_id};
use super::sheet::{Counted, Row, Sheet};
use super::tenant::CURRENCIES;
use super::totals::iso_day;

/// Azure's columns, in the order of its schema page.
pub(super) const COLUMNS: [&str; 20] = [
    "Amount",
    "ArmSkuName",
    "BillingFrequency",
    "BillingProfileId",
    "BillingProfileName",
    "Currency",
    "Description",
    "EventDate",
    "EventType",
    "Invoice",
    "InvoiceId",
    "InvoiceSectionId",
    "InvoiceSectionName",
    "PurchasingSubscriptionGuid",
    "PurchasingSubscriptionName",
    "Quantity",
    "Region",
    "ReservationOrderId",
    "ReservationOrderName",
    "Term",
];

/// Writes the rows, by order.
pub(super) fn write(
    month: &Month<'_>,
    committed: u64,
    sheet: &mut Sheet<'_>,
) -> Result<(), GeneratorError> {
    for commitments in groups(month.tenant, committed) {
        for payment in payments_in(&commitments, month.month) {
            let commitment = &commitments[payment.position];
            if commitment.kind == Kind::Reservation {
                push(month, sheet, commitment, &payment)?;
            }
        }
    }
    Ok(())
}

fn push(
    month: &Month<'_>,
    sheet: &mut Sheet<'_>,
    commitment: &Commitment,
    payment: &Payment,
) -> Result<(), GeneratorError> {
    let tenant = month.tenant;
    let profile = tenant.profile_of(commitment.place.customer);
    let subscription = tenant.subscription(commitment.place);
    let (meter, region) = (commitment.meter(), commitment.region());
    let sign = if payment.charge_type == ChargeType::Refund { -1 } else { 1 };
    let rate = month.locked_rate(commitment);
    let amount = Money::product(sign * payment.usd, rate, NumberStyle::Plain).raw;
    let years = commitment.term_months / 12;
    let currency = CURRENCIES[profile.currency];
    let mut row = Row::new(&COLUMNS);
    row.set("Amount", plain_text(amount));
    row.set("ArmSkuName", meter.sku);
    row.set(
        "BillingFrequency",
        match commitment.plan {
            Plan::OneTime => "OneTime",
            Plan::Recurring => "Recurring",
        },
    );
    row.set("BillingProfileId", month.profile_spelling(&profile.id, 1));
    row.set("BillingProfileName", profile.name);
    row.set("Currency", currency);
    row.set("Description", format!("{} {} {years} Year", meter.sku, region.location));
    row.set("EventDate", format!("{}T10:22:31Z", iso_day(payment.day)));
    row.set("EventType", payment.charge_type.name());
    if !month.is_open() {
        let invoice = invoice_id(tenant, commitment.place, month.month);
        row.set("Invoice", invoice.as_str());
        row.set("InvoiceId", invoice);
    }
    row.set("PurchasingSubscriptionGuid", &subscription.id);
    row.set("PurchasingSubscriptionName", &subscription.name);
    row.set("Quantity", payment.units.to_string());
    row.set("Region", region.location);
    row.set("ReservationOrderId", commitment.order_id.to_ascii_uppercase());
    row.set("ReservationOrderName", &commitment.name);
    row.set("Term", format!("P{years}Y"));
    let kind = Some(payment.charge_type.name());
    sheet.push(&row, Counted { currency, kind, amount, ..Counted::default() })
}
