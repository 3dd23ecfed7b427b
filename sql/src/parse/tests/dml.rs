//! What statements that change rows keep of their text, and what they refuse.

use super::{read, refuse};
use crate::parse::{Delete, Merge, MergeAction, MergeWhen, Statement, Target, Update, table_versions};

fn delete(sql: &str) -> Delete {
    match read(sql) {
        Statement::Delete(delete) => delete,
        other => panic!("{sql}\nwas read as {other:?}"),
    }
}

fn update(sql: &str) -> Update {
    match read(sql) {
        Statement::Update(update) => update,
        other => panic!("{sql}\nwas read as {other:?}"),
    }
}

fn merge(sql: &str) -> Merge {
    match read(sql) {
        Statement::Merge(merge) => merge,
        other => panic!("{sql}\nwas read as {other:?}"),
    }
}

/// A target as `name alias`.
fn shown(target: &Target) -> String {
    let alias = target.alias.as_ref().map(|alias| format!(" {alias}")).unwrap_or_default();
    format!("{}{alias}", target.name)
}

#[test]
fn delete_keeps_its_clauses() {
    let plain = delete("DELETE FROM s.t");
    assert_eq!(shown(&plain.target), "s.t");
    assert!(plain.with.is_none() && plain.using.is_empty() && plain.filter.is_none());
    for (sql, target) in [
        ("DELETE FROM t AS a WHERE a.x = 1", "t a"),
        ("DELETE FROM t a WHERE x", "t a"),
        ("DELETE FROM t WHERE x", "t"),
        ("DELETE FROM t \"using\" WHERE x", "t \"using\""),
    ] {
        assert_eq!(shown(&delete(sql).target), target, "{sql}");
    }
    let sql = "WITH c AS (SELECT 1 AS k) DELETE FROM t USING u JOIN c ON u.k = c.k, v x WHERE t.k = u.k AND x.a";
    let whole = delete(sql);
    assert_eq!(whole.with.map(|with| with.cte_tables.len()), Some(1));
    let using: Vec<String> = whole.using.iter().map(ToString::to_string).collect();
    assert_eq!(using, ["u JOIN c ON u.k = c.k", "v x"]);
    assert_eq!(whole.filter.map(|filter| filter.to_string()).as_deref(), Some("t.k = u.k AND x.a"));
}

#[test]
fn update_keeps_its_clauses() {
    let whole = update("UPDATE t AS x SET a = 1, (b, c) = (2, DEFAULT), x.d = a + 1 FROM u WHERE x.k = u.k");
    assert_eq!(shown(&whole.target), "t x");
    let assignments: Vec<String> = whole.assignments.iter().map(ToString::to_string).collect();
    assert_eq!(assignments, ["a = 1", "(b, c) = (2, DEFAULT)", "x.d = a + 1"]);
    assert_eq!(whole.from.len(), 1);
    assert!(whole.filter.is_some());
    let plain = update("UPDATE t SET a = 1");
    assert!(plain.from.is_empty() && plain.filter.is_none());
}

