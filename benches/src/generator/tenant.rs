//! The invented partner: its billing profiles, resellers, customers and their
//! subscriptions, all drawn from the seed and the size alone, so that every
//! month and every scope of one seed sees the same ones.

use costlake_engine::model::money::ONE;
use costlake_engine::model::{BillingMonth, ScopeType};

use super::random::{Random, guid, key, scale};

/// Rows of a month for each customer, roughly.
const ROWS_PER_CUSTOMER: u64 = 25_000;
/// Fewest customers: enough for every kind of one.
pub(super) const CUSTOMERS_MIN: u64 = 12;
/// Most customers that rows suggest; more rows then mean larger customers.
const CUSTOMERS_MAX: u64 = 600;

/// Customers of a tenant with so many rows a month.
pub(super) fn customers_of(rows: u64) -> u64 {
    (rows / ROWS_PER_CUSTOMER).clamp(CUSTOMERS_MIN, CUSTOMERS_MAX)
}

/// Day of the first month from which the renamed customer has its new name.
pub(super) const RENAME_DAY: u32 = 15;
/// Position of the customer that is renamed.
const RENAMED_CUSTOMER: usize = 2;

/// Billing currencies, in the order of the profiles.
pub(super) const CURRENCIES: [&str; 3] = ["USD", "EUR", "GBP"];

/// One invoice, one currency.
pub(super) struct Profile {
    pub(super) id: String,
    pub(super) name: &'static str,
    /// Position in [`CURRENCIES`].
    pub(super) currency: usize,
    /// Negotiated discount on the list price; a price sheet is per profile.
    pub(super) discount_percent: i128,
}

/// A tier-2 reseller.
pub(super) struct Reseller {
    pub(super) name: &'static str,
    pub(super) mpn_id: &'static str,
}

/// Whether the partner earns credit on a customer's usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EarnedCredit {
    /// 15 %, applied: the effective price is lower by it.
    Applied,
    /// 15 % would be due, but the partner had no access: not applied.
    Missed,
    /// No rate at all.
    None,
}

/// A subscription.
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) cost_center: &'static str,
}

/// A customer of the partner.
pub(super) struct Customer {
    pub(super) tenant_id: String,
    pub(super) name: String,
    /// Name from the day it is renamed.
    pub(super) later_name: Option<&'static str>,
    /// Position in [`Tenant::profiles`].
    pub(super) profile: usize,
    /// Position in [`RESELLERS`]; none for direct customers.
    pub(super) reseller: Option<usize>,
    pub(super) credit: EarnedCredit,
    pub(super) subscriptions: Vec<Subscription>,
}

/// A subscription by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) customer: usize,
    pub(super) subscription: usize,
}

/// Resellers below the partner.
pub(super) const RESELLERS: [Reseller; 3] = [
    Reseller { name: "Tailspin Systemhaus GmbH & Co. KG", mpn_id: "4711815" },
    Reseller { name: "Wingtip, Lda.", mpn_id: "6002417" },
    Reseller { name: "Adatum \"Cloud\" Services", mpn_id: "5130992" },
];

const NAMES: [&str; 24] = [
    "Fabrikam, Inc.",
    "Contoso Pharmaceuticals",
    "Northwind Traders",
    "\"Blue Yonder\" Airlines",
    "Müller & Söhne KG",
    "Litware",
    "Lucerne Publishing",
    "Graphic Design Institute",
    "Margie's Travel",
    "Woodgrove Bank",
    "Trey Research",
    "Coho Winery, S.à r.l.",
    "Alpine Ski House",
    "Humongous Insurance",
    "School of Fine Art",
    "Consolidated Messenger",
    "VanArsdel, Ltd.",
    "Relecloud",
    "Munson's Pickles and Preserves Farm",
    "Wide World Importers",
    "The Phone Company",
    "City Power & Light",
    "Fourth Coffee",
    "Bellows College",
];

const COST_CENTERS: [&str; 6] = ["", "4100", "IT-2207", "R&D", "Ops, shared", "9000"];

/// The partner and all below it.
pub(super) struct Tenant {
    pub(super) seed: u64,
    pub(super) billing_account: String,
    pub(super) partner_tenant_id: String,
    pub(super) profiles: Vec<Profile>,
    pub(super) customers: Vec<Customer>,
    /// First month: renames and exchange rates count from it.
    pub(super) start: BillingMonth,
    /// Customers the scope shows, by position.
    visible: Vec<usize>,
    /// Whether the scope shows only the first subscription of its customer.
    one_subscription: bool,
}

impl Tenant {
    /// Name of the partner.
    pub(super) const PARTNER_NAME: &str = "Proseware Cloud Partners, Inc.";
    /// Name of the billing account.
    pub(super) const BILLING_ACCOUNT_NAME: &str = "Proseware Cloud Partners";

    /// Draws the tenant and what of it `scope` shows.
    pub(super) fn new(seed: u64, start: BillingMonth, customers: u64, scope: ScopeType) -> Self {
        let profiles: Vec<Profile> = ["Proseware US", "Proseware Europe", "Proseware UK"]
            .into_iter()
            .enumerate()
            .map(|(currency, name)| Profile {
                id: profile_id(&mut Random::new(&[seed, 1, currency as u64])),
                name,
                currency,
                discount_percent: [0, 5, 10][currency],
            })
            .collect();
        let count = customers.max(CUSTOMERS_MIN) as usize;
        let customers: Vec<Customer> = (0..count).map(|index| customer(seed, index)).collect();
        let visible = match scope {
            ScopeType::BillingAccount => (0..count).collect(),
            // The European profile: another currency than the pricing one.
            ScopeType::BillingProfile => {
                (0..count).filter(|index| customers[*index].profile == 1).collect()
            }
            // The second customer: billed in euros through a reseller.
            ScopeType::CustomerTenant | ScopeType::Subscription => vec![1],
        };
        Self {
            seed,
            billing_account: guid(key(&[seed, 2])),
            partner_tenant_id: guid(key(&[seed, 3])),
            profiles,
            customers,
            start,
            visible,
            one_subscription: scope == ScopeType::Subscription,
        }
    }

