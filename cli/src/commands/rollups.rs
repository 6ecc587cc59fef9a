//! Keeping rollups: what `ingest`, `demo` and `lake` have in common.

use std::collections::BTreeSet;

use costlake_engine::commit::Lake;
use costlake_engine::ingest::Outcome;
use costlake_engine::model::BillingMonth;
use costlake_engine::rollup;

use super::ingest::SourceReport;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::progress::WaitProgress;
use crate::settings::Settings;

/// Keeps what is missing, of these months or of all.
pub async fn keep(
    lake: &Lake,
    months: Option<&BTreeSet<BillingMonth>>,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let progress = WaitProgress::new(messages, "rollups");
    let kept = rollup::keep(lake, &settings.session_options(), months).await;
    drop(progress);
    let kept = kept.map_err(Failure::engine)?;
    if kept.repaired > 0 {
        messages.warning(&format!("rollups: {} were damaged and are written anew", kept.repaired));
    }
    if kept.results > 0 {
        messages.note(&format!("rollups: {} kept ({} rows)", kept.results, kept.rows));
    }
    Ok(())
}

/// Keeps those of the months that were loaded. The months are whole without, so that a
/// failure here is a warning.
pub async fn keep_loaded(reports: &[SourceReport], settings: &Settings, messages: &Messages) {
    let months = reports.iter().flat_map(|of_source| &of_source.report.months);
    let loaded = months.filter(|month| matches!(month.outcome, Outcome::Loaded(_)));
    let months: BTreeSet<BillingMonth> = loaded.map(|month| month.month).collect();
    if months.is_empty() {
        return;
    }
    let kept = async { keep(&settings.open_lake()?, Some(&months), settings, messages).await };
    if let Err(failure) = kept.await {
        messages.warning(&format!(
            "rollups could not be kept, queries compute them: {failure}; costlake lake optimize \
             tries again"
        ));
    }
}
