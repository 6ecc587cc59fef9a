//! What the log says of rows of a bookkeeping table, in Delta's JSON.
//!
//! Of the ledger all there is but its lists: a load writes one row of it, in a file of its
//! own, which readers then need not open. Of the other tables how many rows there are:
//! their partitions tell the rest.

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::commit::LakeTable;

/// A longer text makes the log long, and is asked for in few queries. None is cut: a
/// bound is a value, or is not there.
const TEXT_BYTES_MAX: usize = 512;

pub(super) fn of_rows(table: LakeTable, rows: &RecordBatch) -> String {
    if table != LakeTable::IngestRuns {
        return json!({ "numRecords": rows.num_rows() }).to_string();
    }
    let schema = rows.schema();
    let (mut minima, mut maxima, mut null_counts) = (Map::new(), Map::new(), Map::new());
    for (field, column) in schema.fields().iter().zip(rows.columns()) {
        null_counts.insert(field.name().clone(), column.null_count().into());
        if let Some((low, high)) = bounds(column) {
            minima.insert(field.name().clone(), low);
            maxima.insert(field.name().clone(), high);
        }
    }
    json!({
        "numRecords": rows.num_rows(),
        "minValues": minima,
        "maxValues": maxima,
        "nullCount": null_counts,
    })
    .to_string()
}

/// The lowest and the highest value of a column that has any.
fn bounds(column: &ArrayRef) -> Option<(Value, Value)> {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string();
            let short = |text: &str| (text.len() <= TEXT_BYTES_MAX).then(|| text.into());
            Some((short(min_string::<i32>(texts)?)?, short(max_string::<i32>(texts)?)?))
        }
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>();
            Some((min(numbers)?.into(), max(numbers)?.into()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            // All six digits: fewer would mean that the rest was cut.
            let text = |time: i64| {
                let time = DateTime::from_timestamp_micros(time)?;
                Some(time.to_rfc3339_opts(SecondsFormat::Micros, true).into())
            };
            Some((text(min(times)?)?, text(max(times)?)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListArray, StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn a_ledger_row_is_told_whole_but_for_lists_and_long_texts() {
        let (fits, long) = ("é".repeat(TEXT_BYTES_MAX / 2), "x".repeat(TEXT_BYTES_MAX + 1));
        let list = vec![Some(vec![Some(1)])];
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("fits", Arc::new(StringArray::from(vec![fits.as_str()]))),
            ("long", Arc::new(StringArray::from(vec![long.as_str()]))),
            ("none", Arc::new(StringArray::from(vec![None::<&str>]))),
            ("least", Arc::new(Int64Array::from(vec![i64::MIN]))),
            ("at", Arc::new(TimestampMicrosecondArray::from(vec![1_500_000]).with_timezone("UTC"))),
            ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(list))),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let told: Value = serde_json::from_str(&of_rows(LakeTable::IngestRuns, &rows)).unwrap();
        let values = json!({"fits": fits, "least": i64::MIN, "at": "1970-01-01T00:00:01.500000Z"});
        assert_eq!(told["minValues"], values);
        assert_eq!(told["maxValues"], values);
        let nulls = json!({"fits": 0, "long": 0, "none": 1, "least": 0, "at": 0, "list": 0});
        assert_eq!(told["nullCount"], nulls);
        assert_eq!(told["numRecords"], 1);
        assert_eq!(of_rows(LakeTable::RejectedRows, &rows), r#"{"numRecords":1}"#);
    }
}
