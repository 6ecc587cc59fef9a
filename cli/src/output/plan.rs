//! EXPLAIN and EXPLAIN ANALYZE: plans as indented text, not squeezed in a box.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::cell::{Cells, Spelling, unpacked};
use super::{OutputError, ResultWriter};

/// Columns of the rule above a plan.
const RULE_WIDTH: usize = 60;

/// Whether the result is DataFusion's answer to EXPLAIN.
pub fn is_plan(schema: &SchemaRef) -> bool {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names == ["plan_type", "plan"]
}

pub struct PlanWriter<'a> {
    out: &'a mut (dyn Write + Send),
}

impl<'a> PlanWriter<'a> {
    pub fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out }
    }
}

impl ResultWriter for PlanWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let refused = |error| OutputError::value("table", error);
        let columns = unpacked(batch).map_err(refused)?;
        let kinds = Cells::new(&columns[0], Spelling::Spaced).map_err(refused)?;
        let plans = Cells::new(&columns[1], Spelling::Spaced).map_err(refused)?;
        for row in 0..batch.num_rows() {
            let (mut kind, mut plan) = (String::new(), String::new());
            kinds.push_text(row, &mut kind).map_err(refused)?;
            plans.push_text(row, &mut plan).map_err(refused)?;
            let rule = "─".repeat(RULE_WIDTH.saturating_sub(kind.chars().count() + 4));
            writeln!(self.out, "── {kind} {rule}\n{}\n", plan.trim_end())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}
