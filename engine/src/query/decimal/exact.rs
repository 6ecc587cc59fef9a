//! Exact arithmetic on raw decimals: 256 bits inside, half to even, checked.
//!
//! Input: `i128` raw values with their scales (0 to 38). Output: raw units of
//! 10⁻¹⁸, or why there is none. Pure; knows nothing of Arrow arrays or SQL.
//!
//! For whoever changes this: each operation is prepared once per batch from
//! the two scales ([`Product`], [`Quotient`], [`Sum`]) and then applied per
//! row. The plain meaning of every fast path is the 256-bit expression in
//! `tests::reference`; the property tests hold the two together.

use arrow::datatypes::i256;

use crate::model::money::{DECIMAL_SCALE, MAX_RAW, POWERS_OF_TEN};

/// Why an operation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// More than 38 digits with 18 decimals.
    #[error("the result exceeds 38 digits with 18 decimals")]
    Overflow,
    /// The divisor is zero.
    #[error("division by zero")]
    DivisionByZero,
}

use ArithmeticError::Overflow;

const RESULT_SCALE: i32 = DECIMAL_SCALE as i32;

/// Largest power of ten that fits a 64-bit word.
const WORD_DIGITS: i32 = 19;

/// `left × right` for two fixed scales.
#[derive(Clone, Copy, Debug)]
pub enum Product {
    /// The product has too few decimals: times this power of ten.
    Raise(i128),
    /// The product has too many: divided by a power of ten below 2⁶⁴.
    Drop(WordDivisor),
    /// The product has very many: divided by this power of ten.
    DropWide(i256),
}

impl Product {
    /// Prepares the product of two values with these scales.
    pub fn new(left_scale: i8, right_scale: i8) -> Self {
        let surplus = i32::from(left_scale) + i32::from(right_scale) - RESULT_SCALE;
        if surplus <= 0 {
            Self::Raise(POWERS_OF_TEN[surplus.unsigned_abs() as usize])
        } else if surplus <= WORD_DIGITS {
            Self::Drop(WordDivisor::new(POWERS_OF_TEN[surplus as usize] as u64))
        } else {
            Self::DropWide(power_of_ten(surplus))
        }
    }

    /// The product, rounded half to even.
    pub fn of(&self, left: i128, right: i128) -> Result<i128, ArithmeticError> {
        match self {
            Self::Raise(factor) => left
                .checked_mul(right)
                .and_then(|product| product.checked_mul(*factor))
                .ok_or(Overflow)
                .and_then(within_range),
            Self::Drop(divisor) => {
                let magnitude = divisor
                    .divide_half_even(wide_product(left.unsigned_abs(), right.unsigned_abs()))?;
                signed(magnitude, (left < 0) != (right < 0))
            }
            Self::DropWide(divisor) => {
                // Two values below 2¹²⁷: the product is below 2²⁵⁴.
                let product = i256::from_i128(left).wrapping_mul(i256::from_i128(right));
                divide_half_even(product, *divisor)
            }
        }
    }
}

/// `left ÷ right` for two fixed scales.
#[derive(Clone, Copy, Debug)]
pub struct Quotient {
    /// The quotient of the raw values lacks this many decimals.
    lacking: i32,
}

impl Quotient {
    /// Prepares the quotient of two values with these scales.
    pub fn new(left_scale: i8, right_scale: i8) -> Self {
        Self { lacking: RESULT_SCALE + i32::from(right_scale) - i32::from(left_scale) }
    }

    /// The quotient, rounded half to even.
    pub fn of(&self, left: i128, right: i128) -> Result<i128, ArithmeticError> {
        if right == 0 {
            return Err(ArithmeticError::DivisionByZero);
        }
        if self.lacking < 0 {
            let divisor = i256::from_i128(right).wrapping_mul(power_of_ten(-self.lacking));
            return divide_half_even(i256::from_i128(left), divisor);
        }
        let negative = (left < 0) != (right < 0);
        let (dividend, divisor) = (left.unsigned_abs(), right.unsigned_abs());
        let raised = POWERS_OF_TEN
            .get(self.lacking as usize)
            .and_then(|factor| dividend.checked_mul(factor.unsigned_abs()));
        let magnitude = match raised {
            Some(raised) => {
                round_half_even(raised / divisor, raised % divisor, divisor).ok_or(Overflow)?
            }
            None => long_division(dividend, divisor, self.lacking)?,
        };
        signed(magnitude, negative)
    }
}

/// `left + right` or `left − right` for two fixed scales.
#[derive(Clone, Copy, Debug)]
pub enum Sum {
    /// Both have at most 18 decimals: raised to 18, then added.
    Raise(i128, i128),
    /// One has more: both raised to the larger scale, added, and rounded.
    Round {
        /// Factors of left and right.
        raise: (i256, i256),
        /// Divisor of the sum.
        drop: i256,
    },
}

