//! Histories that are drawn from a seed.

mod changes;
mod returns;
mod shapes;

use fastrand::Rng;

use super::lake::Model;
use super::record::Row;
use super::step::Step;
use super::table::{Column, Table};
use super::value::pick;

/// The names that tables get, and get again after a drop.
const TABLES: [&str; 3] = ["t", "u", "w"];

/// The names that views get.
const VIEWS: [&str; 2] = ["seen", "seen_too"];

/// A table with more rows than this gets no large insert and is copied nowhere.
const ROWS_MAX: usize = 350;

/// A history: one step after the other, each possible at the model's newest version.
#[derive(Debug)]
pub struct History {
    random: Rng,
    tags: u32,
}

impl History {
    /// The names that a table or view may have in a history.
    pub const NAMES: [&str; 5] = [TABLES[0], TABLES[1], TABLES[2], VIEWS[0], VIEWS[1]];

    /// The history of a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed), tags: 0 }
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.random.usize(..times.max(1)) == 0
    }

    /// A version of the model.
    pub fn any_version(&mut self, model: &Model) -> u64 {
        self.random.u64(1..=model.newest())
    }

    /// Two versions of the model, the earlier one first.
    pub fn any_versions(&mut self, model: &Model) -> (u64, u64) {
        let (one, other) = (self.any_version(model), self.any_version(model));
        (one.min(other), one.max(other))
    }

    /// Draws the next step. What cannot be done now gives way to something that can.
    pub fn next(&mut self, model: &Model) -> Step {
        if let Some(end) = self.end_of_transaction(model) {
            return end;
        }
        let drawn = self.draw(model).filter(|step| !model.in_transaction() || step.fits_in_transaction());
        drawn.or_else(|| self.create_table(model)).or_else(|| self.insert(model)).unwrap_or(Step::Reopen)
    }

    fn draw(&mut self, model: &Model) -> Option<Step> {
        match self.random.usize(..200) {
            0..26 => self.insert(model),
            26..44 => self.append(model),
            44..52 => self.insert_past(model),
            52..74 => self.update(model),
            74..90 => self.delete(model),
            90..108 => self.merge(model),
            108..112 => self.some_table(model).map(|(table, _)| Step::Truncate { table }),
            112..119 => self.add_column(model),
            119..124 => self.drop_column(model),
            124..129 => self.rename_column(model),
            129..133 => self.widen_column(model),
            133..138 => self.create_table(model),
            138..141 => self.replace_table(model),
            141..146 => self.copy_table(model),
            146..150 => self.some_table(model).map(|(table, _)| Step::DropTable { table }),
            150..155 => self.create_view(model),
            155..157 => self.some(model.views()).map(|view| Step::DropView { view }),
            157..160 => Some(self.create_tag(model)),
            160..162 => self.some(model.tags()).map(|tag| Step::DropTag { tag }),
            162..165 => self.nothing(model),
            165..168 => self.refused(model),
            168..176 => self.restore_table(model),
            176..179 => self.restore_lake(model),
            179..184 => self.clone_table(model),
            184..190 => self.undrop_table(model),
            190..197 => Some(Step::Begin),
            _ => Some(Step::Reopen),
        }
    }

    /// What ends the transaction that is open, if it is to end now. One that has failed does.
    fn end_of_transaction(&mut self, model: &Model) -> Option<Step> {
        if !model.in_transaction() {
            return None;
        }
        let ways = if model.has_failed() { 2 } else { 24 };
        match self.random.usize(..ways) {
            0 => Some(Step::Rollback),
            1..5 => Some(Step::Commit),
            _ => None,
        }
    }

    fn some(&mut self, names: Vec<String>) -> Option<String> {
        if names.is_empty() { None } else { Some(pick(&mut self.random, &names).clone()) }
    }

    fn some_table<'a>(&mut self, model: &'a Model) -> Option<(String, &'a Table)> {
        let name = self.some(model.tables())?;
        let table = model.table_now(&name)?;
        Some((name, table))
    }

    /// A table that was there at a version of the past, with few enough rows to be copied.
    fn some_past(&mut self, model: &Model) -> Option<(String, u64)> {
        let name = (*pick(&mut self.random, &TABLES)).to_owned();
        let at = self.any_version(model);
        model.table(&name, at).filter(|table| table.rows.len() <= ROWS_MAX)?;
        Some((name, at))
    }

    /// A name of a table that nothing has.
    fn free_table(&mut self, model: &Model) -> Option<String> {
        let is_free = |name: &&str| model.relation_now(name).is_none();
        self.some(TABLES.into_iter().filter(is_free).map(str::to_owned).collect())
    }

    fn rows(&mut self, columns: &[Column], count: usize) -> Vec<Row> {
        let row = |random: &mut Rng| -> Row {
            let value = |column: &Column| (random.usize(..6) > 0).then(|| column.value_type.draw(random));
            columns.iter().map(value).collect()
        };
        (0..count).map(|_| row(&mut self.random)).collect()
    }
}
