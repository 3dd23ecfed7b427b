//! `frostline sql`.

use crate::lake::TestLake;

#[test]
fn statements_run_one_after_the_other_and_see_those_before() {
    let lake = TestLake::create();
    let outcome = lake.run(&[
        "sql",
        "-c",
        "CREATE TABLE t (id BIGINT); INSERT INTO t VALUES (1), (2)",
        "-c",
        "INSERT INTO t SELECT id + 10 FROM t",
        "-c",
        "SELECT id FROM t ORDER BY id",
    ]);
    let outcome = outcome.succeeds().prints("id\n1\n2\n11\n12\n");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{outcome:#?}");
    assert!(lines[0].starts_with("version 2: create table"), "{outcome:#?}");
    assert_eq!(lines[1..], ["version 3: insert t, 2 rows", "version 4: insert t, 2 rows"]);
}

#[test]
fn a_commit_is_one_line_on_standard_error() {
    let lake = TestLake::with_orders();
    lake.sql("INSERT INTO orders VALUES (4, 'dee', 1)").succeeds().prints("").says("version 5: insert orders, 1 row\n");
}

#[test]
fn a_change_of_nothing_makes_no_version() {
    let lake = TestLake::with_orders();
    lake.sql("INSERT INTO orders SELECT * FROM orders WHERE false").succeeds().prints("").says("no change\n");
    lake.sql("SELECT max(version) AS newest FROM system.commits").succeeds().prints("newest\n4\n");
}

#[test]
fn reads_say_nothing_unless_they_are_asked_to() {
    let lake = TestLake::with_orders();
    lake.sql("SELECT id FROM orders WHERE id < 3 ORDER BY id").succeeds().prints("id\n1\n2\n").says("");
    lake.run(&["sql", "-v", "-c", "SELECT id FROM orders WHERE id < 3 ORDER BY id"])
        .succeeds()
        .prints("id\n1\n2\n")
        .mentions(&["read version 4: 2 rows in "]);
}

#[test]
fn what_is_read_at_a_version_of_its_own_says_that_one() {
    let lake = TestLake::with_orders();
    let says = |sql: &str, expected: &str| {
        lake.run(&["sql", "-v", "-c", sql]).succeeds().mentions(&[expected]);
    };
    says("SELECT id FROM orders AS OF VERSION 3", "read version 3: 2 rows in ");
    says("SUMMARIZE orders AS OF VERSION 3", "read version 3: 3 rows in ");
    says("SHOW TABLES AS OF VERSION 3", "read version 3: 1 row in ");
    // Of several versions, the one that the statement saw.
    says("SELECT a.id FROM orders a JOIN orders AS OF VERSION 3 b ON a.id = b.id", "read version 4: 2 rows in ");
}

#[test]
fn a_script_stops_at_the_first_error_and_earlier_commits_stay() {
    let lake = TestLake::create();
    lake.write(
        "load.sql",
        "-- a script\nCREATE TABLE t (id BIGINT);\nINSERT INTO t VALUES (1);\nINSERT INTO nowhere VALUES (2);\n\
         INSERT INTO t VALUES (3);\n",
    );
    let outcome = lake.run(&["sql", "-f", "load.sql"]).fails(1).prints("");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(lines[0].starts_with("version 2: create table"), "{outcome:#?}");
    assert_eq!(lines[1], "version 3: insert t, 1 row");
    assert!(lines[2].starts_with("error: load.sql, line 4: "), "{outcome:#?}");
    lake.sql("SELECT id FROM t").succeeds().prints("id\n1\n");
}

#[test]
fn a_mistake_in_the_third_statement_does_not_keep_the_first_two_from_running() {
    let lake = TestLake::create();
    lake.write("load.sql", "CREATE TABLE t (id BIGINT);\nINSERT INTO t VALUES (1);\nSELEKT 1;\n");
    lake.run(&["sql", "-f", "load.sql"]).fails(1).mentions(&["version 3: insert t, 1 row\n", "error: load.sql: "]);
}

#[test]
fn results_before_an_error_are_printed() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "-c", "SELECT 1 AS one; SELECT nothing FROM orders"]).fails(1).prints("one\n1\n");
}

#[test]
fn standard_input_is_a_script_with_or_without_the_command() {
    let lake = TestLake::with_orders();
    let script = "\u{feff}INSERT INTO orders VALUES (4, 'dee', 1);\nSELECT count(*) AS n FROM orders;\n";
    lake.feed(&["sql"], script).succeeds().prints("n\n4\n").says("version 5: insert orders, 1 row\n");
    lake.feed(&[], "SELECT count(*) AS n FROM orders").succeeds().prints("n\n4\n").says("");
    lake.feed(&["sql", "-f", "-"], "SELECT 1 AS one").succeeds().prints("one\n1\n");
    lake.feed(&[], "").succeeds().prints("").says("");
    lake.feed(&[], "SELECT 1 AS one;\nSELECT nothing").fails(1).mentions(&["error: standard input, line 2: "]);
}

#[test]
fn a_script_that_cannot_be_read_is_found_before_any_statement_runs() {
    let lake = TestLake::create();
    lake.write("a.sql", "CREATE TABLE t (id BIGINT)");
    lake.run(&["sql", "-f", "a.sql", "-f", "missing.sql"]).fails(1).mentions(&["error: cannot read `missing.sql`"]);
    lake.sql("SELECT * FROM t").fails(1);
}

