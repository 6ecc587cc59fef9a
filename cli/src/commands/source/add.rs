//! `costlake source add`: a source from flags, a bill connect, or answers.
//!
//! Input: what was typed. Output: the source in `costlake.toml`. It connects to
//! nothing: `source check` does.

use std::io::{BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use costlake_engine::connect::{BillConnect, ConnectScope};
use costlake_engine::model::DatasetType;
use costlake_engine::model::period::BillingMonth;
use costlake_engine::model::scope::{Scope, ScopeType, SourceName};
use costlake_engine::source::SourceUrl;

use crate::args::{CredentialArguments, SourceAddArguments};
use crate::clock::current_month;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::settings::sources::{
    CredentialSettings, SecretReference, SourceSettings, is_variable_name,
};
use crate::settings::{Settings, edit};

/// Adds a source.
pub fn run(
    arguments: &SourceAddArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let name = &arguments.name;
    if settings.source(name.as_str()).is_ok() && !arguments.replace {
        return Err(Failure::Usage {
            what: format!("there is a source {name} already"),
            hint: "choose another name, or --replace it".to_owned(),
        });
    }
    let given = arguments.exports.urls().map_err(Failure::engine)?;
    let prefix = prefix_of(name, &settings.sources);
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let source = match &arguments.bill_connect {
        Some(file) => of_bill_connect(arguments, file, given, &prefix, messages)?,
        None if !given.is_empty() => of_flags(arguments, given, &prefix)?,
        None if asks && !is_said_otherwise(arguments) => {
            let (mut input, mut output) = (std::io::stdin().lock(), std::io::stderr());
            ask(name, &prefix, &mut Dialog { input: &mut input, output: &mut output })?
        }
        None => {
            return Err(Failure::Usage {
                what: "nothing says where the exports are".to_owned(),
                hint: "give --actual and --amortized, or --bill-connect FILE; a terminal is asked"
                    .to_owned(),
            });
        }
    };
    edit::add(&settings.config, &source)?;
    messages.note(&format!("{name} is in {}", settings.config.display()));
    if let Some(SecretReference::Environment(variable)) = source.credential.secret()
        && settings.environment.secret(variable).is_none()
    {
        messages.note(&format!("put its secret into the environment: export {variable}=…"));
    }
    messages.note(&format!("next: costlake source check {name}, then costlake ingest {name}"));
    Ok(())
}

/// Whether flags say something that the questions would ask for or leave out.
fn is_said_otherwise(arguments: &SourceAddArguments) -> bool {
    let CredentialArguments { tenant_id, sas_token_env, sas_token_file, .. } =
        &arguments.credential;
    let CredentialArguments { account_key_env, account_key_file, .. } = &arguments.credential;
    let CredentialArguments { managed_identity, azure_cli, .. } = &arguments.credential;
    arguments.scope.is_some()
        || arguments.first_month.is_some()
        || arguments.refresh
        || [tenant_id, sas_token_env, account_key_env].into_iter().any(Option::is_some)
        || [sas_token_file, account_key_file].into_iter().any(Option::is_some)
        || managed_identity.is_some()
        || *azure_cli
}

fn of_flags(
    arguments: &SourceAddArguments,
    exports: Vec<(DatasetType, SourceUrl)>,
    prefix: &str,
) -> Result<SourceSettings, Failure> {
    Ok(SourceSettings {
        name: arguments.name.clone(),
        scope: arguments.scope.clone(),
        exports,
        first_month: arguments.first_month,
        refresh: arguments.refresh,
        credential: credential(&arguments.credential, prefix)?,
    })
}

/// The credential that was typed; `prefix` begins the variable of a secret of which
/// nothing says where it is.
fn credential(typed: &CredentialArguments, prefix: &str) -> Result<CredentialSettings, Failure> {
    if let (Some(tenant_id), Some(client_id)) = (&typed.tenant_id, &typed.client_id) {
        let (tenant_id, client_id) = (tenant_id.clone(), client_id.clone());
        let storage_tenant_id = typed.storage_tenant_id.clone();
        if typed.workload_identity {
            let token_file = typed.token_file.as_deref().map(from_here);
            return Ok(CredentialSettings::WorkloadIdentity {
                tenant_id,
                client_id,
                token_file,
                storage_tenant_id,
            });
        }
        let certificate = typed.certificate.as_deref().map(from_here);
        let client_secret = match certificate {
            Some(_) => None,
            None => Some(client_secret(typed, prefix)),
        };
        return Ok(CredentialSettings::ServicePrincipal {
            tenant_id,
            client_id,
            client_secret,
            certificate,
            storage_tenant_id,
        });
    }
    if typed.client_secret_env.is_some()
        || typed.client_secret_file.is_some()
        || typed.certificate.is_some()
        || typed.workload_identity
    {
        return Err(Failure::Usage {
            what: "a secret, a certificate and workload identity are an app's".to_owned(),
            hint: "give --tenant-id and --client-id too".to_owned(),
        });
    }
    let sas = reference(&typed.sas_token_env, &typed.sas_token_file);
    let key = reference(&typed.account_key_env, &typed.account_key_file);
    Ok(match (sas, key, &typed.managed_identity) {
        (Some(sas_token), ..) => CredentialSettings::SasToken { sas_token },
        (_, Some(account_key), _) => CredentialSettings::AccountKey { account_key },
        (_, _, Some(client_id)) => {
            CredentialSettings::ManagedIdentity { client_id: client_id.clone() }
        }
        _ if typed.azure_cli => CredentialSettings::AzureCli { tenant_id: None },
        _ => CredentialSettings::Environment,
    })
}

fn reference(variable: &Option<String>, file: &Option<PathBuf>) -> Option<SecretReference> {
    let of_file = file.as_deref().map(|file| SecretReference::File(from_here(file)));
    variable.clone().map(SecretReference::Environment).or(of_file)
}

/// A path as typed, so that it means the same from the config file's folder.
fn from_here(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn client_secret(typed: &CredentialArguments, prefix: &str) -> SecretReference {
    reference(&typed.client_secret_env, &typed.client_secret_file)
        .unwrap_or_else(|| SecretReference::Environment(variable(prefix, CLIENT_SECRET)))
}

/// What secrets are, as the end of a variable's name.
const CLIENT_SECRET: &str = "CLIENT_SECRET";
const SAS_TOKEN: &str = "SAS_TOKEN";
const ACCOUNT_KEY: &str = "ACCOUNT_KEY";

/// What begins the variables of a source's secrets unless something else is said:
/// `CONTOSO_EU` of `contoso-eu`, or `CONTOSO_EU_2` where another source has that.
fn prefix_of(name: &SourceName, sources: &[SourceSettings]) -> String {
    let others = sources.iter().filter(|other| other.name != *name);
    let taken: Vec<&str> = others
        .filter_map(|other| match other.credential.secret() {
            Some(SecretReference::Environment(variable)) => Some(variable.as_str()),
            _ => None,
        })
        .collect();
    let is_free = |prefix: &String| {
        let variables = [CLIENT_SECRET, SAS_TOKEN, ACCOUNT_KEY].map(|what| variable(prefix, what));
        variables.iter().all(|variable| !taken.contains(&variable.as_str()))
    };
    let plain = plain_name(name);
    let numbered = (2..).map(|number| format!("{plain}_{number}"));
    let mut prefixes = std::iter::once(plain.clone()).chain(numbered);
    prefixes.find(is_free).expect("some number is free")
}

fn variable(prefix: &str, what: &str) -> String {
    format!("{prefix}_{what}")
}

/// A source's name as the beginning of a variable.
fn plain_name(name: &SourceName) -> String {
    let plain: String = name
        .as_str()
        .chars()
        .map(
            |letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' },
        )
        .collect();
    // A variable does not begin with a digit.
    let prefix = if plain.starts_with(|letter: char| letter.is_ascii_digit()) { "_" } else { "" };
    format!("{prefix}{plain}")
}

fn of_bill_connect(
    arguments: &SourceAddArguments,
    file: &Path,
    more: Vec<(DatasetType, SourceUrl)>,
    prefix: &str,
    messages: &Messages,
) -> Result<SourceSettings, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| Failure::Read { path: file.to_owned(), source })?;
    let connect = BillConnect::parse(&text, current_month())
        .map_err(|error| Failure::BillConnect { path: file.to_owned(), error })?;
    let urls = [
        (DatasetType::ActualCost, &connect.actual_cost_export_url),
        (DatasetType::AmortizedCost, &connect.amortized_cost_export_url),
    ];
    let mut exports = Vec::new();
    for (dataset, url) in urls {
        if let Some(url) = url {
            exports.push((dataset, SourceUrl::parse(url).map_err(Failure::engine)?));
        }
    }
    if exports.is_empty() {
        return Err(Failure::Usage {
            what: format!("{} has no exportDetails", file.display()),
            hint: "costlake reads exports: make them with costlake exports create, and put their \
                   URLs into exportDetails"
                .to_owned(),
        });
    }
    exports.extend(more);
    for path in &connect.unused {
        messages.note(&format!("{path} has no effect at this scope"));
    }
    messages.note(
        "the client secret in the file is not kept: an environment variable or a file has it",
    );
    let account = connect.billing_account_id.as_deref().unwrap_or_default();
    let scope = match &connect.scope {
        ConnectScope::BillingAccount => Scope::billing_account(account),
        ConnectScope::BillingProfile { billing_profile_id } => {
            Scope::billing_profile(account, billing_profile_id)
        }
        ConnectScope::CustomerTenant { customer_tenant_id, .. } => {
            Scope::customer_tenant(account, customer_tenant_id)
        }
        ConnectScope::Subscription { subscription_id } => Scope::subscription(subscription_id),
    };
    let BillConnect { tenant_id, client_id, storage_tenant_id, .. } = connect;
    let typed = CredentialArguments {
        tenant_id: Some(tenant_id),
        client_id: Some(client_id),
        storage_tenant_id,
        ..arguments.credential.clone()
    };
    Ok(SourceSettings {
        name: arguments.name.clone(),
        scope: Some(scope),
        exports,
        first_month: Some(arguments.first_month.unwrap_or(connect.start_billing_period)),
        refresh: arguments.refresh || connect.enable_oob_exports,
        credential: credential(&typed, prefix)?,
    })
}

