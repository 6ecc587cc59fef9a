//! Writes sources into `costlake.toml`, leaving all else as it is.
//!
//! Input: the file and a change. Output: the file, replaced in one step. Notes
//! and order of its other lines stay. It never writes a secret.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use toml_edit::{DocumentMut, InlineTable, Item, Table, value};

use super::sources::{CredentialSettings, SecretReference, SourceSettings, key_of};
use crate::failure::Failure;
use crate::output::target::Target;

/// The file and how its lines end; empty where there is none yet.
fn read(path: &Path) -> Result<(DocumentMut, &'static str), Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(source) => return Err(Failure::Read { path: path.to_owned(), source }),
    };
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let document = text.parse().map_err(|_| Failure::Usage {
        what: format!("{} is not TOML", path.display()),
        hint: "mend it first; nothing was written".to_owned(),
    })?;
    Ok((document, line_end))
}

/// The new file takes the old one's place only when it is whole.
fn write(path: &Path, document: &DocumentMut, line_end: &str) -> Result<(), Failure> {
    // What a link leads to is written, not the link.
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    let permissions = std::fs::metadata(&real).map(|old| old.permissions()).ok();
    if permissions.as_ref().is_some_and(std::fs::Permissions::readonly) {
        return Err(failed(std::io::Error::new(ErrorKind::PermissionDenied, "it is read-only")));
    }
    let text = document.to_string().replace("\r\n", "\n").replace('\n', line_end);
    let mut file = Target::complete_file(&real)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.finish()?;
    match permissions {
        Some(permissions) => std::fs::set_permissions(&real, permissions).map_err(failed),
        None => Ok(()),
    }
}

/// Adds a source, or takes the place of the one of its name.
pub fn add(path: &Path, source: &SourceSettings) -> Result<(), Failure> {
    let (mut document, line_end) = read(path)?;
    let sources = document.entry("sources").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let Some(sources) = sources.as_table_like_mut() else {
        return Err(Failure::Usage {
            what: format!("sources in {} is no table", path.display()),
            hint: "write sources as [sources.NAME]".to_owned(),
        });
    };
    sources.insert(source.name.as_str(), Item::Table(table(source)));
    write(path, &document, line_end)
}

/// Takes a source out.
pub fn remove(path: &Path, name: &str) -> Result<(), Failure> {
    let (mut document, line_end) = read(path)?;
    if let Some(sources) = document.get_mut("sources").and_then(Item::as_table_like_mut) {
        sources.remove(name);
        if sources.is_empty() {
            document.remove("sources");
        }
    }
    write(path, &document, line_end)
}

fn table(source: &SourceSettings) -> Table {
    let mut table = Table::new();
    if let Some(scope) = &source.scope {
        let scope = scope.id.clone().unwrap_or_else(|| scope.scope_type.name().to_owned());
        table.insert("scope", value(scope));
    }
    for (dataset, url) in &source.exports {
        table.insert(key_of(*dataset), value(url.encoded()));
    }
    if let Some(month) = source.first_month {
        table.insert("first_month", value(month.to_string()));
    }
    if source.refresh {
        table.insert("refresh", value(true));
    }
    if let Some(credential) = credential(&source.credential) {
        table.insert("credential", Item::Table(credential));
    }
    table
}

/// `None` for the environment's, which goes without saying.
fn credential(settings: &CredentialSettings) -> Option<Table> {
    let mut table = Table::new();
    let mut set = |key: &str, text: Option<&str>| {
        if let Some(text) = text {
            table.insert(key, value(text));
        }
    };
    let secret = match settings {
        CredentialSettings::Environment => return None,
        CredentialSettings::ServicePrincipal {
            tenant_id,
            client_id,
            client_secret,
            certificate,
            storage_tenant_id,
        } => {
            set("kind", Some("service_principal"));
            set("tenant_id", Some(tenant_id));
            set("client_id", Some(client_id));
            set("storage_tenant_id", storage_tenant_id.as_deref());
            set("certificate", certificate.as_ref().and_then(|path| path.to_str()));
            client_secret.as_ref().map(|secret| ("client_secret", secret))
        }
        CredentialSettings::WorkloadIdentity {
            tenant_id,
            client_id,
            token_file,
            storage_tenant_id,
        } => {
            set("kind", Some("workload_identity"));
            set("tenant_id", Some(tenant_id));
            set("client_id", Some(client_id));
            set("storage_tenant_id", storage_tenant_id.as_deref());
            set("token_file", token_file.as_ref().and_then(|path| path.to_str()));
            None
        }
        CredentialSettings::ManagedIdentity { client_id } => {
            set("kind", Some("managed_identity"));
            set("client_id", client_id.as_deref());
            None
        }
        CredentialSettings::AzureCli { tenant_id } => {
            set("kind", Some("azure_cli"));
            set("tenant_id", tenant_id.as_deref());
            None
        }
        CredentialSettings::SasToken { sas_token } => {
            set("kind", Some("sas_token"));
            Some(("sas_token", sas_token))
        }
        CredentialSettings::AccountKey { account_key } => {
            set("kind", Some("account_key"));
            Some(("account_key", account_key))
        }
    };
    if let Some((key, reference)) = secret {
        table.insert(key, value(reference_table(reference)));
    }
    Some(table)
}

fn reference_table(reference: &SecretReference) -> InlineTable {
    let mut table = InlineTable::new();
    match reference {
        SecretReference::Environment(name) => table.insert("env", name.as_str().into()),
        SecretReference::File(path) => {
            table.insert("file", path.to_string_lossy().into_owned().into())
        }
    };
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> SourceSettings {
        let url = costlake_engine::source::SourceUrl::parse("/exports/x").unwrap();
        SourceSettings {
            name: name.parse().unwrap(),
            scope: None,
            exports: vec![(costlake_engine::model::DatasetType::ActualCost, url)],
            first_month: None,
            refresh: false,
            credential: CredentialSettings::SasToken {
                sas_token: SecretReference::Environment("SAS".to_owned()),
            },
        }
    }

    #[test]
    fn all_else_in_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("costlake.toml");
        for before in [
            "# note\nlake = 'x' # here\n\n[shell]\nmode = 'csv'\n",
            "lake = 'x'\r\n# note\r\n",
            "sources = { a = { actual = '/y' } }\n",
            "sources.a.actual = '/y'\n",
            "[sources.a]\nactual = '/y' # note\n",
            "",
        ] {
            std::fs::write(&path, before).unwrap();
            add(&path, &source("b.c")).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let read: toml::Table = toml::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let added = &read["sources"]["b.c"];
            assert_eq!(added["actual"].as_str(), Some("/exports/x"), "{text}");
            assert_eq!(added["credential"]["sas_token"]["env"].as_str(), Some("SAS"), "{text}");
            assert_eq!(text.contains('\r'), before.contains('\r'), "{text:?}");
            remove(&path, "b.c").unwrap();
            let after = std::fs::read_to_string(&path).unwrap();
            let parsed = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
            assert_eq!(parsed(&after), parsed(before), "{after}");
            assert_eq!(after.contains("# note"), before.contains("# note"), "{after}");
        }
    }

    #[test]
    fn links_and_read_only_files_are_what_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("link.toml"));
        std::fs::write(&real, "lake = 'x'\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        add(&link, &source("a")).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(std::fs::read_to_string(&real).unwrap().contains("[sources.a]"));
        let mut permissions = std::fs::metadata(&real).unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&real, permissions).unwrap();
        let before = std::fs::read_to_string(&real).unwrap();
        assert!(add(&real, &source("b")).is_err());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), before);
    }
}
