//! Dataset types as Azure Cost Management names them.

use std::fmt;
use std::str::FromStr;

use super::columns::{self, ColumnSet};

/// A dataset type of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DatasetType {
    /// What was charged: purchases whole, covered usage at zero.
    ActualCost,
    /// Commitments spread over the usage they cover.
    AmortizedCost,
    /// What products cost a billing profile, by month.
    PriceSheet,
    /// Hours reserved and used, by reservation, resource and day.
    ReservationDetails,
    /// Purchases and refunds of reservations.
    ReservationTransactions,
    /// Reservations that would save money.
    ReservationRecommendations,
}

impl DatasetType {
    /// All, in the order they are ingested.
    pub const ALL: [Self; 6] = [
        Self::ActualCost,
        Self::AmortizedCost,
        Self::PriceSheet,
        Self::ReservationDetails,
        Self::ReservationTransactions,
        Self::ReservationRecommendations,
    ];

    /// The cost files: what every bill consists of.
    pub const COST: [Self; 2] = [Self::ActualCost, Self::AmortizedCost];

    /// Whether it is a cost file.
    pub const fn is_cost(self) -> bool {
        matches!(self, Self::ActualCost | Self::AmortizedCost)
    }

    /// Name in Azure's API and manifests.
    pub const fn azure_name(self) -> &'static str {
        match self {
            Self::ActualCost => "ActualCost",
            Self::AmortizedCost => "AmortizedCost",
            Self::PriceSheet => "PriceSheet",
            Self::ReservationDetails => "ReservationDetails",
            Self::ReservationTransactions => "ReservationTransactions",
            Self::ReservationRecommendations => "ReservationRecommendations",
        }
    }

    /// Name of its Delta table; also the value in `ingest_runs.dataset`.
    pub const fn table_name(self) -> &'static str {
        match self {
            Self::ActualCost => "actual_cost",
            Self::AmortizedCost => "amortized_cost",
            Self::PriceSheet => "price_sheet",
            Self::ReservationDetails => "reservation_details",
            Self::ReservationTransactions => "reservation_transactions",
            Self::ReservationRecommendations => "reservation_recommendations",
        }
    }

    /// The flag of `costlake ingest` that takes its export.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::ActualCost => "--actual",
            Self::AmortizedCost => "--amortized",
            Self::PriceSheet => "--price-sheet",
            Self::ReservationDetails => "--reservation-details",
            Self::ReservationTransactions => "--reservation-transactions",
            Self::ReservationRecommendations => "--reservation-recommendations",
        }
    }

    /// Its columns.
    pub const fn column_set(self) -> &'static ColumnSet {
        match self {
            Self::ActualCost | Self::AmortizedCost => &columns::COST,
            Self::PriceSheet => &columns::PRICE_SHEET,
            Self::ReservationDetails => &columns::RESERVATION_DETAILS,
            Self::ReservationTransactions => &columns::RESERVATION_TRANSACTIONS,
            Self::ReservationRecommendations => &columns::RESERVATION_RECOMMENDATIONS,
        }
    }
}

impl fmt::Display for DatasetType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.azure_name())
    }
}

/// The text names no dataset this tool loads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a dataset that is loaded here; expected ActualCost or AmortizedCost, \
         PriceSheet, ReservationDetails, ReservationTransactions or ReservationRecommendations"
)]
pub struct UnknownDatasetType(pub String);

impl FromStr for DatasetType {
    type Err = UnknownDatasetType;

    /// Reads Azure's or the table's name, in any letter case. The export type
    /// `Usage` is Azure's older name for actual cost.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_named = |dataset: &Self| {
            text.eq_ignore_ascii_case(dataset.azure_name())
                || text.eq_ignore_ascii_case(dataset.table_name())
        };
        if text.eq_ignore_ascii_case("usage") {
            return Ok(Self::ActualCost);
        }
        Self::ALL.into_iter().find(is_named).ok_or_else(|| UnknownDatasetType(text.to_owned()))
    }
}
