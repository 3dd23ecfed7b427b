//! Exit codes: what a script can rely on. That of a conflict, 3, takes a race; the mapping itself has a unit test.

use std::fs;

use crate::lake::{Outcome, TestLake, damage, files_below};

#[test]
fn a_wrong_statement_or_wrong_input_is_1() {
    let lake = TestLake::with_orders();
    lake.sql("SELEKT 1").fails(1);
    lake.sql("SELECT * FROM nowhere").fails(1);
    lake.sql("INSERT INTO orders VALUES ('x', 'y', 'z')").fails(1);
    lake.sql("SELECT * FROM orders AS OF VERSION 99").fails(1);
    lake.run(&["import", "orders", "missing.csv"]).fails(1);
}

#[test]
fn a_wrong_command_line_is_2() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "--format", "xml", "-c", "SELECT 1"]).fails(2);
    lake.run(&["frobnicate"]).fails(2);
    lake.run(&["sql", "-c"]).fails(2);
    lake.run(&["tag"]).fails(2);
}

#[test]
fn a_lake_that_is_not_there_is_4() {
    let lake = TestLake::missing();
    lake.sql("SELECT 1").fails(4).prints("");
    fs::create_dir(lake.location()).expect("a temporary folder takes a folder");
    lake.sql("SELECT 1").fails(4).mentions(&["error: there is no lake at ", "frostline init"]);
    lake.run(&["sql", "--lake", "no/such/folder", "-c", "SELECT 1"]).fails(4);
}

#[test]
fn a_damaged_lake_is_4() {
    let lake = TestLake::with_orders();
    fs::write(lake.location().join("frostline.json"), "{}").expect("the file can be written");
    lake.sql("SELECT 1").fails(4).mentions(&["frostline.json"]);
}

#[test]
fn a_lake_with_a_damaged_ledger_is_4() {
    let lake = TestLake::with_orders();
    let slots = files_below(&lake.location().join("log"));
    damage(slots.last().expect("the lake has slots"));
    lake.sql("SELECT * FROM orders").fails(4);
}

/// Runs the command where no file can grow, as on a full disk.
#[cfg(unix)]
fn run_on_full_disk(lake: &TestLake, arguments: &[&str]) -> Outcome {
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let mut shell = lake.program("sh", &["-c", script, env!("CARGO_BIN_EXE_frostline")]);
    Outcome::of(shell.args(arguments).output().expect("the shell starts"))
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_5_and_nothing_is_committed() {
    let lake = TestLake::with_orders();
    run_on_full_disk(&lake, &["sql", "-c", "INSERT INTO orders VALUES (4, 'dee', 1)"]).fails(5).prints("");
    lake.sql("SELECT count(*) AS n FROM orders").succeeds().prints("n\n3\n");
    run_on_full_disk(&lake, &["--lake", "other", "init"]).fails(5);
    lake.run(&["sql", "--lake", "other", "-c", "SELECT 1"]).fails(4);
}
