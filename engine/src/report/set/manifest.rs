//! The file that says what a set holds.
//!
//! Input and output: JSON. `"kind": "costlake reports"` tells it from other manifests.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Name of the file.
pub const MANIFEST_NAME: &str = "manifest.json";

const KIND: &str = "costlake reports";

/// Version of what [`write`] writes.
const VERSION: u64 = 1;

/// The manifest of these files.
pub(super) fn write(about: Map<String, Value>, files: Vec<Value>) -> Vec<u8> {
    let mut manifest = Map::new();
    manifest.insert("kind".to_owned(), json!(KIND));
    manifest.insert("version".to_owned(), json!(VERSION));
    manifest.extend(about);
    manifest.insert("files".to_owned(), Value::Array(files));
    let mut text = serde_json::to_vec_pretty(&Value::Object(manifest)).expect("it is JSON already");
    text.push(b'\n');
    text
}

/// The paths a manifest names, or why it is none.
pub(super) fn paths(text: &[u8]) -> Result<BTreeSet<String>, String> {
    let manifest: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if manifest["kind"] != KIND {
        return Err(format!("it lacks \"kind\": \"{KIND}\""));
    }
    let files = manifest["files"].as_array().ok_or("it lacks \"files\"")?;
    files
        .iter()
        .map(|file| file["path"].as_str().map(str::to_owned).ok_or("a file has no path".to_owned()))
        .collect()
}
