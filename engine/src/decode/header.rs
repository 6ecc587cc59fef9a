//! Column names of a file.

use std::collections::HashMap;

use super::{DecodeError, RecordRef};

/// A column name as the file spells it, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnName {
    /// As the file spells it, without blanks around it.
    pub text: String,
    /// Azure's name: of a localized header (`Abonnement-GUID
    /// (SubscriptionGuid)`) the part in parentheses, else the text.
    pub canonical: String,
}

/// The column names of a file, in order, looked up without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: Vec<ColumnName>,
    /// Lower-cased canonical name to position.
    positions: HashMap<String, usize>,
}

impl Header {
    /// Reads the header from a file's first record.
    ///
    /// # Errors
    /// [`DecodeError::HeaderNotUtf8`], [`DecodeError::DuplicateColumn`],
    /// [`DecodeError::UnnamedColumns`].
    pub fn parse(record: RecordRef<'_>) -> Result<Self, DecodeError> {
        let names = record.fields().enumerate().map(|(position, field)| {
            String::from_utf8(field.text().into_owned())
                .map_err(|_| DecodeError::HeaderNotUtf8 { position: position + 1 })
        });
        Self::from_names(names.collect::<Result<Vec<String>, DecodeError>>()?)
    }

    /// A header of the given names.
    ///
    /// # Errors
    /// [`DecodeError::DuplicateColumn`], [`DecodeError::UnnamedColumns`].
    pub fn from_names<Name: AsRef<str>>(
        names: impl IntoIterator<Item = Name>,
    ) -> Result<Self, DecodeError> {
        let mut header = Self { columns: Vec::new(), positions: HashMap::new() };
        let names: Vec<String> =
            names.into_iter().map(|name| name.as_ref().trim().to_owned()).collect();
        // One empty name at the end is a line that ends with a comma.
        let columns = names.iter().filter(|name| name.is_empty()).count();
        if columns > 1 {
            return Err(DecodeError::UnnamedColumns { columns });
        }
        for (position, text) in names.into_iter().enumerate() {
            let canonical = canonical_name(&text).to_owned();
            if header.positions.insert(canonical.to_lowercase(), position).is_some() {
                return Err(DecodeError::DuplicateColumn { name: text });
            }
            header.columns.push(ColumnName { text, canonical });
        }
        Ok(header)
    }

    /// Number of columns, at least 1 in a header that was read.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns in the file's order.
    pub fn columns(&self) -> &[ColumnName] {
        &self.columns
    }

    /// Position of a column by its canonical name, in any letter case.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(&name.to_lowercase()).copied()
    }

    /// Whether there is a column of this canonical name, in any letter case.
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }
}

/// `Abonnement-GUID (SubscriptionGuid)` → `SubscriptionGuid`. Only a part that
/// looks like one of Azure's names counts: `Cost (USD)` would too, but no
/// name of a cost dataset has blanks or parentheses of its own.
fn canonical_name(text: &str) -> &str {
    let inner = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    match inner {
        Some((before, inner))
            if !before.trim().is_empty()
                && !inner.is_empty()
                && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
        {
            inner
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_in_parentheses() {
        let header =
            Header::from_names(["invoiceId", " Abonnement-GUID (SubscriptionGuid) ", "Cost (%)"])
                .unwrap();
        assert_eq!(header.position("INVOICEID"), Some(0));
        assert_eq!(header.position("subscriptionguid"), Some(1));
        assert_eq!(header.position("cost (%)"), Some(2));
        assert_eq!(header.position("Abonnement-GUID"), None);
        assert_eq!(header.columns()[1].text, "Abonnement-GUID (SubscriptionGuid)");
    }

    #[test]
    fn a_name_given_twice_is_an_error() {
        for names in [["tags", "Tags"], ["SubscriptionId", "Abo (subscriptionId)"]] {
            assert_eq!(
                Header::from_names(names),
                Err(DecodeError::DuplicateColumn { name: names[1].to_owned() })
            );
        }
    }

    #[test]
    fn a_line_of_empty_cells_is_no_header() {
        let unnamed = Header::from_names(["cost", "", " "]);
        assert_eq!(unnamed, Err(DecodeError::UnnamedColumns { columns: 2 }));
        assert!(Header::from_names(["cost", ""]).is_ok(), "a line that ends with a comma");
    }
}
