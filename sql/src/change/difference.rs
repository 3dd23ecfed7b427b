//! `table_diff` and `query_diff`: rows that differ by value.
//!
//! ```text
//!   rows of the first, each -1 ─┐
//!                               ├─ GROUP BY all columns, sum ≠ 0 ── per key: on one side, or on both ── each row as
//!   rows of the second, each +1 ┘                                                                      often as it is
//! ```
//!
//! * Rows are counted: one that is twice in the first and once in the second differs once.
//! * NULL equals NULL, NaN equals NaN, and 0 equals -0, as in GROUP BY.
//! * Of two versions of a table only rows that moved between them are read: the others are in both.

use std::sync::Arc;

use arrow::row::{RowConverter, SortField};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::functions::expr_fn::abs;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_nested::expr_fn::array_repeat;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{AggregateUDF, Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};
use datafusion::prelude::ident;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::FunctionArg;
use frostline_catalog::schema::Constraint;
use frostline_catalog::{FieldId, ObjectId, Version};

use super::arguments::{Arguments, Usage};
use super::columns::{columns_of, inner_columns, inner_name, own_name};
use super::feed::{Feed, Mode, net_moves};
use super::plan::rounds;
use super::window::Moves;
use crate::context::Context;
use crate::error::Error;
use crate::parse::{Statement, parse_one};
use crate::type_name::sql_type;

const TABLE_USAGE: Usage =
    Usage { name: "table_diff", positions: (2, 3), options: &["key"], example: "table_diff('t', 3, 7, key => 'id')" };

const QUERY_USAGE: Usage = Usage {
    name: "query_diff",
    positions: (2, 2),
    options: &["key"],
    example: "query_diff('SELECT * FROM t AS OF VERSION 3', 'SELECT * FROM t', key => 'id')",
};

/// How often a row is in the second beyond the first, inside.
const COUNT: &str = "count";
/// The least and the greatest of these among the rows of a key.
const LEAST: &str = "least";
const MOST: &str = "most";
/// As many elements as the row has copies.
const COPIES: &str = "copies";

/// The plan of a call of `table_diff`.
pub(super) async fn plan_tables(
    context: &Context,
    given: &[FunctionArg],
    version: Version,
) -> Result<LogicalPlan, Error> {
    let arguments = Arguments::try_new(context, TABLE_USAGE, given)?;
    let first = arguments.version(1)?.unwrap_or(version);
    let second = arguments.version(2)?.unwrap_or(version);
    let table = arguments.table(second)?;
    context.note_version(first);
    let (from, to) = (first.min(second), first.max(second));
    let Moves { gained, lost } = net_moves(context, table, from, to).await?;
    let (removed, added) = if first <= second { (lost, gained) } else { (gained, lost) };

    let feed = Feed { context, table, from, to, columns: second, mode: Mode::Net };
    let names = feed.column_names();
    let key = match arguments.option("key")? {
        Some(text) => key_columns(&text, &names)?,
        None => declared_key(context, table, second),
    };
    let fields: Vec<(String, DataType)> = context
        .state
        .columns_at(table, second)
        .iter()
        .map(|column| (column.name.as_str().to_owned(), column.data_type.clone()))
        .collect();
    check_types(&fields)?;
    let removed = inner_only(feed.rows("removed", &rounds(removed))?, names.len())?;
    let added = inner_only(feed.rows("added", &rounds(added))?, names.len())?;
    difference(removed, added, &names, &key)
}

/// The plan of a call of `query_diff`.
pub(super) async fn plan_queries(
    context: &Arc<Context>,
    given: &[FunctionArg],
    version: Version,
    depth: usize,
) -> Result<LogicalPlan, Error> {
    let arguments = Arguments::try_new(context, QUERY_USAGE, given)?;
    let texts = [arguments.text(0, "the first query")?, arguments.text(1, "the second query")?];
    let key = arguments.option("key")?;
    let [first, second] = texts;
    let first = query(context, &first, version, depth).await?;
    let second = query(context, &second, version, depth).await?;
    let (of_first, of_second) = (first.schema().fields().clone(), second.schema().fields().clone());
    if of_first.len() != of_second.len() {
        return Err(Error::statement(format!(
            "the first query has {} columns, the second {}; queries are compared column by column",
            of_first.len(),
            of_second.len()
        )));
    }
    let mut fields: Vec<(String, DataType)> = Vec::with_capacity(of_first.len());
    for (place, (one, other)) in of_first.iter().zip(of_second.iter()).enumerate() {
        fields.push((one.name().clone(), common_type(place, one, other)?));
    }
    check_types(&fields)?;
    let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
    let key = match key {
        Some(text) => key_columns(&text, &names)?,
        None => Vec::new(),
    };
    difference(cast_to(first, &fields)?, cast_to(second, &fields)?, &names, &key)
}

