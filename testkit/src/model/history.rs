//! Histories that are drawn from a seed.

use fastrand::Rng;

use super::lake::{Model, Relation, View};
use super::step::Step;
use super::table::{Column, Row, Table};
use super::value::{ValueType, pick};

/// The names that tables get, and get again after a drop.
const TABLES: [&str; 3] = ["t", "u", "w"];

/// The names that views get.
const VIEWS: [&str; 2] = ["seen", "seen_too"];

/// The names that columns get, and get again after a drop or a renaming.
const COLUMNS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A table with more rows than this gets no large insert and is copied nowhere.
const ROWS_MAX: usize = 350;

/// How many rows a large insert has.
const LARGE_ROWS: std::ops::Range<usize> = 80..160;

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

    /// Draws the next step. What cannot be done now gives way to something that can.
    pub fn next(&mut self, model: &Model) -> Step {
        let drawn = match self.random.usize(..100) {
            0..28 => self.insert(model),
            28..42 => self.append(model),
            42..48 => self.insert_past(model),
            48..56 => self.add_column(model),
            56..62 => self.drop_column(model),
            62..68 => self.rename_column(model),
            68..73 => self.create_table(model),
            73..76 => self.replace_table(model),
            76..79 => self.copy_table(model),
            79..82 => self.some_table(model).map(|(table, _)| Step::DropTable { table }),
            82..87 => self.create_view(model),
            87..89 => self.some(model.views()).map(|view| Step::DropView { view }),
            89..93 => Some(self.create_tag(model)),
            93..94 => self.some(model.tags()).map(|tag| Step::DropTag { tag }),
            94..95 => self.nothing(model),
            95..97 => self.refused(model),
            _ => Some(Step::Reopen),
        };
        drawn.or_else(|| self.create_table(model)).or_else(|| self.insert(model)).unwrap_or(Step::Reopen)
    }

    fn some(&mut self, names: Vec<String>) -> Option<String> {
        if names.is_empty() { None } else { Some(pick(&mut self.random, &names).clone()) }
    }

    fn some_table<'a>(&mut self, model: &'a Model) -> Option<(String, &'a Table)> {
        let name = self.some(model.tables())?;
        let table = model.table(&name, model.newest())?;
        Some((name, table))
    }

    /// A table that was there at a version of the past, with few enough rows to be copied.
    fn some_past(&mut self, model: &Model) -> Option<(String, u64)> {
        let name = (*pick(&mut self.random, &TABLES)).to_owned();
        let at = self.any_version(model);
        model.table(&name, at).filter(|table| table.rows.len() <= ROWS_MAX)?;
        Some((name, at))
    }

    fn insert(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let mut columns = known.columns.clone();
        self.random.shuffle(&mut columns);
        if self.random.bool() {
            columns.truncate(self.random.usize(1..=columns.len()));
        }
        let count = self.random.usize(1..=4);
        let rows = self.rows(&columns, count);
        Some(Step::Insert { table, columns: columns.into_iter().map(|column| column.name).collect(), rows })
    }

    fn append(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let is_small = known.rows.len() > ROWS_MAX || self.once_in(4);
        let count = if is_small { self.random.usize(1..=3) } else { self.random.usize(LARGE_ROWS) };
        Some(Step::Append { rows: self.rows(&known.columns, count), table })
    }

    fn insert_past(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let (from, at) = self.some_past(model)?;
        let read = model.table(&from, at)?;
        let columns = known.shared_names(read);
        let fits = !columns.is_empty() && !read.rows.is_empty() && known.rows.len() <= ROWS_MAX;
        fits.then_some(Step::InsertPast { table, columns, from, at })
    }

    fn add_column(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let name = self.free_column(known)?;
        Some(Step::AddColumn { table, column: self.column(name) })
    }

    fn drop_column(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let column = self.some(known.names())?;
        let may_go = known.columns.len() > 1 && known.sort_by.as_ref() != Some(&column);
        may_go.then_some(Step::DropColumn { table, column })
    }

    fn rename_column(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let from = self.some(known.names())?;
        let to = self.free_column(known)?;
        Some(Step::RenameColumn { table, from, to })
    }

    fn create_table(&mut self, model: &Model) -> Option<Step> {
        let is_free = |name: &&str| model.relation(name, model.newest()).is_none();
        let table = self.some(TABLES.into_iter().filter(is_free).map(str::to_owned).collect())?;
        let (columns, sort_by) = self.columns();
        Some(Step::CreateTable { table, columns, sort_by, replace: false })
    }

    fn replace_table(&mut self, model: &Model) -> Option<Step> {
        let (table, _) = self.some_table(model)?;
        let (columns, sort_by) = self.columns();
        Some(Step::CreateTable { table, columns, sort_by, replace: true })
    }

    fn copy_table(&mut self, model: &Model) -> Option<Step> {
        let table = (*pick(&mut self.random, &TABLES)).to_owned();
        let (from, at) = self.some_past(model)?;
        Some(Step::CopyTable { table, from, at })
    }

    fn create_view(&mut self, model: &Model) -> Option<Step> {
        let view = (*pick(&mut self.random, &VIEWS)).to_owned();
        let replace = matches!(model.relation(&view, model.newest()), Some(Relation::View(_)));
        let (table, at) = if self.once_in(3) {
            let (table, at) = self.some_past(model)?;
            (table, Some(at))
        } else {
            (self.some_table(model)?.0, None)
        };
        let mut columns = model.table(&table, at.unwrap_or(model.newest()))?.names();
        self.random.shuffle(&mut columns);
        columns.truncate(self.random.usize(0..=columns.len()));
        Some(Step::CreateView { view, definition: View { table, at, columns }, replace })
    }

    fn create_tag(&mut self, model: &Model) -> Step {
        self.tags += 1;
        Step::CreateTag { tag: format!("tag_{}", self.tags), version: self.any_version(model) }
    }

    fn nothing(&mut self, model: &Model) -> Option<Step> {
        let (table, _) = self.some_table(model)?;
        let sql = match self.random.usize(..3) {
            0 => format!("INSERT INTO {table} SELECT * FROM {table} WHERE FALSE"),
            1 => format!("CREATE TABLE IF NOT EXISTS {table} (a BIGINT)"),
            _ => "DROP TABLE IF EXISTS never_there".to_owned(),
        };
        Some(Step::Nothing { sql })
    }

    fn refused(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let column = self.some(known.names())?;
        let later = model.newest() + 1;
        let sql = match self.random.usize(..6) {
            0 => format!("CREATE TABLE {table} (a BIGINT)"),
            1 => format!("ALTER TABLE {table} ADD COLUMN {column} BIGINT"),
            2 => format!("ALTER TABLE {table} DROP COLUMN never_there"),
            3 => format!("INSERT INTO {table} ({column}) SELECT {column} FROM {table} AS OF VERSION {later}"),
            4 => format!("CREATE TAG too_early AS OF VERSION {later}"),
            _ => "DROP TABLE never_there".to_owned(),
        };
        Some(Step::Refused { sql })
    }

    fn columns(&mut self) -> (Vec<Column>, Option<String>) {
        let mut names: Vec<&str> = COLUMNS.to_vec();
        self.random.shuffle(&mut names);
        names.truncate(self.random.usize(1..=4));
        let columns: Vec<Column> = names.into_iter().map(|name| self.column(name.to_owned())).collect();
        let sort_by = self.once_in(3).then(|| columns[0].name.clone());
        (columns, sort_by)
    }

    fn column(&mut self, name: String) -> Column {
        let value_type = *pick(&mut self.random, &ValueType::ALL);
        let default = self.once_in(2).then(|| value_type.draw(&mut self.random));
        Column { name, value_type, default }
    }

    fn free_column(&mut self, table: &Table) -> Option<String> {
        let is_free = |name: &&str| table.position(name).is_none();
        self.some(COLUMNS.into_iter().filter(is_free).map(str::to_owned).collect())
    }

    fn rows(&mut self, columns: &[Column], count: usize) -> Vec<Row> {
        let row = |random: &mut Rng| -> Row {
            let value = |column: &Column| (random.usize(..6) > 0).then(|| column.value_type.draw(random));
            columns.iter().map(value).collect()
        };
        (0..count).map(|_| row(&mut self.random)).collect()
    }
}
