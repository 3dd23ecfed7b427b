//! Every accepted spelling, in every place where a table can stand.

use datafusion::sql::sqlparser::ast::{Expr, SetExpr, TableFactor};

use super::{read, refuse, show, versions};
use crate::parse::{Statement, VersionClause, parse_one};

/// What is written behind a table's name, and what it means.
const SPELLINGS: [(&str, &str); 40] = [
    ("AS OF VERSION 42", "version 42"),
    ("as of version 42", "version 42"),
    ("AS OF VERSION $1", "version $1"),
    ("AS OF VERSION ?", "version $1"),
    ("AS OF VERSION (40 + 2)", "version (40 + 2)"),
    ("AS OF VERSION 40 + 2", "version 40 + 2"),
    ("AS OF TIMESTAMP '2026-01-31'", "timestamp '2026-01-31'"),
    ("AS OF TIMESTAMP now() - INTERVAL '1 day'", "timestamp now() - INTERVAL '1 day'"),
    ("AS OF TIMESTAMP '2026-01-31' - INTERVAL '1 day'", "timestamp TIMESTAMP '2026-01-31' - INTERVAL '1 day'"),
    ("AS OF TAG 'q3-close'", "tag 'q3-close'"),
    ("AS OF TAG q3", "tag q3"),
    ("AS OF TAG $1", "tag $1"),
    ("AS OF BRANCH exp", "branch exp"),
    ("AS OF BRANCH \"Exp 2\"", "branch \"Exp 2\""),
    ("AS OF BRANCH 'exp'", "branch 'exp'"),
    ("AS OF 42", "auto 42"),
    ("AS OF -1", "auto -1"),
    ("AS OF 'q3-close'", "auto 'q3-close'"),
    ("AS OF $1", "auto $1"),
    ("AS OF ?", "auto $1"),
    ("AS OF (40 + 2)", "auto (40 + 2)"),
    ("AS OF DATE '2026-01-31'", "auto DATE '2026-01-31'"),
    ("AS OF now()", "auto now()"),
    ("AS OF now() - INTERVAL '1' DAY", "auto now() - INTERVAL '1' DAY"),
    ("AS OF /* a comment */ 42", "auto 42"),
    ("FOR VERSION AS OF 42", "version 42"),
    ("FOR VERSION AS OF 40 + 2", "version 40 + 2"),
    ("VERSION AS OF 42", "version 42"),
    ("VERSION AS OF $1", "version $1"),
    ("FOR SYSTEM_TIME AS OF '2026-01-31'", "timestamp '2026-01-31'"),
    ("FOR SYSTEM_TIME AS OF now() - INTERVAL '1 day'", "timestamp now() - INTERVAL '1 day'"),
    ("FOR TIMESTAMP AS OF '2026-01-31'", "timestamp '2026-01-31'"),
    ("TIMESTAMP AS OF '2026-01-31'", "timestamp '2026-01-31'"),
    ("AT (VERSION => 42)", "version 42"),
    ("at(version => 40 + 2)", "version 40 + 2"),
    ("AT (VERSION => $1)", "version $1"),
    ("AT (TIMESTAMP => now())", "timestamp now()"),
    ("AT (TIMESTAMP => '2026-01-31')", "timestamp '2026-01-31'"),
    ("AT (TAG => 'q3-close')", "tag 'q3-close'"),
    ("AT (BRANCH => exp)", "branch exp"),
];

