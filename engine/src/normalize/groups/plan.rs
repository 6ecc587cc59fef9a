//! Which neighbours change together, by the first rows of a file. Pure.

use std::ops::RangeInclusive;

use crate::normalize::convert::ChunkCells;
use crate::slots::{Entry, Slots, hash_of_bytes};

/// Rows after which groups are chosen.
const SAMPLE_ROWS: usize = 4_096;

/// A group may take one in so many values of the sample, else it is looked up in vain.
const ROWS_PER_VALUE_MIN: usize = 4;

/// Values that a group may take in any case: they stay in the processor's caches.
const VALUES_FEW: usize = 256;

/// Hashes of the cells of the first rows.
#[derive(Debug)]
pub(in crate::normalize) struct Sample {
    runs: Vec<Run>,
    rows: usize,
}

/// Columns side by side.
#[derive(Debug)]
struct Run {
    fields: RangeInclusive<usize>,
    /// By field, then by row.
    hashes: Vec<Vec<u64>>,
}

impl Sample {
    pub(super) fn new(runs: Vec<RangeInclusive<usize>>) -> Self {
        let run = |fields: RangeInclusive<usize>| Run {
            hashes: vec![Vec::new(); fields.clone().count()],
            fields,
        };
        Self { runs: runs.into_iter().map(run).collect(), rows: 0 }
    }

    /// Looks at a chunk. Returns the groups once it has seen enough.
    pub(super) fn see(&mut self, cells: &ChunkCells<'_>) -> Option<Vec<RangeInclusive<usize>>> {
        let rows = &cells.rows[..cells.rows.len().min(SAMPLE_ROWS - self.rows)];
        let mut spans = Vec::new();
        for run in &mut self.runs {
            for (field, hashes) in run.fields.clone().zip(&mut run.hashes) {
                cells.chunk.column_spans(rows, cells.field_count, field..=field, &mut spans);
                hashes.extend(spans.iter().map(|span| hash_of_bytes(cells.bytes(*span))));
            }
        }
        self.rows += rows.len();
        (self.rows == SAMPLE_ROWS).then(|| self.runs.iter().flat_map(Run::groups).collect())
    }
}

impl Run {
    /// Joins neighbours from the left as long as that adds hardly any value.
    fn groups(&self) -> Vec<RangeInclusive<usize>> {
        let mut groups = Vec::new();
        let mut close = |group: RangeInclusive<usize>| {
            if group.start() < group.end() {
                groups.push(group);
            }
        };
        let mut columns = self.fields.clone().zip(&self.hashes);
        let Some((first, hashes)) = columns.next() else { return groups };
        let (mut group, mut joined) = (first..=first, hashes.clone());
        // Values of that column of the group which has most.
        let mut most = distinct(hashes);
        for (field, hashes) in columns {
            let alone = distinct(hashes);
            let both: Vec<u64> =
                joined.iter().zip(hashes).map(|(left, right)| join(*left, *right)).collect();
            let together = distinct(&both);
            let hardly_more = most.max(alone) * 5 / 4;
            if together <= hashes.len() / ROWS_PER_VALUE_MIN
                && together <= hardly_more.max(VALUES_FEW)
            {
                (group, joined, most) = (*group.start()..=field, both, most.max(alone));
            } else {
                close(std::mem::replace(&mut group, field..=field));
                (joined, most) = (hashes.clone(), alone);
            }
        }
        close(group);
        groups
    }
}

fn join(left: u64, right: u64) -> u64 {
    (left.rotate_left(23) ^ right).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn distinct(hashes: &[u64]) -> usize {
    let mut slots = Slots::new();
    let mut values: Vec<u64> = Vec::new();
    for hash in hashes {
        if let Err(at) = slots.find(*hash, |value| values[value as usize] == *hash) {
            values.push(*hash);
            let value = values.len() as Entry - 1;
            slots.fill(at, *hash, value, |value| values[value as usize]);
        }
    }
    values.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of so many rows, by what value a row has in each.
    fn groups(columns: &[fn(usize) -> usize]) -> Vec<RangeInclusive<usize>> {
        let hash = |value: usize| hash_of_bytes(&value.to_le_bytes());
        let hashes = columns.iter().map(|column| (0..SAMPLE_ROWS).map(column).map(hash).collect());
        Run { fields: 3..=columns.len() + 2, hashes: hashes.collect() }.groups()
    }

    #[test]
    fn what_changes_together_is_joined() {
        // A customer and its name; a meter, its name and category; a resource; its tags.
        let found = groups(&[
            |row| row / 7 % 500,
            |row| row / 7 % 500 + 9_000,
            |row| row * 31 % 700,
            |row| row * 31 % 700 + 3,
            |row| row * 31 % 700 % 20,
            |row| row,
            |row| row / 2,
        ]);
        assert_eq!(found, [3..=4, 5..=7]);
    }

    #[test]
    fn constants_go_with_anything_and_few_values_with_few() {
        assert_eq!(groups(&[|_| 1, |row| row % 900, |_| 2, |_| 3]), [3..=6]);
        assert_eq!(groups(&[|row| row % 7, |row| row % 11, |row| row % 3]), [3..=5]);
        assert_eq!(groups(&[|row| row, |row| row]), []);
        assert_eq!(groups(&[|row| row % 800]), []);
    }

    #[test]
    fn distinct_values_are_counted() {
        assert_eq!(distinct(&[]), 0);
        let hashes: Vec<u64> = (1..=1_000u64).map(|number| number << 32).collect();
        assert_eq!(distinct(&hashes), 1_000);
        assert_eq!(distinct(&[hashes.clone(), hashes].concat()), 1_000);
    }
}
