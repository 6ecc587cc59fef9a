//! Reservations and savings plans: what was bought, when, and what a day of it
//! costs.
//!
//! How the amounts are made to agree: a commitment has one **daily amount**,
//! exact in US dollars. On each of its days the amortized file's used and
//! unused rows add up to it. A one-time purchase is the daily amount times the
//! days of the term; a recurring one, billed on the first day of the
//! commitment in each calendar month, is the daily amount times the
//! commitment's days in that month; a refund is the daily amount times the days
//! given back. All rows of a commitment carry the exchange rate of its purchase
//! month, so that in billing currency the sums agree too, but for the rounding
//! of each row to 18 decimals.

use costlake_engine::model::BillingMonth;
use costlake_engine::model::date::{CivilDate, civil_from_days, days_from_civil, days_in_month};
use costlake_engine::model::money::ONE;

use super::catalog::{
    B2MS, D4S, E8S, F16S, M208S, MANAGED_INSTANCE, METERS, Meter, REGIONS, Region,
};
use super::cells::percent;
use super::random::{Random, guid, key, mix};
use super::resource::Resource;
use super::tenant::{Place, Tenant};

/// What kind of commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number of machines of one meter and region.
    Reservation,
    /// An hourly amount for any machine.
    SavingsPlan,
}

/// How the purchase is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    OneTime,
    Recurring,
}

/// What the purchase row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PurchaseRow {
    /// The reservation or plan itself.
    Benefit,
    /// The order: `reservationId` is the order id and `benefitId` ends in a
    /// bare `/reservations/`.
    Order,
    /// The order, with the amount of this and that many following reservations
    /// of the same order.
    OrderWithNext(usize),
    /// None of its own: another reservation of the order has it.
    Elsewhere,
}

/// Whom an unused row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnusedOwner {
    Subscription,
    NoSubscription,
    ZeroSubscription,
    NoCustomer,
}

/// How much of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// 24 hours every day.
    Always,
    /// 24 hours on three of four days.
    Mostly,
    /// A few hours.
    Sparse,
}

/// Which days a commitment's machines rest, whatever their habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Never,
    Weekends,
}

/// How the reservation details file differs from the cost file by design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Details {
    /// It does not.
    AsCost,
    /// Reserved hours are repeated on every row of a day.
    Repeated,
    /// Instances of half the reserved size: an hour of one uses half an hour of
    /// the reservation, which the cost file's quantity does not show.
    HalfSized,
    /// One day is not in the file.
    DayMissing,
}

/// One reservation or savings plan.
#[derive(Clone, Debug)]
pub(super) struct Commitment {
    pub(super) key: u64,
    pub(super) kind: Kind,
    pub(super) order_id: String,
    pub(super) id: String,
    pub(super) name: String,
    /// Who bought it.
    pub(super) place: Place,
    /// Subscriptions of that customer whose machines use it in turn, the
    /// purchasing one first.
    pub(super) users: Vec<Place>,
    /// The reserved meter; for a savings plan, what it is used for.
    pub(super) meter: usize,
    pub(super) region: usize,
    /// Machines reserved; for a savings plan, machines that use it.
    pub(super) units: u32,
    /// Price of one machine and hour; for a savings plan, the committed amount
    /// of one hour. US dollars, at most 12 decimals.
    pub(super) hourly: i128,
    pub(super) term_months: u32,
    /// First day, days since 1970-01-01.
    pub(super) start: i32,
    /// First day no longer covered: expiry, or earlier when returned.
    pub(super) end: i32,
    /// First day after the term.
    pub(super) expiry: i32,
    pub(super) plan: Plan,
    pub(super) purchase: PurchaseRow,
    pub(super) unused_owner: UnusedOwner,
    pub(super) habit: Habit,
    pub(super) rest: Rest,
    pub(super) details: Details,
    /// Whether usage rows fill `unitPrice`; sources contradict each other.
    pub(super) unit_price_filled: bool,
}

impl Commitment {
    /// What one day costs, US dollars, exact.
    pub(super) fn daily(&self) -> i128 {
        match self.kind {
            Kind::Reservation => self.hourly * 24 * i128::from(self.units),
            Kind::SavingsPlan => self.hourly * 24,
        }
    }

    /// The n-th machine that uses it.
    pub(super) fn member(&self, member: u32) -> Resource {
        Resource {
            key: mix(self.key ^ (u64::from(member) + 1)),
            place: self.users[member as usize % self.users.len()],
            meter: self.meter,
            region: self.region,
        }
    }

    /// Whether its machines rest on a day since 1970-01-01, a Thursday.
    pub(super) fn rests_on(&self, day: i32) -> bool {
        self.rest == Rest::Weekends && matches!((day + 4).rem_euclid(7), 0 | 6)
    }

