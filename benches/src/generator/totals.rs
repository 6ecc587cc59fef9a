//! What the generator knows it has written: exact totals, for tests to compare
//! a loader with.
//!
//! Sums are taken over what a reader makes of each printed cell, rounded half
//! to even to 18 decimals, so they agree to the last digit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use costlake_engine::model::date::civil_from_days;
use costlake_engine::model::money::format_decimal;
use costlake_engine::model::{BillingMonth, ControlTotals, CurrencyTotals, DatasetType};
use serde_json::{Value, json};

use super::cells::{Money, NumberStyle};
use super::commitments::{Commitment, Kind, Plan};
use super::line::{Amounts, ChargeType};
use super::rows::Month;
use super::tenant::CURRENCIES;
use super::writer::Part;

/// Rows and cost of one charge type in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChargeTotals {
    /// Rows.
    pub rows: u64,
    /// Σ `costInBillingCurrency`, raw units of 10⁻¹⁸.
    pub cost_in_billing_currency: i128,
}

/// One export run: a dataset in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTotals {
    /// Which.
    pub dataset: DatasetType,
    /// The month.
    pub month: BillingMonth,
    /// `runInfo.runId`.
    pub run_id: String,
    /// The manifest, relative to the output directory.
    pub manifest: PathBuf,
    /// Data rows, headers not counted.
    pub rows: u64,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of CSV, uncompressed, headers included.
    pub csv_bytes: u64,
    /// Bytes of the blobs as stored.
    pub stored_bytes: u64,
    /// Totals by billing currency. Beside the cost files rows alone: by the
    /// currency of the price or transaction, under the empty name where the
    /// dataset has none.
    pub currencies: ControlTotals,
    /// Totals by billing currency and charge type. Of a price sheet rows by
    /// currency and price type; of transactions, rows and Σ `Amount` by currency
    /// and event type.
    pub charge_types: BTreeMap<(&'static str, &'static str), ChargeTotals>,
    /// Of reservation details.
    pub hours: ReservationHours,
}

/// Hours in reservation details, as the cells add up; raw units of 10⁻¹⁸.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReservationHours {
    /// Σ `UsedHours`.
    pub used: i128,
    /// Σ `ReservedHours`, which some reservations repeat on every row.
    pub reserved: i128,
}

impl RunTotals {
    /// A run of parts that have their names, nothing of its rows counted but
    /// their number.
    pub(super) fn of_parts(
        dataset: DatasetType,
        month: BillingMonth,
        run_id: String,
        manifest: PathBuf,
        parts: &[Part],
    ) -> Self {
        Self {
            dataset,
            month,
            run_id,
            manifest,
            rows: parts.iter().map(|part| part.rows).sum(),
            blobs: parts.len() as u64,
            csv_bytes: parts.iter().map(|part| part.csv_bytes).sum(),
            stored_bytes: parts.iter().map(|part| part.stored_bytes).sum(),
            currencies: ControlTotals::default(),
            charge_types: BTreeMap::new(),
            hours: ReservationHours::default(),
        }
    }
}

/// What a commitment did in a month, in its billing currency, raw units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitmentMonth {
    /// Σ cost of the amortized file's covered usage.
    pub used: i128,
    /// Σ cost of the amortized file's unused rows.
    pub unused: i128,
    /// Its part of purchases billed in the month.
    pub purchased: i128,
    /// Its part of refunds paid in the month, positive.
    pub refunded: i128,
}

/// One reservation or savings plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentTotals {
    /// `Reservation` or `SavingsPlan`.
    pub kind: &'static str,
    /// ARM path, as in `benefitId` of usage rows.
    pub benefit_id: String,
    /// The order.
    pub order_id: String,
    /// The reservation or savings plan.
    pub id: String,
    /// Display name.
    pub name: String,
    /// 12, 36 or 60.
    pub term_months: u32,
    /// `OneTime` or `Recurring`.
    pub frequency: &'static str,
    /// First day, days since 1970-01-01.
    pub purchase_day: i32,
    /// First day after the term.
    pub expiry_day: i32,
    /// First day no longer covered, where it was returned before its expiry.
    pub returned_day: Option<i32>,
    /// Billing currency.
    pub billing_currency: &'static str,
    /// Cost of one day, used and unused together, raw US dollars, exact.
    pub daily_usd: i128,
    /// Price of the whole term in billing currency, raw units; for a
    /// commitment billed monthly, the sum of all its months.
    pub purchased_amount: i128,
    /// Months it was seen or paid in.
    pub months: BTreeMap<BillingMonth, CommitmentMonth>,
}

