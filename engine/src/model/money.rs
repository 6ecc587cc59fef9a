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
pub fn parse_decimal(text: &[u8]) -> Result<i128, DecimalError> {
    // Nearly every cell is a short plain number: up to 19 digits fit a u64.
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut mantissa: u64 = 0;
    let mut count = 0usize;
    let mut point: Option<usize> = None;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            if count == 19 {
                return parse_long(negative, digits);
            }
            mantissa = mantissa * 10 + u64::from(digit);
            count += 1;
        } else if byte == b'.' && point.is_none() {
            point = Some(count);
        } else {
            return parse_long(negative, digits);
        }
    }
    if count == 0 {
        return Err(DecimalError::NotANumber);
    }
    let decimals = point.map_or(0, |position| count - position);
    if decimals > DECIMAL_SCALE as usize {
        return parse_long(negative, digits);
    }
    // At most 10¹⁹ × 10¹⁸ < MAX_RAW: cannot overflow.
    let raw = i128::from(mantissa) * POWERS_OF_TEN[DECIMAL_SCALE as usize - decimals];
    Ok(if negative { -raw } else { raw })
}

/// The general case: many digits, an exponent, rounding.
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
    use super::*;

    fn parsed(text: &str) -> Result<String, DecimalError> {
        parse_decimal(text.as_bytes()).map(format_decimal)
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
