//! How numbers are shown to people: rounded to what a currency has, with groups of three.
//!
//! Input: exact text of a decimal. Output: text. Rounds half away from zero, as
//! spreadsheets and SQL's `round` do; never through `f64`.

/// Currencies with other than two decimals (ISO 4217).
const NONE: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF",
];
const THREE: [&str; 6] = ["BHD", "IQD", "JOD", "KWD", "OMR", "TND"];

/// Decimals that amounts of a currency are shown with.
pub fn decimals(currency: Option<&str>) -> usize {
    match currency {
        Some(currency) if NONE.contains(&currency) => 0,
        Some(currency) if THREE.contains(&currency) => 3,
        _ => 2,
    }
}

/// A plain decimal (`-1234.5678`) with so many decimals and groups of three.
pub fn grouped(exact: &str, decimals: usize) -> String {
    let rounded = rounded(exact, decimals);
    let (sign, digits) = match rounded.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", rounded.as_str()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut text = String::from(sign);
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// A plain decimal with so many decimals, half away from zero. Nothing is `-0`.
pub fn rounded(exact: &str, decimals: usize) -> String {
    let (negative, digits) = match exact.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, exact),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut kept: Vec<u8> = whole.bytes().collect();
    let padded = fraction.bytes().chain(std::iter::repeat(b'0'));
    kept.extend(padded.take(decimals));
    let rounds_up = fraction.as_bytes().get(decimals).is_some_and(|digit| *digit >= b'5');
    if rounds_up {
        let mut position = kept.len();
        loop {
            if position == 0 {
                kept.insert(0, b'1');
                break;
            }
            position -= 1;
            if kept[position] == b'9' {
                kept[position] = b'0';
            } else {
                kept[position] += 1;
                break;
            }
        }
    }
    let mut text: String = kept.iter().map(|digit| char::from(*digit)).collect();
    if decimals > 0 {
        text.insert(text.len() - decimals, '.');
    }
    if negative && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        text.insert(0, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_goes_away_from_zero_and_carries() {
        for (exact, decimals, shown) in [
            ("0.005", 2, "0.01"),
            ("-0.005", 2, "-0.01"),
            ("0.0049999", 2, "0.00"),
            ("-0.0049999", 2, "0.00"),
            ("999.995", 2, "1000.00"),
            ("1.5", 0, "2"),
            ("-9.99", 1, "-10.0"),
            ("7", 2, "7.00"),
            ("1234.56789", 3, "1234.568"),
        ] {
            assert_eq!(rounded(exact, decimals), shown, "{exact}");
        }
    }

    #[test]
    fn groups_are_of_three() {
        for (exact, shown) in [
            ("1234567.891", "1,234,567.89"),
            ("-123456", "-123,456.00"),
            ("-999.999", "-1,000.00"),
            ("12", "12.00"),
        ] {
            assert_eq!(grouped(exact, 2), shown);
        }
        assert_eq!(grouped("1234", decimals(Some("JPY"))), "1,234");
        assert_eq!(grouped("1.2345", decimals(Some("KWD"))), "1.235");
    }
}
