//! Claim: TPC-H over a lake is faster than DataFusion alone on the same rows in Parquet, and no query is much slower.
//!
//! The lake imports the files that the peer reads; all its rows are in frozen segments. The peer is the DataFusion that
//! Frostline is built on, with its default settings. One process, warm: the first round only compares the answers. In
//! every other round each query runs on both, now the one first, now the other. What counts is each query's minimum:
//! noise on a busy machine only ever adds time.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use frostline_engine::import::{Progress, resolve_sources};
use frostline_sql::{ImportRequest, Lake, OpenOptions, Parameters, Session, Settings};

use crate::bound::Bound;
use crate::claim::Claim;
use crate::lakes;
use crate::quantity::Quantity;
use crate::report::{Failure, Report};
use crate::samples::Samples;
use crate::tpch_answers::sorted_rows;
use crate::tpch_data::TpchTable;
use crate::tpch_queries::{QUERIES, TpchQuery};
use crate::workbench::Workbench;

/// One query's times.
#[derive(Debug)]
struct QueryTimes {
    query: TpchQuery,
    own: Samples,
    peer: Samples,
}

impl QueryTimes {
    fn ratio(&self) -> f64 {
        self.own.minimum().as_secs_f64() / self.peer.minimum().as_secs_f64()
    }
}

/// Runs the 22 queries on both.
pub(crate) async fn run(workbench: &Workbench) -> Result<Report, Failure> {
    let scale: f64 = workbench.pick(1.0, 0.01);
    let rounds: usize = workbench.pick(7, 1);
    let scratch = workbench.scratch()?;
    let lake = load(workbench.data(), scale, &scratch.path().join("lake")).await?;
    let session = lake.session();
    let peer = peer(workbench.data(), scale).await?;
    for query in QUERIES {
        compare(&session, &peer, query).await?;
    }
    let times = |query| QueryTimes { query, own: Samples::default(), peer: Samples::default() };
    let mut all: Vec<QueryTimes> = QUERIES.into_iter().map(times).collect();
    for round in 0..rounds {
        for (place, times) in all.iter_mut().enumerate() {
            if (round + place).is_multiple_of(2) {
                times.own.push(run_own(&session, times.query).await?.0);
                times.peer.push(run_peer(&peer, times.query).await?.0);
            } else {
                times.peer.push(run_peer(&peer, times.query).await?.0);
                times.own.push(run_own(&session, times.query).await?.0);
            }
        }
    }
    report(scale, &all)
}

fn report(scale: f64, all: &[QueryTimes]) -> Result<Report, Failure> {
    let worst = all.iter().max_by(|a, b| a.ratio().total_cmp(&b.ratio())).ok_or("there is no query")?;
    let own: Duration = all.iter().map(|times| times.own.minimum()).sum();
    let peer: Duration = all.iter().map(|times| times.peer.minimum()).sum();
    let total = Claim::new(format!("TPC-H scale {scale}, 22 queries, warm, sum of minima"), Quantity::seconds(own))
        .against(Quantity::seconds(peer))
        .must(Bound::TimesAtMost(0.95));
    let slowest = Claim::new(
        format!("its query that fares worst: {}, minimum", worst.query.name),
        Quantity::ms(worst.own.minimum()),
    )
    .against(Quantity::ms(worst.peer.minimum()))
    .must(Bound::TimesAtMost(1.1));
    let note = |times: &QueryTimes| {
        let (own, peer) = (Quantity::ms(times.own.minimum()), Quantity::ms(times.peer.minimum()));
        format!("{}: {own}, DataFusion {peer}, {:.2} ×", times.query.name, times.ratio())
    };
    Ok(Report { claims: vec![total, slowest], notes: all.iter().map(note).collect() })
}

/// A lake with the eight tables, all rows in frozen segments, opened with default settings.
async fn load(data: &Path, scale: f64, folder: &Path) -> Result<Lake, Failure> {
    eprintln!("    importing TPC-H at scale {scale}");
    let location = lakes::location(folder)?;
    let frozen_only = Settings { hot_bytes_max: 0, ..Settings::default() };
    let loading = lakes::create(location, frozen_only).await?;
    for table in TpchTable::ALL {
        let file = table.file(data, scale)?;
        let files = resolve_sources(&[lakes::location(&file)?.to_owned()], None)?;
        let request = ImportRequest { author: "benches".to_owned(), ..ImportRequest::default() };
        loading.import(table.name(), files, request, Arc::new(Progress::default())).await?;
    }
    loading.settle().await;
    drop(loading);
    let lake = Lake::open(location, OpenOptions::default()).await?;
    for table in TpchTable::ALL {
        lakes::check_frozen(&lake, table.name())?;
    }
    Ok(lake)
}

/// DataFusion with default settings on the files that the lake imported.
async fn peer(data: &Path, scale: f64) -> Result<SessionContext, Failure> {
    let context = SessionContext::new();
    for table in TpchTable::ALL {
        let file = table.file(data, scale)?;
        context.register_parquet(table.name(), lakes::location(&file)?, ParquetReadOptions::default()).await?;
    }
    Ok(context)
}

async fn compare(session: &Session, peer: &SessionContext, query: TpchQuery) -> Result<(), Failure> {
    let (_, own) = run_own(session, query).await?;
    let (_, theirs) = run_peer(peer, query).await?;
    let (own, theirs) = (sorted_rows(&own)?, sorted_rows(&theirs)?);
    if own == theirs {
        return Ok(());
    }
    let differing = own.iter().zip(&theirs).find(|(own, theirs)| own != theirs);
    Err(format!(
        "{}: {} rows, DataFusion has {}; the first that differs: {differing:?}",
        query.name,
        own.len(),
        theirs.len()
    )
    .into())
}

async fn run_own(session: &Session, query: TpchQuery) -> Result<(Duration, Vec<RecordBatch>), Failure> {
    let started = Instant::now();
    let batches = session.sql(query.sql, &Parameters::none()).await?.into_rows()?.collect().await?;
    Ok((started.elapsed(), batches))
}

async fn run_peer(peer: &SessionContext, query: TpchQuery) -> Result<(Duration, Vec<RecordBatch>), Failure> {
    let started = Instant::now();
    let batches = peer.sql(query.sql).await?.collect().await?;
    Ok((started.elapsed(), batches))
}
