//! What rows a month has: blocks of charge lines, built on demand.
//!
//! A month is a sequence of blocks (see [`BlockPlan`]). Any block can be built
//! alone from the seed and its position, so memory stays constant and threads
//! need not talk. The amortized file has exactly one row per slot of a block
//! and day, whichever lines share the slot; that makes row counts known before
//! anything is written.

use costlake_engine::model::{BillingMonth, ScopeType};

use super::GeneratorOptions;
use super::catalog::{
    D4S, METERS, Meter, MeterKind, REGIONS, RESOURCE_KINDS, Region, SPOT_PERCENT, Usage,
};
use super::cells::{NumberStyle, day_text, percent};
use super::columns::{Column, Layout};
use super::commitments::{self, Commitment, Habit};
use super::line::{Cells, ChargeType, Files, Line, Prices, Quantity, Terms};
use super::random::{guid, key, mix, scale};
use super::resource::{Resource, write_additional_info, write_tags};
use super::showcase;
use super::tenant::{CURRENCIES, EarnedCredit, Place, RESELLERS, Tenant};

/// Slots of a block: small enough that its lines stay in the processor's cache.
pub(super) const BLOCK_SLOTS: u64 = 512;
/// Days after the start of the tenant within which some resources are replaced.
const REPLACEMENT_DAYS: u64 = 90;
/// Partner earned credit leaves this share of the price.
const AFTER_CREDIT_PERCENT: i128 = 85;

/// Which block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockPlan {
    /// Every kind of row, a few of each.
    Showcase,
    /// 512 slots, of which two commitments cover some.
    Committed { block: u64 },
    /// Up to 512 slots of plain usage; the last ends after so many days.
    Plain { first_slot: u64, slots: u64, last_slot_days: u32 },
}

/// Lines of a block, and the commitments they name by position.
pub(super) struct Block {
    pub(super) lines: Vec<Line>,
    pub(super) commitments: Vec<Commitment>,
}

impl Block {
    /// Rows the block adds to the amortized file.
    pub(super) fn amortized_rows(&self) -> u64 {
        let amortized = |line: &&Line| line.terms.files != Files::ActualOnly;
        let rows = |line: &Line| u64::from(line.terms.days.count_ones());
        self.lines.iter().filter(amortized).map(rows).sum()
    }
}

/// What all blocks of a month share.
pub(super) struct Month<'a> {
    pub(super) options: &'a GeneratorOptions,
    pub(super) tenant: &'a Tenant,
    pub(super) layout: &'a Layout,
    pub(super) month: BillingMonth,
    pub(super) exchange_rates: [i128; CURRENCIES.len()],
}

impl<'a> Month<'a> {
    /// The month of a tenant.
    pub(super) fn new(
        options: &'a GeneratorOptions,
        tenant: &'a Tenant,
        layout: &'a Layout,
        month: BillingMonth,
    ) -> Self {
        let exchange_rates = std::array::from_fn(|currency| tenant.exchange_rate(currency, month));
        Self { options, tenant, layout, month, exchange_rates }
    }

    /// Whether the month is not yet invoiced.
    pub(super) fn is_open(&self) -> bool {
        self.options.open_month == Some(self.month)
    }

    /// A billing profile's id as a file of the month spells it: in lower case in
    /// every other month, other files the other way round.
    pub(super) fn profile_spelling(&self, id: &str, file: u32) -> String {
        let lower = (self.month.month() + file).is_multiple_of(2);
        if lower { id.to_ascii_lowercase() } else { id.to_owned() }
    }

    /// All days of the month.
    pub(super) fn all_days(&self) -> u32 {
        days_before(self.month.days())
    }

    /// Days of the month before a day since 1970-01-01.
    pub(super) fn days_until(&self, day: i32) -> u32 {
        days_before((day - self.month.first_day()).clamp(0, self.month.days() as i32) as u32)
    }

