//! Whether a limit of a query cuts rows before they are kept to what was asked for.
//!
//! Input: a logical plan with its placeholders. Output: yes or no. A limit matters where a
//! column that rows are kept by comes from below it, whatever it is called there and
//! whatever stands between: common table expressions, unions, joins, groups. A limit in an
//! expression (`in (select ... limit 2)`), or of what is only joined, is a condition of the
//! query's own.

use std::collections::BTreeSet;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Distinct, Expr, Join, JoinType, LogicalPlan, Operator};

/// Columns of a plan, by position in its schema.
type Columns = BTreeSet<usize>;

/// Whether a limit cuts rows below this column, and no filter below the limit has kept
/// them by the placeholder.
pub(super) fn is_cut(plan: &LogicalPlan, column: &str, placeholder: Option<&str>) -> bool {
    match plan.schema().index_of_column_by_name(None, column) {
        Some(position) => cuts(plan, &Columns::from([position]), placeholder),
        None => false,
    }
}

fn cuts(plan: &LogicalPlan, columns: &Columns, placeholder: Option<&str>) -> bool {
    if columns.is_empty() {
        return false;
    }
    let is_limit = match plan {
        LogicalPlan::Limit(_) => true,
        LogicalPlan::Sort(sort) => sort.fetch.is_some(),
        // The first row of each is of one scope only where the scope is among what it is each of.
        LogicalPlan::Distinct(Distinct::On(on)) => {
            let of_each = all_made_of(&on.on_expr, &on.input);
            !made_of(&on.select_expr, columns, &on.input).is_subset(&of_each)
        }
        _ => false,
    };
    let is_kept = || placeholder.is_some_and(|placeholder| keeps(plan, Some(columns), placeholder));
    if is_limit && !is_kept() {
        return true;
    }
    inputs(plan, columns).into_iter().any(|(input, columns)| cuts(input, &columns, placeholder))
}

/// The inputs of a plan, each with those of its columns that some columns of the plan are
/// made of.
fn inputs<'a>(plan: &'a LogicalPlan, columns: &Columns) -> Vec<(&'a LogicalPlan, Columns)> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let made = made_of(&projection.expr, columns, &projection.input);
            vec![(&projection.input, made)]
        }
        LogicalPlan::Aggregate(aggregate) => {
            let exprs: Vec<Expr> =
                aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
            // Sets of groups have more columns than expressions: any of these may be it.
            let made = match exprs.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
                true => all_made_of(&exprs, &aggregate.input),
                false => made_of(&exprs, columns, &aggregate.input),
            };
            vec![(&aggregate.input, made)]
        }
        LogicalPlan::Window(window) => {
            let passed = window.input.schema().fields().len();
            let (mut through, made): (Columns, Columns) =
                columns.iter().partition(|column| **column < passed);
            let made = made.into_iter().map(|column| column - passed).collect();
            through.extend(made_of(&window.window_expr, &made, &window.input));
            vec![(&window.input, through)]
        }
        LogicalPlan::Distinct(Distinct::On(on)) => {
            vec![(&on.input, made_of(&on.select_expr, columns, &on.input))]
        }
        LogicalPlan::Unnest(unnest) => {
            let of = columns.iter().filter_map(|column| unnest.dependency_indices.get(*column));
            vec![(&unnest.input, of.copied().collect())]
        }
        LogicalPlan::Join(join) => {
            let left = match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => 0,
                _ => join.left.schema().fields().len(),
            };
            let (of_left, of_right): (Columns, Columns) =
                columns.iter().partition(|column| **column < left);
            let of_right = of_right.into_iter().map(|column| column - left).collect();
            vec![(&join.left, of_left), (&join.right, of_right)]
        }
        // What else has inputs passes their columns on as they are.
        other => {
            let of = |input: &LogicalPlan| {
                let width = input.schema().fields().len();
                columns.iter().copied().filter(|column| *column < width).collect()
            };
            other.inputs().into_iter().map(|input| (input, of(input))).collect()
        }
    }
}

/// Columns of the input that some of the expressions, by position, are made of.
fn made_of(exprs: &[Expr], columns: &Columns, input: &LogicalPlan) -> Columns {
    let exprs = columns.iter().filter_map(|column| exprs.get(*column));
    let named = exprs.flat_map(|expr| expr.column_refs());
    named.filter_map(|column| input.schema().maybe_index_of_column(column)).collect()
}

fn all_made_of(exprs: &[Expr], input: &LogicalPlan) -> Columns {
    made_of(exprs, &(0..exprs.len()).collect(), input)
}

/// Whether every row of a query has passed a filter that compares something with a
/// placeholder for being equal: `source = $source`, `$source is null or source = $source`,
/// `source in (select ... where source = $source)`.
pub(super) fn is_kept_by(plan: &LogicalPlan, placeholder: &str) -> bool {
    keeps(plan, None, placeholder)
}

