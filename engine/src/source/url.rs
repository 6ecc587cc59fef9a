//! Export URLs as people write them.
//!
//! In: text. Out: a [`SourceUrl`]: where the store is and the path in it.
//! Never touches the network or a file. URLs with a query are refused: a query
//! is where SAS tokens stand, and URLs are printed and kept.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use object_store::path::Path;

use super::error::SourceError;
use crate::azure::AzureCloud;

/// A storage account and its cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureAccount {
    /// Name of the account.
    pub name: String,
    /// Its cloud.
    pub cloud: AzureCloud,
}

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcePlace {
    /// The local file system.
    Local,
    /// A container of a storage account.
    Azure {
        /// The account, unless options are to name it.
        account: Option<AzureAccount>,
        /// The container.
        container: String,
    },
}

/// A parsed export URL. Holds no secret; its text form may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUrl {
    /// Where it leads.
    pub place: SourcePlace,
    /// Path in the container; for local files the absolute path.
    pub path: Path,
}

const FORMS: &str = "write https://<account>.blob.core.windows.net/<container>/<folder> as the \
                     portal shows it, az://<container>/<folder>, \
                     abfss://<container>@<account>.dfs.core.windows.net/<folder>, or a local path";

impl SourceUrl {
    /// Reads a local path (relative to the working directory, absolute, or
    /// `file://`), `az://container/path` (also `azure://`, `abfs://`),
    /// `abfss://container@account.dfs.core.windows.net/path`, or an `https`
    /// URL of a blob or ADLS host of any Azure cloud.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        if is_connection_string(text) {
            return Err(SourceError::InvalidUrl {
                url: "<redacted>".to_owned(),
                reason: "it is a connection string or a SAS token, which hold secrets",
                hint: FORMS,
            });
        }
        let Some((scheme, _)) = text.split_once("://") else {
            let path = text.strip_prefix("file:").unwrap_or(text);
            return Self::local(text, PathBuf::from(path));
        };
        let invalid = |reason, hint| SourceError::InvalidUrl { url: shown(text), reason, hint };
        if text.contains('?') || text.contains('#') {
            return Err(invalid(
                "it has a query, which may hold a secret",
                "give the URL without '?…' and the SAS token in AZURE_STORAGE_SAS_TOKEN; write a \
                 '?' or '#' of a folder name as %3F or %23",
            ));
        }
        let url = url::Url::parse(text).map_err(|_| invalid("it cannot be read", FORMS))?;
        if url.password().is_some() {
            return Err(invalid("it holds a password", FORMS));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "file" => {
                let path = url.to_file_path().map_err(|()| {
                    invalid("it names a host", "write file:///path or the plain path")
                })?;
                Self::local(text, path)
            }
            "az" | "azure" | "adl" | "abfs" | "abfss" => Self::container(text, &url),
            "https" => Self::portal(text, &url),
            "http" => Err(invalid(
                "plain http is only for the emulator",
                "write az://<container>/<folder> and set AZURE_STORAGE_USE_EMULATOR=true, and \
                 AZURE_STORAGE_ENDPOINT where its port is not 10000",
            )),
            _ => Err(invalid("its scheme is not supported", FORMS)),
        }
    }

    fn local(text: &str, path: PathBuf) -> Result<Self, SourceError> {
        let invalid = |reason| SourceError::InvalidUrl {
            url: shown(text),
            reason,
            hint: "give the path of a folder or file",
        };
        let absolute = std::path::absolute(path).map_err(|_| invalid("it is empty"))?;
        let plain = resolve_dots(&absolute);
        let path = Path::from_absolute_path(plain)
            .map_err(|_| invalid("it holds characters that cannot be used in a path"))?;
        Ok(Self { place: SourcePlace::Local, path })
    }

    /// `az://container/path`, with or without `@account.host`.
    fn container(text: &str, url: &url::Url) -> Result<Self, SourceError> {
        let invalid = |reason| SourceError::InvalidUrl { url: shown(text), reason, hint: FORMS };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| invalid("it names no container"))?;
        let (account, container) = match url.username() {
            "" if host.contains('.') => {
                return Err(invalid(
                    "a container's name has no '.'; the account belongs behind '@'",
                ));
            }
            "" => (None, host.to_owned()),
            container => {
                let account = account(host)
                    .ok_or_else(|| invalid("the host behind '@' is no storage account"))?;
                (Some(account), container.to_owned())
            }
        };
        let path = Path::from_url_path(url.path()).map_err(|_| invalid("its path is unusable"))?;
        Ok(Self { place: SourcePlace::Azure { account, container }, path })
    }

    /// `https://account.blob.core.windows.net/container/path`.
    fn portal(text: &str, url: &url::Url) -> Result<Self, SourceError> {
        let invalid = |reason| SourceError::InvalidUrl { url: shown(text), reason, hint: FORMS };
        let account = url
            .host_str()
            .and_then(account)
            .ok_or_else(|| invalid("its host is no Azure storage account"))?;
        let path = Path::from_url_path(url.path()).map_err(|_| invalid("its path is unusable"))?;
        let mut parts = path.parts();
        let container = parts.next().ok_or_else(|| invalid("it names no container"))?;
        let container = container.as_ref().to_owned();
        let path = parts.collect();
        Ok(Self { place: SourcePlace::Azure { account: Some(account), container }, path })
    }
}