    /// Units it is sold in: machines, or one plan.
    pub(super) fn sold_units(&self) -> u32 {
        match self.kind {
            Kind::Reservation => self.units,
            Kind::SavingsPlan => 1,
        }
    }

    /// ARM path of the benefit.
    pub(super) fn benefit_id(&self) -> String {
        format!("{}{}", self.order_path(), self.id)
    }

    /// The path up to the benefit's own id.
    pub(super) fn order_path(&self) -> String {
        match self.kind {
            Kind::Reservation => format!(
                "/providers/Microsoft.Capacity/reservationOrders/{}/reservations/",
                self.order_id
            ),
            Kind::SavingsPlan => format!(
                "/providers/Microsoft.BillingBenefits/savingsPlanOrders/{}/savingsPlans/",
                self.order_id
            ),
        }
    }

    /// The reserved or used meter.
    pub(super) fn meter(&self) -> &'static Meter {
        &METERS[self.meter]
    }

    /// The region.
    pub(super) fn region(&self) -> &'static Region {
        &REGIONS[self.region]
    }

    /// Price of a covered hour in the amortized file.
    pub(super) fn covered_price(&self) -> i128 {
        match self.kind {
            Kind::Reservation => self.hourly,
            Kind::SavingsPlan => percent(self.meter().list_price(self.region()), PLAN_PERCENT),
        }
    }

    /// First covered day in a month and the number of covered days in it.
    pub(super) fn days_in(&self, month: BillingMonth) -> Option<(i32, i32)> {
        let first = self.start.max(month.first_day());
        let end = self.end.min(month.last_day() + 1);
        (first < end).then_some((first, end - first))
    }

    /// Amount and day of the purchase billed in a month, US dollars.
    pub(super) fn purchase_in(&self, month: BillingMonth) -> Option<(i32, i128)> {
        match self.plan {
            Plan::OneTime => month
                .contains(self.start)
                .then(|| (self.start, self.daily() * i128::from(self.expiry - self.start))),
            Plan::Recurring => {
                self.days_in(month).map(|(day, days)| (day, self.daily() * i128::from(days)))
            }
        }
    }

    /// Amount (positive) and day of what is paid back in a month, US dollars.
    pub(super) fn refund_in(&self, month: BillingMonth) -> Option<(i32, i128)> {
        let returned = self.plan == Plan::OneTime && self.end < self.expiry;
        (returned && month.contains(self.end))
            .then(|| (self.end, self.daily() * i128::from(self.expiry - self.end)))
    }
}

/// Share of the list price that a savings plan charges.
const PLAN_PERCENT: i128 = 65;
/// Most machines of one of a block's commitments.
const BLOCK_UNITS_MAX: u64 = 24;

/// What is chosen by hand; the rest of a commitment follows.
struct Sketch {
    kind: Kind,
    meter: usize,
    units: u32,
    /// Reservation: share of the list price. Savings plan: share of it used.
    percent: i128,
    term_months: u32,
    start: i32,
    plan: Plan,
    purchase: PurchaseRow,
    unused_owner: UnusedOwner,
    habit: Habit,
}

fn commitment(key: u64, place: Place, sketch: &Sketch) -> Commitment {
    let mut random = Random::new(&[key]);
    let region = random.below(REGIONS.len() as u64 / 2) as usize;
    let list = METERS[sketch.meter].list_price(&REGIONS[region]);
    let hourly = match sketch.kind {
        Kind::Reservation => percent(list, sketch.percent),
        Kind::SavingsPlan => {
            // To the tenth of a cent above, as plans are sold.
            let step = ONE / 1_000;
            let used = percent(list, PLAN_PERCENT) * i128::from(sketch.units) * 100;
            (used / sketch.percent / step + 1) * step
        }
    };
    let expiry = plus_months(sketch.start, sketch.term_months);
    let label = match sketch.kind {
        Kind::Reservation => METERS[sketch.meter].sku,
        Kind::SavingsPlan => "Compute_SavingsPlan",
    };
    Commitment {
        key,
        kind: sketch.kind,
        order_id: guid(random.next()),
        id: guid(random.next()),
        name: format!("{label}_{:02}-{:04}", sketch.term_months, random.below(10_000)),
        users: vec![place],
        place,
        meter: sketch.meter,
        region,
        units: sketch.units,
        hourly,
        term_months: sketch.term_months,
        start: sketch.start,
        end: expiry,
        expiry,
        plan: sketch.plan,
        purchase: sketch.purchase,
        unused_owner: sketch.unused_owner,
        habit: sketch.habit,
        rest: Rest::Never,
        details: Details::AsCost,
        unit_price_filled: sketch.kind == Kind::SavingsPlan && random.below(2) == 0,
    }
}

