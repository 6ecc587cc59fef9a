//! An export as the service tells it.
//!
//! In: JSON. Out: an [`Export`]. What the service adds one day is kept and not
//! minded. Pure.

use serde_json::Value;

use super::history::ExportRun;

/// An export that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// What a change must name to be taken.
    pub etag: Option<String>,
    /// The latest runs, where they were asked for; the newest first.
    pub runs: Vec<ExportRun>,
    /// All of it. A SAS token in it is obfuscated by the service.
    pub(super) json: Value,
}

impl Export {
    /// Reads one; none when it has no name.
    pub fn read(json: &Value) -> Option<Self> {
        let name = json.get("name")?.as_str()?.to_owned();
        // The specification writes eTag, other services of Azure's etag.
        let etag = json.get("eTag").or_else(|| json.get("etag"));
        let runs = json.pointer("/properties/runHistory").map(ExportRun::read_all);
        Some(Self {
            name,
            etag: etag.and_then(Value::as_str).map(str::to_owned),
            runs: runs.flatten().unwrap_or_default(),
            json: json.clone(),
        })
    }

    /// `ActualCost`, `FocusCost`, … as the service spells it.
    pub fn dataset(&self) -> Option<&str> {
        self.text("/properties/definition/type")
    }

    /// `Active` or `Inactive`.
    pub fn status(&self) -> Option<&str> {
        self.text("/properties/schedule/status")
    }

    /// `Daily`, …; none when it only runs when told.
    pub fn recurrence(&self) -> Option<&str> {
        self.text("/properties/schedule/recurrence")
    }

    /// When it is to run next.
    pub fn next_run(&self) -> Option<&str> {
        self.text("/properties/nextRunTimeEstimate")
    }

    /// Name of the storage account files go to.
    pub fn storage_account(&self) -> Option<&str> {
        self.text("/properties/deliveryInfo/destination/storageAccount").or_else(|| {
            self.text("/properties/deliveryInfo/destination/resourceId")?.rsplit('/').next()
        })
    }

    /// The container.
    pub fn container(&self) -> Option<&str> {
        self.text("/properties/deliveryInfo/destination/container")
    }

    /// The folder in it.
    pub fn folder(&self) -> Option<&str> {
        self.text("/properties/deliveryInfo/destination/rootFolderPath")
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.json.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_export_is_read_and_what_is_missing_is_none() {
        let json = json!({
            "name": "act", "eTag": "\"1\"", "properties": {
                "nextRunTimeEstimate": "2026-07-11T00:00:00Z",
                "definition": { "type": "FocusCost" },
                "deliveryInfo": { "destination": {
                    "resourceId": "/subscriptions/x/storageAccounts/contoso",
                    "container": "exports", "rootFolderPath": ""
                } },
                "runHistory": { "value": [] },
            },
        });
        let export = Export::read(&json).unwrap();
        assert_eq!((export.name.as_str(), export.etag.as_deref()), ("act", Some("\"1\"")));
        assert_eq!((export.dataset(), export.status()), (Some("FocusCost"), None));
        assert_eq!((export.storage_account(), export.folder()), (Some("contoso"), None));
        assert_eq!(Export::read(&json!({ "properties": {} })), None);
    }
}
