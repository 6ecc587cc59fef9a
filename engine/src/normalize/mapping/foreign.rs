//! Datasets that are not the wanted one, known by a column only they have, so
//! that the refusal can say what the file is.

use super::NormalizeError;
use crate::decode::Header;
use crate::model::DatasetType;

/// A dataset that is given by mistake.
struct Foreign {
    found: &'static str,
    /// Which dataset of ours it is, if it is one.
    dataset: Option<DatasetType>,
    /// Whether a partner's cost file can be it all the same.
    may_be_partner_cost: bool,
    /// Any of these gives it away,
    marks: &'static [&'static str],
    /// if all of these are there
    with: &'static [&'static str],
    /// and none of these.
    without: &'static [&'static str],
    hint: &'static str,
}

const EXPORT_COST: &str =
    "create an export of type ActualCost or AmortizedCost at the billing account or profile";

/// In the order they are asked: the first that fits is named.
const FOREIGN: [Foreign; 10] = [
    Foreign {
        found: "a FOCUS export",
        dataset: None,
        may_be_partner_cost: false,
        marks: &["BilledCost", "ChargePeriodStart", "ChargePeriodEnd", "ContractedCost"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: "FOCUS rows are built from the actual and the amortized export; give those two",
    },
    Foreign {
        found: "a reservation details export",
        dataset: Some(DatasetType::ReservationDetails),
        may_be_partner_cost: false,
        marks: &["ReservedHours", "TotalReservedQuantity"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: "load it with --reservation-details",
    },
    Foreign {
        found: "a reservation transactions export",
        dataset: Some(DatasetType::ReservationTransactions),
        may_be_partner_cost: false,
        marks: &["EventType", "EventDate"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: "load it with --reservation-transactions",
    },
    Foreign {
        found: "a reservation recommendations export",
        dataset: Some(DatasetType::ReservationRecommendations),
        may_be_partner_cost: false,
        marks: &[
            "Cost With No ReservedInstances",
            "CostWithNoReservedInstances",
            "Recommended Quantity",
            "RecommendedQuantity",
            "LookBackPeriod",
        ],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: "load it with --reservation-recommendations",
    },
    Foreign {
        found: "a price sheet",
        dataset: Some(DatasetType::PriceSheet),
        may_be_partner_cost: false,
        marks: &["TierMinimumUnits", "MarketPrice", "BasePrice", "PriceType"],
        with: &["UnitPrice"],
        without: &["chargeType"],
        hint: "load it with --price-sheet",
    },
    Foreign {
        found: "a reconciliation file of Partner Center",
        dataset: None,
        may_be_partner_cost: false,
        marks: &["PCToBCExchangeRate", "PartnerEarnedCreditPercentage", "EffectiveUnitPrice"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: EXPORT_COST,
    },
    Foreign {
        // Partner and direct files of that version bear names of their own.
        found: "an MCA cost export of version 2019-10-01",
        dataset: None,
        may_be_partner_cost: true,
        marks: &["SubscriptionGuid", "PricingCurrencyCode", "BillingCurrencyCode"],
        with: &["SubscriptionGuid", "InstanceName"],
        without: &["AccountOwnerId", "OfferId", "PartNumber"],
        hint: "export it again with data version 2021-10-01",
    },
    Foreign {
        found: "an Enterprise Agreement (EA) cost export",
        dataset: None,
        may_be_partner_cost: false,
        marks: &[
            "BillingCurrencyCode",
            "PartNumber",
            "AccountOwnerId",
            "AccountOwnerEmail",
            "OfferId",
            "PlanName",
            "ResourceLocationNormalized",
        ],
        with: &["CostInBillingCurrency"],
        without: &[],
        hint: "this version loads cost exports of the Microsoft Customer Agreement only",
    },
    Foreign {
        found: "an Enterprise Agreement (EA) cost export of the older portal",
        dataset: None,
        may_be_partner_cost: false,
        marks: &["Cost", "ExtendedCost", "ResourceRate", "AccountOwnerId", "PartNumber", "OfferId"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: "this version loads cost exports of the Microsoft Customer Agreement only",
    },
    Foreign {
        found: "a cost export",
        dataset: Some(DatasetType::ActualCost),
        may_be_partner_cost: true,
        marks: &["costInBillingCurrency"],
        with: &["chargeType"],
        without: &[],
        hint: "load it with --actual or --amortized",
    },
];

/// Refuses a header that is another dataset's than the wanted one. A partner's cost
/// file may still be of a version that is not read.
pub(super) fn refuse(
    header: &Header,
    wanted: DatasetType,
    is_partner_cost: bool,
) -> Result<(), NormalizeError> {
    let has = |name: &&&str| header.contains(name);
    let is_wanted = |other: &Foreign| {
        other.dataset == Some(wanted)
            || (wanted.is_cost() && other.dataset.is_some_and(DatasetType::is_cost))
    };
    let others = FOREIGN
        .iter()
        .filter(|other| !is_wanted(other) && (!is_partner_cost || other.may_be_partner_cost));
    for foreign in others {
        let fits = foreign.with.iter().all(|name| header.contains(name))
            && !foreign.without.iter().any(|name| header.contains(name));
        if let Some(mark) = foreign.marks.iter().find(has).filter(|_| fits) {
            let position = header.position(mark).expect("found just now");
            return Err(NormalizeError::OtherDataset {
                wanted,
                found: foreign.found,
                mark: header.columns()[position].text.clone(),
                hint: foreign.hint,
            });
        }
    }
    Ok(())
}
