//! What can be bought: regions, meters and their list prices.
//!
//! Constant tables, the same under every seed, as Azure's meters are the same
//! for every customer. Prices are invented, of a realistic size, with at most
//! four decimals, times a whole percentage of the region.

use costlake_engine::model::money::ONE;

use super::random::{Random, guid, text_key};

/// A region and what it costs against the base price.
pub(super) struct Region {
    /// `resourceLocation`, as resource providers spell it.
    pub(super) location: &'static str,
    /// `location` and `meterRegion`, as the price list spells it.
    pub(super) name: &'static str,
    percent: i128,
}

const fn region(location: &'static str, name: &'static str, percent: i128) -> Region {
    Region { location, name, percent }
}

/// Regions, the most used first.
pub(super) const REGIONS: [Region; 10] = [
    region("westeurope", "EU West", 112),
    region("germanywestcentral", "DE West Central", 117),
    region("eastus", "US East", 96),
    region("northeurope", "EU North", 104),
    region("uksouth", "UK South", 109),
    region("eastus2", "US East 2", 95),
    region("swedencentral", "SE Central", 101),
    region("southeastasia", "AP Southeast", 121),
    region("switzerlandnorth", "CH North", 131),
    region("westus3", "US West 3", 97),
];

/// How the quantity of a day comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Hours of a machine: 24 on most days.
    Hours,
    /// Around this many millionths of the unit a day.
    Around(u64),
}

/// What kind of charge a meter makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MeterKind {
    /// Pay as you go.
    Consumption,
    /// Pay as you go at the spot price, a share of the list price.
    Spot,
    /// Third party software: no list price, no partner earned credit.
    Marketplace,
    /// Bought as commitments only: no on-demand row ever shows its list price.
    CommitmentOnly,
}

/// A meter, over all regions.
pub(super) struct Meter {
    pub(super) kind: MeterKind,
    pub(super) family: &'static str,
    pub(super) category: &'static str,
    pub(super) sub_category: &'static str,
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    price_e4: i128,
    pub(super) usage: Usage,
    /// Resource provider and type, e.g. `Microsoft.Compute/virtualMachines`.
    pub(super) resource_type: &'static str,
    /// Machine size or service tier.
    pub(super) sku: &'static str,
    pub(super) vcpus: u32,
}

impl Meter {
    /// `meterId` in a region.
    pub(super) fn id(&self, region: &Region) -> String {
        guid(self.key(region))
    }

    /// `ProductId` in a region: product and SKU joined.
    pub(super) fn product_id(&self, region: &Region) -> String {
        let mut random = Random::new(&[self.key(region), 1]);
        let mut id = String::from("DZH318Z0B");
        for _ in 0..3 {
            id.push(char::from(*random.pick(b"BCDFGHJKLMNPQRSTVWXZ0123456789")));
        }
        for _ in 0..4 {
            id.push(char::from(*random.pick(b"0123456789BCDFGHJKLM")));
        }
        id
    }

    /// `ProductName` in a region.
    pub(super) fn product_name(&self, region: &Region) -> String {
        format!("{} {} - {} - {}", self.category, self.sub_category, self.name, region.name)
    }

    /// Retail price in a region, raw units of US dollars, at most 6 decimals;
    /// 0 for marketplace meters, which have no Azure list price.
    pub(super) fn list_price(&self, region: &Region) -> i128 {
        match self.kind {
            MeterKind::Marketplace => 0,
            _ => self.base_price(region),
        }
    }

    /// What the seller asks before any discount.
    pub(super) fn base_price(&self, region: &Region) -> i128 {
        self.price_e4 * region.percent * (ONE / 1_000_000)
    }

    /// Whether reservations of it are sold.
    pub(super) fn is_reservable(&self) -> bool {
        self.is_machine() || self.kind == MeterKind::CommitmentOnly
    }

    /// Whether it is a virtual machine, so that savings plans cover it.
    pub(super) fn is_machine(&self) -> bool {
        let sold = matches!(self.kind, MeterKind::Consumption | MeterKind::CommitmentOnly);
        sold && self.resource_type == VM && self.vcpus > 0
    }

    /// Sizes that may use one another's reservations.
    pub(super) fn flexibility_group(&self) -> &'static str {
        if self.is_machine() { self.sub_category } else { "NA" }
    }

    fn key(&self, region: &Region) -> u64 {
        text_key(self.name) ^ text_key(self.sub_category).rotate_left(17) ^ text_key(region.name)
    }
}

