//! Outer joins that look rows up in another table and leave them where they are.
//!
//! Input: a physical plan. Output: the same plan, in which [`exec::LookupJoinExec`] takes
//! the place of left and right hash joins. DataFusion's copies every column of every row it
//! joins, and brings both sides together by their keys before that. The views join rows of
//! seventy columns with a rate, a scope or a name, at most one of each: here the columns go
//! on as they are, and only what was found is added.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{JoinSide, NullEquality, Statistics};
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};

use exec::LookupJoinExec;

mod exec;
mod table;

/// DataFusion's rule behind which [`LookupJoins`] stands: sides are chosen, and nothing is
/// distributed yet.
const CHOOSES_SIDES: &str = "join_selection";

/// DataFusion's rules, with [`LookupJoins`] among them.
pub(super) fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let chosen = rules.iter().position(|rule| rule.name() == CHOOSES_SIDES);
    let chosen = chosen.expect("DataFusion chooses the sides of joins by a rule");
    rules.insert(chosen + 1, Arc::new(LookupJoins));
    rules
}

/// See the [module](self).
#[derive(Debug)]
struct LookupJoins;

impl PhysicalOptimizerRule for LookupJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(plan.transform_up(looked_up)?.data)
    }

    fn name(&self) -> &str {
        "lookup_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn looked_up(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(join) = node.downcast_ref::<HashJoinExec>() else {
        return Ok(Transformed::no(node));
    };
    let is_plain = join.filter().is_none()
        && join.null_equality() == NullEquality::NullEqualsNothing
        && !join.null_aware
        && !join.contains_projection()
        && join.fetch().is_none()
        && [join.left(), join.right()].iter().all(|side| !side.boundedness().is_unbounded());
    let kept = match join.join_type() {
        JoinType::Left => JoinSide::Left,
        JoinType::Right => JoinSide::Right,
        _ => return Ok(Transformed::no(node)),
    };
    if !is_plain || !has_exact_keys(join)? || holds_too_much(join, kept)? {
        return Ok(Transformed::no(node));
    }
    let looked_up = LookupJoinExec::new(
        Arc::clone(join.left()),
        Arc::clone(join.right()),
        join.on().to_vec(),
        kept,
        join.schema(),
    );
    Ok(Transformed::yes(Arc::new(looked_up)))
}

/// Whether all keys are of types of which equal values have equal bytes.
fn has_exact_keys(join: &HashJoinExec) -> Result<bool> {
    let (left, right) = (join.left().schema(), join.right().schema());
    for (left_key, right_key) in join.on() {
        let data_type = left_key.data_type(&left)?;
        let is_exact = data_type.is_integer()
            || matches!(
                data_type,
                DataType::Boolean
                    | DataType::Date32
                    | DataType::Decimal128(_, _)
                    | DataType::Utf8
                    | DataType::Utf8View
            );
        if !is_exact || data_type != right_key.data_type(&right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Known bytes of the side that is looked up in, beside a kept one nobody knows the size of.
const TABLE_BYTES_MAX: usize = 64 << 20;

/// Whether the side that would be held in memory is known to be the larger one, as
/// DataFusion measures it, or large by itself where the other is unknown: DataFusion then
/// holds the left one.
fn holds_too_much(join: &HashJoinExec, kept: JoinSide) -> Result<bool> {
    let statistics = |plan: &Arc<dyn ExecutionPlan>| {
        StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())
    };
    let (left, right) = (statistics(join.left())?, statistics(join.right())?);
    let (kept, table) = if kept == JoinSide::Left { (left, right) } else { (right, left) };
    let less = |measure: fn(&Statistics) -> Precision<usize>| {
        Some(measure(&kept).get_value()? < measure(&table).get_value()?)
    };
    let known = less(|side| side.total_byte_size).or_else(|| less(|side| side.num_rows));
    let is_large =
        || table.total_byte_size.get_value().is_some_and(|bytes| *bytes > TABLE_BYTES_MAX);
    Ok(known.unwrap_or_else(is_large))
}

#[cfg(test)]
mod tests;
