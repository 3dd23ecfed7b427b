//! What is not accepted, and the words that say so.

use super::refuse;

/// Asserts the exact message about a statement.
fn check(sql: &str, message: &str) {
    assert_eq!(refuse(sql).to_string(), message, "{sql}");
}

#[test]
fn a_clause_behind_the_alias_is_shown_in_its_place() {
    for (sql, message) in [
        (
            "SELECT * FROM t x AS OF VERSION 3",
            "line 1, column 19: the version clause of `t` stands behind its alias; write `t AS OF VERSION 3 x`",
        ),
        (
            "SELECT * FROM s.t AS x AS OF 3",
            "line 1, column 24: the version clause of `s.t` stands behind its alias; write `s.t AS OF 3 x`",
        ),
        (
            "SELECT *\nFROM u JOIN t x AT (VERSION => 3) ON true",
            "line 2, column 17: the version clause of `t` stands behind its alias; write `t AT (VERSION => 3) x`",
        ),
        (
            "SELECT * FROM u, t x FOR SYSTEM_TIME AS OF now() - INTERVAL '1 day'",
            "line 1, column 22: the version clause of `t` stands behind its alias; \
             write `t FOR SYSTEM_TIME AS OF now() … x`",
        ),
    ] {
        check(sql, message);
    }
}

#[test]
fn a_table_has_one_clause() {
    for (sql, column) in [
        ("SELECT * FROM t AS OF 3 AS OF 4", 25),
        ("SELECT * FROM t AS OF 3 AT (VERSION => 4)", 25),
        ("SELECT * FROM t AS OF 3 x AS OF 4", 27),
        ("SELECT * FROM t VERSION AS OF 3 FOR SYSTEM_TIME AS OF now()", 33),
    ] {
        check(
            sql,
            &format!(
                "line 1, column {column}: `t` has two version clauses; \
                 keep one; two versions of a table are two tables in FROM, each with an alias"
            ),
        );
    }
}

#[test]
fn the_target_of_a_write_takes_no_clause() {
    for (sql, verb) in [
        ("INSERT INTO t AS OF VERSION 3 SELECT 1", "INSERT"),
        ("INSERT INTO t (a) AS OF VERSION 3 SELECT 1", "INSERT"),
        ("UPDATE t AS OF VERSION 3 SET a = 1", "UPDATE"),
        ("DELETE FROM t AS OF VERSION 3", "DELETE"),
        ("MERGE INTO t AS OF VERSION 3 USING u ON true WHEN MATCHED THEN DELETE", "MERGE"),
        ("DROP TABLE IF EXISTS t AS OF VERSION 3", "DROP"),
        ("DROP TABLE u, t AS OF VERSION 3", "DROP"),
        ("ALTER TABLE t AS OF VERSION 3 DROP COLUMN a", "ALTER"),
        ("TRUNCATE TABLE t AS OF VERSION 3", "TRUNCATE"),
        ("EXPLAIN INSERT INTO t AS OF VERSION 3 SELECT 1", "INSERT"),
        ("EXPLAIN DROP TABLE t AS OF VERSION 3", "DROP"),
    ] {
        let message = refuse(sql).to_string();
        let expected = format!(
            "`AS OF VERSION 3` stands on the target of {verb}; \
             only the newest version can be changed: leave the clause out"
        );
        assert!(message.ends_with(&expected), "{sql}\n{message}");
    }
    check(
        "CREATE TABLE t AS OF VERSION 3",
        "line 1, column 16: `AS OF VERSION 3` stands on the target of CREATE; \
         to start from an old state, write `CREATE TABLE … AS SELECT * FROM t AS OF VERSION 3`",
    );
    check(
        "COPY s.t AS OF VERSION 3 TO 'file.csv'",
        "line 1, column 10: COPY takes no version clause behind the name of `s.t`; \
         write `COPY (SELECT * FROM s.t AS OF VERSION 3) TO …`",
    );
}

