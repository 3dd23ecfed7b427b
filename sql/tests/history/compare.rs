//! What a query gives, and whether it is what it must be.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use frostline_sql::{Error, ErrorKind, Parameters, ScalarValue, Session};
use frostline_testkit::model::{Row, Table};

use super::rows::{arrow_type, from_batches};
use crate::door::Checked;
use crate::lake::describe;

/// What a query came to: its columns, and its rows unless they are of no type that was written.
pub(super) type Found = (Arc<Schema>, Checked<Vec<Row>>);

/// Runs a query in which `$1` stands for a version.
pub(super) async fn read(session: &Session, sql: &str, version: u64) -> Result<Found, Error> {
    let number = ScalarValue::Int64(i64::try_from(version).ok());
    let rows = session.sql(sql, &Parameters::positional(vec![number])).await?.into_rows()?;
    let schema = Arc::clone(&rows.schema);
    let batches = rows.collect().await?;
    Ok((schema, from_batches(&batches)))
}

pub(super) fn check_refused(sql: &str, found: Result<Checked<Vec<Row>>, Error>) -> Checked {
    match found {
        Err(error) if error.kind() == ErrorKind::Statement => Ok(()),
        Err(error) => Err(format!("`{sql}` failed with {:?}: {}", error.kind(), describe(&error))),
        Ok(rows) => Err(format!("`{sql}` must be an error, and gave {} rows", rows.map_or(0, |rows| rows.len()))),
    }
}

/// Compares columns behind the first `skipped` ones.
pub(super) fn check_columns(schema: &Schema, skipped: usize, expected: &Table) -> Checked {
    let plain = |data_type: &DataType| match data_type {
        DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    };
    let fields = schema.fields().iter().skip(skipped);
    let found: Vec<(String, DataType)> = fields.map(|field| (field.name().clone(), plain(field.data_type()))).collect();
    let expected: Vec<(String, DataType)> =
        expected.columns.iter().map(|column| (column.name.clone(), arrow_type(column.value_type))).collect();
    if found == expected { Ok(()) } else { Err(format!("the columns are {found:?} instead of {expected:?}")) }
}

/// Compares rows with sorted ones.
pub(super) fn check_rows(mut found: Vec<Row>, expected: &[Row]) -> Checked {
    found.sort();
    if found == expected {
        return Ok(());
    }
    let lost = expected.iter().find(|row| found.binary_search(row).is_err());
    let added = found.iter().find(|row| expected.binary_search(row).is_err());
    Err(format!(
        "{} rows instead of {}; for example {lost:?} is lost and {added:?} is new",
        found.len(),
        expected.len()
    ))
}