/// A query given as a text.
async fn query(context: &Arc<Context>, text: &str, version: Version, depth: usize) -> Result<LogicalPlan, Error> {
    let parsed = parse_one(text)?;
    match &parsed.statement {
        Statement::Query(query) => context.plan_query(query, version, depth + 1).await,
        _ => Err(Error::statement(format!("query_diff compares queries, not `{text}`"))),
    }
}

/// The type in which two columns are compared.
fn common_type(place: usize, one: &FieldRef, other: &FieldRef) -> Result<DataType, Error> {
    let (left, right) = (one.data_type(), other.data_type());
    let is_text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_null = |data_type: &DataType| matches!(data_type, DataType::Null);
    // A number would be compared with a text as a text.
    let alike = is_text(left) == is_text(right) || is_null(left) || is_null(right);
    let common = comparison_coercion(left, right).filter(|_| alike);
    common.ok_or_else(|| {
        Error::statement(format!(
            "column {} is {} in the first query, where it is called `{}`, and {} in the second",
            place + 1,
            sql_type(left),
            one.name(),
            sql_type(right)
        ))
        .with_hint("CAST one of them")
    })
}

/// Refuses columns whose values cannot be told from one another.
fn check_types(fields: &[(String, DataType)]) -> Result<(), Error> {
    for (name, data_type) in fields {
        if !RowConverter::supports_fields(&[SortField::new(data_type.clone())]) {
            return Err(Error::statement(format!(
                "column `{name}` is {}, whose values cannot be compared",
                sql_type(data_type)
            ))
            .with_hint("compare the other columns, with query_diff"));
        }
    }
    Ok(())
}

