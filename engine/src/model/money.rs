//! Money, prices, quantities and rates: `Decimal128(38, 18)`.
//!
//! Values are integers of 10⁻¹⁸ ("raw units") in an `i128`. Text is parsed
//! exactly, plain or scientific; only what lies beyond 18 decimals is rounded,
//! half to even. Nothing here touches `f64`.

/// Digits of every money column.
pub const DECIMAL_PRECISION: u8 = 38;
/// Decimals of every money column.
pub const DECIMAL_SCALE: i8 = 18;
/// Raw units of 1.
pub const ONE: i128 = 1_000_000_000_000_000_000;
/// Largest magnitude in raw units: 38 nines.
pub const MAX_RAW: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

/// Why a text is no decimal of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not `[+-] digits [. digits] [e [+-] digits]`.
    #[error("not a number")]
    NotANumber,
    /// More than 20 digits before the point.
    #[error("number is too large for 38 digits with 18 decimals")]
    TooLarge,
}

/// Parses a decimal text into raw units of 10⁻¹⁸.
///
/// Accepts an optional sign, digits with at most one point (at least one
/// digit), and an optional exponent. No thousand separators, no blanks.
#[inline]
pub fn parse_decimal(text: &[u8]) -> Result<i128, DecimalError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    match parse_plain(digits) {
        Some(raw) => Ok(if negative { -raw } else { raw }),
        None => parse_long(negative, digits),
    }
}

/// What nearly every cell is: digits with at most one point, both sides of it in a `u64`.
/// [`parse_long`] is its twin, and takes what is more.
#[inline]
fn parse_plain(text: &[u8]) -> Option<i128> {
    const DIGITS_MAX: usize = DECIMAL_SCALE as usize;
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let whole = &text[..point];
    let fraction = text.get(point + 1..).unwrap_or_default();
    let is_short = whole.len() <= DIGITS_MAX && fraction.len() <= DIGITS_MAX;
    if !is_short || whole.len() + fraction.len() == 0 {
        return None;
    }
    // Below 10¹⁸ whatever its length.
    let fraction = digits(fraction)? * POWERS_OF_TEN[DIGITS_MAX - fraction.len()] as u64;
    Some(i128::from(digits(whole)?) * ONE + i128::from(fraction))
}

/// The number that at most 19 digits are; nothing but digits.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    let (mut number, mut rest) = (0, text);
    while let Some((eight, others)) = rest.split_first_chunk() {
        number = number * 100_000_000 + eight_digits(*eight)?;
        rest = others;
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

/// Eight digits at once: neighbours are joined to pairs, pairs to fours, fours to eight.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let bytes = u64::from_le_bytes(text);
    // A digit has 3 in its upper half, and still has when 6 is added.
    let above_nine = bytes.wrapping_add(each(6));
    if (bytes & each(0xf0)) | ((above_nine & each(0xf0)) >> 4) != each(0x33) {
        return None;
    }
    let pairs = (bytes & each(0x0f)).wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// The general case: many digits, an exponent, rounding.
#[inline(never)]
fn parse_long(negative: bool, text: &[u8]) -> Result<i128, DecimalError> {
    let (number, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(position) => (&text[..position], parse_exponent(&text[position + 1..])?),
        None => (text, 0),
    };
    let mut digits_seen = false;
    let mut decimals: i64 = 0;
    let mut after_point = false;
    for &byte in number {
        match byte {
            b'0'..=b'9' => {
                digits_seen = true;
                decimals += i64::from(after_point);
            }
            b'.' if !after_point => after_point = true,
            _ => return Err(DecimalError::NotANumber),
        }
    }
    if !digits_seen {
        return Err(DecimalError::NotANumber);
    }
    // The digit at position `index` from the right of the number has the
    // weight 10^(index + shift) in raw units.
    let shift = exponent - decimals + i64::from(DECIMAL_SCALE);
    let mut weight = shift + number.iter().filter(|byte| byte.is_ascii_digit()).count() as i64;
    let mut raw: i128 = 0;
    let mut first_dropped = None;
    let mut rest_dropped = false;
    for digit in number.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0') {
        weight -= 1;
        if weight >= 0 {
            raw = raw
                .checked_mul(10)
                .and_then(|raw| raw.checked_add(i128::from(digit)))
                .filter(|raw| *raw <= MAX_RAW)
                .ok_or(DecimalError::TooLarge)?;
        } else if weight == -1 {
            first_dropped = Some(digit);
        } else {
            rest_dropped |= digit != 0;
        }
    }
    if weight > 0 && raw != 0 {
        let factor = usize::try_from(weight).ok().and_then(|power| POWERS_OF_TEN.get(power));
        raw = factor
            .and_then(|factor| raw.checked_mul(*factor))
            .filter(|raw| *raw <= MAX_RAW)
            .ok_or(DecimalError::TooLarge)?;
    }
    let first_dropped = first_dropped.unwrap_or(0);
    let up = first_dropped > 5 || (first_dropped == 5 && (rest_dropped || raw % 2 == 1));
    if up {
        raw += 1;
    }
    if raw > MAX_RAW {
        return Err(DecimalError::TooLarge);
    }
    Ok(if negative { -raw } else { raw })
}

