//! Runs the scripts beside this file, `*.slt`, in sessions of this process. What a script holds is in
//! [`frostline_testkit::slt`].

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use frostline_catalog::Micros;
use frostline_sql::{Answer, Error, Settings};
use frostline_testkit::slt::{Asked, Door, Given, Refused, Storage, failures};

use crate::lake::{TestLake, TestSession, describe, run_to_end};

/// Where the scripts are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slt");

/// A session of this process.
struct Embedded {
    lake: TestLake,
    session: TestSession,
}

fn refused(error: Error) -> Refused {
    Refused::new(describe(&error))
}

#[async_trait]
impl Door for Embedded {
    type Lake = TestLake;

    const LABEL: Option<&'static str> = None;

    async fn create(name: &str, storage: Storage) -> Result<TestLake, Refused> {
        let settings = match storage {
            Storage::Hot => Settings::default(),
            Storage::Frozen => Settings { hot_bytes_max: 0, ..Settings::default() },
        };
        TestLake::create(name, settings).await.map_err(refused)
    }

    async fn open(lake: TestLake) -> Result<Self, Refused> {
        let session = lake.session();
        Ok(Self { lake, session })
    }

    async fn run(&mut self, sql: &str, _asked: Asked) -> Result<Given, Refused> {
        match self.session.run(sql).await.map_err(refused)? {
            Answer::Committed(committed) => Ok(Given::Count(committed.rows)),
            Answer::Pending { rows, .. } => Ok(Given::Count(rows)),
            Answer::NoChange { .. } | Answer::Done => Ok(Given::Count(0)),
            Answer::Rows(rows) => {
                let columns = Arc::clone(&rows.schema);
                Ok(Given::Rows { columns, batches: rows.collect().await.map_err(refused)? })
            }
        }
    }

    fn set_time(&mut self, micros: i64) {
        self.lake.set_time(Micros::new(micros));
    }

    async fn reopen(&mut self) -> Result<(), Refused> {
        let lake = self.lake.reopen().await.map_err(refused)?;
        *self = Self::open(lake).await?;
        Ok(())
    }
}

fn check(storage: Storage) {
    let failures = run_to_end(move || failures::<Embedded>(Path::new(FOLDER), storage));
    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_script_holds_with_hot_rows() {
    check(Storage::Hot);
}

#[test]
fn every_script_holds_with_frozen_rows() {
    check(Storage::Frozen);
}
