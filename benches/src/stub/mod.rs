//! Stand-ins for Azure's services, for tests of whoever calls them.
//!
//! In: scripted answers. Out: servers on this machine, and what they were asked.
//! Panics where a test cannot go on. Never part of the product.

mod entra;
mod http;

pub use entra::{Entra, access_token};
pub use http::{HttpStub, Received, Reply};
