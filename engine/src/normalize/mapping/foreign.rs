//! Datasets that are no cost export of ours, known by a column only they
//! have, so that the refusal can say what the file is.

use super::NormalizeError;
use crate::decode::Header;

/// A dataset that is given by mistake.
struct Foreign {
    found: &'static str,
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

/// Partner and direct files of that version bear names of their own.
const MCA_2019_10_01: &str = "an MCA cost export of version 2019-10-01";

/// In the order they are asked: the first that fits is named.
const FOREIGN: [Foreign; 9] = [
    Foreign {
        found: "a FOCUS export",
        marks: &["BilledCost", "ChargePeriodStart", "ChargePeriodEnd", "ContractedCost"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: "FOCUS rows are built from the actual and the amortized export; give those two",
    },
    Foreign {
        found: "a reservation details export",
        marks: &["ReservedHours", "TotalReservedQuantity"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: EXPORT_COST,
    },
    Foreign {
        found: "a reservation transactions export",
        marks: &["EventType", "EventDate"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: EXPORT_COST,
    },
    Foreign {
        found: "a reservation recommendations export",
        marks: &[
            "Cost With No ReservedInstances",
            "CostWithNoReservedInstances",
            "Recommended Quantity",
            "RecommendedQuantity",
            "LookBackPeriod",
        ],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: EXPORT_COST,
    },
    Foreign {
        found: "a price sheet",
        marks: &["TierMinimumUnits", "MarketPrice", "BasePrice", "PriceType"],
        with: &["UnitPrice"],
        without: &["chargeType"],
        hint: EXPORT_COST,
    },
    Foreign {
        found: "a reconciliation file of Partner Center",
        marks: &["PCToBCExchangeRate", "PartnerEarnedCreditPercentage", "EffectiveUnitPrice"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: EXPORT_COST,
    },
    Foreign {
        found: MCA_2019_10_01,
        marks: &["SubscriptionGuid", "PricingCurrencyCode", "BillingCurrencyCode"],
        with: &["SubscriptionGuid", "InstanceName"],
        without: &["AccountOwnerId", "OfferId", "PartNumber"],
        hint: "export it again with data version 2021-10-01",
    },
    Foreign {
        found: "an Enterprise Agreement (EA) cost export",
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
        marks: &["Cost", "ExtendedCost", "ResourceRate", "AccountOwnerId", "PartNumber", "OfferId"],
        with: &[],
        without: &["costInBillingCurrency"],
        hint: "this version loads cost exports of the Microsoft Customer Agreement only",
    },
];

/// Refuses a header that is a foreign dataset's. A partner's cost file may still be
/// of a version that is not read.
pub(super) fn refuse(header: &Header, is_partner_cost: bool) -> Result<(), NormalizeError> {
    let has = |name: &&&str| header.contains(name);
    for foreign in FOREIGN.iter().filter(|other| !is_partner_cost || other.found == MCA_2019_10_01)
    {
        let fits = foreign.with.iter().all(|name| header.contains(name))
            && !foreign.without.iter().any(|name| header.contains(name));
        if let Some(mark) = foreign.marks.iter().find(has).filter(|_| fits) {
            let position = header.position(mark).expect("found just now");
            return Err(NormalizeError::OtherDataset {
                found: foreign.found,
                mark: header.columns()[position].text.clone(),
                hint: foreign.hint,
            });
        }
    }
    Ok(())
}
