//! A resource and one of its meters: its name, id, tags and service details.
//!
//! Input: a key, a place, a meter. Output: texts of cells. Never draws anything
//! but from the key, so that every file that names a resource names the same.

use std::fmt::Write;

use super::Quirks;
use super::catalog::{METERS, Meter, REGIONS, Region};
use super::random::mix;
use super::tenant::{Place, Tenant};

/// A resource and one of its meters.
#[derive(Clone, Copy)]
pub(super) struct Resource {
    /// The same for all meters of the resource.
    pub(super) key: u64,
    pub(super) place: Place,
    pub(super) meter: usize,
    pub(super) region: usize,
}

impl Resource {
    pub(super) fn meter(self) -> &'static Meter {
        &METERS[self.meter]
    }

    pub(super) fn region(self) -> &'static Region {
        &REGIONS[self.region]
    }

    /// A key of this resource and meter.
    pub(super) fn line_key(self) -> u64 {
        mix(self.key ^ self.meter as u64)
    }

    /// Resource group, in the letter case of the meter's rows.
    pub(super) fn group(self) -> String {
        let group = format!("rg-{}-{:03}", self.application(), self.key >> 8 & 255);
        if self.spelling() == 0 { group.to_ascii_uppercase() } else { group }
    }

    /// ARM path; letter case differs between meters of one resource.
    pub(super) fn id(self, tenant: &Tenant) -> String {
        let subscription = &tenant.subscription(self.place).id;
        let groups = if self.spelling() < 2 { "resourcegroups" } else { "resourceGroups" };
        let (group, type_path, name) = (self.group(), self.meter().resource_type, self.name());
        format!("/subscriptions/{subscription}/{groups}/{group}/providers/{type_path}/{name}")
    }

    fn spelling(self) -> u64 {
        self.line_key() >> 28 & 7
    }

    fn application(self) -> &'static str {
        APPLICATIONS[(self.key >> 5 & 7) as usize]
    }

    fn environment(self) -> &'static str {
        ENVIRONMENTS[(self.key >> 16 & 3) as usize]
    }

    fn name(self) -> String {
        let number = self.key >> 20 & 0xff_ffff;
        format!("{}-{}-{number:06x}", self.application(), self.environment())
    }
}

const APPLICATIONS: [&str; 8] =
    ["webshop", "erp", "datalake", "identity", "intranet", "telemetry", "backup", "mobile-api"];
const ENVIRONMENTS: [&str; 4] = ["prod", "test", "dev", "staging"];

/// Tags as JSON; some resources have none, a few lack the braces, and a few
/// are laid out over several lines.
pub(super) fn write_tags(cell: &mut String, resource: Resource, quirks: Quirks) {
    let bits = resource.key >> 40;
    if bits & 3 == 0 {
        return;
    }
    let (application, environment) = (resource.application(), resource.environment());
    let (open, separator, close) = match bits >> 3 & 63 {
        0 if quirks.line_breaks => ("{\n  ", ",\n  ", "\n}"),
        1 if quirks.line_breaks => ("{\r\n", ",\r\n", "\r\n}"),
        2 if quirks.bare_tags => ("", ",", ""),
        _ => ("{", ",", "}"),
    };
    let center = 4_000 + (bits & 31) * 10;
    write!(
        cell,
        "{open}\"environment\":\"{environment}\"{separator}\"application\":\"{application}\"\
         {separator}\"cost center\":\"{center}\""
    )
    .expect("writing to a string cannot fail");
    if bits >> 9 & 1 == 0 {
        write!(cell, "{separator}\"owner\":\"{application}@example.com\"")
            .expect("writing to a string cannot fail");
    }
    cell.push_str(close);
}

/// Service details as JSON, longest for machines.
pub(super) fn write_additional_info(cell: &mut String, resource: Resource, details: &str) {
    let meter = resource.meter();
    let written = if meter.vcpus > 0 {
        write!(
            cell,
            "{{\"UsageType\":\"ComputeHR\",\"ImageType\":\"Canonical\",\"ServiceType\":\"{}\",\
             \"VMName\":\"{}\",\"VMProperties\":null,\"VCPUs\":{},\"CPUs\":0{details}}}",
            meter.sku,
            resource.name(),
            meter.vcpus,
        )
    } else if resource.line_key() & 3 == 0 {
        write!(
            cell,
            "{{  \"AccountName\" : \"{}\",  \"Tier\" : \"{}\"  }}",
            resource.name(),
            meter.sku
        )
    } else {
        Ok(())
    };
    written.expect("writing to a string cannot fail");
}