#[test]
fn as_of_reads_the_past() {
    let lake = TestLake::with_orders();
    lake.run(&["tag", "create", "two-rows", "--as-of", "3"]).succeeds();
    let count = "SELECT count(*) AS n FROM orders";
    lake.run(&["sql", "--as-of", "3", "-c", count]).succeeds().prints("n\n2\n");
    lake.run(&["sql", "--as-of", "two-rows", "-c", count]).succeeds().prints("n\n2\n");
    lake.run(&["sql", "-c", count]).succeeds().prints("n\n3\n");
}

#[test]
fn a_past_that_is_not_there_is_an_error() {
    let lake = TestLake::with_orders();
    let count = "SELECT count(*) AS n FROM orders";
    for past in ["9000", "no-such-tag", "1990-01-01", "2999-01-01"] {
        let outcome = lake.run(&["sql", "--as-of", past, "-c", count]).fails(1).prints("");
        assert!(outcome.stderr.starts_with("error: "), "{past}: {outcome:#?}");
    }
    lake.run(&["sql", "--as-of", "9000", "-c", count]).mentions(&["version 9000 does not exist"]);
}

#[test]
fn a_session_pinned_to_the_past_does_not_write() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "--as-of", "3", "-c", "INSERT INTO orders VALUES (9, 'x', 1)"])
        .fails(1)
        .says("error: the session is pinned to version 3, and the past cannot be written\n");
    // Nor does one that was told to look at the newest version again.
    let undone = "RESET frostline.as_of; INSERT INTO orders VALUES (9, 'x', 1)";
    lake.run(&["sql", "--as-of", "3", "-c", undone])
        .fails(1)
        .says("error: the session only reads, so nothing can be written\n");
    lake.sql("SELECT count(*) AS n FROM orders").prints("n\n3\n");
}

#[test]
fn a_session_pinned_to_a_tag_still_knows_that_tag() {
    let lake = TestLake::with_orders();
    lake.run(&["tag", "create", "two-rows", "--as-of", "3"]).succeeds();
    for clause in ["AS OF TAG 'two-rows'", "AS OF 'two-rows'"] {
        let sql = format!("SELECT count(*) AS n FROM orders {clause}");
        lake.run(&["sql", "--as-of", "two-rows", "-c", &sql]).succeeds().prints("n\n2\n");
    }
}

#[test]
fn reset_gives_the_author_of_the_command_line_again() {
    let lake = TestLake::with_orders();
    let sql = "SET frostline.author = 'eve'; SET frostline.message = 'x'; RESET frostline.author; \
               INSERT INTO orders VALUES (4, 'dee', 1); SET frostline.author = 'eve'; RESET ALL; \
               INSERT INTO orders VALUES (5, 'el', 1)";
    lake.run(&["sql", "-m", "why", "-c", sql]).succeeds();
    lake.sql("SELECT author, message FROM system.commits WHERE version >= 5 ORDER BY version")
        .succeeds()
        .prints("author,message\ntester,x\ntester,why\n");
}

#[test]
fn a_commit_names_who_made_it_and_why() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "--author", "eve", "-m", "by hand", "-c", "INSERT INTO orders VALUES (4, 'dee', 1)"]).succeeds();
    lake.sql("SELECT author, message FROM system.commits WHERE version >= 4 ORDER BY version")
        .succeeds()
        .prints("author,message\ntester,\"\"\neve,by hand\n");
}

#[test]
fn a_script_commits_its_transaction_as_one_version() {
    let lake = TestLake::with_orders();
    lake.write(
        "load.sql",
        "BEGIN;\nINSERT INTO orders VALUES (4, 'dee', 1);\nINSERT INTO orders VALUES (5, 'eve', 2);\n\
         COMMIT WITH (message => 'two more', ticket => 'OPS-7');\n",
    );
    lake.run(&["sql", "-f", "load.sql"]).succeeds().prints("").says(
        "pending: insert orders, 1 row\npending: insert orders, 1 row\n\
         version 5: transaction: insert orders, 1 row; insert orders, 1 row\n",
    );
    lake.sql("SELECT message, properties['ticket'] AS ticket FROM system.commits WHERE version = 5")
        .succeeds()
        .prints("message,ticket\ntwo more,OPS-7\n");
}

#[test]
fn a_script_that_ends_inside_a_transaction_is_rolled_back_and_fails() {
    let lake = TestLake::with_orders();
    let outcome = lake.run(&["sql", "-c", "BEGIN; INSERT INTO orders VALUES (4, 'dee', 1)"]).fails(1);
    outcome.mentions(&["error: the statements end inside a transaction, which was rolled back"]);
    lake.run(&["sql", "-c", "BEGIN; INSERT INTO orders VALUES (4, 'dee', 1); SELEKT 1; COMMIT"])
        .fails(1)
        .mentions(&["rolled back: the transaction was still open\n", "error: "]);
    lake.sql("SELECT count(*) AS n FROM orders").succeeds().prints("n\n3\n");
    lake.run(&["sql", "-c", "BEGIN; SELECT count(*) AS n FROM orders; ROLLBACK"]).succeeds().prints("n\n3\n").says("");
}

#[test]
fn an_assertion_stops_a_script() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "-c", "ASSERT (SELECT count(*) FROM orders) = 3; SELECT 1 AS one"]).succeeds().prints("one\n1\n");
    lake.run(&["sql", "-c", "ASSERT (SELECT count(*) FROM orders) = 4, 'an order is missing'; SELECT 1 AS one"])
        .fails(1)
        .prints("")
        .says("error: assertion failed: an order is missing\n");
}
