//! From a listing of objects and the bodies of manifests to the export run
//! to load for each month.
//!
//! In: a [`Listing`] and the [`ManifestBody`]s named by [`manifest_entries`].
//! Out: a [`Selection`] with one [`MonthChoice`] per month: a complete
//! [`ExportRun`], or the reason why there is none.
//!
//! Never does IO, never opens a blob, never guesses: what cannot be shown to
//! be complete is refused with a reason.
//!
//! Each azure layout is recognized by its month folder (`20260701-20260731`)
//! wherever it stands in a blob's full path, so an export URL may point at the
//! export, at a directory above, at one month, at one run, or at one file.

pub mod key;
pub mod layout;
pub mod manifest;
mod names;
pub mod run;

pub use key::{key_version, load_key, load_version};
pub use layout::{
    BlobEntry, Listing, ListingRoot, ManifestBody, candidates, manifest_entries, shows_runs,
};
pub use manifest::{ExportManifest, FileFormat, ManifestBlob, ManifestError};
pub use run::{
    ByteCheck, ChooseOptions, DiscoverError, ExportRun, ExportSummary, MonthChoice, MonthOutcome,
    Refusal, RunBlob, RunCandidate, RunNote, Selection, choose, is_open,
};
