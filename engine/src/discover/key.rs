//! The identity of a run's content.
//!
//! In: an [`ExportRun`]. Out: a stable digest of what it is and of the bytes
//! it names. Two runs with the same key hold the same data; applying the
//! second is a no-op. Never reads a blob.
//!
//! Advice for whoever changes this: keys are stored in lakes. Any change of
//! what is hashed, or in which order, makes every month of every lake load
//! once more.

use super::names;
use super::run::{ExportRun, RunBlob};

/// 32 lower-case hexadecimal digits over dataset, month, run id, and each
/// blob's name in its run folder, size and ETag (last modification where the
/// store has no ETags). The order of blobs does not matter, nor does where
/// the export URL points.
pub fn load_key(run: &ExportRun) -> String {
    format!("{:032x}", digest(run))
}

/// A non-negative 63-bit number from the same digest, for Delta's application
/// transactions.
pub fn load_version(run: &ExportRun) -> i64 {
    version_of(digest(run))
}

/// The [`load_version`] of the run that has this [`load_key`]; `None` for another text.
pub fn key_version(load_key: &str) -> Option<i64> {
    u128::from_str_radix(load_key, 16).ok().map(version_of)
}

fn version_of(digest: u128) -> i64 {
    // The mask leaves 63 bits, so the cast cannot change the value.
    (digest & u128::from(i64::MAX as u64)) as i64
}

fn digest(run: &ExportRun) -> u128 {
    let mut hash = Fnv1a::new();
    hash.field(b"costlake load 1");
    hash.field(run.dataset.azure_name().as_bytes());
    hash.field(run.month.to_string().as_bytes());
    hash.field(run.run_id.as_bytes());
    let mut blobs: Vec<(&str, &RunBlob)> =
        run.blobs.iter().map(|blob| (name_in_run(run, blob), blob)).collect();
    blobs.sort_by_key(|(name, _)| *name);
    for (name, blob) in blobs {
        hash.field(name.as_bytes());
        hash.field(&blob.entry.size_bytes.to_le_bytes());
        match &blob.entry.etag {
            Some(etag) => hash.field(etag.as_bytes()),
            None => hash.field(&blob.entry.last_modified_ms.to_le_bytes()),
        }
    }
    hash.0
}

fn name_in_run<'a>(run: &ExportRun, blob: &'a RunBlob) -> &'a str {
    let path = blob.entry.full_path.as_str();
    path.strip_prefix(run.folder.as_str())
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or_else(|| names::file_name(path))
}

/// FNV-1a, 128 bits: small, and defined the same everywhere. It guards
/// against accident, not against an attacker, who could write the export.
struct Fnv1a(u128);

impl Fnv1a {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    fn new() -> Self {
        Self(Self::OFFSET)
    }

    /// Adds a field behind its length, so that no two lists of fields hash
    /// the same bytes.
    fn field(&mut self, bytes: &[u8]) {
        self.bytes(&(bytes.len() as u64).to_le_bytes());
        self.bytes(bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_is_the_published_one() {
        let hash = |text: &str| {
            let mut hash = Fnv1a::new();
            hash.bytes(text.as_bytes());
            hash.0
        };
        assert_eq!(hash(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(hash("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(hash("foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
