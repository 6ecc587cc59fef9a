//! `current_date` as a session setting, so that answers can be repeated.
//!
//! Input: a day. Output: a function of DataFusion's name that gives that day.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `current_date` (also `today`) that is always this day, in days since
/// 1970-01-01.
pub fn fixed_current_date(day: i32) -> ScalarUDF {
    ScalarUDF::from(FixedDate {
        day,
        signature: Signature::nullary(Volatility::Immutable),
        aliases: vec!["today".to_owned()],
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FixedDate {
    day: i32,
    signature: Signature,
    aliases: Vec<String>,
}

impl ScalarUDFImpl for FixedDate {
    fn name(&self) -> &str {
        "current_date"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Date32(Some(self.day))))
    }
}
