//! The conflict matrix of `docs/sql.md`, cell by cell: what a transaction did, what another committed meanwhile, and
//! whether the transaction is committed all the same.

use frostline_sql::{Answer, CreateOptions, ErrorKind, Lake, OpenOptions, Session};

use crate::door::{answer, commit};
use crate::lake::{describe, run_to_end};

/// What is done, as the documents call it, and the statement. All rows of `t` are in one segment, and so are those of
/// `u`.
const DEEDS: [(&str, &str); 14] = [
    ("SELECT", "SELECT count(*) FROM t"),
    ("INSERT", "INSERT INTO t (id, v) VALUES (9, 9)"),
    ("INSERT … SELECT", "INSERT INTO u SELECT id, v FROM t WHERE id = 1"),
    ("DELETE", "DELETE FROM t WHERE id = 1"),
    ("UPDATE", "UPDATE t SET v = v + 1 WHERE id = 2"),
    ("UPDATE of another table", "UPDATE u SET v = v + 1 WHERE id = 2"),
    (
        "MERGE",
        "MERGE INTO t USING (VALUES (3, 30)) AS s (id, v) ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v \
         WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)",
    ),
    ("TRUNCATE", "TRUNCATE TABLE t"),
    ("INSERT OVERWRITE", "INSERT OVERWRITE t (id, v) VALUES (7, 7)"),
    ("ADD COLUMN", "ALTER TABLE t ADD COLUMN more BIGINT"),
    ("DROP COLUMN", "ALTER TABLE t DROP COLUMN old"),
    ("RENAME COLUMN", "ALTER TABLE t RENAME COLUMN old TO older"),
    ("DROP TABLE", "DROP TABLE t"),
    ("CREATE TABLE", "CREATE TABLE made (id BIGINT)"),
];

/// The matrix: a row for what the transaction did, a column for what was committed meanwhile, in the order above.
/// `x` conflicts; `s` conflicts unless the isolation is `snapshot`; `.` does not.
const MATRIX: [&str; 14] = [
    // S I i D U u M T O A C R X N
    ". . . . . . . . . . . . . .", // SELECT
    ". . . . . . . . . . . . x .", // INSERT
    ". s . s s . s s s . . . s .", // INSERT … SELECT
    ". s . x x . x x x . . . x .", // DELETE
    ". s . x x . x x x . . . x .", // UPDATE
    ". . s . . x . . . . . . . .", // UPDATE of another table
    ". s . x x . x x x . . . x .", // MERGE
    ". x . x x . x x x . . . x .", // TRUNCATE
    ". x . x x . x x x . . . x .", // INSERT OVERWRITE
    ". . . . . . . . . x x x x .", // ADD COLUMN
    ". . . . . . . . . x x x x .", // DROP COLUMN
    ". . . . . . . . . x x x x .", // RENAME COLUMN
    ". . . . . . . . . . . . x .", // DROP TABLE
    ". . . . . . . . . . . . . x", // CREATE TABLE
];

async fn run(session: &Session, sql: &str) {
    match answer(session, sql).await {
        Ok(Answer::Rows(rows)) => drop(rows.collect().await.expect("the rows are read")),
        Ok(_) => {}
        Err(error) => unreachable!("{sql}: {}", describe(&error)),
    }
}

/// Whether a transaction that did one thing conflicts with another thing that was committed meanwhile.
async fn conflicts(name: &str, isolation: &str, (did, meanwhile): (&str, &str)) -> bool {
    let location = format!("memory://conflicts-{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("the lake is new");
    let lake = Lake::open(&location, OpenOptions::default()).await.expect("the lake opens");
    let (session, other) = (lake.session(), lake.session());
    for sql in [
        "CREATE TABLE t (id BIGINT, v BIGINT, old BIGINT)",
        "CREATE TABLE u (id BIGINT, v BIGINT)",
        "INSERT INTO t (id, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
        "INSERT INTO u VALUES (1, 1), (2, 2)",
    ] {
        commit(&session, sql).await.expect("the statement is right");
    }
    run(&session, &format!("SET frostline.isolation = '{isolation}'")).await;
    run(&session, "BEGIN").await;
    run(&session, did).await;
    run(&other, meanwhile).await;
    match answer(&session, "COMMIT").await {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::Conflict => {
            let conflict = error.conflict().expect("a conflict names two versions");
            assert_eq!((conflict.base.number(), conflict.with.number()), (5, 6), "{did} with {meanwhile}");
            true
        }
        Err(error) => unreachable!("{did} with {meanwhile}: {}", describe(&error)),
    }
}

fn check(isolation: &'static str) {
    let wrong = run_to_end(move || async move {
        let mut wrong: Vec<String> = Vec::new();
        for (row, (did, did_sql)) in DEEDS.into_iter().enumerate() {
            let cells: Vec<&str> = MATRIX[row].split(' ').collect();
            assert_eq!(cells.len(), DEEDS.len(), "{did}");
            for (column, (meanwhile, meanwhile_sql)) in DEEDS.into_iter().enumerate() {
                let name = format!("{isolation}-{row}-{column}");
                let found = conflicts(&name, isolation, (did_sql, meanwhile_sql)).await;
                let expected = match cells[column] {
                    "x" => true,
                    "s" => isolation == "serializable",
                    _ => false,
                };
                if found != expected {
                    wrong.push(format!("{did}, meanwhile {meanwhile}: expected {expected}, found {found}"));
                }
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{isolation}: {} cells\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_cell_of_the_matrix_holds_under_serializable_isolation() {
    check("serializable");
}

#[test]
fn every_cell_of_the_matrix_holds_under_snapshot_isolation() {
    check("snapshot");
}
