//! `frostline serve`, asked over HTTP.

use std::io::Read;

use crate::lake::TestLake;
use crate::lake::server::{Response, Server};

/// A gigabyte of rows: more than lies between a server and a client that does not read.
const GIGABYTE: &str = "
    WITH d AS (SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS v (n))
    SELECT repeat('x', 1000) AS text
    FROM d AS a CROSS JOIN d AS b CROSS JOIN d AS c CROSS JOIN d AS e CROSS JOIN d AS f CROSS JOIN d AS g";

/// A query that takes hours to its first row.
const HOURS: &str = "
    WITH d AS (SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS v (n)),
    t AS (SELECT a.n + 10 * b.n + 100 * c.n + 1000 * e.n AS n
          FROM d AS a CROSS JOIN d AS b CROSS JOIN d AS c CROSS JOIN d AS e)
    SELECT sum(a.n + b.n * c.n) AS total FROM t AS a CROSS JOIN t AS b CROSS JOIN t AS c";

#[test]
fn the_first_start_makes_a_token_and_the_next_does_not() {
    let lake = TestLake::with_orders();
    let server = Server::start(&lake, &[]);
    let token = server.token();
    assert!(token.starts_with("fl_"), "{token}");
    assert!(server.told("Flight SQL").is_some_and(|url| url.starts_with("grpc://127.0.0.1:")));
    assert_eq!(server.told("Polars"), None, "it has no place for a token");
    server.sql(&token, "SELECT 1 AS one").is(200);
    drop(server);

    let server = Server::start(&lake, &[]);
    assert_eq!(server.told("token"), None);
    let answer = server.sql(&token, "SELECT 1 AS one").is(200);
    assert_eq!(answer.body, "[{\"one\":1}]\n");
    drop(server);

    let server = Server::start(&lake, &["--no-auth"]);
    assert!(server.told("Polars").is_some_and(|url| url.ends_with("?transport=tcp")));
}

#[test]
fn rows_come_in_the_form_that_is_asked_for_with_their_version() {
    let lake = TestLake::with_orders();
    let server = Server::start(&lake, &["--no-auth"]);
    let query = "SELECT id, buyer FROM orders ORDER BY id LIMIT 2";
    let ask = |accept: &str| server.ask("POST /sql", &[("accept", accept)], query).is(200);
    assert_eq!(ask("text/csv").body, "id,buyer\n1,ann\n2,bob\n");
    assert_eq!(ask("application/x-ndjson").body, "{\"id\":1,\"buyer\":\"ann\"}\n{\"id\":2,\"buyer\":\"bob\"}\n");
    let json = ask("application/json");
    assert_eq!(json.body, "[{\"id\":1,\"buyer\":\"ann\"},{\"id\":2,\"buyer\":\"bob\"}]\n");
    assert!(json.head.contains("x-frostline-version: 4"), "{json:#?}");
    assert!(json.head.contains("content-type: application/json"), "{json:#?}");
    let arrow = ask("application/vnd.apache.arrow.stream");
    assert!(arrow.head.contains("content-type: application/vnd.apache.arrow.stream"), "{arrow:#?}");
    server.ask("POST /sql", &[("accept", "image/png")], query).is(406);
}

#[test]
fn values_of_parameters_come_with_json() {
    let lake = TestLake::with_orders();
    let server = Server::start(&lake, &["--no-auth"]);
    let body = r#"{"sql": "SELECT buyer FROM orders WHERE id = $1", "params": [3]}"#;
    let answer = server.ask("POST /sql", &[("content-type", "application/json")], body).is(200);
    assert_eq!(answer.body, "[{\"buyer\":\"cy\"}]\n");
    server.ask("POST /sql", &[("content-type", "application/json")], "{").is(400);
}

#[test]
fn a_commit_is_made_in_the_name_of_the_token() {
    let lake = TestLake::with_orders();
    let token = lake.run(&["token", "create", "etl", "--rights", "write"]).succeeds().stdout;
    let server = Server::start(&lake, &[]);
    let answer = server.sql(token.trim(), "INSERT INTO orders VALUES (4, 'dee', 1)").is(200);
    assert!(answer.body.contains("\"version\":6") && answer.body.contains("\"rows\":1"), "{answer:#?}");
    let author = "SELECT author FROM system.commits WHERE version = 6";
    lake.sql(author).succeeds().prints("author\netl\n");
}

