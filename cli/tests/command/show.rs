//! `frostline show`.

use crate::lake::TestLake;

fn show(lake: &TestLake, version: &str) -> String {
    lake.run(&["show", version]).succeeds().says("").stdout
}

#[test]
fn a_version_is_shown_with_who_what_and_how_much() {
    let lake = TestLake::with_orders();
    lake.run(&["sql", "-m", "late order", "-c", "INSERT INTO orders VALUES (4, 'dee', 1), (5, 'el', 1)"]).succeeds();
    let shown = show(&lake, "5");
    for line in [
        "version    5",
        "branch     main",
        "author     tester",
        "message    late order",
        "operation  insert",
        "rows of orders: +2 -0, 5 in all",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line} is missing:\n{shown}");
    }
}

#[test]
fn a_version_is_shown_with_the_tables_and_columns_it_changed() {
    let lake = TestLake::with_orders();
    lake.sql("ALTER TABLE orders ADD COLUMN note VARCHAR").succeeds();
    lake.sql("DROP TABLE orders").succeeds();
    let has = |version: &str, line: &str| {
        let shown = show(&lake, version);
        assert!(shown.lines().any(|found| found == line), "{line} is missing:\n{shown}");
    };
    has("2", "table orders: created");
    has("5", "column note of orders: created");
    has("6", "table orders: dropped");
}

#[test]
fn a_version_that_is_not_there_is_an_error_that_says_what_is() {
    let lake = TestLake::with_orders();
    lake.run(&["show", "9000"])
        .fails(1)
        .prints("")
        .says("error: version 9000 does not exist; `main` runs from 1 to 4\n");
    lake.run(&["show", "0"]).fails(2);
    lake.run(&["show", "newest"]).fails(2);
}