#[test]
fn merge_keeps_its_clauses_in_order() {
    let whole = merge(
        "MERGE INTO t AS x USING (SELECT 1 AS k) AS s ON x.k = s.k \
         WHEN MATCHED AND s.k > 1 THEN DELETE \
         WHEN MATCHED AND s.k = 0 THEN DO NOTHING \
         WHEN MATCHED THEN UPDATE SET a = s.k, x.b = 2 \
         WHEN NOT MATCHED AND s.k = 9 THEN INSERT DEFAULT VALUES \
         WHEN NOT MATCHED BY TARGET THEN INSERT (k, a) VALUES (s.k, DEFAULT) \
         WHEN NOT MATCHED BY SOURCE THEN DELETE",
    );
    assert_eq!(shown(&whole.target), "t x");
    assert_eq!(whole.on.to_string(), "x.k = s.k");
    let kinds: Vec<MergeWhen> = whole.clauses.iter().map(|clause| clause.when).collect();
    let (one, two) = (MergeWhen::Matched, MergeWhen::NotMatched);
    assert_eq!(kinds, [one, one, one, two, two, MergeWhen::NotMatchedBySource]);
    let conditions: Vec<bool> = whole.clauses.iter().map(|clause| clause.condition.is_some()).collect();
    assert_eq!(conditions, [true, true, false, true, false, false]);
    assert_eq!(whole.clauses[0].action, MergeAction::Delete);
    assert_eq!(whole.clauses[1].action, MergeAction::Nothing);
    assert!(matches!(&whole.clauses[2].action, MergeAction::Update(assignments) if assignments.len() == 2));
    assert_eq!(whole.clauses[3].action, MergeAction::Insert { columns: Vec::new(), values: Vec::new() });
    let MergeAction::Insert { columns, values } = &whole.clauses[4].action else { panic!("not an insert") };
    assert_eq!((columns.len(), values.len()), (2, 2));
}

#[test]
fn merge_takes_all_columns_by_name() {
    let whole = merge("MERGE t USING u ON t.k = u.k WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *");
    assert_eq!(whole.clauses[0].action, MergeAction::UpdateAll);
    assert_eq!(whole.clauses[1].action, MergeAction::InsertAll);
}

#[test]
fn insert_may_overwrite_and_have_its_with_in_front() {
    for target in ["t", "INTO t", "TABLE t"] {
        let sql = format!("INSERT OVERWRITE {target} SELECT 1");
        assert!(matches!(read(&sql), Statement::Insert(insert) if insert.overwrite), "{sql}");
    }
    let Statement::Insert(insert) = read("WITH c AS (SELECT 1 AS k) INSERT INTO t SELECT k FROM c") else {
        panic!("not an insert");
    };
    let source = insert.source.map(|source| source.to_string());
    assert_eq!(source.as_deref(), Some("WITH c AS (SELECT 1 AS k) SELECT k FROM c"));
    assert!(!insert.overwrite);
    assert!(matches!(read("WITH c AS (SELECT 1 AS k) SELECT k FROM c"), Statement::Query(_)));
}

#[test]
fn truncate_names_one_table() {
    for sql in ["TRUNCATE s.t", "TRUNCATE TABLE s.t"] {
        assert!(matches!(read(sql), Statement::Truncate(name) if name.to_string() == "s.t"), "{sql}");
    }
}

#[test]
fn relations_beside_the_target_may_have_versions() {
    for (sql, expected) in [
        ("UPDATE t SET a = 1 FROM u AS OF VERSION 3 x WHERE t.k = x.k", 1),
        ("UPDATE t SET a = (SELECT max(a) FROM t AS OF VERSION 3)", 1),
        ("UPDATE t SET a = b IS DISTINCT FROM c FROM u AS OF VERSION 3, v AS OF VERSION 4 WHERE true", 2),
        ("DELETE FROM t USING u AS OF VERSION 3, v AS OF VERSION 2 WHERE t.k = u.k", 2),
        ("DELETE FROM t WHERE k IN (SELECT k FROM t AS OF VERSION 3)", 1),
        ("MERGE INTO t USING u AS OF VERSION 3 AS s ON t.k = s.k WHEN MATCHED THEN DELETE", 1),
        ("MERGE t x USING u AS OF TAG 'a' ON x.k = u.k WHEN MATCHED THEN DELETE", 1),
        ("MERGE INTO t USING (SELECT * FROM u AS OF VERSION 3) s ON true WHEN MATCHED THEN DELETE", 1),
    ] {
        let parts = read(sql).parts().unwrap();
        assert_eq!(table_versions(&parts).unwrap().len(), expected, "{sql}");
    }
}

