//! The charge lines of a commitment: covered usage, unused, purchase, refund.
//!
//! Usage lies with the subscription whose machine it is, the rest with the one
//! that bought.

use std::fmt::Write;

use costlake_engine::model::{BillingMonth, ScopeType};

use super::cells::{MICRO, NumberStyle, day_text};
use super::columns::Column;
use super::commitments::{Commitment, Kind, Plan, PurchaseRow, UnusedOwner};
use super::line::{ChargeType, Files, Prices, Quantity, Terms};
use super::payments::{Payment, payments_in};
use super::resource::Resource;
use super::rows::{BlockBuilder, invoice_id};

impl BlockBuilder<'_> {
    /// Adds a commitment's lines: covered usage, unused, purchase, refund.
    /// Returns its position in the block.
    pub(super) fn commitment(&mut self, commitment: Commitment) -> usize {
        let position = self.block.commitments.len();
        let days = self.covered_days(&commitment);
        self.block.commitments.push(commitment.clone());
        let first = self.block.lines.len();
        if days != 0 {
            let used_days = days & !self.rest_days(&commitment);
            for member in 0..commitment.units {
                self.covered_member(&commitment, position, member, used_days);
            }
            if self.shows_unused() {
                let count = self.block.lines.len() - first;
                self.unused(&commitment, position, days, first, count);
            }
        }
        position
    }

    fn rest_days(&self, commitment: &Commitment) -> u32 {
        let month = self.context.month;
        (0..month.days())
            .filter(|day| commitment.rests_on(month.first_day() + *day as i32))
            .fold(0, |days, day| days | 1 << day)
    }

    fn covered_member(&mut self, commitment: &Commitment, position: usize, member: u32, days: u32) {
        let resource = commitment.member(member);
        let reserved = commitment.kind == Kind::Reservation;
        for (days, renamed) in self.by_name(resource.place, days) {
            self.start(resource.place, renamed, resource.line_key());
            let details = reserved.then(|| reservation_details(commitment, resource));
            self.fill_resource(resource, details.as_deref().unwrap_or(""));
            self.fill_commitment(commitment);
            let list = resource.meter().list_price(resource.region());
            let retail = self.context.options.scope == ScopeType::Subscription;
            let prices = Prices {
                payg: if reserved { 0 } else { list },
                unit: commitment.unit_price_filled.then_some(list),
                actual: 0,
                amortized: if retail { 0 } else { commitment.covered_price() },
            };
            self.fill_fixed_prices(prices);
            self.finish(
                resource.place,
                Terms {
                    days,
                    files: Files::Both,
                    charge_type: ChargeType::Usage,
                    quantity: Quantity::Hours { key: resource.line_key(), habit: commitment.habit },
                    prices,
                    style: NumberStyle::Plain,
                    exchange_rate: self.context.locked_rate(commitment),
                    currency: self.currency(resource.place),
                    commitment: Some(position),
                },
            );
        }
    }

    fn unused(
        &mut self,
        commitment: &Commitment,
        position: usize,
        days: u32,
        first: usize,
        count: usize,
    ) {
        let (charge_type, quantity) = match commitment.kind {
            Kind::Reservation => (
                ChargeType::UnusedReservation,
                Quantity::UnusedHours {
                    first,
                    count,
                    capacity: 24 * MICRO * i64::from(commitment.units),
                },
            ),
            Kind::SavingsPlan => (
                ChargeType::UnusedSavingsPlan,
                Quantity::UnusedAmount { first, count, daily: commitment.daily() },
            ),
        };
        for (days, renamed) in self.by_name(commitment.place, days) {
            self.start(commitment.place, renamed, commitment.key);
            self.fill_commitment(commitment);
            self.fill_unused_owner(commitment);
            self.cells.set(Column::UnitOfMeasure, "1 Hour");
            let prices =
                Prices { payg: 0, unit: None, actual: 0, amortized: commitment.covered_price() };
            self.fill_fixed_prices(prices);
            self.finish(
                commitment.place,
                Terms {
                    days,
                    files: Files::AmortizedOnly,
                    charge_type,
                    quantity,
                    prices,
                    style: NumberStyle::Plain,
                    exchange_rate: self.context.locked_rate(commitment),
                    currency: self.currency(commitment.place),
                    commitment: Some(position),
                },
            );
        }
    }

    /// An unused row names the meter and publisher rarely, the subscription
    /// not always, the customer mostly.
    fn fill_unused_owner(&mut self, commitment: &Commitment) {
        let zero = "00000000-0000-0000-0000-000000000000";
        match commitment.unused_owner {
            UnusedOwner::Subscription => return,
            UnusedOwner::NoSubscription => self.cells.set(Column::SubscriptionId, ""),
            UnusedOwner::ZeroSubscription => self.cells.set(Column::SubscriptionId, zero),
            UnusedOwner::NoCustomer => {
                self.cells.set(Column::SubscriptionId, "");
                self.cells.set(Column::CustomerTenantId, "");
                self.cells.set(Column::CustomerName, "");
            }
        }
        self.cells.set(Column::SubscriptionName, "");
        self.cells.set(Column::PublisherName, "");
    }

    /// Adds the purchase and refund rows of the block's commitments, which only
    /// billing accounts and profiles show, and only in the actual file.
    pub(super) fn purchases(&mut self) {
        if !self.shows_purchases() {
            return;
        }
        for payment in payments_in(&self.block.commitments, self.context.month) {
            self.payment(&payment);
        }
    }

    fn payment(&mut self, payment: &Payment) {
        let Payment { position, day, usd, units, charge_type } = *payment;
        let commitment = &self.block.commitments[position].clone();
        let renamed = self.is_renamed(commitment.place, day);
        self.start(commitment.place, renamed, commitment.key);
        self.fill_commitment(commitment);
        self.fill_meter(commitment.meter(), commitment.region());
        let product = match commitment.kind {
            Kind::Reservation => format!(
                "Reserved VM Instance, {}, {}, {} Years",
                commitment.meter().sku,
                commitment.region().name,
                commitment.term_months / 12
            ),
            Kind::SavingsPlan => {
                format!("Azure Savings Plan for Compute, {} Years", commitment.term_months / 12)
            }
        };
        self.cells.set(Column::ProductName, &product);
        self.cells.set(Column::ProductOrderName, &product);
        self.cells.set(Column::UnitOfMeasure, "1");
        self.cells.set(Column::ServicePeriodStartDate, &day_text(day));
        self.cells.set(Column::ServicePeriodEndDate, &day_text(commitment.expiry));
        let frequency = match commitment.plan {
            Plan::OneTime => "OneTime",
            Plan::Recurring => "Recurring",
        };
        self.cells.set(Column::Frequency, frequency);
        if matches!(commitment.purchase, PurchaseRow::Order | PurchaseRow::OrderWithNext(_)) {
            self.cells.set(Column::BenefitId, &commitment.order_path());
            if commitment.kind == Kind::Reservation {
                self.cells.set(Column::ReservationId, &commitment.order_id);
            }
        }
        let sign = if charge_type == ChargeType::Refund { -1 } else { 1 };
        if sign < 0 {
            let invoice =
                invoice_id(self.context.tenant, commitment.place, self.context.month.previous());
            self.cells.set(Column::PreviousInvoiceId, &invoice);
        }
        let price = usd / i128::from(units);
        let prices = Prices { payg: 0, unit: Some(price), actual: price, amortized: price };
        self.fill_fixed_prices(prices);
        self.finish(
            commitment.place,
            Terms {
                days: self.one_day(day),
                files: Files::ActualOnly,
                charge_type,
                quantity: Quantity::Fixed(sign * MICRO * i64::from(units)),
                prices,
                style: NumberStyle::Plain,
                exchange_rate: self.context.locked_rate(commitment),
                currency: self.currency(commitment.place),
                commitment: Some(position),
            },
        );
    }

    /// The cells that name a commitment.
    fn fill_commitment(&mut self, commitment: &Commitment) {
        let start = BillingMonth::of_day(commitment.start).unwrap_or(self.context.month);
        self.cells.set(Column::ExchangeRateDate, &day_text(start.first_day()));
        self.cells.set(Column::ProductOrderId, &commitment.order_id);
        self.cells.set(Column::ProductOrderName, &commitment.name);
        self.cells.set(Column::BenefitId, &commitment.benefit_id());
        self.cells.set(Column::BenefitName, &commitment.name);
        write!(self.cells.start(Column::Term), "{}", commitment.term_months)
            .expect("writing to a string cannot fail");
        self.cells.set(Column::IsAzureCreditEligible, "False");
        match commitment.kind {
            Kind::Reservation => {
                self.cells.set(Column::ReservationId, &commitment.id);
                self.cells.set(Column::ReservationName, &commitment.name);
                self.cells.set(Column::PricingModel, "Reservation");
            }
            Kind::SavingsPlan => {
                let spaced = commitment.key & 3 == 0;
                let model = if spaced { "Savings Plan" } else { "SavingsPlan" };
                self.cells.set(Column::PricingModel, model);
            }
        }
    }
}

fn reservation_details(commitment: &Commitment, resource: Resource) -> String {
    format!(
        ",\"RINormalizationRatio\":1,\"ReservationOrderId\":\"{}\",\"ReservationId\":\"{}\",\
         \"ConsumptionMeter\":\"{}\",\"VMCapacityReservationId\":\"\"",
        commitment.order_id,
        commitment.id,
        resource.meter().id(resource.region()),
    )
}