#[expect(clippy::too_many_arguments, reason = "one line per meter reads as the table it is")]
const fn meter(
    kind: MeterKind,
    family: &'static str,
    category: &'static str,
    sub_category: &'static str,
    name: &'static str,
    unit: &'static str,
    price_e4: i128,
    usage: Usage,
    resource_type: &'static str,
    sku: &'static str,
    vcpus: u32,
) -> Meter {
    Meter {
        kind,
        family,
        category,
        sub_category,
        name,
        unit,
        price_e4,
        usage,
        resource_type,
        sku,
        vcpus,
    }
}

use MeterKind::{CommitmentOnly, Consumption, Marketplace, Spot};
use Usage::{Around, Hours};

const VM: &str = "Microsoft.Compute/virtualMachines";
const SCALE_SET: &str = "Microsoft.Compute/virtualMachineScaleSets";
const DISK: &str = "Microsoft.Compute/disks";
const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const SQL: &str = "Microsoft.Sql/servers";
const MACHINES: &str = "Virtual Machines";

/// Share of the retail price that a spot machine costs.
pub(super) const SPOT_PERCENT: i128 = 31;

/// Every meter. The constants below name positions in it.
#[rustfmt::skip]
pub(super) const METERS: [Meter; 28] = [
    meter(Consumption, "Compute", MACHINES, "Dsv5 Series", "D4s v5", "1 Hour", 1_920, Hours, VM, "Standard_D4s_v5", 4),
    meter(Consumption, "Compute", MACHINES, "Esv5 Series", "E8s v5", "1 Hour", 5_040, Hours, VM, "Standard_E8s_v5", 8),
    meter(Consumption, "Compute", MACHINES, "BS Series", "B2ms", "1 Hour", 832, Hours, VM, "Standard_B2ms", 2),
    meter(Consumption, "Compute", MACHINES, "Fsv2 Series", "F16s v2", "1 Hour", 6_760, Hours, VM, "Standard_F16s_v2", 16),
    meter(CommitmentOnly, "Compute", MACHINES, "Mv2 Series", "M208s v2", "1 Hour", 223_800, Hours, VM, "Standard_M208s_v2", 208),
    meter(CommitmentOnly, "Databases", "SQL Managed Instance", "General Purpose - Compute Gen5", "vCore", "1 Hour", 1_520, Hours, "Microsoft.Sql/managedInstances", "GP_Gen5", 8),
    meter(Spot, "Compute", MACHINES, "Dsv5 Series Spot", "D8s v5 Spot", "1 Hour", 3_840, Hours, SCALE_SET, "Standard_D8s_v5", 8),
    meter(Consumption, "Networking", "Bandwidth", "Rtn Preference: MGN", "Standard Data Transfer Out", "1 GB", 870, Around(4_300_000), VM, "", 0),
    meter(Consumption, "Networking", "Bandwidth", "Inter-Region", "Intra Continent Data Transfer Out", "1 GB", 200, Around(900_000), VM, "", 0),
    meter(Consumption, "Storage", "Storage", "Premium SSD Managed Disks", "P30 LRS Disk", "1/Month", 1_351_700, Around(32_258), DISK, "Premium_LRS", 0),
    meter(Consumption, "Storage", "Storage", "Standard SSD Managed Disks", "E10 LRS Disk", "1/Month", 96_000, Around(32_258), DISK, "StandardSSD_LRS", 0),
    meter(Consumption, "Storage", "Storage", "Tiered Block Blob", "Hot LRS Data Stored", "1 GB/Month", 196, Around(41_700_000), STORAGE, "Standard_LRS", 0),
    meter(Consumption, "Storage", "Storage", "Tiered Block Blob", "Hot LRS Write Operations", "10K", 540, Around(1_400), STORAGE, "Standard_LRS", 0),
    meter(Consumption, "Storage", "Storage", "Tiered Block Blob", "All Other Operations", "10K", 43, Around(9_800), STORAGE, "Standard_LRS", 0),
    meter(Consumption, "Storage", "Storage", "Files v2", "LRS Read Operations", "10K", 15, Around(700), STORAGE, "Standard_LRS", 0),
    meter(Consumption, "Databases", "SQL Database", "Single/Elastic Pool General Purpose - Compute Gen5", "vCore", "1 Hour", 1_522, Hours, SQL, "GP_Gen5", 4),
    meter(Consumption, "Databases", "SQL Database", "Single/Elastic Pool General Purpose - Storage", "General Purpose Data Stored", "1 GB/Month", 1_380, Around(8_258_064), SQL, "GP_Gen5", 0),
    meter(Consumption, "Compute", "Azure App Service", "Premium v3 Plan", "P1 v3 App", "1 Hour", 1_550, Hours, "Microsoft.Web/serverfarms", "P1v3", 2),
    meter(Consumption, "Management and Governance", "Log Analytics", "Log Analytics", "Analytics Logs Data Ingestion", "1 GB", 27_600, Around(2_340_000), "Microsoft.OperationalInsights/workspaces", "PerGB2018", 0),
    meter(Consumption, "Security", "Key Vault", "Key Vault", "Operations", "10K", 300, Around(2_700), "Microsoft.KeyVault/vaults", "standard", 0),
    meter(Consumption, "Networking", "Virtual Network", "IP Addresses", "Standard IPv4 Static Public IP", "1 Hour", 50, Hours, "Microsoft.Network/publicIPAddresses", "Standard", 0),
    meter(Consumption, "Networking", "Load Balancer", "Load Balancer", "Standard Data Processed", "1 GB", 50, Around(23_870_000), "Microsoft.Network/loadBalancers", "Standard", 0),
    meter(Consumption, "Databases", "Azure Cosmos DB", "Azure Cosmos DB", "100 RU/s", "1/Hour", 80, Around(96_000_000), "Microsoft.DocumentDB/databaseAccounts", "Standard", 0),
    meter(Consumption, "Containers", "Azure Kubernetes Service", "Azure Kubernetes Service", "Standard Uptime SLA", "1 Hour", 1_000, Hours, "Microsoft.ContainerService/managedClusters", "Standard", 0),
    meter(Consumption, "AI + Machine Learning", "Cognitive Services", "Azure OpenAI", "gpt-4o Input global Tokens", "1K", 25, Around(843_219_000), "Microsoft.CognitiveServices/accounts", "S0", 0),
    meter(Consumption, "Networking", "Bandwidth", "Inter-Region", "Standard Data Transfer In", "1 GB", 0, Around(1_750_000), VM, "", 0),
    meter(Marketplace, "Compute", "Virtual Machine Licenses", "CloudGuard", "NGFW 4 vCPU, BYO \"Plus\"", "1 Hour", 9_800, Hours, VM, "ngfw-4", 4),
    meter(Marketplace, "Analytics", "SaaS", "Observability Pro", "Host, per hour", "1 Hour", 205, Hours, "Microsoft.SaaS/resources", "pro", 0),
];

