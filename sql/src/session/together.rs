//! An UPDATE or DELETE by key, for many rows of parameters by one query.
//!
//! ```text
//!   UPDATE t SET a = $1 WHERE k = $2   ──▶   UPDATE t SET a = p."$1" FROM p WHERE k = p."$2"
//!
//!   p: one row for each row of parameters, one column for each parameter
//! ```
//!
//! * Only what gives the same in any order: no value that is set is looked at, and no row is found twice.
//! * Only where a comparison means the same over columns: values are of the types of their keys, or almost.
//! * If anything is wrong, it is left to be found by running the rows one by one, which tells the row.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, BinaryOperator, Expr, Ident, ObjectName, TableFactor, TableWithJoins, Value,
};

use super::Session;
use crate::column::computed_type;
use crate::context::{BOUND_ROWS, Context, fold};
use crate::error::{Error, ErrorKind};
use crate::parameters::Parameters;
use crate::parse::{Delete, Parsed, Statement, Target, Update};
use crate::statement::{self, Work};

/// What a statement comes to for all rows of parameters; `None` if they have to be run one by one.
pub(super) async fn run_together(
    session: &Session,
    context: &Arc<Context>,
    parsed: &Parsed,
    parameters: &[Parameters],
) -> Result<Option<Work>, Error> {
    let Some((statement, bound)) = joined(context, &parsed.statement, parameters) else { return Ok(None) };
    let own = Arc::new(Context { bound: Some(bound), ..context.with_parameters(Parameters::none()) });
    let together = Parsed { statement, ..parsed.clone() };
    match statement::run(session, &own, &together).await {
        Ok(work) => Ok(Some(work)),
        Err(error) if matches!(error.kind(), ErrorKind::Statement | ErrorKind::Resources) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same statement over the rows of parameters as a relation, and that relation; `None` if that is something else.
fn joined(
    context: &Context,
    statement: &Statement,
    parameters: &[Parameters],
) -> Option<(Statement, Arc<dyn TableProvider>)> {
    if parameters.len() < 2 {
        return None;
    }
    let mut found = Found::default();
    let (joined, target): (Statement, &Target) = match statement {
        Statement::Update(update) => (Statement::Update(joined_update(update, &mut found)?), &update.target),
        Statement::Delete(delete) => (Statement::Delete(joined_delete(delete, &mut found)?), &delete.target),
        _ => return None,
    };
    let name = context.qualify(&target.name).ok()?;
    let table = context.find_table(&name, context.visible).ok()?;
    let columns = context.state.columns_at(table, context.visible);
    for (key, parameter) in &found.keys {
        let column = columns.iter().find(|column| column.name.as_str() == key)?;
        let value = parameters.first()?.value(parameter)?;
        if !compares_alike(&computed_type(&column.data_type), &value.data_type()) {
            return None;
        }
    }
    Some((joined, relation_of(&found.parameters, parameters)?))
}

fn joined_update(update: &Update, found: &mut Found) -> Option<Update> {
    if update.with.is_some() || !update.from.is_empty() {
        return None;
    }
    let filter = found.condition(update.filter.as_ref()?)?;
    let mut joined = Update { from: vec![bound_rows()], filter: Some(filter), ..update.clone() };
    for assignment in &mut joined.assignments {
        let AssignmentTarget::ColumnName(name) = &assignment.target else { return None };
        let assigned = name.0.last().and_then(|part| part.as_ident()).map(fold)?;
        if found.keys.iter().any(|(key, _)| *key == assigned) {
            return None;
        }
        assignment.value = found.value(&assignment.value)?;
    }
    Some(joined)
}

fn joined_delete(delete: &Delete, found: &mut Found) -> Option<Delete> {
    if delete.with.is_some() || !delete.using.is_empty() {
        return None;
    }
    let filter = found.condition(delete.filter.as_ref()?)?;
    Some(Delete { using: vec![bound_rows()], filter: Some(filter), ..delete.clone() })
}

/// What stands in a statement.
#[derive(Default)]
struct Found {
    /// Columns that must equal parameters, with these.
    keys: Vec<(String, String)>,
    /// All parameters, each once.
    parameters: Vec<String>,
}

impl Found {
    /// A conjunction of `column = parameter` over columns.
    fn condition(&mut self, condition: &Expr) -> Option<Expr> {
        match condition {
            Expr::Nested(inner) => Some(Expr::Nested(Box::new(self.condition(inner)?))),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => Some(Expr::BinaryOp {
                left: Box::new(self.condition(left)?),
                op: BinaryOperator::And,
                right: Box::new(self.condition(right)?),
            }),
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let (column, parameter) = match (left.as_ref(), right.as_ref()) {
                    (Expr::Identifier(column), value) | (value, Expr::Identifier(column)) => {
                        (column, placeholder(value)?)
                    }
                    _ => return None,
                };
                self.keys.push((fold(column), parameter.to_owned()));
                Some(Expr::BinaryOp {
                    left: Box::new(Expr::Identifier(column.clone())),
                    op: BinaryOperator::Eq,
                    right: Box::new(self.column(parameter)),
                })
            }
            _ => None,
        }
    }

    /// A parameter, or a constant, over columns.
    fn value(&mut self, value: &Expr) -> Option<Expr> {
        match (placeholder(value), value) {
            (Some(parameter), _) => Some(self.column(parameter)),
            (None, Expr::Value(_)) => Some(value.clone()),
            (None, _) => None,
        }
    }

    /// The column that has a parameter's values.
    fn column(&mut self, parameter: &str) -> Expr {
        if !self.parameters.iter().any(|known| known == parameter) {
            self.parameters.push(parameter.to_owned());
        }
        Expr::CompoundIdentifier(vec![Ident::with_quote('"', BOUND_ROWS), Ident::with_quote('"', parameter)])
    }
}

/// The name of a parameter as it is written, if that is all.
fn placeholder(value: &Expr) -> Option<&str> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => Some(name.as_str()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether values of two types are equal as columns whenever a column equals a constant.
fn compares_alike(column: &DataType, value: &DataType) -> bool {
    let is_text = |found: &DataType| matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_plain = matches!(column, DataType::Boolean | DataType::Date32 | DataType::Decimal128(..));
    (column.is_signed_integer() && value.is_signed_integer())
        || (is_text(column) && is_text(value))
        || (is_plain && column == value)
}

/// The rows of parameters as a relation; `None` unless all have values of the same types.
fn relation_of(names: &[String], parameters: &[Parameters]) -> Option<Arc<dyn TableProvider>> {
    let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for name in names {
        let values: Option<Vec<ScalarValue>> = parameters.iter().map(|row| row.value(name).cloned()).collect();
        let values = values?;
        let data_type = values.first()?.data_type();
        if values.iter().any(|value| value.data_type() != data_type) {
            return None;
        }
        let column = ScalarValue::iter_to_array(values).ok()?;
        fields.push(Field::new(name.as_str(), column.data_type().clone(), true));
        columns.push(column);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).ok()?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).ok()?;
    Some(Arc::new(table))
}

/// The relation of the rows of parameters, as FROM names it.
fn bound_rows() -> TableWithJoins {
    let relation = TableFactor::Table {
        name: ObjectName::from(vec![Ident::with_quote('"', BOUND_ROWS)]),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    };
    TableWithJoins { relation, joins: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_one;

    /// What a statement becomes, as far as it is told by its condition and its parameters.
    fn check(sql: &str, expected: Option<(&str, &[&str])>) {
        let mut found = Found::default();
        let filter = match parse_one(sql).unwrap().statement {
            Statement::Update(update) => joined_update(&update, &mut found).and_then(|joined| joined.filter),
            Statement::Delete(delete) => joined_delete(&delete, &mut found).and_then(|joined| joined.filter),
            other => unreachable!("{other:?}"),
        };
        let shown = filter.map(|filter| filter.to_string().replace(BOUND_ROWS, "p"));
        assert_eq!(shown.as_deref(), expected.map(|(filter, _)| filter), "{sql}");
        if let Some((_, parameters)) = expected {
            assert_eq!(found.parameters, parameters, "{sql}");
        }
    }

    #[test]
    fn what_goes_by_keys_and_sets_other_columns_is_one_query() {
        check("DELETE FROM t WHERE k = ?", Some(("k = \"p\".\"$1\"", &["$1"])));
        let both = "(k = \"p\".\"$3\") AND l = \"p\".\"$1\"";
        check("UPDATE t SET a = $1, b = $2, c = 7 WHERE (k = $3) AND $1 = l", Some((both, &["$3", "$1", "$2"])));
    }

    #[test]
    fn what_may_depend_on_the_order_of_rows_is_not() {
        for sql in [
            "UPDATE t SET a = a + ? WHERE k = ?",
            "UPDATE t SET k = ? WHERE k = ?",
            "UPDATE t SET a = ?",
            "UPDATE t SET a = (SELECT max(a) FROM t) WHERE k = ?",
            "UPDATE t SET a = DEFAULT WHERE k = ?",
            "UPDATE t SET a = u.a FROM u WHERE k = ?",
            "DELETE FROM t",
            "DELETE FROM t WHERE k > ?",
            "DELETE FROM t WHERE k = ? OR k = ?",
            "DELETE FROM t WHERE upper(k) = ?",
            "DELETE FROM t WHERE t.k = ?",
            "DELETE FROM t USING u WHERE k = ?",
        ] {
            check(sql, None);
        }
    }

    #[test]
    fn types_that_are_compared_after_a_conversion_are_left_alone() {
        let alike = |column: DataType, value: DataType| compares_alike(&column, &value);
        assert!(alike(DataType::Int32, DataType::Int64));
        assert!(alike(DataType::Utf8View, DataType::Utf8));
        assert!(alike(DataType::Date32, DataType::Date32));
        assert!(!alike(DataType::Date32, DataType::Utf8));
        assert!(!alike(DataType::Float64, DataType::Float64), "joins and comparisons differ on zeros");
        assert!(!alike(DataType::Decimal128(10, 2), DataType::Decimal128(10, 3)));
        assert!(!alike(DataType::Int64, DataType::Null));
    }

    #[test]
    fn rows_of_parameters_are_a_relation_if_their_values_have_the_same_types() {
        let row = |value: ScalarValue| Parameters::positional(vec![value]);
        let names = ["$1".to_owned()];
        assert!(relation_of(&names, &[row(1_i64.into()), row(ScalarValue::Int64(None))]).is_some());
        assert!(relation_of(&names, &[row(1_i64.into()), row("x".into())]).is_none());
        assert!(relation_of(&names, &[row(1_i64.into()), Parameters::none()]).is_none());
    }
}
