//! The price sheet: what every meter of the catalog costs each billing profile
//! of the scope in the month, MCA 2023-05-01.
//!
//! `MarketPrice` is the `PayGPrice` and `UnitPrice` the `unitPrice` of the cost
//! rows of the same profile and meter, all in US dollars. Meters used under
//! commitments alone are priced here and nowhere in the cost files. Beside them
//! stand rows that must not price usage: terms of reservations and savings
//! plans, higher tiers, rows without a market price, and another profile's.
//! A restatement does not change the sheet, so that it no longer agrees with the
//! usage rows that are restated.

use costlake_engine::model::ScopeType;

use super::GeneratorError;
use super::catalog::{BLOB, M208S, METERS, Meter, MeterKind, REGIONS, Region, SPOT_PERCENT};
use super::cells::{fixed_text, percent, plain_text};
use super::random::Random;
use super::rows::Month;
use super::sheet::{Counted, Row, Sheet};
use super::tenant::{CURRENCIES, Profile, Tenant, profile_id};
use super::totals::iso_day;

/// Azure's columns, in the order of its files.
pub(super) const COLUMNS: [&str; 26] = [
    "BillingAccountId",
    "BillingAccountName",
    "BillingProfileId",
    "BillingProfileName",
    "ServiceFamily",
    "Product",
    "ProductId",
    "ProductOrderName",
    "SkuId",
    "UnitOfMeasure",
    "MeterId",
    "MeterName",
    "MeterType",
    "MeterCategory",
    "MeterSubCategory",
    "MeterRegion",
    "TierMinimumUnits",
    "EffectiveStartDate",
    "EffectiveEndDate",
    "UnitPrice",
    "BasePrice",
    "MarketPrice",
    "Currency",
    "BillingCurrency",
    "Term",
    "PriceType",
];

/// Letters of a cost row's `ProductId` that are the SKU: the last ones.
const SKU_LENGTH: usize = 4;
/// Decimals of a price, trailing zeros included.
const PRICE_DECIMALS: u32 = 10;
/// GB from which stored blobs are cheaper, and the share of the list price.
const BLOB_TIER: (u32, i128) = (51_200, 92);
/// Hours of a year, as terms are priced.
const YEAR_HOURS: i128 = 8_760;

/// One price of a meter; raw US dollars.
struct Price {
    price_type: &'static str,
    term: &'static str,
    tier_minimum: u32,
    market: i128,
    unit: i128,
    base: i128,
}

/// Writes the rows.
pub(super) fn write(month: &Month<'_>, sheet: &mut Sheet<'_>) -> Result<(), GeneratorError> {
    let tenant = month.tenant;
    for (position, profile) in tenant.profiles.iter().enumerate() {
        if tenant.first_visible(position).is_none() {
            continue;
        }
        for region in &REGIONS {
            // Third party software is no product of the sheet.
            let listed = METERS.iter().filter(|meter| meter.kind != MeterKind::Marketplace);
            for meter in listed {
                for price in prices(meter, region, profile.discount_percent) {
                    push(month, sheet, profile, meter, region, &price)?;
                }
            }
        }
    }
    if month.options.scope == ScopeType::BillingAccount {
        other_profile(month, sheet)?;
    }
    Ok(())
}

/// A profile of the account without any cost, to which a meter costs half.
fn other_profile(month: &Month<'_>, sheet: &mut Sheet<'_>) -> Result<(), GeneratorError> {
    let profile = Profile {
        id: profile_id(&mut Random::new(&[month.tenant.seed, 14])),
        name: "Proseware Internal",
        currency: 0,
        discount_percent: 0,
    };
    for region in &REGIONS {
        let meter = &METERS[M208S];
        let price = percent(meter.list_price(region), 50);
        push(month, sheet, &profile, meter, region, &consumption(price, price))?;
    }
    Ok(())
}

fn consumption(market: i128, unit: i128) -> Price {
    Price { price_type: "Consumption", term: "", tier_minimum: 0, market, unit, base: market }
}

fn prices(meter: &Meter, region: &Region, discount_percent: i128) -> Vec<Price> {
    let list = meter.list_price(region);
    let negotiated = |price| percent(price, 100 - discount_percent);
    let unit = match meter.kind {
        MeterKind::Spot => percent(list, SPOT_PERCENT),
        _ => negotiated(list),
    };
    let mut prices = vec![consumption(list, unit)];
    if std::ptr::eq(meter, &METERS[BLOB]) {
        let (tier_minimum, share) = BLOB_TIER;
        let lower = percent(list, share);
        prices.push(Price { tier_minimum, ..consumption(lower, negotiated(lower)) });
    }
    if std::ptr::eq(meter, &METERS[M208S]) {
        // Says nothing about the market: 0 is no price.
        prices.push(Price { base: list, ..consumption(0, unit) });
    }
    if meter.is_reservable() {
        for (term, years, share) in [("P1Y", 1, 60), ("P3Y", 3, 40)] {
            // A reservation's price is that of the whole term.
            let whole = percent(list, share) * YEAR_HOURS * years;
            let price = consumption(whole, negotiated(whole));
            prices.push(Price { price_type: "ReservedInstance", term, ..price });
        }
    }
    if meter.is_machine() {
        for (term, share) in [("P1Y", 72), ("P3Y", 53)] {
            let hour = percent(list, share);
            let price = consumption(hour, negotiated(hour));
            prices.push(Price { price_type: "SavingsPlan", term, ..price });
        }
    }
    prices
}

fn push(
    month: &Month<'_>,
    sheet: &mut Sheet<'_>,
    profile: &Profile,
    meter: &Meter,
    region: &Region,
    price: &Price,
) -> Result<(), GeneratorError> {
    let product_id = meter.product_id(region);
    let (product, sku) = product_id.split_at(product_id.len() - SKU_LENGTH);
    let money = |raw| match month.options.quirks.wide_decimals {
        true => fixed_text(raw, PRICE_DECIMALS),
        false => plain_text(raw),
    };
    let midnight = |day| format!("{}T00:00:00Z", iso_day(day));
    let mut row = Row::new(&COLUMNS);
    row.set("BillingAccountId", &month.tenant.billing_account);
    row.set("BillingAccountName", Tenant::BILLING_ACCOUNT_NAME);
    row.set("BillingProfileId", month.profile_spelling(&profile.id, 0));
    row.set("BillingProfileName", profile.name);
    row.set("ServiceFamily", meter.family);
    row.set("Product", meter.product_name(region));
    row.set("ProductId", product);
    row.set("ProductOrderName", "Azure plan");
    row.set("SkuId", sku);
    row.set("UnitOfMeasure", meter.unit);
    row.set("MeterId", meter.id(region));
    row.set("MeterName", meter.name);
    row.set("MeterType", meter.unit);
    row.set("MeterCategory", meter.category);
    row.set("MeterSubCategory", meter.sub_category);
    row.set("MeterRegion", region.name);
    row.set("TierMinimumUnits", price.tier_minimum.to_string());
    row.set("EffectiveStartDate", midnight(month.month.first_day()));
    row.set("EffectiveEndDate", midnight(month.month.last_day()));
    row.set("UnitPrice", money(price.unit));
    row.set("BasePrice", money(price.base));
    row.set("MarketPrice", money(price.market));
    row.set("Currency", "USD");
    row.set("BillingCurrency", CURRENCIES[profile.currency]);
    row.set("Term", price.term);
    row.set("PriceType", price.price_type);
    let kind = Some(price.price_type);
    sheet.push(&row, Counted { currency: "USD", kind, ..Counted::default() })
}