/// Questions on a terminal.
struct Dialog<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
}

impl Dialog<'_> {
    /// Asks until the answer reads, or input ends.
    fn ask<T>(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        loop {
            let _ = write!(self.output, "{question}: ");
            let _ = self.output.flush();
            let mut line = String::new();
            match self.input.read_line(&mut line) {
                Ok(0) => {
                    return Err(Failure::Usage {
                        what: "no answer, nothing is added".to_owned(),
                        hint: "answer the questions, or give flags: costlake source add --help"
                            .to_owned(),
                    });
                }
                Ok(_) => {}
                Err(error) => return Err(Failure::stream(error)),
            }
            match read(line.trim()) {
                Ok(value) => return Ok(value),
                Err(why) => {
                    let _ = writeln!(self.output, "  {why}");
                }
            }
        }
    }

    fn text(&mut self, question: &str) -> Result<String, Failure> {
        self.ask(question, |text| match text {
            "" => Err("an answer is needed".to_owned()),
            text => Ok(text.to_owned()),
        })
    }

    /// One of several, by its number.
    fn choose(&mut self, question: &str, options: &[&str]) -> Result<usize, Failure> {
        for (index, option) in options.iter().enumerate() {
            let _ = writeln!(self.output, "  {}  {option}", index + 1);
        }
        let count = options.len();
        self.ask(&format!("{question} [1-{count}]"), |text| match text.parse() {
            Ok(number) if (1..=count).contains(&number) => Ok(number - 1),
            _ => Err(format!("a number from 1 to {count}")),
        })
    }

    fn url(&mut self, question: &str) -> Result<Option<SourceUrl>, Failure> {
        self.ask(question, |text| match text {
            "" => Ok(None),
            text => SourceUrl::parse(text).map(Some).map_err(|error| error.to_string()),
        })
    }
}

