//! Runs the scripts of `sql/tests/slt` through Flight SQL: a served lake gives what a session in its process gives.
//! What a script holds is in [`frostline_testkit::slt`].
//!
//! | record | with hot rows | with frozen rows |
//! |---|---|---|
//! | `query` | a text: GetFlightInfo, DoGet | prepared: CreatePreparedStatement, GetFlightInfo, DoGet, and closed |
//! | `statement` | DoPut | a text: GetFlightInfo, DoGet |
//!
//! Each connection of a script is a client with a session of its own. `REOPEN` is a new server on the lake, and a new
//! session there; the one before goes on as long as another connection uses it.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, Schema};
use arrow_flight::error::FlightError;
use arrow_flight::{Action, FlightInfo};
use async_trait::async_trait;
use frostline_catalog::io::{Clock, ManualClock};
use frostline_catalog::{BranchId, Micros, Version};
use frostline_server::{Authentication, ServeLimits};
use frostline_sql::{CreateOptions, Lake, OpenOptions, Settings};
use frostline_testkit::slt::{Asked, Door, Given, Refused, SECOND_VERSION_MICROS, STEP_MICROS, Storage, failures};

use crate::served::{Client, Served, fetch, run, session_options};

/// Where the scripts are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/tests/slt");

/// When version 2 is committed.
const SECOND_VERSION: Micros = Micros::new(SECOND_VERSION_MICROS);

/// A served lake whose clock stands still but for its commits.
struct ServedLake {
    location: String,
    storage: Storage,
    clock: Arc<ManualClock>,
    served: Served,
}

impl ServedLake {
    /// Opens a lake that is there, and serves it.
    async fn open(location: String, storage: Storage, clock: Arc<ManualClock>) -> Self {
        let settings = match storage {
            Storage::Hot => Settings::default(),
            Storage::Frozen => Settings { hot_bytes_max: 0, ..Settings::default() },
        };
        let limits = ServeLimits::default();
        let runtime = Some(limits.runtime());
        let options = OpenOptions { settings, clock: clock.clone(), runtime, ..OpenOptions::default() };
        let lake = Lake::open(&location, options).await.unwrap();
        let served = Served::of_lake(lake, Authentication::Nobody, limits).await;
        Self { location, storage, clock, served }
    }

    /// The newest version.
    async fn newest(&self) -> Option<Version> {
        self.served.lake.refresh().await.unwrap().newest(BranchId::MAIN)
    }

    /// A client in a session of its own.
    async fn client(&self) -> Client {
        let mut client = self.served.client().await;
        client.handshake("anybody", "anything").await.unwrap();
        // A server that asks for no token calls everybody by one name; a session in its process has none.
        let options = Action::new("SetSessionOptions", session_options(&[("author", "")]));
        client.do_action(options).await.unwrap().message().await.unwrap();
        client
    }
}

/// A client of a served lake.
struct Flight {
    lake: Arc<ServedLake>,
    client: Client,
}

impl Flight {
    async fn send(&mut self, sql: &str, asked: Asked) -> Result<Given, FlightError> {
        let sql = sql.to_owned();
        match (asked, self.lake.storage) {
            (Asked::Outcome, Storage::Hot) => {
                let written = self.client.execute_update(sql, None).await?;
                // It is -1 where that is no question.
                Ok(Given::Count(u64::try_from(written).unwrap_or(0)))
            }
            (Asked::Outcome, Storage::Frozen) | (Asked::Rows, Storage::Hot) => {
                let info = self.client.execute(sql, None).await?;
                self.given(&info).await
            }
            (Asked::Rows, Storage::Frozen) => {
                let mut prepared = self.client.prepare(sql, None).await?;
                let info = prepared.execute().await?;
                let given = self.given(&info).await;
                prepared.close().await?;
                given
            }
        }
    }

    /// What a client makes of a result that it is told of.
    async fn given(&mut self, info: &FlightInfo) -> Result<Given, FlightError> {
        let batches = fetch(&mut self.client, info).await?;
        // Only of what has run already, because it writes, it is told how many rows that were.
        if let Ok(written) = u64::try_from(info.total_records) {
            let fetched = rows_affected(&batches);
            return match fetched == Some(info.total_records) {
                true => Ok(Given::Count(written)),
                false => Err(broken(format!("{written} rows were told and {fetched:?} were fetched"))),
            };
        }
        let columns = Schema::try_from(info.clone())?;
        if let Some(other) = batches.iter().find(|batch| **batch.schema_ref() != columns) {
            return Err(broken(format!("{columns:?} was told and {:?} was sent", other.schema_ref())));
        }
        Ok(Given::Rows { columns: Arc::new(columns), batches })
    }
}

/// The rows that a statement wrote, as its outcome tells them.
fn rows_affected(batches: &[RecordBatch]) -> Option<i64> {
    let [outcome] = batches else { return None };
    let written = outcome.column_by_name("rows_affected")?.as_primitive_opt::<Int64Type>()?;
    (outcome.num_rows() == 1).then(|| written.value(0))
}

/// A promise of the server's that it did not keep.
fn broken(words: String) -> FlightError {
    FlightError::ProtocolError(words)
}

/// An error as its client is told it.
fn refused(error: FlightError) -> Refused {
    match error {
        FlightError::Tonic(status) => Refused::new(status.message()),
        other => Refused::new(other.to_string()),
    }
}

#[async_trait]
impl Door for Flight {
    type Lake = Arc<ServedLake>;

    const LABEL: Option<&'static str> = Some("flight");

    async fn create(name: &str, storage: Storage) -> Result<Arc<ServedLake>, Refused> {
        let location = format!("memory://{name}");
        let clock = Arc::new(ManualClock::at(SECOND_VERSION.plus(-STEP_MICROS)));
        let options = CreateOptions {
            author: "root".to_owned(),
            allow_asserted_times: true,
            clock: clock.clone(),
            ..CreateOptions::default()
        };
        Lake::create(&location, options).await.unwrap();
        clock.set(SECOND_VERSION);
        Ok(Arc::new(ServedLake::open(location, storage, clock).await))
    }

    async fn open(lake: Arc<ServedLake>) -> Result<Self, Refused> {
        let client = lake.client().await;
        Ok(Self { lake, client })
    }

    async fn run(&mut self, sql: &str, asked: Asked) -> Result<Given, Refused> {
        let before = self.lake.newest().await;
        let given = self.send(sql, asked).await;
        // A commit over the network is made at the time of the server's clock, which is this one.
        if self.lake.newest().await != before {
            let clock = &self.lake.clock;
            clock.set(clock.now().plus(STEP_MICROS));
        }
        given.map_err(refused)
    }

    fn set_time(&mut self, micros: i64) {
        self.lake.clock.set(Micros::new(micros));
    }

    async fn reopen(&mut self) -> Result<(), Refused> {
        self.lake.served.lake.settle().await;
        let (location, clock) = (self.lake.location.clone(), Arc::clone(&self.lake.clock));
        let lake = ServedLake::open(location, self.lake.storage, clock).await;
        *self = Self::open(Arc::new(lake)).await?;
        Ok(())
    }
}

fn check(storage: Storage) {
    run(async move {
        let failures = failures::<Flight>(Path::new(FOLDER), storage).await;
        assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n"));
    });
}

#[test]
fn every_script_holds_over_the_network_with_hot_rows() {
    check(Storage::Hot);
}

#[test]
fn every_script_holds_over_the_network_with_frozen_rows() {
    check(Storage::Frozen);
}
