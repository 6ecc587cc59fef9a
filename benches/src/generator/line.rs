//! A charge line: one meter of one resource over a month, ready to be written
//! once a day.
//!
//! All cells that stay the same over the month are rendered once; the rest are
//! slots filled per day. Input: a line and a day. Output: the bytes of a row
//! for each file and the numbers in it. Never draws anything but the quantity.

use super::cells::{
    MICRO, Money, NumberStyle, extend, push_decimal, push_money, push_quantity, push_text,
};
use super::columns::{COLUMN_COUNT, Column, Layout};
use super::commitments::Habit;
use super::random::{key, scale};

/// In which files a line's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    Both,
    ActualOnly,
    AmortizedOnly,
}

/// Azure's charge types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChargeType {
    Usage,
    Purchase,
    Refund,
    Tax,
    UnusedReservation,
    UnusedSavingsPlan,
    RoundingAdjustment,
    Adjustment,
    Credit,
}

impl ChargeType {
    /// All of them, by their position.
    pub(super) const ALL: [Self; 9] = [
        Self::Usage,
        Self::Purchase,
        Self::Refund,
        Self::Tax,
        Self::UnusedReservation,
        Self::UnusedSavingsPlan,
        Self::RoundingAdjustment,
        Self::Adjustment,
        Self::Credit,
    ];

    /// As the file spells it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Usage => "Usage",
            Self::Purchase => "Purchase",
            Self::Refund => "Refund",
            Self::Tax => "Tax",
            Self::UnusedReservation => "UnusedReservation",
            Self::UnusedSavingsPlan => "UnusedSavingsPlan",
            Self::RoundingAdjustment => "RoundingAdjustment",
            Self::Adjustment => "Adjustment",
            Self::Credit => "Credit",
        }
    }
}

/// Quantity of a day.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quantity {
    /// The same on every day, millionths.
    Fixed(i64),
    /// Hours of a machine.
    Hours { key: u64, habit: Habit },
    /// Around this many millionths.
    Around { key: u64, base: u64 },
    /// Hours of `capacity` that the block's lines from `first` left over.
    UnusedHours { first: usize, count: usize, capacity: i64 },
    /// One, at the price that the block's lines from `first` left of `daily`.
    UnusedAmount { first: usize, count: usize, daily: i128 },
}

/// Prices of one unit, raw units of the pricing currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prices {
    /// Retail; 0 where Azure gives none.
    pub(super) payg: i128,
    /// Negotiated; empty where Azure gives none.
    pub(super) unit: Option<i128>,
    /// What the actual file charges.
    pub(super) actual: i128,
    /// What the amortized file charges.
    pub(super) amortized: i128,
}

/// Everything about a line that is no text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Days of the month it has a row on, bit 0 being the first.
    pub(super) days: u32,
    pub(super) files: Files,
    pub(super) charge_type: ChargeType,
    pub(super) quantity: Quantity,
    pub(super) prices: Prices,
    pub(super) style: NumberStyle,
    /// Pricing to billing currency.
    pub(super) exchange_rate: i128,
    /// Position of the billing currency.
    pub(super) currency: usize,
    /// Position in the block's commitments.
    pub(super) commitment: Option<usize>,
}

/// A charge line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) terms: Terms,
    /// Constant bytes; `slots` says what comes after which of them.
    constant: Vec<u8>,
    slots: Vec<(u32, Column)>,
}

/// The numbers of one row in one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amounts {
    quantity: i64,
    effective_price: i128,
    /// In pricing currency, which is US dollars.
    pub(super) cost_usd: i128,
    pub(super) cost: Money,
    payg_cost_usd: i128,
    pub(super) payg_cost: Money,
}

/// Text of every cell, by column; cells that are slots are ignored.
pub(super) struct Cells([String; COLUMN_COUNT]);

impl Cells {
    /// All empty.
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| String::new()))
    }

    /// Empties all cells.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(String::clear);
    }

    /// Sets a cell to a text.
    pub(super) fn set(&mut self, column: Column, text: &str) {
        let cell = self.start(column);
        cell.push_str(text);
    }

    /// Empties a cell and hands it out to be written to.
    pub(super) fn start(&mut self, column: Column) -> &mut String {
        let cell = &mut self.0[column as usize];
        cell.clear();
        cell
    }

    /// Sets a cell to a number.
    pub(super) fn set_decimal(&mut self, column: Column, raw: i128, style: NumberStyle) {
        let mut digits = Vec::with_capacity(48);
        push_decimal(&mut digits, raw, style);
        let text = String::from_utf8(digits).expect("numbers are written in ASCII");
        self.set(column, &text);
    }
}

impl Line {
    /// Renders the constant cells in the layout's order.
    pub(super) fn new(layout: &Layout, cells: &Cells, terms: Terms) -> Self {
        let mut constant = Vec::with_capacity(1_400);
        let mut slots = Vec::with_capacity(8);
        for (position, column) in layout.columns().enumerate() {
            if position > 0 {
                constant.push(b',');
            }
            if is_slot(column) {
                slots.push((constant.len() as u32, column));
            } else {
                push_text(&mut constant, &cells.0[column as usize]);
            }
        }
        Self { terms, constant, slots }
    }