impl Sum {
    /// Prepares the sum of two values with these scales.
    pub fn new(left_scale: i8, right_scale: i8) -> Self {
        let (left, right) = (i32::from(left_scale), i32::from(right_scale));
        let common = left.max(right).max(RESULT_SCALE);
        if common == RESULT_SCALE {
            let factor = |scale: i32| POWERS_OF_TEN[(RESULT_SCALE - scale) as usize];
            return Self::Raise(factor(left), factor(right));
        }
        Self::Round {
            raise: (power_of_ten(common - left), power_of_ten(common - right)),
            drop: power_of_ten(common - RESULT_SCALE),
        }
    }

    /// The sum, rounded half to even. Subtraction adds the negated value.
    pub fn of(&self, left: i128, right: i128) -> Result<i128, ArithmeticError> {
        match self {
            Self::Raise(left_factor, right_factor) => {
                let left = left.checked_mul(*left_factor).ok_or(Overflow)?;
                let right = right.checked_mul(*right_factor).ok_or(Overflow)?;
                left.checked_add(right).ok_or(Overflow).and_then(within_range)
            }
            Self::Round { raise, drop } => {
                // At most 2 × 10³⁸ × 10³⁸, below 2²⁵⁵.
                let left = i256::from_i128(left).wrapping_mul(raise.0);
                let right = i256::from_i128(right).wrapping_mul(raise.1);
                divide_half_even(left.wrapping_add(right), *drop)
            }
        }
    }
}

/// A total of raw values of one scale as a value with 18 decimals.
pub fn total(sum: i256, scale: i8) -> Result<i128, ArithmeticError> {
    let surplus = i32::from(scale) - RESULT_SCALE;
    if surplus > 0 {
        return divide_half_even(sum, power_of_ten(surplus));
    }
    let raised = sum.checked_mul(power_of_ten(-surplus)).ok_or(Overflow)?;
    raised.to_i128().ok_or(Overflow).and_then(within_range)
}

/// The mean of `count` (not 0) raw values of one scale, with 18 decimals.
pub fn mean(sum: i256, count: u64, scale: i8) -> Result<i128, ArithmeticError> {
    let surplus = i32::from(scale) - RESULT_SCALE;
    let count = i256::from_i128(i128::from(count));
    if surplus > 0 {
        // At most 2⁶⁴ × 10²⁰.
        return divide_half_even(sum, count.wrapping_mul(power_of_ten(surplus)));
    }
    // At most 10³⁸ × 2⁶⁴ × 10¹⁸, below 2²⁵⁵.
    divide_half_even(sum.wrapping_mul(power_of_ten(-surplus)), count)
}

/// 10ⁿ for n from 0 to 76.
fn power_of_ten(exponent: i32) -> i256 {
    let exponent = exponent as usize;
    let high = exponent.min(38);
    i256::from_i128(POWERS_OF_TEN[high])
        .wrapping_mul(i256::from_i128(POWERS_OF_TEN[exponent - high]))
}

fn within_range(raw: i128) -> Result<i128, ArithmeticError> {
    if (-MAX_RAW..=MAX_RAW).contains(&raw) { Ok(raw) } else { Err(Overflow) }
}

fn signed(magnitude: u128, negative: bool) -> Result<i128, ArithmeticError> {
    if magnitude > MAX_RAW.unsigned_abs() {
        return Err(Overflow);
    }
    let magnitude = magnitude as i128;
    Ok(if negative { -magnitude } else { magnitude })
}

/// Rounds a truncated quotient by its remainder.
fn round_half_even(quotient: u128, remainder: u128, divisor: u128) -> Option<u128> {
    // Compared with the other side of the divisor, so that nothing doubles.
    let rest = divisor - remainder;
    let up = remainder > rest || (remainder == rest && quotient % 2 == 1);
    quotient.checked_add(u128::from(up))
}

fn divide_half_even(dividend: i256, divisor: i256) -> Result<i128, ArithmeticError> {
    let negative = dividend.is_negative() != divisor.is_negative();
    let (dividend, divisor) = (dividend.wrapping_abs(), divisor.wrapping_abs());
    let quotient = dividend.checked_div(divisor).ok_or(ArithmeticError::DivisionByZero)?;
    let remainder = dividend.wrapping_sub(quotient.wrapping_mul(divisor));
    let quotient = quotient.to_i128().ok_or(Overflow)?.unsigned_abs();
    let rest = divisor.wrapping_sub(remainder);
    let up = remainder > rest || (remainder == rest && quotient % 2 == 1);
    signed(quotient + u128::from(up), negative)
}

