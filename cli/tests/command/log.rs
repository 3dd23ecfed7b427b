//! `frostline log`.

use crate::lake::TestLake;

/// The first column behind the header: the versions.
fn versions(csv: &str) -> Vec<String> {
    csv.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect()
}

fn check(lake: &TestLake, arguments: &[&str], expected: &[&str]) {
    let arguments: Vec<&str> = ["log"].iter().chain(arguments).copied().collect();
    let outcome = lake.run(&arguments).succeeds().says("");
    assert!(outcome.stdout.starts_with("version,"), "{outcome:#?}");
    assert_eq!(versions(&outcome.stdout), expected, "{outcome:#?}");
}

#[test]
fn commits_are_listed_newest_first() {
    let lake = TestLake::with_orders();
    check(&lake, &[], &["4", "3", "2", "1"]);
    check(&lake, &["-n", "2"], &["4", "3"]);
    check(&lake, &["-n", "0"], &[]);
}

#[test]
fn a_time_leaves_out_what_was_before() {
    let lake = TestLake::with_orders();
    check(&lake, &["--since", "2999-01-01"], &[]);
    let all = lake.run(&["log", "--since", "2000-01-01"]).succeeds();
    assert_eq!(versions(&all.stdout).first().map(String::as_str), Some("4"), "{all:#?}");
    lake.run(&["log", "--since", "soon"]).fails(1);
}

#[test]
fn a_table_leaves_out_what_did_not_change_it() {
    let lake = TestLake::with_orders();
    lake.sql("CREATE TABLE other (id BIGINT)").succeeds();
    lake.sql("INSERT INTO orders VALUES (4, 'dee', 1)").succeeds();
    lake.sql("DROP TABLE other").succeeds();
    check(&lake, &["orders"], &["6", "4", "3", "2"]);
    check(&lake, &["orders", "-n", "1"], &["6"]);
    check(&lake, &["public.other"], &["7", "5"]);
    lake.run(&["log", "ordres"]).fails(1).mentions(&["table `ordres` was never in this lake; did you mean `orders`?"]);
}

#[test]
fn the_list_has_any_format() {
    let lake = TestLake::with_orders();
    let lines = lake.run(&["log", "-n", "1", "--format", "jsonl"]).succeeds().stdout;
    assert!(lines.starts_with("{\"version\":4,"), "{lines}");
    assert!(lines.contains("\"operation\":\"insert\"") && lines.contains("\"author\":\"tester\""), "{lines}");
}
