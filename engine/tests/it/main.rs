//! The engine from outside: whole pipelines on real files and a real store.

mod azurite;
mod faults;
mod pipeline;
mod tenant;
