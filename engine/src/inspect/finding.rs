//! What a look at a source found.

use std::fmt;

use crate::error::{ErrorClass, Fault};
use crate::model::DatasetType;

/// What is looked at, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// May it sign in?
    Token,
    /// May it list and read?
    Access,
    /// Is there an export?
    Exports,
    /// Is it the right dataset, in a version that answers everything?
    Dataset,
    /// Can its files be read?
    Format,
    /// Is it kept up?
    Age,
    /// Is it of the scope that is configured?
    Scope,
    /// Are all months there?
    Months,
    /// Do other sources hold the same?
    Overlap,
    /// What can this scope not give?
    Limits,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Token => "token",
            Self::Access => "storage access",
            Self::Exports => "export",
            Self::Dataset => "dataset",
            Self::Format => "format",
            Self::Age => "newest run",
            Self::Scope => "scope",
            Self::Months => "months",
            Self::Overlap => "overlap",
            Self::Limits => "limits",
        })
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but not for everything, or not for long.
    Warning,
    /// It does not work.
    Failed,
}

/// One line of a look at a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub step: Step,
    /// Of which export; of the source when none.
    pub dataset: Option<DatasetType>,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// What code can do about it, of a failure.
    pub class: Option<ErrorClass>,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(step: Step, what: impl Into<String>) -> Self {
        Self {
            step,
            dataset: None,
            verdict: Verdict::Ok,
            what: what.into(),
            fix: None,
            class: None,
        }
    }

    /// It works, but.
    pub(super) fn warning(step: Step, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, fix: Some(fix.into()), ..Self::ok(step, what) }
    }

    /// It does not work, as found here.
    pub(super) fn refused(step: Step, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Failed,
            class: Some(ErrorClass::BadInput),
            ..Self::warning(step, what, fix)
        }
    }

    /// It does not work, as a stage says.
    pub(super) fn failed(step: Step, fault: &dyn Fault) -> Self {
        Self {
            verdict: Verdict::Failed,
            fix: fault.hint(),
            class: Some(fault.class()),
            ..Self::ok(step, fault.to_string())
        }
    }

    /// Of one export.
    pub(super) fn about(mut self, dataset: DatasetType) -> Self {
        self.dataset.get_or_insert(dataset);
        self
    }
}
