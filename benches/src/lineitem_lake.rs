//! A lake with `lineitem` of TPC-H, its rows frozen.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use frostline_engine::import::{Progress, resolve_sources};
use frostline_sql::{ImportRequest, Settings};

use crate::lakes;
use crate::report::Failure;
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

/// The folder of the lake. It is made once, by an import of the Parquet file, and kept; nothing may write to it.
pub(crate) async fn folder(workbench: &Workbench, scale: f64) -> Result<PathBuf, Failure> {
    let folder = workbench.data().join(format!("lineitem-{scale}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    let file = TpchTable::LineItem.file(workbench.data(), scale)?;
    eprintln!("    importing lineitem at scale {scale}, once");
    let partial = workbench.data().join(format!("lineitem-{scale}.partial"));
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let frozen_only = Settings { hot_bytes_max: 0, ..Settings::default() };
    let lake = lakes::create(lakes::location(&partial)?, frozen_only).await?;
    let files = resolve_sources(&[lakes::location(&file)?.to_owned()], None)?;
    let request = ImportRequest { author: "benches".to_owned(), ..ImportRequest::default() };
    lake.import("lineitem", files, request, Arc::new(Progress::default())).await?;
    lake.settle().await;
    lakes::check_frozen(&lake, "lineitem")?;
    drop(lake);
    fs::rename(&partial, &folder)?;
    Ok(folder)
}
