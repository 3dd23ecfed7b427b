//! An INSERT for many rows of parameters gives what it gives for each of them by itself, in one commit.

use arrow::array::{Array, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::util::pretty::pretty_format_batches;
use frostline_sql::parse::parse_one;
use frostline_sql::{Answer, CreateOptions, Error, Lake, OpenOptions, Parameters, ScalarValue, Session, Stop};

use crate::door::{answer, commit, number, query};
use crate::lake::{describe, run_to_end};

const ROWS: i64 = 10_000;

/// Of so many rows one is inserted by itself, too.
const EVERY: usize = 100;

const ROUNDED: &str = "INSERT INTO t VALUES (round(CAST($1 AS DECIMAL(8, 3)), CAST($2 AS BIGINT)), $2)";

/// A session on a new lake, whose scans keep the order of the rows.
async fn session(name: &str) -> Session {
    let location = format!("memory://parameters-{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("the lake is new");
    let session = Lake::open(&location, OpenOptions::default()).await.expect("the lake opens").session();
    answer(&session, "SET datafusion.execution.target_partitions = 1").await.expect("a session may set this");
    session
}

async fn insert(session: &Session, sql: &str, rows: &[Parameters]) -> Result<u64, Error> {
    match session.run_until(&parse_one(sql)?, rows, &Stop::new()).await? {
        Answer::Committed(committed) => Ok(committed.rows),
        other => unreachable!("{sql}: {other:?}"),
    }
}

/// All rows of a query in one batch.
async fn whole(session: &Session, sql: &str) -> RecordBatch {
    let batches = query(session, sql).await.expect("the query runs");
    concat_batches(&batches[0].schema(), &batches).expect("batches of one query go together")
}

fn text(text: impl Into<String>) -> ScalarValue {
    ScalarValue::Utf8(Some(text.into()))
}

/// Inserts rows into `many` at once, and one of [`EVERY`] of them by itself into `single`.
async fn insert_both_ways(session: &Session, values: &str, rows: &[Parameters]) {
    let into = |table: &str| format!("INSERT INTO {table} VALUES {values}");
    let written = insert(session, &into("many"), rows).await.expect("the rows fit");
    assert_eq!(written, rows.len() as u64);
    for row in rows.iter().step_by(EVERY) {
        let written = insert(session, &into("single"), std::slice::from_ref(row)).await.expect("the row fits");
        assert_eq!(written, 1);
    }
}

/// Checks that both tables hold the same of those rows.
async fn check_same(session: &Session) {
    let some = format!("SELECT * FROM many WHERE id % {EVERY} = 0 ORDER BY id");
    let many = whole(session, &some).await;
    let single = whole(session, "SELECT * FROM single ORDER BY id").await;
    let shown = |batch: &RecordBatch| {
        pretty_format_batches(std::slice::from_ref(batch)).expect("a batch can be shown").to_string()
    };
    assert_eq!(shown(&many), shown(&single));
    assert_eq!(many.columns(), single.columns());
}

/// Values of mixed types for row `id`; every 7th row lacks most of them, and every 1,000th has NULL of no type.
fn mixed(id: i64) -> Parameters {
    let has = |value: ScalarValue, other: ScalarValue| if id % 7 == 0 { other } else { value };
    let day = format!("2024-{:02}-{:02}", id % 12 + 1, id % 28 + 1);
    let name = match id % 1000 {
        0 => ScalarValue::Null,
        _ => has(text(format!("name {id}")), ScalarValue::Utf8(None)),
    };
    Parameters::positional(vec![
        id.into(),
        has(text(day), ScalarValue::Utf8(None)),
        has(text(format!("{id}.25")), ScalarValue::Utf8(None)),
        name,
        has(ScalarValue::TimestampMillisecond(Some(id * 1000), None), ScalarValue::TimestampMillisecond(None, None)),
        ScalarValue::Boolean((id % 3 != 0).then_some(id % 2 == 0)),
        has(id.into(), ScalarValue::Int64(None)),
        ScalarValue::Decimal128(Some(i128::from(id)), 20, 3),
    ])
}

#[test]
fn many_rows_are_what_each_row_by_itself_is() {
    run_to_end(|| async {
        let session = session("mixed").await;
        for table in ["many", "single"] {
            let columns = "id BIGINT NOT NULL, born DATE, price DECIMAL(12, 2), name VARCHAR, stamp TIMESTAMP,
                           flag BOOLEAN, ratio DOUBLE, digits VARCHAR, kind VARCHAR DEFAULT 'new', size INTEGER";
            commit(&session, &format!("CREATE TABLE {table} ({columns})")).await.unwrap();
        }
        let before = number(&session, "SELECT count(*) FROM system.commits").await.unwrap();
        let rows: Vec<Parameters> = (0..ROWS).map(mixed).collect();
        let values = "(?, ?, ?, ?, ?, ?, ?, ?, DEFAULT, 1 + 1)";
        insert_both_ways(&session, values, &rows).await;
        let commits = number(&session, "SELECT count(*) FROM system.commits").await.unwrap();
        assert_eq!(commits - before, 1 + ROWS / EVERY as i64, "one commit for all, and one for each");
        check_same(&session).await;
        assert_eq!(number(&session, "SELECT count(*) FROM many WHERE name IS NULL").await.unwrap(), 1437);
        assert_eq!(number(&session, "SELECT count(*) FROM many WHERE kind = 'new' AND size = 2").await.unwrap(), ROWS);
        let ids = whole(&session, "SELECT id FROM many").await;
        let in_order = Int64Array::from_iter_values(0..ROWS);
        assert_eq!(ids.column(0).as_ref(), &in_order as &dyn Array, "rows keep their order");
    });
}

#[test]
fn expressions_are_computed_for_each_row() {
    run_to_end(|| async {
        let session = session("expressions").await;
        for table in ["many", "single"] {
            let columns = "id BIGINT, following BIGINT, name VARCHAR, part VARCHAR, late BOOLEAN";
            commit(&session, &format!("CREATE TABLE {table} ({columns})")).await.unwrap();
        }
        let rows: Vec<Parameters> =
            (0..ROWS).map(|id| Parameters::positional(vec![id.into(), text(format!("n{id}"))])).collect();
        let values = "($1, $1 + 1, upper($2), CASE WHEN $1 % 2 = 0 THEN $2 || '!' END, $1 BETWEEN 5000 AND 6000)";
        insert_both_ways(&session, values, &rows).await;
        check_same(&session).await;

        // One instant for all rows, a random number for each.
        commit(&session, "CREATE TABLE drawn (id BIGINT, stamp TIMESTAMP WITH TIME ZONE, r DOUBLE)").await.unwrap();
        insert(&session, "INSERT INTO drawn VALUES ($1, now(), random())", &rows).await.unwrap();
        assert_eq!(number(&session, "SELECT count(DISTINCT stamp) FROM drawn").await.unwrap(), 1);
        assert_eq!(number(&session, "SELECT count(DISTINCT r) FROM drawn").await.unwrap(), ROWS);
    });
}

#[test]
fn named_parameters_are_values_too() {
    run_to_end(|| async {
        let session = session("named").await;
        commit(&session, "CREATE TABLE t (id BIGINT, label VARCHAR, twice BIGINT)").await.unwrap();
        let row = |id: i64| Parameters {
            positional: Vec::new(),
            named: vec![("label".to_owned(), text(format!("l{id}"))), ("id".to_owned(), id.into())],
        };
        let rows: Vec<Parameters> = (0..ROWS).map(row).collect();
        insert(&session, "INSERT INTO t (twice, label, id) VALUES ($id * 2, $label, $id)", &rows).await.unwrap();
        let good = "SELECT count(*) FROM t WHERE twice = id * 2 AND label = 'l' || CAST(id AS VARCHAR)";
        assert_eq!(number(&session, good).await.unwrap(), ROWS);
    });
}

#[test]
fn what_cannot_be_computed_over_columns_is_computed_row_by_row() {
    run_to_end(|| async {
        let session = session("fallback").await;
        commit(&session, "CREATE TABLE t (a VARCHAR, b BIGINT)").await.unwrap();
        // The scale of a rounded decimal hangs on the number of digits.
        let decimal = |digits: i64| vec![ScalarValue::Decimal128(Some(12_567), 8, 3), digits.into()];
        let rows = [1, 2].map(|digits| Parameters::positional(decimal(digits)));
        insert(&session, ROUNDED, &rows).await.unwrap();
        for row in &rows {
            insert(&session, ROUNDED, std::slice::from_ref(row)).await.unwrap();
        }
        assert_eq!(number(&session, "SELECT count(DISTINCT a) FROM t").await.unwrap(), 2);
        // A query in VALUES.
        let rows: Vec<Parameters> = (0..3).map(|id: i64| Parameters::positional(vec![id.into()])).collect();
        let queried = "INSERT INTO t (b) VALUES ($1 + (SELECT 100))";
        assert_eq!(insert(&session, queried, &rows).await.unwrap(), 3);
        assert_eq!(number(&session, "SELECT sum(b) FROM t WHERE b >= 100").await.unwrap(), 303);
    });
}

#[test]
fn an_error_names_its_row_and_nothing_is_committed() {
    run_to_end(|| async {
        let session = session("errors").await;
        commit(&session, "CREATE TABLE t (id BIGINT NOT NULL, born DATE)").await.unwrap();
        let before = number(&session, "SELECT count(*) FROM system.commits").await.unwrap();
        let day = || text("2024-02-29");
        let good = |id: i64| Parameters::positional(vec![id.into(), day()]);
        let bad = [
            (Parameters::positional(vec![7_i64.into(), text("no date")]), "column `born`"),
            (Parameters::positional(vec![ScalarValue::Int64(None), day()]), "row 7777 has no value"),
            (Parameters::positional(vec![7_i64.into()]), "parameter `$2` has no value"),
            (Parameters::positional(vec![text("seven"), day()]), "column `id`"),
        ];
        for (row, expected) in bad {
            let mut rows: Vec<Parameters> = (0..ROWS).map(good).collect();
            rows[7776] = row;
            // A later mistake, and one of another kind, does not hide the first.
            rows[7800] = Parameters::positional(vec![ScalarValue::Int64(None), text("never")]);
            let error = insert(&session, "INSERT INTO t VALUES (?, ?)", &rows).await.unwrap_err();
            let told = describe(&error);
            assert!(told.contains("row 7777") && told.contains(expected), "{told}");
        }
        assert_eq!(number(&session, "SELECT count(*) FROM t").await.unwrap(), 0);
        assert_eq!(number(&session, "SELECT count(*) FROM system.commits").await.unwrap(), before);
    });
}

#[test]
fn each_row_of_parameters_may_read_another_version() {
    run_to_end(|| async {
        let session = session("versions").await;
        answer(&session, "CREATE TABLE src (k BIGINT)").await.unwrap();
        answer(&session, "CREATE TABLE dst (k BIGINT, v BIGINT)").await.unwrap();
        let first = commit(&session, "INSERT INTO src VALUES (10)").await.unwrap();
        let second = commit(&session, "INSERT INTO src VALUES (20)").await.unwrap();
        let sql = "INSERT INTO dst SELECT k, CAST($1 AS BIGINT) FROM src AS OF VERSION $1";
        let rows = [first, second].map(|version| Parameters::positional(vec![ScalarValue::from(version as i64)]));
        assert_eq!(insert(&session, sql, &rows).await.unwrap(), 3);
    });
}

#[test]
fn a_cast_that_loses_digits_is_not_lost_itself() {
    run_to_end(|| async {
        let session = session("casts").await;
        answer(&session, "CREATE TABLE w (same BOOLEAN)").await.unwrap();
        let decimal = |value: i128| Parameters::positional(vec![ScalarValue::Decimal128(Some(value), 10, 2)]);
        let sql = "INSERT INTO w VALUES (CAST($1 AS DECIMAL(5, 1)) = 1.2)";
        assert_eq!(insert(&session, sql, &[decimal(123), decimal(120)]).await.unwrap(), 2);
        assert_eq!(number(&session, "SELECT count(*) FROM w WHERE same").await.unwrap(), 2);
    });
}