/// Everything written by one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeneratedTotals {
    /// Every run, by month and dataset; also the transactions of the month before
    /// the tenant's first.
    pub runs: Vec<RunTotals>,
    /// Every commitment, the showcase's first.
    pub commitments: Vec<CommitmentTotals>,
}

impl GeneratedTotals {
    /// Data rows of all runs.
    pub fn rows(&self) -> u64 {
        self.runs.iter().map(|run| run.rows).sum()
    }

    /// Bytes of CSV of all runs, uncompressed.
    pub fn csv_bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.csv_bytes).sum()
    }

    /// Bytes as stored, manifests not counted.
    pub fn stored_bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.stored_bytes).sum()
    }

    /// The run of a dataset and month.
    pub fn run(&self, dataset: DatasetType, month: BillingMonth) -> Option<&RunTotals> {
        self.runs.iter().find(|run| run.dataset == dataset && run.month == month)
    }

    /// As `totals.json`: decimals as exact texts, months as `YYYY-MM`, days as
    /// ISO dates.
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows(),
            "csv_bytes": self.csv_bytes(),
            "stored_bytes": self.stored_bytes(),
            "runs": self.runs.iter().map(run_json).collect::<Vec<_>>(),
            "commitments": self.commitments.iter().map(commitment_json).collect::<Vec<_>>(),
        })
    }
}

fn run_json(run: &RunTotals) -> Value {
    let charge_types: Vec<Value> = run
        .charge_types
        .iter()
        .map(|((currency, charge_type), totals)| {
            json!({
                "billing_currency": currency,
                "charge_type": charge_type,
                "rows": totals.rows,
                "cost_in_billing_currency": format_decimal(totals.cost_in_billing_currency),
            })
        })
        .collect();
    json!({
        "dataset": run.dataset.azure_name(),
        "month": run.month.to_string(),
        "run_id": run.run_id,
        "manifest": run.manifest.to_string_lossy(),
        "rows": run.rows,
        "blobs": run.blobs,
        "csv_bytes": run.csv_bytes,
        "stored_bytes": run.stored_bytes,
        "currencies": run.currencies.to_json(),
        "charge_types": charge_types,
        "used_hours": format_decimal(run.hours.used),
        "reserved_hours": format_decimal(run.hours.reserved),
    })
}

fn commitment_json(commitment: &CommitmentTotals) -> Value {
    let months: Vec<Value> = commitment
        .months
        .iter()
        .map(|(month, totals)| {
            json!({
                "month": month.to_string(),
                "used": format_decimal(totals.used),
                "unused": format_decimal(totals.unused),
                "purchased": format_decimal(totals.purchased),
                "refunded": format_decimal(totals.refunded),
            })
        })
        .collect();
    let reservation = commitment.kind == "Reservation";
    json!({
        "kind": commitment.kind,
        "benefit_id": commitment.benefit_id,
        "order_id": commitment.order_id,
        "id": commitment.id,
        "reservation_id": reservation.then_some(&commitment.id),
        "name": commitment.name,
        "term_months": commitment.term_months,
        "frequency": commitment.frequency,
        "purchase_date": iso_day(commitment.purchase_day),
        "expiry_date": iso_day(commitment.expiry_day),
        "returned_date": commitment.returned_day.map(iso_day),
        "billing_currency": commitment.billing_currency,
        "daily_usd": format_decimal(commitment.daily_usd),
        "purchased_amount": format_decimal(commitment.purchased_amount),
        "months": months,
    })
}

