//! What a document is about: its title, scope, months, and what is known of them.
//!
//! Input: a report, a scope, the status of the data. Output: a [`Document`], the same for
//! every format.

use std::collections::BTreeMap;

use costlake_engine::model::period::BillingMonth;
use costlake_engine::report::{DataStatus, IfEmpty, Loaded, MonthRange, MonthState, ReportScope};

/// What a reader must know before the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The numbers are not what they will be, or lack something.
    Caution(String),
    /// All is well.
    Fine(String),
}

impl Note {
    pub fn text(&self) -> &str {
        match self {
            Self::Caution(text) | Self::Fine(text) => text,
        }
    }
}

/// Whose numbers these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everything in the lake.
    All,
    /// One scope.
    Scope {
        /// Its type.
        scope_type: ReportScope,
        /// Its id; `None` for what belongs to none.
        id: Option<String>,
        /// Its name, where known.
        name: Option<String>,
    },
}

impl Subject {
    /// In a title.
    pub fn title(&self) -> String {
        match self {
            Self::All => "All sources".to_owned(),
            Self::Scope { name: Some(name), .. } => name.clone(),
            Self::Scope { id: Some(id), .. } => id.clone(),
            Self::Scope { scope_type, .. } => {
                format!("Without a {}", scope_type.label().to_lowercase())
            }
        }
    }

    /// What it is, below a title.
    pub fn subtitle(&self) -> Option<String> {
        match self {
            Self::Scope { scope_type, id: Some(id), name: Some(_) }
                if *scope_type != ReportScope::Source =>
            {
                Some(format!("{} {id}", scope_type.label()))
            }
            Self::Scope { scope_type, .. } => Some(scope_type.label().to_owned()),
            Self::All => None,
        }
    }
}

/// What a document is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Name of the report.
    pub report: String,
    /// Its title.
    pub title: String,
    /// The question it answers.
    pub question: Option<String>,
    /// Whose numbers these are.
    pub subject: Subject,
    /// Which months.
    pub months: MonthRange,
    /// The only currency, where one was asked for.
    pub currency: Option<String>,
    /// The day it was made, which expiry counts from: `2026-09-07`.
    pub made_on: String,
    /// What is known of the data.
    pub notes: Vec<Note>,
    /// How much of the months is loaded.
    pub loaded: Loaded,
    /// Whether rows of several sources stand beside each other.
    pub several_sources: bool,
}

impl Document {
    /// What a section without rows says; nothing where it is left out. What is not loaded is
    /// unknown, and not nothing.
    pub fn if_empty(&self, if_empty: &IfEmpty) -> Option<String> {
        let IfEmpty::Say(sentence) = if_empty else { return None };
        Some(match self.loaded {
            Loaded::All => sentence.clone(),
            Loaded::Some => format!("{sentence} What is not loaded is unknown."),
            Loaded::Nothing => "Unknown: none of these months is loaded.".to_owned(),
        })
    }
}

/// What a reader must know of the months of some sources.
pub fn notes(status: &DataStatus) -> Vec<Note> {
    let several = status.sources.len() > 1;
    let mut notes = Vec::new();
    if status.sources.is_empty() {
        notes.push(Note::Caution("Nothing is loaded.".to_owned()));
    }
    for (name, source) in &status.sources {
        let of = |text: String| if several { format!("{name}: {text}") } else { text };
        let some = |is: &dyn Fn(&MonthState) -> bool| months(&source.months, is);
        if let Some(months) = some(&MonthState::is_missing) {
            notes.push(Note::Caution(of(format!(
                "Not in the lake, so unknown and not 0: {months}."
            ))));
        }
        for file in ["actual cost", "amortized cost"] {
            let lacks = |state: &MonthState| !state.is_missing() && state.missing.contains(&file);
            if let Some(months) = some(&lacks) {
                notes.push(Note::Caution(of(format!("The {file} is not in the lake: {months}."))));
            }
        }
        if let Some(months) = some(&|state| state.is_open) {
            notes.push(Note::Caution(of(format!(
                "Estimates, as Azure may still change the month: {months}."
            ))));
        }
        if let Some(months) = some(&|state| state.is_stale) {
            notes.push(Note::Caution(of(format!(
                "Loaded before Azure closed the month, and not again since: {months}."
            ))));
        }
        if source.is_at_subscription_scope() {
            notes.push(Note::Caution(of(
                "The source sees a subscription only: Azure shows it retail prices, and neither \
                 commitments nor credit, so savings and utilization cannot be told."
                    .to_owned(),
            )));
        }
    }
    if notes.is_empty() {
        notes.push(Note::Fine("All months are loaded and final.".to_owned()));
    }
    notes
}

/// Months as ranges: `2026-01 to 2026-03, 2026-05`.
fn months(
    months: &BTreeMap<BillingMonth, MonthState>,
    is: &dyn Fn(&MonthState) -> bool,
) -> Option<String> {
    let mut ranges: Vec<(BillingMonth, BillingMonth)> = Vec::new();
    for (month, _) in months.iter().filter(|(_, state)| is(state)) {
        match ranges.last_mut() {
            Some((_, last)) if last.next() == *month => *last = *month,
            _ => ranges.push((*month, *month)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    });
    (!ranges.is_empty()).then(|| shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use costlake_engine::report::status::SourceStatus;

    #[test]
    fn every_month_that_is_not_final_is_named() {
        let month = |text: &str| text.parse::<BillingMonth>().unwrap();
        let both = vec!["actual cost", "amortized cost"];
        let state = |missing, is_open, is_stale| MonthState { missing, is_open, is_stale };
        let contoso = SourceStatus {
            scope_type: Some("billing_account".to_owned()),
            months: BTreeMap::from([
                (month("2025-12"), state(both.clone(), false, false)),
                (month("2026-01"), state(both.clone(), false, false)),
                (month("2026-02"), state(vec!["actual cost"], false, false)),
                (month("2026-03"), state(both, false, false)),
                (month("2026-04"), state(vec![], false, true)),
                (month("2026-05"), state(vec![], true, false)),
            ]),
        };
        let tier_two = SourceStatus {
            scope_type: Some("subscription".to_owned()),
            months: BTreeMap::from([(month("2026-05"), MonthState::default())]),
        };
        let status = DataStatus {
            sources: BTreeMap::from([
                ("contoso".to_owned(), contoso),
                ("two".to_owned(), tier_two),
            ]),
        };
        let texts: Vec<String> = notes(&status).iter().map(|note| note.text().to_owned()).collect();
        assert_eq!(
            texts[0],
            "contoso: Not in the lake, so unknown and not 0: 2025-12 to 2026-01, 2026-03."
        );
        assert_eq!(texts[1], "contoso: The actual cost is not in the lake: 2026-02.");
        assert!(texts[2].contains("2026-05") && texts[2].contains("Estimates"));
        assert!(texts[3].contains("2026-04") && texts[3].contains("before"));
        assert!(texts[4].starts_with("two: The source sees a subscription only"));
        assert_eq!(texts.len(), 5);
    }
}
