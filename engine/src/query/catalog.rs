//! The catalog: every table and view with its columns, in Rust and in SQL.
//!
//! Input: columns of tables, definitions of views. Output: their descriptions, the names
//! that need quotes, and the views `catalog_tables` and `catalog_columns`. These are
//! constant rows, so that they work wherever a plan can be sent.

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::datasource::{TableProvider as _, ViewTable};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, col, lit};

use super::scan::SnapshotTable;
use super::statements::MixedCaseNames;
use crate::commit::{LakeTable, TableSnapshot};
use crate::views::{ViewColumn, ViewDefinition};

/// What answers to a name in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// Rows of the lake.
    Table,
    /// A query over tables.
    View,
}

impl TableKind {
    /// As `catalog_tables.table_type` says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

/// A column of a table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Its type in answers, where that is known without planning a view.
    pub data_type: Option<DataType>,
    /// What it means, with its unit.
    pub description: String,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDescription {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// What it holds, or the question it answers.
    pub description: String,
    /// What one row is.
    pub grain: String,
    /// Its columns, in order.
    pub columns: Vec<ColumnDescription>,
}

/// All tables and views.
pub(super) struct Catalog {
    described: Vec<TableDescription>,
    names: MixedCaseNames,
}

impl Catalog {
    /// Tables with the columns they have, the views over them, and the two of the catalog
    /// itself, in this order.
    pub(super) fn new(
        tables: impl IntoIterator<Item = (LakeTable, SchemaRef)>,
        views: &[ViewDefinition],
    ) -> Self {
        let mut described: Vec<TableDescription> =
            tables.into_iter().map(|(table, schema)| describe_table(table, &schema)).collect();
        described.extend(views.iter().map(describe_view));
        described.extend(own_descriptions());
        let mut names = MixedCaseNames::default();
        for table in &described {
            for column in &table.columns {
                names.add(&table.name, &column.name);
            }
        }
        Self { described, names }
    }

    /// Tables with the columns that this version of ours gives a new lake, and views.
    pub(super) fn expected(views: &[ViewDefinition]) -> Self {
        let schema = |table| SnapshotTable::new(TableSnapshot::empty(table)).schema();
        Self::new(LakeTable::ALL.map(|table| (table, schema(table))), views)
    }

    /// Every table and view, tables first.
    pub(super) fn described(&self) -> &[TableDescription] {
        &self.described
    }

    /// One of them.
    pub(super) fn get(&self, name: &str) -> Option<&TableDescription> {
        self.described.iter().find(|table| table.name == name)
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.described.iter().map(|table| table.name.as_str())
    }

    /// Their columns that have capitals.
    pub(super) fn mixed_case(&self) -> &MixedCaseNames {
        &self.names
    }
}

fn describe_table(table: LakeTable, schema: &Schema) -> TableDescription {
    let column = |field: &FieldRef| ColumnDescription {
        name: field.name().clone(),
        data_type: Some(field.data_type().clone()),
        description: table.column_description(field.name()).unwrap_or_default().to_owned(),
    };
    TableDescription {
        name: table.name().to_owned(),
        kind: TableKind::Table,
        description: table.description().to_owned(),
        grain: table.grain().to_owned(),
        columns: schema.fields().iter().map(column).collect(),
    }
}

/// A view as its file's header describes it.
fn describe_view(view: &ViewDefinition) -> TableDescription {
    let column = |column: &ViewColumn| ColumnDescription {
        name: column.name.clone(),
        data_type: None,
        description: column.description.clone(),
    };
    TableDescription {
        name: view.name.clone(),
        kind: TableKind::View,
        description: view.question.clone(),
        grain: view.grain.clone(),
        columns: view.columns.iter().map(column).collect(),
    }
}

/// Name of the view of tables and views.
pub(super) const TABLES: &str = "catalog_tables";
/// Name of the view of their columns.
pub(super) const COLUMNS: &str = "catalog_columns";

const CATALOG_TABLES: &[(&str, DataType, &str)] = &[
    ("table_name", DataType::Utf8, "Name of the table or view"),
    ("table_type", DataType::Utf8, "table or view"),
    ("description", DataType::Utf8, "What it holds, or the question it answers"),
    ("grain", DataType::Utf8, "What one row is"),
];

const CATALOG_COLUMNS: &[(&str, DataType, &str)] = &[
    ("table_name", DataType::Utf8, "Name of the table or view"),
    ("column_name", DataType::Utf8, "Name of the column"),
    ("ordinal_position", DataType::Int64, "Position of the column, from 1"),
    ("data_type", DataType::Utf8, "Type of the column"),
    ("description", DataType::Utf8, "What the column means, with its unit"),
];

/// The two catalog views' own descriptions.
fn own_descriptions() -> [TableDescription; 2] {
    let describe = |name: &str, question: &str, grain: &str, columns: &[(&str, DataType, &str)]| {
        TableDescription {
            name: name.to_owned(),
            kind: TableKind::View,
            description: question.to_owned(),
            grain: grain.to_owned(),
            columns: columns
                .iter()
                .map(|(name, data_type, description)| ColumnDescription {
                    name: (*name).to_owned(),
                    data_type: Some(data_type.clone()),
                    description: (*description).to_owned(),
                })
                .collect(),
        }
    };
    [
        describe(TABLES, "Which tables and views are there?", "table_name", CATALOG_TABLES),
        describe(
            COLUMNS,
            "Which columns do tables and views have, and what do they mean?",
            "table_name, column_name",
            CATALOG_COLUMNS,
        ),
    ]
}

/// The rows of [`TABLES`].
pub(super) fn tables_view(tables: &[TableDescription]) -> Result<ViewTable> {
    let rows = tables
        .iter()
        .map(|table| {
            vec![
                lit(table.name.as_str()),
                lit(table.kind.name()),
                lit(table.description.as_str()),
                lit(table.grain.as_str()),
            ]
        })
        .collect();
    constant_view(CATALOG_TABLES, rows)
}

/// The rows of [`COLUMNS`]; the types must be known.
pub(super) fn columns_view(tables: &[TableDescription]) -> Result<ViewTable> {
    let rows = tables
        .iter()
        .flat_map(|table| {
            table.columns.iter().zip(1i64..).map(|(column, position)| {
                vec![
                    lit(table.name.as_str()),
                    lit(column.name.as_str()),
                    lit(position),
                    lit(column.data_type.as_ref().map(sql_type).unwrap_or_default()),
                    lit(column.description.as_str()),
                ]
            })
        })
        .collect();
    constant_view(CATALOG_COLUMNS, rows)
}

fn constant_view(columns: &[(&str, DataType, &str)], rows: Vec<Vec<Expr>>) -> Result<ViewTable> {
    // VALUES calls its columns column1, column2, …
    let named = (1..).zip(columns).map(|(position, (name, data_type, _))| {
        cast(col(format!("column{position}")), data_type.clone()).alias(*name)
    });
    let plan = LogicalPlanBuilder::values(rows)?.project(named)?.build()?;
    Ok(ViewTable::new(plan, None))
}

/// A type as SQL names it.
pub fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision},{scale})")
        }
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "integer".to_owned(),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double precision".to_owned(),
        DataType::List(item) => format!("{}[]", sql_type(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), sql_type(field.data_type())))
                .collect();
            format!("struct({})", fields.join(", "))
        }
        other => other.to_string().to_lowercase(),
    }
}
