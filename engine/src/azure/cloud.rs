//! Azure's clouds and where their services are.

/// Azure's clouds, told apart by the ends of their host names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AzureCloud {
    /// `core.windows.net`
    #[default]
    Public,
    /// `core.chinacloudapi.cn`
    China,
    /// `core.usgovcloudapi.net`
    UsGovernment,
}

/// What storage tokens are asked for, the same in every cloud.
pub const STORAGE_RESOURCE: &str = "https://storage.azure.com";

impl AzureCloud {
    /// Every cloud.
    pub const ALL: [Self; 3] = [Self::Public, Self::China, Self::UsGovernment];

    /// Name in `costlake.toml`, as Azure's tools spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "AzureCloud",
            Self::China => "AzureChinaCloud",
            Self::UsGovernment => "AzureUSGovernment",
        }
    }

    /// End of the storage hosts.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Public => "core.windows.net",
            Self::China => "core.chinacloudapi.cn",
            Self::UsGovernment => "core.usgovcloudapi.net",
        }
    }

    /// Where tokens are asked for.
    pub const fn authority_host(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::China => "https://login.partner.microsoftonline.cn",
            Self::UsGovernment => "https://login.microsoftonline.us",
        }
    }

    /// Azure Resource Manager: its endpoint, and what its tokens are asked for.
    pub const fn resource_manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::China => "https://management.chinacloudapi.cn",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
        }
    }
}
