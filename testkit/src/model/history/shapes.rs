//! Steps that make, change and drop tables, views and tags; and statements that do nothing.

use super::super::lake::{Model, Relation, View};
use super::super::step::Step;
use super::super::table::{Column, Table};
use super::super::value::{ValueType, pick};
use super::{History, TABLES, VIEWS};

/// The names that columns get, and get again after a drop or a renaming.
const COLUMNS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

impl History {
    pub(super) fn add_column(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let name = self.free_column(known)?;
        Some(Step::AddColumn { table, column: self.column(name) })
    }

    pub(super) fn drop_column(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let column = self.some(known.names())?;
        let may_go = known.columns.len() > 1 && known.sort_by.as_ref() != Some(&column);
        may_go.then_some(Step::DropColumn { table, column })
    }

    pub(super) fn rename_column(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let from = self.some(known.names())?;
        let to = self.free_column(known)?;
        Some(Step::RenameColumn { table, from, to })
    }

    pub(super) fn widen_column(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let can_widen = |column: &&Column| column.value_type.wider().is_some();
        let column = self.some(known.columns.iter().filter(can_widen).map(|column| column.name.clone()).collect())?;
        let to = known.column(&column)?.value_type.wider()?;
        Some(Step::WidenColumn { table, column, to })
    }

    pub(super) fn create_table(&mut self, model: &Model) -> Option<Step> {
        let table = self.free_table(model)?;
        let (columns, sort_by) = self.columns();
        Some(Step::CreateTable { table, columns, sort_by, replace: false })
    }

    pub(super) fn replace_table(&mut self, model: &Model) -> Option<Step> {
        let (table, _) = self.some_table(model)?;
        let (columns, sort_by) = self.columns();
        Some(Step::CreateTable { table, columns, sort_by, replace: true })
    }

    pub(super) fn copy_table(&mut self, model: &Model) -> Option<Step> {
        let table = (*pick(&mut self.random, &TABLES)).to_owned();
        let (from, at) = self.some_past(model)?;
        Some(Step::CopyTable { table, from, at })
    }

    pub(super) fn create_view(&mut self, model: &Model) -> Option<Step> {
        let view = (*pick(&mut self.random, &VIEWS)).to_owned();
        let replace = matches!(model.relation_now(&view), Some(Relation::View(_)));
        let (table, at, read) = if self.once_in(3) {
            let (table, at) = self.some_past(model)?;
            let read = model.table(&table, at)?;
            (table, Some(at), read)
        } else {
            let (table, read) = self.some_table(model)?;
            (table, None, read)
        };
        let mut columns = read.names();
        self.random.shuffle(&mut columns);
        columns.truncate(self.random.usize(0..=columns.len()));
        Some(Step::CreateView { view, definition: View { table, at, columns }, replace })
    }

    pub(super) fn create_tag(&mut self, model: &Model) -> Step {
        self.tags += 1;
        Step::CreateTag { tag: format!("tag_{}", self.tags), version: self.any_version(model) }
    }

    pub(super) fn nothing(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let column = self.some(known.names())?;
        let sql = match self.random.usize(..6) {
            0 => format!("INSERT INTO {table} SELECT * FROM {table} WHERE FALSE"),
            1 => format!("CREATE TABLE IF NOT EXISTS {table} (a BIGINT)"),
            2 => format!("UPDATE {table} SET {column} = DEFAULT WHERE NULL"),
            3 => format!("DELETE FROM {table} WHERE {column} IN (SELECT {column} FROM {table} WHERE FALSE)"),
            4 => format!("DELETE FROM {table} WHERE {column} = (SELECT {column} FROM {table} WHERE FALSE)"),
            _ => "DROP TABLE IF EXISTS never_there".to_owned(),
        };
        Some(Step::Nothing { sql })
    }

    pub(super) fn refused(&mut self, model: &Model) -> Option<Step> {
        let (table, known) = self.some_table(model)?;
        let column = self.some(known.names())?;
        let later = model.newest() + 1;
        let sql = match self.random.usize(..12) {
            0 => format!("CREATE TABLE {table} (a BIGINT)"),
            1 => format!("ALTER TABLE {table} ADD COLUMN {column} BIGINT"),
            2 => format!("ALTER TABLE {table} DROP COLUMN never_there"),
            3 => format!("INSERT INTO {table} ({column}) SELECT {column} FROM {table} AS OF VERSION {later}"),
            4 => format!("CREATE TAG too_early AS OF VERSION {later}"),
            5 => format!("UPDATE {table} SET never_there = 1"),
            6 => format!("UPDATE {table} AS OF VERSION 1 SET {column} = DEFAULT"),
            7 => format!("DELETE FROM {table} WHERE never_there = 1"),
            8 => format!("RESTORE TABLE {table} TO VERSION {later}"),
            9 => format!("UNDROP TABLE {table}"),
            10 => format!("CREATE TABLE {table} CLONE {table} AS OF VERSION {}", model.newest()),
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
        Column::new(name, value_type, default)
    }

    fn free_column(&mut self, table: &Table) -> Option<String> {
        let is_free = |name: &&str| table.position(name).is_none();
        self.some(COLUMNS.into_iter().filter(is_free).map(str::to_owned).collect())
    }
}
