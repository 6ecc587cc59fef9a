//! Reports over a generated tenant: every one of them, by every scope, and what they refuse.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type};
use costlake_benches::generator::GeneratorOptions;
use costlake_engine::error::{ErrorClass, Fault as _};
use costlake_engine::ingest::IngestRequest;
use costlake_engine::model::DatasetType;
use costlake_engine::model::money::format_decimal;
use costlake_engine::model::scope::ScopeType;
use costlake_engine::query::{RollupUse, Session, SessionOptions};
use costlake_engine::report::{
    DataStatus, KnownScopes, MonthRange, ReportDefinition, ReportError, ReportEvent,
    ReportParameters, ReportRun, ReportScope, ScopeSelection, TotalDefinition, parse_report,
    reports,
};

use crate::tenant::{Tenant, edit_part, month, options, rows, small, url};

/// By source and currency, then column: raw decimals.
type Totals = BTreeMap<(Option<String>, Option<String>), BTreeMap<String, Option<i128>>>;

/// One document: rows of each section as text, and its totals.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    sections: Vec<Section>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    rows: Vec<Vec<Option<String>>>,
    total_rows: u64,
    totals: Totals,
}

async fn told(
    session: &Session,
    report: &ReportDefinition,
    parameters: &ReportParameters,
) -> Result<BTreeMap<Option<String>, Told>, ReportError> {
    let mut run = ReportRun::start(session, report, parameters).await?;
    let mut documents = BTreeMap::new();
    let mut open: Option<(Option<String>, Told)> = None;
    while let Some(event) = run.next().await? {
        match event {
            ReportEvent::Scope(id) => open = Some((id, Told::default())),
            ReportEvent::Section(at) => {
                let (_, told) = open.as_mut().unwrap();
                assert_eq!(told.sections.len(), at, "sections come in order");
                told.sections.push(Section::default());
            }
            ReportEvent::Rows(batch) => {
                let section = open.as_mut().unwrap().1.sections.last_mut().unwrap();
                section.rows.extend(texts(&batch));
            }
            ReportEvent::SectionEnd(totals) => {
                let section = open.as_mut().unwrap().1.sections.last_mut().unwrap();
                section.total_rows = totals.rows;
                section.totals = sums(&totals.totals);
            }
            ReportEvent::ScopeEnd => {
                let (id, told) = open.take().unwrap();
                assert_eq!(told.sections.len(), report.sections.len());
                assert!(documents.insert(id, told).is_none(), "a scope comes once");
            }
        }
    }
    assert!(open.is_none());
    Ok(documents)
}