impl SourceUrl {
    /// The URL as it is read again: with what a path may hold and a URL may not
    /// written as `%3F` and the like. Local paths stay as they are.
    pub fn encoded(&self) -> String {
        let plain = Self { path: Path::default(), ..self.clone() };
        match &self.place {
            SourcePlace::Local => self.to_string(),
            SourcePlace::Azure { .. } => {
                let Ok(mut url) = url::Url::parse(&plain.to_string()) else {
                    return self.to_string();
                };
                if let Ok(mut segments) = url.path_segments_mut() {
                    segments
                        .pop_if_empty()
                        .extend(self.path.parts().map(|part| part.as_ref().to_owned()));
                }
                url.to_string()
            }
        }
    }
}

/// Whether somebody gave, in a URL's place, what the portal shows beside it:
/// `…;AccountKey=…`, `SharedAccessSignature=…`, `?sv=…&sig=…`.
fn is_connection_string(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let holds = |mark: &str| lower.contains(mark);
    let is_sas = !holds("://") && holds("sig=") && (holds("sv=") || holds("se="));
    holds("accountkey=") || holds("sharedaccesssignature=") || is_sas
}

/// `account.blob.core.windows.net`, also `dfs`, also of the other clouds.
fn account(host: &str) -> Option<AzureAccount> {
    let (name, rest) = host.split_once('.')?;
    let (service, suffix) = rest.split_once('.')?;
    let cloud = AzureCloud::ALL.into_iter().find(|cloud| cloud.suffix() == suffix)?;
    let known = matches!(service, "blob" | "dfs") && !name.is_empty();
    known.then(|| AzureAccount { name: name.to_owned(), cloud })
}

/// A URL as it may be printed: without query and without credentials.
pub(crate) fn shown(text: &str) -> String {
    let plain = text.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = plain.split_once("://") else { return plain.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{path}")
        }
        None => plain.to_owned(),
    }
}

/// Takes `..` out of an absolute path by its text, as shells do.
fn resolve_dots(path: &std::path::Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

impl fmt::Display for SourceUrl {
    /// The form the portal shows, `az://` where no account is named, or the
    /// absolute path.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            SourcePlace::Local => return write!(formatter, "/{}", self.path),
            SourcePlace::Azure { account: Some(account), container } => write!(
                formatter,
                "https://{}.blob.{}/{container}",
                account.name,
                account.cloud.suffix()
            )?,
            SourcePlace::Azure { account: None, container } => {
                write!(formatter, "az://{container}")?;
            }
        }
        if self.path.as_ref().is_empty() { Ok(()) } else { write!(formatter, "/{}", self.path) }
    }
}

impl FromStr for SourceUrl {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorClass, Fault};

    #[test]
    fn the_forms_people_write_are_read() {
        for (text, shown) in [
            (
                "https://acct.blob.core.windows.net/exports/dir/act/",
                "https://acct.blob.core.windows.net/exports/dir/act",
            ),
            (
                "https://acct.blob.core.windows.net/exports/my%20dir/act",
                "https://acct.blob.core.windows.net/exports/my dir/act",
            ),
            (
                "abfss://exports@acct.dfs.core.windows.net/dir",
                "https://acct.blob.core.windows.net/exports/dir",
            ),
            (
                "https://acct.blob.core.chinacloudapi.cn/exports",
                "https://acct.blob.core.chinacloudapi.cn/exports",
            ),
            (
                "https://acct.dfs.core.usgovcloudapi.net/exports/x",
                "https://acct.blob.core.usgovcloudapi.net/exports/x",
            ),
            ("az://exports/dir/act", "az://exports/dir/act"),
            ("azure://exports", "az://exports"),
            ("/data/exports/../act dir", "/data/act dir"),
            ("file:///data/my%20act", "/data/my act"),
        ] {
            assert_eq!(SourceUrl::parse(text).unwrap().to_string(), shown, "{text}");
        }
        let relative = SourceUrl::parse("./exports").unwrap();
        assert_eq!(relative.place, SourcePlace::Local);
        assert!(relative.path.as_ref().ends_with("exports"));
    }

    #[test]
    fn what_is_written_down_is_read_as_the_same() {
        for text in [
            "https://acct.blob.core.windows.net/exports/my%20dir/act",
            "https://acct.blob.core.windows.net/c/x%3Fy",
            "https://acct.blob.core.windows.net/c/x%23y/z%25a",
            "az://exports/dir/ac%3Ft",
            "az://exports",
            "/data/my act",
        ] {
            let url = SourceUrl::parse(text).unwrap();
            assert_eq!(SourceUrl::parse(&url.encoded()).unwrap(), url, "{}", url.encoded());
        }
    }

    #[test]
    fn other_urls_are_refused_with_a_hint() {
        for text in [
            "s3://bucket/x",
            "https://example.com/x",
            "https://acct.blob.core.windows.net",
            "https://acct.blob.core.windows.net.evil.com/c/x",
            "http://127.0.0.1:10000/devstoreaccount1/c",
            "az://acct.blob.core.windows.net/c",
            "abfss://c@example.com/x",
            "az:///x",
            "file://host/x",
            "",
        ] {
            let error = SourceUrl::parse(text).unwrap_err();
            assert_eq!(error.class(), ErrorClass::BadConfig, "{text}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn secrets_in_urls_are_refused_and_not_repeated() {
        for text in [
            "https://acct.blob.core.windows.net/c/x?sv=1&sig=SECRET",
            "abfss://c:SECRET@acct.dfs.core.windows.net/x",
            "https://user:SECRET@example.com/x",
            "s3://SECRETUSER:SECRET@h/x?SECRET",
        ] {
            let error = SourceUrl::parse(text).unwrap_err();
            let printed = format!("{error} {error:?} {:?}", error.location());
            assert!(!printed.contains("SECRET@") && !printed.contains("=SECRET"), "{printed}");
        }
    }
}
