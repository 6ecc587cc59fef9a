//! Dataset types as Azure Cost Management names them.

use std::fmt;
use std::str::FromStr;

/// A cost dataset type of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DatasetType {
    /// What was charged: purchases whole, covered usage at zero.
    ActualCost,
    /// Commitments spread over the usage they cover.
    AmortizedCost,
}

impl DatasetType {
    /// Both, in the order they are ingested.
    pub const ALL: [Self; 2] = [Self::ActualCost, Self::AmortizedCost];

    /// Name in Azure's API and manifests.
    pub const fn azure_name(self) -> &'static str {
        match self {
            Self::ActualCost => "ActualCost",
            Self::AmortizedCost => "AmortizedCost",
        }
    }

    /// Name of its Delta table; also the value in `ingest_runs.dataset`.
    pub const fn table_name(self) -> &'static str {
        match self {
            Self::ActualCost => "actual_cost",
            Self::AmortizedCost => "amortized_cost",
        }
    }
}

impl fmt::Display for DatasetType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.azure_name())
    }
}

/// The text names no cost dataset this tool loads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cost dataset; expected ActualCost or AmortizedCost")]
pub struct UnknownDatasetType(pub String);

impl FromStr for DatasetType {
    type Err = UnknownDatasetType;

    /// Reads Azure's or the table's name, in any letter case. The export type
    /// `Usage` is Azure's older name for actual cost.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "actualcost" | "actual_cost" | "usage" => Ok(Self::ActualCost),
            "amortizedcost" | "amortized_cost" => Ok(Self::AmortizedCost),
            _ => Err(UnknownDatasetType(text.to_owned())),
        }
    }
}