#[test]
fn what_other_systems_write_is_refused_with_what_to_write_instead() {
    let returning = "read the rows with a SELECT; as they were before, with `AS OF`";
    let choose = "choose the rows in its condition: `WHERE id IN (SELECT id FROM t ORDER BY a LIMIT 10)`";
    let one = "write one statement for each table";
    for (sql, what, instead) in [
        ("DELETE FROM t RETURNING a", "RETURNING behind DELETE", returning),
        ("UPDATE t SET a = 1 WHERE b RETURNING *", "RETURNING behind UPDATE", returning),
        ("MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE RETURNING a", "RETURNING behind MERGE", returning),
        ("DELETE FROM t ORDER BY a LIMIT 1", "ORDER BY or LIMIT behind DELETE", choose),
        ("DELETE FROM t WHERE b LIMIT 1", "ORDER BY or LIMIT behind DELETE", choose),
        ("UPDATE t SET a = 1 LIMIT 1", "ORDER BY or LIMIT behind UPDATE", choose),
        ("DELETE FROM t, u WHERE true", "DELETE of several tables", one),
        ("UPDATE t, u SET a = 1", "UPDATE of several tables", one),
        ("TRUNCATE t, u", "TRUNCATE of several tables", one),
        (
            "UPDATE t JOIN u ON t.k = u.k SET a = 1",
            "a join as the target of UPDATE",
            "name the table that changes, and the others behind FROM",
        ),
        (
            "DELETE FROM t LEFT JOIN u ON true",
            "a join as the target of DELETE",
            "name the table that changes, and the others behind USING",
        ),
        (
            "DELETE FROM generate_series(1, 3)",
            "DELETE of what the function `generate_series` gives",
            "name a table: only rows of tables can be changed",
        ),
        ("TRUNCATE TABLE IF EXISTS t", "TRUNCATE … IF EXISTS", "leave it out, or write DROP TABLE IF EXISTS"),
        (
            "DELETE FROM t USING u TABLESAMPLE BERNOULLI (10) WHERE true",
            "TABLESAMPLE on `u`",
            "read the whole table and filter it: `SELECT * FROM u WHERE random() < 0.1`",
        ),
        (
            "EXPLAIN ANALYZE DELETE FROM t",
            "EXPLAIN ANALYZE of a statement that writes",
            "it would have to write: leave ANALYZE out, or analyze the query alone",
        ),
        (
            "WITH c AS (SELECT 1) INSERT INTO t DEFAULT VALUES",
            "WITH in front of an INSERT without a query",
            "leave it out",
        ),
    ] {
        let message = refuse(sql).to_string();
        assert!(message.ends_with(&format!("{what} is not supported; {instead}")), "{sql}\n{message}");
    }
}

#[test]
fn clauses_of_a_merge_that_cannot_be_are_pointed_at() {
    let head = "MERGE INTO t USING u ON true ";
    for (clauses, message) in [
        (
            "WHEN NOT MATCHED THEN DELETE",
            "line 1, column 52: syntax error: there is no row to change where none of the target matched: \
             WHEN NOT MATCHED takes INSERT",
        ),
        (
            "WHEN MATCHED THEN INSERT *",
            "line 1, column 48: syntax error: rows are inserted WHEN NOT MATCHED; here UPDATE or DELETE can stand",
        ),
        (
            "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET *",
            "line 1, column 62: syntax error: there is no row of the source to take the values from: name them, \
             `UPDATE SET a = …`",
        ),
        (
            "WHEN MATCHED THEN DELETE WHEN MATCHED AND a THEN DELETE",
            "line 1, column 55: syntax error: this clause is never reached: one for the same rows, without a \
             condition, stands before it",
        ),
        (
            "WHEN MATCHED THEN KEEP",
            "line 1, column 48: syntax error: expected: UPDATE, DELETE, INSERT or DO NOTHING, found: KEEP",
        ),
        (
            "",
            "line 1, column 29: syntax error: expected: WHEN MATCHED or WHEN NOT MATCHED, found: the end of the \
             statement",
        ),
    ] {
        assert_eq!(refuse(&format!("{head}{clauses}")).to_string(), message, "{clauses}");
    }
}
