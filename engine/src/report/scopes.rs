//! The scopes of one type that the lake holds: names, and which sources know them.
//!
//! Input: a session. Output: [`KnownScopes`]. Holds one entry per scope, no cost.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::error::ReportError;
use super::params::ReportScope;
use crate::near::near;
use crate::query::{QueryError, Session};

/// Near scopes a message names.
const NEAR_SHOWN_MAX: usize = 5;

/// A scope of the lake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownScope {
    /// Its latest name.
    pub name: Option<String>,
    /// Sources that hold rows of it.
    pub sources: BTreeSet<String>,
    last_month: String,
}

/// Scopes of one type by id.
#[derive(Clone, Debug)]
pub struct KnownScopes {
    scope_type: ReportScope,
    scopes: BTreeMap<String, KnownScope>,
}

impl KnownScopes {
    /// Reads what there is.
    pub async fn read(session: &Session, scope_type: ReportScope) -> Result<Self, ReportError> {
        let statement = match scope_type {
            ReportScope::Source => {
                "select source, source as scope_name, source as source_name, max(billing_month) \
                 from current_runs group by source"
                    .to_owned()
            }
            ReportScope::Reseller => {
                "select scope_id, last_value(scope_name order by billing_month), source, \
                 max(billing_month) from scope_names where scope_type = 'reseller' \
                 group by scope_id, source"
                    .to_owned()
            }
            other => format!(
                "select scope_id, scope_name, source, last_month from scopes \
                 where scope_type = '{other}'"
            ),
        };
        let mut scopes: BTreeMap<String, KnownScope> = BTreeMap::new();
        for [id, name, source, last_month] in texts(session, &statement).await? {
            let (Some(id), Some(source)) = (id, source) else { continue };
            let scope = scopes.entry(id).or_default();
            scope.sources.insert(source);
            let last_month = last_month.unwrap_or_default();
            if name.is_some() && (scope.name.is_none() || last_month > scope.last_month) {
                (scope.name, scope.last_month) = (name, last_month);
            }
        }
        Ok(Self { scope_type, scopes })
    }

    /// The type.
    pub fn scope_type(&self) -> ReportScope {
        self.scope_type
    }

    /// A scope by its id.
    pub fn get(&self, id: &str) -> Option<&KnownScope> {
        self.scopes.get(id)
    }

    /// Every scope, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &KnownScope)> {
        self.scopes.iter().map(|(id, scope)| (id.as_str(), scope))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.scopes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// The id of the scope that is called that: by its id in any case, or by its name where
    /// one alone has it.
    pub fn find(&self, asked: &str) -> Result<&str, ReportError> {
        let same = |text: &str| text.to_lowercase() == asked.trim().to_lowercase();
        if let Some((id, _)) = self.scopes.iter().find(|(id, _)| same(id)) {
            return Ok(id);
        }
        let named = |scope: &KnownScope| scope.name.as_deref().is_some_and(same);
        let mut named = self.scopes.iter().filter(|(_, scope)| named(scope));
        match (named.next(), named.next()) {
            (Some((id, _)), None) => Ok(id),
            (Some(_), Some(_)) => Err(ReportError::AmbiguousScope {
                scope_type: self.scope_type.name(),
                asked: asked.to_owned(),
                among: self.shown(|scope| scope.name.as_deref().is_some_and(same)),
            }),
            (None, _) => {
                let names = self.scopes.values().filter_map(|scope| scope.name.as_deref());
                let ids = self.scopes.keys().map(String::as_str);
                let near: BTreeSet<&str> = near(asked, names.chain(ids)).into_iter().collect();
                Err(self.unknown(asked, |scope| {
                    scope.name.as_deref().is_some_and(|name| near.contains(name))
                }))
            }
        }
    }

    fn unknown(&self, asked: &str, is_near: impl Fn(&KnownScope) -> bool) -> ReportError {
        // Of a handful, all are shown.
        let few = self.scopes.len() <= NEAR_SHOWN_MAX;
        ReportError::UnknownScope {
            scope_type: self.scope_type.name(),
            asked: asked.to_owned(),
            near: self.shown(|scope| few || is_near(scope)),
        }
    }

    /// Some of the scopes that are meant, as `name (id)`.
    fn shown(&self, is_meant: impl Fn(&KnownScope) -> bool) -> Vec<String> {
        let shown = |(id, scope): (&String, &KnownScope)| match &scope.name {
            Some(name) if name != id => format!("{name} ({id})"),
            _ => id.clone(),
        };
        let meant = self.scopes.iter().filter(|(_, scope)| is_meant(scope));
        meant.map(shown).take(NEAR_SHOWN_MAX).collect()
    }
}

/// The rows of a query of texts.
pub(super) async fn texts<const N: usize>(
    session: &Session,
    statement: &str,
) -> Result<Vec<[Option<String>; N]>, QueryError> {
    text_rows(session.execute(statement).await?).await
}

/// The rows of a stream of texts.
pub(super) async fn text_rows<const N: usize>(
    mut stream: SendableRecordBatchStream,
) -> Result<Vec<[Option<String>; N]>, QueryError> {
    let mut rows = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        rows.extend(text_rows_of::<N>(&batch));
    }
    Ok(rows)
}

fn text_rows_of<const N: usize>(batch: &RecordBatch) -> Vec<[Option<String>; N]> {
    let columns: Vec<_> = (0..N)
        .map(|column| cast(batch.column(column), &DataType::Utf8).expect("it is shown as text"))
        .collect();
    let text = |column: usize, row: usize| {
        let column = columns[column].as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    (0..batch.num_rows()).map(|row| std::array::from_fn(|column| text(column, row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault as _;

    #[test]
    fn a_name_that_two_have_is_told_as_such() {
        let named =
            |name: &str| KnownScope { name: Some(name.to_owned()), ..KnownScope::default() };
        let scopes = [("1", "Litware"), ("2", "litware"), ("3", "Contoso")];
        let known = KnownScopes {
            scope_type: ReportScope::CustomerTenant,
            scopes: scopes.map(|(id, name)| (id.to_owned(), named(name))).into(),
        };
        assert_eq!(known.find("contoso ").unwrap(), "3");
        assert_eq!(known.find("2").unwrap(), "2");
        let error = known.find("LITWARE").unwrap_err();
        let told = "several customer_tenants of the lake are called \"LITWARE\"";
        assert_eq!(error.to_string(), told);
        let hint = "give the id of one of them: Litware (1), litware (2)";
        assert_eq!(error.hint().unwrap(), hint);
    }
}
