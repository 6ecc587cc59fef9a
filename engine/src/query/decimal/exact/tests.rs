use proptest::prelude::*;

use super::*;
use crate::model::money::{format_decimal, parse_decimal};

/// Schoolbook integers of any size: base 10⁹ digits, lowest first, no sign.
mod reference {
    const BASE: u64 = 1_000_000_000;

    pub fn of(mut value: u128) -> Vec<u64> {
        let mut digits = Vec::new();
        while value > 0 {
            digits.push((value % u128::from(BASE)) as u64);
            value /= u128::from(BASE);
        }
        digits
    }

    pub fn times(left: &[u64], right: &[u64]) -> Vec<u64> {
        let mut product = vec![0u64; left.len() + right.len() + 1];
        for (row, l) in left.iter().enumerate() {
            let mut carry = 0;
            for (column, r) in right.iter().enumerate() {
                let value = product[row + column] + l * r + carry;
                product[row + column] = value % BASE;
                carry = value / BASE;
            }
            product[row + right.len()] += carry;
        }
        trimmed(product)
    }

    pub fn power_of_ten(exponent: u32) -> Vec<u64> {
        (0..exponent).fold(vec![1], |power, _| times(&power, &[10]))
    }

    fn trimmed(mut digits: Vec<u64>) -> Vec<u64> {
        while digits.last() == Some(&0) {
            digits.pop();
        }
        digits
    }

    pub fn compare(left: &[u64], right: &[u64]) -> std::cmp::Ordering {
        left.len().cmp(&right.len()).then_with(|| left.iter().rev().cmp(right.iter().rev()))
    }

    /// Whether `quotient` is `dividend ÷ divisor` rounded half to even, told
    /// without dividing: |2 × (dividend − quotient × divisor)| against divisor.
    pub fn is_rounded(quotient: u128, dividend: &[u64], divisor: &[u64]) -> bool {
        let twice = |digits: &[u64]| times(digits, &[2]);
        let exact = twice(dividend);
        let product = times(&of(quotient), divisor);
        let (low, high) = (subtract(&twice(&product), divisor), add(&twice(&product), divisor));
        let within_low = match &low {
            // Below half a divisor there is no lower limit.
            None => true,
            Some(low) => match compare(&exact, low) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Equal => quotient.is_multiple_of(2),
                std::cmp::Ordering::Greater => true,
            },
        };
        let within_high = match compare(&exact, &high) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => quotient.is_multiple_of(2),
            std::cmp::Ordering::Greater => false,
        };
        within_low && within_high
    }

    pub fn add(left: &[u64], right: &[u64]) -> Vec<u64> {
        let mut sum = Vec::new();
        let mut carry = 0;
        for index in 0..left.len().max(right.len()) {
            let value = left.get(index).unwrap_or(&0) + right.get(index).unwrap_or(&0) + carry;
            sum.push(value % BASE);
            carry = value / BASE;
        }
        sum.push(carry);
        trimmed(sum)
    }

    pub fn subtract(left: &[u64], right: &[u64]) -> Option<Vec<u64>> {
        if compare(left, right).is_lt() {
            return None;
        }
        let mut difference = Vec::new();
        let mut borrow = 0;
        for (index, digit) in left.iter().enumerate() {
            let taken = right.get(index).unwrap_or(&0) + borrow;
            borrow = u64::from(*digit < taken);
            difference.push(digit + borrow * BASE - taken);
        }
        Some(trimmed(difference))
    }
}

/// Holds a result against the exact rational `dividend ÷ divisor`.
fn check(
    result: Result<i128, ArithmeticError>,
    negative: bool,
    dividend: &[u64],
    divisor: &[u64],
) -> Result<(), TestCaseError> {
    match result {
        Ok(value) => {
            prop_assert!(value == 0 || (value < 0) == negative, "sign of {value}");
            prop_assert!(reference::is_rounded(value.unsigned_abs(), dividend, divisor));
            prop_assert!(value.unsigned_abs() <= MAX_RAW.unsigned_abs());
        }
        Err(error) => {
            prop_assert_eq!(error, Overflow);
            // 2 × dividend ≥ (2 × MAX_RAW + 1) × divisor: beyond the largest.
            let limit = reference::add(
                &reference::times(&reference::of(MAX_RAW.unsigned_abs()), &[2]),
                &[1],
            );
            let limit = reference::times(&limit, divisor);
            let twice = reference::times(dividend, &[2]);
            prop_assert!(reference::compare(&twice, &limit).is_ge(), "overflow without need");
        }
    }
    Ok(())
}

/// Raw values of every size, so that each word count and sign occurs.
fn raw() -> impl Strategy<Value = i128> {
    prop_oneof![
        Just(0i128),
        Just(MAX_RAW),
        Just(-MAX_RAW),
        (-MAX_RAW..=MAX_RAW, 0u32..127).prop_map(|(value, shift)| value >> shift),
        (-10_000i128..10_000, 0usize..34).prop_map(|(value, power)| value * POWERS_OF_TEN[power]),
    ]
}

