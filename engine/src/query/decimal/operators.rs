//! `+ - * /` between decimals as functions, and the planner that puts them in.
//!
//! Input: SQL operators with a decimal on at least one side. Output: calls of
//! `dec_add`, `dec_sub`, `dec_mul`, `dec_div` that keep the operator's column
//! name. Never touches floats, dates, or operators between integers.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::compute::{try_binary, try_unary};
use arrow::datatypes::{DataType, Decimal128Type};
use arrow::error::ArrowError;
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::exact::{ArithmeticError, Product, Quotient, Sum};
use crate::model::money::{DECIMAL_PRECISION, DECIMAL_SCALE, format_decimal};

/// The type of every result.
pub const RESULT_TYPE: DataType = DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operation {
    const ALL: [Self; 4] = [Self::Add, Self::Subtract, Self::Multiply, Self::Divide];

    fn of(operator: &BinaryOperator) -> Option<Self> {
        match operator {
            BinaryOperator::Plus => Some(Self::Add),
            BinaryOperator::Minus => Some(Self::Subtract),
            BinaryOperator::Multiply => Some(Self::Multiply),
            BinaryOperator::Divide => Some(Self::Divide),
            _ => None,
        }
    }

    fn function_name(self) -> &'static str {
        match self {
            Self::Add => "dec_add",
            Self::Subtract => "dec_sub",
            Self::Multiply => "dec_mul",
            Self::Divide => "dec_div",
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }

    fn function(self) -> &'static Arc<ScalarUDF> {
        static FUNCTIONS: LazyLock<[Arc<ScalarUDF>; 4]> = LazyLock::new(|| {
            Operation::ALL.map(|operation| Arc::new(ScalarUDF::from(Operator::new(operation))))
        });
        &FUNCTIONS[self as usize]
    }
}

/// The four functions.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    Operation::ALL.map(|operation| Arc::clone(operation.function())).to_vec()
}

/// Plans SQL operators with a decimal side as calls of the functions.
pub fn planner() -> Arc<dyn ExprPlanner> {
    Arc::new(DecimalPlanner)
}

#[derive(Debug)]
struct DecimalPlanner;

impl ExprPlanner for DecimalPlanner {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let Some(operation) = Operation::of(&expr.op) else {
            return Ok(PlannerResult::Original(expr));
        };
        // A side whose type cannot be told yet is the stock planner's to name.
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema))
        else {
            return Ok(PlannerResult::Original(expr));
        };
        let is_ours = (is_decimal(&left) || is_decimal(&right))
            && operand_type(&left).is_some()
            && operand_type(&right).is_some();
        if !is_ours {
            return Ok(PlannerResult::Original(expr));
        }
        Ok(PlannerResult::Planned(operation.function().call(vec![expr.left, expr.right])))
    }
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..)
    )
}

/// The decimal an operand is read as; `None` for types that do not mix.
fn operand_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if *scale >= 0 =>
        {
            Some(DataType::Decimal128(*precision, *scale))
        }
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => Some(DataType::Decimal128(20, 0)),
        // A text literal is read as a number, as PostgreSQL does.
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Null
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View => Some(RESULT_TYPE),
        _ => None,
    }
}

/// One operator as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Operator {
    operation: Operation,
    signature: Signature,
}

impl Operator {
    fn new(operation: Operation) -> Self {
        Self { operation, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Operator {
    fn name(&self) -> &str {
        self.operation.function_name()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [left, right] => Ok(format!(
                "{} {} {}",
                left.schema_name(),
                self.operation.symbol(),
                right.schema_name()
            )),
            _ => plan_err!("{} takes two arguments", self.name()),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [left, right] => match (operand_type(left), operand_type(right)) {
                (Some(left), Some(right)) => Ok(vec![left, right]),
                _ => plan_err!("{} takes decimals and integers", self.name()),
            },
            _ => plan_err!("{} takes two arguments", self.name()),
        }
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(RESULT_TYPE)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return plan_err!("{} takes two arguments", self.name());
        };
        let (left_scale, right_scale) = (scale_of(left)?, scale_of(right)?);
        let symbol = self.operation.symbol();
        match self.operation {
            Operation::Add => {
                let sum = Sum::new(left_scale, right_scale);
                apply(left, right, symbol, |left, right| sum.of(left, right))
            }
            Operation::Subtract => {
                let sum = Sum::new(left_scale, right_scale);
                // No decimal is i128::MIN, so negation cannot overflow.
                apply(left, right, symbol, |left, right| sum.of(left, right.wrapping_neg()))
            }
            Operation::Multiply => {
                let product = Product::new(left_scale, right_scale);
                apply(left, right, symbol, |left, right| product.of(left, right))
            }
            Operation::Divide => {
                let quotient = Quotient::new(left_scale, right_scale);
                apply(left, right, symbol, |left, right| quotient.of(left, right))
            }
        }
    }
}

fn scale_of(value: &ColumnarValue) -> Result<i8> {
    match value.data_type() {
        DataType::Decimal128(_, scale) if scale >= 0 => Ok(scale),
        other => plan_err!("expected a decimal operand, found {other}"),
    }
}

/// Applies an operation row by row; NULL on either side is NULL.
fn apply(
    left: &ColumnarValue,
    right: &ColumnarValue,
    symbol: &'static str,
    operation: impl Fn(i128, i128) -> Result<i128, ArithmeticError>,
) -> Result<ColumnarValue> {
    // The operands stand in the message as raw values only where both have 18
    // decimals; other scales are rare enough to leave them out.
    let scales_are_ours = [left, right].iter().all(|side| side.data_type() == RESULT_TYPE);
    let checked = |left: i128, right: i128| {
        operation(left, right).map_err(|error| {
            let operands = if scales_are_ours {
                format!("{} {symbol} {}", format_decimal(left), format_decimal(right))
            } else {
                format!("decimal {symbol}")
            };
            ArrowError::ComputeError(format!("{operands}: {error}"))
        })
    };
    let array: Decimal128Array = match (left, right) {
        (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
            let raw = match (raw(left)?, raw(right)?) {
                (Some(left), Some(right)) => Some(checked(left, right)?),
                _ => None,
            };
            let scalar = ScalarValue::Decimal128(raw, DECIMAL_PRECISION, DECIMAL_SCALE);
            return Ok(ColumnarValue::Scalar(scalar));
        }
        (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => match raw(right)? {
            Some(right) => try_unary(decimals(left), |left| checked(left, right))?,
            None => nulls(left.len()),
        },
        (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => match raw(left)? {
            Some(left) => try_unary(decimals(right), |right| checked(left, right))?,
            None => nulls(right.len()),
        },
        (ColumnarValue::Array(left), ColumnarValue::Array(right)) => {
            try_binary(decimals(left), decimals(right), checked)?
        }
    };
    // The data type only; every value was checked against 38 digits.
    let array: ArrayRef = Arc::new(array.with_data_type(RESULT_TYPE));
    Ok(ColumnarValue::Array(array))
}

fn decimals(array: &ArrayRef) -> &Decimal128Array {
    array.as_primitive::<Decimal128Type>()
}

fn nulls(len: usize) -> Decimal128Array {
    Decimal128Array::new_null(len)
}

fn raw(value: &ScalarValue) -> Result<Option<i128>> {
    match value {
        ScalarValue::Decimal128(raw, ..) => Ok(*raw),
        other => Err(DataFusionError::Internal(format!("{other:?} is no decimal"))),
    }
}
