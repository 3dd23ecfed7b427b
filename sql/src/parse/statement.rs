//! The statements that Frostline executes.

use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::sqlparser::ast::{ColumnDef, DataType, Expr, Ident, ObjectName, Query, TableConstraint};

use super::dml::{Delete, Merge, Update};
use super::version_clause::VersionClause;

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
}

/// `EXPLAIN [ANALYZE] [VERBOSE] [FORMAT f]`, or the same as `EXPLAIN (option, …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    /// The options, `analyze`, `verbose` and `format` among them.
    pub options: ExplainStatementOptions,
    /// A query, an INSERT, DELETE, UPDATE or MERGE, a CREATE TABLE with a query, or a COPY TO. A query if `analyze` is
    /// set.
    pub inner: Box<Statement>,
}

/// An INSERT, or INSERT OVERWRITE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The table that receives the rows.
    pub table: ObjectName,
    /// The columns that are named, in order; empty for all.
    pub columns: Vec<ObjectName>,
    /// Whether the query's columns go where their names say (`BY NAME`) and not by position.
    pub by_name: bool,
    /// The rows; `None` for `DEFAULT VALUES`, one row of defaults.
    pub source: Option<Box<Query>>,
    /// Whether the rows take the place of all that are there (`INSERT OVERWRITE`).
    pub overwrite: bool,
}

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

/// A DROP of tables, views or schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropNames {
    /// What is dropped, in order.
    pub names: Vec<ObjectName>,
    /// Whether a missing one is passed over.
    pub if_exists: bool,
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

/// An ALTER SCHEMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterSchema {
    /// The schema.
    pub name: Ident,
    /// Whether a missing schema is passed over.
    pub if_exists: bool,
    /// The name that it gets.
    pub rename_to: Ident,
}

/// An ALTER VIEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterView {
    /// The view.
    pub name: ObjectName,
    /// Whether a missing view is passed over.
    pub if_exists: bool,
    /// What changes.
    pub change: ViewChange,
}

/// A change of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewChange {
    /// `RENAME TO`.
    Rename(ObjectName),
    /// `SET SCHEMA`.
    SetSchema(Ident),
}

/// A COMMENT ON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What the remark is about.
    pub subject: CommentSubject,
    /// The remark; `None` takes it away.
    pub text: Option<String>,
}

/// What a remark is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommentSubject {
    /// A table.
    Table(ObjectName),
    /// A view.
    View(ObjectName),
    /// A column: its table's name and its own, joined by a period.
    Column(ObjectName),
}

/// A RESTORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// What is restored.
    pub scope: RestoreScope,
    /// The version whose state comes back.
    pub to: VersionClause,
}

/// What is restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreScope {
    /// One table.
    Table(ObjectName),
    /// What a schema holds.
    Schema(Ident),
    /// Everything.
    Lake,
}

/// An UNDROP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undrop {
    /// What kind of thing comes back.
    pub kind: UndropKind,
    /// The name that it had.
    pub name: ObjectName,
    /// The name that it gets, if not its own.
    pub rename_to: Option<Ident>,
}

/// What kind of thing is undropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndropKind {
    /// A table.
    Table,
    /// A view.
    View,
    /// A schema, with what was dropped together with it.
    Schema,
}

/// A CREATE SCHEMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSchema {
    /// The new schema's name.
    pub name: ObjectName,
    /// Whether an existing schema of that name is left as it is.
    pub if_not_exists: bool,
}

/// A CREATE VIEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateView {
    /// The new view's name.
    pub name: ObjectName,
    /// Whether a view of that name gives way. Not together with `if_not_exists`.
    pub or_replace: bool,
    /// Whether an existing view of that name is left as it is.
    pub if_not_exists: bool,
    /// Names for the query's columns; empty for its own.
    pub columns: Vec<Ident>,
    /// The query's text, as typed. Parsing it again yields `query`.
    pub query_text: String,
    /// The query.
    pub query: Box<Query>,
}

/// A CREATE TAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTag {
    /// The new tag's name.
    pub name: Ident,
    /// Whether an existing tag of that name is left as it is.
    pub if_not_exists: bool,
    /// The version that it names; `None` for the newest.
    pub as_of: Option<VersionClause>,
}

/// A DROP TAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTag {
    /// The tag.
    pub name: Ident,
    /// Whether a missing tag is passed over.
    pub if_exists: bool,
}

/// A SHOW TABLES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowTables {
    /// The schema whose tables are shown; `None` for all.
    pub schema: Option<ObjectName>,
    /// A LIKE pattern that names match.
    pub like: Option<String>,
    /// The version of the catalog that is shown.
    pub as_of: Option<VersionClause>,
}

/// A table, maybe at a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableAt {
    /// The table.
    pub table: ObjectName,
    /// The version, if one is asked for.
    pub as_of: Option<VersionClause>,
}

/// A PREPARE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepare {
    /// The name to execute it by.
    pub name: Ident,
    /// The types of the parameters, if the text names them.
    pub data_types: Vec<DataType>,
    /// The text behind AS, as typed, to be planned again at each execution.
    pub text: String,
    /// A query, INSERT, DELETE, UPDATE or MERGE.
    pub statement: Box<Statement>,
}

/// An EXECUTE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execute {
    /// The prepared statement.
    pub name: Ident,
    /// The values of `$1`, `$2`, …
    pub parameters: Vec<Expr>,
}

/// A SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The setting's name, in lower case unless quoted, parts joined by periods.
    pub name: String,
    /// The value, or the values of a list. A bare word is an identifier. Never empty.
    pub values: Vec<Expr>,
}

/// A COPY TO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyTo {
    /// What is written.
    pub source: CopySource,
    /// The path or URL.
    pub target: String,
    /// The format as written, if the text names one.
    pub format: Option<String>,
    /// The other options, keys in lower case unless quoted. An option without a value is `true`.
    pub options: Vec<(String, String)>,
}

/// What a COPY TO writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopySource {
    /// A table at the session's version.
    Table(ObjectName),
    /// The rows of a query.
    Query(Box<Query>),
}

/// A COPY FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyFrom {
    /// The table that receives the rows.
    pub table: ObjectName,
    /// The columns that the files hold, in order; empty for all.
    pub columns: Vec<Ident>,
    /// The paths or URLs. Never empty.
    pub sources: Vec<String>,
    /// The format as written, if the text names one.
    pub format: Option<String>,
    /// The other options, keys in lower case unless quoted. An option without a value is `true`.
    pub options: Vec<(String, String)>,
}

/// What a transaction checks when it commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// What it read, and what it wrote: it could have run alone.
    #[default]
    Serializable,
    /// What it wrote against what others wrote.
    Snapshot,
}

/// What BEGIN and SET TRANSACTION say of a transaction; `None` where they say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    /// What it checks when it commits.
    pub isolation: Option<Isolation>,
    /// Whether writes are refused in it.
    pub read_only: Option<bool>,
}

/// What COMMIT says of the version that it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitWith {
    /// Keys, in lower case unless quoted, each once, `message` and `author` among them; and their values.
    pub properties: Vec<(String, PropertyValue)>,
}

/// A value behind a key of COMMIT WITH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue {
    /// A text, or a number or boolean as text.
    Text(String),
    /// A parameter as it is written, `$1` or `$name`.
    Parameter(String),
}

/// An ASSERT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assert {
    /// A query that gives a row if the condition is true, and none if it is false or NULL.
    pub condition: Box<Query>,
    /// The condition's text, as typed.
    pub text: String,
    /// What is said if the condition does not hold.
    pub message: Option<String>,
}