#[test]
fn a_token_lets_in_as_far_as_its_rights_go() {
    let lake = TestLake::with_orders();
    let token = lake.run(&["token", "create", "reader", "--rights", "read"]).succeeds().stdout;
    let server = Server::start(&lake, &[]);
    assert_eq!(server.told("token"), None, "the lake has a token already");
    server.ask("POST /sql", &[], "SELECT 1").is(401);
    server.sql("fl_nonsense", "SELECT 1").is(401);
    server.sql(token.trim(), "SELECT 1").is(200);
    server.sql(token.trim(), "INSERT INTO orders VALUES (9, 'eve', 1)").is(403);
    server.ask("GET /metrics", &[], "").is(401);

    lake.run(&["token", "revoke", "reader"]).succeeds();
    // Another process revoked it: that is known within a second.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while server.sql(token.trim(), "SELECT 1").status != 401 {
        assert!(std::time::Instant::now() < deadline, "a revoked token still lets in");
    }
}

#[test]
fn mistakes_have_their_status_and_leave_the_server_serving() {
    let lake = TestLake::with_orders();
    lake.write("secret.csv", "a\n1\n");
    let server = Server::start(&lake, &["--no-auth", "--statement-size", "1000B"]);
    let bad = |sql: &str, status: u16| {
        let answer = server.ask("POST /sql", &[], sql).is(status);
        assert!(answer.body.contains("\"error\":"), "{answer:#?}");
    };
    bad("SELEC 1", 400);
    bad("SELECT 1; SELECT 2", 400);
    bad("SELECT * FROM nowhere", 400);
    bad("SELECT * FROM orders AS OF VERSION 99", 400);
    bad("SELECT * FROM 'secret.csv'", 400);
    bad("COPY orders FROM 'secret.csv'", 400);
    bad("COPY (SELECT 1) TO 'out.csv'", 400);
    bad("SET datafusion.runtime.memory_limit = '1T'", 400);
    bad("SET datafusion.execution.target_partitions = 100000", 400);
    bad(&format!("SELECT '{}'", "x".repeat(2000)), 413);
    server.ask("GET /nowhere", &[], "").is(404);
    let other = server.ask("GET /sql", &[], "").is(405);
    assert!(other.body.contains("\"error\":") && other.head.contains("allow: post"), "{other:#?}");
    server.ask("POST /sql", &[], "SELECT 1").is(200);
    assert!(!lake.path("out.csv").exists());
}

#[test]
fn health_readiness_and_metrics_are_told() {
    let lake = TestLake::with_orders();
    let server = Server::start(&lake, &["--no-auth"]);
    server.ask("GET /health", &[], "").is(200);
    let ready = server.ask("GET /ready", &[], "").is(200);
    assert!(ready.body.contains("\"version\":4"), "{ready:#?}");
    server.ask("POST /sql", &[], "SELECT count(*) FROM orders").is(200);
    let metrics = server.ask("GET /metrics", &[], "").is(200);
    assert!(metrics.body.contains("frostline_statements_total{"), "{metrics:#?}");
    assert!(metrics.body.ends_with("# EOF\n"), "{metrics:#?}");
}