/// The places of the columns of a key that is given as a text.
fn key_columns(text: &str, names: &[String]) -> Result<Vec<usize>, Error> {
    let mut is_quoted = false;
    let is_end = |letter: char| {
        is_quoted ^= letter == '"';
        letter == ',' && !is_quoted
    };
    let mut places: Vec<usize> = Vec::new();
    for part in text.split(is_end).map(str::trim) {
        let name = match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => part.to_ascii_lowercase(),
        };
        let Some(place) = names.iter().position(|known| *known == name) else {
            let nearest = frostline_catalog::nearest(&name, names.iter().map(String::as_str));
            let known = match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(Error::statement(format!("the key names a column `{name}`, which is not there; {known}")));
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// The places of the columns of a table's key, the primary one if there are several. None if it has no key.
fn declared_key(context: &Context, table: ObjectId, version: Version) -> Vec<usize> {
    let Some(definition) = context.state.table_at(table, version) else { return Vec::new() };
    let keys = || {
        definition.constraints.iter().filter_map(|constraint| match constraint {
            Constraint::Key { columns, primary, .. } => Some((columns, *primary)),
            Constraint::Check { .. } => None,
        })
    };
    let key = keys().find(|(_, primary)| *primary).or_else(|| keys().next());
    let Some((key, _)) = key else { return Vec::new() };
    let columns = context.state.columns_at(table, version);
    let place = |field: &FieldId| columns.iter().position(|column| column.id == *field);
    // A key that lost a column is none.
    key.iter().map(place).collect::<Option<Vec<usize>>>().unwrap_or_default()
}

/// The table's own columns, inside.
fn inner_only(rows: LogicalPlan, count: usize) -> Result<LogicalPlan, Error> {
    Ok(LogicalPlanBuilder::from(rows).project(inner_columns(count))?.build()?)
}

/// A query's columns, inside, in the types in which they are compared.
fn cast_to(plan: LogicalPlan, fields: &[(String, DataType)]) -> Result<LogicalPlan, Error> {
    let columns = columns_of(&plan);
    let own: Vec<DataType> = plan.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    let exprs: Vec<Expr> = columns
        .into_iter()
        .zip(own)
        .zip(fields)
        .enumerate()
        .map(|(place, ((column, own), (_, wanted)))| {
            let column = Expr::Column(column);
            let value = if own == *wanted { column } else { cast(column, wanted.clone()) };
            value.alias(inner_name(place))
        })
        .collect();
    Ok(LogicalPlanBuilder::from(plan).project(exprs)?.build()?)
}

/// The rows that are in one plan more often than in the other, as they come out.
fn difference(removed: LogicalPlan, added: LogicalPlan, names: &[String], key: &[usize]) -> Result<LogicalPlan, Error> {
    let counted = |plan: LogicalPlan, count: i64| -> Result<LogicalPlan, Error> {
        let mut exprs = inner_columns(names.len());
        exprs.push(lit(count).alias(COUNT));
        Ok(LogicalPlanBuilder::from(plan).project(exprs)?.build()?)
    };
    let total = sum(ident(COUNT)).alias(COUNT);
    let mut plan = LogicalPlanBuilder::from(counted(removed, -1)?)
        .union(counted(added, 1)?)?
        .aggregate(inner_columns(names.len()), vec![total])?
        .filter(ident(COUNT).not_eq(lit(0_i64)))?;
    if !key.is_empty() {
        let windows = vec![over_key(min_udaf(), key).alias(LEAST), over_key(max_udaf(), key).alias(MOST)];
        plan = plan.window(windows)?;
    }
    let mut copies = inner_columns(names.len());
    let own = own_name("_diff", names);
    copies.push(kind(!key.is_empty())?.alias(own.as_str()));
    copies.push(array_repeat(lit(true), abs(ident(COUNT))).alias(COPIES));
    let mut shown: Vec<Expr> = vec![ident(own.as_str())];
    let columns = inner_columns(names.len()).into_iter().zip(names);
    shown.extend(columns.map(|(column, name)| column.alias(name.as_str())));
    Ok(plan.project(copies)?.unnest_column(COPIES)?.project(shown)?.build()?)
}

/// An aggregate of the counts of all rows that have a row's key.
fn over_key(function: Arc<AggregateUDF>, key: &[usize]) -> Expr {
    let mut window = WindowFunction::new(function, vec![ident(COUNT)]);
    window.params.partition_by = key.iter().map(|place| ident(inner_name(*place))).collect();
    Expr::from(window)
}

/// What became of a row.
fn kind(has_key: bool) -> Result<Expr, Error> {
    let text = |name: &str| lit(ScalarValue::Utf8View(Some(name.to_owned())));
    let is_removed = || ident(COUNT).lt(lit(0_i64));
    if !has_key {
        return Ok(when(is_removed(), text("removed")).otherwise(text("added"))?);
    }
    let is_on_both = || ident(LEAST).lt(lit(0_i64)).and(ident(MOST).gt(lit(0_i64)));
    let kind = when(is_on_both().and(is_removed()), text("changed_from"))
        .when(is_on_both(), text("changed_to"))
        .when(is_removed(), text("removed"))
        .otherwise(text("added"))?;
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Field;

    use super::*;

    fn names() -> Vec<String> {
        ["id", "Name", "a,b"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_key_names_columns_as_sql_does() {
        assert_eq!(key_columns("ID", &names()).unwrap(), [0]);
        assert_eq!(key_columns(" \"Name\" , id, id", &names()).unwrap(), [1, 0]);
        assert_eq!(key_columns("\"a,b\",id", &names()).unwrap(), [2, 0]);
        let error = key_columns("name", &names()).unwrap_err();
        assert_eq!(error.to_string(), "the key names a column `name`, which is not there; did you mean `Name`?");
    }

    #[test]
    fn a_number_is_not_compared_with_a_text() {
        let field = |data_type: DataType| -> FieldRef { Arc::new(Field::new("a", data_type, true)) };
        let common = |one: DataType, other: DataType| common_type(0, &field(one), &field(other));
        assert_eq!(common(DataType::Int32, DataType::Int64).unwrap(), DataType::Int64);
        assert_eq!(common(DataType::Null, DataType::Utf8View).unwrap(), DataType::Utf8View);
        let error = common(DataType::Int64, DataType::Utf8View).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column 1 is BIGINT in the first query, where it is called `a`, and VARCHAR in the second"
        );
    }
}