    /// Rate that was fixed when a commitment was bought.
    pub(super) fn locked_rate(&self, commitment: &Commitment) -> i128 {
        let bought = BillingMonth::of_day(commitment.start).unwrap_or(self.month);
        let currency = self.tenant.profile_of(commitment.place.customer).currency;
        self.tenant.exchange_rate(currency, bought)
    }

    /// The blocks of the month, in order, for a number of amortized rows.
    pub(super) fn plan(&self, rows: u64, rows_min: u64) -> Vec<BlockPlan> {
        let days = u64::from(self.month.days());
        let committed = committed_blocks(rows, rows_min);
        let mut plan = vec![BlockPlan::Showcase];
        plan.extend((0..committed).map(|block| BlockPlan::Committed { block }));
        let showcase_rows = self.block(BlockPlan::Showcase).amortized_rows();
        let mut left = rows - showcase_rows - committed * BLOCK_SLOTS * days;
        let mut first_slot = committed * BLOCK_SLOTS;
        while left > 0 {
            let slots = left.div_ceil(days).min(BLOCK_SLOTS);
            let block_rows = left.min(slots * days);
            let last_slot_days = (block_rows - (slots - 1) * days) as u32;
            plan.push(BlockPlan::Plain { first_slot, slots, last_slot_days });
            first_slot += slots;
            left -= block_rows;
        }
        plan
    }

    /// Builds a block.
    pub(super) fn block(&self, plan: BlockPlan) -> Block {
        let mut builder = BlockBuilder {
            context: self,
            cells: Cells::new(),
            block: Block { lines: Vec::new(), commitments: Vec::new() },
        };
        match plan {
            BlockPlan::Showcase => showcase::fill(&mut builder),
            BlockPlan::Committed { block } => builder.fill_committed(block),
            BlockPlan::Plain { first_slot, slots, last_slot_days } => {
                for slot in first_slot..first_slot + slots - 1 {
                    builder.slot(slot, self.all_days());
                }
                builder.slot(first_slot + slots - 1, days_before(last_slot_days));
            }
        }
        builder.block
    }
}

/// Blocks with commitments, for a number of amortized rows: the same in every
/// month, so that no commitment comes and goes with the length of the month.
pub(super) fn committed_blocks(rows: u64, rows_min: u64) -> u64 {
    (rows - rows_min) / (BLOCK_SLOTS * 31)
}

/// Bits of the first days of a month.
pub(super) fn days_before(count: u32) -> u32 {
    ((1u64 << count) - 1) as u32
}

/// What a usage line does other than its key says; the showcase sets them.
#[derive(Clone, Copy, Default)]
pub(super) struct Traits {
    pub(super) credit: Option<EarnedCredit>,
    pub(super) style: Option<NumberStyle>,
    /// Another tier of the list price, in percent.
    pub(super) tier_percent: Option<i128>,
    pub(super) model: Option<&'static str>,
}

/// Builds the lines of a block.
pub(super) struct BlockBuilder<'a> {
    pub(super) context: &'a Month<'a>,
    pub(super) cells: Cells,
    pub(super) block: Block,
}

