//! From SQL text to statements: pure, without names resolved or anything read.
//!
//! ```text
//! source      the text, its lines and slices          statement/      what Frostline executes
//! tokens/     one pass over a statement's tokens      parser/         one file for each kind of statement
//! marker      what the pass leaves for the dialect    version_clause  which version a table is read at
//! dialect     DataFusion's dialect, with versions     check/          what the planner would drop is refused
//! desugar     spellings that it drops or cannot run           dml       statements that change rows
//! ```
//!
//! * A version clause is read as what it says, or it is an error with the nearest accepted form. It is never dropped.
//! * Errors name the line and column of what was typed, not of what it was rewritten to.

mod check;
mod desugar;
mod dialect;
mod dml;
mod error;
mod marker;
mod parser;
mod source;
mod statement;
mod tokens;
mod version_clause;

#[cfg(test)]
mod tests;

pub use check::{VersionedTable, table_versions};
pub use dialect::FrostlineDialect;
pub use dml::{Delete, Merge, MergeAction, MergeClause, MergeWhen, Target, Update};
pub use error::{ParseError, Position};
pub use parser::{Parsed, Script, parse_one, parse_script};
pub use statement::{
    AlterOperation, AlterSchema, AlterTable, AlterView, Assert, ColumnChange, ColumnPath, ColumnPosition, Comment,
    CommentSubject, CommitWith, CopyFrom, CopySource, CopyTo, CreateSchema, CreateTable, CreateTag, CreateView,
    DropNames, DropTag, Execute, Explain, Insert, Isolation, Prepare, PropertyValue, Restore, RestoreScope, Set,
    ShowTables, SortColumn, Statement, TableAt, TransactionModes, Undrop, UndropKind, ViewChange,
};
pub use version_clause::{VersionClause, version_clause};

pub(crate) use dml::query_of;
pub(crate) use marker::{is_source_mark, is_target_mark, source_mark, target_mark};
