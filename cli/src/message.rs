//! Messages for people, on standard error.
//!
//! * A message is one line, written at once and flushed: a reader never sees half of one.
//! * Nobody listening is no error: what was committed stays committed.
//! * Colours are for terminals, and only if `NO_COLOR` is not set.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use frostline_catalog::io::Requests;
use frostline_sql::Committed;

use crate::exit::Failure;

const RED: &str = "\u{1b}[1;31m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// Says a line.
pub(crate) fn say(line: &str) {
    let text = format!("{line}\n");
    let mut stderr = io::stderr().lock();
    // There is nowhere left to complain.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Says what a statement committed: `version 42: insert orders, 3 rows`.
pub(crate) fn committed(committed: &Committed) {
    say(&format!("version {}: {}", committed.version, committed.summary));
}

/// Says what a statement did in a transaction that is open: `pending: insert orders, 3 rows`.
pub(crate) fn pending(summary: &str) {
    say(&format!("pending: {summary}"));
}

/// Says that what was pending is gone.
pub(crate) fn rolled_back() {
    say("rolled back: the transaction was still open");
}

/// Says that a statement found nothing to change.
pub(crate) fn no_change() {
    say("no change");
}

/// Says what a query read, and how long it took: `read version 42: 3 rows in 0.012 s`.
pub(crate) fn read(version: u64, rows: u64, elapsed: Option<Duration>) {
    let unit = if rows == 1 { "row" } else { "rows" };
    let took = elapsed.map_or_else(String::new, |elapsed| format!(" in {:.3} s", elapsed.as_secs_f64()));
    let line = format!("read version {version}: {rows} {unit}{took}");
    say(&painted(&line, DIM));
}

/// Says what some work asked of a store at a distance: `requests of open: 5 get, 2048 bytes read`.
pub(crate) fn requests(work: &str, requests: &Requests) {
    say(&painted(&format!("requests of {work}: {requests}"), DIM));
}

/// Says why a command stopped. Says nothing of a reader that closed the output.
pub(crate) fn failed(failure: &Failure) {
    if failure.is_closed_pipe() {
        return;
    }
    say(&format!("{} {}", painted("error:", RED), failure.describe()));
    hint(failure);
}

/// Says that a statement was cancelled, where that is no failure.
pub(crate) fn cancelled(failure: &Failure) {
    say("cancelled");
    hint(failure);
}

fn hint(failure: &Failure) {
    if let Some(hint) = failure.hint() {
        say(&format!("{} {hint}", painted("hint:", DIM)));
    }
}

/// Whether messages have colours.
pub(crate) fn colours() -> bool {
    colours_wanted(io::stderr().is_terminal(), env::var_os("NO_COLOR").as_deref(), env::var_os("TERM").as_deref())
}

/// Whether a place has colours. `NO_COLOR` counts when it is set and not empty (<https://no-color.org>).
pub(crate) fn colours_wanted(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    let is_refused = no_color.is_some_and(|value| !value.is_empty());
    let is_dumb = term.is_some_and(|value| value == "dumb");
    is_terminal && !is_refused && !is_dumb
}

fn painted(text: &str, colour: &str) -> String {
    if colours() { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        assert!(colours_wanted(true, None, None));
        assert!(colours_wanted(true, Some(OsStr::new("")), Some(OsStr::new("xterm"))));
        assert!(!colours_wanted(false, None, None));
        assert!(!colours_wanted(true, Some(OsStr::new("1")), None));
        assert!(!colours_wanted(true, None, Some(OsStr::new("dumb"))));
    }
}
