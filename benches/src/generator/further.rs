//! The exports beside the cost files: price sheet, reservation details,
//! transactions and recommendations.
//!
//! Input: a month and which dataset. Output: a run with its manifest, written
//! by one thread, and its totals. Each dataset has a file of its own; here is
//! what they share. Never written at subscription scope: Azure gives these
//! datasets at billing scopes only.

use std::path::Path;

use costlake_engine::model::{BillingMonth, DatasetType, ScopeType};

use super::folder::{empty_directory, part_format};
use super::manifest::{manifest, relative, run_folder, run_id};
use super::rows::Month;
use super::sheet::Sheet;
use super::totals::RunTotals;
use super::writer::{name_parts, write_whole};
use super::{
    GeneratorError, GeneratorOptions, price_sheet, reservation_details,
    reservation_recommendations, reservation_transactions,
};

/// The datasets beside the cost files, in their order.
const FURTHER: [DatasetType; 4] = [
    DatasetType::PriceSheet,
    DatasetType::ReservationDetails,
    DatasetType::ReservationTransactions,
    DatasetType::ReservationRecommendations,
];

/// The further datasets that a scope has.
pub(super) fn datasets(scope: ScopeType) -> &'static [DatasetType] {
    match scope {
        ScopeType::Subscription => &[],
        _ => &FURTHER,
    }
}

/// The month before the tenant's first, of which the transactions alone are
/// written, beside the first month: they hold purchases no cost file shows.
pub(super) fn month_before(
    options: &GeneratorOptions,
    start: BillingMonth,
) -> Option<BillingMonth> {
    let wanted = options.scope != ScopeType::Subscription && options.months.contains(&start);
    wanted.then(|| start.previous())
}

/// Writes a run; `committed` is the number of the tenant's committed blocks.
pub(super) fn write(
    out: &Path,
    context: &Month<'_>,
    dataset: DatasetType,
    committed: u64,
) -> Result<RunTotals, GeneratorError> {
    let run_id = run_id(context, dataset);
    let names: &[&str] = match dataset {
        DatasetType::PriceSheet => &price_sheet::COLUMNS,
        DatasetType::ReservationDetails => &reservation_details::COLUMNS,
        DatasetType::ReservationTransactions => &reservation_transactions::COLUMNS,
        DatasetType::ReservationRecommendations => &reservation_recommendations::COLUMNS,
        DatasetType::ActualCost | DatasetType::AmortizedCost => {
            unreachable!("cost files are written in blocks")
        }
    };
    let format = part_format(out, context, dataset, &run_id, names);
    empty_directory(&format.directory)
        .map_err(|source| GeneratorError::io(&format.directory, source))?;
    let mut sheet = Sheet::new(&format);
    match dataset {
        DatasetType::PriceSheet => price_sheet::write(context, &mut sheet),
        DatasetType::ReservationDetails => {
            reservation_details::write(context, committed, &mut sheet)
        }
        DatasetType::ReservationTransactions => {
            reservation_transactions::write(context, committed, &mut sheet)
        }
        _ => reservation_recommendations::write(context, &mut sheet),
    }?;
    let (parts, totals) = sheet.finish()?;
    let names = name_parts(&format, &parts)?;
    let path = relative(&run_folder(dataset, context.month, &run_id)).join("manifest.json");
    let manifest = manifest(context, dataset, &run_id, &parts, &names);
    write_whole(&out.join(&path), format!("{manifest:#}").as_bytes())?;
    Ok(RunTotals {
        currencies: totals.currencies(),
        charge_types: totals.kinds,
        hours: totals.hours,
        ..RunTotals::of_parts(dataset, context.month, run_id, path, &parts)
    })
}
