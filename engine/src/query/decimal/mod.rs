//! Exact, checked decimal arithmetic for everybody's SQL.
//!
//! DataFusion's own `*` and `/` fail on ordinary products and quotients of two
//! `Decimal128(38, 18)` columns, and its `sum` wraps silently. Every session
//! therefore plans `+ - * /` between decimals as the functions of
//! [`operators`] and takes `sum` and `avg` from [`aggregates`]. Results are
//! `Decimal128(38, 18)`, rounded half to even; what does not fit is an error.
//! A decimal with a float stays a float, as stock; integers stay integers.

pub mod aggregates;
pub mod exact;
pub mod operators;
mod sums;

use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;

/// Installs the operators and aggregates in a session or another registry,
/// such as the one of a cluster's executor.
pub fn install(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for operator in operators::all() {
        registry.register_udf(operator)?;
    }
    for aggregate in aggregates::all() {
        registry.register_udaf(aggregate)?;
    }
    registry.register_expr_planner(operators::planner())
}

#[cfg(test)]
mod tests;
