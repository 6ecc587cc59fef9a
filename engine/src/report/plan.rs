//! Makes the query of a section: its placeholders filled, its rows kept to what was asked
//! for, and ordered by scope.
//!
//! Input: a session, a section, parameters. Output: a logical plan, and which of its
//! columns is the scope's. Never runs it.

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, Projection, SortExpr, cast, ident, lit,
};

use super::cut::{is_cut, is_kept_by};
use super::definition::{ReportDefinition, SectionDefinition};
use super::error::ReportError;
use super::params::{PLACEHOLDERS, ReportParameters, ScopeSelection};
use crate::near::nearest;
use crate::query::statements::placeholders;
use crate::query::{QueryError, Session};

/// The column that tells whose a row is. It is not shown.
pub(super) const SCOPE_COLUMN: &str = "scope_id";

/// What a row's source is called: in the lake's views, and in FOCUS.
pub(super) const SOURCE_COLUMNS: [&str; 2] = ["source", "x_Source"];

/// What the currency of a row's amounts is called, likewise.
pub(super) const CURRENCY_COLUMNS: [&str; 2] = ["billing_currency", "BillingCurrency"];

/// The plan of a section.
pub(super) async fn plan(
    session: &Session,
    report: &ReportDefinition,
    section: &SectionDefinition,
    parameters: &ReportParameters,
) -> Result<LogicalPlan, ReportError> {
    let failed = |source: QueryError| ReportError::section(report, section, source);
    let misfit = |reason: &str, hint: &str| ReportError::misfit(report, section, reason, hint);
    let placeholders = placeholders(&section.sql).map_err(failed)?;
    if let Some(unknown) = unknown_placeholder(&placeholders) {
        let names = PLACEHOLDERS.map(|(name, _)| name);
        let hint = match nearest(unknown, names) {
            Some(near) => format!("is ${near} meant?"),
            None => format!("there are ${}", names.join(", $")),
        };
        return Err(misfit(&format!("there is no parameter ${unknown}"), &hint));
    }
    let plan = session.plan(&section.sql).await.map_err(failed)?;
    if !is_query(&plan) {
        return Err(misfit("it is no query", "a section is one select"));
    }
    let asked = plan;
    let has = |name: &str| has_column(&asked, name);
    let filters_by = |placeholder: &str| is_kept_by(&asked, placeholder);
    let has_scope = has(SCOPE_COLUMN);
    // A limit above what rows are kept by would cut rows of others, and leave too few.
    let cuts = |column: &str, placeholder: &str| is_cut(&asked, column, Some(placeholder));
    let cut_off = |placeholder: &str| {
        misfit(
            &format!("its limit would cut before rows are kept to one {placeholder}"),
            &format!("use ${placeholder} in a filter below the limit"),
        )
    };
    let mut kept: Vec<(&str, &str)> = Vec::new();
    if let Some(source) = &parameters.source {
        match SOURCE_COLUMNS.into_iter().find(|name| has(name)) {
            Some(column) if cuts(column, "source") => return Err(cut_off("source")),
            Some(column) => kept.push((column, source)),
            None if filters_by("source") => {}
            None => {
                return Err(misfit(
                    "it cannot be kept to one source: it has no column source",
                    "select source, or use $source in a filter",
                ));
            }
        }
    }
    if let Some(currency) = &parameters.currency {
        let has_amounts = asked.schema().fields().iter().any(|field| is_decimal(field.data_type()));
        match CURRENCY_COLUMNS.into_iter().find(|name| has(name)) {
            Some(column) if cuts(column, "currency") => return Err(cut_off("currency")),
            Some(column) => kept.push((column, currency)),
            None if filters_by("currency") || !has_amounts => {}
            None => {
                return Err(misfit(
                    "it cannot be kept to one currency: it has no column billing_currency",
                    "select billing_currency, or use $currency in a filter",
                ));
            }
        }
    }
    match &parameters.scopes {
        ScopeSelection::All => {}
        ScopeSelection::One { .. } if has_scope && cuts(SCOPE_COLUMN, SCOPE_COLUMN) => {
            return Err(cut_off(SCOPE_COLUMN));
        }
        ScopeSelection::One { scope_id, .. } if has_scope => kept.push((SCOPE_COLUMN, scope_id)),
        // A query that filters by the scope itself keeps to it.
        ScopeSelection::One { .. } if filters_by(SCOPE_COLUMN) => {}
        ScopeSelection::One { .. } => {
            return Err(misfit(
                "it cannot be kept to one scope: it has no column scope_id",
                "select the scope's id as scope_id, or use $scope_id in a filter",
            ));
        }
        ScopeSelection::Each(_) if !has_scope => {
            return Err(misfit(
                "it cannot be told apart by scope: it has no column scope_id",
                "select the scope's id as scope_id",
            ));
        }
        ScopeSelection::Each(_) if is_cut(&asked, SCOPE_COLUMN, None) => {
            return Err(misfit(
                "its limit would cut over all scopes together",
                "use row_number() over (partition by scope_id order by ...) and keep the first of each",
            ));
        }
        ScopeSelection::Each(_) => {}
    }
    let by_scope = match parameters.scopes {
        ScopeSelection::Each(_) => ByScope::Ordered,
        _ => ByScope::AsItIs,
    };
    let plan =
        asked.with_param_values(parameters.values()).map_err(|error| failed(error.into()))?;
    restricted(plan, &kept, by_scope).map_err(|error| failed(error.into()))
}

