//! A writer: one transaction after the other, statement by statement, and what it saw.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use frostline_sql::{Answer, ErrorKind, Session};
use frostline_testkit::serial::{Deed, Object, Seen, Transaction};

use super::workload::{ACCOUNTS, BALANCE, Step, TABLES, Workload, rows, unsigned};
use crate::door::{Checked, answer};
use crate::lake::describe;

/// A writer and what is left for it to do.
///
/// * A transaction that lost against another is run again from its beginning, with other values.
/// * One in which an account would be overdrawn is rolled back, and not run again.
pub(super) struct Writer {
    number: usize,
    session: Session,
    /// What its commits check.
    isolation: &'static str,
    /// The next value that somebody writes. No value is written twice.
    values: Arc<AtomicU64>,
    /// What the transactions do that are not over.
    plans: VecDeque<Vec<Step>>,
    /// Which statement of the first of them comes next: BEGIN, its steps, COMMIT.
    next: usize,
    /// What the transaction under way did so far.
    deeds: Vec<Deed>,
    /// How long it found lists, with what it appended.
    lengths: HashMap<Object, usize>,
    committed: Vec<Transaction>,
    conflicts: u64,
}

impl Writer {
    /// A writer that has done nothing yet.
    pub(super) fn new(
        number: usize,
        session: Session,
        isolation: &'static str,
        values: &Arc<AtomicU64>,
        plans: Vec<Vec<Step>>,
    ) -> Self {
        Self {
            number,
            session,
            isolation,
            values: Arc::clone(values),
            plans: plans.into(),
            next: 0,
            deeds: Vec::new(),
            lengths: HashMap::new(),
            committed: Vec::new(),
            conflicts: 0,
        }
    }

    /// The transactions that it committed, in order.
    pub(super) fn committed(&self) -> &[Transaction] {
        &self.committed
    }

    /// How often it lost against another.
    pub(super) fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// Whether nothing is left to do.
    pub(super) fn is_done(&self) -> bool {
        self.plans.is_empty()
    }

    /// Makes the tables of a workload, and what they begin with, in one version.
    pub(super) async fn create_tables(&mut self, workload: Workload) -> Checked<Transaction> {
        self.run("BEGIN").await?;
        for table in TABLES {
            self.run(&format!("CREATE TABLE {table} ({})", workload.columns())).await?;
            let accounts = if workload == Workload::Bank { ACCOUNTS } else { 0 };
            for key in 0..accounts {
                let value = self.write(&Object { table: table.to_owned(), key });
                self.run(&format!("INSERT INTO {table} VALUES ({key}, {BALANCE}, {value})")).await?;
            }
        }
        self.commit().await?;
        self.committed.pop().ok_or_else(|| "the tables are not committed".to_owned())
    }

    /// Runs the next statement, if there is one.
    pub(super) async fn step(&mut self) -> Checked {
        let Some(plan) = self.plans.front() else { return Ok(()) };
        if self.next == 0 {
            self.deeds.clear();
            self.lengths.clear();
            self.run(&format!("SET frostline.isolation = '{}'", self.isolation)).await?;
            self.run("BEGIN").await?;
            self.next = 1;
            return Ok(());
        }
        let Some(step) = plan.get(self.next - 1).cloned() else { return self.commit().await };
        self.next += 1;
        match step {
            Step::ReadList(list) => self.read_list(list).await,
            Step::Append(list) => self.append(list).await,
            Step::ReadAccount(account) => self.read_account(account).await,
            Step::Pay(account, amount) => self.pay(&account, amount).await,
            Step::AssertNotOverdrawn(account) => self.assert_not_overdrawn(&account).await,
        }
    }

    async fn read_list(&mut self, list: Object) -> Checked {
        let Object { table, key } = &list;
        let sql = format!("SELECT value FROM {table} WHERE k = {key} ORDER BY place, value");
        let found = rows(&self.session, &sql).await?;
        let values: Vec<u64> = found.iter().map(|row| unsigned(row[0])).collect::<Checked<_>>()?;
        self.lengths.insert(list.clone(), values.len());
        self.deeds.push(Deed::Read { object: list, seen: Seen::All(values) });
        Ok(())
    }

    async fn append(&mut self, list: Object) -> Checked {
        let length = self.lengths.get_mut(&list).ok_or_else(|| format!("{list} was not read"))?;
        let place = *length;
        *length += 1;
        let value = self.write(&list);
        self.change_one(&format!("INSERT INTO {} VALUES ({}, {place}, {value})", list.table, list.key)).await
    }

    async fn read_account(&mut self, account: Object) -> Checked {
        let sql = format!("SELECT transfer FROM {} WHERE k = {}", account.table, account.key);
        let found = rows(&self.session, &sql).await?;
        let [row] = found.as_slice() else { return Err(format!("{account} is not one row: {found:?}")) };
        let seen = Seen::Last(Some(unsigned(row[0])?));
        self.deeds.push(Deed::Read { object: account, seen });
        Ok(())
    }

    async fn pay(&mut self, account: &Object, amount: i64) -> Checked {
        let value = self.write(account);
        let Object { table, key } = account;
        let sql = format!("UPDATE {table} SET balance = balance + ({amount}), transfer = {value} WHERE k = {key}");
        self.change_one(&sql).await
    }

    async fn assert_not_overdrawn(&mut self, account: &Object) -> Checked {
        let Object { table, key } = account;
        let sql = format!("ASSERT (SELECT balance FROM {table} WHERE k = {key}) >= 0, 'overdrawn'");
        match answer(&self.session, &sql).await {
            Ok(Answer::Done) => Ok(()),
            Err(error) if error.to_string().contains("overdrawn") => {
                self.run("ROLLBACK").await?;
                self.finish();
                Ok(())
            }
            other => Err(format!("`{sql}` gave {other:?}")),
        }
    }

    async fn commit(&mut self) -> Checked {
        let version = match answer(&self.session, "COMMIT").await {
            Ok(Answer::Committed(made)) => Some(made.version.number()),
            Ok(Answer::NoChange { .. }) => None,
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.conflicts += 1;
                self.next = 0;
                return Ok(());
            }
            other => return Err(format!("COMMIT gave {other:?}")),
        };
        let deeds = std::mem::take(&mut self.deeds);
        self.committed.push(Transaction { writer: self.number, version, deeds });
        self.finish();
        Ok(())
    }

    /// The next transaction's turn has come.
    fn finish(&mut self) {
        self.plans.pop_front();
        self.next = 0;
    }

    /// A new value for an object, noted as written.
    fn write(&mut self, object: &Object) -> u64 {
        let value = self.values.fetch_add(1, Ordering::Relaxed);
        self.deeds.push(Deed::Write { object: object.clone(), value });
        value
    }

    /// Runs a statement that must change one row, which is pending.
    async fn change_one(&self, sql: &str) -> Checked {
        match answer(&self.session, sql).await {
            Ok(Answer::Pending { rows: 1, .. }) => Ok(()),
            Ok(other) => Err(format!("`{sql}` gave {other:?}")),
            Err(error) => Err(format!("`{sql}` failed: {}", describe(&error))),
        }
    }

    async fn run(&self, sql: &str) -> Checked {
        match answer(&self.session, sql).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("`{sql}` failed: {}", describe(&error))),
        }
    }
}

/// What a transaction wrote, in order.
pub(super) fn written(transaction: &Transaction) -> impl Iterator<Item = (&Object, u64)> {
    transaction.deeds.iter().filter_map(|deed| match deed {
        Deed::Write { object, value } => Some((object, *value)),
        Deed::Read { .. } => None,
    })
}
