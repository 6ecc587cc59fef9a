//! What can be wrong with a bill connect. Never holds the client secret.

use std::fmt;

use crate::error::{ErrorClass, Fault, Location};

/// One field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON path, e.g. `scopeDetails.customerDetails.customerTenantId`; empty
    /// for the body as a whole.
    pub path: String,
    /// What is wrong, with the value unless it is or may hold a secret.
    pub problem: String,
    /// What is expected instead.
    pub hint: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the body" } else { &self.path };
        write!(formatter, "{path}: {}; {}", self.problem, self.hint)
    }
}

/// A bill connect that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillConnectError {
    /// The text is no JSON, comments and trailing commas aside.
    #[error("the bill connect is not valid JSON: {reason}, at line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: u64,
        /// Column in characters, from 1; 0 where a line ends before its first.
        column: u64,
        /// What the parser found; never text of the file.
        reason: String,
    },
    /// Fields that break rules, in the order the rules are checked; at least
    /// one. Prints one field per line.
    #[error("the bill connect breaks {}:{}", Count(.0.len()), Lines(.0))]
    Fields(Vec<FieldError>),
}

/// `1 rule`, `2 rules`.
struct Count(usize);

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} rule{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// Each error on a line of its own, indented.
struct Lines<'a>(&'a [FieldError]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| write!(formatter, "\n  {error}"))
    }
}

impl Fault for BillConnectError {
    fn class(&self) -> ErrorClass {
        ErrorClass::BadConfig
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::Syntax { line, .. } => {
                Some(Location { line: Some(*line), ..Location::default() })
            }
            Self::Fields(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Syntax { .. } => {
                "write one JSON object; comments (// and /* */) and trailing commas are allowed"
            }
            Self::Fields(_) => {
                "correct these fields; the rules are those of Flexera's POST \
                 /finops-onboarding/v1/orgs/{orgId}/bill-connects/azure-csp"
            }
        };
        Some(hint.to_owned())
    }
}
