//! Which writes stay hot: those of few bytes, whatever the bytes belong to.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use frostline_sql::{CreateOptions, Lake, OpenOptions, Session};

use crate::door::{commit, number};
use crate::lake::run_to_end;

/// A lake in memory with the default settings, by which a write of more than 1 MiB is frozen.
async fn session(name: &str) -> Session {
    let location = format!("memory://{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("a lake is created");
    Lake::open(&location, OpenOptions::default()).await.expect("the lake opens").session()
}

/// Appends one column and checks whether it stays hot, and that its rows are there.
async fn check(session: &Session, table: &str, column: ArrayRef, is_hot: bool) {
    let rows = column.len() as i64;
    let batch = RecordBatch::try_from_iter([("a", column)]).expect("one column");
    session.append(table, vec![batch]).await.expect("the rows fit the table");
    let hot = format!("SELECT count(*) FROM system.segments WHERE table_name = '{table}' AND kind = 'hot'");
    assert_eq!(number(session, &hot).await, Ok(i64::from(is_hot)), "hot segments of {table}");
    assert_eq!(number(session, &format!("SELECT count(a) FROM {table}")).await, Ok(rows), "rows of {table}");
}

#[test]
fn a_write_is_frozen_by_its_bytes_whether_they_are_many_numbers_or_few_long_texts() {
    run_to_end(|| async {
        let session = session("frost-line").await;
        for (table, data_type) in [
            ("few_numbers", "BIGINT"),
            ("many_numbers", "BIGINT"),
            ("short_texts", "VARCHAR"),
            ("long_texts", "VARCHAR"),
            ("long_binaries", "BLOB"),
        ] {
            commit(&session, &format!("CREATE TABLE {table} (a {data_type})")).await.unwrap();
        }
        let long = "snow".repeat(25_000);
        check(&session, "few_numbers", Arc::new(Int64Array::from_iter_values(0..1_000)), true).await;
        check(&session, "many_numbers", Arc::new(Int64Array::from_iter_values(0..200_000)), false).await;
        check(&session, "short_texts", Arc::new(StringArray::from_iter_values(["snow", "ice"])), true).await;
        let texts = std::iter::repeat_n(long.as_str(), 40);
        check(&session, "long_texts", Arc::new(StringArray::from_iter_values(texts)), false).await;
        let binaries = std::iter::repeat_n(long.as_bytes(), 40);
        check(&session, "long_binaries", Arc::new(BinaryArray::from_iter_values(binaries)), false).await;
    });
}
