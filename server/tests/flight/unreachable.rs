//! What SQL from the network does not reach, and texts that are no statement, by every way in.

use arrow_flight::sql::{ActionCreatePreparedStatementRequest, ProstMessageExt};
use frostline_server::{Authentication, ServeLimits};
use prost::Message;
use tonic::Code;

use crate::refused::{Refusals, assert_refused, check_refused, note};
use crate::served::{Served, number, run, update};
use crate::wire::{Wire, query_command};

/// Sends a statement by every way in that would run it; all refuse it with these words.
async fn check(served: &Served, wire: &mut Wire, sql: &str, said: &str) {
    let mut refused = Refusals::new();
    note(&mut refused, format!("GetFlightInfo {sql}"), wire.info(query_command(sql)).await);
    note(&mut refused, format!("PollFlightInfo {sql}"), wire.poll(query_command(sql)).await);
    note(&mut refused, format!("DoPut {sql}"), wire.update(sql).await);
    check_refused(Code::InvalidArgument, said, &refused);
    let answer = served.web_sql(sql).await;
    assert_eq!(answer.status, 400, "{sql}: {}", answer.body);
}

/// The answer to the request to prepare a statement.
async fn prepare(wire: &mut Wire, sql: &str) -> Result<Vec<bytes::Bytes>, tonic::Status> {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    wire.act("CreatePreparedStatement", request.as_any().encode_to_vec()).await
}

#[test]
fn no_file_and_no_address_is_reached() {
    run(async {
        let served = Served::open("unreachable-files").await;
        let mut wire = served.wire().await;
        wire.update("CREATE TABLE t (id BIGINT)").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let leak = folder.path().join("leak.csv");
        let leak = leak.display();
        for sql in [
            format!("COPY (SELECT 1) TO '{leak}'"),
            format!("COPY t TO '{leak}'"),
            format!("COPY (SELECT * FROM t) TO '{leak}'"),
            "COPY t FROM '/etc/passwd'".to_owned(),
            "COPY t FROM 'https://example.org/rows.csv'".to_owned(),
            "SELECT * FROM '/etc/passwd'".to_owned(),
            "SELECT * FROM 's3://bucket/rows.parquet'".to_owned(),
            "SELECT * FROM 'https://example.org/rows.parquet'".to_owned(),
            "SELECT * FROM read_csv('/etc/passwd')".to_owned(),
            "SELECT * FROM read_json('/etc/passwd')".to_owned(),
            "SELECT * FROM read_parquet('/etc/passwd')".to_owned(),
            "SELECT * FROM read_parquet('https://example.org/rows.parquet')".to_owned(),
            "INSERT INTO t SELECT 1 FROM read_csv('/etc/passwd')".to_owned(),
        ] {
            check(&served, &mut wire, &sql, "no files of the machine").await;
        }
        let external = "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'";
        check(&served, &mut wire, external, "not supported").await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
        served.assert_serves().await;
        let mut client = served.client().await;
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0);
        served.end().await;
    });
}

#[test]
fn no_setting_that_costs_others_is_set() {
    run(async {
        let served = Served::open("unreachable-settings").await;
        let mut wire = served.wire().await;
        wire.begin_session().await;
        for sql in [
            "SET datafusion.runtime.memory_limit = '1T'",
            "SET datafusion.runtime.temp_directory = '/'",
            "SET datafusion.execution.batch_size = 1",
            "SET datafusion.execution.target_partitions = 100000",
            "SET datafusion.execution.memory_fraction = 1",
            "SET datafusion.optimizer.max_passes = 1000000",
            "SET datafusion.catalog.location = '/'",
            "SET server.token.x = 'y'",
        ] {
            let mut refused = Refusals::new();
            note(&mut refused, sql, wire.info(query_command(sql)).await);
            note(&mut refused, sql, wire.update(sql).await);
            assert_refused(&served, Code::InvalidArgument, "", refused).await;
            assert_eq!(served.web_sql(sql).await.status, 400, "{sql}");
        }
        wire.update("SET timezone = 'Europe/Zurich'").await.expect("that one is the session's own");
        served.end().await;
    });
}

#[test]
fn a_text_is_one_statement_of_a_bounded_length() {
    run(async {
        let limits = ServeLimits { statement_bytes_max: 1000, ..ServeLimits::default() };
        let served = Served::start("unreachable-texts", Authentication::Nobody, limits).await;
        let mut wire = served.wire().await;
        let long = format!("SELECT '{}'", "x".repeat(1000));
        for (sql, said) in [
            ("", "no statement"),
            ("  -- nothing\n ;", "no statement"),
            ("SELECT 1; SELECT 2", "a second statement begins here"),
            ("SELECT 1; DROP TABLE t", "a second statement begins here"),
            ("SELECT 1 \0", ""),
            ("\0", ""),
            ("SELECT 1 AS a\0b", ""),
            ("SELECT 'no end", ""),
        ] {
            check(&served, &mut wire, sql, said).await;
            let mut refused = Refusals::new();
            note(&mut refused, format!("GetSchema {sql}"), wire.schema(query_command(sql)).await);
            note(&mut refused, format!("to prepare {sql}"), prepare(&mut wire, sql).await);
            assert_refused(&served, Code::InvalidArgument, said, refused).await;
        }
        let mut refused = Refusals::new();
        note(&mut refused, "GetFlightInfo", wire.info(query_command(&long)).await);
        note(&mut refused, "PollFlightInfo", wire.poll(query_command(&long)).await);
        note(&mut refused, "GetSchema", wire.schema(query_command(&long)).await);
        note(&mut refused, "DoPut", wire.update(&long).await);
        note(&mut refused, "to prepare", prepare(&mut wire, &long).await);
        let said = "the statement has 1009 bytes, and the server takes 1000";
        assert_refused(&served, Code::InvalidArgument, said, refused).await;
        let answer = served.web_sql(&long).await;
        assert_eq!(answer.status, 413, "{}", answer.body);
        assert!(answer.body.contains(said), "{}", answer.body);
        served.end().await;
    });
}

#[test]
fn a_past_that_there_is_not_is_refused_and_never_the_newest_data() {
    run(async {
        let served = Served::open("unreachable-past").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        let mut wire = served.wire().await;
        for (clause, said) in [
            ("VERSION 99", "version 99 does not exist; `main` runs from 1 to 2"),
            ("VERSION 18446744073709551615", ""),
            ("VERSION 0", ""),
            ("VERSION -1", ""),
            ("TIMESTAMP '1970-01-01 00:00:00'", "nothing was committed"),
            ("TIMESTAMP '2999-01-01 00:00:00'", "an AS OF reads the past"),
            ("TAG 'never'", "tag `never` does not exist"),
            ("BRANCH nowhere", ""),
        ] {
            let sql = format!("SELECT * FROM t AS OF {clause}");
            check(&served, &mut wire, &sql, said).await;
            let mut refused = Refusals::new();
            note(&mut refused, format!("GetSchema {sql}"), wire.schema(query_command(&sql)).await);
            note(&mut refused, format!("to prepare {sql}"), prepare(&mut wire, &sql).await);
            assert_refused(&served, Code::InvalidArgument, said, refused).await;
        }
        let mut pinned = served.wire().await;
        let mut refused = Refusals::new();
        for past in ["99", "never", "1970-01-01"] {
            pinned.set("as_of", past);
            note(&mut refused, past, pinned.info(query_command("SELECT * FROM t")).await);
        }
        assert_refused(&served, Code::InvalidArgument, "", refused).await;
        served.end().await;
    });
}
