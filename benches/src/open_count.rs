//! Claim: opening a lake costs the same however long its history is.
//!
//! A whole process that opens the lake and answers `count(*)`, at four lengths of history. Counting reads no rows: this
//! is what opening, planning and ending cost. Beside it stands a process that only says its version.

use crate::bound::Bound;
use crate::claim::Claim;
use crate::program::NOT_BUILT;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::whole_process::time_query;
use crate::workbench::Workbench;

/// Counts in fresh processes.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let Some(program) = workbench.program() else {
        return Ok(Report::skipped("whole process: open and count(*)", NOT_BUILT));
    };
    let commits: [u64; 4] = workbench.pick([10, 1_000, 10_000, 100_000], [10, 100, 300, 600]);
    let rounds: u64 = workbench.pick(15, 2);
    let times = time_query(workbench, program, &commits, "SELECT count(*) FROM events", rounds).await?;
    let floor = Quantity::ms(times.start_only.median());
    let mut claims: Vec<Claim> = Vec::new();
    for (commits, samples) in &times.by_commits {
        let what = format!("whole process: open and count(*), {commits} commits, p50");
        claims.push(Claim::new(what, Quantity::ms(samples.median())).against(floor).must(Bound::AtMost(100.0)));
    }
    if let [_, (fewer, short), _, (more, long)] = times.by_commits.as_slice() {
        let what = format!("the same at {more} commits, beside {fewer}");
        let claim = Claim::new(what, Quantity::ms(long.median()))
            .against(Quantity::ms(short.median()))
            .must(Bound::TimesAtMost(1.5));
        claims.push(claim);
    }
    Ok(Report::of(claims))
}