/// As [`raw`], without the zero.
fn divisor() -> impl Strategy<Value = i128> {
    raw().prop_map(|value| if value == 0 { 1 } else { value })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn products_are_exact(left in raw(), right in raw(), ls in 0i8..=38, rs in 0i8..=38) {
        let product = reference::times(
            &reference::of(left.unsigned_abs()),
            &reference::of(right.unsigned_abs()),
        );
        let dividend = reference::times(&product, &reference::power_of_ten(18));
        let divisor = reference::power_of_ten(ls as u32 + rs as u32);
        let negative = (left < 0) != (right < 0);
        check(Product::new(ls, rs).of(left, right), negative, &dividend, &divisor)?;
        check(Product::new(18, 18).of(left, right), negative, &product,
            &reference::power_of_ten(18))?;
    }

    #[test]
    fn quotients_are_exact(left in raw(), right in divisor(), ls in 0i8..=38, rs in 0i8..=38) {
        for (ls, rs) in [(ls, rs), (18, 18), (18, 0)] {
            let dividend = reference::times(
                &reference::of(left.unsigned_abs()),
                &reference::power_of_ten(18 + rs as u32),
            );
            let divisor = reference::times(
                &reference::of(right.unsigned_abs()),
                &reference::power_of_ten(ls as u32),
            );
            check(Quotient::new(ls, rs).of(left, right), (left < 0) != (right < 0),
                &dividend, &divisor)?;
        }
    }

    #[test]
    fn sums_are_exact(left in raw(), right in raw(), ls in 0i8..=38, rs in 0i8..=38) {
        // Both over the common divisor 10⁷⁶.
        let over = |value: i128, scale: i8| reference::times(
            &reference::of(value.unsigned_abs()),
            &reference::power_of_ten(38 - scale as u32),
        );
        let (l, r) = (over(left, ls), over(right, rs));
        let (negative, sum) = if (left < 0) == (right < 0) {
            (left < 0, reference::add(&l, &r))
        } else if let Some(rest) = reference::subtract(&l, &r) {
            (left < 0, rest)
        } else {
            (right < 0, reference::subtract(&r, &l).unwrap())
        };
        let dividend = reference::times(&sum, &reference::power_of_ten(18));
        match Sum::new(ls, rs).of(left, right) {
            // Raising one side alone may leave the range where the sum would not.
            Err(Overflow) if ls.max(rs) <= 18 => {}
            result => check(result, negative, &dividend, &reference::power_of_ten(38))?,
        }
    }
}

fn number(text: &str) -> i128 {
    parse_decimal(text.as_bytes()).unwrap()
}

#[test]
fn halves_go_to_the_even_neighbor() {
    let product = Product::new(18, 18);
    for (left, right, expected) in [
        ("0.000000000000000001", "0.5", "0"),
        ("0.000000000000000003", "0.5", "0.000000000000000002"),
        ("0.000000000000000005", "0.5", "0.000000000000000002"),
        ("-0.000000000000000003", "0.5", "-0.000000000000000002"),
        ("-0.000000000000000005", "0.5", "-0.000000000000000002"),
        ("-0.000000000000000001", "-0.500000000000000001", "0.000000000000000001"),
        ("100", "100", "10000"),
        ("9999999999", "9999999999", "99999999980000000001"),
    ] {
        let result = product.of(number(left), number(right)).unwrap();
        assert_eq!(format_decimal(result), expected, "{left} × {right}");
    }
    let quotient = Quotient::new(18, 18);
    for (left, right, expected) in [
        ("1", "3", "0.333333333333333333"),
        ("2", "3", "0.666666666666666667"),
        ("0.000000000000000001", "2", "0"),
        ("0.000000000000000003", "2", "0.000000000000000002"),
        ("-0.000000000000000003", "2", "-0.000000000000000002"),
        ("99999999999999999999", "0.000000000000000001", "overflow"),
        ("99999999999999999999", "99999999999999999999", "1"),
        ("1", "0", "division by zero"),
    ] {
        let result = match quotient.of(number(left), number(right)) {
            Ok(value) => format_decimal(value),
            Err(Overflow) => "overflow".to_owned(),
            Err(ArithmeticError::DivisionByZero) => "division by zero".to_owned(),
        };
        assert_eq!(result, expected, "{left} ÷ {right}");
    }
}

#[test]
fn totals_and_means_round_once() {
    let sum = i256::from_i128(5);
    assert_eq!(total(sum, 19), Ok(0));
    assert_eq!(total(i256::from_i128(15), 19), Ok(2));
    assert_eq!(total(sum, 0), Ok(5_000_000_000_000_000_000));
    assert_eq!(mean(sum, 2, 18), Ok(2));
    assert_eq!(mean(i256::from_i128(-7), 2, 18), Ok(-4));
    assert_eq!(mean(sum, 2, 19), Ok(0));
    assert_eq!(total(i256::from_i128(MAX_RAW).wrapping_add(i256::ONE), 18), Err(Overflow));
    assert_eq!(total(i256::MAX, 0), Err(Overflow));
}