fn texts(batch: &RecordBatch) -> Vec<Vec<Option<String>>> {
    let columns: Vec<_> =
        batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
    let text = |column: usize, row: usize| {
        let column = columns[column].as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    (0..batch.num_rows()).map(|row| (0..columns.len()).map(|at| text(at, row)).collect()).collect()
}

fn sums(batch: &RecordBatch) -> Totals {
    let schema = batch.schema();
    let rows = texts(batch);
    let key =
        |row: usize, name: &str| schema.index_of(name).ok().and_then(|at| rows[row][at].clone());
    let of = |row: usize| {
        let decimals = schema.fields().iter().enumerate().filter_map(|(at, field)| {
            let column = batch.column(at).as_primitive_opt::<Decimal128Type>()?;
            let value = column.is_valid(row).then(|| column.value(row));
            Some((field.name().clone(), value))
        });
        decimals.collect()
    };
    (0..batch.num_rows())
        .map(|row| {
            let source = key(row, "source").or(key(row, "x_Source"));
            let currency = key(row, "billing_currency").or(key(row, "BillingCurrency"));
            ((source, currency), of(row))
        })
        .collect()
}

fn parameters(scopes: ScopeSelection) -> ReportParameters {
    ReportParameters {
        scopes,
        months: MonthRange::new(month("2026-07"), month("2026-08")).unwrap(),
        currency: None,
        source: None,
    }
}

/// A partner's billing account with what is known of its reservations.
async fn lake() -> (Tenant, Session) {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.request()).await;
    let reservations = [
        DatasetType::PriceSheet,
        DatasetType::ReservationDetails,
        DatasetType::ReservationTransactions,
    ];
    let exports = reservations.map(|dataset| (dataset, url(&tenant.export(dataset)))).to_vec();
    tenant.ingest(&IngestRequest { exports, ..tenant.request() }).await;
    let session = tenant.session().await;
    (tenant, session)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_adds_up_to_the_same_by_every_scope() {
    let (_tenant, session) = lake().await;
    for report in reports() {
        let all = told(&session, report, &parameters(ScopeSelection::All)).await.unwrap();
        let [(None, all)] = &all.into_iter().collect::<Vec<_>>()[..] else { panic!() };
        let rows: u64 = all.sections.iter().map(|section| section.total_rows).sum();
        assert!(rows > 0, "{} says nothing", report.name);
        // Two reports stand on other views than the rest; all of them by every scope would
        // be a few hundred plans.
        let by_every = ["savings", "list-vs-cost"].contains(&report.name.as_str());
        let some = [ReportScope::Reseller, ReportScope::CustomerTenant];
        for scope in report.scopes.iter().filter(|scope| by_every || some.contains(scope)) {
            let each = told(&session, report, &parameters(ScopeSelection::Each(*scope))).await;
            let each = each.unwrap();
            assert!(!each.is_empty(), "{} by {scope}", report.name);
            for (at, section) in report.sections.iter().enumerate() {
                // The ten worst of each scope are others than the ten worst of all.
                if section.name == "money_to_get_back" {
                    continue;
                }
                let mut sums: BTreeMap<_, BTreeMap<String, i128>> = BTreeMap::new();
                for told in each.values() {
                    for (key, totals) in &told.sections[at].totals {
                        for (column, value) in totals {
                            *sums
                                .entry(key.clone())
                                .or_default()
                                .entry(column.clone())
                                .or_default() += value.unwrap_or(0);
                        }
                    }
                }
                for (key, totals) in &all.sections[at].totals {
                    for total in &section.totals {
                        let TotalDefinition::Sum(column) = total else { continue };
                        let Some(whole) = totals.get(column) else { continue };
                        let parts = sums[key][column];
                        assert_eq!(
                            format_decimal(parts),
                            format_decimal(whole.unwrap_or(0)),
                            "{} by {scope}, {}, {column} of {key:?}",
                            report.name,
                            section.name
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_scope_alone_is_told_as_among_all() {
    let (_tenant, session) = lake().await;
    for scope in [ReportScope::CustomerTenant, ReportScope::Reseller] {
        let known = KnownScopes::read(&session, scope).await.unwrap();
        let ids: Vec<&str> = known.iter().map(|(id, _)| id).skip(1).take(1).collect();
        for report in reports().iter().filter(|report| report.scopes.contains(&scope)) {
            let each =
                told(&session, report, &parameters(ScopeSelection::Each(scope))).await.unwrap();
            for id in &ids {
                let selection =
                    ScopeSelection::One { scope_type: scope, scope_id: (*id).to_owned() };
                let one = told(&session, report, &parameters(selection)).await.unwrap();
                assert_eq!(one.len(), 1);
                let (of, mut one) = one.into_iter().next().unwrap();
                assert_eq!(of.as_deref(), Some(*id));
                let Some(mut among) = each.get(&Some((*id).to_owned())).cloned() else {
                    assert!(one.sections.iter().all(|section| section.rows.is_empty()));
                    continue;
                };
                for section in one.sections.iter_mut().chain(&mut among.sections) {
                    // FOCUS rows of one day have no order of their own.
                    if report.name == "focus" {
                        section.rows.sort();
                    }
                }
                assert_eq!(one, among, "{} of {scope} {id}", report.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_the_same_with_rollups_and_without() {
    let (tenant, _) = lake().await;
    costlake_engine::rollup::keep(&tenant.lake, &options(), None).await.unwrap();
    let session = tenant.session().await;
    let without = SessionOptions { rollups: RollupUse::Never, ..options() };
    let without = Session::open(&tenant.lake, &without).await.unwrap();
    for report in reports().iter().filter(|report| report.name != "focus") {
        let parameters = parameters(ScopeSelection::Each(ReportScope::Source));
        let kept = told(&session, report, &parameters).await.unwrap();
        let computed = told(&without, report, &parameters).await.unwrap();
        assert_eq!(kept, computed, "{}", report.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_are_those_of_the_view() {
    let (_tenant, session) = lake().await;
    let savings = reports().iter().find(|report| report.name == "savings").unwrap();
    let at = savings.sections.iter().position(|section| section.name == "by_month").unwrap();
    let each = ScopeSelection::Each(ReportScope::CustomerTenant);
    let each = told(&session, savings, &parameters(each)).await.unwrap();
    let sql = "select scope_id, billing_currency, cast(sum(list_cost) as varchar), \
               cast(sum(savings) as varchar) from savings where scope_type = 'customer_tenant' \
               group by scope_id, billing_currency";
    let viewed = rows(&session, sql).await;
    let mut found = 0;
    for row in viewed {
        let [scope, currency, list_cost, saved] = &row[..] else { panic!("{row:?}") };
        let scope = (scope != "NULL").then(|| scope.clone());
        let totals = &each[&scope].sections[at].totals;
        let of_currency =
            totals.iter().find(|((_, of), _)| of.as_ref() == Some(currency)).unwrap().1;
        let shown = |column: &str| of_currency[column].map(format_decimal).unwrap();
        let plain = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        assert_eq!(shown("list_cost"), plain(list_cost));
        assert_eq!(shown("savings"), plain(saved));
        found += 1;
    }
    assert!(found > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn currency_source_and_months_are_kept_to() {
    let (_tenant, session) = lake().await;
    let report = reports().iter().find(|report| report.name == "list-vs-cost").unwrap();
    let only = ReportParameters {
        currency: Some("EUR".to_owned()),
        months: MonthRange::new(month("2026-08"), month("2026-08")).unwrap(),
        ..parameters(ScopeSelection::All)
    };
    let told_only = told(&session, report, &only).await.unwrap();
    let by_month = &told_only[&None].sections[0];
    assert_eq!(by_month.rows.len(), 1);
    assert_eq!(by_month.rows[0][1..3], [Some("2026-08".to_owned()), Some("EUR".to_owned())]);
    let focus = reports().iter().find(|report| report.name == "focus").unwrap();
    let told_focus = told(&session, focus, &only).await.unwrap();
    let totals = &told_focus[&None].sections[0].totals;
    assert_eq!(totals.len(), 1, "FOCUS names its currency and source otherwise");
    let every = told(&session, focus, &parameters(ScopeSelection::All)).await.unwrap();
    assert_eq!(every[&None].sections[0].totals.len(), 3, "currencies are never added");
    let nobody = ReportParameters { source: Some("nobody".to_owned()), ..only };
    let nothing = told(&session, report, &nobody).await.unwrap();
    assert!(nothing[&None].sections.iter().all(|section| section.rows.is_empty()));
}

/// Azure leaves ids empty where it does not know them, and what stands idle costs all the same.
#[tokio::test(flavor = "multi_thread")]
async fn idle_cost_of_nameless_commitments_is_in_every_scope() {
    let july = month("2026-07");
    let (tenant, _) = Tenant::generated(&GeneratorOptions { months: vec![july], ..small() });
    let dataset = DatasetType::AmortizedCost;
    let (_, manifest) = tenant.part_and_manifest(dataset, july);
    for part in tenant.blobs(dataset, july).iter().filter(|blob| blob.extension().unwrap() == "csv")
    {
        edit_part(part, &manifest, |text| without_order_ids(&text));
    }
    tenant.ingest(&tenant.request()).await;
    let session = tenant.session().await;
    let idle = |view: &str, scope_type: &str| {
        format!(
            "select billing_currency, cast(sum(unused_cost) as varchar) from {view} \
             where scope_type = '{scope_type}' group by 1 order by 1"
        )
    };
    let expected = rows(&session, &idle("savings", "billing_account")).await;
    assert_eq!(expected.len(), 3, "{expected:?}");
    for scope in ReportScope::ALL {
        let placed = rows(&session, &idle("scope_commitment_months", scope.name())).await;
        assert_eq!(placed, expected, "{scope}");
    }
    let nameless = "select count(*) > 0 from scope_commitment_months where order_id is null";
    assert_eq!(rows(&session, nameless).await, [["true"]]);
    let unused = reports().iter().find(|report| report.name == "unused").unwrap();
    let only_july =
        ReportParameters { months: MonthRange::new(july, july).unwrap(), ..parameters_of_all() };
    let document = &told(&session, unused, &only_july).await.unwrap()[&None];
    for section in &document.sections {
        let told: Vec<Vec<String>> = section
            .totals
            .iter()
            .map(|((_, currency), totals)| {
                vec![currency.clone().unwrap(), format_decimal(totals["unused_cost"].unwrap())]
            })
            .collect();
        let plain = |row: &Vec<String>| {
            let digits = row[1].trim_end_matches('0').trim_end_matches('.');
            vec![row[0].clone(), digits.to_owned()]
        };
        assert_eq!(told, expected.iter().map(plain).collect::<Vec<_>>());
    }
}

/// Amortized rows of idle reservations without what names their order.
fn without_order_ids(text: &str) -> String {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| {
        let same = |field: &str| field.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
        header.iter().position(same).unwrap_or_else(|| panic!("no {name} in {header:?}"))
    };
    let (charge_type, ids) = (at("chargeType"), [at("benefitId"), at("productOrderId")]);
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    writer.write_record(&header).unwrap();
    for record in reader.records().map(Result::unwrap) {
        let is_idle = &record[charge_type] == "UnusedReservation";
        let fields = record
            .iter()
            .enumerate()
            .map(|(field, text)| if is_idle && ids.contains(&field) { "" } else { text });
        writer.write_record(fields).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn months_that_are_not_final_or_not_there_are_told() {
    let (_tenant, session) = lake().await;
    let range = MonthRange::new(month("2026-05"), month("2026-10")).unwrap();
    let status = DataStatus::read(&session, &range).await.unwrap();
    let source = &status.sources["contoso"];
    assert!(source[&month("2026-05")].is_missing(), "before the first month of the lake");
    assert!(source[&month("2026-09")].is_missing());
    let loaded = &source[&month("2026-08")];
    assert!(loaded.missing.is_empty() && !loaded.is_open, "{loaded:?}");
    let months = DataStatus::loaded_months(&session, None).await.unwrap().unwrap();
    assert_eq!((months.first(), months.last()), (month("2026-07"), month("2026-08")));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_found_by_id_and_name() {
    let (_tenant, session) = lake().await;
    let known = KnownScopes::read(&session, ReportScope::CustomerTenant).await.unwrap();
    let (id, scope) = known.iter().find(|(_, scope)| scope.name.is_some()).unwrap();
    let name = scope.name.as_deref().unwrap();
    assert_eq!(known.find(&id.to_uppercase()).unwrap(), id);
    assert_eq!(known.find(&name.to_lowercase()).unwrap(), id);
    let error = known.find(&name[..name.len() - 1]).unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadConfig);
    assert!(error.hint().unwrap().contains(name), "{error}: {:?}", error.hint());
    assert!(known.find("nobody at all").unwrap_err().hint().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_sql_is_a_report_or_says_why_not() {
    let (_tenant, session) = lake().await;
    let each = || parameters(ScopeSelection::Each(ReportScope::CustomerTenant));
    let one = || {
        let known = ScopeSelection::One {
            scope_type: ReportScope::CustomerTenant,
            scope_id: "x".to_owned(),
        };
        parameters(known)
    };
    let mine = |sql: &str| parse_report("mine", "mine.sql", sql).unwrap();
    let fine = mine(
        "select scope_id, savings from savings where scope_type = $scope_type \
         and billing_month >= $first_month and ($currency is null or billing_currency = $currency) \
         order by billing_month, billing_currency",
    );
    assert!(told(&session, &fine, &each()).await.unwrap().len() > 5);
    let by_hand = mine("select savings from savings where scope_id = $scope_id");
    assert_eq!(told(&session, &by_hand, &one()).await.unwrap().len(), 1);

    for (sql, parameters, reason, hint) in [
        ("select 1 as x", each(), "no column scope_id", "select the scope's id as scope_id"),
        ("select 1 as x", one(), "cannot be kept to one scope", "$scope_id"),
        ("select scope_id from savings limit 3", each(), "limit", "row_number()"),
        ("select scope_id from savings order by 1 limit 3", each(), "limit", "row_number()"),
        (
            "select * from (select scope_id from savings order by 1 limit 3) as t",
            each(),
            "limit",
            "row_number()",
        ),
        ("select scope_id from savings limit 3", one(), "limit", "$scope_id in a filter"),
        (
            "with top as (select customer_tenant_id, cost from priced_cost order by 2 desc limit 3) \
             select customer_tenant_id as scope_id, cost as x_usd from top",
            each(),
            "limit",
            "row_number()",
        ),
        (
            "with some as (select scope_id, cost from savings limit 3) \
             select scope_id, sum(cost) as x_usd from some group by 1",
            each(),
            "limit",
            "row_number()",
        ),
        ("select $first_mont as x", each(), "no parameter $first_mont", "is $first_month meant?"),
        ("explain select 1", parameters_of_all(), "no query", "one select"),
    ] {
        let error = told(&session, &mine(sql), &parameters).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{sql}: {error}");
        assert!(error.hint().unwrap().contains(hint), "{sql}: {:?}", error.hint());
        assert_eq!(error.class(), ErrorClass::BadConfig, "{sql}");
        assert_eq!(error.location().unwrap().to_string(), "mine.sql:1", "{sql}");
    }
    // What is refused while rows are on their way has no place in the text: the query has.
    let mixed = "-- section: a\n-- chart: bars billing_month: cost\n\
                 select billing_month, cost from savings";
    let error = told(&session, &mine(mixed), &parameters_of_all()).await.unwrap_err();
    assert!(error.to_string().contains("cost cannot be drawn: no column billing_currency"));
    let divides = "-- section: a\nselect 1 as x;\n-- section: b\nselect 1 / (count(*) - count(*)) \
                   as x from savings";
    let error = told(&session, &mine(divides), &parameters_of_all()).await.unwrap_err();
    assert!(error.to_string().contains("section b of mine: Divide by zero"), "{error}");
    assert_eq!(error.location().unwrap().to_string(), "mine.sql:4");
    for sql in ["select nope from savings", "drop table savings", "set x = 1"] {
        let error = told(&session, &mine(sql), &parameters_of_all()).await.unwrap_err();
        assert!(
            matches!(error, ReportError::Section { .. } | ReportError::Misfit { .. }),
            "{error}"
        );
    }
    let of_currency = ReportParameters { currency: Some("EUR".to_owned()), ..parameters_of_all() };
    for sql in [
        "select savings from savings",
        "select sum(savings) as savings from savings where $currency is not null",
        "select sum(savings) as savings from savings where billing_currency = $currency or true",
    ] {
        let error = told(&session, &mine(sql), &of_currency).await.unwrap_err();
        assert!(error.to_string().contains("no column billing_currency"), "{error}");
    }
    let dearest = "select billing_currency, cost from savings order by cost desc limit 3";
    for cut in [
        dearest.to_owned(),
        // Naming the currency keeps no rows.
        dearest.replace("cost from", "cost, $currency as asked from"),
        format!(
            "with dearest as ({dearest}) select billing_currency, sum(cost) as cost from dearest group by 1"
        ),
        format!("({dearest}) union all select billing_currency, cost from savings"),
        format!(
            "select t.billing_currency, m.cost from ({dearest}) t join margin m on t.billing_currency = m.billing_currency"
        ),
        format!(
            "select billing_currency, cost from ({dearest}) where billing_currency = $currency"
        ),
        format!(
            "select c as billing_currency from (select billing_currency as c from ({dearest}))"
        ),
        dearest.replace("order by", "where $currency is not null order by"),
        dearest.replace("order by", "where billing_currency <> $currency order by"),
        dearest.replace("order by", "where not (billing_currency = $currency) order by"),
        dearest.replace("order by", "where (billing_currency = $currency) is not null order by"),
        dearest.replace("order by", "where billing_currency = $currency or cost > 1 order by"),
        "select billing_currency from (select a.billing_currency from savings a \
         left join margin b on a.billing_month = b.billing_month and b.billing_currency = $currency) \
         limit 3"
            .to_owned(),
        "select billing_currency from savings cross join \
         (select 1 as one from margin where billing_currency = $currency) limit 3"
            .to_owned(),
        "select billing_currency from (select a.billing_currency from savings a \
         join (select * from margin where billing_currency = $currency) b \
         on a.billing_month = b.billing_month) limit 3"
            .to_owned(),
        "select distinct on (billing_month) billing_currency from savings".to_owned(),
        "select billing_currency from (select billing_currency from savings \
         where billing_currency = $currency union all select billing_currency from margin) limit 3"
            .to_owned(),
    ] {
        let error = told(&session, &mine(&cut), &of_currency).await.unwrap_err();
        assert!(error.hint().unwrap().contains("$currency in a filter"), "{cut}: {error}");
    }
    let kept = "select billing_currency, cost from savings where billing_currency = $currency \
                order by cost desc limit 3";
    for kept in [
        kept.to_owned(),
        format!("with dearest as ({kept}) select billing_currency, cost from dearest order by 2"),
        // A value that is asked for is no row that is cut.
        "select billing_currency, cost from savings where billing_month = \
         (select billing_month from savings order by 1 desc limit 1)"
            .to_owned(),
        kept.replace(
            "= $currency",
            "in (select billing_currency from margin where billing_currency = $currency)",
        ),
        kept.replace("billing_currency = $currency", "billing_currency like $currency"),
        kept.replace("billing_currency = $currency", "not (billing_currency <> $currency)"),
        kept.replace(
            "billing_currency = $currency",
            "coalesce(billing_currency = $currency, true)",
        ),
        kept.replace("billing_currency = $currency", "billing_currency = (select $currency)"),
        kept.replace(
            "billing_currency = $currency",
            "exists (select 1 from margin m where m.billing_currency = savings.billing_currency \
             and m.billing_currency = $currency)",
        ),
        "select savings.billing_currency, savings.cost from savings \
         join (select distinct billing_currency from margin where billing_currency = $currency) m \
         on savings.billing_currency = m.billing_currency order by 2 limit 3"
            .to_owned(),
        "select distinct on (billing_currency) billing_currency, cost from savings".to_owned(),
        "select m.billing_month, billing_currency, cost from savings \
         join (select billing_month from months order by 1 limit 1) m \
         on savings.billing_month = m.billing_month"
            .to_owned(),
        "with last as (select billing_month from months order by 1 desc limit 1) \
         select billing_currency, cost from savings cross join last"
            .to_owned(),
    ] {
        let documents = told(&session, &mine(&kept), &of_currency).await;
        assert_eq!(documents.unwrap_or_else(|error| panic!("{kept}: {error}")).len(), 1);
    }
    let of_source = ReportParameters { source: Some("contoso".to_owned()), ..parameters_of_all() };
    let error = told(&session, &mine("select savings from savings"), &of_source).await.unwrap_err();
    assert!(error.to_string().contains("no column source"), "{error}");
    for header in ["totals: nope", "chart: bars nope: x", "chart: bars x: nope", "aside: nope"] {
        let mine = mine(&format!("-- section: a\n-- {header}\nselect 1 as x"));
        let error = told(&session, &mine, &parameters_of_all()).await.unwrap_err();
        assert!(error.to_string().contains("no column nope"), "{header}: {error}");
        assert!(error.hint().is_some(), "{header}");
    }
}

fn parameters_of_all() -> ReportParameters {
    parameters(ScopeSelection::All)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_scope_says_what_cannot_be_told() {
    let (tenant, _) = Tenant::generated(&small());
    let subscription = Tenant::new();
    subscription.generate(&GeneratorOptions { scope: ScopeType::Subscription, ..small() });
    tenant.ingest(&tenant.request()).await;
    let request = IngestRequest { source: "retail".parse().unwrap(), ..subscription.request() };
    tenant.ingest(&request).await;
    let session = tenant.session().await;
    let range = MonthRange::new(month("2026-07"), month("2026-08")).unwrap();
    let status = DataStatus::read(&session, &range).await.unwrap();
    assert!(status.sources["retail"].values().any(|month| month.at_subscription_scope));
    assert!(!status.sources["contoso"].values().any(|month| month.at_subscription_scope));
    let savings = reports().iter().find(|report| report.name == "savings").unwrap();
    let only = ReportParameters { source: Some("retail".to_owned()), ..parameters_of_all() };
    let document = &told(&session, savings, &only).await.unwrap()[&None];
    let at = savings.sections.iter().position(|section| section.name == "by_month").unwrap();
    for totals in document.sections[at].totals.values() {
        assert_eq!(totals["savings"], None, "unknown, not 0");
    }
    assert!(!document.sections[at].rows.is_empty());
    // Both sources in one document are never added.
    let both = &told(&session, savings, &parameters_of_all()).await.unwrap()[&None];
    let sources: std::collections::BTreeSet<_> =
        both.sections[at].totals.keys().map(|(source, _)| source.clone().unwrap()).collect();
    assert_eq!(sources.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_scopes_tell_is_not_mixed() {
    let (tenant, _) = Tenant::generated(&small());
    let narrow = Tenant::new();
    narrow.generate(&GeneratorOptions { scope: ScopeType::Subscription, ..small() });
    let (july, august) = (month("2026-07"), month("2026-08"));
    let request = |source: &str, of: IngestRequest, at| IngestRequest {
        source: source.parse().unwrap(),
        months: Some([at].into()),
        ..of
    };
    // A source that is widened from one month to the next, and ones of which only one file is.
    tenant.ingest(&request("walks", narrow.request(), july)).await;
    tenant.ingest(&request("walks", tenant.request(), august)).await;
    tenant.ingest(&request("half", narrow.request(), august)).await;
    tenant.ingest(&request("half", tenant.actual_request(), august)).await;
    tenant.ingest(&request("other_half", tenant.request(), august)).await;
    tenant.ingest(&request("other_half", narrow.actual_request(), august)).await;
    let session = tenant.session().await;
    let scopes = "select source, scope_type from month_scopes where billing_month = '2026-08' \
                  order by source";
    assert_eq!(
        rows(&session, scopes).await,
        [["half", "subscription"], ["other_half", "billing_account"], ["walks", "billing_account"]]
    );

    let report = |name: &str| reports().iter().find(|report| report.name == name).unwrap();
    let section = |of: &ReportDefinition, name: &str| {
        of.sections.iter().position(|section| section.name == name).unwrap()
    };
    let all = parameters_of_all();
    let of_source = |totals: &Totals, source: &str| {
        let of = totals.iter().filter(|((of, _), _)| of.as_deref() == Some(source));
        let of: Vec<BTreeMap<String, Option<i128>>> = of.map(|(_, sums)| sums.clone()).collect();
        assert!(!of.is_empty(), "{source}");
        of
    };
    for (name, of) in [("savings", "by_part"), ("customers", "customers")] {
        let document = &told(&session, report(name), &all).await.unwrap()[&None];
        let totals = &document.sections[section(report(name), of)].totals;
        let savings = |source: &str| -> Vec<Option<i128>> {
            of_source(totals, source).iter().map(|sums| sums["savings"]).collect()
        };
        assert!(savings("half").iter().all(Option::is_none), "retail prices tell no savings");
        assert!(savings("other_half").iter().all(Option::is_some));
        // By month and by customer it is the same, and no percentage is made of all list
        // cost and some of the savings.
        let months = section(report(name), "by_month");
        for (key, sums) in totals.iter().filter(|((of, _), _)| of.as_deref() == Some("walks")) {
            let by_month = &document.sections[months].totals[key];
            for column in ["list_cost", "cost", "unused_cost", "savings", "unpriced_cost"] {
                assert_eq!(sums[column], by_month[column], "{name} {column} {key:?}");
            }
            assert!(sums["savings"].is_some());
        }
    }
    let margins = "select source, billing_month, sum(margin) is null, \
                   sum(cost) = sum(unbilled_cost) from margin group by 1, 2 order by 1, 2";
    assert_eq!(
        rows(&session, margins).await,
        [
            ["half", "2026-08", "true", "true"],
            ["other_half", "2026-08", "false", "false"],
            ["walks", "2026-07", "true", "true"],
            ["walks", "2026-08", "false", "false"],
        ]
    );

    // What the narrower of two files does not show is not free of cost.
    let invoiced = "select source, count(invoiced_cost) > 0 from scope_costs \
                    where scope_type = 'source' and member_type = 'whole' group by 1 order by 1";
    assert_eq!(
        rows(&session, invoiced).await,
        [["half", "false"], ["other_half", "false"], ["walks", "true"]]
    );
    let status = DataStatus::read(&session, &all.months).await.unwrap();
    assert!(status.sources["half"][&august].at_two_scopes);
    assert!(status.sources["half"][&august].at_subscription_scope);
    assert!(status.sources["other_half"][&august].at_two_scopes);
    assert!(!status.sources["walks"][&august].at_two_scopes);

    // A month against one that is seen at another scope has not moved: it is unknown.
    let list_vs_cost = report("list-vs-cost");
    let document = &told(&session, list_vs_cost, &all).await.unwrap()[&None];
    let movers = &document.sections[section(list_vs_cost, "movers")];
    for sums in of_source(&movers.totals, "walks") {
        assert_eq!((sums["previous_cost"], sums["change"]), (None, None));
        assert!(sums["last_cost"].is_some());
    }
    let reason = Some("month before seen at another scope".to_owned());
    assert!(movers.rows.iter().any(|row| row.contains(&reason)), "{:?}", movers.rows);
}