fn parse_exponent(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(DecimalError::NotANumber);
    }
    // Saturates: an exponent of this size is too large, or zero, either way.
    let exponent = digits
        .iter()
        .fold(0i64, |value, byte| (value * 10 + i64::from(byte - b'0')).min(1_000_000));
    Ok(if negative { -exponent } else { exponent })
}

/// Writes raw units as plain decimal text without trailing zeros.
pub fn format_decimal(raw: i128) -> String {
    let magnitude = raw.unsigned_abs();
    let one = ONE.unsigned_abs();
    let sign = if raw < 0 { "-" } else { "" };
    let (whole, fraction) = (magnitude / one, magnitude % one);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{fraction:018}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

/// 10⁰ to 10³⁸.
pub const POWERS_OF_TEN: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<String, DecimalError> {
        parse_decimal(text.as_bytes()).map(format_decimal)
    }

    proptest! {
        #[test]
        fn the_short_way_is_the_long_way(
            text in prop_oneof![
                "[0-9]{0,22}",
                "[+-][0-9]{0,3}\\.[0-9]{0,19}",
                "[0-9]{0,20}\\.[0-9]{0,20}",
                "[0-9./:]{0,20}",
                "[ -~]{0,12}",
            ],
            other in any::<u8>(),
            at in 0usize..20,
        ) {
            let long_way = |text: &[u8]| match text {
                [b'-', rest @ ..] => parse_long(true, rest),
                [b'+', rest @ ..] => parse_long(false, rest),
                _ => parse_long(false, text),
            };
            let mut bytes = text.into_bytes();
            prop_assert_eq!(parse_decimal(&bytes), long_way(&bytes));
            // One byte, any of all, in the middle of a number.
            if at < bytes.len() {
                bytes[at] = other;
                prop_assert_eq!(parse_decimal(&bytes), long_way(&bytes));
            }
        }
    }

    #[test]
    fn every_byte_among_eight_is_looked_at() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"12345678";
                text[at] = byte;
                let expected = std::str::from_utf8(&text).ok().filter(|_| byte.is_ascii_digit());
                assert_eq!(eight_digits(text), expected.map(|text| text.parse().unwrap()));
            }
        }
    }

    #[test]
    fn plain_and_scientific_numbers_are_exact() {
        for (text, expected) in [
            ("0", "0"),
            ("1.0", "1"),
            ("-0.05890", "-0.0589"),
            ("+7", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("5.64902E-05", "0.0000564902"),
            ("1e3", "1000"),
            ("1.5e+1", "15"),
            ("0e999999999999", "0"),
            ("1e-999999999999", "0"),
            ("0.858663918942126052", "0.858663918942126052"),
            ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
            ("0.0000000072922557592391990000", "0.000000007292255759"),
            ("00000000000000000000000000000000000000000000000001.5", "1.5"),
            ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn beyond_eighteen_decimals_rounds_half_to_even() {
        for (text, expected) in [
            ("0.0000000000000000005", "0"),
            ("0.0000000000000000015", "0.000000000000000002"),
            ("0.0000000000000000025", "0.000000000000000002"),
            ("0.00000000000000000250000000001", "0.000000000000000003"),
            ("-0.0000000000000000035", "-0.000000000000000004"),
            ("5e-19", "0"),
            ("15e-19", "0.000000000000000002"),
            ("0.9999999999999999999", "1"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_is_said() {
        for bad in [
            "", "-", ".", "1,000", "1 ", " 1", "abc", "1e", "1e+", "1.2.3", "0x1", "NaN", "--1",
            "1e5.0",
        ] {
            assert_eq!(parsed(bad), Err(DecimalError::NotANumber), "{bad}");
        }
        for large in [
            "100000000000000000000",
            "1e20",
            "-1e999999999",
            "99999999999999999999.9999999999999999995",
        ] {
            assert_eq!(parsed(large), Err(DecimalError::TooLarge), "{large}");
        }
    }
}
