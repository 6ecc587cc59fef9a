//! `sum` and `avg` of decimals: exact, 256 bits of state, an error instead of
//! a wrap. Other types keep DataFusion's own functions.
//!
//! Input: `Decimal128` of any scale. Output: `Decimal128(38, 18)`, NULL for no
//! values. State between stages: the sum as `Decimal256` and the count; for
//! DISTINCT, the list of values seen.

use std::collections::HashMap;
use std::mem::size_of_val;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, UInt64Array,
};
use arrow::datatypes::{
    DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, Field, FieldRef,
    UInt64Type, i256,
};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator,
    ReversedUDAF, SetMonotonicity, Signature,
};

use super::exact::{mean, total};
use super::operators::RESULT_TYPE;
use super::sums::GroupSums;
use crate::model::money::{DECIMAL_PRECISION, DECIMAL_SCALE};

/// `sum` and `avg`, under their own names.
pub fn all() -> Vec<Arc<AggregateUDF>> {
    [(Kind::Sum, sum_udaf()), (Kind::Average, avg_udaf())]
        .map(|(kind, stock)| Arc::new(AggregateUDF::from(DecimalAggregate { kind, stock })))
        .to_vec()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Sum,
    Average,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Average => "avg",
        }
    }

    /// The aggregate's value; `None` where there were no values.
    fn finish(self, sum: i256, count: u64, scale: i8) -> Result<Option<i128>> {
        if count == 0 {
            return Ok(None);
        }
        let value = match self {
            Self::Sum => total(sum, scale),
            Self::Average => mean(sum, count, scale),
        };
        value
            .map(Some)
            .map_err(|error| DataFusionError::Execution(format!("{}: {error}", self.name())))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DecimalAggregate {
    kind: Kind,
    stock: Arc<AggregateUDF>,
}

fn decimal_scale(data_type: &DataType) -> Option<i8> {
    match data_type {
        DataType::Decimal128(_, scale) if *scale >= 0 => Some(*scale),
        _ => None,
    }
}

fn sum_state_type(scale: i8) -> DataType {
    DataType::Decimal256(DECIMAL256_MAX_PRECISION, scale)
}

impl AggregateUDFImpl for DecimalAggregate {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn aliases(&self) -> &[String] {
        self.stock.aliases()
    }

    fn signature(&self) -> &Signature {
        self.stock.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types.first().and_then(decimal_scale) {
            Some(_) => Ok(RESULT_TYPE),
            None => self.stock.return_type(arg_types),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Some(scale) = decimal_scale(args.expr_fields[0].data_type()) else {
            return self.stock.accumulator(args);
        };
        if args.is_distinct {
            let data_type = args.expr_fields[0].data_type().clone();
            return Ok(Box::new(DistinctTotal {
                kind: self.kind,
                data_type,
                scale,
                counts: HashMap::new(),
            }));
        }
        Ok(Box::new(Total { kind: self.kind, scale, sum: i256::ZERO, count: 0 }))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        match decimal_scale(args.expr_fields[0].data_type()) {
            Some(_) => self.accumulator(args),
            None => self.stock.create_sliding_accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let data_type = args.input_fields[0].data_type();
        let Some(scale) = decimal_scale(data_type) else {
            return self.stock.state_fields(args);
        };
        let name = |part: &str| format_state_name(args.name, part);
        if args.is_distinct {
            let item = Field::new_list_field(data_type.clone(), true);
            return Ok(vec![Arc::new(Field::new_list(name("distinct values"), item, false))]);
        }
        Ok(vec![
            Arc::new(Field::new(name("sum"), sum_state_type(scale), false)),
            Arc::new(Field::new(name("count"), DataType::UInt64, false)),
        ])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        match decimal_scale(args.expr_fields[0].data_type()) {
            Some(_) => !args.is_distinct,
            None => self.stock.groups_accumulator_supported(args),
        }
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match decimal_scale(args.expr_fields[0].data_type()) {
            Some(scale) => Ok(Box::new(GroupTotals {
                kind: self.kind,
                scale,
                sums: GroupSums::default(),
                counts: Vec::new(),
            })),
            None => self.stock.create_groups_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        match decimal_scale(data_type) {
            Some(_) => SetMonotonicity::NotMonotonic,
            None => self.stock.inner().set_monotonicity(data_type),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.stock.documentation()
    }
}

/// Sum and count of a batch. 256 bits hold 2⁶⁴ values of 38 digits.
fn batch_total(values: &Decimal128Array) -> (i256, u64) {
    let mut sum = i256::ZERO;
    // Additions stay in 128 bits until one does not fit.
    let mut small = 0i128;
    let mut add = |value: i128| match small.checked_add(value) {
        Some(sum) => small = sum,
        None => {
            sum = sum.wrapping_add(i256::from_i128(small));
            small = value;
        }
    };
    if values.null_count() == 0 {
        values.values().iter().for_each(|&value| add(value));
    } else {
        values.iter().flatten().for_each(&mut add);
    }
    let count = (values.len() - values.null_count()) as u64;
    (sum.wrapping_add(i256::from_i128(small)), count)
}

/// The sum state of a list of partial states.
fn merged_total(states: &[ArrayRef]) -> (i256, u64) {
    let sums = states[0].as_primitive::<Decimal256Type>();
    let counts = states[1].as_primitive::<UInt64Type>();
    let sum = sums.iter().flatten().fold(i256::ZERO, i256::wrapping_add);
    (sum, counts.iter().flatten().sum())
}

/// One ungrouped total, or that of a window frame.
#[derive(Debug)]
struct Total {
    kind: Kind,
    scale: i8,
    sum: i256,
    count: u64,
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = batch_total(values[0].as_primitive::<Decimal128Type>());
        self.sum = self.sum.wrapping_add(sum);
        self.count += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = batch_total(values[0].as_primitive::<Decimal128Type>());
        self.sum = self.sum.wrapping_sub(sum);
        self.count -= count;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (sum, count) = merged_total(states);
        self.sum = self.sum.wrapping_add(sum);
        self.count += count;
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = ScalarValue::Decimal256(Some(self.sum), DECIMAL256_MAX_PRECISION, self.scale);
        Ok(vec![sum, ScalarValue::UInt64(Some(self.count))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.kind.finish(self.sum, self.count, self.scale)?;
        Ok(ScalarValue::Decimal128(value, DECIMAL_PRECISION, DECIMAL_SCALE))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// A total over distinct values: how often each is in the frame.
#[derive(Debug)]
struct DistinctTotal {
    kind: Kind,
    data_type: DataType,
    scale: i8,
    counts: HashMap<i128, u64>,
}

impl DistinctTotal {
    fn add(&mut self, values: &Decimal128Array) {
        for value in values.iter().flatten() {
            *self.counts.entry(value).or_default() += 1;
        }
    }
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(values[0].as_primitive::<Decimal128Type>());
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Decimal128Type>().iter().flatten() {
            if let Some(count) = self.counts.get_mut(&value) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&value);
                }
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for values in states[0].as_list::<i32>().iter().flatten() {
            self.add(values.as_primitive::<Decimal128Type>());
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let DataType::Decimal128(precision, scale) = self.data_type else {
            return Err(DataFusionError::Internal("distinct total of no decimal".to_owned()));
        };
        let values: Vec<ScalarValue> = self
            .counts
            .keys()
            .map(|&value| ScalarValue::Decimal128(Some(value), precision, scale))
            .collect();
        let list = ScalarValue::new_list_nullable(&values, &self.data_type);
        Ok(vec![ScalarValue::List(list)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self
            .counts
            .keys()
            .fold(i256::ZERO, |sum, &value| sum.wrapping_add(i256::from_i128(value)));
        let value = self.kind.finish(sum, self.counts.len() as u64, self.scale)?;
        Ok(ScalarValue::Decimal128(value, DECIMAL_PRECISION, DECIMAL_SCALE))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.capacity() * size_of::<(i128, u64)>()
    }
}

/// Totals of many groups.
struct GroupTotals {
    kind: Kind,
    scale: i8,
    sums: GroupSums,
    counts: Vec<u64>,
}

impl GroupTotals {
    fn grow(&mut self, total_num_groups: usize) {
        self.sums.grow(total_num_groups);
        self.counts.resize(total_num_groups, 0);
    }

    fn state_arrays(&self, sums: Vec<i256>, counts: Vec<u64>) -> Vec<ArrayRef> {
        let sums = Decimal256Array::from(sums).with_data_type(sum_state_type(self.scale));
        vec![Arc::new(sums), Arc::new(UInt64Array::from(counts))]
    }
}

/// Whether an aggregate's filter lets a row pass; NULL does not.
pub(in crate::query) fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for GroupTotals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let values = values[0].as_primitive::<Decimal128Type>();
        let mut add = |group: usize, value: i128| {
            self.sums.add(group, value);
            self.counts[group] += 1;
        };
        if values.null_count() == 0 && opt_filter.is_none() {
            for (&group, &value) in group_indices.iter().zip(values.values()) {
                add(group, value);
            }
            return Ok(());
        }
        for (row, (&group, &value)) in group_indices.iter().zip(values.values()).enumerate() {
            if values.is_valid(row) && passes(opt_filter, row) {
                add(group, value);
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let sums = values[0].as_primitive::<Decimal256Type>().values();
        let counts = values[1].as_primitive::<UInt64Type>().values();
        for ((&group, &sum), &count) in group_indices.iter().zip(sums).zip(counts) {
            self.sums.add_sum(group, sum);
            self.counts[group] += count;
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.sums.take(emit_to);
        let counts = emit_to.take_needed(&mut self.counts);
        let values = sums
            .into_iter()
            .zip(counts)
            .map(|(sum, count)| self.kind.finish(sum, count, self.scale))
            .collect::<Result<Decimal128Array>>()?;
        Ok(Arc::new(values.with_data_type(RESULT_TYPE)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let sums = self.sums.take(emit_to);
        let counts = emit_to.take_needed(&mut self.counts);
        Ok(self.state_arrays(sums, counts))
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<Decimal128Type>();
        let (sums, counts) = values
            .values()
            .iter()
            .enumerate()
            .map(|(row, &value)| {
                if values.is_valid(row) && passes(opt_filter, row) {
                    (i256::from_i128(value), 1)
                } else {
                    (i256::ZERO, 0)
                }
            })
            .unzip();
        Ok(self.state_arrays(sums, counts))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.size_bytes() + self.counts.capacity() * size_of::<u64>()
    }
}
