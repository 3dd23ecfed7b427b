//! Claim: the first query of a process is quick even if every row came in a commit of its own.
//!
//! A whole process that opens the lake, reads a column of all its hot rows and adds it up.

use crate::bound::Bound;
use crate::claim::Claim;
use crate::program::NOT_BUILT;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::whole_process::time_query;
use crate::workbench::Workbench;

/// Adds up in fresh processes.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let Some(program) = workbench.program() else {
        return Ok(Report::skipped("whole process: open, count(*) and sum", NOT_BUILT));
    };
    let commits: [u64; 2] = workbench.pick([1_000, 10_000], [100, 300]);
    let rounds: u64 = workbench.pick(15, 2);
    let times = time_query(workbench, program, &commits, "SELECT count(*), sum(amount) FROM events", rounds).await?;
    let floor = Quantity::ms(times.start_only.median());
    let mut claims: Vec<Claim> = Vec::new();
    for (place, (commits, samples)) in times.by_commits.iter().enumerate() {
        let what = format!("whole process: open, count(*) and sum, {commits} commits, p50");
        let claim = Claim::new(what, Quantity::ms(samples.median())).against(floor);
        claims.push(if place == 0 { claim.must(Bound::AtMost(80.0)) } else { claim });
    }
    Ok(Report::of(claims))
}