fn ask(
    name: &SourceName,
    prefix: &str,
    dialog: &mut Dialog<'_>,
) -> Result<SourceSettings, Failure> {
    let scope = ask_scope(dialog)?;
    let _ = writeln!(dialog.output, "Export URLs, as the portal shows them; empty for none");
    let mut exports = Vec::new();
    while exports.is_empty() {
        for (dataset, question) in [
            (DatasetType::ActualCost, "  actual cost"),
            (DatasetType::AmortizedCost, "  amortized cost"),
        ] {
            exports.extend(dialog.url(question)?.map(|url| (dataset, url)));
        }
    }
    let first_month =
        dialog.ask("First month, YYYY-MM; empty for all there are", |text| match text {
            "" => Ok(None),
            text => text.parse::<BillingMonth>().map(Some).map_err(|error| error.to_string()),
        })?;
    let credential = ask_credential(prefix, dialog)?;
    Ok(SourceSettings {
        name: name.clone(),
        scope: Some(scope),
        exports,
        first_month,
        refresh: false,
        credential,
    })
}

fn ask_scope(dialog: &mut Dialog<'_>) -> Result<Scope, Failure> {
    let options = ["billing account", "billing profile", "customer tenant", "subscription"];
    let scope_type = ScopeType::ALL[dialog.choose("Scope of the bill", &options)?];
    if scope_type == ScopeType::Subscription {
        return Ok(Scope::subscription(&dialog.text("Subscription id")?));
    }
    let account = dialog.text("Billing account id, GUID:GUID_YYYY-MM-DD")?;
    Ok(match scope_type {
        ScopeType::BillingProfile => {
            Scope::billing_profile(&account, &dialog.text("Billing profile id")?)
        }
        ScopeType::CustomerTenant => {
            Scope::customer_tenant(&account, &dialog.text("Customer tenant id")?)
        }
        _ => Scope::billing_account(&account),
    })
}

