//! `costlake source check`: proves sources step by step.

use std::io::Write as _;

use costlake_engine::error::ErrorClass;
use costlake_engine::inspect::{Finding, InspectRequest, OtherSource, Step, Verdict, inspect};

use crate::clock::now_us;
use crate::failure::Failure;
use crate::output::target::Target;
use crate::settings::Settings;
use crate::settings::sources::{SourceSettings, key_of};

/// Checks sources by name, or all; a failure is the exit code of its kind.
pub async fn run(names: &[String], settings: &Settings) -> Result<(), Failure> {
    let sources: Vec<&SourceSettings> = match names {
        [] => settings.sources.iter().collect(),
        names => names.iter().map(|name| settings.source(name)).collect::<Result<_, _>>()?,
    };
    if sources.is_empty() {
        return Err(Failure::Usage {
            what: "no source is configured".to_owned(),
            hint: "costlake source add NAME".to_owned(),
        });
    }
    let mut out = Target::stdout();
    let mut failed = Vec::new();
    for source in sources {
        let findings =
            match source.credential.storage_options(&settings.environment, settings.folder()) {
                Ok(options) => {
                    let others: Vec<OtherSource<'_>> = settings
                        .sources
                        .iter()
                        .filter(|other| other.name != source.name)
                        .map(of)
                        .collect();
                    let request = InspectRequest {
                        source: &source.name,
                        scope: source.scope.as_ref(),
                        exports: &source.exports,
                        first_month: source.first_month,
                        options: &options,
                        others: &others,
                        now_us: now_us(),
                    };
                    inspect(&request).await
                }
                // A secret that is not there is the first thing to mend.
                Err(failure) => vec![Finding {
                    step: Step::Token,
                    dataset: None,
                    verdict: Verdict::Failed,
                    what: failure.to_string(),
                    fix: failure.hint(),
                    class: Some(failure.class()),
                }],
            };
        writeln!(out, "{}:", source.name).map_err(Failure::stream)?;
        for finding in &findings {
            writeln!(out, "  {}", line(finding)).map_err(Failure::stream)?;
        }
        failed.extend(findings.iter().filter_map(|finding| finding.class));
    }
    out.finish()?;
    let findings = failed.len();
    match ErrorClass::worst(failed) {
        Some(class) => Err(Failure::Sources { findings, class }),
        None => Ok(()),
    }
}

fn of(source: &SourceSettings) -> OtherSource<'_> {
    OtherSource { name: &source.name, scope: source.scope.as_ref(), exports: &source.exports }
}

/// One line: verdict, step, what was found, and the fix.
fn line(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok     ",
        Verdict::Warning => "warning",
        Verdict::Failed => "FAILED ",
    };
    let step = match finding.dataset {
        Some(dataset) => format!("{} {}", key_of(dataset), finding.step),
        None => finding.step.to_string(),
    };
    // One line each: what a service says may have several.
    let what = finding.what.split_whitespace().collect::<Vec<_>>().join(" ");
    let what = what.trim_end_matches('.');
    match &finding.fix {
        Some(fix) => format!("{verdict}  {step}: {what}. Fix: {fix}"),
        None => format!("{verdict}  {step}: {what}"),
    }
}
