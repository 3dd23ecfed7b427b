//! Statements that say what a table is: CREATE TABLE and ALTER TABLE.

use datafusion::sql::sqlparser::ast::{ColumnDef, DataType, Expr, Ident, ObjectName, Query, TableConstraint};

use super::look::TableAt;

/// A CREATE TABLE. It has columns, or `like`, or `clone_of`, or `query`; columns and query may come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// The new table's name.
    pub name: ObjectName,
    /// Whether a table of that name gives way. Not together with `if_not_exists`.
    pub or_replace: bool,
    /// Whether an existing table of that name is left as it is.
    pub if_not_exists: bool,
    /// The columns.
    pub columns: Vec<ColumnDef>,
    /// The constraints that stand between the columns.
    pub constraints: Vec<TableConstraint>,
    /// The table whose columns are taken.
    pub like: Option<ObjectName>,
    /// The query whose columns and rows are taken.
    pub query: Option<Box<Query>>,
    /// The order in which segments are kept.
    pub sort_by: Vec<SortColumn>,
    /// What WITH says, keys in lower case unless quoted.
    pub options: Vec<(String, String)>,
    /// What COMMENT says.
    pub comment: Option<String>,
    /// The table that is cloned, maybe as it was at a version. Then nothing but the name is said beside it.
    pub clone_of: Option<TableAt>,
}

/// One column of SORT BY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortColumn {
    /// The column.
    pub name: Ident,
    /// Whether large values come first.
    pub descending: bool,
    /// Where nulls go, if the text says so.
    pub nulls_first: Option<bool>,
}

/// An ALTER TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// The table.
    pub name: ObjectName,
    /// Whether a missing table is passed over.
    pub if_exists: bool,
    /// What changes, in order. Never empty.
    pub operations: Vec<AlterOperation>,
}

/// A column, or a field of a nested one: the names on the way to it, the column's first. Never empty.
///
/// The elements of a list are called `element`, what a map has `key` and `value`.
pub type ColumnPath = Vec<Ident>;

/// One change of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterOperation {
    /// `ADD [COLUMN]`.
    AddColumn {
        /// The nested column that gets a field; empty for a column of its own.
        within: Vec<Ident>,
        /// The new column.
        column: Box<ColumnDef>,
        /// Whether an existing column of that name is left as it is.
        if_not_exists: bool,
        /// Where it goes, if not behind the others.
        position: Option<ColumnPosition>,
    },
    /// `DROP [COLUMN]`.
    DropColumn {
        /// The column.
        path: ColumnPath,
        /// Whether a missing column is passed over.
        if_exists: bool,
    },
    /// `RENAME [COLUMN] a TO b`.
    RenameColumn {
        /// The column that is.
        from: ColumnPath,
        /// The name that will be.
        to: Ident,
    },
    /// `ALTER [COLUMN]`.
    AlterColumn {
        /// The column.
        path: ColumnPath,
        /// What changes of it.
        change: ColumnChange,
    },
    /// `RENAME TO`.
    RenameTable(ObjectName),
    /// `SET SCHEMA`.
    SetSchema(Ident),
    /// `ADD CONSTRAINT`, or the constraint without a name.
    AddConstraint(Box<TableConstraint>),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// The constraint.
        name: Ident,
        /// Whether a missing one is passed over.
        if_exists: bool,
    },
    /// `RENAME CONSTRAINT a TO b`.
    RenameConstraint {
        /// The name that is.
        from: Ident,
        /// The name that will be.
        to: Ident,
    },
    /// `SET (key = value, …)`.
    SetOptions(Vec<(String, String)>),
    /// `RESET (key, …)`.
    ResetOptions(Vec<String>),
    /// `SORT BY (column, …)`; `SORT BY ()` for no order.
    SortBy(Vec<SortColumn>),
}

/// Where a column goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnPosition {
    /// Before all others.
    First,
    /// Directly behind another.
    After(Ident),
}

/// A change of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnChange {
    /// `[SET DATA] TYPE`.
    Type(DataType),
    /// `SET NOT NULL`, `DROP NOT NULL`: whether it may lack a value.
    Nullable(bool),
    /// `SET DEFAULT`; `None` for `DROP DEFAULT`.
    Default(Option<Box<Expr>>),
    /// `FIRST`, `AFTER`.
    Position(ColumnPosition),
    /// `COMMENT`; `None` for `COMMENT NULL`.
    Comment(Option<String>),
}
