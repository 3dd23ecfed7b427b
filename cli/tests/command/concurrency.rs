//! Processes that write to one lake at once, as `frostline sql` does it.
//!
//! `FROSTLINE_ROUNDS` is how many statements each process runs.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write;
use std::process::{Child, Output};

use crate::lake::{Outcome, TestLake};

/// The usual number of statements of a process, or what the environment asks for.
fn rounds(usual: u64) -> u64 {
    env::var("FROSTLINE_ROUNDS").map_or(usual, |text| text.parse().expect("FROSTLINE_ROUNDS is a number"))
}

/// Runs a script in each of some processes at once, and gives what they did.
fn run_at_once(lake: &TestLake, scripts: &[String]) -> Vec<Outcome> {
    let begin = |(number, script): (usize, &String)| -> Child {
        let name = format!("script-{number}.sql");
        lake.write(&name, script);
        lake.command(&["sql", "-f", &name]).spawn().expect("the command starts")
    };
    let children: Vec<Child> = scripts.iter().enumerate().map(begin).collect();
    // Each prints less than a pipe holds, so that they can be waited for one after the other.
    let outputs: Vec<Output> =
        children.into_iter().map(|child| child.wait_with_output().expect("the command ends")).collect();
    outputs.into_iter().map(Outcome::of).collect()
}

/// The versions that a process was told of, each with this summary.
fn versions(outcome: &Outcome, summary: &str) -> Vec<u64> {
    let version = |line: &str| {
        let (version, told) = line.strip_prefix("version ")?.split_once(": ")?;
        (told == summary).then_some(version.parse::<u64>().ok()?)
    };
    outcome.stderr.lines().map(|line| version(line).unwrap_or_else(|| unreachable!("{line}: {outcome:#?}"))).collect()
}

/// The whole numbers that some queries of one number printed.
fn numbers(csv: &str) -> Vec<u64> {
    csv.lines().filter_map(|line| line.parse().ok()).collect()
}

#[test]
fn four_processes_append_at_once_and_every_version_has_one_row_more() {
    const PROCESSES: u64 = 4;
    let rounds = rounds(250);
    let lake = TestLake::create();
    lake.sql("CREATE TABLE t (process BIGINT, round BIGINT)").succeeds();
    let script = |process: u64| -> String {
        (0..rounds).map(|round| format!("INSERT INTO t VALUES ({process}, {round});\n")).collect()
    };
    let scripts: Vec<String> = (0..PROCESSES).map(script).collect();
    let mut made: Vec<u64> = Vec::new();
    for outcome in run_at_once(&lake, &scripts) {
        let outcome = outcome.succeeds().prints("");
        let versions = versions(&outcome, "insert t, 1 row");
        assert_eq!(versions.len() as u64, rounds, "each insert is one version");
        assert!(versions.is_sorted(), "a process sees its own commits in their order: {versions:?}");
        made.extend(versions);
    }
    made.sort_unstable();
    let last = 2 + PROCESSES * rounds;
    assert_eq!(made, (3..=last).collect::<Vec<u64>>(), "no version is lost and none is made twice");

    let mut script = String::new();
    for version in 2..=last {
        writeln!(script, "SELECT count(*) AS n FROM t AS OF VERSION {version};").expect("a string takes everything");
    }
    let counts = lake.feed(&["sql"], &script).succeeds().stdout;
    assert_eq!(numbers(&counts), (0..=last - 2).collect::<Vec<u64>>(), "version n has n - 2 rows");
    lake.sql("SELECT process, count(DISTINCT round) AS rounds, max(round) AS last FROM t GROUP BY process ORDER BY 1")
        .succeeds()
        .prints(&(0..PROCESSES).fold("process,rounds,last\n".to_owned(), |mut text, process| {
            writeln!(text, "{process},{rounds},{}", rounds - 1).expect("a string takes everything");
            text
        }));
    lake.run(&["verify", "--deep"]).succeeds();
}

#[test]
fn two_processes_that_number_rows_by_the_greatest_never_give_one_number_twice() {
    const PROCESSES: u64 = 2;
    let rounds = rounds(40);
    let lake = TestLake::create();
    lake.sql("CREATE TABLE t (id BIGINT)").succeeds();
    let insert = "INSERT INTO t SELECT coalesce(max(id), 0) + 1 FROM t;\n";
    let scripts: Vec<String> =
        (0..PROCESSES).map(|_| insert.repeat(usize::try_from(rounds).unwrap_or(usize::MAX))).collect();
    let mut made: BTreeSet<u64> = BTreeSet::new();
    for outcome in run_at_once(&lake, &scripts) {
        made.extend(versions(&outcome.succeeds(), "insert t, 1 row"));
    }
    let last = PROCESSES * rounds;
    assert_eq!(made.len() as u64, last);
    let ids = lake.sql("SELECT id FROM t ORDER BY id").succeeds().stdout;
    assert_eq!(numbers(&ids), (1..=last).collect::<Vec<u64>>());
}

#[test]
fn one_of_four_processes_creates_a_lake_and_the_others_find_it() {
    let lake = TestLake::missing();
    let spawn = |_: usize| lake.command(&["init"]).spawn().expect("the command starts");
    let children: Vec<Child> = (0..4).map(spawn).collect();
    let mut created = 0;
    for child in children {
        let outcome = Outcome::of(child.wait_with_output().expect("the command ends"));
        match outcome.code {
            Some(0) => created += 1,
            _ => drop(outcome.fails(4).mentions(&["error: there is a lake at "])),
        }
    }
    assert_eq!(created, 1);
    lake.sql("SELECT count(*) AS n FROM system.commits").succeeds().prints("n\n1\n");
}
