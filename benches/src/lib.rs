//! What measures costlake, and what it is measured and tested with: the generator
//! of synthetic exports, and stand-ins for Azure's services.

pub mod generator;
pub mod stub;
