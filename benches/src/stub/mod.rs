//! Stand-ins for Azure's services, for tests of whoever calls them.
//!
//! In: scripted answers. Out: servers on this machine, and what they were asked.
//! Panics where a test cannot go on. Never part of the product.

mod azurite;
mod entra;
mod http;
mod proxy;

pub use azurite::{Azurite, AzuriteOptions, EMULATOR_ACCOUNT, EMULATOR_KEY};
pub use entra::{Entra, access_token};
pub use http::{HttpStub, Received, Reply};
pub use proxy::{Asked, Disturbance, Proxy};