    /// Whether the line has a row on a day of the month, from 0.
    pub(super) fn has_day(&self, day: u32) -> bool {
        self.terms.days >> day & 1 == 1
    }

    /// The numbers of the row at a price, on a day since 1970-01-01.
    fn amounts(&self, quantity: i64, effective_price: i128) -> Amounts {
        let terms = &self.terms;
        let cost_usd = extend(quantity, effective_price);
        let payg_cost_usd = extend(quantity, terms.prices.payg);
        let billed = |usd| Money::product(usd, terms.exchange_rate, terms.style);
        let payg_cost = if payg_cost_usd == 0 { Money::default() } else { billed(payg_cost_usd) };
        let cost = if cost_usd == payg_cost_usd { payg_cost } else { billed(cost_usd) };
        Amounts { quantity, effective_price, cost_usd, cost, payg_cost_usd, payg_cost }
    }

    /// Appends the row, without line end.
    pub(super) fn render(&self, row: &mut Vec<u8>, date: &str, amounts: &Amounts) {
        let style = self.terms.style;
        let mut from = 0;
        for (to, column) in &self.slots {
            row.extend_from_slice(&self.constant[from..*to as usize]);
            from = *to as usize;
            match column {
                Column::Date => row.extend_from_slice(date.as_bytes()),
                Column::Quantity => push_quantity(row, amounts.quantity, style),
                Column::EffectivePrice => push_decimal(row, amounts.effective_price, style),
                Column::CostInBillingCurrency => push_money(row, amounts.cost, style),
                Column::PaygCostInBillingCurrency => push_money(row, amounts.payg_cost, style),
                Column::PaygCostInUsd => push_decimal(row, amounts.payg_cost_usd, style),
                // Prices are in US dollars.
                _ => push_decimal(row, amounts.cost_usd, style),
            }
        }
        row.extend_from_slice(&self.constant[from..]);
    }
}

fn is_slot(column: Column) -> bool {
    matches!(
        column,
        Column::Date
            | Column::EffectivePrice
            | Column::Quantity
            | Column::CostInBillingCurrency
            | Column::CostInPricingCurrency
            | Column::CostInUsd
            | Column::PaygCostInBillingCurrency
            | Column::PaygCostInUsd
    )
}

/// Numbers of a line's row on one day, in the actual and the amortized file.
///
/// `day` counts from the month's first, `first_day` from 1970-01-01.
pub(super) fn amounts(lines: &[Line], line: &Line, day: u32, first_day: i32) -> [Amounts; 2] {
    let prices = line.terms.prices;
    let quantity = match line.terms.quantity {
        Quantity::UnusedHours { first, count, capacity } => {
            let used =
                members(lines, first, count, day).map(|member| drawn(member, day, first_day));
            capacity - used.sum::<i64>()
        }
        Quantity::UnusedAmount { first, count, daily } => {
            let used: i128 = members(lines, first, count, day)
                .map(|member| extend(drawn(member, day, first_day), member.terms.prices.amortized))
                .sum();
            let unused = line.amounts(MICRO, daily - used);
            return [unused; 2];
        }
        _ => drawn(line, day, first_day),
    };
    let amortized = line.amounts(quantity, prices.amortized);
    if prices.actual == prices.amortized {
        return [amortized; 2];
    }
    [line.amounts(quantity, prices.actual), amortized]
}

fn members(lines: &[Line], first: usize, count: usize, day: u32) -> impl Iterator<Item = &Line> {
    lines[first..first + count].iter().filter(move |line| line.has_day(day))
}

/// Quantity of a line that depends on no other line.
fn drawn(line: &Line, day: u32, first_day: i32) -> i64 {
    match line.terms.quantity {
        Quantity::Fixed(quantity) => quantity,
        Quantity::Hours { key, habit } => hours(key, habit, first_day + day as i32),
        Quantity::Around { key: line_key, base } => {
            let bits = key(&[line_key, (first_day + day as i32) as u64]);
            (base * 4 / 5 + scale(bits, base * 2 / 5 + 1)) as i64
        }
        Quantity::UnusedHours { .. } | Quantity::UnusedAmount { .. } => {
            unreachable!("unused rows depend on other lines and are members of none")
        }
    }
}

/// Hours of a machine, by the key of its line, on a day since 1970-01-01;
/// millionths.
pub(super) fn hours(line_key: u64, habit: Habit, day: i32) -> i64 {
    let bits = || key(&[line_key, day as u64]);
    match habit {
        Habit::Always => 24 * MICRO,
        Habit::Mostly => {
            let bits = bits();
            // Three of four days are whole; others end at some minute.
            if bits & 3 == 0 { scale(bits, 24 * 60) as i64 * MICRO / 60 } else { 24 * MICRO }
        }
        Habit::Sparse => (120 + scale(bits(), 360)) as i64 * MICRO / 60,
    }
}
