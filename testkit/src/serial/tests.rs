//! What the checker finds in histories that were made up.

use super::*;

/// An object, by its table's name.
fn object(table: &str) -> Object {
    Object { table: table.to_owned(), key: 0 }
}

fn read(table: &str, seen: &[u64]) -> Deed {
    Deed::Read { object: object(table), seen: Seen::All(seen.to_vec()) }
}

fn read_last(table: &str, seen: Option<u64>) -> Deed {
    Deed::Read { object: object(table), seen: Seen::Last(seen) }
}

fn write(table: &str, value: u64) -> Deed {
    Deed::Write { object: object(table), value }
}

/// A transaction of a writer of its own.
fn made(version: u64, deeds: Vec<Deed>) -> Transaction {
    Transaction { writer: version as usize, version: Some(version), deeds }
}

/// One that only read, of a writer of its own.
fn reading(deeds: Vec<Deed>) -> Transaction {
    Transaction { writer: 1_000, version: None, deeds }
}

fn check_cycle(history: &[Transaction], expected: &[Dependency]) {
    let findings = Findings::of(history);
    assert!(findings.anomalies.is_empty(), "{findings}");
    let cycle = findings.cycle.expect("there is a cycle");
    let mut found = cycle.dependencies();
    // A cycle has no first edge.
    found.sort_unstable();
    assert_eq!(found, expected);
}

fn check_anomaly(history: &[Transaction], expected: Anomaly) {
    assert_eq!(Findings::of(history).anomalies, [expected]);
}

#[test]
fn transactions_one_after_the_other_are_serializable() {
    let history = [
        made(1, vec![read("a", &[]), write("a", 1), write("a", 2), read("a", &[1, 2])]),
        made(2, vec![read("a", &[1, 2]), read("b", &[]), write("b", 3), read_last("r", None), write("r", 4)]),
        made(3, vec![read("b", &[3]), read_last("r", Some(4)), write("r", 5), read_last("r", Some(5))]),
        reading(vec![read("a", &[1, 2]), read("b", &[3]), read_last("r", Some(5))]),
    ];
    let findings = Findings::of(&history);
    assert!(findings.is_empty(), "{findings}");
    // The order in which they are told means nothing.
    let reversed: Vec<Transaction> = history.into_iter().rev().collect();
    assert!(Findings::of(&reversed).is_empty());
}

#[test]
fn a_lost_update_is_found() {
    let lists = [made(1, vec![read("a", &[]), write("a", 1)]), made(2, vec![read("a", &[]), write("a", 2)])];
    check_cycle(&lists, &[Dependency::WriteWrite, Dependency::ReadWrite]);
    let registers = [
        made(1, vec![write("r", 1)]),
        made(2, vec![read_last("r", Some(1)), write("r", 2)]),
        made(3, vec![read_last("r", Some(1)), write("r", 3)]),
    ];
    check_cycle(&registers, &[Dependency::WriteWrite, Dependency::ReadWrite]);
}

#[test]
fn write_skew_is_found() {
    let history = [
        made(1, vec![read("a", &[]), read("b", &[]), write("a", 1)]),
        made(2, vec![read("a", &[]), read("b", &[]), write("b", 2)]),
    ];
    check_cycle(&history, &[Dependency::ReadWrite, Dependency::ReadWrite]);
    let findings = Findings::of(&history);
    let against = findings.against_versions.first().expect("the later one read what was before the earlier");
    assert_eq!((against.from, against.to, against.dependency), (1, 0, Dependency::ReadWrite));
    let expected = "\
no order of these gives what they saw:
  version 1 of writer 1 read b[0] without what version 2 of writer 2 wrote
  version 2 of writer 2 read a[0] without what version 1 of writer 1 wrote
against the order of versions: version 2 of writer 2 read a[0] without what version 1 of writer 1 wrote
";
    assert_eq!(findings.to_string(), expected);
}

#[test]
fn write_skew_over_three_objects_is_found() {
    let history = [
        made(1, vec![read("a", &[]), write("b", 1)]),
        made(2, vec![read("b", &[]), write("c", 2)]),
        made(3, vec![read("c", &[]), write("a", 3)]),
    ];
    check_cycle(&history, &[Dependency::ReadWrite; 3]);
}

