//! Statements that Frostline does not execute, and what to do instead.

use datafusion::sql::sqlparser::tokenizer::Location;

use crate::parse::error::ParseError;

const REPLACE_ROWS: &str = "change rows with MERGE INTO, or all of them with INSERT OVERWRITE";
const NO_SAVEPOINTS: &str = "a transaction is committed or rolled back as a whole: COMMIT or ROLLBACK ends it";
const NO_RIGHTS: &str = "whoever can read the store can read the lake: guard it there";

/// The error about a statement that begins with this word.
pub(super) fn verb(verb: &str, at: Location) -> ParseError {
    let instead = match verb {
        "REPLACE" => REPLACE_ROWS,
        "SAVEPOINT" | "RELEASE" => NO_SAVEPOINTS,
        "GRANT" | "REVOKE" | "DENY" => NO_RIGHTS,
        "VACUUM" | "OPTIMIZE" | "ANALYZE" | "FREEZE" | "EXPIRE" | "CHECKPOINT" => {
            "storage is kept in order by the engine, and statistics are always exact"
        }
        "LOAD" | "INSTALL" | "ATTACH" | "DETACH" | "UNLOAD" | "EXPORT" => {
            "bring files in with `COPY t FROM 'file'` and out with `COPY (SELECT …) TO 'file'`"
        }
        "RENAME" => "write `ALTER TABLE t RENAME TO u` or `ALTER TABLE t RENAME COLUMN a TO b`",
        "CLONE" => "write `CREATE TABLE u CLONE t`, or `CREATE TABLE u CLONE t AS OF VERSION 42`",
        "CALL" | "DO" | "DECLARE" | "FETCH" | "OPEN" | "CLOSE" | "IF" | "WHILE" | "RAISE" | "RETURN" | "CASE" => {
            "run the statements one by one"
        }
        "LOCK" | "UNLOCK" => "a statement reads one version and needs no lock",
        "PRAGMA" => "write `SET name = value` or `SHOW name`",
        "KILL" | "FLUSH" | "DISCARD" | "CACHE" | "UNCACHE" | "LISTEN" | "NOTIFY" | "MSCK" => "leave it out",
        _ => {
            let message = format!(
                "expected: a statement, found: {verb}; one begins with SELECT, INSERT, UPDATE, DELETE, MERGE, \
                 TRUNCATE, CREATE, ALTER, DROP, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN, COPY, BEGIN, COMMIT, ROLLBACK, \
                 ASSERT, COMMENT, RESTORE, UNDROP, SET, RESET, USE, PREPARE, EXECUTE or DEALLOCATE"
            );
            return ParseError::syntax(at, message);
        }
    };
    ParseError::unsupported(verb, instead)
}

/// The error about going back within a transaction.
pub(super) fn savepoint(verb: &str) -> ParseError {
    ParseError::unsupported(verb, NO_SAVEPOINTS)
}

/// The error about making or dropping this kind of thing.
pub(super) fn object(action: &str, kind: &str) -> ParseError {
    let instead = match kind {
        "EXTERNAL" | "UNBOUNDED" => {
            "read a file where a table can stand, as in `SELECT * FROM 'file.parquet'`, \
             or copy it in with `COPY t FROM`"
        }
        "TEMPORARY" | "TEMP" | "LOCAL" | "GLOBAL" | "TRANSIENT" | "VOLATILE" => {
            "use a WITH clause or a view; every table is kept"
        }
        "MATERIALIZED" => "use CREATE VIEW, or CREATE TABLE … AS SELECT for a copy",
        "FUNCTION" | "PROCEDURE" | "AGGREGATE" | "MACRO" | "TRIGGER" => "use a view for what is computed from tables",
        "INDEX" | "UNIQUE" => "declare the order of rows instead: `CREATE TABLE t (…) SORT BY (column)`",
        "ROLE" | "USER" | "POLICY" | "GROUP" => NO_RIGHTS,
        "DATABASE" | "CATALOG" => "a lake is the database: use CREATE SCHEMA and DROP SCHEMA in it",
        "BRANCH" => "a lake has the branch main; name states with CREATE TAG",
        "SEQUENCE" => "number rows with row_number()",
        "TYPE" | "DOMAIN" => "use the types of SQL",
        _ => "tables, views, schemas and tags can be made and dropped",
    };
    let what = if kind.is_empty() { action.to_owned() } else { format!("{action} {kind}") };
    ParseError::unsupported(what, instead)
}

/// The error about explaining what no query feeds.
pub(super) fn explained() -> ParseError {
    ParseError::unsupported(
        "EXPLAIN of this statement",
        "explain a query, an INSERT, a DELETE, an UPDATE, a MERGE, a CREATE TABLE … AS or a COPY … TO",
    )
}

/// The error about running what would write, to see how it runs.
pub(super) fn analyzed() -> ParseError {
    ParseError::unsupported(
        "EXPLAIN ANALYZE of a statement that writes",
        "it would have to write: leave ANALYZE out, or analyze the query alone",
    )
}