/// Places for a table `t` with a clause `@` behind it. No other table in them has a version.
const PLACES: [&str; 44] = [
    "SELECT * FROM t @",
    "SELECT * FROM t @;",
    "SELECT * FROM t @ x",
    "SELECT * FROM t @ AS x",
    "SELECT * FROM t @ AS x (a, b)",
    "SELECT * FROM t @ WHERE a = 1",
    "SELECT * FROM t @ x WHERE a = 1 GROUP BY a HAVING a > 0 ORDER BY a LIMIT 1",
    "SELECT * FROM t @ ORDER BY a",
    "SELECT * FROM t @ LIMIT 3 OFFSET 2",
    "FROM t @ SELECT a",
    "FROM t @",
    "SELECT * FROM t @, u",
    "SELECT * FROM u, t @",
    "SELECT * FROM u, t @ x, w",
    "SELECT * FROM t @ JOIN u ON t.a = u.a",
    "SELECT * FROM t @ x JOIN u USING (a)",
    "SELECT * FROM u JOIN t @ ON t.a = u.a",
    "SELECT * FROM u LEFT JOIN t @ AS x ON x.a = u.a WHERE u.a = 1",
    "SELECT * FROM t @ LEFT JOIN u ON true",
    "SELECT * FROM t @ x RIGHT JOIN u ON true",
    "SELECT * FROM t @ CROSS JOIN u",
    "SELECT * FROM u NATURAL JOIN t @",
    "SELECT * FROM u JOIN w ON u.a = w.a, t @",
    "SELECT * FROM u JOIN w USING (a, b) JOIN t @ USING (a)",
    "SELECT * FROM (SELECT * FROM t @) d",
    "SELECT * FROM (SELECT * FROM t @ x WHERE a = 1) AS d JOIN u ON true",
    "SELECT * FROM (t @ JOIN u ON true)",
    "SELECT * FROM u, LATERAL (SELECT * FROM t @) d",
    "SELECT (SELECT max(a) FROM t @) AS m, b FROM u",
    "SELECT * FROM u WHERE a IN (SELECT a FROM t @)",
    "SELECT * FROM u WHERE EXISTS (SELECT 1 FROM t @ x WHERE x.a = u.a)",
    "SELECT * FROM u WHERE a > (SELECT avg(a) FROM t @)",
    "WITH c AS (SELECT * FROM t @) SELECT * FROM c",
    "WITH c AS (SELECT 1), d AS (SELECT * FROM t @ x) SELECT * FROM c, d",
    "WITH c (a) AS (SELECT 1) SELECT * FROM c JOIN t @ ON true",
    "SELECT * FROM u UNION ALL SELECT * FROM t @",
    "SELECT * FROM t @ EXCEPT SELECT * FROM u",
    "(SELECT * FROM t @) INTERSECT (SELECT * FROM u)",
    "SELECT extract(year FROM a), a IS DISTINCT FROM b, CASE WHEN a THEN 1 END FROM t @",
    "INSERT INTO u SELECT * FROM t @",
    "INSERT INTO s.u (a, b) SELECT a, b FROM t @ x",
    "CREATE TABLE u AS SELECT * FROM t @",
    "CREATE OR REPLACE VIEW v (a) AS SELECT a FROM t @ x",
    "COPY (SELECT * FROM t @) TO 'u.parquet' STORED AS PARQUET",
];

#[test]
fn every_spelling_is_read_in_every_place() {
    for (spelling, meaning) in SPELLINGS {
        for place in PLACES {
            let sql = place.replace('@', spelling);
            assert_eq!(versions(&sql), [format!("t: {meaning}")], "{sql}");
        }
    }
}

#[test]
fn explain_and_prepare_read_versions_too() {
    for sql in [
        "EXPLAIN SELECT * FROM t AS OF VERSION 3 x",
        "EXPLAIN ANALYZE SELECT * FROM t AS OF VERSION 3",
        "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM t AS OF VERSION 3",
        "EXPLAIN INSERT INTO u SELECT * FROM t AS OF VERSION 3",
        "EXPLAIN INSERT INTO u BY NAME SELECT * FROM t AS OF VERSION 3",
        "EXPLAIN VERBOSE CREATE TABLE u SORT BY (a) AS SELECT * FROM t AS OF VERSION 3",
        "EXPLAIN (FORMAT tree) COPY (SELECT * FROM t AS OF VERSION 3) TO 'file.csv'",
        "PREPARE p AS SELECT * FROM t AS OF VERSION 3",
        "DESCRIBE SELECT * FROM t AS OF VERSION 3",
        "SUMMARIZE SELECT * FROM t AS OF VERSION 3",
        "SUMMARIZE (SELECT * FROM t AS OF VERSION 3)",
    ] {
        assert_eq!(versions(sql), ["t: version 3"], "{sql}");
    }
}

#[test]
fn names_may_be_qualified_and_quoted() {
    for (name, shown) in [
        ("s.t", "s.t"),
        ("\"My Table\"", "\"My Table\""),
        ("s.\"from\"", "s.\"from\""),
        ("lake.s.t", "lake.s.t"),
        ("at", "at"),
        ("s.version", "s.version"),
    ] {
        let sql = format!("SELECT * FROM {name} AS OF VERSION 3 x");
        assert_eq!(versions(&sql), [format!("{shown}: version 3")], "{sql}");
    }
}

#[test]
fn two_versions_of_a_table_are_two_tables() {
    let sql = "SELECT * FROM t AS OF 1 a JOIN t AT (VERSION => 2) AS b ON a.k = b.k, t VERSION AS OF 3 c";
    assert_eq!(versions(sql), ["t: auto 1", "t: version 2", "t: version 3"]);
}

#[test]
fn an_alias_behind_a_clause_is_the_tables_alias() {
    let Statement::Query(query) = read("SELECT * FROM t AS OF now() - INTERVAL '1 day' d") else {
        panic!("not a query");
    };
    let SetExpr::Select(select) = query.body.as_ref() else {
        panic!("not a select");
    };
    let TableFactor::Table { alias: Some(alias), .. } = &select.from[0].relation else {
        panic!("no alias");
    };
    assert_eq!(alias.name.value, "d");
}

