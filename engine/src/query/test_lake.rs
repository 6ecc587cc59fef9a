//! Small lakes for tests, written by hand: Parquet files and a Delta log.

use std::fs::{self, File};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, max, max_string, min, min_string};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::{QueryError, Session, SessionOptions};
use crate::commit::{Lake, LakeTable};
use crate::model::money::format_decimal;

/// A lake in a temporary folder.
pub(crate) struct TestLake {
    folder: tempfile::TempDir,
}

/// One data file: partition values in folder order, and its rows.
pub(crate) struct TestFile<'a> {
    pub(crate) partition: &'a [&'a str],
    pub(crate) rows: RecordBatch,
}

impl TestLake {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    pub(crate) fn lake(&self) -> Lake {
        Lake::at(self.path(), Default::default()).unwrap()
    }

    pub(crate) async fn session(&self) -> Session {
        let options = SessionOptions { threads: Some(2), ..SessionOptions::default() };
        Session::open(&self.lake(), &options).await.unwrap()
    }

    /// Creates a table with these files in version 0.
    pub(crate) fn create(&self, table: LakeTable, files: &[TestFile<'_>]) {
        self.create_with(table, files, &table.schema(), json!(table.properties()), json!([]));
    }

    pub(crate) fn create_with(
        &self,
        table: LakeTable,
        files: &[TestFile<'_>],
        schema: &SchemaRef,
        properties: Value,
        reader_features: Value,
    ) {
        let kernel: StructType = schema.as_ref().try_into_kernel().unwrap();
        let protocol = if reader_features.as_array().unwrap().is_empty() {
            json!({"minReaderVersion": 1, "minWriterVersion": 2})
        } else {
            json!({"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": reader_features, "writerFeatures": reader_features})
        };
        let metadata = json!({
            "id": format!("00000000-0000-0000-0000-00000000000{}", LakeTable::ALL.iter().position(|known| *known == table).expect("a table of the lake")),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": serde_json::to_string(&kernel).unwrap(),
            "partitionColumns": table.partition_columns(),
            "configuration": properties,
            "createdTime": 0,
        });
        let mut log =
            format!("{}\n{}\n", json!({"protocol": protocol}), json!({"metaData": metadata}));
        for (number, file) in files.iter().enumerate() {
            log.push_str(&self.add(table, number, file));
            log.push('\n');
        }
        let folder = self.folder.path().join(table.name()).join("_delta_log");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("00000000000000000000.json"), log).unwrap();
    }

    /// Writes a data file; its action for the log.
    fn add(&self, table: LakeTable, number: usize, file: &TestFile<'_>) -> String {
        let mut folder = self.folder.path().join(table.name());
        let mut logged = String::new();
        let mut values = serde_json::Map::new();
        for (column, value) in table.partition_columns().iter().zip(file.partition) {
            // Hive folders encode once; the log encodes the path again.
            let encoded = value.replace(' ', "%20");
            folder.push(format!("{column}={encoded}"));
            logged.push_str(&format!("{column}={}/", encoded.replace('%', "%25")));
            values.insert((*column).to_owned(), json!(value));
        }
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("part-{number}.parquet"));
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let output = File::create(&path).unwrap();
        let mut writer =
            ArrowWriter::try_new(output, file.rows.schema(), Some(properties)).unwrap();
        writer.write(&file.rows).unwrap();
        writer.close().unwrap();
        let size = fs::metadata(&path).unwrap().len();
        let stats = serde_json::to_string(&statistics(&file.rows)).unwrap();
        // Decimals stand in the log as numbers with all their digits, which
        // serde_json's own numbers would lose.
        let stats = stats.replace("\"#", "").replace("#\"", "");
        json!({"add": {"path": format!("{logged}part-{number}.parquet"), "size": size,
            "partitionValues": values, "modificationTime": 1_700_000_000_000_i64,
            "dataChange": true, "stats": stats}})
        .to_string()
    }
}

fn statistics(rows: &RecordBatch) -> Value {
    let (mut minima, mut maxima) = (serde_json::Map::new(), serde_json::Map::new());
    let mut nulls = serde_json::Map::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        nulls.insert(field.name().clone(), json!(column.null_count()));
        if let (Some(low), Some(high)) = bounds(column) {
            minima.insert(field.name().clone(), json!(low));
            maxima.insert(field.name().clone(), json!(high));
        }
    }
    json!({"numRecords": rows.num_rows(), "minValues": minima, "maxValues": maxima,
        "nullCount": nulls})
}

fn bounds(column: &ArrayRef) -> (Option<String>, Option<String>) {
    match column.data_type() {
        DataType::Decimal128(38, 18) => {
            let values = column.as_primitive::<Decimal128Type>();
            let text = |raw: i128| format!("#{}#", format_decimal(raw));
            (min(values).map(text), max(values).map(text))
        }
        DataType::Date32 => {
            let values = column.as_primitive::<Date32Type>();
            let text = |day: i32| Date32Type::to_naive_date_opt(day).unwrap().to_string();
            (min(values).map(text), max(values).map(text))
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            (min_string(values).map(str::to_owned), max_string(values).map(str::to_owned))
        }
        _ => (None, None),
    }
}

/// Rows of a table's files with some columns given as text, `""` being NULL,
/// and the others NULL.
pub(crate) fn rows(table: LakeTable, columns: &[(&str, &[&str])]) -> RecordBatch {
    let all = table.schema();
    let count = all.fields().len() - table.partition_columns().len();
    let schema: SchemaRef = Arc::new(all.project(&(0..count).collect::<Vec<_>>()).unwrap());
    let length = columns.first().map_or(0, |(_, values)| values.len());
    let arrays = schema
        .fields()
        .iter()
        .map(|field| match columns.iter().find(|(name, _)| name == field.name()) {
            Some((_, values)) => typed(values, field.data_type()),
            None => new_null_array(field.data_type(), length),
        })
        .collect();
    assert!(columns.iter().all(|(name, _)| schema.index_of(name).is_ok()), "unknown column");
    RecordBatch::try_new(schema, arrays).unwrap()
}

/// Only some columns of a table's files, as an older writer would leave them.
pub(crate) fn only(rows: &RecordBatch, columns: &[&str]) -> RecordBatch {
    let indices: Vec<usize> =
        columns.iter().map(|name| rows.schema().index_of(name).unwrap()).collect();
    rows.project(&indices).unwrap()
}

fn typed(values: &[&str], data_type: &DataType) -> ArrayRef {
    let texts: StringArray =
        values.iter().map(|value| (!value.is_empty()).then_some(*value)).collect();
    // Not the lenient cast: it would turn what it cannot read into NULL.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&texts, data_type, &options).unwrap()
}

/// A statement's rows as text, columns joined by `|`, NULL as `NULL`.
pub(crate) async fn answer(session: &Session, sql: &str) -> Result<Vec<String>, QueryError> {
    let batches: Vec<RecordBatch> = session.execute(sql).await?.try_collect().await?;
    let options = FormatOptions::default().with_null("NULL");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> =
                columns.iter().map(|column| column.value(row).to_string()).collect();
            lines.push(cells.join("|"));
        }
    }
    Ok(lines)
}

/// The names and types of a statement's columns.
pub(crate) async fn answer_schema(session: &Session, sql: &str) -> Arc<Schema> {
    session.execute(sql).await.unwrap().schema()
}

/// A statement's physical plan.
pub(crate) async fn plan(session: &Session, sql: &str) -> String {
    answer(session, &format!("explain {sql}")).await.unwrap().join("\n")
}
