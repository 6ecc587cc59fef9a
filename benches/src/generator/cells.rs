//! How values become the bytes of a cell, and the exact arithmetic before it.
//!
//! Money, prices and rates are integers of 10⁻¹⁸ as in the loader's model;
//! quantities are integers of 10⁻⁶. Never rounds silently: every division here
//! is exact or half to even at a documented place.

use costlake_engine::model::date::civil_from_days;
use costlake_engine::model::money::ONE;

/// Raw units (10⁻¹⁸) of one quantity unit (10⁻⁶).
const RAW_PER_MICRO: i128 = 1_000_000_000_000;
/// Quantity units of 1.
pub(super) const MICRO: i64 = 1_000_000;
/// Units of 10⁻²⁸ in one raw unit.
const WIDE_PER_RAW: i128 = 10_000_000_000;

/// How the numbers of a row are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberStyle {
    /// Plain, no trailing zeros.
    Plain,
    /// 28 decimals, trailing zeros kept.
    Wide,
    /// `5.64902E-05` where the value is below 0.001.
    Scientific,
}

/// A number and the cell it is printed as: `wide` (10⁻²⁸) is printed where the
/// style asks for it, and `raw` (10⁻¹⁸) is what a reader makes of the cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Money {
    /// Value rounded half to even to 18 decimals, as a reader of the cell does.
    pub(super) raw: i128,
    wide: i128,
}

impl Money {
    /// A value of at most 18 decimals.
    pub(super) const fn exact(raw: i128) -> Self {
        Self { raw, wide: raw * WIDE_PER_RAW }
    }

    /// `amount × rate`, both raw, as a cell of the style will hold it: rounded
    /// once to 18 decimals, or to the 28 printed ones and from there to 18.
    pub(super) fn product(amount: i128, rate: i128, style: NumberStyle) -> Self {
        if rate == ONE {
            return Self::exact(amount);
        }
        if style == NumberStyle::Wide {
            let wide = multiply(amount, rate, WIDE_PER_RAW);
            Self { raw: divide_half_even(wide, WIDE_PER_RAW), wide }
        } else {
            Self::exact(multiply(amount, rate, 1))
        }
    }
}

/// `quantity × price`; the price must have at most 12 decimals unless the
/// quantity is whole, which makes the product exact.
pub(super) fn extend(quantity: i64, price: i128) -> i128 {
    let product = i128::from(quantity) * price;
    debug_assert_eq!(product % i128::from(MICRO), 0, "quantity × price has at most 18 decimals");
    product / i128::from(MICRO)
}

/// `percent` of a value; exact, because no price has more than 16 decimals.
pub(super) fn percent(raw: i128, percent: i128) -> i128 {
    debug_assert_eq!(raw * percent % 100, 0, "a percentage of a price is exact");
    raw * percent / 100
}

/// `left × right` in units of 10⁻¹⁸ / `finer`, half to even.
///
/// The whole parts are split off, so that nothing exceeds 128 bits as long as
/// `left` stays below 10⁹, `right` below 10³ and `finer` at most 10¹⁰.
fn multiply(left: i128, right: i128, finer: i128) -> i128 {
    let negative = (left < 0) != (right < 0);
    let (left, right) = (left.abs(), right.abs());
    let (left_whole, left_rest) = (left / ONE, left % ONE);
    let (right_whole, right_rest) = (right / ONE, right % ONE);
    let whole = left_whole * right + left_rest * right_whole;
    let magnitude = whole * finer + divide_half_even(left_rest * right_rest, ONE / finer);
    if negative { -magnitude } else { magnitude }
}

/// Division rounded half to even; the divisor is positive.
fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend / divisor;
    let rest = (dividend % divisor).abs() * 2;
    let up = rest > divisor || (rest == divisor && quotient % 2 != 0);
    if up { quotient + dividend.signum() } else { quotient }
}