fn unknown_placeholder(names: &[String]) -> Option<&str> {
    let known = |name: &&String| PLACEHOLDERS.iter().any(|(known, _)| known == name);
    names.iter().find(|name| !known(name)).map(String::as_str)
}

fn has_column(plan: &LogicalPlan, name: &str) -> bool {
    plan.schema().has_column_with_unqualified_name(name)
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))
}

fn is_query(plan: &LogicalPlan) -> bool {
    !matches!(
        plan,
        LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::DescribeTable(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Copy(_)
    )
}

#[derive(Clone, Copy)]
enum ByScope {
    /// The rows by scope, those of none last, and within one in the query's own order.
    Ordered,
    AsItIs,
}

/// The plan with rows of these values only. They are kept below the query's own order, and
/// the order by scope is put before it.
fn restricted(
    plan: LogicalPlan,
    kept: &[(&str, &str)],
    by_scope: ByScope,
) -> Result<LogicalPlan, DataFusionError> {
    match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            let below = with_own_texts(kept_to(sort.input.as_ref().clone(), kept)?)?;
            let order = match by_scope {
                ByScope::Ordered => {
                    std::iter::once(scope_first(below.schema())).chain(sort.expr).collect()
                }
                ByScope::AsItIs => sort.expr,
            };
            LogicalPlanBuilder::from(below).sort(order)?.build()
        }
        // An order by what is not selected: the selected columns stand above it.
        LogicalPlan::Projection(projection)
            if passes_through(&projection, kept)
                && matches!(projection.input.as_ref(), LogicalPlan::Sort(_)) =>
        {
            let below = restricted(projection.input.as_ref().clone(), kept, by_scope)?;
            LogicalPlanBuilder::from(below).project(projection.expr)?.build()
        }
        other => {
            let below = kept_to(other, kept)?;
            match by_scope {
                ByScope::AsItIs => Ok(below),
                ByScope::Ordered => {
                    let below = with_own_texts(below)?;
                    let order = scope_first(below.schema());
                    LogicalPlanBuilder::from(below).sort([order])?.build()
                }
            }
        }
    }
}

/// Texts as bytes of their own, in place of views into others'. A sort that spills puts
/// rows of many batches into one: with views each of them would hold all of the batches.
fn with_own_texts(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let columns = plan.schema().iter().map(|(qualifier, field)| {
        let column = Expr::Column(Column::from((qualifier, field)));
        match field.data_type() {
            DataType::Utf8View => {
                cast(column, DataType::Utf8).alias_qualified(qualifier.cloned(), field.name())
            }
            _ => column,
        }
    });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Whether the columns that rows are kept and ordered by are the same below a projection.
fn passes_through(projection: &Projection, kept: &[(&str, &str)]) -> bool {
    let names = kept.iter().map(|(name, _)| *name).chain([SCOPE_COLUMN]);
    names.into_iter().all(|name| {
        projection
            .expr
            .iter()
            .any(|expr| matches!(expr, Expr::Column(column) if column.name == name))
    })
}

/// By text, whatever it is: scopes of several sections are put side by side by it.
fn scope_first(schema: &DFSchema) -> SortExpr {
    let scope = column_of(schema, SCOPE_COLUMN);
    let is_text = matches!(
        schema.field_with_unqualified_name(SCOPE_COLUMN).map(|field| field.data_type().clone()),
        Ok(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    );
    if is_text { scope } else { cast(scope, DataType::Utf8) }.sort(true, false)
}

fn kept_to(plan: LogicalPlan, kept: &[(&str, &str)]) -> Result<LogicalPlan, DataFusionError> {
    kept.iter().try_fold(plan, |plan, (column, value)| {
        let column = column_of(plan.schema(), column);
        LogicalPlanBuilder::from(plan).filter(column.eq(lit(*value)))?.build()
    })
}

/// A column by its name as it is; the name may stand in one table only.
fn column_of(schema: &DFSchema, name: &str) -> Expr {
    match schema.qualified_field_with_unqualified_name(name) {
        Ok((qualifier, field)) => Expr::Column(Column::from((qualifier, field))),
        Err(_) => ident(name),
    }
}
