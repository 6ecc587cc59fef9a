//! The views of the catalog and the checks, as the `.sql` files say them.
//!
//! Input: the SQL files compiled in. Output: parsed definitions.
//! Never plans or runs SQL; sessions do.

mod adjustments;
pub(crate) mod header;
mod load;

pub use adjustments::{
    Adjustment, AdjustmentError, AdjustmentRule, Adjustments, BilledPrice, Condition, DIMENSIONS,
    Percent, Texts,
};
pub use header::HeaderError;
pub use load::{
    CheckDefinition, ViewColumn, ViewDefinition, checks, parse_check, parse_view, views,
};