/// The commitments that show every case, each named by its comment. Positions
/// 6 and 7 are one order.
pub(super) fn showcase(tenant: &Tenant) -> Vec<Commitment> {
    use Habit::{Always, Mostly, Sparse};
    use Kind::{Reservation, SavingsPlan};
    use Plan::{OneTime, Recurring};
    use PurchaseRow::{Benefit, Elsewhere, Order, OrderWithNext};
    use UnusedOwner::{NoCustomer, NoSubscription, Subscription, ZeroSubscription};

    let first = tenant.start.first_day();
    #[rustfmt::skip]
    let sketches = [
        // 0: bought in the month before the first, so seen as usage only; fully used.
        (Reservation, D4S, 3, 61, 36, plus_months(first + 9, -1), OneTime, Benefit, Subscription, Always),
        // 1: bought in the first month; its meter has no on-demand rows, so no list price.
        (Reservation, M208S, 2, 58, 12, first + 3, OneTime, Benefit, NoSubscription, Mostly),
        // 2: billed monthly; the purchase row names the order only.
        (Reservation, E8S, 2, 55, 36, first, Recurring, Order, ZeroSubscription, Mostly),
        // 3: expires in the first month; its machines go on, on demand.
        (Reservation, B2MS, 2, 64, 12, plus_months(first + 19, -12), OneTime, Benefit, Subscription, Mostly),
        // 4: returned in the first month, and exchanged for the next.
        (Reservation, F16S, 2, 60, 36, first + 1, OneTime, Benefit, Subscription, Mostly),
        // 5: what it was exchanged for.
        (Reservation, E8S, 2, 57, 36, first + 11, OneTime, Benefit, NoSubscription, Mostly),
        // 6 and 7: two reservations of one order with one purchase row.
        (Reservation, MANAGED_INSTANCE, 2, 66, 12, first + 7, OneTime, OrderWithNext(1), ZeroSubscription, Mostly),
        (Reservation, MANAGED_INSTANCE, 3, 66, 12, first + 7, OneTime, Elsewhere, NoSubscription, Sparse),
        // 8: a savings plan bought before.
        (SavingsPlan, E8S, 3, 97, 36, plus_months(first + 20, -7), OneTime, Benefit, NoSubscription, Mostly),
        // 9: a savings plan billed monthly, bought in the first month.
        (SavingsPlan, D4S, 2, 92, 12, first + 2, Recurring, Benefit, ZeroSubscription, Mostly),
        // 10: dearer than the list price, as after a price cut: negative savings.
        (Reservation, F16S, 2, 118, 12, first, OneTime, Benefit, Subscription, Always),
        // 11: hardly used: negative savings after waste.
        (SavingsPlan, F16S, 2, 40, 12, plus_months(first + 5, -2), OneTime, Benefit, NoCustomer, Sparse),
        // 12: five years; fully used.
        (Reservation, M208S, 1, 41, 60, first + 14, OneTime, Benefit, ZeroSubscription, Always),
        // 13: expires within the quarter, so soon after the first month.
        (Reservation, D4S, 2, 63, 12, plus_months(first + 9, -9), OneTime, Benefit, Subscription, Mostly),
    ];
    let mut commitments: Vec<Commitment> = sketches
        .into_iter()
        .enumerate()
        .map(|(index, sketch)| {
            let (kind, meter, units, percent, term_months, start, plan, purchase, owner, habit) =
                sketch;
            let sketch = Sketch {
                kind,
                meter,
                units,
                percent,
                term_months,
                start,
                plan,
                purchase,
                unused_owner: owner,
                habit,
            };
            // An order has one buyer: 6 and 7 are the same place.
            let place = tenant.nth_place(if index == 7 { 6 } else { index });
            commitment(key(&[tenant.seed, 7, index as u64]), place, &sketch)
        })
        .collect();
    commitments[4].end = first + 11;
    commitments[5].place = commitments[4].place;
    commitments[7].order_id = commitments[6].order_id.clone();
    commitments[7].region = commitments[6].region;
    commitments[7].hourly = commitments[6].hourly;
    commitments[7].rest = Rest::Weekends;
    commitments[8].unit_price_filled = false;
    commitments[9].unit_price_filled = true;
    for (index, subscriptions) in SHOWCASE_SHARED {
        commitments[index].users = tenant.shared(commitments[index].place, subscriptions);
    }
    for (index, details) in SHOWCASE_DETAILS {
        commitments[index].details = details;
    }
    commitments
}

/// Showcase commitments of shared scope and, at most, how many subscriptions of
/// the customer use each; where it has as many.
const SHOWCASE_SHARED: [(usize, usize); 6] = [(0, 3), (1, 2), (5, 2), (7, 2), (8, 3), (9, 2)];

