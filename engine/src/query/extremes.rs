//! `max` and `min` of texts in groups. Other types, and texts that are not grouped, keep
//! DataFusion's own functions.
//!
//! Input: texts as views, and the group of each. Output: the largest or smallest text of
//! each group by its bytes, NULL where a group has none; the state between stages is the
//! same. DataFusion's looks every row's group up in a map that it makes anew for every
//! batch, and gives each group a copy of its text. Most rows only confirm what is known:
//! here they cost one comparison, and groups share the texts they have in common, as
//! customers' names.

use std::mem::size_of_val;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::{not, nullif, prep_null_mask_filter};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator,
    ReversedUDAF, SetMonotonicity, Signature, StatisticsArgs,
};

use super::decimal::aggregates::passes;
use crate::same::is_same;
use crate::slots::{Entry, Slots, hash_of_bytes};

/// Installs both, under their own names.
pub fn install(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for (kind, stock) in [(Kind::Max, max_udaf()), (Kind::Min, min_udaf())] {
        registry.register_udaf(Arc::new(AggregateUDF::from(TextExtreme { kind, stock })))?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Max,
    Min,
}

impl Kind {
    /// Whether a text takes the place of the best so far.
    fn is_better(self, text: &[u8], best: &[u8]) -> bool {
        match self {
            Self::Max => text > best,
            Self::Min => text < best,
        }
    }
}

/// DataFusion's function, but for groups of texts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TextExtreme {
    kind: Kind,
    stock: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for TextExtreme {
    fn name(&self) -> &str {
        self.stock.name()
    }

    fn aliases(&self) -> &[String] {
        self.stock.aliases()
    }

    fn signature(&self) -> &Signature {
        self.stock.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.stock.return_type(arg_types)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.stock.coerce_types(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.stock.accumulator(args)
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        self.stock.create_sliding_accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.stock.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.stock.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            DataType::Utf8View => Ok(Box::new(GroupExtremes::new(self.kind))),
            _ => self.stock.create_groups_accumulator(args),
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.stock.is_descending()
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.stock.value_from_stats(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.stock.inner().set_monotonicity(data_type)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.stock.documentation()
    }
}

/// Of a group without a text.
const NO_TEXT: Entry = Entry::MAX;

/// The best text of each group.
struct GroupExtremes {
    kind: Kind,
    /// By group.
    best: Vec<Entry>,
    texts: Texts,
    /// Memory of the texts when those were last given up that no group has any more.
    size_then: usize,
}

/// Texts no group has any more take at most so much memory, or half of all.
const IDLE_BYTES_MAX: usize = 1 << 20;

impl GroupExtremes {
    fn new(kind: Kind) -> Self {
        Self { kind, best: Vec::new(), texts: Texts::default(), size_then: 0 }
    }

    fn update(
        &mut self,
        values: &StringViewArray,
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) {
        self.best.resize(total_num_groups, NO_TEXT);
        for (row, &group) in group_indices.iter().enumerate() {
            if values.is_null(row) || !passes(filter, row) {
                continue;
            }
            let text = values.value(row).as_bytes();
            let best = &mut self.best[group];
            if *best != NO_TEXT {
                let known = self.texts.get(*best);
                if is_same(text, known) || !self.kind.is_better(text, known) {
                    continue;
                }
            }
            *best = self.texts.number(text);
        }
        if self.texts.size_bytes() > 2 * self.size_then + IDLE_BYTES_MAX {
            self.give_up_idle();
        }
    }

    fn give_up_idle(&mut self) {
        self.texts = self.texts.taken(&mut self.best);
        self.size_then = self.texts.size_bytes();
    }
}

impl GroupsAccumulator for GroupExtremes {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.update(values[0].as_string_view(), group_indices, opt_filter, total_num_groups);
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update(values[0].as_string_view(), group_indices, None, total_num_groups);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut best = emit_to.take_needed(&mut self.best);
        let texts = if self.best.is_empty() {
            // The few that no group has any more go with the others.
            std::mem::replace(self, Self::new(self.kind)).texts
        } else {
            let texts = self.texts.taken(&mut best);
            if self.best.len() < best.len() {
                // Groups are given away for the sake of memory; those left are the fewer.
                self.give_up_idle();
            }
            texts
        };
        Ok(Arc::new(texts.into_array(&best)?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let Some(filter) = opt_filter else { return Ok(values.to_vec()) };
        let left_out = match filter.null_count() {
            0 => not(filter)?,
            _ => not(&prep_null_mask_filter(filter))?,
        };
        Ok(vec![nullif(&values[0], &left_out)?])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.best.capacity() * size_of::<Entry>() + self.texts.size_bytes()
    }
}

/// Distinct texts, numbered.
#[derive(Default)]
struct Texts {
    slots: Slots,
    hashes: Vec<u64>,
    places: Vec<Place>,
    /// Each is filled as far as it was made for.
    blocks: Vec<Vec<u8>>,
    block_bytes: usize,
}

/// Where a text is.
#[derive(Clone, Copy)]
struct Place {
    block: u32,
    offset: u32,
    length: u32,
}

/// Blocks double up to this, as far as texts are not longer.
const BLOCK_BYTES_MAX: usize = 1 << 20;
const BLOCK_BYTES_MIN: usize = 1 << 10;

impl Texts {
    #[inline(always)]
    fn get(&self, number: Entry) -> &[u8] {
        let Place { block, offset, length } = self.places[number as usize];
        &self.blocks[block as usize][offset as usize..][..length as usize]
    }

    /// The number of a text, which is kept from now on.
    fn number(&mut self, text: &[u8]) -> Entry {
        let hash = hash_of_bytes(text);
        let at = match self.slots.find(hash, |number| is_same(self.get(number), text)) {
            Ok(number) => return number,
            Err(at) => at,
        };
        let number = self.places.len() as Entry;
        let place = self.add(text);
        self.places.push(place);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.slots.fill(at, hash, number, |number| hashes[number as usize]);
        number
    }

    fn add(&mut self, text: &[u8]) -> Place {
        let has_room = |block: &Vec<u8>| block.capacity() - block.len() >= text.len();
        if !self.blocks.last().is_some_and(has_room) {
            let doubled = self.blocks.last().map_or(BLOCK_BYTES_MIN, |block| block.capacity() * 2);
            let block = Vec::with_capacity(doubled.min(BLOCK_BYTES_MAX).max(text.len()));
            self.block_bytes += block.capacity();
            self.blocks.push(block);
        }
        let number = self.blocks.len() - 1;
        let block = &mut self.blocks[number];
        let offset = block.len() as u32;
        block.extend_from_slice(text);
        Place { block: number as u32, offset, length: text.len() as u32 }
    }

    /// The texts of these numbers alone, each once; the numbers become theirs.
    fn taken(&self, numbers: &mut [Entry]) -> Self {
        let mut taken = Self::default();
        let mut new_numbers = vec![NO_TEXT; self.places.len()];
        for number in numbers.iter_mut().filter(|number| **number != NO_TEXT) {
            let new = &mut new_numbers[*number as usize];
            if *new == NO_TEXT {
                *new = taken.number(self.get(*number));
            }
            *number = *new;
        }
        taken
    }

    /// A text, or NULL, for each of these numbers.
    fn into_array(self, numbers: &[Entry]) -> Result<StringViewArray, ArrowError> {
        let view = |number: &Entry| match *number {
            NO_TEXT => 0,
            number => {
                let Place { block, offset, .. } = self.places[number as usize];
                make_view(self.get(number), block, offset)
            }
        };
        let views: ScalarBuffer<u128> = numbers.iter().map(view).collect();
        let nulls: NullBuffer = numbers.iter().map(|number| *number != NO_TEXT).collect();
        let blocks: Vec<Buffer> = self.blocks.into_iter().map(Buffer::from).collect();
        StringViewArray::try_new(views, blocks, Some(nulls))
    }

    fn size_bytes(&self) -> usize {
        self.block_bytes
            + self.places.capacity() * size_of::<Place>()
            + self.hashes.capacity() * size_of::<u64>()
            // Slots are at most half full, and at least a quarter.
            + self.places.len() * 4 * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What a stage of an aggregation does.
    #[derive(Clone, Debug)]
    enum Step {
        /// A row per item: group, text, and whether the filter lets it pass.
        Rows(Vec<(usize, Option<String>, Option<bool>)>),
        /// Gives the first groups away and takes them in again as another stage's.
        Move(usize),
    }

    const GROUPS: usize = 7;

    fn step() -> impl Strategy<Value = Step> {
        let text = prop_oneof!["[ab]{0,3}", "[a-b]{11,14}", "customer [0-9]{1,40}"];
        let row = (0..GROUPS, prop::option::of(text), prop::option::weighted(0.9, any::<bool>()));
        prop_oneof![
            4 => prop::collection::vec(row, 0..40).prop_map(Step::Rows),
            1 => (0..=GROUPS).prop_map(Step::Move),
        ]
    }

    proptest! {
        /// Beside a map of texts.
        #[test]
        fn extremes_are_those_of_a_map(
            steps in prop::collection::vec(step(), 0..12),
            is_filtered: bool,
            max: bool,
        ) {
            let kind = if max { Kind::Max } else { Kind::Min };
            let mut groups = GroupExtremes::new(kind);
            let mut expected: BTreeMap<usize, String> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Rows(rows) => {
                        let texts: StringViewArray = rows.iter().map(|row| row.1.clone()).collect();
                        let filter: BooleanArray = rows.iter().map(|row| row.2).collect();
                        let filter = is_filtered.then_some(&filter);
                        let numbers: Vec<usize> = rows.iter().map(|row| row.0).collect();
                        let texts: ArrayRef = Arc::new(texts);
                        // As rows, or as states of rows of their own.
                        if rows.len() % 3 == 0 {
                            let states = groups.convert_to_state(&[texts], filter).unwrap();
                            groups.merge_batch(&states, &numbers, GROUPS).unwrap();
                        } else {
                            groups.update_batch(&[texts], &numbers, filter, GROUPS).unwrap();
                        }
                        for (group, text, passes) in rows {
                            let Some(text) = text.filter(|_| !is_filtered || passes == Some(true))
                            else { continue };
                            let best = expected.entry(group).or_insert_with(|| text.clone());
                            let better = match kind {
                                Kind::Max => text > *best,
                                Kind::Min => text < *best,
                            };
                            if better {
                                *best = text;
                            }
                        }
                    }
                    Step::Move(count) => {
                        groups.best.resize(GROUPS, NO_TEXT);
                        let states = groups.state(EmitTo::First(count)).unwrap();
                        // Those left moved up; put everything where it was.
                        let rest = groups.state(EmitTo::All).unwrap();
                        prop_assert!(groups.best.is_empty() && groups.texts.places.is_empty());
                        let firsts: Vec<usize> = (0..count).collect();
                        let others: Vec<usize> = (count..GROUPS).collect();
                        groups.merge_batch(&rest, &others, GROUPS).unwrap();
                        groups.merge_batch(&states, &firsts, GROUPS).unwrap();
                    }
                }
            }
            groups.best.resize(GROUPS, NO_TEXT);
            let found = groups.evaluate(EmitTo::All).unwrap();
            let found: Vec<Option<&str>> = found.as_string_view().iter().collect();
            let expected: Vec<Option<&str>> =
                (0..GROUPS).map(|group| expected.get(&group).map(String::as_str)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    /// A text that grows with every row leaves the others behind.
    #[test]
    fn texts_that_no_group_has_any_more_are_given_up() {
        let mut groups = GroupExtremes::new(Kind::Max);
        for batch in 0..200 {
            let texts = (0..1_000).map(|row| format!("resource group {:09}", batch * 1_000 + row));
            let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
            groups.update_batch(&[texts], &[0; 1_000], None, 1).unwrap();
            assert!(groups.size() < 2 * IDLE_BYTES_MAX, "{}", groups.size());
        }
        let found = groups.evaluate(EmitTo::All).unwrap();
        assert_eq!(found.as_string_view().value(0), "resource group 000199999");
    }

    #[test]
    fn groups_that_are_given_away_take_their_texts_with_them() {
        let mut groups = GroupExtremes::new(Kind::Max);
        let texts = (0..4_000).map(|row| format!("a text of its own, number {row}"));
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        let numbers: Vec<usize> = (0..4_000).collect();
        groups.update_batch(&[texts], &numbers, None, 4_000).unwrap();
        let before = groups.texts.size_bytes();
        groups.evaluate(EmitTo::First(3_900)).unwrap();
        assert!(groups.texts.size_bytes() < before / 10);
        // Those left have moved up, and take more rows.
        let more: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
        groups.update_batch(&[more], &[0, 1], None, 100).unwrap();
        let left = groups.evaluate(EmitTo::All).unwrap();
        let left = left.as_string_view();
        assert_eq!((left.len(), left.value(0)), (100, "a text of its own, number 3900"));
        assert_eq!((left.value(1), left.value(99)), ("b", "a text of its own, number 3999"));
    }

    #[test]
    fn texts_of_all_lengths_are_kept() {
        let mut groups = GroupExtremes::new(Kind::Min);
        let lengths = [0, 1, 12, 13, BLOCK_BYTES_MAX, 5, BLOCK_BYTES_MAX + 1, 700, BLOCK_BYTES_MAX];
        let texts: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
        let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(&texts));
        let numbers: Vec<usize> = (0..lengths.len()).collect();
        groups.update_batch(&[array], &numbers, None, lengths.len()).unwrap();
        let found = groups.evaluate(EmitTo::All).unwrap();
        let found: Vec<&str> = found.as_string_view().iter().flatten().collect();
        assert_eq!(found, texts);
    }
}
