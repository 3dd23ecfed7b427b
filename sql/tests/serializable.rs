//! Writers at the same time, and a checker that looks for an order in which they could have run one after the other.
//!
//! * Histories come from seeds: which writer runs its next statement is drawn. `FROSTLINE_HISTORIES` is how many,
//!   `FROSTLINE_SEED` runs one again. Others run freely, on several handles of one lake, as several processes would.
//! * The checker ([`frostline_testkit::serial`]) can fail: under `snapshot` it does.

mod workload;
mod writer;

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use fastrand::Rng;
use frostline_sql::{CreateOptions, Lake, OpenOptions, Session, Settings};
use frostline_testkit::serial::{Dependency, Findings, Object, Seen, Transaction};

use crate::door::{Checked, from_environment, query};
use crate::lake::{describe, run_to_end};
use workload::{ACCOUNTS, BALANCE, Step, TABLES, Workload};
use writer::{Writer, written};

/// How many handles of a lake the writers share. Each is opened by itself, as another process would.
const HANDLES: usize = 3;

/// How many transactions each writer commits, or gives up because an account would be overdrawn.
const TRANSACTIONS: usize = 5;

/// A lake with the tables of a workload, and the writers on it.
struct Trial {
    workload: Workload,
    lakes: Vec<Lake>,
    writers: Vec<Writer>,
    /// What made the tables' first rows.
    setup: Transaction,
    values: Arc<AtomicU64>,
}

impl Trial {
    /// A new lake somewhere, without writers.
    async fn begin(location: &str, workload: Workload) -> Checked<Self> {
        Lake::create(location, CreateOptions::default()).await.map_err(|error| describe(&error))?;
        let mut lakes: Vec<Lake> = Vec::new();
        for _ in 0..HANDLES {
            let settings = Settings { checkpoint_interval_slots: 16, ..Settings::default() };
            let options = OpenOptions { settings, ..OpenOptions::default() };
            lakes.push(Lake::open(location, options).await.map_err(|error| describe(&error))?);
        }
        let values = Arc::new(AtomicU64::new(1));
        let mut founder = Writer::new(0, lakes[0].session(), "serializable", &values, Vec::new());
        let setup = founder.create_tables(workload).await?;
        Ok(Self { workload, lakes, writers: Vec::new(), setup, values })
    }

    /// One writer more, with what it is to do.
    fn add_writer(&mut self, isolation: &'static str, plans: Vec<Vec<Step>>) {
        let number = self.writers.len() + 1;
        let session = self.lakes[number % HANDLES].session();
        self.writers.push(Writer::new(number, session, isolation, &self.values, plans));
    }

    /// Some writers, with what is drawn for them.
    fn add_writers(&mut self, count: usize, isolation: &'static str, random: &mut Rng) {
        for _ in 0..count {
            let plans: Vec<Vec<Step>> = (0..TRANSACTIONS).map(|_| self.workload.draw(random)).collect();
            self.add_writer(isolation, plans);
        }
    }

    /// Runs a statement of one writer after the other, in an order that is drawn.
    async fn interleave(&mut self, random: &mut Rng) -> Checked {
        loop {
            let busy: Vec<usize> = (0..self.writers.len()).filter(|number| !self.writers[*number].is_done()).collect();
            if busy.is_empty() {
                return Ok(());
            }
            self.writers[busy[random.usize(..busy.len())]].step().await?;
        }
    }

    /// Lets the writers run, all at once.
    async fn run_freely(&mut self) -> Checked {
        let run = |mut writer: Writer| {
            tokio::spawn(async move {
                while !writer.is_done() {
                    writer.step().await?;
                }
                Ok::<Writer, String>(writer)
            })
        };
        let tasks: Vec<_> = std::mem::take(&mut self.writers).into_iter().map(run).collect();
        for task in tasks {
            self.writers.push(task.await.expect("no task panics")?);
        }
        Ok(())
    }

    /// What was committed, with what came before the writers.
    fn history(&self) -> Vec<Transaction> {
        let mut history = vec![self.setup.clone()];
        history.extend(self.writers.iter().flat_map(|writer| writer.committed().iter().cloned()));
        history
    }

    /// How often a writer lost against another.
    fn conflicts(&self) -> u64 {
        self.writers.iter().map(Writer::conflicts).sum()
    }

    /// Looks for what speaks against the history, and compares each version with what was written up to it.
    async fn check(&self) -> Checked {
        let history = self.history();
        let findings = Findings::of(&history);
        if !findings.is_empty() {
            return Err(format!("{} transactions:\n{findings}", history.len()));
        }
        self.check_versions(&history).await
    }

    async fn check_versions(&self, history: &[Transaction]) -> Checked {
        let session = self.lakes[0].session();
        let mut by_version: Vec<&Transaction> = history.iter().filter(|one| one.version.is_some()).collect();
        by_version.sort_unstable_by_key(|one| one.version);
        let mut expected: BTreeMap<Object, Vec<u64>> = BTreeMap::new();
        for transaction in by_version {
            for (object, value) in written(transaction) {
                expected.entry(object.clone()).or_default().push(value);
            }
            let version = transaction.version.unwrap_or_default();
            for table in TABLES {
                let found = self.workload.rows_at(&session, table, version).await?;
                let of_table = expected.iter().filter(|(object, _)| object.table == table);
                let wanted: BTreeMap<u64, Seen> =
                    of_table.map(|(object, values)| (object.key, self.workload.shown(values))).collect();
                if found != wanted {
                    return Err(format!("{table} at version {version}: {found:?} instead of {wanted:?}"));
                }
            }
            if self.workload == Workload::Bank {
                check_total(&session, version).await?;
            }
        }
        Ok(())
    }
}

