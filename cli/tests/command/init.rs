//! `frostline init`.

use crate::lake::{Outcome, TestLake};

#[test]
fn init_makes_version_1_and_says_so_in_one_line() {
    let lake = TestLake::missing();
    let outcome = lake.run(&["init"]).succeeds().prints("");
    assert!(outcome.stderr.starts_with("version 1: create lake "), "{outcome:#?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:#?}");
    lake.sql("SELECT count(*) AS commits FROM system.commits").succeeds().prints("commits\n1\n");
}

#[test]
fn a_lake_is_never_created_over_another() {
    let lake = TestLake::with_orders();
    lake.run(&["init"]).fails(4).prints("").mentions(&["error: there is a lake at "]);
    lake.sql("SELECT count(*) AS n FROM orders").succeeds().prints("n\n3\n");
}

#[test]
fn only_init_creates_a_lake() {
    let lake = TestLake::missing();
    lake.write("a.csv", "id\n1\n");
    for arguments in [
        &["sql", "-c", "CREATE TABLE t (id BIGINT)"][..],
        &["import", "t", "a.csv"],
        &["log"],
        &["show", "1"],
        &["tag", "list"],
        &["verify"],
    ] {
        lake.run(arguments).fails(4).prints("");
    }
    assert!(!lake.location().exists());
}

#[test]
fn the_lake_is_named_by_an_option_or_by_the_environment() {
    let lake = TestLake::missing();
    lake.run(&["--lake", "other", "init"]).succeeds();
    assert!(lake.path("other").join("frostline.json").exists());
    lake.run(&["sql", "-c", "SELECT 1 AS one", "--lake", "other"]).succeeds().prints("one\n1\n");
    let output = lake.command(&["sql", "-c", "SELECT 1 AS one"]).env("FROSTLINE_LAKE", "other").output();
    Outcome::of(output.expect("the command starts")).succeeds().prints("one\n1\n");
}

#[test]
fn a_lake_that_wants_messages_takes_no_commit_without_one() {
    let lake = TestLake::missing();
    lake.run(&["init", "--require-message"]).succeeds();
    let outcome = lake.sql("CREATE TABLE t (id BIGINT)").fails(1);
    outcome.mentions(&["wants a message with every commit", "-m on the command line"]);
    lake.run(&["sql", "-m", "a table", "-c", "CREATE TABLE t (id BIGINT)"]).succeeds();
    lake.sql("SELECT message FROM system.commits WHERE version = 2").succeeds().prints("message\na table\n");
}