#[test]
fn a_clause_needs_a_table_before_it() {
    for (sql, message) in [
        (
            "SELECT * FROM (SELECT * FROM t) AS OF 3",
            "line 1, column 33: `AS OF 3` stands behind parentheses; \
             put it behind each table's name inside: `(SELECT … FROM t AS OF 3)`",
        ),
        (
            "SELECT * FROM (SELECT * FROM t) d AS OF 3",
            "line 1, column 35: `AS OF 3` stands behind parentheses; \
             put it behind each table's name inside: `(SELECT … FROM t AS OF 3)`",
        ),
        (
            "SELECT * FROM table_history('t') AS OF 3",
            "line 1, column 34: `AS OF 3` stands behind a table function, which has no versions; \
             leave the clause out, or read a table: `t AS OF VERSION 42`",
        ),
        (
            "SELECT * FROM 'file.parquet' AS OF 3",
            "line 1, column 30: 'file.parquet' is a file, and files have no versions; \
             leave the version clause out, or copy the file into a table",
        ),
        (
            "SELECT * FROM t JOIN u ON t.a = u.a AS OF 3",
            "line 1, column 37: `AS OF 3` stands behind a join's condition; \
             put it directly behind the table's name: `JOIN t AS OF 3 ON …`",
        ),
    ] {
        check(sql, message);
    }
}

#[test]
fn forms_of_other_systems_name_ours() {
    let one_version = "a table is read at one version: write `t FOR SYSTEM_TIME AS OF …` or `t AS OF VERSION 42`";
    let at = "write `t AT (VERSION => 42)`, or TIMESTAMP, TAG or BRANCH in the place of VERSION; for an offset, \
              `t AS OF now() - INTERVAL '60 seconds'`";
    let state = "name the version or the instant itself, as in `t AS OF VERSION 42` or `t AS OF TIMESTAMP '…'`";
    let changes =
        "compare two states, as in `SELECT * FROM t AS OF VERSION 43 EXCEPT SELECT * FROM t AS OF VERSION 42`";
    for (clause, form, instead) in [
        ("BEFORE (VERSION => 3)", "BEFORE (…)", state),
        ("x BEFORE (VERSION => 3)", "BEFORE (…)", state),
        ("AT (OFFSET => -60)", "AT with this argument", at),
        ("AT (STATEMENT => 'id')", "AT with this argument", at),
        ("CHANGES (INFORMATION => DEFAULT) AT (VERSION => 3)", "CHANGES (…)", changes),
        ("FOR SYSTEM_TIME BETWEEN 1 AND 2", "FOR … BETWEEN", one_version),
        ("FOR SYSTEM_TIME FROM 1 TO 2", "FOR … FROM", one_version),
        ("FOR SYSTEM_TIME ALL", "FOR … ALL", one_version),
        ("FOR SYSTEM_TIME CONTAINED IN (1, 2)", "FOR … CONTAINED IN", one_version),
        ("FOR VERSION 3", "FOR without AS OF", one_version),
        ("FOR SYSTEM_VERSION AS OF 3", "FOR SYSTEM_VERSION", "write `t FOR VERSION AS OF 42` or `t AS OF VERSION 42`"),
        (
            "AS OF SYSTEM TIME '-10s'",
            "AS OF SYSTEM TIME",
            "write `t AS OF TIMESTAMP '…'` or `t FOR SYSTEM_TIME AS OF …`",
        ),
    ] {
        let column = if clause.starts_with('x') { 19 } else { 17 };
        check(
            &format!("SELECT * FROM t {clause}"),
            &format!("line 1, column {column}: `{form}` is not a version clause here; {instead}"),
        );
    }
}

#[test]
fn a_version_behind_an_at_sign_names_the_clause() {
    for (table, shown, clause) in [
        ("t@v3", "t@v3", "t AS OF VERSION 3"),
        ("t@3", "t@3", "t AS OF VERSION 3"),
        ("s.t@q3", "t@q3", "t AS OF TAG 'q3'"),
        ("t@'q3-close'", "t@q3-close", "t AS OF TAG 'q3-close'"),
        ("t @v3", "t@v3", "t AS OF VERSION 3"),
        ("\"t\"@v3", "\"t\"@v3", "\"t\" AS OF VERSION 3"),
    ] {
        let message = refuse(&format!("SELECT * FROM {table}")).to_string();
        let expected =
            format!("`{shown}` is not a table name; write `{clause}`, or put a name that holds `@` in double quotes");
        assert!(message.ends_with(&expected), "{table}\n{message}");
    }
}

