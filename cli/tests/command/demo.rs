//! `frostline demo`, and the transcript of it that opens the README.
//!
//! After the demo has changed, `UPDATE_README=1 cargo test -p frostline demo` puts its new output into the README.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lake::{Outcome, TestLake};

/// What stands before and after the transcript in the README.
const HEADING: &str = "## In thirty seconds";
const FENCE_BEGIN: &str = "```text\n";
const FENCE_END: &str = "\n```\n";

/// The units of what differs from machine to machine and from run to run.
const MEASURES: [&str; 4] = ["s", "ms", "MB", "×"];

/// The demo, with a folder of its own for temporary files.
fn demo(lake: &TestLake, arguments: &[&str]) -> Command {
    let temporary = lake.path("temporary");
    fs::create_dir_all(&temporary).expect("a temporary folder takes a folder");
    let arguments: Vec<&str> = ["demo"].iter().chain(arguments).copied().collect();
    let mut command = lake.command(&arguments);
    command.env("TMPDIR", temporary);
    command
}

#[track_caller]
fn check_nothing_left(lake: &TestLake) {
    let left: Vec<PathBuf> = fs::read_dir(lake.path("temporary"))
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    assert!(left.is_empty(), "{left:?} were left behind");
}

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

/// The bytes of a README that are its transcript.
fn transcript_range(readme: &str) -> std::ops::Range<usize> {
    let heading = readme.find(HEADING).expect("the README has the heading of the transcript");
    let begin = heading + readme[heading..].find(FENCE_BEGIN).expect("a block of text follows") + FENCE_BEGIN.len();
    let end = begin + readme[begin..].find(FENCE_END).expect("the block ends");
    begin..end
}

/// The lines of a transcript, with `#` for each number that differs from run to run.
fn comparable_lines(text: &str) -> Vec<String> {
    text.trim_end().lines().map(comparable_line).collect()
}

fn comparable_line(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut has_measure = false;
    let mut shown: Vec<&str> = Vec::with_capacity(words.len());
    for (place, word) in words.iter().enumerate() {
        let unit = words.get(place + 1).map(|unit| unit.trim_end_matches([',', ':', ';', '.']));
        let is_measure = word.parse::<f64>().is_ok() && unit.is_some_and(|unit| MEASURES.contains(&unit));
        has_measure |= is_measure;
        shown.push(if is_measure { "#" } else { word });
    }
    if has_measure { shown.join(" ") } else { line.trim_end().to_owned() }
}

/// The lines between the first and the last that differ, as `diff` shows them.
fn difference(expected: &[String], found: &[String]) -> String {
    let same_begin = expected.iter().zip(found).take_while(|(one, other)| one == other).count();
    let (expected, found) = (&expected[same_begin..], &found[same_begin..]);
    let same_end = expected.iter().rev().zip(found.iter().rev()).take_while(|(one, other)| one == other).count();
    let removed = expected[..expected.len() - same_end].iter().map(|line| format!("- {line}"));
    let added = found[..found.len() - same_end].iter().map(|line| format!("+ {line}"));
    let lines: Vec<String> = removed.chain(added).collect();
    format!("after line {same_begin} of the transcript:\n{}", lines.join("\n"))
}

#[test]
fn the_readme_opens_with_what_the_demo_prints() {
    let lake = TestLake::missing();
    let outcome = Outcome::of(demo(&lake, &[]).output().expect("the command starts")).succeeds().says("");
    check_nothing_left(&lake);
    assert!(!lake.location().exists(), "the demo touches no lake but its own");

    let mut text = fs::read_to_string(readme()).expect("there is a README");
    let range = transcript_range(&text);
    if env::var("UPDATE_README").is_ok_and(|value| value == "1") {
        text.replace_range(range, outcome.stdout.trim_end());
        fs::write(readme(), text).expect("the README can be written");
        return;
    }
    let (expected, found) = (comparable_lines(&text[range]), comparable_lines(&outcome.stdout));
    assert!(
        expected == found,
        "README.md shows another demo (-) than the one that runs (+); if that one is right, \
         `UPDATE_README=1 cargo test -p frostline demo` brings it up to date\n{}",
        difference(&expected, &found)
    );
}

#[test]
fn a_lake_that_is_kept_opens_and_is_sound() {
    let lake = TestLake::missing();
    let outcome = Outcome::of(demo(&lake, &["--keep", "kept lake"]).output().expect("the command starts")).succeeds();
    assert!(outcome.stdout.contains("\n$ frostline --lake 'kept lake'\n"), "{outcome:#?}");
    check_nothing_left(&lake);
    let kept = ["--lake", "kept lake"];
    let sum = "SELECT sum(flights) AS flights FROM daily";
    let count = "SELECT count(*) AS flights FROM departures AS OF TAG 'close-2013-07-31' WHERE day < '2013-08-01'";
    for sql in [sum, count] {
        let arguments: Vec<&str> = ["sql", "-c", sql].iter().chain(&kept).copied().collect();
        lake.run(&arguments).succeeds().prints("flights\n28482\n");
    }
    let arguments: Vec<&str> = ["verify", "--deep"].iter().chain(&kept).copied().collect();
    let outcome = lake.run(&arguments).succeeds();
    assert!(outcome.stdout.starts_with("no damage: "), "{outcome:#?}");
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let lake = TestLake::with_orders();
    let outcome = Outcome::of(demo(&lake, &["--keep", "lake"]).output().expect("the command starts")).fails(2);
    outcome.prints("").mentions(&["`lake` is not empty"]);
    lake.sql("SELECT count(*) AS orders FROM orders").succeeds().prints("orders\n3\n");
    check_nothing_left(&lake);
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_demo() {
    let lake = TestLake::missing();
    let mut child = demo(&lake, &[]).spawn().expect("the command starts");
    let mut stdout = BufReader::with_capacity(16, child.stdout.take().expect("standard output is a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the command writes a line");
    drop(stdout);
    let outcome = Outcome::of(child.wait_with_output().expect("the command ends"));
    outcome.succeeds().says("");
    check_nothing_left(&lake);
}

#[test]
fn what_differs_from_run_to_run_is_not_compared() {
    let line = comparable_line("version 3 plans in 0.98 ms, version 746 in 1.02 ms: 1.04 × (the fastest of 20 runs)");
    assert_eq!(line, "version 3 plans in # ms, version 746 in # ms: # × (the fastest of 20 runs)");
    assert_eq!(comparable_line("746 commits, 3.1 MB, replayed in 2.4 s"), "746 commits, # MB, replayed in # s");
    assert_eq!(comparable_line("│     631 │       12.9 │ "), "│     631 │       12.9 │");
}

#[test]
fn only_the_lines_that_differ_are_shown() {
    let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let shown = difference(&lines("a\nb\nc\nd"), &lines("a\nx\ny\nd"));
    assert_eq!(shown, "after line 1 of the transcript:\n- b\n- c\n+ x\n+ y");
}
