//! `costlake demo`: a synthetic tenant, its lake, and a first report.

use std::collections::BTreeSet;
use std::path::Path;

use costlake_benches::generator::{GeneratorOptions, export_folder, generate};
use costlake_engine::ingest::{IngestRequest, Reload};
use costlake_engine::model::date::{CivilDate, DAY_US, days_from_civil};
use costlake_engine::model::{BillingMonth, DatasetType};
use costlake_engine::query::{Session, SessionOptions};
use costlake_engine::source::SourceUrl;

use super::query::print_query;
use super::{ingest, rollups};
use crate::args::DemoArguments;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::settings::Settings;

/// Two closed months, and a day after both: the demo is the same every day.
const MONTHS: [(i32, u32); 2] = [(2026, 7), (2026, 8)];
const TODAY: CivilDate = CivilDate { year: 2026, month: 9, day: 7 };
const ROWS_PER_MONTH: u64 = 20_000;

const SAVINGS: &str = "\
select
    scope_name as customer,
    billing_month as month,
    billing_currency as currency,
    cast(list_cost as decimal(18, 2)) as list_cost,
    cast(cost as decimal(18, 2)) as cost,
    cast(unused_cost as decimal(18, 2)) as unused,
    cast(savings as decimal(18, 2)) as savings,
    cast(savings_pct as decimal(5, 1)) as pct,
    cast(priced_coverage_pct as decimal(5, 1)) as priced_pct
from savings
where scope_type = 'customer_tenant' and scope_id is not null
order by scope_name, billing_month, billing_currency";

const UNPRICED: &str = "\
select
    reason,
    billing_currency as currency,
    sum(rows) as rows,
    cast(sum(cost) as decimal(18, 2)) as cost
from unpriced_cost
group by reason, billing_currency
order by reason, currency";

const RATE_TYPES: &str = "\
select
    rate_type,
    billing_currency as currency,
    cast(sum(list_cost) as decimal(18, 2)) as list_cost,
    cast(sum(cost) as decimal(18, 2)) as cost,
    cast(sum(unused_cost) as decimal(18, 2)) as unused,
    cast(sum(savings) as decimal(18, 2)) as savings
from rate_reduction_savings
where scope_type = 'billing_account'
group by rate_type, billing_currency
order by rate_type, currency";

const COMMITMENTS: &str = "\
select
    kind,
    name,
    owner_customer_name as owner,
    billing_currency as currency,
    cast(coalesce(used_cost, 0) + coalesce(unused_cost, 0) as decimal(18, 2)) as cost,
    cast(unused_cost as decimal(18, 2)) as unused,
    cast(utilization_pct as decimal(5, 1)) as used_pct,
    utilization_basis as by,
    cast(utilization_cost_pct as decimal(5, 1)) as cost_pct,
    expiry_date as expires,
    days_to_expiry as days,
    status
from commitments
order by used_cost_usd + coalesce(unused_cost_usd, 0) desc
limit 8";

/// Generates, ingests, reports.
pub async fn run(
    arguments: &DemoArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let exports = arguments.dir.join("exports");
    let lake = arguments.dir.join("lake");
    let settings = Settings { lake: lake.display().to_string(), ..settings.clone() };

    messages.note(&format!(
        "Writing two months of a synthetic partner tenant to {}",
        exports.display()
    ));
    let options = GeneratorOptions {
        months: months().collect(),
        rows_per_month: ROWS_PER_MONTH,
        open_month: None,
        ..GeneratorOptions::default()
    };
    generate(&exports, &options, &|_| {}).map_err(Failure::engine)?;

    messages.note(&format!("Loading it into the lake {}", lake.display()));
    let access = ingest::Access::default;
    let request = request(&exports)?;
    let earlier = earlier_request(&request);
    let mut report = ingest::load(&earlier, access(), &settings, messages).await?;
    report.extend(ingest::load(&request, access(), &settings, messages).await?);
    let reports = [ingest::SourceReport { source: request.source, report, failure: None }];
    ingest::write_summary(&reports, &settings)?;
    ingest::conclude(&reports)?;
    rollups::keep_loaded(&reports, &settings, messages).await;

    let lake = settings.open_lake()?;
    let options =
        SessionOptions { as_of: Some(days_from_civil(TODAY)), ..settings.session_options() };
    let session = Session::open(&lake, &options).await.map_err(Failure::engine)?;
    println!("\nList price against cost price, per customer and month (view: savings)");
    print_query(&session, SAVINGS, &settings, messages).await?;
    println!("\nWhat kind of rate saves how much (view: rate_reduction_savings)");
    print_query(&session, RATE_TYPES, &settings, messages).await?;
    println!("\nThe costliest reservations and savings plans on 2026-09-07 (view: commitments)");
    print_query(&session, COMMITMENTS, &settings, messages).await?;
    println!("\nUsage that could not be priced, and why (view: unpriced_cost)");
    print_query(&session, UNPRICED, &settings, messages).await?;
    print_next_steps(&settings.lake);
    Ok(())
}

fn months() -> impl Iterator<Item = BillingMonth> {
    MONTHS.into_iter().filter_map(|(year, month)| BillingMonth::new(year, month))
}

fn request(exports: &Path) -> Result<IngestRequest, Failure> {
    let export = |dataset: DatasetType| {
        let folder = exports.join(export_folder(dataset));
        let url = SourceUrl::parse(&folder.display().to_string()).map_err(Failure::engine)?;
        Ok((dataset, url))
    };
    Ok(IngestRequest {
        source: "demo".parse().expect("a plain word is a source name"),
        scope: None,
        exports: DatasetType::ALL.into_iter().map(export).collect::<Result<_, Failure>>()?,
        months: Some(months().collect()),
        first_month: None,
        reload: Reload::IfChanged,
        rejected_rows_max: 0,
        now_us: i64::from(days_from_civil(TODAY)) * DAY_US,
    })
}

/// The month before has purchases of reservations, and no cost.
fn earlier_request(request: &IngestRequest) -> IngestRequest {
    let mut request = request.clone();
    request.exports.retain(|(dataset, _)| *dataset == DatasetType::ReservationTransactions);
    request.months = months().next().map(|first| BTreeSet::from([first.previous()]));
    request
}

fn print_next_steps(lake: &str) {
    println!(
        "\nTry next:\n  \
         costlake --lake {lake} sql\n  \
         costlake --lake {lake} sql -c \"select * from list_vs_cost order by date limit 10\" --format csv\n  \
         costlake --lake {lake} lake status"
    );
}