/// Writes a money cell.
pub(super) fn push_money(row: &mut Vec<u8>, money: Money, style: NumberStyle) {
    match style {
        NumberStyle::Wide => push_wide(row, money.wide),
        NumberStyle::Plain | NumberStyle::Scientific => push_decimal(row, money.raw, style),
    }
}

/// Writes a quantity cell.
pub(super) fn push_quantity(row: &mut Vec<u8>, quantity: i64, style: NumberStyle) {
    push_decimal(row, i128::from(quantity) * RAW_PER_MICRO, style);
}

/// Writes raw units as a decimal in the style.
pub(super) fn push_decimal(row: &mut Vec<u8>, raw: i128, style: NumberStyle) {
    match style {
        NumberStyle::Wide => push_wide(row, raw * WIDE_PER_RAW),
        NumberStyle::Scientific if raw != 0 && raw.abs() < ONE / 1_000 => push_scientific(row, raw),
        NumberStyle::Plain | NumberStyle::Scientific => push_plain(row, raw),
    }
}

/// Raw units as a plain decimal.
pub(super) fn plain_text(raw: i128) -> String {
    let mut digits = Vec::with_capacity(24);
    push_plain(&mut digits, raw);
    String::from_utf8(digits).expect("numbers are written in ASCII")
}

/// Raw units, which are not negative, as a decimal of so many decimals, trailing
/// zeros kept; exact.
pub(super) fn fixed_text(raw: i128, decimals: u32) -> String {
    let step = 10i128.pow(18 - decimals);
    debug_assert!(raw >= 0 && raw % step == 0, "the value has no more decimals");
    format!("{}.{:0width$}", raw / ONE, raw % ONE / step, width = decimals as usize)
}

fn push_plain(row: &mut Vec<u8>, raw: i128) {
    if raw < 0 {
        row.push(b'-');
    }
    let (whole, mut fraction) = split(raw.unsigned_abs(), ONE.unsigned_abs());
    push_digits(row, whole);
    if fraction == 0 {
        return;
    }
    let mut decimals = 18;
    while fraction.is_multiple_of(100_000_000) {
        fraction /= 100_000_000;
        decimals -= 8;
    }
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        decimals -= 1;
    }
    row.push(b'.');
    push_padded(row, fraction, decimals);
}

fn push_wide(row: &mut Vec<u8>, wide: i128) {
    if wide < 0 {
        row.push(b'-');
    }
    let (whole, fraction) =
        (wide.unsigned_abs() / 10u128.pow(28), wide.unsigned_abs() % 10u128.pow(28));
    push_digits(row, whole as u64);
    row.push(b'.');
    push_padded(row, (fraction / 10u128.pow(14)) as u64, 14);
    push_padded(row, (fraction % 10u128.pow(14)) as u64, 14);
}

/// `d.dddE-05`, all digits, no trailing zeros; the value is below 1.
fn push_scientific(row: &mut Vec<u8>, raw: i128) {
    if raw < 0 {
        row.push(b'-');
    }
    let mut digits = [0u8; 18];
    let mut rest = raw.unsigned_abs() as u64;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let first = digits.iter().position(|digit| *digit != b'0').expect("the value is not zero");
    let last = digits.iter().rposition(|digit| *digit != b'0').expect("the value is not zero");
    row.push(digits[first]);
    if last > first {
        row.push(b'.');
        row.extend_from_slice(&digits[first + 1..=last]);
    }
    row.extend_from_slice(b"E-");
    push_padded(row, first as u64 + 1, 2);
}

/// Quotient and remainder, without 128-bit division where 64 bits do.
fn split(value: u128, divisor: u128) -> (u64, u64) {
    if let (Ok(value), Ok(divisor)) = (u64::try_from(value), u64::try_from(divisor)) {
        return (value / divisor, value % divisor);
    }
    ((value / divisor) as u64, (value % divisor) as u64)
}

fn push_digits(row: &mut Vec<u8>, value: u64) {
    push_padded(row, value, value.checked_ilog10().unwrap_or(0) as usize + 1);
}

