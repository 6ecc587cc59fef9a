//! The views of the catalog and the checks, as the `.sql` files say them.
//!
//! Input: the SQL files compiled in. Output: parsed definitions in dependency
//! order. Never plans or runs SQL; sessions do.

mod load;

pub use load::{
    CheckDefinition, ViewColumn, ViewDefinition, ViewError, checks, in_dependency_order,
    parse_check, parse_view, views,
};
