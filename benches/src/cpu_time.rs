//! How much of the processors a process has taken.

use std::fs;
use std::time::Duration;

/// Linux counts in these for every program, whatever its clock ticks in.
const TICK: Duration = Duration::from_millis(10);

/// What a process has taken since it started, by its id or `self`; `None` if it does not run, or nobody tells.
pub(crate) fn cpu_time(process: &str) -> Option<Duration> {
    parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// Fields 14 and 15: in the program, and in the system for it. The name, field 2, may hold anything, `)` included.
fn parse(stat: &str) -> Option<Duration> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let own: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * own.saturating_add(system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194304 900 0 3 0 250 50 7 8 20 0 9 0 100 1 2";
        assert_eq!(parse(stat), Some(Duration::from_secs(3)));
        assert_eq!(parse("42 (a) S 1"), None);
    }
}
