//! Runs of an export.
//!
//! In: the JSON of a run history. Out: [`ExportRun`]s, the newest first. A status
//! nobody knows is kept as it is written. Pure.

use std::fmt;

use serde_json::Value;

use super::period::TimePeriod;
use crate::azure::secret::Secrets;
use crate::discover::manifest::parse_instant_ms;
use crate::model::date::DAY_MS;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It waits.
    Queued,
    /// It runs.
    InProgress,
    /// Its files are there.
    Completed,
    /// It broke off.
    Failed,
    /// It took too long.
    Timeout,
    /// Nothing is new since the last run.
    NewDataNotAvailable,
    /// There is nothing to export.
    DataNotAvailable,
    /// Something else, in the service's words.
    Other(String),
}

impl RunStatus {
    const KNOWN: [Self; 7] = [
        Self::Queued,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::NewDataNotAvailable,
        Self::DataNotAvailable,
    ];

    /// Reads the service's word, in any letter case.
    pub fn read(text: &str) -> Self {
        let known =
            Self::KNOWN.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text));
        known.unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// The service's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Timeout => "Timeout",
            Self::NewDataNotAvailable => "NewDataNotAvailable",
            Self::DataNotAvailable => "DataNotAvailable",
            Self::Other(text) => text,
        }
    }

    /// Whether nothing more will come of it. Of a status nobody knows that is
    /// not known either, so that one is waited on.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress | Self::Other(_))
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRun {
    /// Its id: the last part of its path.
    pub id: String,
    /// `OnDemand` or `Scheduled`.
    pub execution_type: Option<String>,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was queued.
    pub submitted: Option<Instant>,
    /// When it began.
    pub processing_start: Option<Instant>,
    /// When it ended.
    pub processing_end: Option<Instant>,
    /// First instant of its data.
    pub start_date: Option<Instant>,
    /// Last day of its data.
    pub end_date: Option<Instant>,
    /// Its file or folder.
    pub file_name: Option<String>,
    /// Its manifest.
    pub manifest_file: Option<String>,
    /// Why it failed, scrubbed.
    pub error: Option<String>,
}

/// An instant in the service's words and as a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant {
    /// As it is written.
    pub text: String,
    /// Milliseconds since 1970 UTC; none when it cannot be read.
    pub ms: Option<i64>,
}

impl Instant {
    /// The day (days since 1970-01-01) it lies in.
    pub fn day(&self) -> Option<i32> {
        i32::try_from(self.ms?.div_euclid(DAY_MS)).ok()
    }
}

impl ExportRun {
    /// Reads a history, `{"value": […]}`, the newest first; none when it is none.
    pub fn read_all(json: &Value) -> Option<Vec<Self>> {
        let mut runs: Vec<Self> =
            json.get("value")?.as_array()?.iter().filter_map(Self::read).collect();
        runs.sort_by_key(|run| {
            std::cmp::Reverse(run.submitted.as_ref().and_then(|submitted| submitted.ms))
        });
        Some(runs)
    }

    /// Reads one run; none when it has no id.
    fn read(json: &Value) -> Option<Self> {
        let path = json.get("id").or_else(|| json.get("name"))?.as_str()?;
        let id = path.rsplit('/').next().unwrap_or(path).to_owned();
        let text = |name: &str| {
            let value = json.get("properties")?.get(name)?.as_str()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        let instant = |name: &str| {
            let text = text(name)?;
            Some(Instant { ms: parse_instant_ms(&text), text })
        };
        let error = json.pointer("/properties/error").filter(|error| !error.is_null());
        let error = error.map(|error| {
            let part = |name| error.get(name).and_then(Value::as_str);
            let parts: Vec<&str> = [part("code"), part("message")].into_iter().flatten().collect();
            let said = if parts.is_empty() { error.to_string() } else { parts.join(": ") };
            Secrets::default().scrub(&said)
        });
        Some(Self {
            id,
            execution_type: text("executionType"),
            status: RunStatus::read(text("status").as_deref().unwrap_or("Unknown")),
            submitted: instant("submittedTime"),
            processing_start: instant("processingStartTime"),
            processing_end: instant("processingEndTime"),
            start_date: instant("startDate"),
            end_date: instant("endDate"),
            file_name: text("fileName"),
            manifest_file: text("manifestFile"),
            error,
        })
    }

    /// Whether it has written, or is to write, a period that begins as this one
    /// does. A run that failed has not.
    pub fn fills(&self, period: TimePeriod) -> bool {
        let is_lost = matches!(self.status, RunStatus::Failed | RunStatus::Timeout);
        let begins = self.start_date.as_ref().and_then(Instant::day);
        !is_lost && begins == Some(period.from_day())
    }

    /// Whether somebody told it to run.
    pub fn is_on_demand(&self) -> bool {
        self.execution_type.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case("OnDemand"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_fills_its_month_unless_it_failed() {
        let period = TimePeriod::of_month("2026-06".parse().unwrap(), 20_650).unwrap();
        for (status, start, fills) in [
            ("Completed", "2026-06-01T00:00:00Z", true),
            ("Queued", "2026-06-01T00:00:00Z", true),
            ("DataNotAvailable", "2026-06-01T00:00:00", true),
            ("Failed", "2026-06-01T00:00:00Z", false),
            ("Timeout", "2026-06-01T00:00:00Z", false),
            ("Completed", "2026-05-01T00:00:00Z", false),
        ] {
            let json = json!({ "value": [{
                "id": "x/Run/1", "properties": { "status": status, "startDate": start },
            }] });
            let runs = ExportRun::read_all(&json).unwrap();
            assert_eq!(runs[0].fills(period), fills, "{status} {start}");
        }
    }

    #[test]
    fn runs_are_read_newest_first_and_unknown_states_are_kept() {
        let run = |id: &str, status: &str, submitted: &str| {
            json!({
                "id": format!("subscriptions/x/exports/act/Run/{id}"),
                "properties": {
                    "executionType": "OnDemand", "status": status, "submittedTime": submitted,
                    "startDate": "2020-06-01T00:00:00Z", "endDate": "2020-06-30T00:00:00",
                },
            })
        };
        let mut failed = run("b", "failed", "2018-08-03T07:52:15.6016681Z");
        failed["properties"]["error"] =
            json!({ "code": "Storage", "message": "no  write to https://x/y?sig=SECRETSIG&a=1" });
        let json = json!({ "value": [
            run("a", "Paused", ""), failed, run("c", "Completed", "2018-08-03T07:52:16Z"),
            { "properties": {} },
        ] });
        let runs = ExportRun::read_all(&json).unwrap();
        assert_eq!(runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
        assert_eq!(runs[1].status, RunStatus::Failed);
        assert_eq!(
            runs[1].error.as_deref(),
            Some("Storage: no write to https://x/y?sig=<redacted>&a=1")
        );
        assert_eq!(runs[2].status, RunStatus::Other("Paused".to_owned()));
        assert!(!runs[2].status.is_final() && runs[0].status.is_final());
        assert_eq!(runs[0].end_date.as_ref().unwrap().day(), Some(18_443));
        assert_eq!(ExportRun::read_all(&json!({ "error": 1 })), None);
        for status in RunStatus::KNOWN {
            assert_eq!(RunStatus::read(status.as_str()), status);
        }
    }
}
