//! `costlake source`: add, list, check and remove bill connects.

mod add;
mod check;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use costlake_engine::model::DatasetType;
use costlake_engine::source::SourceUrl;

use crate::args::SourceCommand;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::target::Target;
use crate::output::{Layout, Mode, write_whole};
use crate::settings::sources::SourceSettings;
use crate::settings::{Settings, edit};

/// Runs one verb.
pub async fn run(
    command: &SourceCommand,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    match command {
        SourceCommand::Add(arguments) => add::run(arguments, settings, messages),
        SourceCommand::List => list(settings, messages),
        SourceCommand::Check { names } => check::run(names, settings).await,
        SourceCommand::Remove { name } => {
            settings.source(name)?;
            edit::remove(&settings.config, name)?;
            messages.note(&format!(
                "{name} is taken out of {}; what the lake holds of it stays",
                settings.config.display()
            ));
            Ok(())
        }
    }
}

/// One row per source.
fn list(settings: &Settings, messages: &Messages) -> Result<(), Failure> {
    if settings.sources.is_empty() {
        messages.note("no source is configured yet: costlake source add NAME");
        return Ok(());
    }
    let texts = |value: &dyn Fn(&SourceSettings) -> Option<String>| -> ArrayRef {
        Arc::new(settings.sources.iter().map(value).collect::<StringArray>())
    };
    let export = |dataset: DatasetType| {
        move |source: &SourceSettings| source.export(dataset).map(SourceUrl::encoded)
    };
    let more = |source: &SourceSettings| {
        let others = source.exports.iter().filter(|(dataset, _)| !dataset.is_cost());
        let names: Vec<&str> = others.map(|(dataset, _)| dataset.table_name()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let credential = |source: &SourceSettings| {
        let name = source.credential.name();
        Some(match source.credential.secret() {
            Some(secret) => format!("{name} in {secret}"),
            None => name.to_owned(),
        })
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("source", texts(&|source| Some(source.name.to_string()))),
        ("scope_type", texts(&|source| Some(source.scope.as_ref()?.scope_type.name().to_owned()))),
        ("scope", texts(&|source| source.scope.as_ref()?.id.clone())),
        ("actual", texts(&export(DatasetType::ActualCost))),
        ("amortized", texts(&export(DatasetType::AmortizedCost))),
        ("more", texts(&more)),
        ("first_month", texts(&|source| source.first_month.map(|month| month.to_string()))),
        ("credential", texts(&credential)),
    ];
    let batch = RecordBatch::try_from_iter(columns)
        .map_err(|error| Failure::Format { format: "table", what: error.to_string() })?;
    write_whole(Mode::Box, &batch, Layout::of_stdout(0, settings.no_color), &mut Target::stdout())
}
