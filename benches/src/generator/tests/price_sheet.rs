//! The price sheet against the usage rows it prices.

use super::*;

/// Billing profile, meter and product with SKU, all in lower case.
type Key = (String, String, String);

fn sheet(written: &Export) -> Rows {
    written.rows(DatasetType::PriceSheet, month(MONTH))
}

fn key(sheet: &Rows, row: &csv::StringRecord) -> Key {
    let cell = |column| sheet.cell(row, column).to_ascii_lowercase();
    (cell("BillingProfileId"), cell("MeterId"), cell("ProductId") + &cell("SkuId"))
}

/// Consumption rows of the first tier that tell a market price, by key.
fn prices(sheet: &Rows) -> BTreeMap<Key, &csv::StringRecord> {
    let mut prices = BTreeMap::new();
    for row in sheet.where_is("PriceType", "Consumption") {
        let first_tier = raw(sheet.cell(row, "TierMinimumUnits")) == 0;
        let told =
            raw(sheet.cell(row, "MarketPrice")) != 0 || raw(sheet.cell(row, "BasePrice")) == 0;
        if first_tier && told {
            assert_eq!(prices.insert(key(sheet, row), row), None, "one price of a meter");
        }
    }
    prices
}

fn cost_key(rows: &Rows, row: &csv::StringRecord) -> Key {
    let cell = |column| rows.cell(row, column).to_ascii_lowercase();
    (cell("billingProfileId"), cell("meterId"), cell("ProductId"))
}

/// Whether it is usage of a meter of Microsoft's.
fn is_metered(rows: &Rows, row: &csv::StringRecord) -> bool {
    rows.cell(row, "chargeType") == "Usage" && rows.cell(row, "publisherType") == "Microsoft"
}

#[test]
fn it_prices_every_on_demand_row_at_the_rows_own_prices() {
    let written = export(&larger());
    let sheet = sheet(&written);
    let prices = prices(&sheet);
    let [_, amortized] = written.both();
    let mut tiered = 0;
    let mut seen = BTreeSet::new();
    for row in amortized.rows.iter().filter(|row| is_metered(&amortized, row)) {
        if !amortized.cell(row, "benefitId").is_empty() {
            continue;
        }
        let price = prices[&cost_key(&amortized, row)];
        assert_eq!(sheet.cell(price, "UnitOfMeasure"), amortized.cell(row, "unitOfMeasure"));
        assert_eq!(sheet.cell(price, "Currency"), amortized.cell(row, "pricingCurrency"));
        assert_eq!(sheet.cell(price, "BillingCurrency"), amortized.cell(row, "billingCurrency"));
        assert_eq!(sheet.cell(price, "MarketPrice"), sheet.cell(price, "BasePrice"));
        let list = raw(amortized.cell(row, "PayGPrice"));
        if list != raw(sheet.cell(price, "MarketPrice")) {
            tiered += 1;
            continue;
        }
        assert_eq!(raw(amortized.cell(row, "unitPrice")), raw(sheet.cell(price, "UnitPrice")));
        seen.insert(sheet.cell(price, "MeterName"));
    }
    assert!(tiered > 0 && tiered < 40, "only the showcase's second tier: {tiered}");
    assert!(seen.len() > 20, "{seen:?}");
}

#[test]
fn it_alone_prices_meters_that_are_never_used_on_demand() {
    for scope in [ScopeType::BillingAccount, ScopeType::BillingProfile, ScopeType::CustomerTenant] {
        let written = export(&GeneratorOptions { scope, ..small() });
        let sheet = sheet(&written);
        let prices = prices(&sheet);
        let [_, amortized] = written.both();
        let mut on_demand = BTreeSet::new();
        let mut reserved = BTreeSet::new();
        for row in amortized.rows.iter().filter(|row| is_metered(&amortized, row)) {
            let covered = !amortized.cell(row, "reservationId").is_empty();
            let (_, meter, product) = cost_key(&amortized, row);
            if covered {
                reserved.insert(cost_key(&amortized, row));
            } else if raw(amortized.cell(row, "PayGPrice")) != 0 {
                on_demand.insert((meter, product));
            }
        }
        let unknown = reserved
            .iter()
            .filter(|(_, meter, product)| !on_demand.contains(&(meter.clone(), product.clone())))
            .map(|key| sheet.cell(prices[key], "MeterName"))
            .collect::<BTreeSet<_>>();
        assert!(unknown.contains("M208s v2") && unknown.contains("vCore"), "{scope}: {unknown:?}");
        assert!(reserved.iter().all(|key| raw(sheet.cell(prices[key], "MarketPrice")) > 0));
    }
}

