//! The statements that Frostline executes.

mod copy;
mod insert;
mod look;
mod named;
mod past;
mod schema;
mod session;
mod table;
mod transaction;
mod view;

use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Query};

use super::dml::{Delete, Merge, Update};

pub use copy::{CopyFrom, CopySource, CopyTo};
pub use insert::Insert;
pub use look::{Explain, ShowTables, TableAt};
pub use named::{Comment, CommentSubject, DropNames};
pub use past::{CreateTag, DropTag, Restore, RestoreScope, Undrop, UndropKind};
pub use schema::{AlterSchema, CreateSchema};
pub use session::{Execute, Prepare, Set};
pub use table::{AlterOperation, AlterTable, ColumnChange, ColumnPath, ColumnPosition, CreateTable, SortColumn};
pub use transaction::{Assert, CommitWith, Isolation, PropertyValue, TransactionModes};
pub use view::{AlterView, CreateView, ViewChange};

/// One statement, as its text says it. Names are not resolved and versions not evaluated.
///
/// * Nothing that the text asks for is missing here: what a variant cannot hold was refused.
/// * Version clauses stand on the tables of the syntax tree; `version_clause` reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// A query.
    Query(Box<Query>),
    /// `EXPLAIN [ANALYZE]` of a query, or EXPLAIN of what a query feeds.
    Explain(Explain),
    /// `INSERT INTO t … SELECT | VALUES | DEFAULT VALUES`.
    Insert(Insert),
    /// `CREATE TABLE`, with columns, LIKE another table or AS a query.
    CreateTable(CreateTable),
    /// `DROP TABLE`.
    DropTable(DropNames),
    /// `ALTER TABLE`.
    AlterTable(AlterTable),
    /// `CREATE SCHEMA`.
    CreateSchema(CreateSchema),
    /// `DROP SCHEMA`.
    DropSchema(DropNames),
    /// `CREATE VIEW`.
    CreateView(CreateView),
    /// `DROP VIEW`.
    DropView(DropNames),
    /// `CREATE TAG`.
    CreateTag(CreateTag),
    /// `DROP TAG`.
    DropTag(DropTag),
    /// `SHOW TABLES`.
    ShowTables(ShowTables),
    /// `SHOW COLUMNS FROM t`.
    ShowColumns(TableAt),
    /// `SHOW CREATE TABLE t`.
    ShowCreateTable(TableAt),
    /// `DESCRIBE t`.
    Describe(TableAt),
    /// `DESCRIBE SELECT …`: the columns that a query yields.
    DescribeQuery(Box<Query>),
    /// `SUMMARIZE t`.
    Summarize(TableAt),
    /// `SUMMARIZE SELECT …`.
    SummarizeQuery(Box<Query>),
    /// `USE schema`.
    Use(Ident),
    /// `PREPARE name AS …`.
    Prepare(Prepare),
    /// `EXECUTE name(…)`.
    Execute(Execute),
    /// `DEALLOCATE name`.
    Deallocate(Ident),
    /// `SET name = value`.
    Set(Set),
    /// `SET frostline.as_of = <expr>`; `None` for `RESET frostline.as_of`, or the value DEFAULT or NULL.
    SetAsOf(Option<Expr>),
    /// `SHOW name`; the name is `all` for SHOW ALL.
    Show(String),
    /// `RESET name`.
    Reset(String),
    /// `COPY … TO`.
    CopyTo(CopyTo),
    /// `COPY … FROM`.
    CopyFrom(CopyFrom),
    /// `DELETE FROM t …`.
    Delete(Delete),
    /// `UPDATE t SET …`.
    Update(Update),
    /// `MERGE INTO t USING …`.
    Merge(Merge),
    /// `TRUNCATE t`.
    Truncate(ObjectName),
    /// `BEGIN`, `START TRANSACTION`.
    Begin(TransactionModes),
    /// `COMMIT [WITH (…)]`, `END`.
    CommitTransaction(CommitWith),
    /// `ROLLBACK`, `ABORT`.
    Rollback,
    /// `SET TRANSACTION`.
    SetTransaction(TransactionModes),
    /// `ASSERT`.
    Assert(Assert),
    /// `ALTER SCHEMA`.
    AlterSchema(AlterSchema),
    /// `ALTER VIEW`.
    AlterView(AlterView),
    /// `COMMENT ON`.
    Comment(Comment),
    /// `RESTORE`.
    Restore(Restore),
    /// `UNDROP`.
    Undrop(Undrop),
}

impl Statement {
    /// The query that the statement runs, describes or keeps, if it has one. Its tables may have version clauses.
    pub fn query(&self) -> Option<&Query> {
        match self {
            Self::Query(query) | Self::DescribeQuery(query) | Self::SummarizeQuery(query) => Some(query),
            Self::Explain(explain) => explain.inner.query(),
            Self::Insert(insert) => insert.source.as_deref(),
            Self::CreateTable(table) => table.query.as_deref(),
            Self::CreateView(view) => Some(&view.query),
            Self::Prepare(prepare) => prepare.statement.query(),
            Self::CopyTo(CopyTo { source: CopySource::Query(query), .. }) => Some(query),
            Self::Assert(assert) => Some(&assert.condition),
            _ => None,
        }
    }

    /// Every relation and expression of a statement that changes rows in place, or of one that explains it, as one
    /// query that is never run.
    pub(crate) fn parts(&self) -> Option<Query> {
        match self {
            Self::Delete(delete) => Some(delete.parts()),
            Self::Update(update) => Some(update.parts()),
            Self::Merge(merge) => Some(merge.parts()),
            Self::Explain(explain) => explain.inner.parts(),
            _ => None,
        }
    }

    /// Whether the statement writes.
    pub(crate) fn writes(&self) -> bool {
        matches!(
            self,
            Self::Insert(_)
                | Self::CreateTable(_)
                | Self::DropTable(_)
                | Self::AlterTable(_)
                | Self::CreateSchema(_)
                | Self::DropSchema(_)
                | Self::CreateView(_)
                | Self::DropView(_)
                | Self::CreateTag(_)
                | Self::DropTag(_)
                | Self::CopyFrom(_)
                | Self::Delete(_)
                | Self::Update(_)
                | Self::Merge(_)
                | Self::Truncate(_)
                | Self::AlterSchema(_)
                | Self::AlterView(_)
                | Self::Comment(_)
                | Self::Restore(_)
                | Self::Undrop(_)
        )
    }
}
