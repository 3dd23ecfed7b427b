//! `frostline tag`.

use crate::lake::TestLake;

#[test]
fn a_tag_names_a_version_until_it_is_dropped() {
    let lake = TestLake::with_orders();
    let outcome = lake.run(&["tag", "create", "q3 \"close\"", "--as-of", "3"]).succeeds().prints("");
    assert!(outcome.stderr.starts_with("version 5: ") && outcome.stderr.lines().count() == 1, "{outcome:#?}");
    lake.run(&["tag", "create", "newest"]).succeeds();

    let list = lake.run(&["tag", "list"]).succeeds().says("");
    assert_eq!(list.stdout.lines().count(), 3, "{list:#?}");
    let count = "SELECT count(*) AS n FROM orders";
    lake.run(&["sql", "--as-of", "q3 \"close\"", "-c", count]).succeeds().prints("n\n2\n");
    lake.run(&["sql", "--as-of", "newest", "-c", count]).succeeds().prints("n\n3\n");

    lake.run(&["tag", "drop", "newest"]).succeeds().prints("");
    lake.run(&["sql", "--as-of", "newest", "-c", count]).fails(1).mentions(&["tag `newest` does not exist"]);
}

#[test]
fn a_tag_never_moves_and_is_never_missed_in_silence() {
    let lake = TestLake::with_orders();
    lake.run(&["tag", "create", "close"]).succeeds();
    lake.run(&["tag", "create", "close"]).fails(1).prints("");
    lake.run(&["tag", "drop", "other"]).fails(1).prints("");
    lake.run(&["tag", "create", "late", "--as-of", "9000"]).fails(1);
}

#[test]
fn a_name_that_reads_as_a_version_or_a_time_is_refused() {
    let lake = TestLake::with_orders();
    for name in ["42", "2013-07-10"] {
        lake.run(&["tag", "create", name]).fails(1);
    }
}