impl BlockBuilder<'_> {
    fn fill_committed(&mut self, block: u64) {
        let tenant = self.context.tenant;
        let mut slot = block * BLOCK_SLOTS;
        let end = slot + BLOCK_SLOTS;
        for commitment in commitments::of_block(tenant, block) {
            let other_days = self.other_days(&commitment);
            let position = self.commitment(commitment);
            let Commitment { units, meter, .. } = self.block.commitments[position];
            for member in 0..units {
                self.uncovered_member(position, member, slot, meter, other_days);
                slot += 1;
            }
            // The slot of the unused row, and of rows the scope does not show.
            let unused_days =
                if self.shows_unused() { other_days } else { self.context.all_days() };
            self.slot(slot, unused_days);
            slot += 1;
        }
        while slot < end {
            self.slot(slot, self.context.all_days());
            slot += 1;
        }
        self.purchases();
    }

    /// Days of the month a commitment does not cover.
    pub(super) fn other_days(&self, commitment: &Commitment) -> u32 {
        self.context.all_days() & !self.covered_days(commitment)
    }

    pub(super) fn covered_days(&self, commitment: &Commitment) -> u32 {
        let context = self.context;
        context.days_until(commitment.end) & !context.days_until(commitment.start)
    }

    pub(super) fn shows_unused(&self) -> bool {
        self.context.options.scope != ScopeType::Subscription
    }

    /// Whether purchases appear: at billing account and billing profile only.
    pub(super) fn shows_purchases(&self) -> bool {
        matches!(self.context.options.scope, ScopeType::BillingAccount | ScopeType::BillingProfile)
    }

    /// Usage of a covered machine on the days it is not covered: on demand, or
    /// another resource's where the meter must not be seen on demand.
    fn uncovered_member(
        &mut self,
        commitment: usize,
        member: u32,
        slot: u64,
        meter: usize,
        days: u32,
    ) {
        if METERS[meter].kind == MeterKind::CommitmentOnly {
            self.slot(slot, days);
        } else {
            let resource = self.block.commitments[commitment].member(member);
            self.usage(resource, days, Traits::default());
        }
    }

    /// The usage of a slot of the grid: one resource, or two that follow each
    /// other.
    pub(super) fn slot(&mut self, slot: u64, days: u32) {
        let tenant = self.context.tenant;
        let pair = key(&[tenant.seed, 9, slot / 2]);
        let mut parts = [(pair, days), (0, 0)];
        if pair & 15 == 0 {
            let day = tenant.start.first_day() + scale(mix(pair), REPLACEMENT_DAYS) as i32;
            let before = days & self.context.days_until(day);
            parts = [(pair, before), (mix(pair ^ 1), days & !before)];
        }
        for (resource_key, days) in parts {
            let kind = RESOURCE_KINDS[scale(pair, RESOURCE_KINDS.len() as u64) as usize];
            let mut meter = kind[(slot % 2) as usize];
            if METERS[meter].kind == MeterKind::Marketplace && !self.shows_purchases() {
                meter = D4S;
            }
            let resource = Resource {
                key: resource_key,
                place: tenant.place(mix(resource_key ^ 2)),
                meter,
                region: region_of(resource_key),
            };
            self.usage(resource, days, Traits::default());
        }
    }

    /// Adds pay-as-you-go usage of a resource.
    pub(super) fn usage(&mut self, resource: Resource, days: u32, traits: Traits) {
        for (days, renamed) in self.by_name(resource.place, days) {
            let line_key = resource.line_key();
            let style = traits.style.unwrap_or_else(|| self.style(line_key, resource.meter()));
            self.start(resource.place, renamed, line_key);
            self.fill_resource(resource, "");
            self.cells.set(Column::ProductOrderName, "Azure plan");
            let order = guid(key(&[self.context.tenant.seed, 10, resource.place.customer as u64]));
            self.cells.set(Column::ProductOrderId, &order);
            let prices = self.usage_prices(resource, traits, style);
            let spelled = if line_key & 31 == 3 { "On Demand" } else { "OnDemand" };
            let model = match resource.meter().kind {
                MeterKind::Spot => "Spot",
                _ => traits.model.unwrap_or(spelled),
            };
            self.cells.set(Column::PricingModel, model);
            let quantity = match resource.meter().usage {
                Usage::Hours => Quantity::Hours { key: line_key, habit: Habit::Mostly },
                Usage::Around(base) => Quantity::Around { key: line_key, base },
            };
            self.finish(
                resource.place,
                Terms {
                    days,
                    files: Files::Both,
                    charge_type: ChargeType::Usage,
                    quantity,
                    prices,
                    style,
                    exchange_rate: self.rate(resource.place),
                    currency: self.currency(resource.place),
                    commitment: None,
                },
            );
        }
    }

    /// Prices of pay-as-you-go usage, and the cells about earned credit.
    fn usage_prices(&mut self, resource: Resource, traits: Traits, style: NumberStyle) -> Prices {
        let (meter, region) = (resource.meter(), resource.region());
        let tenant = self.context.tenant;
        let customer = &tenant.customers[resource.place.customer];
        let discount = tenant.profile_of(resource.place.customer).discount_percent;
        let rerated = self.rerated_percent(resource.line_key());
        let tier = traits.tier_percent.unwrap_or(100);
        let list = percent(percent(meter.list_price(region), rerated), tier);
        let retail = self.context.options.scope == ScopeType::Subscription;
        let plain = meter.kind == MeterKind::Consumption;
        let unit = match meter.kind {
            _ if retail => list,
            MeterKind::Spot => percent(list, SPOT_PERCENT),
            MeterKind::Marketplace => percent(meter.base_price(region), rerated),
            _ => percent(list, 100 - discount),
        };
        let earns = plain && self.context.options.data_version.has_partner();
        let credit =
            if earns { traits.credit.unwrap_or(customer.credit) } else { EarnedCredit::None };
        let applied = credit == EarnedCredit::Applied;
        let rate = if credit == EarnedCredit::None { "0" } else { "0.15" };
        self.cells.set(Column::PartnerEarnedCreditRate, rate);
        self.cells.set(Column::PartnerEarnedCreditApplied, if applied { "True" } else { "False" });
        let effective = if applied && !retail { percent(unit, AFTER_CREDIT_PERCENT) } else { unit };
        self.cells.set_decimal(Column::PayGPrice, list, style);
        self.cells.set_decimal(Column::UnitPrice, unit, style);
        Prices { payg: list, unit: Some(unit), actual: effective, amortized: effective }
    }

    /// A later revision of a month charges some lines less.
    fn rerated_percent(&self, line_key: u64) -> i128 {
        let rerated = line_key.is_multiple_of(9);
        if rerated { 100 - i128::from(self.context.options.revision()) * 2 } else { 100 }
    }

    /// The bit of a day since 1970-01-01.
    pub(super) fn one_day(&self, day: i32) -> u32 {
        1 << (day - self.context.month.first_day())
    }

    /// Splits days where the customer's name changes.
    pub(super) fn by_name(
        &self,
        place: Place,
        days: u32,
    ) -> impl Iterator<Item = (u32, bool)> + use<> {
        let context = self.context;
        let renamed = context.tenant.customers[place.customer].later_name.is_some();
        let before =
            if renamed { days & context.days_until(context.tenant.rename_day()) } else { days };
        [(before, false), (days & !before, true)].into_iter().filter(|(days, _)| *days != 0)
    }

    pub(super) fn is_renamed(&self, place: Place, day: i32) -> bool {
        let tenant = self.context.tenant;
        tenant.customers[place.customer].later_name.is_some() && day >= tenant.rename_day()
    }

    fn style(&self, line_key: u64, meter: &Meter) -> NumberStyle {
        let quirks = self.context.options.quirks;
        let tiny = matches!(meter.usage, Usage::Around(base) if base < 10_000);
        if quirks.wide_decimals && line_key >> 8 & 15 == 0 {
            NumberStyle::Wide
        } else if quirks.scientific && tiny && line_key >> 8 & 3 == 1 {
            NumberStyle::Scientific
        } else {
            NumberStyle::Plain
        }
    }

    /// Rate of the month to the currency of a place.
    pub(super) fn rate(&self, place: Place) -> i128 {
        self.context.exchange_rates[self.currency(place)]
    }

    /// Position of the billing currency of a place.
    pub(super) fn currency(&self, place: Place) -> usize {
        self.context.tenant.profile_of(place.customer).currency
    }

    /// Renders a line whose cells are filled.
    pub(super) fn finish(&mut self, place: Place, terms: Terms) {
        if terms.days == 0 {
            return;
        }
        self.cells.set(Column::ChargeType, terms.charge_type.name());
        self.cells.set_decimal(
            Column::ExchangeRatePricingToBilling,
            terms.exchange_rate,
            NumberStyle::Plain,
        );
        debug_assert_eq!(terms.currency, self.currency(place));
        self.block.lines.push(Line::new(self.context.layout, &self.cells, terms));
    }

    /// Price cells that do not depend on the number style.
    pub(super) fn fill_fixed_prices(&mut self, prices: Prices) {
        self.cells.set(Column::PartnerEarnedCreditRate, "0");
        self.cells.set(Column::PartnerEarnedCreditApplied, "False");
        self.cells.set_decimal(Column::PayGPrice, prices.payg, NumberStyle::Plain);
        match prices.unit {
            Some(unit) => self.cells.set_decimal(Column::UnitPrice, unit, NumberStyle::Plain),
            None => self.cells.set(Column::UnitPrice, ""),
        }
    }

    /// Empties the cells and fills those about who pays and which month.
    pub(super) fn start(&mut self, place: Place, renamed: bool, line_key: u64) {
        let context = self.context;
        let tenant = context.tenant;
        let customer = &tenant.customers[place.customer];
        let subscription = &customer.subscriptions[place.subscription];
        self.cells.clear();
        self.fill_account(place, line_key);
        self.cells.set(Column::CustomerTenantId, &customer.tenant_id);
        let name = if renamed { customer.later_name } else { None };
        self.cells.set(Column::CustomerName, name.unwrap_or(&customer.name));
        if let Some(reseller) = customer.reseller {
            self.cells.set(Column::ResellerName, RESELLERS[reseller].name);
            self.cells.set(Column::ResellerMpnId, RESELLERS[reseller].mpn_id);
        }
        self.cells.set(Column::SubscriptionId, &subscription.id);
        self.cells.set(Column::SubscriptionName, &subscription.name);
        if context.is_open() {
            self.cells.set(Column::CostCenter, subscription.cost_center);
        }
        self.cells.set(Column::Frequency, "UsageBased");
        self.cells.set(Column::PublisherType, "Microsoft");
        self.cells.set(Column::PublisherName, "Microsoft");
        self.cells.set(Column::Provider, "Azure");
        let eligible = if line_key & 63 == 5 { "TRUE" } else { "True" };
        self.cells.set(Column::IsAzureCreditEligible, eligible);
        self.fill_invoice(place);
        self.fill_month(line_key);
    }

    fn fill_account(&mut self, place: Place, line_key: u64) {
        let tenant = self.context.tenant;
        let profile = tenant.profile_of(place.customer);
        self.cells.set(Column::BillingAccountId, &tenant.billing_account);
        self.cells.set(Column::BillingAccountName, Tenant::BILLING_ACCOUNT_NAME);
        self.cells.set(Column::BillingProfileId, &profile.id);
        if line_key >> 16 & 15 == 0 {
            // Azure's own spelling is not stable.
            self.cells.set(Column::BillingProfileId, &profile.id.to_ascii_lowercase());
        }
        self.cells.set(Column::BillingProfileName, profile.name);
        if profile.currency == 1 {
            self.cells.set(Column::InvoiceSectionId, "-2");
            self.cells.set(Column::InvoiceSectionName, "Unassigned");
        }
        self.cells.set(Column::PartnerTenantId, &tenant.partner_tenant_id);
        self.cells.set(Column::PartnerName, Tenant::PARTNER_NAME);
        self.cells.set(Column::BillingCurrency, CURRENCIES[profile.currency]);
        self.cells.set(Column::PricingCurrency, "USD");
    }

    fn fill_month(&mut self, line_key: u64) {
        let context = self.context;
        let (first, last) = (context.month.first_day(), context.month.last_day());
        self.cells.set(Column::ExchangeRateDate, &day_text(first));
        self.cells.set(Column::ServicePeriodStartDate, &day_text(first));
        // Seen both as the last day and as the first one after.
        let end = if line_key >> 20 & 1 == 0 { last } else { last + 1 };
        self.cells.set(Column::ServicePeriodEndDate, &day_text(end));
    }

    /// Invoice and billing period, which an open month lacks.
    fn fill_invoice(&mut self, place: Place) {
        let context = self.context;
        if context.is_open() {
            return;
        }
        let invoice = invoice_id(context.tenant, place, context.month);
        self.cells.set(Column::InvoiceId, &invoice);
        self.cells.set(Column::BillingPeriodStartDate, &day_text(context.month.first_day()));
        self.cells.set(Column::BillingPeriodEndDate, &day_text(context.month.last_day()));
    }

    /// Meter and product.
    pub(super) fn fill_meter(&mut self, meter: &Meter, region: &Region) {
        self.cells.set(Column::ServiceFamily, meter.family);
        self.cells.set(Column::MeterId, &meter.id(region));
        self.cells.set(Column::MeterName, meter.name);
        self.cells.set(Column::MeterCategory, meter.category);
        self.cells.set(Column::MeterSubCategory, meter.sub_category);
        self.cells.set(Column::MeterRegion, region.name);
        self.cells.set(Column::ProductId, &meter.product_id(region));
        self.cells.set(Column::ProductName, &meter.product_name(region));
        self.cells.set(Column::UnitOfMeasure, meter.unit);
        self.cells.set(Column::ResourceLocation, region.location);
        self.cells.set(Column::Location, region.name);
        if meter.kind == MeterKind::Marketplace {
            self.cells.set(Column::PublisherType, "Marketplace");
            self.cells.set(Column::PublisherName, "Contoso Security, Inc.");
            self.cells.set(Column::IsAzureCreditEligible, "False");
        }
    }

    /// Meter, resource, tags and additional info.
    pub(super) fn fill_resource(&mut self, resource: Resource, details: &str) {
        let meter = resource.meter();
        self.fill_meter(meter, resource.region());
        let (namespace, _) =
            meter.resource_type.split_once('/').expect("resource types name their provider");
        self.cells.set(Column::ConsumedService, namespace);
        let line_key = resource.line_key();
        if line_key >> 24 & 15 == 0 {
            self.cells.set(Column::ConsumedService, &namespace.to_ascii_lowercase());
        }
        self.fill_resource_id(resource);
        let quirks = self.context.options.quirks;
        write_tags(self.cells.start(Column::Tags), resource, quirks);
        write_additional_info(self.cells.start(Column::AdditionalInfo), resource, details);
        if meter.vcpus > 0 {
            self.cells.set(Column::ServiceInfo1, meter.sku);
        }
    }

    fn fill_resource_id(&mut self, resource: Resource) {
        let missing = ["", "Others", "Not applicable", "Unassigned"];
        let group = match resource.line_key() >> 32 & 127 {
            case @ 0..4 => missing[case as usize].to_owned(),
            _ => resource.group(),
        };
        self.cells.set(Column::ResourceGroupName, &group);
        self.cells.set(Column::ResourceId, &resource.id(self.context.tenant));
    }
}

/// Regions nearer the front of the table are used more.
fn region_of(resource_key: u64) -> usize {
    let count = REGIONS.len() as u64;
    let bits = mix(resource_key ^ 3);
    scale(bits, count).min(scale(bits.rotate_left(32), count)) as usize
}

/// Invoice of a profile and month.
pub(super) fn invoice_id(tenant: &Tenant, place: Place, month: BillingMonth) -> String {
    let profile = tenant.customers[place.customer].profile as u64;
    let path = [tenant.seed, 11, profile, month.first_day() as u64];
    format!("G{:09}", scale(key(&path), 1_000_000_000))
}