/// Showcase reservations whose hours differ from their cost by design.
const SHOWCASE_DETAILS: [(usize, Details); 3] =
    [(1, Details::Repeated), (2, Details::HalfSized), (10, Details::DayMissing)];

/// All commitments of a tenant, in the groups that share a block, for a number
/// of committed blocks.
pub(super) fn groups(tenant: &Tenant, committed: u64) -> impl Iterator<Item = Vec<Commitment>> {
    let blocks = (0..committed).map(|block| of_block(tenant, block).into());
    std::iter::once(showcase(tenant)).chain(blocks)
}

/// The two commitments of an ordinary block: a reservation and a savings plan.
pub(super) fn of_block(tenant: &Tenant, block: u64) -> [Commitment; 2] {
    [Kind::Reservation, Kind::SavingsPlan].map(|kind| {
        let key = key(&[tenant.seed, 8, block, kind as u64]);
        let mut random = Random::new(&[key, 1]);
        let units = 2 + random.below(BLOCK_UNITS_MAX - 1) as u32;
        // Most were bought within the year before, some in the months to come.
        let start = tenant.start.first_day() - 270 + random.below(360) as i32;
        let sketch = Sketch {
            kind,
            meter: *random.pick(&[D4S, E8S, B2MS, F16S, M208S, MANAGED_INSTANCE]),
            units,
            percent: match kind {
                Kind::Reservation => 52 + i128::from(random.below(16)),
                Kind::SavingsPlan => 80 + i128::from(random.below(20)),
            },
            term_months: *random.pick(&[12, 36, 36]),
            start,
            plan: *random.pick(&[Plan::OneTime, Plan::Recurring]),
            purchase: *random.pick(&[PurchaseRow::Benefit, PurchaseRow::Order]),
            unused_owner: *random.pick(&[
                UnusedOwner::Subscription,
                UnusedOwner::NoSubscription,
                UnusedOwner::ZeroSubscription,
            ]),
            habit: *random.pick(&[Habit::Always, Habit::Mostly, Habit::Mostly]),
        };
        let place = tenant.place(random.next());
        let mut commitment = commitment(key, place, &sketch);
        // Half are of shared scope.
        commitment.users = tenant.shared(place, *random.pick(&[1, 1, 2, 3]));
        commitment
    })
}

/// The same day of another month, or that month's last day.
fn plus_months(day: i32, months: impl Into<i64>) -> i32 {
    let date = civil_from_days(day);
    let months = i64::from(date.year) * 12 + i64::from(date.month) - 1 + months.into();
    let (year, month) = (months.div_euclid(12) as i32, months.rem_euclid(12) as u32 + 1);
    days_from_civil(CivilDate { year, month, day: date.day.min(days_in_month(year, month)) })
}

#[cfg(test)]
mod tests {
    use costlake_engine::model::ScopeType;

    use super::super::tenant::CUSTOMERS_MIN;
    use super::*;

    #[test]
    fn a_term_ends_on_the_same_day_of_the_month() {
        let day = |year, month, day| days_from_civil(CivilDate { year, month, day });
        assert_eq!(plus_months(day(2026, 7, 4), 36), day(2029, 7, 4));
        assert_eq!(plus_months(day(2026, 7, 31), -5), day(2026, 2, 28));
        assert_eq!(plus_months(day(2026, 1, 10), -1), day(2025, 12, 10));
    }

    #[test]
    fn a_recurring_purchase_is_what_its_month_amortizes() {
        let start = "2026-07".parse().unwrap();
        let tenant = Tenant::new(1, start, CUSTOMERS_MIN, ScopeType::BillingAccount);
        let plan = &showcase(&tenant)[9];
        assert_eq!(plan.plan, Plan::Recurring);
        let (day, amount) = plan.purchase_in(start).unwrap();
        assert_eq!((day, amount), (start.first_day() + 2, plan.daily() * 29));
        assert_eq!(plan.purchase_in(start.next()).unwrap().1, plan.daily() * 31);
        assert_eq!(plan.purchase_in(start.previous()), None);
    }

    #[test]
    fn purchase_less_refund_is_what_was_covered() {
        let start: BillingMonth = "2026-07".parse().unwrap();
        let tenant = Tenant::new(1, start, CUSTOMERS_MIN, ScopeType::BillingAccount);
        let returned = &showcase(&tenant)[4];
        let (_, paid) = returned.purchase_in(start).unwrap();
        let (_, refunded) = returned.refund_in(start).unwrap();
        assert_eq!(paid - refunded, returned.daily() * 10);
        assert_eq!(returned.days_in(start), Some((start.first_day() + 1, 10)));
        assert_eq!(returned.days_in(start.next()), None);
    }
}
