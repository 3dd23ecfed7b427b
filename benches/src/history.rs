//! Lakes with a long history: one commit of one row after the other.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::lakes;
use crate::report::Failure;
use crate::workbench::Workbench;

/// The version that holds the first event: creating the lake is version 1, creating the table 2.
pub(crate) const FIRST_EVENT_VERSION: u64 = 3;

/// The folder of a lake whose table `events` was made by so many commits of one row, by one writer, one slot each.
///
/// It is made once, with checkpoints and all that commits leave behind, and kept.
pub(crate) async fn lake_of(workbench: &Workbench, commits: u64) -> Result<PathBuf, Failure> {
    let folder = workbench.data().join(format!("history-{commits}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    eprintln!("    making a lake of {commits} commits, once");
    let partial = workbench.data().join(format!("history-{commits}.partial"));
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let lake = lakes::create_with_events(&partial).await?;
    for number in 1..=commits {
        lake.append("events", vec![lakes::event(number)?]).await?;
    }
    lake.settle().await;
    drop(lake);
    fs::rename(&partial, &folder)?;
    Ok(folder)
}