#[test]
fn an_unfinished_clause_is_never_an_alias() {
    check(
        "SELECT * FROM t AS OF",
        "line 1, column 17: `AS OF` names no version; \
         write `t AS OF VERSION 42`; as an alias, `of` needs double quotes",
    );
    check(
        "SELECT * FROM t AS of JOIN u ON true",
        "line 1, column 17: `AS of` names no version; \
         write `t AS OF VERSION 42`; as an alias, `of` needs double quotes",
    );
    check(
        "SELECT * FROM t AS OF VERSION WHERE a = 1",
        "line 1, column 17: `AS OF VERSION` names no version; \
         write `t AS OF VERSION 42`; as an alias, `of` needs double quotes",
    );
    check(
        "SELECT * FROM t FOR SYSTEM_TIME AS OF",
        "line 1, column 17: `FOR SYSTEM_TIME AS OF` names no version; write `t AS OF VERSION 42`",
    );
    for word in ["at", "before", "changes"] {
        check(
            &format!("SELECT * FROM t {word}"),
            &format!(
                "line 1, column 17: `{word}` behind a table name begins a version clause; \
                 write `t AT (VERSION => 42)`; as an alias, `{word}` needs double quotes"
            ),
        );
    }
}

#[test]
fn what_the_planner_would_drop_is_refused() {
    for (sql, message) in [
        (
            "SELECT * FROM t TABLESAMPLE BERNOULLI (10)",
            "line 1, column 15: TABLESAMPLE on `t` is not supported; \
             read the whole table and filter it: `SELECT * FROM t WHERE random() < 0.1`",
        ),
        (
            "SELECT * FROM u WHERE a IN (SELECT a FROM t AS OF 3 TABLESAMPLE (10 ROWS))",
            "line 1, column 43: TABLESAMPLE on `t` is not supported; \
             read the whole table and filter it: `SELECT * FROM t WHERE random() < 0.1`",
        ),
        ("TABLE t", "TABLE as a query is not supported; write `SELECT * FROM t`"),
        ("TABLE t AS OF 3", "TABLE as a query is not supported; write `SELECT * FROM t`"),
        ("SELECT a INTO u FROM t", "SELECT … INTO is not supported; write `CREATE TABLE name AS SELECT …`"),
        (
            "SELECT * FROM t FOR UPDATE",
            "FOR UPDATE is not supported; a query reads one version and needs no lock: leave it out",
        ),
    ] {
        check(sql, message);
    }
}