#[test]
fn a_reader_between_two_states_is_found() {
    let history = [made(1, vec![write("a", 1), write("b", 2)]), reading(vec![read("a", &[1]), read("b", &[])])];
    check_cycle(&history, &[Dependency::WriteRead, Dependency::ReadWrite]);
    let twice = [made(1, vec![write("a", 1)]), reading(vec![read("a", &[]), read("a", &[1])])];
    check_cycle(&twice, &[Dependency::WriteRead, Dependency::ReadWrite]);
    let gap = [made(1, vec![write("a", 1)]), made(2, vec![write("a", 2)]), reading(vec![read("a", &[2])])];
    check_cycle(&gap, &[Dependency::WriteWrite, Dependency::WriteRead, Dependency::ReadWrite]);
}

#[test]
fn a_reader_that_two_writers_show_in_two_orders_is_found() {
    // Without the reader, version 2 would come before version 1.
    let history = [
        made(1, vec![write("a", 1)]),
        made(2, vec![read("a", &[]), write("b", 2)]),
        reading(vec![read("a", &[1]), read("b", &[])]),
    ];
    check_cycle(&history, &[Dependency::WriteRead, Dependency::ReadWrite, Dependency::ReadWrite]);
}

#[test]
fn a_writer_that_does_not_see_what_it_committed_before_is_found() {
    let mut history = vec![made(1, vec![write("a", 1)]), reading(vec![read("a", &[])])];
    assert_eq!(Findings::of(&history).cycle, None, "another's may come first");
    history[1].writer = history[0].writer;
    check_cycle(&history, &[Dependency::ReadWrite, Dependency::SameWriter]);
}

#[test]
fn a_stale_read_is_against_the_versions_even_where_another_order_explains_it() {
    let history = [made(1, vec![write("a", 1)]), made(2, vec![read("a", &[]), write("b", 2)])];
    let findings = Findings::of(&history);
    assert_eq!((findings.anomalies.len(), &findings.cycle), (0, &None));
    assert_eq!(findings.against_versions.len(), 1);
    assert!(!findings.is_empty());
}

#[test]
fn what_no_order_explains_is_named() {
    let unwritten = Anomaly::NeverWritten { transaction: 0, object: object("a"), value: 7 };
    check_anomaly(&[reading(vec![read("a", &[7])])], unwritten.clone());
    check_anomaly(&[reading(vec![read_last("a", Some(7))])], unwritten);
    let elsewhere = Anomaly::NeverWritten { transaction: 1, object: object("b"), value: 1 };
    check_anomaly(&[made(1, vec![write("a", 1)]), reading(vec![read("b", &[1])])], elsewhere);

    let twice = made(1, vec![write("a", 1), write("a", 2)]);
    let half = Anomaly::HalfDone { transaction: 1, object: object("a"), value: 1 };
    check_anomaly(&[twice.clone(), reading(vec![read("a", &[1])])], half.clone());
    check_anomaly(&[twice, reading(vec![read_last("a", Some(1))])], half);

    let own = Anomaly::OwnUnseen { transaction: 0, object: object("a") };
    check_anomaly(&[made(1, vec![write("a", 1), read("a", &[])])], own.clone());
    check_anomaly(&[made(1, vec![write("a", 1), read_last("a", None)])], own);

    let two = [made(1, vec![write("a", 1)]), made(2, vec![write("a", 2)]), reading(vec![read("a", &[2, 1])])];
    check_anomaly(&two, Anomaly::Disordered { transaction: 2, object: object("a") });

    let same = [made(1, vec![write("a", 1)]), made(1, vec![write("b", 2)])];
    check_anomaly(&same, Anomaly::SameVersion { version: 1 });
    check_anomaly(&[reading(vec![write("a", 1)])], Anomaly::NoVersion { transaction: 0 });
    let again = [made(1, vec![write("a", 1)]), made(2, vec![write("b", 1)])];
    check_anomaly(&again, Anomaly::WrittenTwice { object: object("b"), value: 1 });
}