#[test]
fn terms_of_commitments_have_the_same_meter_and_other_prices() {
    let written = export(&small());
    let sheet = sheet(&written);
    let prices = prices(&sheet);
    for (price_type, cheaper) in [("ReservedInstance", false), ("SavingsPlan", true)] {
        let mut terms = BTreeSet::new();
        for row in sheet.where_is("PriceType", price_type) {
            let consumption = raw(sheet.cell(prices[&key(&sheet, row)], "MarketPrice"));
            let market = raw(sheet.cell(row, "MarketPrice"));
            // A reservation's price is that of its whole term.
            assert_eq!(market < consumption, cheaper);
            terms.insert(sheet.cell(row, "Term"));
        }
        assert_eq!(terms, BTreeSet::from(["P1Y", "P3Y"]));
    }
    assert!(
        sheet.where_is("PriceType", "Consumption").all(|row| sheet.cell(row, "Term").is_empty())
    );
}

#[test]
fn one_meter_has_a_second_tier_whose_usage_has_a_list_price() {
    let written = export(&small());
    let sheet = sheet(&written);
    let prices = prices(&sheet);
    let [_, amortized] = written.both();
    let tiers: Vec<_> =
        sheet.rows.iter().filter(|row| raw(sheet.cell(row, "TierMinimumUnits")) > 0).collect();
    assert!(!tiers.is_empty());
    let mut used_at_tier = 0;
    for row in tiers {
        assert_eq!(sheet.cell(row, "MeterName"), "Hot LRS Data Stored");
        let first = raw(sheet.cell(prices[&key(&sheet, row)], "MarketPrice"));
        let lower = raw(sheet.cell(row, "MarketPrice"));
        assert!(lower < first);
        for usage in amortized.where_is("meterId", sheet.cell(row, "MeterId")) {
            let list = raw(amortized.cell(usage, "PayGPrice"));
            assert!(list == first || list == lower);
            used_at_tier += usize::from(list == lower);
        }
    }
    assert!(used_at_tier > 0);
}

#[test]
fn some_rows_tell_no_market_price_but_a_base_price() {
    let written = export(&small());
    let sheet = sheet(&written);
    let prices = prices(&sheet);
    let untold: Vec<_> = sheet
        .rows
        .iter()
        .filter(|row| {
            raw(sheet.cell(row, "MarketPrice")) == 0 && raw(sheet.cell(row, "BasePrice")) > 0
        })
        .collect();
    assert!(!untold.is_empty());
    for row in untold {
        let told = prices[&key(&sheet, row)];
        assert_eq!(sheet.cell(row, "BasePrice"), sheet.cell(told, "MarketPrice"));
    }
}

#[test]
fn another_profile_has_prices_and_no_cost() {
    let written = export(&small());
    let sheet = sheet(&written);
    let prices = prices(&sheet);
    let [_, amortized] = written.both();
    let lower = |ids: BTreeSet<&str>| -> BTreeSet<String> {
        ids.iter().map(|id| id.to_ascii_lowercase()).collect()
    };
    let (priced, billed) =
        (lower(sheet.values("BillingProfileId")), lower(amortized.values("billingProfileId")));
    let others: Vec<&String> = priced.difference(&billed).collect();
    assert_eq!((others.len(), billed.difference(&priced).count()), (1, 0));
    for ((profile, meter, product), row) in prices.iter().filter(|(key, _)| key.0 == *others[0]) {
        let own = prices
            .iter()
            .find(|((other, m, p), _)| (m, p) == (meter, product) && other != profile)
            .unwrap();
        assert!(raw(sheet.cell(row, "MarketPrice")) < raw(sheet.cell(own.1, "MarketPrice")));
    }

    let scope = ScopeType::BillingProfile;
    let profile = export(&GeneratorOptions { scope, ..small() });
    assert_eq!(self::sheet(&profile).values("BillingProfileName").len(), 1);
}

#[test]
fn its_cells_are_spelled_in_azures_unstable_ways() {
    let months = vec![month("2026-07"), month("2026-08")];
    let written = export(&GeneratorOptions { months, ..small() });
    let profiles = |dataset, text: &str| -> BTreeSet<String> {
        let rows = written.rows(dataset, month(text));
        rows.values("BillingProfileId").into_iter().map(str::to_owned).collect()
    };
    let has_upper =
        |ids: BTreeSet<String>| ids.iter().any(|id| id.contains(|c: char| c.is_ascii_uppercase()));
    for (dataset, july) in
        [(DatasetType::PriceSheet, true), (DatasetType::ReservationTransactions, false)]
    {
        assert_eq!(has_upper(profiles(dataset, "2026-07")), july, "{dataset}");
        assert_eq!(has_upper(profiles(dataset, "2026-08")), !july, "{dataset}");
    }

    let july = written.rows(DatasetType::PriceSheet, month("2026-07"));
    assert_eq!(july.values("EffectiveStartDate"), BTreeSet::from(["2026-07-01T00:00:00Z"]));
    assert_eq!(july.values("EffectiveEndDate"), BTreeSet::from(["2026-07-31T00:00:00Z"]));
    assert!(july.values("UnitPrice").iter().all(|price| price.len() >= 12));
    assert!(july.values("MarketPrice").iter().all(|price| price.ends_with("00")));
    assert!(july.values("SkuId").iter().all(|sku| sku.len() == 4));
}