#[test]
fn clauses_that_the_planner_would_drop_are_refused_wherever_they_stand() {
    let window = "write the window out: `OVER (PARTITION BY … ORDER BY …)`";
    let rows = "number the rows: `row_number() OVER ()`";
    for (sql, what, instead) in [
        ("SELECT * FROM t PREWHERE a = 1", "PREWHERE", "write WHERE"),
        ("SELECT (SELECT a FROM t PREWHERE a = 1)", "PREWHERE", "write WHERE"),
        ("SELECT a FROM t UNION SELECT a FROM t PREWHERE a = 1", "PREWHERE", "write WHERE"),
        ("CREATE TABLE u AS SELECT * FROM t PREWHERE a = 1", "PREWHERE", "write WHERE"),
        ("INSERT INTO t SELECT * FROM t PREWHERE a = 1", "PREWHERE", "write WHERE"),
        (
            "SELECT * FROM t START WITH a = 1 CONNECT BY PRIOR a = b",
            "CONNECT BY",
            "write `WITH RECURSIVE … AS (… UNION ALL …)`",
        ),
        ("SELECT a FROM t GROUP BY a WITH ROLLUP", "GROUP BY … WITH ROLLUP", "write `GROUP BY ROLLUP (a, b)`"),
        ("SELECT a FROM t GROUP BY a WITH CUBE", "GROUP BY … WITH CUBE", "write `GROUP BY CUBE (a, b)`"),
        (
            "SELECT a FROM t GROUP BY ALL WITH TOTALS",
            "GROUP BY … WITH TOTALS",
            "write `GROUP BY GROUPING SETS ((a), ())`",
        ),
        ("SELECT * ILIKE 'a%' FROM t", "`*` with ILIKE", "name the columns, or `* EXCLUDE (a)` the others"),
        ("SELECT t.* ILIKE 'a%' FROM t", "`*` with ILIKE", "name the columns, or `* EXCLUDE (a)` the others"),
        ("SELECT * FROM t WITH ORDINALITY", "WITH ORDINALITY", rows),
        ("SELECT * FROM generate_series(1, 3) WITH ORDINALITY", "WITH ORDINALITY", rows),
        ("SELECT * FROM t GLOBAL JOIN u ON true", "GLOBAL JOIN", "leave GLOBAL out"),
        ("SELECT * FROM (t GLOBAL JOIN u ON true)", "GLOBAL JOIN", "leave GLOBAL out"),
        (
            "SELECT /*+ BROADCAST(t) */ * FROM t",
            "the hint `/*+ BROADCAST(t) */`",
            "leave it out: plans follow statistics",
        ),
        ("SELECT sum(a) OVER (w) FROM t WINDOW w AS (ORDER BY a)", "a window that builds on `w`", window),
        (
            "SELECT a FROM t WINDOW w AS (ORDER BY a) ORDER BY sum(a) OVER w",
            "a window's name outside of the list of SELECT",
            window,
        ),
        (
            "SELECT a FROM t WINDOW w AS (ORDER BY a) QUALIFY sum(a) OVER w > 1",
            "a window's name outside of the list of SELECT",
            window,
        ),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r LIMIT 3) SELECT * FROM r",
            "WITH, ORDER BY or LIMIT around the UNION of `r` in WITH RECURSIVE",
            "put it into the query behind, or the UNION into parentheses if it is not recursive",
        ),
        (
            "SELECT * FROM t AS u (a BIGINT)",
            "a type for `a` in the alias `u`",
            "leave it out, and CAST the column where it is read",
        ),
        (
            "SELECT * FROM s.generate_series(1, 3)",
            "the table function `s.generate_series`",
            "functions stand in no schema: write the name alone",
        ),
    ] {
        check(sql, &format!("{what} is not supported; {instead}"));
    }
}

#[test]
fn comments_are_no_hints_unless_they_stand_where_hints_do() {
    for sql in ["SELECT /* + */ 1", "SELECT 1 /*+ */", "SELECT --+----+\n 1", "/*+ x */ SELECT 1"] {
        super::read(sql);
    }
}