    /// The subscription a random key falls on; small positions are larger.
    pub(super) fn place(&self, key: u64) -> Place {
        let count = self.visible.len() as u64;
        let first = scale(key, count);
        let second = scale(key.rotate_left(32), count);
        self.subscription_of(self.visible[first.min(second) as usize], key)
    }

    /// The subscription of the n-th thing that should be spread evenly.
    pub(super) fn nth_place(&self, index: usize) -> Place {
        self.subscription_of(self.visible[index % self.visible.len()], key(&[index as u64]))
    }

    fn subscription_of(&self, customer: usize, key: u64) -> Place {
        let count = self.customers[customer].subscriptions.len() as u64;
        let subscription =
            if self.one_subscription { 0 } else { scale(key.rotate_left(16), count) as usize };
        Place { customer, subscription }
    }

    /// Up to `count` subscriptions of the place's customer, the place first: where
    /// a shared commitment is used.
    pub(super) fn shared(&self, place: Place, count: usize) -> Vec<Place> {
        let all = self.customers[place.customer].subscriptions.len();
        let shown = if self.one_subscription { 1 } else { all };
        (0..count.min(shown))
            .map(|next| Place { subscription: (place.subscription + next) % shown, ..place })
            .collect()
    }

    /// A subscription.
    pub(super) fn subscription(&self, place: Place) -> &Subscription {
        &self.customers[place.customer].subscriptions[place.subscription]
    }

    /// A customer of a profile that the scope shows.
    pub(super) fn first_visible(&self, profile: usize) -> Option<usize> {
        self.visible.iter().copied().find(|index| self.customers[*index].profile == profile)
    }

    /// The profile a customer is billed to.
    pub(super) fn profile_of(&self, customer: usize) -> &Profile {
        &self.profiles[self.customers[customer].profile]
    }

    /// Rate from US dollars (all prices) to a profile's currency in a month,
    /// 18 decimals.
    pub(super) fn exchange_rate(&self, currency: usize, month: BillingMonth) -> i128 {
        let base: i128 = match CURRENCIES[currency] {
            "USD" => return ONE,
            "EUR" => 858_663_918_942_126_052,
            _ => 743_119_204_855_671_390,
        };
        if month == self.start {
            return base;
        }
        let path = [self.seed, 4, currency as u64, month.year() as u64, u64::from(month.month())];
        // Within 2 % of the first month's.
        base + i128::from(scale(key(&path), 40_000_000_000_000_000)) - 20_000_000_000_000_000
    }

    /// Day of the rename, days since 1970-01-01.
    pub(super) fn rename_day(&self) -> i32 {
        self.start.first_day() + RENAME_DAY as i32 - 1
    }

    /// ARM path of the scope, as exports name it.
    pub(super) fn scope_path(&self, scope: ScopeType) -> String {
        let account = format!(
            "/providers/Microsoft.Billing/billingAccounts/{}:{}_2019-05-31",
            self.billing_account,
            guid(key(&[self.seed, 5])),
        );
        match scope {
            ScopeType::BillingAccount => account,
            ScopeType::BillingProfile => {
                format!("{account}/billingProfiles/{}", self.profiles[1].id)
            }
            ScopeType::CustomerTenant => {
                format!("{account}/customers/{}", self.customers[self.visible[0]].tenant_id)
            }
            ScopeType::Subscription => {
                let customer = &self.customers[self.visible[0]];
                format!("/subscriptions/{}", customer.subscriptions[0].id)
            }
        }
    }
}

/// E.g. `NF5V-BI6B-BG7-PGB`.
pub(super) fn profile_id(random: &mut Random) -> String {
    let mut id = String::new();
    for length in [4, 4, 3, 3] {
        if !id.is_empty() {
            id.push('-');
        }
        for _ in 0..length {
            id.push(char::from(*random.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")));
        }
    }
    id
}

fn customer(seed: u64, index: usize) -> Customer {
    let mut random = Random::new(&[seed, 6, index as u64]);
    let round = index / NAMES.len();
    let base = NAMES[index % NAMES.len()];
    let name = if round == 0 { base.to_owned() } else { format!("{base} {}", round + 1) };
    let first_word = name.split(' ').next().unwrap_or(&name);
    let brand = first_word.trim_matches([',', '"']);
    let subscriptions = (0..1 + random.below(7))
        .map(|number| {
            let stage =
                ["prod", "dev", "test", "shared", "sandbox, team A", "data"][number as usize % 6];
            Subscription {
                id: guid(random.next()),
                name: format!("{brand} - {stage}"),
                cost_center: COST_CENTERS[random.below(COST_CENTERS.len() as u64) as usize],
            }
        })
        .collect();
    Customer {
        tenant_id: guid(random.next()),
        name,
        later_name: (index == RENAMED_CUSTOMER).then_some("Northwind Global, LLC"),
        // The first three customers have one currency each, as has every size after them.
        profile: index % CURRENCIES.len(),
        reseller: (!index.is_multiple_of(4)).then_some(index % RESELLERS.len()),
        credit: [
            EarnedCredit::Applied,
            EarnedCredit::Applied,
            EarnedCredit::Missed,
            EarnedCredit::None,
        ][index / 3 % 4],
        subscriptions,
    }
}