#[cfg(unix)]
#[test]
fn a_server_that_is_told_to_end_ends_well() {
    let lake = TestLake::with_orders();
    let server = Server::start(&lake, &["--no-auth", "--drain", "5s"]);
    server.ask("POST /sql", &[], "SELECT 1").is(200);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn rows_that_are_on_their_way_arrive_before_the_server_ends() {
    let lake = TestLake::create();
    let server = Server::start(&lake, &["--no-auth", "--drain", "50s"]);
    let query = format!("{GIGABYTE} LIMIT 50000");
    let stream = server.send("POST /sql HTTP/1.1", &[("accept", "text/csv")], &query);
    // Something of it has been sent.
    assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    server.terminate();
    server.lines_until("ending");
    let answer = Response::read(stream).is(200);
    assert_eq!(answer.body.lines().count(), 50_001);
    assert_eq!(server.wait().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_server_that_is_told_twice_ends_at_once() {
    let lake = TestLake::create();
    let server = Server::start(&lake, &["--no-auth", "--drain", "1h"]);
    let mut stream = server.send("POST /sql HTTP/1.1", &[], GIGABYTE);
    assert_eq!(stream.read(&mut [0]).unwrap(), 1);
    server.terminate();
    server.lines_until("ending");
    server.terminate();
    assert_eq!(server.wait().code(), Some(143));
}

#[test]
fn a_query_ends_with_its_client() {
    let lake = TestLake::create();
    let server = Server::start(&lake, &["--no-auth", "--concurrent-statements", "1", "--log-format", "json"]);
    let runs = || server.ask("GET /metrics", &[], "").body.contains("frostline_statements_running 1\n");
    let check = |query: &str, has_rows: bool| {
        let mut stream = server.send("POST /sql HTTP/1.1", &[], query);
        if has_rows {
            assert_eq!(stream.read(&mut [0]).unwrap(), 1);
        }
        while !runs() {}
        drop(stream);
        let lines = server.lines_until("frostline::statement");
        assert!(lines.last().is_some_and(|line| line.contains("\"outcome\":\"cancelled\"")), "{lines:#?}");
    };
    check(GIGABYTE, true);
    check(HOURS, false);
}

#[test]
fn a_client_that_does_not_read_keeps_its_turn_no_longer_than_a_statement_may_take() {
    let lake = TestLake::create();
    let flags = ["--no-auth", "--concurrent-statements", "1", "--statement-timeout", "3s", "--queue-timeout", "50s"];
    let server = Server::start(&lake, &flags);
    let mut stream = server.send("POST /sql HTTP/1.1", &[], GIGABYTE);
    assert_eq!(stream.read(&mut [0]).unwrap(), 1);
    server.ask("POST /sql", &[], "SELECT 1").is(200);
    // Nor does it take half of the rows for all of them.
    let mut rest: Vec<u8> = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"\r\n0\r\n\r\n"));
}

#[test]
fn http_1_0_which_cannot_tell_half_a_result_from_a_whole_one_gets_none() {
    let lake = TestLake::create();
    let server = Server::start(&lake, &["--no-auth"]);
    let ask = |request: &str, body: &str| Response::read(server.send(request, &[], body));
    let refused = ask("POST /sql HTTP/1.0", "SELECT 1").is(505);
    assert!(refused.body.contains("use HTTP/1.1"), "{refused:#?}");
    ask("GET /health HTTP/1.0", "").is(200);
}

#[test]
fn a_web_page_cannot_use_a_server_that_asks_for_no_token() {
    let lake = TestLake::with_orders();
    let server = Server::start(&lake, &["--no-auth"]);
    let page = ("origin", "https://example.org");
    let refused = server.ask("POST /sql", &[page, ("content-type", "text/plain")], "DROP TABLE orders").is(403);
    assert!(refused.body.contains("\"error\":"), "{refused:#?}");
    server.ask("POST /sql", &[], "SELECT * FROM orders").is(200);
    drop(server);

    // Who has a token may be a page.
    let server = Server::start(&lake, &[]);
    let bearer = format!("Bearer {}", server.token());
    server.ask("POST /sql", &[page, ("authorization", &bearer)], "SELECT * FROM orders").is(200);
}

#[test]
fn each_statement_is_a_line_in_the_log() {
    let lake = TestLake::with_orders();
    let server = Server::start(&lake, &["--no-auth", "--log-format", "json"]);
    server.ask("POST /sql", &[], "SELECT * FROM orders").is(200);
    let lines = server.lines_until("frostline::statement");
    let line = lines.last().expect("it was said");
    for part in ["\"principal\":\"anonymous\"", "\"outcome\":\"ok\"", "\"version\":4", "\"rows\":3", "\"query_id\":"] {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
}

#[test]
fn what_would_let_strangers_in_is_refused() {
    let lake = TestLake::create();
    let others = ["serve", "--listen", "0.0.0.0:0", "--http-listen", "127.0.0.1:0"];
    let refused = |more: &[&str]| {
        let arguments: Vec<&str> = others.iter().chain(more).copied().collect();
        lake.run(&arguments).fails(2)
    };
    refused(&[]).mentions(&["there is no TLS", "--allow-plaintext"]);
    refused(&["--no-auth", "--allow-plaintext"]).mentions(&["nobody is asked for a token"]);
    refused(&["--tls-cert", "cert.pem"]).mentions(&["`serve.tls_cert` is set and `serve.tls_key` is not"]);
    refused(&["--memory", "lots"]).mentions(&["`lots` is no value for `limits.memory` (flag --memory)"]);
}
