//! Text columns that change together: one look-up for all of them.
//!
//! A customer's name, tenant and account stand side by side in every row of that customer,
//! and so do a meter's twelve columns. From the first rows of a file it is found out which
//! neighbours take hardly more values together than one of them alone; from then on their
//! cells are looked up as one stretch of bytes, and read only when that is new.
//!
//! In: chunks. Out: coded columns. The plain twin is [`convert`](super::convert), which reads
//! every cell, and does so where one cannot be read; tests hold them equal. Never looks at columns that are not text, as
//! they are read in less time than they are looked up.

mod group;
mod plan;

use std::ops::RangeInclusive;

use super::batch::BatchColumn;
use super::convert::ChunkCells;
use super::mapping::Mapping;
use crate::model::ValueKind;

pub(super) use self::group::GROUP_BYTES_MAX;
use self::group::Group;
use self::plan::Sample;

/// Times that groups are chosen: rows further on may be others than the first.
const PLANS_MAX: u32 = 3;

/// The groups of a file.
#[derive(Debug)]
pub(super) struct Groups {
    state: State,
    plans: u32,
    group_bytes_max: usize,
}

#[derive(Debug)]
enum State {
    /// Too few rows have been seen.
    Unknown(Sample),
    Known(Vec<Group>),
}

impl Groups {
    /// Of a file of which nothing has been seen.
    pub(super) fn of(mapping: &Mapping, group_bytes_max: usize) -> Self {
        let state = State::Unknown(Sample::new(neighbours(mapping)));
        Self { state, plans: 0, group_bytes_max }
    }

    /// Converts columns that are grouped, unless a cell cannot be read; leaves the others.
    pub(super) fn convert(
        &mut self,
        cells: &ChunkCells<'_>,
        mapping: &Mapping,
        columns: &mut [Option<BatchColumn>],
    ) {
        match &mut self.state {
            State::Known(groups) => {
                groups.iter_mut().for_each(|group| group.convert(cells, columns));
                if groups.iter().all(Group::pays) {
                    return;
                }
                if self.plans < PLANS_MAX {
                    self.state = State::Unknown(Sample::new(neighbours(mapping)));
                } else {
                    groups.retain(Group::pays);
                }
            }
            State::Unknown(sample) => {
                if let Some(plan) = sample.see(cells) {
                    let group = |fields| Group::new(fields, mapping, self.group_bytes_max);
                    self.state = State::Known(plan.into_iter().map(group).collect());
                    self.plans += 1;
                }
            }
        }
    }
}

/// Runs of text columns side by side in the file, all of them kept.
fn neighbours(mapping: &Mapping) -> Vec<RangeInclusive<usize>> {
    let is_text = |field: &usize| {
        let column = column_at(mapping, *field);
        column.is_some_and(|(_, kind)| matches!(kind, ValueKind::Text | ValueKind::LowercaseText))
    };
    let mut runs: Vec<RangeInclusive<usize>> = Vec::new();
    for field in (0..mapping.field_count()).filter(is_text) {
        match runs.last_mut() {
            Some(run) if run.end() + 1 == field => *run = *run.start()..=field,
            _ => runs.push(field..=field),
        }
    }
    runs
}

/// The canonical column of a field.
fn column_at(mapping: &Mapping, field: usize) -> Option<(usize, ValueKind)> {
    let columns = mapping.column_set().columns;
    let column = (0..columns.len()).find(|column| mapping.field(*column) == Some(field))?;
    Some((column, columns[column].kind))
}
