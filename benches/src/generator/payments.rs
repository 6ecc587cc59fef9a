//! What is paid, and paid back, for commitments in a month.
//!
//! Input: the commitments of a block. Output: one payment per row of the actual
//! file, and for reservations per row of the transactions file.

use costlake_engine::model::BillingMonth;

use super::commitments::{Commitment, PurchaseRow};
use super::line::ChargeType;

/// A purchase or a refund of an order.
pub(super) struct Payment {
    /// Position of the commitment it is told with.
    pub(super) position: usize,
    /// Days since 1970-01-01.
    pub(super) day: i32,
    /// Amount, positive also where paid back; raw US dollars.
    pub(super) usd: i128,
    /// Machines, or plans.
    pub(super) units: u32,
    /// `Purchase` or `Refund`.
    pub(super) charge_type: ChargeType,
}

/// The payments of a month, by commitment.
pub(super) fn payments_in(commitments: &[Commitment], month: BillingMonth) -> Vec<Payment> {
    let mut payments = Vec::new();
    for (position, commitment) in commitments.iter().enumerate() {
        let units = commitment.sold_units();
        if let Some((day, usd)) = commitment.purchase_in(month) {
            let (usd, units) = match commitment.purchase {
                PurchaseRow::Elsewhere => continue,
                PurchaseRow::OrderWithNext(next) => {
                    order_total(&commitments[position..=position + next], month)
                }
                PurchaseRow::Benefit | PurchaseRow::Order => (usd, units),
            };
            let charge_type = ChargeType::Purchase;
            payments.push(Payment { position, day, usd, units, charge_type });
        }
        if let Some((day, usd)) = commitment.refund_in(month) {
            let charge_type = ChargeType::Refund;
            payments.push(Payment { position, day, usd, units, charge_type });
        }
    }
    payments
}

/// Amount and units of an order with several reservations.
fn order_total(order: &[Commitment], month: BillingMonth) -> (i128, u32) {
    let sold = |one: &Commitment| Some((one.purchase_in(month)?.1, one.sold_units()));
    order.iter().filter_map(sold).fold((0, 0), |total, one| (total.0 + one.0, total.1 + one.1))
}
