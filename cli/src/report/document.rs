//! What a document is about: its title, scope, months, and what is known of them.
//!
//! Input: a report, a scope, the status of the data. Output: a [`Document`], the same for
//! every format.

use std::collections::{BTreeMap, BTreeSet};

use costlake_engine::model::period::BillingMonth;
use costlake_engine::report::{
    DataStatus, IfEmpty, MonthRange, MonthState, ReportScope, SectionDefinition, Told, Untold,
};

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
    /// The data it is made of.
    pub status: DataStatus,
    /// Whether rows of several sources stand beside each other.
    pub several_sources: bool,
}

impl Document {
    /// What a section without rows says; nothing where it is left out. What is not loaded, or
    /// not to be seen, is unknown, and not nothing.
    pub fn if_empty(&self, section: &SectionDefinition) -> Option<String> {
        let IfEmpty::Say(sentence) = &section.if_empty else { return None };
        Some(match self.status.told(&section.needs) {
            Told::All => sentence.clone(),
            Told::Some(untold) => {
                let scope = untold.contains(&Untold::SubscriptionScope);
                let loaded = untold.iter().any(|why| *why != Untold::SubscriptionScope);
                let more = match (loaded, scope) {
                    (true, true) => {
                        "What is not loaded, or seen at subscription scope, is unknown."
                    }
                    (true, false) => "What is not loaded is unknown.",
                    (false, _) => "What is seen at subscription scope is unknown.",
                };
                format!("{sentence} {more}")
            }
            Told::Nothing(untold) => {
                let several = untold.len() > 1;
                let reasons: Vec<String> = untold.iter().map(|why| reason(why, several)).collect();
                format!("Unknown: {}.", reasons.join("; "))
            }
        })
    }

    /// Whether the amounts of a month, as texts write it, are estimates.
    pub fn is_estimate(&self, month: &str) -> bool {
        let Ok(month) = month.parse::<BillingMonth>() else { return false };
        let of = |source: &BTreeMap<BillingMonth, MonthState>| {
            source.get(&month).is_some_and(|state| state.is_open)
        };
        self.status.sources.values().any(of)
    }

    /// The months, as texts write them.
    pub fn month_texts(&self) -> BTreeSet<String> {
        self.months.months().map(|month| month.to_string()).collect()
    }
}

fn reason(untold: &Untold, one_of_several: bool) -> String {
    match untold {
        Untold::NotLoaded if one_of_several => "some of the months are not loaded".to_owned(),
        Untold::NotLoaded => "none of these months is loaded".to_owned(),
        Untold::NoFile(file) => format!("the {file} is not loaded"),
        Untold::SubscriptionScope => "Azure does not show it at subscription scope".to_owned(),
    }
}

