//! A condition over a row's columns: the expression of a CHECK.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::sql::sqlparser::ast::{self, Ident};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use frostline_catalog::schema::{Column, UTC};

use super::computed;
use crate::column::computed_type;
use crate::context::{Context, fold};
use crate::error::Error;
use crate::expression::{is_subquery, physical_over};
use crate::parse::FrostlineDialect;
use crate::planning::{in_zone, number};

/// A condition over some of a table's columns.
pub(crate) struct Condition {
    text: String,
    places: Vec<usize>,
    schema: SchemaRef,
    expression: Arc<dyn PhysicalExpr>,
}

impl Condition {
    /// The condition that a text spells, over these columns.
    ///
    /// # Errors
    /// If it is no boolean, names another column, or hangs on anything but the row: a subquery, a parameter, other
    /// rows, the time or chance.
    pub(crate) fn new(context: &Context, columns: &[Column], text: &str) -> Result<Self, Error> {
        let mut parsed = read(text)?;
        if holds_subquery(&parsed) {
            return Err(refused("looks at nothing but its row; a subquery looks at more"));
        }
        let field =
            |column: &Column| Field::new(column.name.as_str(), computed_type(&column.data_type), column.nullable);
        let all = Schema::new(columns.iter().map(field).collect::<Vec<Field>>());
        let df_schema = DFSchema::try_from(all)?;
        let state = in_utc(context);
        number::keep_digits(&mut parsed);
        let with_alias = ast::ExprWithAlias { expr: parsed, alias: None };
        let planned = state.create_logical_expr_from_sql_expr(with_alias, &df_schema)?;
        let planned = number::rewrite(planned, &df_schema)?.data;
        check_scope(&planned)?;
        let data_type = planned.get_type(&df_schema)?;
        if data_type != DataType::Boolean {
            return Err(refused("is true or false: write a comparison, as in `CHECK (a > 0)`"));
        }
        let mut places: Vec<usize> = planned
            .column_refs()
            .into_iter()
            .filter_map(|found| columns.iter().position(|column| column.name.as_str() == found.name))
            .collect();
        places.sort_unstable();
        let fields: Vec<Field> = places.iter().filter_map(|place| columns.get(*place)).map(field).collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let own = Arc::new(DFSchema::try_from(Arc::clone(&schema))?);
        let expression = physical_over(&state, planned, &own)?;
        Ok(Self { text: text.to_owned(), places, schema, expression })
    }

    /// The expression as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The places of the columns that it names, in order.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// The values that it looks at, of all of a table's columns.
    pub(super) fn values_of(&self, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>, Error> {
        let mut values: Vec<ArrayRef> = Vec::with_capacity(self.places.len());
        for (place, field) in self.places.iter().zip(self.schema.fields()) {
            let column = columns.get(*place).ok_or_else(|| Error::statement("the rows lack a column of the table"))?;
            values.push(computed(column, field.data_type())?);
        }
        Ok(values)
    }

    /// The first row for which it is false, given the values of its columns.
    pub(crate) fn first_false(&self, values: &[ArrayRef], rows: usize) -> Result<Option<usize>, Error> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let nullable: Vec<Field> =
            self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(nullable)), values.to_vec(), &options)?;
        let outcome = self.expression.evaluate(&batch)?.into_array(rows)?;
        let Some(holds) = outcome.as_boolean_opt() else { return Ok(None) };
        Ok((0..holds.len()).find(|row| holds.is_valid(*row) && !holds.value(*row)))
    }
}

/// The text of a condition in which a column has another name.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn renamed_column(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let mut parsed = read(text)?;
    let _: ControlFlow<()> = ast::visit_expressions_mut(&mut parsed, |expr: &mut ast::Expr| {
        let name: Option<&mut Ident> = match expr {
            ast::Expr::Identifier(ident) => Some(ident),
            ast::Expr::CompoundIdentifier(parts) => parts.first_mut(),
            _ => None,
        };
        if let Some(ident) = name
            && fold(ident) == from
        {
            *ident = crate::statement::quoted_ident(to);
        }
        ControlFlow::Continue(())
    });
    Ok(parsed.to_string())
}

/// The names in a condition that may be those of columns.
///
/// # Errors
/// If it cannot be read.
pub(super) fn names_in(text: &str) -> Result<Vec<String>, Error> {
    let parsed = read(text)?;
    let mut names: Vec<String> = Vec::new();
    let _: ControlFlow<()> = ast::visit_expressions(&parsed, |expr: &ast::Expr| {
        match expr {
            ast::Expr::Identifier(ident) => names.push(fold(ident)),
            ast::Expr::CompoundIdentifier(parts) => names.extend(parts.first().map(fold)),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    Ok(names)
}

fn read(text: &str) -> Result<ast::Expr, Error> {
    let parsed = Parser::new(&FrostlineDialect).try_with_sql(text).and_then(|mut parser| {
        let expr = parser.parse_expr()?;
        parser.expect_token(&Token::EOF)?;
        Ok(expr)
    });
    parsed.map_err(|error| Error::statement(format!("the condition `{text}` cannot be read: {error}")))
}

/// The planner's state with the zone in which conditions are computed.
fn in_utc(context: &Context) -> SessionState {
    if context.zone.label().is_none() {
        return context.base.clone();
    }
    let mut state = context.base.clone();
    state.config_mut().options_mut().execution.time_zone = Some(UTC.to_owned());
    in_zone(state, &Arc::from(UTC))
}

fn holds_subquery(expr: &ast::Expr) -> bool {
    let found = ast::visit_expressions(expr, |expr: &ast::Expr| match expr {
        ast::Expr::Subquery(_) | ast::Expr::InSubquery { .. } | ast::Expr::Exists { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Refuses what hangs on more than a row.
fn check_scope(planned: &Expr) -> Result<(), Error> {
    let mut problem: Option<Error> = None;
    planned.apply(|node| {
        problem = match node {
            node if is_subquery(node) => Some(refused("looks at nothing but its row; a subquery looks at more")),
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {
                Some(refused("looks at one row; aggregates and window functions look at many"))
            }
            Expr::Placeholder(_) => Some(refused("is kept, and has no parameters")),
            Expr::Unnest(_) => Some(refused("is one value for a row; unnest makes many")),
            Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
                Some(refused(&format!("says the same of a row for ever; `{}()` does not", call.func.name())))
            }
            _ => None,
        };
        Ok(if problem.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    problem.map_or(Ok(()), Err)
}

fn refused(rule: &str) -> Error {
    Error::statement(format!("a CHECK {rule}"))
}