fn ask_credential(prefix: &str, dialog: &mut Dialog<'_>) -> Result<CredentialSettings, Failure> {
    let options = [
        "app with a client secret",
        "app with a certificate",
        "SAS token",
        "account key",
        "managed identity of this machine",
        "Azure CLI (az login)",
        "as the AZURE_… environment variables say",
    ];
    // Secrets are not asked for: they would stand on the screen and in the file.
    let ask_variable = |dialog: &mut Dialog<'_>, what: &str, end: &str| {
        let proposal = variable(prefix, end);
        dialog.ask(&format!("Environment variable that has the {what} [{proposal}]"), |text| {
            let name = if text.is_empty() { proposal.as_str() } else { text };
            if is_variable_name(name) {
                Ok(name.to_owned())
            } else {
                Err("the name of a variable, not the secret".to_owned())
            }
        })
    };
    match dialog.choose("Read as", &options)? {
        choice @ (0 | 1) => {
            let tenant_id = dialog.text("Tenant id of the app")?;
            let client_id = dialog.text("Client id of the app")?;
            let (client_secret, certificate) = if choice == 0 {
                let name = ask_variable(dialog, "client secret", CLIENT_SECRET)?;
                (Some(SecretReference::Environment(name)), None)
            } else {
                (None, Some(from_here(Path::new(&dialog.text("PEM file of certificate and key")?))))
            };
            let storage_tenant_id = dialog
                .ask("Tenant id of the storage account, if another one; else empty", |text| {
                    Ok((!text.is_empty()).then(|| text.to_owned()))
                })?;
            Ok(CredentialSettings::ServicePrincipal {
                tenant_id,
                client_id,
                client_secret,
                certificate,
                storage_tenant_id,
            })
        }
        2 => Ok(CredentialSettings::SasToken {
            sas_token: SecretReference::Environment(ask_variable(dialog, "SAS token", SAS_TOKEN)?),
        }),
        3 => Ok(CredentialSettings::AccountKey {
            account_key: SecretReference::Environment(ask_variable(
                dialog,
                "account key",
                ACCOUNT_KEY,
            )?),
        }),
        4 => Ok(CredentialSettings::ManagedIdentity { client_id: None }),
        5 => Ok(CredentialSettings::AzureCli { tenant_id: None }),
        _ => Ok(CredentialSettings::Environment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &str) -> (Result<SourceSettings, Failure>, String) {
        let mut output = Vec::new();
        let mut dialog = Dialog { input: &mut input.as_bytes(), output: &mut output };
        let source = ask(&"contoso-eu".parse().unwrap(), "CONTOSO_EU", &mut dialog);
        (source, String::from_utf8(output).unwrap())
    }

    #[test]
    fn a_source_is_asked_for_line_by_line() {
        let url = "https://a.blob.core.windows.net/exports/daily";
        let input = format!(
            "5\n2\nA:B_2019-05-31\nPROF\n{url}/act\ns3://x\n{url}/amo\nJuly\n2026-07\n1\nT\nC\n\nS\n"
        );
        let (source, output) = answers(&input);
        let source = source.unwrap();
        assert_eq!(source.scope, Some(Scope::billing_profile("A:B_2019-05-31", "PROF")));
        assert_eq!(source.exports.len(), 2);
        assert_eq!(source.first_month.unwrap().to_string(), "2026-07");
        let CredentialSettings::ServicePrincipal { client_secret, storage_tenant_id, .. } =
            source.credential
        else {
            panic!("a service principal");
        };
        let variable = SecretReference::Environment("CONTOSO_EU_CLIENT_SECRET".to_owned());
        assert_eq!((client_secret, storage_tenant_id.as_deref()), (Some(variable), Some("S")));
        for complaint in ["a number from 1 to 4", "is not an export URL", "is not a month"] {
            assert!(output.contains(complaint), "{complaint}: {output}");
        }
    }

    #[test]
    fn two_sources_do_not_share_a_variable_by_chance() {
        let source = |name: &str, variable: &str| SourceSettings {
            name: name.parse().unwrap(),
            scope: None,
            exports: Vec::new(),
            first_month: None,
            refresh: false,
            credential: CredentialSettings::SasToken {
                sas_token: SecretReference::Environment(variable.to_owned()),
            },
        };
        let sources =
            [source("con_toso", "CON_TOSO_SAS_TOKEN"), source("x", "CON_TOSO_2_ACCOUNT_KEY")];
        let prefix = |name: &str| prefix_of(&name.parse().unwrap(), &sources);
        assert_eq!(prefix("con-toso"), "CON_TOSO_3");
        assert_eq!(prefix("con_toso"), "CON_TOSO");
        assert_eq!(prefix("4u"), "_4U");
    }

    #[test]
    fn a_secret_in_place_of_a_variable_is_not_taken() {
        let input = "4\nsub\n/x\n\n\n3\nsv=1&sig=hush\nMY_SAS\n";
        let (source, output) = answers(input);
        assert!(output.contains("not the secret") && !output.contains("hush"), "{output}");
        let variable = SecretReference::Environment("MY_SAS".to_owned());
        assert_eq!(source.unwrap().credential.secret(), Some(&variable));
        assert!(answers("1\n").0.is_err());
    }
}