/// Checks that at a version no money was made or lost, and no account is overdrawn.
async fn check_total(session: &Session, version: u64) -> Checked {
    let tables = TABLES.map(|table| format!("SELECT balance FROM {table} AS OF VERSION {version}"));
    let sql = format!("SELECT sum(balance), min(balance) FROM ({}) AS accounts", tables.join(" UNION ALL "));
    let batches = query(session, &sql).await?;
    let row = batches.iter().find(|batch| batch.num_rows() > 0).ok_or("there is no row")?;
    let values: Vec<i64> = row.columns().iter().map(|column| column.as_primitive::<Int64Type>().value(0)).collect();
    let total = BALANCE * i64::try_from(ACCOUNTS * TABLES.len() as u64).expect("there are few accounts");
    if values[0] == total && values[1] >= 0 {
        return Ok(());
    }
    Err(format!("version {version} has {} instead of {total} in all, and {} in an account", values[0], values[1]))
}

/// The seeds of the histories to run.
fn seeds(usual: u64) -> Vec<u64> {
    match env::var("FROSTLINE_SEED") {
        Ok(seed) => vec![seed.parse().expect("FROSTLINE_SEED is a number")],
        Err(_) => (1..=from_environment("FROSTLINE_HISTORIES", usual)).collect(),
    }
}

/// Plays the histories of some seeds, with 4 to 8 writers, and checks each.
fn check_histories(name: &'static str, workload: Workload) {
    run_to_end(move || async move {
        let mut conflicts: u64 = 0;
        for seed in seeds(6) {
            let mut random = Rng::with_seed(seed);
            let location = format!("memory://serializable-{name}-{seed}");
            let mut trial = Trial::begin(&location, workload).await.expect("the lake is made");
            trial.add_writers(random.usize(4..=8), "serializable", &mut random);
            trial.interleave(&mut random).await.unwrap_or_else(|wrong| unreachable!("seed {seed}: {wrong}"));
            trial.check().await.unwrap_or_else(|wrong| unreachable!("seed {seed}: {wrong}"));
            conflicts += trial.conflicts();
        }
        assert!(conflicts > 0, "the writers were never in each other's way");
    });
}

#[test]
fn appends_to_lists_could_have_run_one_after_the_other() {
    check_histories("lists", Workload::Lists);
}

#[test]
fn transfers_could_have_run_one_after_the_other_and_keep_the_total_at_every_version() {
    check_histories("bank", Workload::Bank);
}

#[test]
fn writers_of_several_handles_that_run_freely_could_have_run_one_after_the_other() {
    run_to_end(|| async {
        for workload in [Workload::Lists, Workload::Bank] {
            let folder = tempfile::tempdir().unwrap();
            let location = folder.path().join("lake").display().to_string();
            let mut random = Rng::with_seed(1);
            let mut trial = Trial::begin(&location, workload).await.unwrap();
            trial.add_writers(8, "serializable", &mut random);
            trial.run_freely().await.unwrap();
            trial.check().await.unwrap();
        }
    });
}

/// What the checker finds when two writers read two lists, and then each appends to another of them.
async fn skew(location: &str, isolation: &'static str) -> (Findings, u64) {
    let mut trial = Trial::begin(location, Workload::Lists).await.expect("the lake is made");
    let [left, right] = ["a", "b"].map(|table| Object { table: table.to_owned(), key: 0 });
    for own in [&left, &right] {
        let plan = vec![Step::ReadList(left.clone()), Step::ReadList(right.clone()), Step::Append(own.clone())];
        trial.add_writer(isolation, vec![plan]);
    }
    while trial.writers.iter().any(|writer| !writer.is_done()) {
        for writer in &mut trial.writers {
            writer.step().await.expect("each statement runs");
        }
    }
    (Findings::of(&trial.history()), trial.conflicts())
}

#[test]
fn snapshot_isolation_lets_write_skew_happen_and_the_checker_finds_it() {
    run_to_end(|| async {
        let (findings, conflicts) = skew("memory://serializable-skew-snapshot", "snapshot").await;
        assert!(findings.anomalies.is_empty(), "{findings}");
        let cycle = findings.cycle.as_ref().expect("each read what was before the other");
        assert_eq!(cycle.dependencies(), [Dependency::ReadWrite; 2], "{findings}");
        assert_eq!(conflicts, 0);

        let (findings, conflicts) = skew("memory://serializable-skew", "serializable").await;
        assert!(findings.is_empty(), "{findings}");
        assert_eq!(conflicts, 1, "the later one ran again");
    });
}

#[test]
fn histories_under_snapshot_isolation_are_found_not_to_be_serializable() {
    run_to_end(|| async {
        const SEEDS: u64 = 4;
        let mut cycles: u64 = 0;
        for seed in 1..=SEEDS {
            let mut random = Rng::with_seed(seed);
            let location = format!("memory://serializable-snapshot-{seed}");
            let mut trial = Trial::begin(&location, Workload::Lists).await.unwrap();
            trial.add_writers(6, "snapshot", &mut random);
            trial.interleave(&mut random).await.unwrap();
            cycles += u64::from(Findings::of(&trial.history()).cycle.is_some());
        }
        assert!(cycles > 0, "none of {SEEDS} histories has a cycle");
    });
}
