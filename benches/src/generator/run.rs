//! Runs a generation: splits months into units of work, has threads write
//! them, and closes each run with its manifest.
//!
//! The exports beside the cost files come first, each by one thread. A unit of
//! the cost files is a row of consecutive blocks of one month that fill about one part;
//! one pass writes both files. What a unit writes does not depend on which
//! thread writes it or when.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use costlake_engine::model::{BillingMonth, DatasetType};

use super::cells::day_text;
use super::columns::{Column, Layout};
use super::folder::{empty_directory, part_format};
use super::further;
use super::line::{self, ChargeType, Files};
use super::manifest::{manifest, relative, run_folder, run_id};
use super::parallel;
use super::rows::{BLOCK_SLOTS, Block, BlockPlan, Month, committed_blocks};
use super::tenant::{Tenant, customers_of};
use super::totals::{
    CommitmentMonth, CommitmentTotals, GeneratedTotals, RunTotals, Sums, describe, payments,
};
use super::writer::{Part, PartFormat, PartWriter, name_parts, write_whole};
use super::{GeneratorError, GeneratorOptions, Progress, ROWS_PER_MONTH_MIN};

/// Bytes of a row, a little high: parts are planned with it, then cut exactly.
const ROW_BYTES_PLANNED: u64 = 1_250;

/// A month and the two runs that are written of it.
struct MonthRuns<'a> {
    context: Month<'a>,
    run_ids: [String; 2],
    formats: [PartFormat; 2],
    plan: Vec<BlockPlan>,
}

/// Blocks of one month that one thread writes.
struct Unit {
    month: usize,
    first_block: usize,
    blocks: usize,
}

/// What came of a unit.
struct UnitResult {
    parts: [Vec<Part>; 2],
    sums: [Sums; 2],
    /// By position of the block in the plan, then in the block.
    commitments: BTreeMap<(usize, usize), (CommitmentTotals, CommitmentMonth)>,
}

/// Rows and bytes written so far by all threads.
struct Counters<'a> {
    amortized_rows: AtomicU64,
    amortized_rows_total: u64,
    csv_bytes: AtomicU64,
    report: &'a (dyn Fn(Progress) + Sync),
}

pub(super) fn generate(
    out: &Path,
    options: &GeneratorOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<GeneratedTotals, GeneratorError> {
    let start = checked_start(options)?;
    let layout =
        Layout::new(options.scope, options.data_version).ok_or(GeneratorError::NoSuchFile {
            version: options.data_version,
            scope: options.scope,
        })?;
    let rows = options.rows_per_month.max(ROWS_PER_MONTH_MIN);
    let customers = options.customers.unwrap_or_else(|| customers_of(rows));
    let tenant = Tenant::new(options.seed, start, customers, options.scope);
    let mut months = options.months.clone();
    months.sort_unstable();
    let runs = months
        .iter()
        .map(|month| plan_month(out, Month::new(options, &tenant, &layout, *month), rows))
        .collect::<Result<Vec<_>, _>>()?;
    let units = split(&runs, options.part_bytes_max);
    let counters = Counters {
        amortized_rows: AtomicU64::new(0),
        amortized_rows_total: rows * months.len() as u64,
        csv_bytes: AtomicU64::new(0),
        report: progress,
    };
    let before = further::month_before(options, start)
        .map(|month| Month::new(options, &tenant, &layout, month));
    let further = write_further(out, options, before.as_ref(), &runs, rows)?;
    let results = parallel::in_order(units.len(), options.threads, &|index| {
        let unit = &units[index];
        write_unit(&runs[unit.month], unit, index, &counters)
    })?;
    let mut totals = close_runs(out, &runs, &units, results)?;
    totals.runs.extend(further);
    totals.runs.sort_by_key(|run| (run.month, run.dataset));
    let text = serde_json::to_string_pretty(&totals.to_json())
        .expect("totals are texts and whole numbers");
    write_whole(&out.join("totals.json"), text.as_bytes())?;
    Ok(totals)
}

/// The tenant's first month, once the options make sense.
fn checked_start(options: &GeneratorOptions) -> Result<BillingMonth, GeneratorError> {
    let mut months = options.months.clone();
    months.sort_unstable();
    let first = *months.first().ok_or(GeneratorError::NoMonths)?;
    if let Some(pair) = months.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(GeneratorError::DuplicateMonth(pair[0]));
    }
    let start = options.tenant_start.unwrap_or(first);
    if first < start {
        return Err(GeneratorError::BeforeTenant { month: first, start });
    }
    Ok(start)
}