/// `dividend × 10^lacking ÷ divisor` by bringing down digits, as on paper,
/// where the raised dividend does not fit.
fn long_division(dividend: u128, divisor: u128, mut lacking: i32) -> Result<u128, ArithmeticError> {
    let mut quotient = dividend / divisor;
    let mut remainder = dividend % divisor;
    let wide = |value: u128| i256::from_parts(value, 0);
    while lacking > 0 {
        // Remainder and 10³⁸ are below 2¹²⁷: the product is below 2²⁵⁴.
        let digits = lacking.min(38);
        lacking -= digits;
        let raised = wide(remainder).wrapping_mul(power_of_ten(digits));
        let part = raised.wrapping_div(wide(divisor));
        remainder = raised.wrapping_sub(part.wrapping_mul(wide(divisor))).to_parts().0;
        quotient = quotient
            .checked_mul(POWERS_OF_TEN[digits as usize].unsigned_abs())
            .and_then(|quotient| quotient.checked_add(part.to_parts().0))
            .ok_or(Overflow)?;
    }
    round_half_even(quotient, remainder, divisor).ok_or(Overflow)
}

/// The 256-bit product as words, lowest first.
fn wide_product(left: u128, right: u128) -> [u64; 4] {
    let word = |value: u128| u128::from(value as u64);
    let (left_low, left_high) = (word(left), left >> 64);
    let (right_low, right_high) = (word(right), right >> 64);
    let low = left_low * right_low;
    // Each middle product is below 2¹²⁸ − 2⁶⁵ + 2, so one carry can be added.
    let middle = left_high * right_low + (low >> 64);
    let (middle, carry) = middle.overflowing_add(left_low * right_high);
    let high = left_high * right_high + (middle >> 64) + (u128::from(carry) << 64);
    [low as u64, middle as u64, high as u64, (high >> 64) as u64]
}

/// Division by a fixed 64-bit number without a division instruction: a
/// multiplication by its reciprocal and at most two corrections per word
/// (Möller and Granlund, "Improved division by invariant integers", 2011).
#[derive(Clone, Copy, Debug)]
pub struct WordDivisor {
    /// The divisor, shifted so that its top bit is set.
    normalized: u64,
    /// By how many bits.
    shift: u32,
    /// ⌊(2¹²⁸ − 1) / normalized⌋ − 2⁶⁴.
    reciprocal: u64,
}

impl WordDivisor {
    /// Prepares a divisor, which is not 0.
    pub fn new(divisor: u64) -> Self {
        let shift = divisor.leading_zeros();
        let normalized = divisor << shift;
        // Truncation drops exactly the 2⁶⁴.
        let reciprocal = (u128::MAX / u128::from(normalized)) as u64;
        Self { normalized, shift, reciprocal }
    }

    /// The quotient, rounded half to even; overflow beyond 128 bits.
    fn divide_half_even(&self, words: [u64; 4]) -> Result<u128, ArithmeticError> {
        let shifted = |index: usize| {
            let lower = if index == 0 { 0 } else { words[index - 1] };
            // Shifting a u64 by 64 is what an unshifted divisor would ask for.
            let carried = if self.shift == 0 { 0 } else { lower >> (64 - self.shift) };
            (words[index] << self.shift) | carried
        };
        let highest = words.iter().rposition(|&word| word != 0).unwrap_or(0);
        let mut remainder = if self.shift == 0 { 0 } else { words[highest] >> (64 - self.shift) };
        let mut quotient = [0u64; 4];
        for index in (0..=highest).rev() {
            (quotient[index], remainder) = self.divide_word(remainder, shifted(index));
        }
        if quotient[2] != 0 || quotient[3] != 0 {
            return Err(Overflow);
        }
        let quotient = (u128::from(quotient[1]) << 64) | u128::from(quotient[0]);
        let divisor = u128::from(self.normalized);
        round_half_even(quotient, u128::from(remainder), divisor).ok_or(Overflow)
    }

    /// Divides `high × 2⁶⁴ + low` by the normalized divisor, `high` being
    /// below it: quotient and remainder.
    fn divide_word(&self, high: u64, low: u64) -> (u64, u64) {
        let estimate = (u128::from(self.reciprocal) * u128::from(high))
            .wrapping_add((u128::from(high) << 64) | u128::from(low));
        let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
        let mut remainder = low.wrapping_sub(quotient.wrapping_mul(self.normalized));
        if remainder > estimate as u64 {
            quotient = quotient.wrapping_sub(1);
            remainder = remainder.wrapping_add(self.normalized);
        }
        if remainder >= self.normalized {
            quotient = quotient.wrapping_add(1);
            remainder -= self.normalized;
        }
        (quotient, remainder)
    }
}

#[cfg(test)]
mod tests;
