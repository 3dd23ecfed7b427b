//! `frostline diff`.

use crate::lake::TestLake;

/// Orders, of which version 5 changes the first, 6 takes the second away, and 7 adds one.
fn changed_orders() -> TestLake {
    let lake = TestLake::with_orders();
    lake.sql("UPDATE orders SET amount = 3.00 WHERE id = 1").succeeds();
    lake.sql("DELETE FROM orders WHERE id = 2").succeeds();
    lake.sql("INSERT INTO orders VALUES (4, 'dee', 1)").succeeds();
    lake
}

/// The lines of a result without the times, which are the machine's.
fn without_times(csv: &str) -> Vec<String> {
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let kept = cells.iter().enumerate().filter(|(place, _)| *place != 3).map(|(_, cell)| *cell);
        kept.collect::<Vec<&str>>().join(",")
    };
    csv.lines().map(line).collect()
}

#[test]
fn the_changes_between_two_versions_are_listed_row_by_row() {
    let lake = changed_orders();
    let outcome = lake.run(&["diff", "orders", "4", "6"]).succeeds().says("");
    assert_eq!(
        without_times(&outcome.stdout),
        [
            "_change_type,_row_id,_version,_author,id,buyer,amount",
            "update_preimage,0,5,tester,1,ann,2.50",
            "update_postimage,0,5,tester,1,ann,3.00",
            "delete,1,6,tester,2,bob,",
        ]
    );
}

#[test]
fn they_are_counted_by_kind() {
    let lake = changed_orders();
    lake.run(&["diff", "orders", "4", "7", "--stat"])
        .succeeds()
        .says("")
        .prints("change,rows\ndelete,1\ninsert,1\nupdate,1\n");
    lake.run(&["diff", "public.orders", "3", "7", "--stat", "--per-version"])
        .succeeds()
        .prints("version,change,rows\n4,insert,1\n5,update,1\n6,delete,1\n7,insert,1\n");
    lake.run(&["diff", "orders", "7", "7", "--stat"]).succeeds().prints("change,rows\n");
}

#[test]
fn they_are_counted_where_the_table_has_columns_of_such_names() {
    let lake = TestLake::with_orders();
    lake.sql("CREATE TABLE own (_change_type BIGINT, _version BIGINT)").succeeds();
    lake.sql("INSERT INTO own VALUES (7, 70), (8, 80)").succeeds();
    lake.run(&["diff", "own", "5", "6", "--stat"]).succeeds().says("").prints("change,rows\ninsert,2\n");
    lake.run(&["diff", "own", "5", "6", "--stat", "--per-version"])
        .succeeds()
        .prints("version,change,rows\n6,insert,2\n");
}

#[test]
fn versions_are_numbers_tags_or_times() {
    let lake = changed_orders();
    lake.run(&["tag", "create", "closed", "--as-of", "6"]).succeeds();
    lake.run(&["diff", "orders", "closed", "7", "--stat"]).succeeds().prints("change,rows\ninsert,1\n");
    lake.run(&["diff", "orders", "closed", "7", "--format", "jsonl", "--stat"])
        .succeeds()
        .prints("{\"change\":\"insert\",\"rows\":1}\n");
}

#[test]
fn a_table_or_a_version_that_is_not_there_is_an_error() {
    let lake = changed_orders();
    lake.run(&["diff", "ordres", "4", "7"]).fails(1).prints("").mentions(&["table `ordres` not found"]);
    lake.run(&["diff", "orders", "4", "9000"]).fails(1).prints("").mentions(&["version 9000 does not exist"]);
    lake.run(&["diff", "orders", "7", "4"]).fails(1).prints("").mentions(&["not from 7 to 4"]);
    lake.run(&["diff", "orders", "4"]).fails(2);
}
