//! How a file is laid out in Parquet: encodings, compression, statistics.

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::model::{Column, ValueKind};

/// Rows of a row group: large enough for dictionaries to pay, small enough that
/// a writer per core stays within tens of megabytes.
pub(super) const ROW_GROUP_ROWS_MAX: usize = 128 * 1024;
/// Rows of a data page, the unit a selective query can skip. Where rows of one customer lie
/// all over a month, no query skips more of smaller pages; a month of the usual 20,000 rows
/// to a page takes 2.5 % more, because zstd sees no further back than a page.
pub(super) const PAGE_ROWS_MAX: usize = 64 << 10;
/// Bytes of a plain page before compression, above which it is closed early. Wide texts are
/// then some 20,000 to a page, and compress better than in pages of 1 MiB.
pub(super) const PAGE_BYTES_TARGET: usize = 4 << 20;
/// Dictionary pages may grow to this before a column falls back to plain.
const DICTIONARY_SIZE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Wide JSON texts nobody filters by range: statistics would be pure cost.
const WITHOUT_STATISTICS: [&str; 2] = ["additional_info", "tags"];
/// Numbers that differ on nearly every row: a dictionary would be built in vain.
const WITHOUT_DICTIONARY: [&str; 6] = [
    "quantity",
    "cost_in_billing_currency",
    "cost_in_pricing_currency",
    "cost_in_usd",
    "payg_cost_in_billing_currency",
    "payg_cost_in_usd",
];

/// Whether a column's minimum and maximum go into its chunks and pages.
pub(super) fn has_statistics(name: &str) -> bool {
    !WITHOUT_STATISTICS.contains(&name)
}

/// Encodings, compression and statistics of a file, for whoever rewrites one.
pub fn writer_properties(columns: &[Column]) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("costlake ", env!("CARGO_PKG_VERSION")).to_owned())
        // Version 1 pages: every engine reads them.
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .set_data_page_row_count_limit(PAGE_ROWS_MAX)
        .set_data_page_size_limit(PAGE_BYTES_TARGET)
        .set_dictionary_page_size_limit(DICTIONARY_SIZE_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Page);
    for column in columns {
        let path = || ColumnPath::from(column.name);
        if WITHOUT_STATISTICS.contains(&column.name) {
            builder = builder.set_column_statistics_enabled(path(), EnabledStatistics::None);
        }
        if WITHOUT_DICTIONARY.contains(&column.name) {
            builder = builder.set_column_dictionary_enabled(path(), false);
        }
    }
    builder.build()
}

/// Whether a column's minimum and maximum go into Delta's statistics.
pub(super) fn has_delta_statistics(name: &str, kind: ValueKind) -> bool {
    const TEXTS: [&str; 10] = [
        "billing_account_id",
        "billing_profile_id",
        "customer_tenant_id",
        "subscription_id",
        "charge_type",
        "pricing_model",
        "billing_currency",
        "meter_category",
        "reservation_id",
        "provider",
    ];
    matches!(kind, ValueKind::Decimal | ValueKind::Rate | ValueKind::Date | ValueKind::Integer)
        || TEXTS.contains(&name)
}
