//! Where the calls go.
//!
//! In: the endpoint of Azure Resource Manager and a scope. Out: URLs. Pure.

use url::Url;

use super::definition::ExportName;
use super::error::ExportsError;
use super::scope::ArmScope;

/// Version of the API that all calls name.
pub const API_VERSION: &str = "2025-03-01";

/// The exports of one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportsAddress {
    endpoint: Url,
    scope: ArmScope,
}

impl ExportsAddress {
    /// `endpoint` as in [`crate::azure::AzureCloud::resource_manager`].
    pub fn new(endpoint: &str, scope: ArmScope) -> Result<Self, ExportsError> {
        let bad = || ExportsError::BadDefinition {
            what: format!("{:?} is no endpoint of Azure Resource Manager", shown(endpoint)),
            hint: "write it as https://management.azure.com; AZURE_RESOURCE_MANAGER_ENDPOINT \
                   names another"
                .to_owned(),
        };
        let url = Url::parse(endpoint.trim_end_matches('/')).map_err(|_| bad())?;
        let plain = matches!(url.scheme(), "https" | "http")
            && url.query().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/";
        if plain { Ok(Self { endpoint: url, scope }) } else { Err(bad()) }
    }

    /// The scope.
    pub fn scope(&self) -> &ArmScope {
        &self.scope
    }

    /// All exports, each with its last run.
    pub fn list(&self) -> Url {
        let mut url = self.url("");
        url.query_pairs_mut().append_pair("$expand", "runHistory");
        url
    }

    /// One export.
    pub fn export(&self, name: &ExportName) -> Url {
        self.url(&format!("/{name}"))
    }

    /// Where an export is told to run.
    pub fn run(&self, name: &ExportName) -> Url {
        self.url(&format!("/{name}/run"))
    }

    /// The runs of an export.
    pub fn run_history(&self, name: &ExportName) -> Url {
        self.url(&format!("/{name}/runHistory"))
    }

    /// Whether another page may be asked for: a token goes to nobody else.
    pub fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin()
    }

    fn url(&self, rest: &str) -> Url {
        let mut url = self.endpoint.clone();
        let scope = self.scope.path();
        url.set_path(&format!("{scope}/providers/Microsoft.CostManagement/exports{rest}"));
        url.set_query(Some(&format!("api-version={API_VERSION}")));
        url
    }
}

/// An endpoint as it may be printed.
fn shown(text: &str) -> &str {
    let plain = text.split(['?', '#']).next().unwrap_or_default();
    if plain.contains('@') { "…" } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: &str = "/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31";

    #[test]
    fn addresses_are_those_of_the_api() {
        let endpoint = "https://management.azure.com/";
        let address = ExportsAddress::new(endpoint, SCOPE.parse().unwrap()).unwrap();
        let name = "act".parse().unwrap();
        let all = format!(
            "https://management.azure.com{SCOPE}/providers/Microsoft.CostManagement/exports"
        );
        let version = "api-version=2025-03-01";
        assert_eq!(address.list().as_str(), format!("{all}?{version}&%24expand=runHistory"));
        assert_eq!(address.export(&name).as_str(), format!("{all}/act?{version}"));
        assert_eq!(address.run(&name).as_str(), format!("{all}/act/run?{version}"));
        assert_eq!(address.run_history(&name).as_str(), format!("{all}/act/runHistory?{version}"));
        for (url, ours) in [
            ("https://management.azure.com/x?y", true),
            ("https://management.azure.com.evil.com/x", false),
            ("http://management.azure.com/x", false),
            ("https://management.azure.com:8443/x", false),
        ] {
            assert_eq!(address.is_ours(&Url::parse(url).unwrap()), ours, "{url}");
        }
    }

    #[test]
    fn other_endpoints_are_refused_without_their_secrets() {
        for text in ["", "management.azure.com", "ftp://x", "https://x/y", "https://u:SECRET@x"] {
            let error = ExportsAddress::new(text, SCOPE.parse().unwrap()).unwrap_err();
            assert!(error.to_string().ends_with("is no endpoint of Azure Resource Manager"));
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
