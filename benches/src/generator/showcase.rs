//! The first block of every month: every kind of row at least once, so that
//! even the smallest export shows all of them.

use costlake_engine::model::ScopeType;
use costlake_engine::model::money::ONE;

use super::catalog::{
    APPLIANCE, BLOB, D4S, E8S, EGRESS, INGRESS, METERS, MeterKind, READS, SPOT, WRITES,
};
use super::cells::{MICRO, NumberStyle, day_text};
use super::columns::Column;
use super::commitments;
use super::line::{ChargeType, Files, Prices, Quantity, Terms};
use super::random::{guid, key};
use super::resource::Resource;
use super::rows::{BlockBuilder, Traits};
use super::tenant::{EarnedCredit, Place};

/// Fills the block.
pub(super) fn fill(builder: &mut BlockBuilder<'_>) {
    usage(builder);
    let tenant = builder.context.tenant;
    for commitment in commitments::showcase(tenant) {
        let (meter, place) = (commitment.meter, commitment.place);
        let uncovered = builder.other_days(&commitment);
        builder.commitment(commitment);
        // Where no list price may be found the machines simply did not run.
        if METERS[meter].kind != MeterKind::CommitmentOnly {
            let resource = resource(builder, 100 + meter as u64, place, meter);
            builder.usage(resource, uncovered, Traits::default());
        }
    }
    builder.purchases();
    if builder.shows_purchases() {
        subscriptions_sold(builder);
    }
    if builder.context.options.scope != ScopeType::Subscription {
        adjustments(builder);
    }
}

fn resource(builder: &BlockBuilder<'_>, number: u64, place: Place, meter: usize) -> Resource {
    let seed = builder.context.tenant.seed;
    Resource { key: key(&[seed, 12, number, place.customer as u64]), place, meter, region: 0 }
}

/// Pay-as-you-go usage of every kind.
fn usage(builder: &mut BlockBuilder<'_>) {
    let quirks = builder.context.options.quirks;
    let all = builder.context.all_days();
    let half = builder.context.days_until(builder.context.month.first_day() + 15);
    let plain = Traits::default();
    let credit = |credit| Traits { credit: Some(credit), ..plain };
    let style = |style, wanted: bool| Traits { style: wanted.then_some(style), ..plain };
    let tier =
        |percent| Traits { tier_percent: Some(percent), credit: Some(EarnedCredit::None), ..plain };
    let model = |model| Traits { model: Some(model), ..plain };
    #[rustfmt::skip]
    let kinds = [
        (0, D4S, all, credit(EarnedCredit::Applied)),
        (1, D4S, all, credit(EarnedCredit::Missed)),
        (2, D4S, all, credit(EarnedCredit::None)),
        (0, E8S, all, model("On Demand")),
        (1, E8S, all, model("OnDemand")),
        (1, SPOT, all, plain),
        (0, SPOT, half, plain),
        (2, INGRESS, half, plain),
        (1, EGRESS, all, style(NumberStyle::Wide, quirks.wide_decimals)),
        (0, EGRESS, half, style(NumberStyle::Wide, quirks.wide_decimals)),
        (1, READS, all, style(NumberStyle::Scientific, quirks.scientific)),
        (0, WRITES, all, style(NumberStyle::Scientific, quirks.scientific)),
        // Two tiers of one meter, so two list prices in one month.
        (4, BLOB, half, tier(100)),
        (4, BLOB, all & !half, tier(92)),
        // Twice the very same: legal, and not to be merged.
        (5, BLOB, half, plain),
        (5, BLOB, half, plain),
    ];
    for (number, meter, days, traits) in kinds {
        let place = builder.context.tenant.nth_place(number);
        builder.usage(resource(builder, number as u64, place, meter), days, traits);
    }
    if builder.shows_purchases() {
        for number in [0, 1] {
            let place = builder.context.tenant.nth_place(number);
            builder.usage(resource(builder, 20, place, APPLIANCE), all, plain);
        }
    }
}