#[cfg(test)]
impl Document {
    /// Of one source, from 2026-05 to 2026-06.
    pub fn of_months<'a>(states: impl IntoIterator<Item = (&'a str, MonthState)>) -> Self {
        let month = |text: &str| text.parse::<BillingMonth>().expect("a test writes a month");
        let of_source = states.into_iter().map(|(text, state)| (month(text), state)).collect();
        Self {
            report: "a".to_owned(),
            title: "A".to_owned(),
            question: None,
            subject: Subject::All,
            months: MonthRange::new(month("2026-05"), month("2026-06")).expect("they are in order"),
            currency: None,
            made_on: "2026-09-07".to_owned(),
            notes: Vec::new(),
            status: DataStatus { sources: BTreeMap::from([("a".to_owned(), of_source)]) },
            several_sources: false,
        }
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
        let some = |is: &dyn Fn(&MonthState) -> bool| months(source, is);
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
        if let Some(months) = some(&|state| state.is_undated) {
            notes.push(Note::Caution(of(format!(
                "When Azure wrote it is unknown, and so whether it is final: {months}."
            ))));
        }
        if let Some(months) = some(&|state| state.at_two_scopes) {
            notes.push(Note::Caution(of(format!(
                "The two files are of different scopes, so what is invoiced cannot be compared: \
                 {months}."
            ))));
        }
        if let Some(months) = some(&|state| state.at_subscription_scope) {
            // Of a source that is nothing else, the months need not be named.
            let whole =
                source.values().all(|state| state.at_subscription_scope || state.is_missing());
            let when = if whole { String::new() } else { format!(" in {months}") };
            notes.push(Note::Caution(of(format!(
                "The source sees a subscription only{when}: Azure shows it retail prices, and \
                 neither commitments nor credit, so savings and utilization cannot be told."
            ))));
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

    #[test]
    fn every_month_that_is_not_final_is_named() {
        let month = |text: &str| text.parse::<BillingMonth>().unwrap();
        let both = vec!["actual cost", "amortized cost"];
        let missing = |missing: &[&'static str]| MonthState {
            missing: missing.to_vec(),
            ..MonthState::default()
        };
        let contoso = BTreeMap::from([
            (month("2025-12"), missing(&both)),
            (month("2026-01"), missing(&both)),
            (month("2026-02"), missing(&["actual cost"])),
            (month("2026-03"), missing(&both)),
            (month("2026-04"), MonthState { is_stale: true, ..MonthState::default() }),
            (month("2026-05"), MonthState { is_open: true, ..MonthState::default() }),
            (month("2026-06"), MonthState { is_undated: true, ..MonthState::default() }),
        ]);
        let at_subscription = MonthState { at_subscription_scope: true, ..MonthState::default() };
        let at_two = MonthState { at_two_scopes: true, ..MonthState::default() };
        let half = BTreeMap::from([(month("2026-06"), at_two)]);
        let tier_two = BTreeMap::from([(month("2026-05"), at_subscription.clone())]);
        let mixed = BTreeMap::from([
            (month("2026-05"), MonthState::default()),
            (month("2026-06"), at_subscription),
        ]);
        let status = DataStatus {
            sources: BTreeMap::from([
                ("contoso".to_owned(), contoso),
                ("half".to_owned(), half),
                ("two".to_owned(), tier_two),
                ("walks".to_owned(), mixed),
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
        assert!(texts[4].contains("2026-06") && texts[4].contains("whether it is final"));
        assert!(texts[5].starts_with("half: The two files are of different scopes"), "{texts:?}");
        assert!(texts[6].starts_with("two: The source sees a subscription only:"));
        assert!(texts[7].starts_with("walks: The source sees a subscription only in 2026-06:"));
        assert_eq!(texts.len(), 8);
    }

    #[test]
    fn no_rows_are_nothing_only_where_something_could_be_told() {
        let section = |needs: &str| {
            let text =
                format!("-- section: a\n{needs}-- if empty: Nothing is idle.\nselect 1 as x");
            costlake_engine::report::parse_report("a", "a.sql", &text).unwrap().sections.remove(0)
        };
        let fine = MonthState::default();
        let missing = |files: &[&'static str]| MonthState {
            missing: files.to_vec(),
            ..MonthState::default()
        };
        let nothing = missing(&["actual cost", "amortized cost"]);
        let actual_only = missing(&["amortized cost"]);
        let at_subscription = MonthState { at_subscription_scope: true, ..MonthState::default() };
        let needs = "-- needs: amortized cost, account scope\n";
        for (states, needs, told) in [
            ([&fine, &fine], needs, "Nothing is idle."),
            ([&fine, &nothing], "", "Nothing is idle. What is not loaded is unknown."),
            ([&nothing, &nothing], "", "Unknown: none of these months is loaded."),
            ([&actual_only, &actual_only], "", "Nothing is idle."),
            ([&actual_only, &actual_only], needs, "Unknown: the amortized cost is not loaded."),
            (
                [&at_subscription, &at_subscription],
                needs,
                "Unknown: Azure does not show it at subscription scope.",
            ),
            (
                [&at_subscription, &fine],
                needs,
                "Nothing is idle. What is seen at subscription scope is unknown.",
            ),
        ] {
            let states = ["2026-05", "2026-06"].into_iter().zip(states.map(MonthState::clone));
            assert_eq!(Document::of_months(states).if_empty(&section(needs)).unwrap(), told);
        }
        assert!(Document::of_months([]).if_empty(&section("")).unwrap().starts_with("Unknown"));
    }
}
