//! A lake whose `lineitem` may be changed: a clone for each round, so that every round begins with the same rows.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frostline_engine::import::{Progress, resolve_sources};
use frostline_sql::{Answer, ImportRequest, Lake, OpenOptions, Parameters, Session, Settings};

use crate::lakes;
use crate::report::Failure;
use crate::tpch_data::TpchTable;
use crate::workbench::Workbench;

/// A lake with a frozen `lineitem`, to be changed and thrown away.
#[derive(Debug)]
pub(crate) struct ChangingLake {
    /// The lake.
    pub(crate) lake: Lake,
    session: Session,
    clones: usize,
}

impl ChangingLake {
    /// Imports `lineitem` into a new lake.
    pub(crate) async fn create(workbench: &Workbench, scale: f64, folder: &Path) -> Result<Self, Failure> {
        let file = TpchTable::LineItem.file(workbench.data(), scale)?;
        let frozen_only = Settings { hot_bytes_max: 0, ..Settings::default() };
        let location = lakes::location(folder)?;
        let made = lakes::create(location, frozen_only).await?;
        import(&made, "lineitem", &file).await?;
        made.settle().await;
        drop(made);
        let lake = Lake::open(location, OpenOptions::default()).await?;
        let session = lake.session();
        Ok(Self { lake, session, clones: 0 })
    }

    /// A new table with the rows of `lineitem`, and its name.
    pub(crate) async fn clone_table(&mut self) -> Result<String, Failure> {
        self.clones += 1;
        let name = format!("lineitem_{}", self.clones);
        self.run(&format!("CREATE TABLE {name} CLONE lineitem")).await?;
        Ok(name)
    }

    /// Imports a Parquet file as a table.
    pub(crate) async fn import(&self, table: &str, file: &Path) -> Result<(), Failure> {
        import(&self.lake, table, file).await
    }

    /// Runs a statement that commits: how long it takes, and how many rows it changes.
    pub(crate) async fn run(&self, sql: &str) -> Result<(Duration, u64), Failure> {
        let started = Instant::now();
        let answer = self.session.sql(sql, &Parameters::none()).await?;
        let took = started.elapsed();
        match answer {
            Answer::Committed(committed) => Ok((took, committed.rows)),
            other => Err(format!("`{sql}` commits nothing: {other:?}").into()),
        }
    }

    /// Runs a query to its end: how long it takes, and how many rows it gives.
    pub(crate) async fn query(&self, sql: &str) -> Result<(Duration, u64), Failure> {
        let started = Instant::now();
        let batches = self.session.sql(sql, &Parameters::none()).await?.into_rows()?.collect().await?;
        Ok((started.elapsed(), batches.iter().map(|batch| batch.num_rows() as u64).sum()))
    }
}

async fn import(lake: &Lake, table: &str, file: &Path) -> Result<(), Failure> {
    let files = resolve_sources(&[lakes::location(file)?.to_owned()], None)?;
    let request = ImportRequest { author: "benches".to_owned(), ..ImportRequest::default() };
    lake.import(table, files, request, Arc::new(Progress::default())).await?;
    Ok(())
}

/// A condition that holds for so many of 10,000 rows of `lineitem`, spread evenly and at random.
pub(crate) fn random_rows(of_ten_thousand: u64) -> String {
    format!("(l_orderkey * 2654435761 + l_linenumber * 40503) % 10000 < {of_ten_thousand}")
}