/// Where columns are given, only inputs that they come from count, or such that rows of
/// these are tied to.
fn keeps(plan: &LogicalPlan, columns: Option<&Columns>, placeholder: &str) -> bool {
    let all = || (0..plan.schema().fields().len()).collect();
    let below = inputs(plan, columns.unwrap_or(&all()));
    let of = |(input, columns): &(&LogicalPlan, Columns)| {
        // Without columns to follow, as in sums, every input is looked at as a whole.
        keeps(input, (!columns.is_empty()).then_some(columns), placeholder)
    };
    match plan {
        LogicalPlan::Filter(filter) => {
            is_kept_where(&filter.predicate, placeholder) || below.iter().any(of)
        }
        LogicalPlan::Union(_) => below.iter().all(of),
        LogicalPlan::Join(join) => {
            let [left, right] = &below[..] else { return false };
            let is_where = |filter| is_kept_where(filter, placeholder);
            match join.join_type {
                JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi => {
                    join.filter.as_ref().is_some_and(is_where)
                        || match columns {
                            None => of(left) || of(right),
                            Some(_) => {
                                let tied = |side: &(&LogicalPlan, Columns), columns: Columns| {
                                    !columns.is_empty() && of(&(side.0, columns))
                                };
                                let (to_left, to_right) = ties(join, &left.1, &right.1);
                                (left.1.is_empty() || of(left) || tied(right, to_right))
                                    && (right.1.is_empty() || of(right) || tied(left, to_left))
                            }
                        }
                }
                // A condition of an outer join leaves the rows of its side as they are.
                JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark => of(left),
                JoinType::Right | JoinType::RightAnti | JoinType::RightMark => of(right),
                JoinType::Full => of(left) && of(right),
            }
        }
        _ => below.iter().any(of),
    }
}

/// Columns of the left side that those of the right one are equal to, and the reverse.
fn ties(join: &Join, of_left: &Columns, of_right: &Columns) -> (Columns, Columns) {
    let (mut to_left, mut to_right) = (Columns::new(), Columns::new());
    let mut tie = |one: &Expr, other: &Expr| {
        let of = |expr: &Expr, side: &LogicalPlan| all_made_of(std::slice::from_ref(expr), side);
        if !of(other, &join.right).is_disjoint(of_right) {
            to_left.extend(of(one, &join.left));
        }
        if !of(one, &join.left).is_disjoint(of_left) {
            to_right.extend(of(other, &join.right));
        }
    };
    join.on.iter().for_each(|(left, right)| tie(left, right));
    // As it is written, a condition stands in the filter.
    for condition in join.filter.iter().flat_map(|filter| split_conjunction(filter)) {
        if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition {
            tie(left, right);
            tie(right, left);
        }
    }
    (to_left, to_right)
}

/// Whether rows that fulfil a condition are kept by the placeholder.
fn is_kept_where(condition: &Expr, placeholder: &str) -> bool {
    let kept = |expr: &Expr| is_kept_where(expr, placeholder);
    let has_it = |expr: &Expr| names(expr, placeholder);
    let is_of_rows = |expr: &Expr| !expr.column_refs().is_empty();
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => kept(left) || kept(right),
            // Where nothing is asked for, nothing need be kept.
            Operator::Or => [left, right].into_iter().all(|side| match side.as_ref() {
                Expr::IsNull(asked) => has_it(asked) && !is_of_rows(asked),
                side => kept(side),
            }),
            Operator::Eq | Operator::IsNotDistinctFrom => [(left, right), (right, left)]
                .into_iter()
                .any(|(asked, rows)| has_it(asked) && is_of_rows(rows)),
            _ => false,
        },
        Expr::Not(denied) => match denied.as_ref() {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::NotEq, right }) => {
                (has_it(left) && is_of_rows(right)) || (has_it(right) && is_of_rows(left))
            }
            _ => false,
        },
        Expr::IsTrue(inner) => kept(inner),
        Expr::InList(of) => !of.negated && of.list.iter().all(has_it) && is_of_rows(&of.expr),
        Expr::Like(of) => !of.negated && has_it(&of.pattern) && is_of_rows(&of.expr),
        Expr::Between(of) => {
            !of.negated && has_it(&of.low) && has_it(&of.high) && is_of_rows(&of.expr)
        }
        Expr::InSubquery(of) => !of.negated && is_kept_by(&of.subquery.subquery, placeholder),
        Expr::Exists(of) => !of.negated && is_kept_by(&of.subquery.subquery, placeholder),
        // `coalesce(source = $source, true)`: all where nothing is asked for.
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "coalesce" => {
            args.first().is_some_and(kept)
        }
        _ => false,
    }
}

/// Whether an expression names a placeholder, also in a query that it asks for a value.
fn names(expr: &Expr, placeholder: &str) -> bool {
    let is_it = |expr: &Expr| match expr {
        Expr::Placeholder(of) => of.id.strip_prefix('$') == Some(placeholder),
        Expr::ScalarSubquery(of) => {
            let named = |plan: &LogicalPlan| {
                Ok(plan.expressions().iter().any(|expr| names(expr, placeholder)))
            };
            of.subquery.exists(named).unwrap_or(false)
        }
        _ => false,
    };
    expr.exists(|expr| Ok(is_it(expr))).unwrap_or(false)
}
