//! Claim: an import's memory is bounded, whatever is imported.
//!
//! A process of its own runs `frostline import` on `lineitem` of TPC-H. Its peak resident memory (`VmHWM`, which only
//! Linux has) is read while it runs, every millisecond: the peak never falls, so the last reading counts. What a
//! process takes in its very last moments may be missed; an import has let go of its rows by then.

use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::Duration;

use frostline_sql::Settings;

use crate::bound::Bound;
use crate::claim::Claim;
use crate::lakes;
use crate::program::NOT_BUILT;
use crate::quantity::{Quantity, Unit};
use crate::report::{Failure, Report};
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

const WHAT: &str = "peak memory of importing lineitem";

/// Between two readings of a process's memory.
const READ_EVERY: Duration = Duration::from_millis(1);

/// Imports a file in a process of its own.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let Some(program) = workbench.program() else { return Ok(Report::skipped(WHAT, NOT_BUILT)) };
    if peak_kib("self").is_none() {
        return Ok(Report::skipped(WHAT, "this operating system does not tell a process's peak memory"));
    }
    let scale: f64 = workbench.pick(1.0, 0.01);
    let file = TpchTable::LineItem.file(workbench.data(), scale)?;
    let scratch = workbench.scratch()?;
    let folder = scratch.path().join("lake");
    lakes::create(lakes::location(&folder)?, Settings::default()).await?.settle().await;

    let mut command = program.command(&folder, &["import", "lineitem", lakes::location(&file)?]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let peak = watch(&mut child).await?;
    let measured = Quantity::new(peak as f64 / 1024.0, Unit::Mebibytes);
    let claim = Claim::new(format!("{WHAT} scale {scale}, VmHWM"), measured).must(Bound::AtMost(512.0));
    Ok(Report::of(vec![claim]))
}

/// Reads a process's peak memory until it ends, in KiB.
async fn watch(child: &mut Child) -> Result<u64, Failure> {
    let process = child.id().to_string();
    let mut readings = tokio::time::interval(READ_EVERY);
    let mut peak: u64 = 0;
    let status = loop {
        readings.tick().await;
        peak = peak.max(peak_kib(&process).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
    };
    if status.success() {
        return Ok(peak);
    }
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut said)?;
    }
    Err(format!("`frostline import` ended with {status}: {}", said.trim()).into())
}

/// The peak resident memory of a process in KiB, if it runs and the system tells.
fn peak_kib(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    parse_peak_kib(&status)
}

fn parse_peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_found_among_the_other_lines() {
        assert_eq!(parse_peak_kib("Name:\tfrostline\nVmPeak:\t  900 kB\nVmHWM:\t  412 kB\nVmRSS:\t 1 kB\n"), Some(412));
        assert_eq!(parse_peak_kib("Name:\tfrostline\nState:\tZ (zombie)\n"), None);
    }
}
