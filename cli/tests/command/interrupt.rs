//! Ctrl-C.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::lake::TestLake;

/// How long a query runs before the press.
const BEGINNING: Duration = Duration::from_millis(800);

/// The longest time that a press may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([name, &process.to_string()]).status().expect("kill starts");
    assert!(status.success());
}

#[test]
fn one_press_ends_a_query_that_keeps_every_thread_busy() {
    let lake = TestLake::create();
    lake.sql("CREATE TABLE n AS SELECT value AS v FROM generate_series(1, 200000)").succeeds();
    let pairs = "SELECT count(DISTINCT a.v + b.v) AS n FROM n a, n b";
    let mut child = lake
        .command(&["sql", "-c", "CREATE TABLE begun (k BIGINT)", "-c", pairs])
        .env("TOKIO_WORKER_THREADS", "1")
        .spawn()
        .expect("the command starts");
    let mut said = String::new();
    let stderr = child.stderr.take().expect("standard error is a pipe");
    let mut stderr = BufReader::new(stderr);
    stderr.read_line(&mut said).expect("it says that it has begun");
    assert!(said.starts_with("version 3: create table begun"), "{said}");

    let process = child.id();
    let (sender, ended) = mpsc::channel::<ExitStatus>();
    thread::spawn(move || sender.send(child.wait().expect("the process ends")));
    assert!(ended.recv_timeout(BEGINNING).is_err(), "the query is too small");
    signal("-INT", process);
    let status = ended.recv_timeout(PATIENCE);
    if status.is_err() {
        signal("-KILL", process);
    }
    assert_eq!(status.ok().and_then(|status| status.code()), Some(130));
}