/// Writes exactly `count` digits, at most 20.
fn push_padded(row: &mut Vec<u8>, mut value: u64, count: usize) {
    let mut digits = [0u8; 20];
    for digit in digits[..count].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    row.extend_from_slice(&digits[..count]);
}

/// Writes a text cell, quoted as RFC 4180 asks where it must be.
pub(super) fn push_text(row: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        row.extend_from_slice(text.as_bytes());
        return;
    }
    row.push(b'"');
    for (index, piece) in text.split('"').enumerate() {
        if index > 0 {
            row.extend_from_slice(b"\"\"");
        }
        row.extend_from_slice(piece.as_bytes());
    }
    row.push(b'"');
}

/// A day (since 1970-01-01) as Azure's `MM/DD/YYYY`.
pub(super) fn day_text(day: i32) -> String {
    let date = civil_from_days(day);
    format!("{:02}/{:02}/{:04}", date.month, date.day, date.year)
}

#[cfg(test)]
mod tests {
    use costlake_engine::model::money::parse_decimal;

    use super::*;

    fn written(raw: i128, style: NumberStyle) -> String {
        let mut row = Vec::new();
        push_decimal(&mut row, raw, style);
        String::from_utf8(row).unwrap()
    }

    #[test]
    fn numbers_read_back_exactly_in_every_style() {
        for (raw, plain, scientific) in [
            (0, "0", "0"),
            (ONE, "1", "1"),
            (-ONE / 4, "-0.25", "-0.25"),
            (56_490_200_000_000, "0.0000564902", "5.64902E-05"),
            (1, "0.000000000000000001", "1E-18"),
            (-700_000_000_000, "-0.0000007", "-7E-07"),
            (123_456_789 * ONE + 10, "123456789.00000000000000001", "123456789.00000000000000001"),
        ] {
            assert_eq!(written(raw, NumberStyle::Plain), plain);
            assert_eq!(written(raw, NumberStyle::Scientific), scientific);
            for style in [NumberStyle::Plain, NumberStyle::Wide, NumberStyle::Scientific] {
                assert_eq!(parse_decimal(written(raw, style).as_bytes()), Ok(raw), "{style:?}");
            }
        }
        assert_eq!(fixed_text(ONE + ONE / 4, 10), "1.2500000000");
        assert_eq!(plain_text(-ONE / 4), "-0.25");
        assert_eq!(written(ONE / 2, NumberStyle::Wide), "0.5000000000000000000000000000");
    }

    #[test]
    fn products_are_exact_and_agree_with_what_a_reader_of_the_cell_gets() {
        let rate = 858_663_918_942_126_052;
        for amount in [1, -1, 3 * ONE + 7, -123_456 * ONE - 987_654_321, 2_000_000 * ONE] {
            for style in [NumberStyle::Plain, NumberStyle::Wide] {
                let money = Money::product(amount, rate, style);
                let mut cell = Vec::new();
                push_money(&mut cell, money, style);
                assert_eq!(parse_decimal(&cell), Ok(money.raw));
            }
        }
        let eleven_halves = Money::product(11, ONE / 2, NumberStyle::Plain);
        assert_eq!(eleven_halves.raw, 6, "5.5 rounds to even");
        assert_eq!(Money::product(9, ONE / 2, NumberStyle::Plain).raw, 4);
        assert_eq!(Money::product(-9, ONE / 2, NumberStyle::Plain).raw, -4);
    }

    #[test]
    fn text_is_quoted_only_where_it_must_be() {
        let cell = |text: &str| {
            let mut row = Vec::new();
            push_text(&mut row, text);
            String::from_utf8(row).unwrap()
        };
        assert_eq!(cell("plain text"), "plain text");
        assert_eq!(cell("Fabrikam, Inc."), "\"Fabrikam, Inc.\"");
        assert_eq!(cell("{\"a\":\"b\"}"), "\"{\"\"a\"\":\"\"b\"\"}\"");
        assert_eq!(cell("two\nlines"), "\"two\nlines\"");
        assert_eq!(day_text(20_635), "07/01/2026");
    }
}
