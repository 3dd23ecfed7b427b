//! An UPDATE or DELETE by key, for many rows of parameters by one query, or by a few.
//!
//! ```text
//!   UPDATE t SET a = $1 WHERE k = $2   ──▶   UPDATE t SET a = p."$1" FROM p WHERE k = p."$2"
//!
//!   p: one row for each row of parameters, one column for each parameter
//! ```
//!
//! * Only what gives the same in any order: no value that is set is looked at, and no query finds a row twice. Where a
//!   key comes several times in an UPDATE, there are as many queries, one after the other.
//! * Only where a comparison means the same over columns: values are of the types of their keys, or almost.
//! * If anything is wrong, it is left to be found by running the rows one by one, which tells the row.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::row::{Row, RowConverter, Rows, SortField};
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

/// A statement that runs for many rows of parameters by one query, or by a few.
pub(super) struct Together {
    parsed: Parsed,
    /// The rows of parameters as relations, to be run one after the other.
    rounds: Vec<Arc<dyn TableProvider>>,
}

impl Together {
    /// How many queries it takes.
    pub(super) fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// What the statement comes to for one round; `None` if its rows have to be run one by one.
    pub(super) async fn run(&self, session: &Session, context: &Context, round: usize) -> Result<Option<Work>, Error> {
        let Some(bound) = self.rounds.get(round) else { return Ok(None) };
        let bound = Some(Arc::clone(bound));
        let own = Arc::new(Context { bound, ..context.with_parameters(Parameters::none()) });
        match statement::run(session, &own, &self.parsed).await {
            Ok(work) => Ok(Some(work)),
            Err(error) if matches!(error.kind(), ErrorKind::Statement | ErrorKind::Resources) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The same statement over the rows of parameters as relations; `None` if they have to be run one by one.
pub(super) fn together(context: &Context, parsed: &Parsed, parameters: &[Parameters]) -> Option<Together> {
    if parameters.len() < 2 {
        return None;
    }
    let mut found = Found::default();
    let (statement, target): (Statement, &Target) = match &parsed.statement {
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
    let rounds: Vec<Vec<&Parameters>> = match &statement {
        Statement::Update(_) => rounds_of(&found.keys, parameters)?,
        // What is found twice is deleted once.
        _ => vec![parameters.iter().collect()],
    };
    let rounds: Option<Vec<Arc<dyn TableProvider>>> =
        rounds.iter().map(|rows| relation_of(&found.parameters, rows)).collect();
    Some(Together { parsed: Parsed { statement, ..parsed.clone() }, rounds: rounds? })
}

/// The rows in rounds: of rows with the same keys each is in a later round than those before it, and no other can find
/// what they find. `None` if that would be as many rounds as rows.
fn rounds_of<'a>(keys: &[(String, String)], parameters: &'a [Parameters]) -> Option<Vec<Vec<&'a Parameters>>> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(keys.len());
    for (_, parameter) in keys {
        let values: Option<Vec<ScalarValue>> = parameters.iter().map(|row| row.value(parameter).cloned()).collect();
        columns.push(ScalarValue::iter_to_array(values?).ok()?);
    }
    let fields: Vec<SortField> = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let keyed: Rows = RowConverter::new(fields).ok()?.convert_columns(&columns).ok()?;
    let mut met: HashMap<Row<'_>, usize> = HashMap::new();
    let mut rounds: Vec<Vec<&'a Parameters>> = Vec::new();
    for (place, row) in parameters.iter().enumerate() {
        let mut round: usize = 0;
        // Without a value it finds no row.
        if columns.iter().all(|column| column.is_valid(place)) {
            let times = met.entry(keyed.row(place)).or_insert(0);
            round = *times;
            *times += 1;
        }
        if round >= rounds.len() {
            rounds.push(Vec::new());
        }
        rounds.get_mut(round)?.push(row);
    }
    (rounds.len() < parameters.len()).then_some(rounds)
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
fn relation_of(names: &[String], parameters: &[&Parameters]) -> Option<Arc<dyn TableProvider>> {
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
        let is_one = |rows: &[Parameters]| relation_of(&names, &rows.iter().collect::<Vec<&Parameters>>()).is_some();
        assert!(is_one(&[row(1_i64.into()), row(ScalarValue::Int64(None))]));
        assert!(!is_one(&[row(1_i64.into()), row("x".into())]));
        assert!(!is_one(&[row(1_i64.into()), Parameters::none()]));
    }

    /// In which rounds rows with these keys are, each told by its number; in none if there is one for each.
    fn check_rounds(given: &[(Option<i64>, i64)], expected: &[&[i64]]) {
        let row = |(key, number): &(Option<i64>, i64)| {
            Parameters::positional(vec![ScalarValue::Int64(*key), ScalarValue::from(*number)])
        };
        let rows: Vec<Parameters> = given.iter().map(row).collect();
        let keys = [("k".to_owned(), "$1".to_owned())];
        let found: Vec<Vec<&Parameters>> = rounds_of(&keys, &rows).unwrap_or_default();
        let told: Vec<Vec<ScalarValue>> =
            found.iter().map(|round| round.iter().map(|row| row.positional[1].clone()).collect()).collect();
        let expected: Vec<Vec<ScalarValue>> =
            expected.iter().map(|round| round.iter().map(|number| ScalarValue::from(*number)).collect()).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn rows_of_one_key_are_in_rounds_one_after_the_other() {
        check_rounds(&[(Some(1), 10), (Some(2), 20), (Some(3), 30)], &[&[10, 20, 30]]);
        let given = [(Some(1), 10), (Some(2), 20), (Some(1), 11), (Some(3), 30), (Some(1), 12), (Some(3), 31)];
        check_rounds(&given, &[&[10, 20, 30], &[11, 31], &[12]]);
        check_rounds(&[(None, 1), (Some(1), 2), (None, 3), (None, 4)], &[&[1, 2, 3, 4]]);
        check_rounds(&[(Some(1), 10), (Some(1), 11), (Some(1), 12)], &[]);
    }
}
