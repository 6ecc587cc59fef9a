//! `costlake generate`: synthetic cost exports.

use costlake_benches::generator::{DataVersion, FileFormat, GeneratorOptions, Progress, generate};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{ExportFormat, GenerateArguments};
use crate::failure::Failure;
use crate::messages::Messages;
use crate::settings::Settings;

const BAR: &str =
    "{bar:24.cyan/dim} {percent:>3}%  {human_pos}/{human_len} rows  {msg}  {eta} left";

/// Writes the exports and says where they are.
pub fn run(
    arguments: &GenerateArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let format = file_format(arguments)?;
    let defaults = GeneratorOptions::default();
    let options = GeneratorOptions {
        months: arguments.months.0.clone(),
        rows_per_month: arguments.rows,
        customers: arguments.customers,
        seed: arguments.seed,
        scope: arguments.scope,
        data_version: data_version(&arguments.data_version)?,
        format,
        open_month: None,
        threads: settings.threads.unwrap_or(defaults.threads),
        ..defaults
    };
    let bar = ProgressBar::new(0);
    if !messages.shows_progress() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar.set_style(ProgressStyle::with_template(BAR).expect("the template is constant"));
    let show = |progress: Progress| {
        bar.set_length(progress.amortized_rows_total);
        bar.set_position(progress.amortized_rows);
        bar.set_message(format!("{} MB", progress.csv_bytes / 1_000_000));
    };
    let totals = generate(&arguments.out, &options, &show).map_err(Failure::engine)?;
    bar.finish_and_clear();
    let (bytes, written) = match format {
        FileFormat::Csv | FileFormat::CsvGzip => (totals.csv_bytes(), "CSV"),
        FileFormat::Parquet => (totals.stored_bytes(), "Parquet and CSV"),
    };
    messages.note(&format!(
        "{} rows, {} MB of {written} in {}; its exact totals are in totals.json",
        totals.rows(),
        bytes / 1_000_000,
        arguments.out.display()
    ));
    let out = arguments.out.display();
    messages.note(&format!(
        "next: costlake ingest --source test --actual {out}/actual --amortized {out}/amortized"
    ));
    Ok(())
}

fn file_format(arguments: &GenerateArguments) -> Result<FileFormat, Failure> {
    match (arguments.format, arguments.gzip) {
        (ExportFormat::Csv, false) => Ok(FileFormat::Csv),
        (ExportFormat::Csv, true) => Ok(FileFormat::CsvGzip),
        (ExportFormat::Parquet, false) => Ok(FileFormat::Parquet),
        (ExportFormat::Parquet, true) => Err(Failure::Usage {
            what: "Parquet is compressed inside, not with gzip".to_owned(),
            hint: "leave out --gzip or --format parquet".to_owned(),
        }),
    }
}

fn data_version(text: &str) -> Result<DataVersion, Failure> {
    match text {
        "2021-10-01" => Ok(DataVersion::V2021_10_01),
        "2019-11-01" => Ok(DataVersion::V2019_11_01),
        "mca-direct" => Ok(DataVersion::McaDirect2021_10_01),
        other => Err(Failure::Usage {
            what: format!("no files of data version {other:?} are generated"),
            hint: "write 2021-10-01, 2019-11-01, or mca-direct".to_owned(),
        }),
    }
}
