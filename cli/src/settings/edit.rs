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

/// The file's text; empty where there is none yet.
fn read(path: &Path) -> Result<DocumentMut, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(source) => return Err(Failure::Read { path: path.to_owned(), source }),
    };
    text.parse().map_err(|_| Failure::Usage {
        what: format!("{} is not TOML", path.display()),
        hint: "mend it first; nothing was written".to_owned(),
    })
}

/// The new file takes the old one's place only when it is whole.
fn write(path: &Path, document: &DocumentMut) -> Result<(), Failure> {
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    let permissions = std::fs::metadata(path).map(|old| old.permissions());
    let mut file = Target::complete_file(path)?;
    file.write_all(document.to_string().as_bytes()).map_err(failed)?;
    file.finish()?;
    match permissions {
        Ok(permissions) => std::fs::set_permissions(path, permissions).map_err(failed),
        Err(_) => Ok(()),
    }
}

/// Adds a source, or takes the place of the one of its name.
pub fn add(path: &Path, source: &SourceSettings) -> Result<(), Failure> {
    let mut document = read(path)?;
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
    write(path, &document)
}

/// Takes a source out.
pub fn remove(path: &Path, name: &str) -> Result<(), Failure> {
    let mut document = read(path)?;
    if let Some(sources) = document.get_mut("sources").and_then(Item::as_table_like_mut) {
        sources.remove(name);
        if sources.is_empty() {
            document.remove("sources");
        }
    }
    write(path, &document)
}

fn table(source: &SourceSettings) -> Table {
    let mut table = Table::new();
    if let Some(scope) = &source.scope {
        let scope = scope.id.clone().unwrap_or_else(|| scope.scope_type.name().to_owned());
        table.insert("scope", value(scope));
    }
    for (dataset, url) in &source.exports {
        table.insert(key_of(*dataset), value(url.to_string()));
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
