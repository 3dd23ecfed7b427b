//! What writers do, and what must be there afterwards.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use fastrand::Rng;
use frostline_sql::Session;
use frostline_testkit::serial::{Object, Seen};

use crate::door::{Checked, query};

/// The tables of each workload.
pub(super) const TABLES: [&str; 3] = ["a", "b", "c"];

/// How many lists a table has.
const LISTS: u64 = 3;

/// How many accounts a table has.
pub(super) const ACCOUNTS: u64 = 3;

/// What is in an account at first.
pub(super) const BALANCE: i64 = 100;

/// The most that one transfer moves: more than there may be.
const TRANSFER_MAX: i64 = 80;

/// What the writers of a history do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    /// They read lists and append to them. A list is the rows of a key, each with its place.
    Lists,
    /// They move money from one account to another. An account is one row, and says which transfer was its last.
    Bank,
}

/// A statement of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Reads a list.
    ReadList(Object),
    /// Appends a new value to a list that this transaction read before.
    Append(Object),
    /// Reads an account.
    ReadAccount(Object),
    /// Changes what is in an account.
    Pay(Object, i64),
    /// Gives up if an account is overdrawn.
    AssertNotOverdrawn(Object),
}

impl Workload {
    /// The columns of each table.
    pub(super) fn columns(self) -> &'static str {
        match self {
            Self::Lists => "k BIGINT NOT NULL, place BIGINT NOT NULL, value BIGINT NOT NULL",
            Self::Bank => "k BIGINT NOT NULL, balance BIGINT NOT NULL, transfer BIGINT NOT NULL",
        }
    }

    /// A transaction.
    pub(super) fn draw(self, random: &mut Rng) -> Vec<Step> {
        match self {
            Self::Lists => draw_lists(random),
            Self::Bank => draw_bank(random),
        }
    }

    /// What is seen of an object to which these values were written, in order.
    pub(super) fn shown(self, values: &[u64]) -> Seen {
        match self {
            Self::Lists => Seen::All(values.to_vec()),
            Self::Bank => Seen::Last(values.last().copied()),
        }
    }

    /// What a version of a table shows, by key. A list that is empty does not occur.
    pub(super) async fn rows_at(self, session: &Session, table: &str, version: u64) -> Checked<BTreeMap<u64, Seen>> {
        let (value, order) = match self {
            Self::Lists => ("value", "place"),
            Self::Bank => ("transfer", "transfer"),
        };
        let sql = format!("SELECT k, {value} FROM {table} AS OF VERSION {version} ORDER BY k, {order}");
        let mut values: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for row in rows(session, &sql).await? {
            values.entry(unsigned(row[0])?).or_default().push(unsigned(row[1])?);
        }
        let is_one_row = |of_key: &Vec<u64>| of_key.len() == 1;
        if self == Self::Bank && !values.values().all(is_one_row) {
            return Err(format!("accounts of {table} at version {version} are not one row each: {values:?}"));
        }
        Ok(values.into_iter().map(|(key, of_key)| (key, self.shown(&of_key))).collect())
    }
}

/// Rows of whole numbers, none of them NULL.
pub(super) async fn rows(session: &Session, sql: &str) -> Checked<Vec<Vec<i64>>> {
    let mut found: Vec<Vec<i64>> = Vec::new();
    for batch in query(session, sql).await? {
        for row in 0..batch.num_rows() {
            found.push(batch.columns().iter().map(|column| column.as_primitive::<Int64Type>().value(row)).collect());
        }
    }
    Ok(found)
}

/// A number that is none below zero.
pub(super) fn unsigned(number: i64) -> Checked<u64> {
    u64::try_from(number).map_err(|error| format!("{number}: {error}"))
}

fn draw_object(random: &mut Rng, keys: u64) -> Object {
    Object { table: TABLES[random.usize(..TABLES.len())].to_owned(), key: random.u64(..keys) }
}

/// One to three lists that are read, and mostly some that are appended to; one in five only reads.
fn draw_lists(random: &mut Rng) -> Vec<Step> {
    let only_reads = random.u8(..5) == 0;
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..random.usize(1..=3) {
        let list = draw_object(random, LISTS);
        steps.push(Step::ReadList(list.clone()));
        if only_reads || random.u8(..3) == 0 {
            continue;
        }
        for _ in 0..random.usize(1..=2) {
            steps.push(Step::Append(list.clone()));
        }
        if random.bool() {
            steps.push(Step::ReadList(list));
        }
    }
    steps
}

/// A transfer between two accounts; one in five only reads some.
fn draw_bank(random: &mut Rng) -> Vec<Step> {
    if random.u8(..5) == 0 {
        return (0..4).map(|_| Step::ReadAccount(draw_object(random, ACCOUNTS))).collect();
    }
    let from = draw_object(random, ACCOUNTS);
    let to = loop {
        let other = draw_object(random, ACCOUNTS);
        if other != from {
            break other;
        }
    };
    let amount = random.i64(1..=TRANSFER_MAX);
    let mut steps: Vec<Step> = vec![Step::ReadAccount(from.clone())];
    if random.bool() {
        steps.push(Step::ReadAccount(to.clone()));
    }
    steps.push(Step::Pay(from.clone(), -amount));
    steps.push(Step::Pay(to.clone(), amount));
    if random.bool() {
        steps.push(Step::ReadAccount(to));
    }
    steps.push(Step::AssertNotOverdrawn(from));
    steps
}