#[test]
fn statements_that_are_not_executed_say_what_to_do() {
    let whole = "a transaction is committed or rolled back as a whole: COMMIT or ROLLBACK ends it";
    for (sql, what, instead) in [
        ("REPLACE INTO t VALUES (1)", "REPLACE", "change rows with MERGE INTO, or all of them with INSERT OVERWRITE"),
        ("SAVEPOINT a", "SAVEPOINT", whole),
        ("RELEASE SAVEPOINT a", "RELEASE", whole),
        ("ROLLBACK TO SAVEPOINT a", "ROLLBACK TO", whole),
        ("COMMIT AND CHAIN", "AND CHAIN", "begin the next transaction with BEGIN"),
        (
            "BEGIN ISOLATION LEVEL READ COMMITTED",
            "READ COMMITTED",
            "a transaction reads one version throughout: ask for SERIALIZABLE, or SNAPSHOT",
        ),
        ("GRANT SELECT ON t TO u", "GRANT", "whoever can read the store can read the lake: guard it there"),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'f'",
            "CREATE EXTERNAL",
            "read a file where a table can stand, as in `SELECT * FROM 'file.parquet'`, \
             or copy it in with `COPY t FROM`",
        ),
        ("CREATE TEMPORARY TABLE t (a INT)", "CREATE TEMPORARY", "use a WITH clause or a view; every table is kept"),
        ("CREATE FUNCTION f() RETURNS INT", "CREATE FUNCTION", "use a view for what is computed from tables"),
        (
            "CREATE INDEX i ON t (a)",
            "CREATE INDEX",
            "declare the order of rows instead: `CREATE TABLE t (…) SORT BY (column)`",
        ),
        ("CREATE ROLE r", "CREATE ROLE", "whoever can read the store can read the lake: guard it there"),
        ("CREATE DATABASE d", "CREATE DATABASE", "a lake is the database: use CREATE SCHEMA and DROP SCHEMA in it"),
        (
            "CREATE TABLE t (a INT) PARTITIONED BY (a)",
            "CREATE TABLE … PARTITIONED",
            "name the order instead, `SORT BY (column)`: segments are skipped by the statistics of every column",
        ),
        (
            "CREATE TABLE t (a INT) PARTITION BY a",
            "CREATE TABLE … PARTITION",
            "name the order instead, `SORT BY (column)`: segments are skipped by the statistics of every column",
        ),
        (
            "ALTER TABLE t MODIFY COLUMN a BIGINT",
            "ALTER TABLE … MODIFY",
            "ALTER TABLE knows ADD, DROP, RENAME and ALTER COLUMN, ADD, DROP and RENAME CONSTRAINT, RENAME TO, \
             SET SCHEMA, SET and RESET (options), and SORT BY; for other changes write \
             `CREATE OR REPLACE TABLE … AS SELECT …`",
        ),
        (
            "ALTER TABLE t ALTER COLUMN a TYPE BIGINT USING 1",
            "ALTER COLUMN … TYPE … USING",
            "add a column of the new type, fill it and drop the old one: no row is rewritten by ALTER TABLE",
        ),
        (
            "CREATE TABLE u DEEP CLONE t",
            "CREATE TABLE … DEEP CLONE",
            "write `CREATE TABLE … AS SELECT * FROM t` to copy rows; CLONE copies none, and its table is its own",
        ),
        (
            "RESTORE VIEW v TO VERSION 3",
            "RESTORE VIEW",
            "write `CREATE OR REPLACE VIEW`, or restore its schema: `RESTORE SCHEMA s TO VERSION 42`",
        ),
        ("DROP TABLE t CASCADE", "DROP … CASCADE", "drop what depends on it first, by name"),
        (
            "EXPLAIN DROP TABLE t",
            "EXPLAIN of this statement",
            "explain a query, an INSERT, a DELETE, an UPDATE, a MERGE, a CREATE TABLE … AS or a COPY … TO",
        ),
        (
            "EXPLAIN CREATE TABLE t (a INT)",
            "EXPLAIN of this statement",
            "explain a query, an INSERT, a DELETE, an UPDATE, a MERGE, a CREATE TABLE … AS or a COPY … TO",
        ),
        (
            "EXPLAIN ANALYZE INSERT INTO t SELECT 1",
            "EXPLAIN ANALYZE of a statement that writes",
            "it would have to write: leave ANALYZE out, or analyze the query alone",
        ),
        ("INSERT INTO t BY NAME DEFAULT VALUES", "BY NAME together with DEFAULT VALUES", "leave BY NAME out"),
    ] {
        check(sql, &format!("{what} is not supported; {instead}"));
    }
}

#[test]
fn syntax_errors_point_at_what_was_typed() {
    for (sql, message) in [
        (
            "SELECT * FROM t WHERE",
            "line 1, column 22: syntax error: expected: an expression, found: the end of the statement",
        ),
        ("SELECT 1 2", "line 1, column 10: syntax error: expected: the end of the statement, found: 2"),
        ("DROP TABLE t u", "line 1, column 14: syntax error: expected: the end of the statement, found: u"),
        ("DROP TABLE", "line 1, column 11: syntax error: expected: identifier, found: the end of the statement"),
    ] {
        check(sql, message);
    }
    assert!(
        refuse("\n  SELEKT 1")
            .to_string()
            .starts_with("line 2, column 3: syntax error: expected: a statement, found: SELEKT")
    );
}