/// `D4s v5`, which reservations and on-demand usage share.
pub(super) const D4S: usize = 0;
/// `E8s v5`.
pub(super) const E8S: usize = 1;
/// `B2ms`.
pub(super) const B2MS: usize = 2;
/// `F16s v2`.
pub(super) const F16S: usize = 3;
/// A machine that is never used on demand.
pub(super) const M208S: usize = 4;
/// A managed instance that is never used on demand.
pub(super) const MANAGED_INSTANCE: usize = 5;
/// A spot machine.
pub(super) const SPOT: usize = 6;
/// Outbound traffic.
pub(super) const EGRESS: usize = 7;
/// Blob storage, a tiered price.
pub(super) const BLOB: usize = 11;
/// Write operations, per 10K.
pub(super) const WRITES: usize = 12;
/// Read operations, per 10K, tiny amounts.
pub(super) const READS: usize = 14;
/// Traffic that costs nothing.
pub(super) const INGRESS: usize = 25;
/// Third party appliance.
pub(super) const APPLIANCE: usize = 26;

/// What resources of the ordinary grid are, in proportion: the two meters that
/// each charges.
pub(super) const RESOURCE_KINDS: [[usize; 2]; 20] = [
    [D4S, EGRESS],
    [D4S, 8],
    [E8S, EGRESS],
    [B2MS, 8],
    [F16S, 8],
    [9, 10],
    [10, 10],
    [BLOB, WRITES],
    [BLOB, 13],
    [WRITES, READS],
    [15, 16],
    [17, EGRESS],
    [18, 19],
    [20, 21],
    [22, 22],
    [23, 20],
    [24, 24],
    [SPOT, INGRESS],
    [APPLIANCE, D4S],
    [27, 19],
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_meter_and_region_has_ids_of_its_own() {
        let mut meters = BTreeSet::new();
        let mut products = BTreeSet::new();
        for region in &REGIONS {
            for meter in &METERS {
                meters.insert(meter.id(region));
                products.insert(meter.product_id(region));
            }
        }
        assert_eq!(meters.len(), METERS.len() * REGIONS.len());
        assert_eq!(products.len(), METERS.len() * REGIONS.len());
    }

    #[test]
    fn ordinary_resources_never_use_a_meter_of_commitments_alone() {
        for meter in RESOURCE_KINDS.iter().flatten() {
            assert_ne!(METERS[*meter].kind, CommitmentOnly);
        }
    }
}
