//! Whether a limit of a query cuts rows before they are kept to what was asked for.
//!
//! Input: a logical plan with its placeholders. Output: yes or no. A limit matters where a
//! column that rows are kept by comes from below it, whatever it is called there and
//! whatever stands between: common table expressions, unions, joins, groups. A limit in an
//! expression (`in (select ... limit 2)`), or of what is only joined, is a condition of the
//! query's own.

use std::collections::BTreeSet;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, Operator};

/// Whether a limit cuts rows below this column, and no filter below the limit has kept
/// them by the placeholder.
pub(super) fn is_cut(plan: &LogicalPlan, column: &str, placeholder: Option<&str>) -> bool {
    match plan.schema().index_of_column_by_name(None, column) {
        Some(position) => cuts(plan, &BTreeSet::from([position]), placeholder),
        None => false,
    }
}

/// Columns are positions in the plan's schema.
fn cuts(plan: &LogicalPlan, columns: &BTreeSet<usize>, placeholder: Option<&str>) -> bool {
    if columns.is_empty() {
        return false;
    }
    let is_limit = match plan {
        LogicalPlan::Limit(_) => true,
        LogicalPlan::Sort(sort) => sort.fetch.is_some(),
        _ => false,
    };
    let is_kept = || placeholder.is_some_and(|placeholder| is_kept_by(plan, placeholder));
    if is_limit && !is_kept() {
        return true;
    }
    let below = |input: &LogicalPlan, columns| cuts(input, &columns, placeholder);
    match plan {
        LogicalPlan::Projection(projection) => {
            below(&projection.input, made_of(&projection.expr, columns, &projection.input))
        }
        LogicalPlan::Aggregate(aggregate) => {
            let made: Vec<Expr> =
                aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
            let of_sets = made.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)));
            // Sets of groups have more columns than expressions: any of these may be it.
            let all = (0..made.len()).collect();
            let columns = if of_sets { &all } else { columns };
            below(&aggregate.input, made_of(&made, columns, &aggregate.input))
        }
        LogicalPlan::Window(window) => {
            let passed = window.input.schema().fields().len();
            let (mut through, made): (BTreeSet<usize>, BTreeSet<usize>) =
                columns.iter().partition(|column| **column < passed);
            let made = made.into_iter().map(|column| column - passed).collect();
            through.extend(made_of(&window.window_expr, &made, &window.input));
            below(&window.input, through)
        }
        LogicalPlan::Join(join) => {
            let width = join.left.schema().fields().len();
            let only_right = matches!(
                join.join_type,
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark
            );
            let (left, right): (BTreeSet<usize>, BTreeSet<usize>) = match only_right {
                true => (BTreeSet::new(), columns.clone()),
                false => columns.iter().partition(|column| **column < width),
            };
            let width = if only_right { 0 } else { width };
            below(&join.left, left)
                || below(&join.right, right.into_iter().map(|column| column - width).collect())
        }
        // What else has inputs passes their columns on as they are.
        other => other.inputs().into_iter().any(|input| {
            let width = input.schema().fields().len();
            below(input, columns.iter().copied().filter(|column| *column < width).collect())
        }),
    }
}

/// Columns of the input that some of the expressions are made of.
fn made_of(exprs: &[Expr], columns: &BTreeSet<usize>, input: &LogicalPlan) -> BTreeSet<usize> {
    let exprs = columns.iter().filter_map(|column| exprs.get(*column));
    let named = exprs.flat_map(|expr| expr.column_refs());
    named.filter_map(|column| input.schema().maybe_index_of_column(column)).collect()
}

/// Whether every row has passed a filter that compares something with a placeholder for
/// being equal: `source = $source`, `$source is null or source = $source`, `source in
/// (select ... where source = $source)`.
pub(super) fn is_kept_by(plan: &LogicalPlan, placeholder: &str) -> bool {
    let compares = |expr: &Expr| expr.exists(|expr| Ok(is_equal_to(expr, placeholder)));
    let compares = |expr: &Expr| compares(expr).unwrap_or(false);
    match plan {
        LogicalPlan::Filter(filter) if compares(&filter.predicate) => true,
        LogicalPlan::Join(join) if join.filter.as_ref().is_some_and(compares) => true,
        LogicalPlan::Union(union) => {
            union.inputs.iter().all(|input| is_kept_by(input, placeholder))
        }
        other => other.inputs().into_iter().any(|input| is_kept_by(input, placeholder)),
    }
}

fn is_equal_to(expr: &Expr, placeholder: &str) -> bool {
    let is_it = |expr: &Expr| match expr {
        Expr::Placeholder(of) => of.id.strip_prefix('$') == Some(placeholder),
        _ => false,
    };
    let has_it = |expr: &Expr| expr.exists(|expr| Ok(is_it(expr))).unwrap_or(false);
    let is_of_rows = |expr: &Expr| !expr.column_refs().is_empty();
    match expr {
        Expr::BinaryExpr(of) => {
            matches!(of.op, Operator::Eq | Operator::IsNotDistinctFrom)
                && [(&of.left, &of.right), (&of.right, &of.left)]
                    .into_iter()
                    .any(|(asked, rows)| has_it(asked) && is_of_rows(rows))
        }
        Expr::InList(of) => !of.negated && of.list.iter().any(has_it) && is_of_rows(&of.expr),
        Expr::InSubquery(of) => !of.negated && is_kept_by(&of.subquery.subquery, placeholder),
        _ => false,
    }
}
