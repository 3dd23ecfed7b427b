//! Claim: a small commit adds bytes in proportion to its change, and about one file.
//!
//! The folder of a lake before and after 10,000 commits of one row of four columns, everything included: slots,
//! bundles, checkpoints, the hint, and whatever else lies there.

use crate::bound::Bound;
use crate::claim::Claim;
use crate::folder_size::FolderSize;
use crate::lakes;
use crate::quantity::{Quantity, Unit};
use crate::report::{Failure, Report};
use crate::workbench::Workbench;

/// Commits rows and weighs the folder.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let commits: u64 = workbench.pick(10_000, 600);
    let scratch = workbench.scratch()?;
    let folder = scratch.path().join("lake");
    let lake = lakes::create_with_events(&folder).await?;
    lake.settle().await;
    let before = FolderSize::of(&folder)?;
    for number in 1..=commits {
        lake.append("events", vec![lakes::event(number)?]).await?;
    }
    lake.settle().await;
    let after = FolderSize::of(&folder)?;
    let per_commit = |before: u64, after: u64| after.saturating_sub(before) as f64 / commits as f64;
    let bytes = Quantity::new(per_commit(before.bytes, after.bytes), Unit::Bytes);
    let files = Quantity::new(per_commit(before.files, after.files), Unit::Files);
    Ok(Report {
        claims: vec![
            Claim::new(format!("growth per commit over {commits} commits of 1 row, bytes"), bytes)
                .must(Bound::AtMost(1_500.0)),
            Claim::new(format!("growth per commit over {commits} commits of 1 row, files"), files)
                .must(Bound::AtMost(1.05)),
        ],
        notes: vec![format!("the folder has {} bytes in {} files", after.bytes, after.files)],
    })
}
