//! What measures costlake, and what it is measured with: the generator of
//! synthetic exports.

pub mod generator;