/// A day (since 1970-01-01) as `YYYY-MM-DD`.
pub(super) fn iso_day(day: i32) -> String {
    let date = civil_from_days(day);
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

/// Sums of one month of one dataset, cheap to add to.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums([[Sum; ChargeType::ALL.len()]; CURRENCIES.len()]);

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    rows: u64,
    cost: i128,
    payg_cost: i128,
    cost_usd: i128,
}

impl Sums {
    /// Adds a row.
    pub(super) fn add(&mut self, currency: usize, charge_type: ChargeType, amounts: &Amounts) {
        let sum = &mut self.0[currency][charge_type as usize];
        sum.rows += 1;
        sum.cost += amounts.cost.raw;
        sum.payg_cost += amounts.payg_cost.raw;
        sum.cost_usd += amounts.cost_usd;
    }

    /// Adds other sums.
    pub(super) fn merge(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            sum.rows += more.rows;
            sum.cost += more.cost;
            sum.payg_cost += more.payg_cost;
            sum.cost_usd += more.cost_usd;
        }
    }

    /// Totals by currency. `with_payg` says whether the layout has the column
    /// of list costs; a reader finds nothing to add where it has not.
    pub(super) fn currencies(&self, with_payg: bool) -> ControlTotals {
        let mut totals = ControlTotals::default();
        for (currency, sums) in CURRENCIES.iter().zip(&self.0) {
            for sum in sums.iter().filter(|sum| sum.rows > 0) {
                let one = CurrencyTotals {
                    rows: sum.rows,
                    cost_in_billing_currency: sum.cost,
                    payg_cost_in_billing_currency: if with_payg { sum.payg_cost } else { 0 },
                    cost_in_usd: sum.cost_usd,
                };
                totals.add(currency, &one).expect("a row costs less than 10⁹, so sums fit");
            }
        }
        totals
    }

    /// Totals by currency and charge type.
    pub(super) fn charge_types(&self) -> BTreeMap<(&'static str, &'static str), ChargeTotals> {
        let mut totals = BTreeMap::new();
        for (currency, sums) in CURRENCIES.iter().zip(&self.0) {
            for (charge_type, sum) in ChargeType::ALL.iter().zip(sums) {
                if sum.rows > 0 {
                    let one = ChargeTotals { rows: sum.rows, cost_in_billing_currency: sum.cost };
                    totals.insert((*currency, charge_type.name()), one);
                }
            }
        }
        totals
    }
}

/// The part of a commitment's totals that does not come from rows.
pub(super) fn describe(commitment: &Commitment, month: &Month<'_>) -> CommitmentTotals {
    let tenant = month.tenant;
    let profile = tenant.profile_of(commitment.place.customer);
    let whole = commitment.daily() * i128::from(commitment.expiry - commitment.start);
    CommitmentTotals {
        kind: match commitment.kind {
            Kind::Reservation => "Reservation",
            Kind::SavingsPlan => "SavingsPlan",
        },
        benefit_id: commitment.benefit_id(),
        order_id: commitment.order_id.clone(),
        id: commitment.id.clone(),
        name: commitment.name.clone(),
        term_months: commitment.term_months,
        frequency: match commitment.plan {
            Plan::OneTime => "OneTime",
            Plan::Recurring => "Recurring",
        },
        purchase_day: commitment.start,
        expiry_day: commitment.expiry,
        returned_day: (commitment.end < commitment.expiry).then_some(commitment.end),
        billing_currency: CURRENCIES[profile.currency],
        daily_usd: commitment.daily(),
        purchased_amount: billed(commitment, month, whole),
        months: BTreeMap::new(),
    }
}

/// What was paid and paid back for a commitment in a month.
pub(super) fn payments(commitment: &Commitment, month: &Month<'_>) -> CommitmentMonth {
    let amount =
        |paid: Option<(i32, i128)>| paid.map_or(0, |(_, usd)| billed(commitment, month, usd));
    CommitmentMonth {
        purchased: amount(commitment.purchase_in(month.month)),
        refunded: amount(commitment.refund_in(month.month)),
        ..CommitmentMonth::default()
    }
}

fn billed(commitment: &Commitment, month: &Month<'_>, usd: i128) -> i128 {
    Money::product(usd, month.locked_rate(commitment), NumberStyle::Plain).raw
}
