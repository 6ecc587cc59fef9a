//! Writes a synthetic export and says how fast: `generate OUT ROWS [MONTHS]
//! [gzip|parquet]`. For measuring the generator; the product's command is `costlake
//! generate`.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use costlake_benches::generator::{FileFormat, GeneratorOptions, generate};
use costlake_engine::model::BillingMonth;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let out =
        PathBuf::from(arguments.first().ok_or("usage: generate OUT ROWS [MONTHS] [gzip|parquet]")?);
    let mut options = GeneratorOptions::default();
    if let Some(rows) = arguments.get(1) {
        options.rows_per_month = rows.parse()?;
    }
    if let Some(months) = arguments.get(2) {
        options.months = BillingMonth::parse_range(months)?;
        options.open_month = None;
    }
    if arguments.iter().any(|argument| argument == "gzip") {
        options.format = FileFormat::CsvGzip;
    }
    if arguments.iter().any(|argument| argument == "parquet") {
        options.format = FileFormat::Parquet;
    }
    let start = Instant::now();
    let totals = generate(&out, &options, &|_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    let bytes = totals.csv_bytes();
    println!(
        "{} rows, {:.1} MB of CSV ({:.0} bytes a row), {:.1} MB stored, {seconds:.2} s, {:.0} MB/s",
        totals.rows(),
        bytes as f64 / 1e6,
        bytes as f64 / totals.rows() as f64,
        totals.stored_bytes() as f64 / 1e6,
        bytes as f64 / 1e6 / seconds,
    );
    Ok(())
}