fn plan_month<'a>(
    out: &Path,
    context: Month<'a>,
    rows: u64,
) -> Result<MonthRuns<'a>, GeneratorError> {
    let run_ids = DatasetType::COST.map(|dataset| run_id(&context, dataset));
    let names = context.layout.names();
    let formats = DatasetType::COST
        .map(|dataset| part_format(out, &context, dataset, &run_ids[dataset as usize], &names));
    for format in &formats {
        empty_directory(&format.directory)
            .map_err(|source| GeneratorError::io(&format.directory, source))?;
    }
    let plan = context.plan(rows, ROWS_PER_MONTH_MIN);
    Ok(MonthRuns { context, run_ids, formats, plan })
}

/// Writes the exports beside the cost files.
fn write_further(
    out: &Path,
    options: &GeneratorOptions,
    before: Option<&Month<'_>>,
    runs: &[MonthRuns<'_>],
    rows: u64,
) -> Result<Vec<RunTotals>, GeneratorError> {
    let mut jobs: Vec<(&Month<'_>, DatasetType)> = Vec::new();
    jobs.extend(before.map(|month| (month, DatasetType::ReservationTransactions)));
    for run in runs {
        let datasets = further::datasets(options.scope).iter();
        jobs.extend(datasets.map(|dataset| (&run.context, *dataset)));
    }
    let committed = committed_blocks(rows, ROWS_PER_MONTH_MIN);
    parallel::in_order(jobs.len(), options.threads, &|index| {
        let (month, dataset) = jobs[index];
        further::write(out, month, dataset, committed)
    })
}

fn split(runs: &[MonthRuns<'_>], part_bytes_max: u64) -> Vec<Unit> {
    let block_bytes = BLOCK_SLOTS * 31 * ROW_BYTES_PLANNED;
    let per_unit = (part_bytes_max / block_bytes).clamp(1, 1 << 16) as usize;
    let mut units = Vec::new();
    for (month, run) in runs.iter().enumerate() {
        for first_block in (0..run.plan.len()).step_by(per_unit) {
            let blocks = per_unit.min(run.plan.len() - first_block);
            units.push(Unit { month, first_block, blocks });
        }
    }
    units
}

fn write_unit(
    run: &MonthRuns<'_>,
    unit: &Unit,
    index: usize,
    counters: &Counters<'_>,
) -> Result<UnitResult, GeneratorError> {
    let mut writers = run.formats.each_ref().map(|format| PartWriter::new(format, index));
    let mut sums = [Sums::default(), Sums::default()];
    let mut commitments = BTreeMap::new();
    let mut reported = 0;
    for position in unit.first_block..unit.first_block + unit.blocks {
        let block = run.context.block(run.plan[position]);
        let used = write_block(&run.context, &block, &mut writers, &mut sums)?;
        for (number, (commitment, mut month)) in block.commitments.iter().zip(used).enumerate() {
            let CommitmentMonth { purchased, refunded, .. } = payments(commitment, &run.context);
            (month.purchased, month.refunded) = (purchased, refunded);
            commitments.insert((position, number), (describe(commitment, &run.context), month));
        }
        let written = writers.iter().map(PartWriter::csv_bytes).sum::<u64>();
        counters.add(block.amortized_rows(), written - reported);
        reported = written;
    }
    let [actual, amortized] = writers;
    Ok(UnitResult { parts: [actual.finish()?, amortized.finish()?], sums, commitments })
}

/// Writes a block day by day; returns what its commitments cost.
fn write_block(
    context: &Month<'_>,
    block: &Block,
    writers: &mut [PartWriter<'_>; 2],
    sums: &mut [Sums; 2],
) -> Result<Vec<CommitmentMonth>, GeneratorError> {
    let mut used = vec![CommitmentMonth::default(); block.commitments.len()];
    let mut row = Vec::with_capacity(2_048);
    let first_day = context.month.first_day();
    for day in 0..context.month.days() {
        let date = day_text(first_day + day as i32);
        for line in block.lines.iter().filter(|line| line.has_day(day)) {
            let terms = &line.terms;
            let amounts = line::amounts(&block.lines, line, day, first_day);
            let same = terms.prices.actual == terms.prices.amortized;
            let mut rendered = false;
            for (dataset, amounts) in amounts.iter().enumerate() {
                let wanted = match terms.files {
                    Files::Both => true,
                    Files::ActualOnly => dataset == DatasetType::ActualCost as usize,
                    Files::AmortizedOnly => dataset == DatasetType::AmortizedCost as usize,
                };
                if !wanted {
                    continue;
                }
                if !(rendered && same) {
                    row.clear();
                    line.render(&mut row, &date, amounts);
                    rendered = true;
                }
                writers[dataset].push(&row)?;
                sums[dataset].add(terms.currency, terms.charge_type, amounts);
            }
            if let Some(position) = terms.commitment {
                let cost = amounts[DatasetType::AmortizedCost as usize].cost.raw;
                match terms.charge_type {
                    ChargeType::Usage => used[position].used += cost,
                    ChargeType::UnusedReservation | ChargeType::UnusedSavingsPlan => {
                        used[position].unused += cost;
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(used)
}

impl Counters<'_> {
    fn add(&self, rows: u64, bytes: u64) {
        let rows = self.amortized_rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let bytes = self.csv_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (self.report)(Progress {
            amortized_rows: rows,
            amortized_rows_total: self.amortized_rows_total,
            csv_bytes: bytes,
        });
    }
}

/// Names the parts, writes the manifests, and adds everything up.
fn close_runs(
    out: &Path,
    runs: &[MonthRuns<'_>],
    units: &[Unit],
    results: Vec<UnitResult>,
) -> Result<GeneratedTotals, GeneratorError> {
    let mut totals = GeneratedTotals::default();
    let mut commitments: BTreeMap<(usize, usize), CommitmentTotals> = BTreeMap::new();
    let mut months: Vec<([Vec<Part>; 2], [Sums; 2])> =
        runs.iter().map(|_| Default::default()).collect();
    for (unit, result) in units.iter().zip(results) {
        let (parts, sums) = &mut months[unit.month];
        for (dataset, new) in result.parts.into_iter().enumerate() {
            parts[dataset].extend(new);
            sums[dataset].merge(&result.sums[dataset]);
        }
        let month = runs[unit.month].context.month;
        for (position, (described, used)) in result.commitments {
            let entry = commitments.entry(position).or_insert(described);
            if used != CommitmentMonth::default() {
                entry.months.insert(month, used);
            }
        }
    }
    for (run, (parts, sums)) in runs.iter().zip(&months) {
        for dataset in DatasetType::COST {
            let index = dataset as usize;
            totals.runs.push(close_run(out, run, dataset, &parts[index], &sums[index])?);
        }
    }
    totals.commitments = commitments.into_values().collect();
    Ok(totals)
}

fn close_run(
    out: &Path,
    run: &MonthRuns<'_>,
    dataset: DatasetType,
    parts: &[Part],
    sums: &Sums,
) -> Result<RunTotals, GeneratorError> {
    let run_id = &run.run_ids[dataset as usize];
    let names = name_parts(&run.formats[dataset as usize], parts)?;
    let path = relative(&run_folder(dataset, run.context.month, run_id)).join("manifest.json");
    let manifest = manifest(&run.context, dataset, run_id, parts, &names);
    write_whole(&out.join(&path), format!("{manifest:#}").as_bytes())?;
    let with_payg =
        run.context.layout.columns().any(|column| column == Column::PaygCostInBillingCurrency);
    Ok(RunTotals {
        currencies: sums.currencies(with_payg),
        charge_types: sums.charge_types(),
        ..RunTotals::of_parts(dataset, run.context.month, run_id.clone(), path, parts)
    })
}
