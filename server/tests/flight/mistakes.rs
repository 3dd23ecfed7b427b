//! What clients do wrong: a clear status each, and the server goes on.

use arrow_flight::sql::{CommandStatementSubstraitPlan, ProstMessageExt};
use arrow_flight::{Action, FlightDescriptor, Ticket};
use bytes::Bytes;
use prost::Message;
use tonic::Code;

use crate::served::{Served, number, run, told, update};

#[test]
fn a_wrong_statement_is_refused_with_its_reason() {
    run(async {
        let served = Served::open("mistakes").await;
        let mut client = served.client().await;
        update(&mut client, "CREATE TABLE t (id BIGINT)").await;
        for (sql, said) in [
            ("SELEC 1", "expected: a statement"),
            ("SELECT 1; SELECT 2", "a second statement begins here"),
            ("", "no statement"),
            ("SELECT * FROM nowhere", "`nowhere` not found"),
            ("SELECT nope FROM t", "`nope`"),
            ("SELECT * FROM t AS OF VERSION 99", "version 99 does not exist"),
            ("SELECT * FROM t AS OF TAG 'never'", "tag `never` does not exist"),
            ("SELECT * FROM '/etc/passwd'", "no files of the machine"),
            ("SELECT * FROM read_csv('/etc/passwd')", "no files of the machine"),
            ("COPY t TO '/tmp/frostline-leak.csv'", "no files of the machine"),
            ("COPY t FROM '/etc/passwd'", "no files of the machine"),
            ("CREATE VIEW v AS SELECT * FROM '/etc/passwd'", "cannot rest on a file"),
            ("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", "not supported"),
            ("EXECUTE nothing", "not prepared"),
        ] {
            let error = client.execute(sql.to_owned(), None).await.unwrap_err();
            let (code, message) = told(&error);
            assert_eq!(code, Code::InvalidArgument, "{sql}: {message}");
            assert!(message.contains(said), "{sql}: {message}");
            let error = client.execute_update(sql.to_owned(), None).await.unwrap_err();
            assert_eq!(told(&error).0, Code::InvalidArgument, "{sql}");
            if sql.starts_with("SELECT") {
                assert!(client.prepare(sql.to_owned(), None).await.is_err(), "{sql}");
            }
        }
        assert_eq!(number(&mut client, "SELECT count(*) FROM t").await, 0, "the server goes on");
        served.end().await;
    });
}

#[test]
fn settings_that_concern_others_cannot_be_set() {
    run(async {
        let served = Served::open("settings").await;
        let mut client = served.client().await;
        client.handshake("anybody", "anything").await.unwrap();
        for sql in [
            "SET datafusion.runtime.memory_limit = '1G'",
            "SET datafusion.execution.batch_size = 1",
            "SET datafusion.catalog.location = '/'",
            "SET nonsense = 1",
        ] {
            let error = client.execute(sql.to_owned(), None).await.unwrap_err();
            assert_eq!(told(&error).0, Code::InvalidArgument, "{sql}: {error}");
        }
        update(&mut client, "SET timezone = 'Europe/Zurich'").await;
        served.end().await;
    });
}

#[test]
fn there_are_no_savepoints_and_plans() {
    run(async {
        let served = Served::open("savepoints").await;
        let mut client = served.client().await;
        for name in ["BeginSavepoint", "EndSavepoint", "CreatePreparedSubstraitPlan", "NoSuchAction"] {
            let error = client.do_action(Action::new(name, Vec::new())).await.unwrap_err();
            let (code, message) = told(&error);
            assert_eq!(code, Code::Unimplemented, "{name}: {message}");
        }
        let plan = CommandStatementSubstraitPlan::default().as_any().encode_to_vec();
        let error = client.inner_mut().get_flight_info(FlightDescriptor::new_cmd(plan)).await.unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented, "{error}");
        served.end().await;
    });
}

#[test]
fn what_is_no_message_is_the_senders_mistake() {
    run(async {
        let served = Served::open("messages").await;
        let mut raw = served.raw().await;
        let known = b"\x0a\x43type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery\x12\x02\xff\xff";
        for bytes in [b"".as_slice(), b"\xff\xff\xff", b"nonsense", known] {
            let bytes = Bytes::copy_from_slice(bytes);
            let error = raw.get_flight_info(FlightDescriptor::new_cmd(bytes.clone())).await.unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
            let error = raw.get_schema(FlightDescriptor::new_cmd(bytes.clone())).await.unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
            let error = raw.do_get(Ticket { ticket: bytes.clone() }).await.unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        }
        for action in ["CreatePreparedStatement", "ClosePreparedStatement", "CancelFlightInfo", "CancelQuery"] {
            let error = raw.do_action(Action::new(action, b"\xff\xff".to_vec())).await.unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument, "{action}: {error}");
        }
        served.end().await;
    });
}
