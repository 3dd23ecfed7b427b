//! One step of a history: what is asked of the lake, and what it does to the model.

use super::lake::{Model, Relation, View};
use super::table::{Column, Row, Table};

/// Something that is done to a lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `CREATE [OR REPLACE] TABLE` with columns.
    CreateTable {
        /// The table.
        table: String,
        /// Its columns.
        columns: Vec<Column>,
        /// The column of `SORT BY`.
        sort_by: Option<String>,
        /// Whether it takes the place of one.
        replace: bool,
    },
    /// `CREATE OR REPLACE TABLE … AS SELECT * FROM …` at a version.
    CopyTable {
        /// The table.
        table: String,
        /// The table that is copied.
        from: String,
        /// Its version.
        at: u64,
    },
    /// `DROP TABLE`.
    DropTable {
        /// The table.
        table: String,
    },
    /// `INSERT … VALUES`.
    Insert {
        /// The table.
        table: String,
        /// The columns that have values.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Row>,
    },
    /// Rows of all columns that come as batches, without SQL.
    Append {
        /// The table.
        table: String,
        /// The rows.
        rows: Vec<Row>,
    },
    /// `INSERT … SELECT` from a version of a table. There is at least one row.
    InsertPast {
        /// The table.
        table: String,
        /// The columns, which both tables have.
        columns: Vec<String>,
        /// The table that is read.
        from: String,
        /// Its version.
        at: u64,
    },
    /// `ALTER TABLE … ADD COLUMN`.
    AddColumn {
        /// The table.
        table: String,
        /// The column.
        column: Column,
    },
    /// `ALTER TABLE … DROP COLUMN`.
    DropColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// `ALTER TABLE … RENAME COLUMN`.
    RenameColumn {
        /// The table.
        table: String,
        /// The name that is.
        from: String,
        /// The name that will be.
        to: String,
    },
    /// `CREATE [OR REPLACE] VIEW`.
    CreateView {
        /// The view.
        view: String,
        /// What it is.
        definition: View,
        /// Whether it takes the place of one.
        replace: bool,
    },
    /// `DROP VIEW`.
    DropView {
        /// The view.
        view: String,
    },
    /// `CREATE TAG … AS OF VERSION`.
    CreateTag {
        /// The tag.
        tag: String,
        /// The version.
        version: u64,
    },
    /// `DROP TAG`.
    DropTag {
        /// The tag.
        tag: String,
    },
    /// A statement that finds nothing to change.
    Nothing {
        /// The statement.
        sql: String,
    },
    /// A statement that must fail.
    Refused {
        /// The statement.
        sql: String,
    },
    /// The lake is closed and opened again.
    Reopen,
}

/// What a step must lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This version is made.
    Version(u64),
    /// No version is made, and that is no error.
    NoChange,
    /// It is an error, and no version is made.
    Refused,
    /// Nothing that can be seen.
    Invisible,
}

impl Step {
    /// The statement; `None` for what is done without SQL.
    pub fn sql(&self) -> Option<String> {
        Some(match self {
            Self::CreateTable { table, columns, sort_by, replace } => {
                let columns: Vec<String> = columns.iter().map(Column::sql).collect();
                let sort_by = sort_by.as_ref().map_or_else(String::new, |column| format!(" SORT BY ({column})"));
                format!("{} TABLE {table} ({}){sort_by}", create(*replace), columns.join(", "))
            }
            Self::CopyTable { table, from, at } => {
                format!("CREATE OR REPLACE TABLE {table} AS SELECT * FROM {from} AS OF VERSION {at}")
            }
            Self::DropTable { table } => format!("DROP TABLE {table}"),
            Self::Insert { table, columns, rows } => {
                let rows: Vec<String> = rows.iter().map(row_sql).collect();
                format!("INSERT INTO {table} ({}) VALUES {}", columns.join(", "), rows.join(", "))
            }
            Self::InsertPast { table, columns, from, at } => {
                let columns = columns.join(", ");
                format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {from} AS OF VERSION {at}")
            }
            Self::AddColumn { table, column } => format!("ALTER TABLE {table} ADD COLUMN {}", column.sql()),
            Self::DropColumn { table, column } => format!("ALTER TABLE {table} DROP COLUMN {column}"),
            Self::RenameColumn { table, from, to } => format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"),
            Self::CreateView { view, definition, replace } => {
                format!("{} VIEW {view} AS {}", create(*replace), definition.sql())
            }
            Self::DropView { view } => format!("DROP VIEW {view}"),
            Self::CreateTag { tag, version } => format!("CREATE TAG {tag} AS OF VERSION {version}"),
            Self::DropTag { tag } => format!("DROP TAG {tag}"),
            Self::Nothing { sql } | Self::Refused { sql } => sql.clone(),
            Self::Append { .. } | Self::Reopen => return None,
        })
    }

    /// Does the step to the model, and says what it must do to the lake.
    pub fn apply(&self, model: &mut Model) -> Effect {
        match self {
            Self::CreateTable { table, columns, sort_by, .. } => {
                let made = Table { columns: columns.clone(), rows: Vec::new(), sort_by: sort_by.clone() };
                put(model, table, Relation::Table(made));
            }
            Self::CopyTable { table, from, at } => {
                let copied = model.table(from, *at).and_then(|copied| copied.select(&copied.names()));
                put(model, table, Relation::Table(copied.unwrap_or_default()));
            }
            Self::DropTable { table: name } | Self::DropView { view: name } => {
                model.commit(|relations| drop(relations.remove(name)));
            }
            Self::Insert { table, columns, rows } => {
                model.commit_table(table, |table| table.insert(columns, rows));
            }
            Self::Append { table, rows } => {
                model.commit_table(table, |table| table.rows.extend(rows.iter().cloned()));
            }
            Self::InsertPast { table, columns, from, at } => {
                let read = model.table(from, *at).and_then(|read| read.select(columns)).unwrap_or_default();
                model.commit_table(table, |table| table.insert(columns, &read.rows));
            }
            Self::AddColumn { table, column } => model.commit_table(table, |table| table.add_column(column.clone())),
            Self::DropColumn { table, column } => model.commit_table(table, |table| table.drop_column(column)),
            Self::RenameColumn { table, from, to } => model.commit_table(table, |table| table.rename_column(from, to)),
            Self::CreateView { view, definition, .. } => put(model, view, Relation::View(definition.clone())),
            Self::CreateTag { tag, version } => model.create_tag(tag, *version),
            Self::DropTag { tag } => model.drop_tag(tag),
            Self::Nothing { .. } => return Effect::NoChange,
            Self::Refused { .. } => return Effect::Refused,
            Self::Reopen => return Effect::Invisible,
        }
        Effect::Version(model.newest())
    }
}

fn put(model: &mut Model, name: &str, relation: Relation) {
    model.commit(|relations| drop(relations.insert(name.to_owned(), relation)));
}

fn create(replace: bool) -> &'static str {
    if replace { "CREATE OR REPLACE" } else { "CREATE" }
}

fn row_sql(row: &Row) -> String {
    let values: Vec<String> =
        row.iter().map(|value| value.as_ref().map_or_else(|| "NULL".to_owned(), |value| value.sql())).collect();
    format!("({})", values.join(", "))
}