#[test]
fn words_of_the_clauses_keep_their_other_meanings() {
    for sql in [
        "SELECT a AS of FROM t",
        "SELECT a AS of, b AS at FROM t",
        "SELECT of FROM t",
        "SELECT of, at, before, changes, version, tag, branch FROM t",
        "SELECT a AS version, b AS tag FROM t",
        "SELECT (SELECT 1) AS of FROM t",
        "SELECT at(a, 1) FROM t",
        "SELECT before(a) AS before FROM t",
        "SELECT t.at, t.of FROM t",
        "SELECT a AT TIME ZONE 'UTC' FROM t",
        "SELECT * FROM at",
        "SELECT * FROM s.at x",
        "SELECT * FROM version",
        "SELECT * FROM t version",
        "SELECT * FROM t AS version",
        "SELECT * FROM t tag, u branch",
        "SELECT * FROM t \"of\"",
        "SELECT * FROM t AS \"at\"",
        "SELECT * FROM t \"before\" JOIN u AS \"changes\" ON true",
        "SELECT TIMESTAMP '2026-01-31' AS ts FROM t",
        "SELECT substring(a FROM 2 FOR 3) FROM t",
        "SELECT 'a;b' AS x -- AS OF VERSION 3\nFROM t /* AS OF 3 */",
        "WITH of AS (SELECT 1) SELECT * FROM of",
        "SELECT @@version",
    ] {
        assert_eq!(versions(sql), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn a_path_in_single_quotes_is_a_table_that_can_be_told_apart() {
    let Statement::Query(query) = read("SELECT * FROM 'data/file.parquet' f JOIN t AS OF VERSION 3 ON true") else {
        panic!("not a query");
    };
    let SetExpr::Select(select) = query.body.as_ref() else {
        panic!("not a select");
    };
    let TableFactor::Table { name, version: None, .. } = &select.from[0].relation else {
        panic!("not a table");
    };
    let ident = name.0[0].as_ident().expect("a path is an identifier");
    assert_eq!((ident.value.as_str(), ident.quote_style), ("data/file.parquet", Some('\'')));
}

#[test]
fn a_bare_name_of_a_branch_is_an_identifier() {
    let Statement::Describe(table) = read("DESCRIBE t AS OF BRANCH exp") else {
        panic!("not a describe");
    };
    assert!(matches!(table.as_of, Some(VersionClause::Branch(Expr::Identifier(_)))));
}

#[test]
fn statements_about_a_table_take_a_version() {
    for (sql, expected) in [
        ("DESCRIBE t AS OF VERSION 3", "version 3"),
        ("DESC s.t AT (TAG => 'q3')", "tag 'q3'"),
        ("DESCRIBE TABLE t FOR SYSTEM_TIME AS OF now()", "timestamp now()"),
        ("SUMMARIZE t AS OF 3", "auto 3"),
        ("SHOW COLUMNS FROM t AS OF VERSION 3", "version 3"),
        ("SHOW COLUMNS IN s.t VERSION AS OF 3", "version 3"),
        ("SHOW CREATE TABLE t AS OF TAG q3", "tag q3"),
        ("SHOW TABLES AS OF VERSION 3", "version 3"),
        ("SHOW TABLES FROM s AS OF VERSION 3", "version 3"),
        ("SHOW TABLES LIKE 'a%' AS OF VERSION 3", "version 3"),
        ("CREATE TAG q3 AS OF VERSION 3", "version 3"),
        ("CREATE TAG IF NOT EXISTS 'q3-close' AS OF TIMESTAMP '2026-09-30'", "timestamp '2026-09-30'"),
    ] {
        let clause = match read(sql) {
            Statement::Describe(table)
            | Statement::Summarize(table)
            | Statement::ShowColumns(table)
            | Statement::ShowCreateTable(table) => table.as_of,
            Statement::ShowTables(shown) => shown.as_of,
            Statement::CreateTag(tag) => tag.as_of,
            other => panic!("{sql}\nwas read as {other:?}"),
        };
        assert_eq!(clause.as_ref().map(show).as_deref(), Some(expected), "{sql}");
    }
}

#[test]
fn parameters_are_numbered_from_left_to_right() {
    let sql = "SELECT ? FROM t AS OF VERSION ? WHERE a = ?";
    assert_eq!(versions(sql), ["t: version $2"]);
    let Statement::Query(query) = read(sql) else {
        panic!("not a query");
    };
    assert!(query.to_string().starts_with("SELECT $1 FROM"), "{query}");
    assert!(query.to_string().ends_with("a = $3"), "{query}");
    let names = |sql: &str| parse_one(sql).unwrap().parameters.into_iter().collect::<Vec<String>>().join(" ");
    assert_eq!(names(sql), "1 2 3");
    assert_eq!(names("SELECT $since, '$text' FROM t WHERE a = $since"), "since");
    assert_eq!(names("PREPARE p AS SELECT ?2"), "2");
    assert_eq!(
        refuse("SELECT ?, $2").to_string(),
        "line 1, column 11: the statement mixes `?` and `$n` parameters; use one style throughout"
    );
}
