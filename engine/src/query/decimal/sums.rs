//! Sums of many groups, exact: 128 bits for each, 256 for those that need them.
//!
//! Input: numbers and the sums of other stages, each with its group. Output: the sums of
//! the groups an aggregate gives away. Hardly any sum of money leaves 128 bits, and a
//! query may have a dozen sums for each of a million groups.

use std::collections::HashMap;

use arrow::datatypes::i256;
use datafusion::logical_expr::EmitTo;

/// A sum per group; a group nobody added to has 0.
#[derive(Default)]
pub(super) struct GroupSums {
    small: Vec<i128>,
    /// What is to be added to `small`, by group.
    large: HashMap<usize, i256>,
}

impl GroupSums {
    /// Makes room for so many groups.
    pub(super) fn grow(&mut self, total_num_groups: usize) {
        self.small.resize(total_num_groups, 0);
    }

    /// Adds a number to a group's sum.
    #[inline(always)]
    pub(super) fn add(&mut self, group: usize, value: i128) {
        match self.small[group].checked_add(value) {
            Some(sum) => self.small[group] = sum,
            None => self.add_large(group, i256::from_i128(value)),
        }
    }

    /// Adds another stage's sum. 256 bits hold 2⁶⁴ values of 38 digits.
    #[inline(always)]
    pub(super) fn add_sum(&mut self, group: usize, sum: i256) {
        match sum.to_i128() {
            Some(sum) => self.add(group, sum),
            None => self.add_large(group, sum),
        }
    }

    #[cold]
    fn add_large(&mut self, group: usize, value: i256) {
        let sum = self.large.entry(group).or_insert(i256::ZERO);
        *sum = sum.wrapping_add(value);
    }

    /// Gives the sums of all, or the first, groups away; those behind them move up.
    pub(super) fn take(&mut self, emit_to: EmitTo) -> Vec<i256> {
        let small = emit_to.take_needed(&mut self.small);
        let mut sums: Vec<i256> = small.into_iter().map(i256::from_i128).collect();
        for (group, sum) in std::mem::take(&mut self.large) {
            match sums.get_mut(group) {
                Some(taken) => *taken = taken.wrapping_add(sum),
                None => {
                    self.large.insert(group - sums.len(), sum);
                }
            }
        }
        sums
    }

    /// Memory in use.
    pub(super) fn size_bytes(&self) -> usize {
        self.small.capacity() * size_of::<i128>()
            + self.large.capacity() * size_of::<(usize, i256)>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Beside sums of 256 bits that are never anything else.
        #[test]
        fn sums_are_those_of_256_bits(
            values in prop::collection::vec(
                (0usize..9, prop_oneof![any::<i128>(), -5i128..5, Just(i128::MAX), Just(i128::MIN)]),
                0..200,
            ),
            first in 0usize..9,
        ) {
            let (mut sums, mut other) = (GroupSums::default(), GroupSums::default());
            let mut expected = [i256::ZERO; 9];
            sums.grow(9);
            other.grow(9);
            for (number, (group, value)) in values.into_iter().enumerate() {
                let part = if number % 3 == 0 { &mut other } else { &mut sums };
                part.add(group, value);
                expected[group] = expected[group].wrapping_add(i256::from_i128(value));
            }
            for (group, sum) in other.take(EmitTo::All).into_iter().enumerate() {
                sums.add_sum(group, sum);
            }
            prop_assert_eq!(sums.take(EmitTo::First(first)), &expected[..first]);
            prop_assert_eq!(sums.take(EmitTo::All), &expected[first..]);
            prop_assert!(sums.large.is_empty());
        }
    }
}