/// Software and support, billed monthly.
fn subscriptions_sold(builder: &mut BlockBuilder<'_>) {
    #[rustfmt::skip]
    let sold = [
        (0, 3, "Microsoft 365", "Microsoft 365 E3", "Microsoft", "1", 25, 36 * ONE, 34 * ONE, "Recurring"),
        (1, 4, "Microsoft 365", "Microsoft 365 Business Premium", "Microsoft", "1", 40, 22 * ONE, 20 * ONE, "Recurring"),
        (2, 5, "Dynamics 365", "Dynamics 365 Sales, Enterprise", "Microsoft", "1", 4, 105 * ONE, 105 * ONE, "Recurring"),
        (1, 9, "Azure", "Backup \"Gold\", per tenant", "Marketplace", "1", 1, 0, 149 * ONE, "Recurring"),
        (3, 12, "Azure", "Onboarding workshop", "Marketplace", "1", 1, 0, 2_500 * ONE, "OneTime"),
    ];
    for (number, day, provider, product, publisher, unit, units, list, price, frequency) in sold {
        let place = builder.context.tenant.nth_place(number);
        let day = builder.context.month.first_day() + day;
        builder.start(place, builder.is_renamed(place, day), number as u64);
        builder.cells.set(Column::Provider, provider);
        builder.cells.set(Column::ProductName, product);
        builder.cells.set(Column::ProductOrderName, product);
        builder.cells.set(Column::ProductOrderId, &guid(key(&[number as u64, day as u64])));
        builder.cells.set(Column::PublisherType, publisher);
        if publisher == "Marketplace" {
            builder.cells.set(Column::PublisherName, "Alpine Software, GmbH");
        }
        builder.cells.set(Column::UnitOfMeasure, unit);
        builder.cells.set(Column::Frequency, frequency);
        builder.cells.set(Column::Term, "1");
        builder.cells.set(Column::PricingModel, "OnDemand");
        builder.cells.set(Column::ResourceGroupName, "Unassigned");
        builder.cells.set(Column::ServicePeriodStartDate, &day_text(day));
        let prices = Prices { payg: list, unit: Some(price), actual: price, amortized: price };
        builder.fill_fixed_prices(prices);
        let terms = Terms {
            days: builder.one_day(day),
            files: Files::Both,
            charge_type: ChargeType::Purchase,
            quantity: Quantity::Fixed(units * MICRO),
            prices,
            style: NumberStyle::Plain,
            exchange_rate: builder.rate(place),
            currency: builder.currency(place),
            commitment: None,
        };
        builder.finish(place, terms);
    }
}

/// Tax, rounding, adjustments and credits of every profile, on the last day.
fn adjustments(builder: &mut BlockBuilder<'_>) {
    let cent = ONE / 100;
    let charges = [
        (ChargeType::Tax, 1_234 * cent),
        (ChargeType::RoundingAdjustment, -cent / 250),
        (ChargeType::Adjustment, -350 * cent),
        (ChargeType::Credit, -2_500 * cent),
        (ChargeType::Refund, -799 * cent),
    ];
    let tenant = builder.context.tenant;
    let profiles = 0..tenant.profiles.len();
    for customer in profiles.filter_map(|profile| tenant.first_visible(profile)) {
        let place = Place { customer, subscription: 0 };
        for (charge_type, amount) in charges {
            if charge_type == ChargeType::Refund && !builder.shows_purchases() {
                continue;
            }
            let day = builder.context.month.last_day();
            builder.start(place, builder.is_renamed(place, day), customer as u64);
            for column in [Column::SubscriptionId, Column::SubscriptionName, Column::PublisherName]
            {
                builder.cells.set(column, "");
            }
            builder.cells.set(Column::ProductName, charge_type.name());
            builder.cells.set(Column::Frequency, "OneTime");
            builder.cells.set(Column::UnitOfMeasure, "1");
            let prices = Prices { payg: 0, unit: None, actual: amount, amortized: amount };
            builder.fill_fixed_prices(prices);
            let terms = Terms {
                days: builder.one_day(day),
                files: Files::Both,
                charge_type,
                quantity: Quantity::Fixed(MICRO),
                prices,
                style: NumberStyle::Plain,
                exchange_rate: builder.rate(place),
                currency: builder.currency(place),
                commitment: None,
            };
            builder.finish(place, terms);
        }
    }
}
