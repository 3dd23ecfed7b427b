//! Pipes that are closed early, and Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use crate::lake::{Outcome, TestLake};

/// Many rows, without a table.
const MANY_ROWS: &str = "WITH n(i) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) \
                         SELECT a.i AS a, b.i AS b, c.i AS c, d.i AS d, e.i AS e \
                         FROM n AS a CROSS JOIN n AS b CROSS JOIN n AS c CROSS JOIN n AS d CROSS JOIN n AS e";

/// A statement that does not end while anybody waits for it.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) \
                       SELECT count(*) FROM n";

/// Runs a command, reads the first line of its output and closes the pipe.
fn read_one_line(lake: &TestLake, arguments: &[&str]) -> Outcome {
    let mut child = lake.command(arguments).spawn().expect("the command starts");
    let mut stdout = BufReader::with_capacity(16, child.stdout.take().expect("standard output is a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the command writes a line");
    drop(stdout);
    let mut outcome = Outcome::of(child.wait_with_output().expect("the command ends"));
    outcome.stdout = line;
    outcome
}

#[test]
fn a_closed_pipe_is_no_error() {
    let lake = TestLake::create();
    let outcome = read_one_line(&lake, &["sql", "--format", "tsv", "-c", MANY_ROWS]);
    outcome.succeeds().prints("a\tb\tc\td\te\n").says("");
}

#[test]
fn statements_that_write_run_though_nobody_reads_the_results() {
    let lake = TestLake::with_orders();
    let insert = "INSERT INTO orders VALUES (4, 'dee', 1)";
    let outcome = read_one_line(&lake, &["sql", "-c", MANY_ROWS, "-c", "SELECT 1", "-c", insert]);
    outcome.succeeds().says("version 5: insert orders, 1 row\n");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_statement_with_130() {
    let lake = TestLake::create();
    let mut child =
        lake.command(&["sql", "-c", "SELECT 1 AS ready", "-c", ENDLESS]).spawn().expect("the command starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the command writes a line");
    assert_eq!(line, "ready\n");
    let kill = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().expect("the shell starts");
    assert!(sent.success());
    let status = child.wait().expect("the command ends");
    assert_eq!(status.code(), Some(130));
    let mut stderr = String::new();
    child.stderr.take().expect("standard error is a pipe").read_to_string(&mut stderr).expect("it is text");
    // Between two statements the process ends without a word.
    assert!(stderr.is_empty() || stderr == "error: interrupted\n", "{stderr}");
}
