//! Cost added up by day and scope: what one load of a month is compared by with the
//! next, so that a restatement can be told long after the rows it replaced are gone.

use std::collections::HashMap;

use arrow::array::StringViewArray;

use super::{CodedTexts, RowBatch, TextCode, Texts};
use crate::model::totals::{TotalOverflow, checked_sum};
use crate::slots::{Entry, Slots, hash_of_bytes};

/// Texts of a [`DayTotal`], by their columns in the lake.
pub const SCOPE_COLUMNS: [&str; 5] = [
    "billing_account_id",
    "billing_profile_id",
    "customer_tenant_id",
    "subscription_id",
    "billing_currency",
];

/// The text's number in [`DayTotals::texts`], from 1; 0 is NULL.
type TextNumber = u32;

/// What rows are added up by: their day, then a number for each of [`SCOPE_COLUMNS`].
/// Small, as every row has one while its batch is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key([u32; 6]);

/// A day that is none.
const NO_DAY: i32 = i32::MIN;

impl Key {
    fn of_day(day: Option<i32>) -> Self {
        let mut key = [0; 6];
        key[0] = day.unwrap_or(NO_DAY) as u32;
        Self(key)
    }

    fn day(&self) -> Option<i32> {
        let day = self.0[0] as i32;
        (day != NO_DAY).then_some(day)
    }

    fn scope(&self) -> [TextNumber; 5] {
        let [_, scope @ ..] = self.0;
        scope
    }

    fn scope_mut(&mut self, part: usize) -> &mut TextNumber {
        &mut self.0[part + 1]
    }

    fn hash(&self) -> u64 {
        let mut bytes = [0; size_of::<Self>()];
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.0) {
            *place = word.to_le_bytes();
        }
        hash_of_bytes(&bytes)
    }
}

/// Rows and cost of one day, scope and currency. Sums are raw units of 10⁻¹⁸.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    rows: u64,
    cost: i128,
    cost_usd: i128,
}

/// One day of one subscription, as [`DayTotals::iter`] tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTotal<'a> {
    /// Days since 1970-01-01; `None` never in files that are read here.
    pub day: Option<i32>,
    /// Values of [`SCOPE_COLUMNS`].
    pub scope: [Option<&'a str>; 5],
    /// Rows.
    pub rows: u64,
    /// Σ `cost_in_billing_currency`, raw units of 10⁻¹⁸.
    pub cost: i128,
    /// Σ `cost_in_usd`, raw units of 10⁻¹⁸.
    pub cost_usd: i128,
}

/// Rows and cost by day, scope keys and currency.
#[derive(Clone, Debug, Default)]
pub struct DayTotals {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
    by_code: [NumbersByCode; 5],
    slots: Slots,
    keys: Vec<Key>,
    /// By key.
    sums: Vec<Sums>,
}

/// Numbers of texts that come by code.
#[derive(Clone, Debug, Default)]
struct NumbersByCode {
    /// Whose codes; 0 is nobody's.
    identity: u64,
    numbers: Vec<TextNumber>,
}

impl DayTotals {
    /// Adds rows of the cost columns. Where the key does not change it is not looked up.
    ///
    /// # Errors
    /// When a sum leaves the range of the money type.
    pub fn add(&mut self, batch: &RowBatch) -> Result<(), TotalOverflow> {
        let mut keys: Vec<Key> = batch.dates("date").iter().map(Key::of_day).collect();
        for (part, column) in SCOPE_COLUMNS.into_iter().enumerate() {
            match batch.texts(column) {
                Texts::Coded(texts) => self.number_codes(part, texts, &mut keys),
                Texts::Array(texts) => self.number_texts(part, texts, &mut keys),
            }
        }
        let costs = batch.decimals("cost_in_billing_currency").values();
        let costs_usd = batch.decimals("cost_in_usd").values();
        let mut start = 0;
        for run in keys.chunk_by(|left, right| left == right) {
            let rows = start..start + run.len();
            start = rows.end;
            let mut sums = Sums::default();
            for row in rows {
                // A NULL's raw value is 0: it counts as nothing.
                sums.add(&Sums { rows: 1, cost: costs[row], cost_usd: costs_usd[row] })?;
            }
            self.add_sums(run[0], &sums)?;
        }
        Ok(())
    }

    fn number_codes(&mut self, part: usize, texts: &CodedTexts, keys: &mut [Key]) {
        let dictionary = texts.dictionary();
        let mut known = std::mem::take(&mut self.by_code[part]);
        if known.identity != dictionary.identity() {
            known = NumbersByCode { identity: dictionary.identity(), numbers: Vec::new() };
        }
        for code in known.numbers.len()..dictionary.len() {
            known.numbers.push(self.number(dictionary.get(code as TextCode)));
        }
        for (key, code) in keys.iter_mut().zip(texts.codes()) {
            *key.scope_mut(part) = known.numbers[*code as usize];
        }
        self.by_code[part] = known;
    }

    /// Texts mostly are those of the row before.
    fn number_texts(&mut self, part: usize, texts: &StringViewArray, keys: &mut [Key]) {
        let mut last = (None, 0);
        for (key, text) in keys.iter_mut().zip(texts) {
            if text != last.0 {
                last = (text, self.number(text));
            }
            *key.scope_mut(part) = last.1;
        }
    }

    fn add_sums(&mut self, key: Key, sums: &Sums) -> Result<(), TotalOverflow> {
        let Self { slots, keys, .. } = self;
        let hash = key.hash();
        let at = match slots.find(hash, |at| keys[at as usize] == key) {
            Ok(at) => at as usize,
            Err(free) => {
                let at = keys.len();
                let entry = Entry::try_from(at).expect("a month has fewer than 2^32 scopes");
                keys.push(key);
                self.sums.push(Sums::default());
                slots.fill(free, hash, entry, |at| keys[at as usize].hash());
                at
            }
        };
        self.sums[at].add(sums)
    }

    /// Adds all of `other`.
    ///
    /// # Errors
    /// When a sum leaves the range of the money type.
    pub fn merge(&mut self, other: &Self) -> Result<(), TotalOverflow> {
        for total in other.iter() {
            let mut key = Key::of_day(total.day);
            for (part, text) in total.scope.into_iter().enumerate() {
                *key.scope_mut(part) = self.number(text);
            }
            let sums = Sums { rows: total.rows, cost: total.cost, cost_usd: total.cost_usd };
            self.add_sums(key, &sums)?;
        }
        Ok(())
    }

    /// Every day and scope, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = DayTotal<'_>> {
        self.keys.iter().zip(&self.sums).map(|(key, sums)| DayTotal {
            day: key.day(),
            scope: key.scope().map(|number| match number {
                0 => None,
                number => Some(&*self.texts[number as usize - 1]),
            }),
            rows: sums.rows,
            cost: sums.cost,
            cost_usd: sums.cost_usd,
        })
    }

    fn number(&mut self, text: Option<&str>) -> TextNumber {
        let Some(text) = text else { return 0 };
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.into());
        let number = u32::try_from(self.texts.len()).expect("a month has fewer than 2^32 scopes");
        self.numbers.insert(text.into(), number);
        number
    }
}

impl Sums {
    fn add(&mut self, other: &Self) -> Result<(), TotalOverflow> {
        *self = Self {
            rows: self.rows + other.rows,
            cost: checked_sum(self.cost, other.cost)?,
            cost_usd: checked_sum(self.cost_usd, other.cost_usd)?,
        };
        Ok(())
    }
}
