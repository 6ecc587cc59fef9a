//! Bill connects: how a partner's bill is reached and from which month on.
//!
//! In: the JSON body Flexera's API takes for an Azure CSP bill connect, with
//! comments where people leave them. Out: a [`BillConnect`], or every field
//! that breaks a rule. Never does IO and never keeps the client secret: it is
//! looked at once, and neither values nor errors repeat it.

mod bill_connect;
mod document;
mod error;
mod fields;
mod json_comments;

pub use bill_connect::{BillConnect, ConnectScope};
pub use error::{BillConnectError, FieldError};
