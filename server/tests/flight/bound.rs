//! Prepared statements with several rows of values, or with too many.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Int64Type, Schema};
use arrow_flight::sql::client::PreparedStatement;
use tonic::Code;
use tonic::transport::Channel;

use crate::served::{Client, Served, fetch, number, run, told, update};

async fn prepared(client: &mut Client, sql: &str, values: ArrayRef) -> PreparedStatement<Channel> {
    let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
    let schema = Schema::new(vec![Field::new("1", values.data_type().clone(), true)]);
    prepared.set_parameters(RecordBatch::try_new(Arc::new(schema), vec![values]).unwrap()).unwrap();
    prepared
}

#[test]
fn what_one_row_has_another_may_lack() {
    run(async {
        let served = Served::open("bound-null").await;
        let mut client = served.client().await;
        let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let info = prepared(&mut client, "SELECT ? AS v", values).await.execute().await.unwrap();
        assert!(Schema::try_from(info.clone()).unwrap().field(0).is_nullable());
        let batches = fetch(&mut client, &info).await.unwrap();
        let found = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter());
        assert_eq!(found.collect::<Vec<Option<i64>>>(), [Some(1), None, Some(3)]);
        served.end().await;
    });
}

#[test]
fn a_row_that_would_read_another_version_is_an_error() {
    run(async {
        let served = Served::open("bound-versions").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        update(&mut client, "INSERT INTO t VALUES (1)").await;
        update(&mut client, "ALTER TABLE t ADD COLUMN name VARCHAR").await;
        let sql = "SELECT * FROM t AS OF VERSION ?";
        let same: ArrayRef = Arc::new(Int64Array::from(vec![3, 3]));
        let info = prepared(&mut client, sql, same).await.execute().await.unwrap();
        let rows = fetch(&mut client, &info).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>();
        assert_eq!(rows, 2);
        let other: ArrayRef = Arc::new(Int64Array::from(vec![3, 4]));
        let info = prepared(&mut client, sql, other).await.execute().await.unwrap();
        let (code, message) = told(&fetch(&mut client, &info).await.unwrap_err());
        assert_eq!(code, Code::InvalidArgument, "{message}");
        assert!(message.contains("row 2"), "{message}");
        served.end().await;
    });
}

#[test]
fn values_are_bounded_by_their_bytes() {
    run(async {
        let served = Served::open("bound-bytes").await;
        let mut client = served.client().await;
        let large = "x".repeat(24 * 1024 * 1024);
        let values: ArrayRef = Arc::new(StringArray::from(vec![large.as_str(), large.as_str(), large.as_str()]));
        let error = prepared(&mut client, "SELECT length(?)", values).await.execute().await.unwrap_err();
        let (code, message) = told(&error);
        assert_eq!(code, Code::InvalidArgument, "{message}");
        assert!(message.contains("ingest them instead"), "{message}");
        served.end().await;
    });
}

#[test]
fn ten_thousand_rows_of_values_are_one_commit() {
    run(async {
        let served = Served::open("bound-many").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id INTEGER NOT NULL, name VARCHAR)").await;
        let before = number(&mut client, "SELECT count(*) FROM system.commits").await;
        let sql = "INSERT INTO t VALUES ($1, 'n' || CAST($1 + 1 AS VARCHAR))";
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
        let written = prepared(&mut client, sql, values).await.execute_update().await.unwrap();
        assert_eq!(written, 10_000);
        assert_eq!(number(&mut client, "SELECT count(*) FROM system.commits").await, before + 1);
        assert_eq!(number(&mut client, "SELECT sum(id) FROM t").await, 49_995_000);
        let named = "SELECT count(*) FROM t WHERE name = 'n' || CAST(id + 1 AS VARCHAR)";
        assert_eq!(number(&mut client, named).await, 10_000);

        // The last of all does not fit.
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values((0..9_999).chain([1 << 40])));
        let error = prepared(&mut client, sql, values).await.execute_update().await.unwrap_err();
        let (_, message) = told(&error);
        assert!(message.contains("row 10000 of the parameters") && message.contains("column `id`"), "{message}");
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 10_000);
        served.end().await;
    });
}
