//! One step of a history, and what is asked of the lake for it.

use super::condition::Condition;
use super::lake::View;
use super::merge::Merge;
use super::record::Row;
use super::table::Column;
use super::term::{Assignment, assignments_sql};
use super::value::ValueType;

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
    /// `CREATE TABLE … CLONE …`. The name is free.
    CloneTable {
        /// The table.
        table: String,
        /// The table that is cloned.
        from: String,
        /// Its version, if one is named.
        at: Option<u64>,
    },
    /// `UNDROP TABLE`.
    UndropTable {
        /// The table.
        table: String,
    },
    /// `INSERT … VALUES`, or `INSERT OVERWRITE … VALUES`.
    Insert {
        /// The table.
        table: String,
        /// The columns that have values.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Row>,
        /// Whether the rows that are there go.
        overwrite: bool,
    },
    /// Rows of all columns that come as batches, without SQL.
    Append {
        /// The table.
        table: String,
        /// The rows.
        rows: Vec<Row>,
    },
    /// `INSERT … SELECT` or `INSERT OVERWRITE … SELECT` from a version of a table. There is at least one row.
    InsertPast {
        /// The table.
        table: String,
        /// The columns, which both tables have.
        columns: Vec<String>,
        /// The table that is read.
        from: String,
        /// Its version.
        at: u64,
        /// Whether the rows that are there go.
        overwrite: bool,
    },
    /// `UPDATE`.
    Update {
        /// The table.
        table: String,
        /// What is assigned.
        assignments: Vec<Assignment>,
        /// Which rows change.
        condition: Condition,
    },
    /// `DELETE`.
    Delete {
        /// The table.
        table: String,
        /// Which rows go.
        condition: Condition,
    },
    /// `MERGE`.
    Merge(Merge),
    /// `TRUNCATE`.
    Truncate {
        /// The table.
        table: String,
    },
    /// `RESTORE TABLE` to a version at which it had other rows, other columns or another order.
    RestoreTable {
        /// The table.
        table: String,
        /// The version.
        at: u64,
    },
    /// `RESTORE LAKE` to a version at which it was another.
    RestoreLake {
        /// The version.
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
    /// `ALTER TABLE … ALTER COLUMN … TYPE`.
    WidenColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type that it gets.
        to: ValueType,
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
    /// `BEGIN`.
    Begin,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// The lake is closed and opened again. A transaction that was open is forgotten.
    Reopen,
}

/// What a step must lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This version is made.
    Version(u64),
    /// The transaction is changed.
    Pending,
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
            Self::CloneTable { table, from, at: Some(at) } => {
                format!("CREATE TABLE {table} CLONE {from} AS OF VERSION {at}")
            }
            Self::CloneTable { table, from, at: None } => format!("CREATE TABLE {table} CLONE {from}"),
            Self::UndropTable { table } => format!("UNDROP TABLE {table}"),
            Self::Insert { table, columns, rows, overwrite } => {
                let rows: Vec<String> = rows.iter().map(row_sql).collect();
                format!("{} {table} ({}) VALUES {}", insert(*overwrite), columns.join(", "), rows.join(", "))
            }
            Self::InsertPast { table, columns, from, at, overwrite } => {
                let (insert, columns) = (insert(*overwrite), columns.join(", "));
                format!("{insert} {table} ({columns}) SELECT {columns} FROM {from} AS OF VERSION {at}")
            }
            Self::Update { table, assignments, condition } => {
                format!("UPDATE {table} SET {}{}", assignments_sql(assignments, ""), condition.where_sql())
            }
            Self::Delete { table, condition } => format!("DELETE FROM {table}{}", condition.where_sql()),
            Self::Merge(merge) => merge.sql(),
            Self::Truncate { table } => format!("TRUNCATE {table}"),
            Self::RestoreTable { table, at } => format!("RESTORE TABLE {table} TO VERSION {at}"),
            Self::RestoreLake { at } => format!("RESTORE LAKE TO VERSION {at}"),
            Self::AddColumn { table, column } => format!("ALTER TABLE {table} ADD COLUMN {}", column.sql()),
            Self::DropColumn { table, column } => format!("ALTER TABLE {table} DROP COLUMN {column}"),
            Self::RenameColumn { table, from, to } => format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"),
            Self::WidenColumn { table, column, to } => {
                format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {}", to.sql())
            }
            Self::CreateView { view, definition, replace } => {
                format!("{} VIEW {view} AS {}", create(*replace), definition.sql())
            }
            Self::DropView { view } => format!("DROP VIEW {view}"),
            Self::CreateTag { tag, version } => format!("CREATE TAG {tag} AS OF VERSION {version}"),
            Self::DropTag { tag } => format!("DROP TAG {tag}"),
            Self::Nothing { sql } | Self::Refused { sql } => sql.clone(),
            Self::Begin => "BEGIN".to_owned(),
            Self::Commit => "COMMIT".to_owned(),
            Self::Rollback => "ROLLBACK".to_owned(),
            Self::Append { .. } | Self::Reopen => return None,
        })
    }

    /// Whether the step may be one of a transaction. Tags name committed versions, and what a transaction itself drops
    /// or changes has none yet that could be had back or cloned.
    pub(super) fn fits_in_transaction(&self) -> bool {
        !matches!(
            self,
            Self::CreateTag { .. }
                | Self::DropTag { .. }
                | Self::Begin
                | Self::RestoreLake { .. }
                | Self::UndropTable { .. }
                | Self::CloneTable { at: None, .. }
        )
    }
}

fn create(replace: bool) -> &'static str {
    if replace { "CREATE OR REPLACE" } else { "CREATE" }
}

fn insert(overwrite: bool) -> &'static str {
    if overwrite { "INSERT OVERWRITE" } else { "INSERT INTO" }
}

/// A row of VALUES.
pub(super) fn row_sql(row: &Row) -> String {
    let values: Vec<String> =
        row.iter().map(|value| value.as_ref().map_or_else(|| "NULL".to_owned(), |value| value.sql())).collect();
    format!("({})", values.join(", "))
}
