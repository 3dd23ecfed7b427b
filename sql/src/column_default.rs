//! What a column gets in rows that do not name it.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::parser::Parser;
use frostline_catalog::schema::Column;

use crate::error::Error;
use crate::expression::{constant, evaluate, physical};
use crate::fit::Fit;
use crate::parameters::Parameters;
use crate::parse::FrostlineDialect;
use crate::planning::number;

/// The values of a column in rows that do not name it: its default, or NULL.
///
/// * They are of the column's type.
/// * A default such as `uuid()` is computed for each row, any other once.
pub(crate) enum ColumnDefault {
    /// The same value in every row.
    Constant(ScalarValue),
    /// Another value in each row.
    Volatile { value: Arc<dyn PhysicalExpr>, fit: Box<Fit> },
}

impl ColumnDefault {
    /// The default of a column.
    pub(crate) fn new(state: &SessionState, column: &Column) -> Result<Self, Error> {
        let planned = default_expression(state, column)?;
        let value = physical(state, planned.clone())?;
        let fit = Fit::new(state, column.name.as_str(), column.data_type.clone());
        if planned.is_volatile() {
            return Ok(Self::Volatile { value, fit: Box::new(fit) });
        }
        let fitting = fit.values(&rows_of(value.as_ref(), 1)?)?;
        Ok(Self::Constant(ScalarValue::try_from_array(&fitting, 0)?))
    }

    /// The values in so many rows.
    pub(crate) fn rows(&self, count: usize) -> Result<ArrayRef, Error> {
        match self {
            Self::Constant(value) => Ok(value.to_array_of_size(count)?),
            Self::Volatile { value, fit } => fit.values(&rows_of(value.as_ref(), count)?),
        }
    }
}

/// The syntax tree of a column's default.
pub(crate) fn default_ast(column: &Column) -> Result<ast::Expr, Error> {
    let Some(text) = &column.default else {
        return Ok(ast::Expr::Value(ast::Value::Null.with_empty_span()));
    };
    let parsed = Parser::new(&FrostlineDialect).try_with_sql(text).and_then(|mut parser| parser.parse_expr());
    parsed.map_err(|error| Error::statement(format!("the default `{text}` cannot be read: {error}")))
}

/// The expression of a column's default.
pub(crate) fn default_expression(state: &SessionState, column: &Column) -> Result<Expr, Error> {
    let default = default_ast(column)?;
    match number::spelled(&default, &column.data_type) {
        Some(exact) => Ok(Expr::Literal(exact, None)),
        None => constant(state, &default, &Parameters::none()),
    }
}

/// Refuses a default that does not fit its column, as far as that can be told before a row is written.
pub(crate) fn check_default(state: &SessionState, default: &ast::Expr, fit: Fit) -> Result<(), Error> {
    let planned = constant(state, default, &Parameters::none())?;
    if planned.is_volatile() {
        fit.expression(planned, &DFSchema::empty())?;
    } else {
        fit.values(&evaluate(state, default, &Parameters::none())?.to_array()?)?;
    }
    Ok(())
}

fn rows_of(value: &dyn PhysicalExpr, count: usize) -> Result<ArrayRef, Error> {
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    let rows = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    Ok(value.evaluate(&rows)?.into_array(count)?)
}
