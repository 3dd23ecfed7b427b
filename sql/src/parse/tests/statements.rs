//! What each kind of statement keeps of its text.

use datafusion::common::format::ExplainFormat;
use datafusion::sql::sqlparser::ast::Ident;

use super::{read, refuse, show};
use crate::parse::{
    AlterOperation, ColumnChange, ColumnPosition, CommentSubject, CopySource, Isolation, PropertyValue, Statement,
    TransactionModes, UndropKind,
};

fn pairs(options: &[(String, String)]) -> Vec<(&str, &str)> {
    options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[test]
fn create_table_keeps_its_clauses() {
    let sql = "CREATE TABLE IF NOT EXISTS s.t (a BIGINT NOT NULL, b TEXT COMMENT 'x', PRIMARY KEY (a)) \
               SORT BY (a, b DESC NULLS LAST) WITH (rows_per_segment = 1000, 'quoted.Key' 'v') COMMENT 'kept'";
    let Statement::CreateTable(table) = read(sql) else {
        panic!("not a table");
    };
    assert_eq!(table.name.to_string(), "s.t");
    assert!(table.if_not_exists && !table.or_replace);
    assert_eq!(table.columns.iter().map(|column| column.name.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(table.constraints.len(), 1);
    let sorted: Vec<(&str, bool, Option<bool>)> = table
        .sort_by
        .iter()
        .map(|column| (column.name.value.as_str(), column.descending, column.nulls_first))
        .collect();
    assert_eq!(sorted, [("a", false, None), ("b", true, Some(false))]);
    assert_eq!(pairs(&table.options), [("rows_per_segment", "1000"), ("quoted.Key", "v")]);
    assert_eq!(table.comment.as_deref(), Some("kept"));
    assert!(table.like.is_none() && table.query.is_none());
}

#[test]
fn create_table_takes_like_or_a_query() {
    for sql in ["CREATE TABLE u LIKE s.t", "CREATE TABLE u (LIKE s.t)", "CREATE TABLE u LIKE s.t COMMENT 'x'"] {
        let Statement::CreateTable(table) = read(sql) else {
            panic!("not a table");
        };
        assert_eq!(table.like.map(|name| name.to_string()).as_deref(), Some("s.t"), "{sql}");
    }
    for sql in [
        "CREATE OR REPLACE TABLE u AS SELECT 1 AS a",
        "CREATE OR REPLACE TABLE u SORT BY (a) AS VALUES (1)",
        "CREATE OR REPLACE TABLE u (a INT) AS (SELECT 1)",
        "CREATE OR REPLACE TABLE u AS WITH c AS (SELECT 1) SELECT * FROM c",
    ] {
        let Statement::CreateTable(table) = read(sql) else {
            panic!("not a table");
        };
        assert!(table.or_replace && table.query.is_some(), "{sql}");
    }
    assert_eq!(
        refuse("CREATE OR REPLACE TABLE IF NOT EXISTS t (a INT)").to_string(),
        "line 1, column 25: syntax error: OR REPLACE and IF NOT EXISTS contradict each other; keep one"
    );
}

#[test]
fn insert_may_go_by_name() {
    let Statement::Insert(insert) = read("INSERT INTO s.t BY NAME SELECT 1 AS a") else {
        panic!("not an insert");
    };
    assert!(insert.by_name && insert.columns.is_empty());
    let source = insert.source.map(|source| source.to_string());
    assert_eq!((insert.table.to_string().as_str(), source.as_deref()), ("s.t", Some("SELECT 1 AS a")));
    let Statement::Insert(insert) = read("INSERT INTO t (a, b) VALUES (1, 2)") else {
        panic!("not an insert");
    };
    assert!(!insert.by_name && insert.source.is_some());
    assert_eq!(insert.columns.iter().map(|column| column.to_string()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn insert_of_defaults_has_no_query() {
    let Statement::Insert(insert) = read("INSERT INTO t DEFAULT VALUES") else {
        panic!("not an insert");
    };
    assert!(insert.source.is_none() && insert.columns.is_empty());
}

#[test]
fn alter_table_lists_its_operations() {
    let Statement::AlterTable(alter) = read(
        "ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS a INT DEFAULT 1, \
         DROP COLUMN IF EXISTS b, RENAME COLUMN c TO d",
    ) else {
        panic!("not an alter");
    };
    assert!(alter.if_exists);
    let shown: Vec<String> = alter
        .operations
        .iter()
        .map(|operation| match operation {
            AlterOperation::AddColumn { column, if_not_exists, .. } => format!("add {} {if_not_exists}", column.name),
            AlterOperation::DropColumn { path, if_exists } => format!("drop {} {if_exists}", joined(path)),
            AlterOperation::RenameColumn { from, to } => format!("rename {} {to}", joined(from)),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(shown, ["add a true", "drop b true", "rename c d"]);
}

fn joined(path: &[Ident]) -> String {
    path.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".")
}

/// The one operation of an ALTER TABLE.
fn operation(text: &str) -> AlterOperation {
    let Statement::AlterTable(mut alter) = read(&format!("ALTER TABLE t {text}")) else {
        panic!("not an alter");
    };
    assert_eq!(alter.operations.len(), 1, "{text}");
    alter.operations.remove(0)
}

#[test]
fn alter_table_reaches_into_nested_columns() {
    let added = operation("ADD COLUMN s.inner.x INT AFTER y");
    let AlterOperation::AddColumn { within, column, position, .. } = added else { panic!("not an addition") };
    assert_eq!((joined(&within).as_str(), column.name.value.as_str()), ("s.inner", "x"));
    assert!(matches!(position, Some(ColumnPosition::After(name)) if name.value == "y"));
    let AlterOperation::DropColumn { path, .. } = operation("DROP l.element.x") else { panic!("not a drop") };
    assert_eq!(joined(&path), "l.element.x");
    let AlterOperation::RenameColumn { from, to } = operation("RENAME COLUMN m.value.x TO y") else {
        panic!("not a renaming");
    };
    assert_eq!((joined(&from).as_str(), to.value.as_str()), ("m.value.x", "y"));
}

#[test]
fn alter_table_changes_columns_in_every_way() {
    let change = |text: &str| match operation(&format!("ALTER {text}")) {
        AlterOperation::AlterColumn { path, change } => (joined(&path), change),
        other => panic!("{other:?}"),
    };
    assert!(matches!(change("COLUMN a TYPE BIGINT"), (name, ColumnChange::Type(_)) if name == "a"));
    assert!(matches!(change("a SET DATA TYPE BIGINT"), (_, ColumnChange::Type(_))));
    assert!(matches!(change("s.x TYPE BIGINT"), (name, ColumnChange::Type(_)) if name == "s.x"));
    assert_eq!(change("a SET NOT NULL").1, ColumnChange::Nullable(false));
    assert_eq!(change("a DROP NOT NULL").1, ColumnChange::Nullable(true));
    assert!(matches!(change("a SET DEFAULT 1 + 1"), (_, ColumnChange::Default(Some(_)))));
    assert_eq!(change("a DROP DEFAULT").1, ColumnChange::Default(None));
    assert_eq!(change("a FIRST").1, ColumnChange::Position(ColumnPosition::First));
    assert_eq!(change("a COMMENT 'x'").1, ColumnChange::Comment(Some("x".to_owned())));
}

#[test]
fn a_list_of_dropped_columns_ends_where_another_operation_begins() {
    let Statement::AlterTable(alter) = read("ALTER TABLE t DROP COLUMN a, b, add, DROP c, SET SCHEMA s") else {
        panic!("not an alter");
    };
    assert_eq!(alter.operations.len(), 5);
    assert!(matches!(&alter.operations[2], AlterOperation::DropColumn { path, .. } if joined(path) == "add"));
}

#[test]
fn the_table_itself_is_altered_too() {
    assert!(matches!(operation("RENAME TO u"), AlterOperation::RenameTable(name) if name.to_string() == "u"));
    assert!(matches!(operation("RENAME to TO u"), AlterOperation::RenameColumn { from, .. } if joined(&from) == "to"));
    assert!(matches!(operation("SET SCHEMA s"), AlterOperation::SetSchema(_)));
    let AlterOperation::SetOptions(options) = operation("SET (team.owner = 'ops')") else { panic!("no options") };
    assert_eq!(pairs(&options), [("team.owner", "ops")]);
    assert_eq!(operation("RESET (team.owner)"), AlterOperation::ResetOptions(vec!["team.owner".to_owned()]));
    assert!(matches!(operation("SORT BY (a DESC)"), AlterOperation::SortBy(keys) if keys.len() == 1));
    assert_eq!(operation("SORT BY ()"), AlterOperation::SortBy(Vec::new()));
    assert!(matches!(operation("ADD CONSTRAINT c CHECK (a > 0)"), AlterOperation::AddConstraint(_)));
    assert!(matches!(operation("ADD PRIMARY KEY (a) NOT ENFORCED"), AlterOperation::AddConstraint(_)));
    assert!(matches!(operation("DROP CONSTRAINT IF EXISTS c"), AlterOperation::DropConstraint { if_exists: true, .. }));
}

#[test]
fn restore_takes_every_spelling_of_a_version() {
    for (sql, expected) in [
        ("RESTORE TABLE t TO VERSION 42", "version 42"),
        ("RESTORE TABLE t TO VERSION AS OF 42", "version 42"),
        ("RESTORE SCHEMA s TO TIMESTAMP '2024-01-31'", "timestamp '2024-01-31'"),
        ("RESTORE LAKE TO TIMESTAMP AS OF now()", "timestamp now()"),
        (
            "RESTORE LAKE TO TIMESTAMP '2024-01-31' - INTERVAL '1 day'",
            "timestamp TIMESTAMP '2024-01-31' - INTERVAL '1 day'",
        ),
        ("RESTORE LAKE TO TAG 'q3-close'", "tag 'q3-close'"),
        ("RESTORE LAKE TO TAG q3", "tag q3"),
        ("RESTORE LAKE TO 42", "auto 42"),
    ] {
        let Statement::Restore(restore) = read(sql) else { panic!("{sql}") };
        assert_eq!(show(&restore.to), expected, "{sql}");
    }
}

#[test]
fn a_clone_may_be_of_a_version() {
    for (sql, expected) in [
        ("CREATE TABLE u CLONE s.t", None),
        ("CREATE OR REPLACE TABLE u SHALLOW CLONE s.t AS OF VERSION 3", Some("version 3")),
        ("CREATE TABLE IF NOT EXISTS u CLONE s.t AT (VERSION => 3)", Some("version 3")),
        ("CREATE TABLE u CLONE s.t FOR SYSTEM_TIME AS OF now()", Some("timestamp now()")),
    ] {
        let Statement::CreateTable(table) = read(sql) else { panic!("{sql}") };
        let source = table.clone_of.unwrap();
        assert_eq!(source.table.to_string(), "s.t", "{sql}");
        assert_eq!(source.as_of.as_ref().map(show).as_deref(), expected, "{sql}");
    }
}

#[test]
fn undrop_and_comment_keep_what_they_are_about() {
    let Statement::Undrop(undrop) = read("UNDROP TABLE s.t RENAME TO u") else { panic!("not an undrop") };
    assert_eq!((undrop.kind, undrop.name.to_string().as_str()), (UndropKind::Table, "s.t"));
    assert_eq!(undrop.rename_to.map(|name| name.value).as_deref(), Some("u"));
    let Statement::Comment(comment) = read("COMMENT ON COLUMN s.t.c IS 'it''s'") else { panic!("not a comment") };
    assert!(matches!(&comment.subject, CommentSubject::Column(name) if name.to_string() == "s.t.c"));
    assert_eq!(comment.text.as_deref(), Some("it's"));
    let Statement::Comment(comment) = read("COMMENT ON TABLE t IS NULL") else { panic!("not a comment") };
    assert_eq!(comment.text, None);
}

#[test]
fn a_view_keeps_the_text_of_its_query() {
    let Statement::CreateView(view) = read("CREATE VIEW s.v (x) AS\n  SELECT a -- the key\n  FROM t AS OF TAG q3 ;")
    else {
        panic!("not a view");
    };
    assert_eq!(view.query_text, "SELECT a -- the key\n  FROM t AS OF TAG q3");
    assert_eq!(view.columns[0].value, "x");
    let Statement::Query(again) = read(&view.query_text) else {
        panic!("not a query");
    };
    assert_eq!(again.to_string(), view.query.to_string());
}

#[test]
fn drops_take_several_names() {
    let Statement::DropTable(tables) = read("DROP TABLE IF EXISTS a, s.b") else {
        panic!("not a drop");
    };
    assert!(tables.if_exists);
    assert_eq!(tables.names.iter().map(|name| name.to_string()).collect::<Vec<_>>(), ["a", "s.b"]);
    assert!(matches!(read("DROP VIEW v"), Statement::DropView(_)));
    assert!(matches!(read("DROP SCHEMA IF EXISTS s"), Statement::DropSchema(_)));
    assert!(
        matches!(read("DROP TAG IF EXISTS q3"), Statement::DropTag(tag) if tag.if_exists && tag.name.value == "q3")
    );
    assert!(matches!(read("CREATE SCHEMA IF NOT EXISTS s"), Statement::CreateSchema(schema) if schema.if_not_exists));
    assert!(matches!(read("CREATE TAG q3"), Statement::CreateTag(tag) if tag.as_of.is_none()));
}

#[test]
fn explain_keeps_its_options() {
    let Statement::Explain(explain) = read("EXPLAIN FORMAT TREE SELECT 1") else {
        panic!("not an explain");
    };
    assert_eq!(explain.options.format, Some(ExplainFormat::Tree));
    let Statement::Explain(explain) = read("EXPLAIN ANALYZE VERBOSE SELECT 1") else {
        panic!("not an explain");
    };
    assert!(explain.options.analyze && explain.options.verbose);
    let Statement::Explain(explain) = read("EXPLAIN (ANALYZE FALSE, FORMAT indent) (SELECT 1)") else {
        panic!("not an explain");
    };
    assert_eq!((explain.options.analyze, explain.options.format), (false, Some(ExplainFormat::Indent)));
    assert!(matches!(read("EXPLAIN (SELECT 1)"), Statement::Explain(_)));
}

#[test]
fn explain_takes_what_a_query_feeds() {
    for (sql, query) in [
        ("EXPLAIN INSERT INTO t BY NAME SELECT 1 AS a", Some("SELECT 1 AS a")),
        ("EXPLAIN INSERT INTO t VALUES (1)", Some("VALUES (1)")),
        ("EXPLAIN CREATE OR REPLACE TABLE t SORT BY (a) AS SELECT 1 AS a", Some("SELECT 1 AS a")),
        ("EXPLAIN COPY (SELECT 1 AS a) TO 'a.csv'", Some("SELECT 1 AS a")),
        ("EXPLAIN COPY t TO 'a.csv'", None),
    ] {
        let statement = read(sql);
        assert_eq!(statement.query().map(ToString::to_string).as_deref(), query, "{sql}");
    }
}

#[test]
fn settings_are_named_in_lower_case() {
    let Statement::Set(set) = read("SET DataFusion.execution.batch_size = 1024") else {
        panic!("not a set");
    };
    assert_eq!((set.name.as_str(), set.values[0].to_string().as_str()), ("datafusion.execution.batch_size", "1024"));
    for (sql, value) in
        [("SET a.b TO on", "on"), ("SET a.b = 'x'", "'x'"), ("SET a.b = true", "true"), ("SET a.b = -1", "-1")]
    {
        let Statement::Set(set) = read(sql) else {
            panic!("not a set");
        };
        assert_eq!(set.values[0].to_string(), value, "{sql}");
    }
    assert!(matches!(read("SET TIME ZONE 'UTC'"), Statement::Set(set) if set.name == "timezone"));
    assert!(matches!(read("SHOW a.b"), Statement::Show(name) if name == "a.b"));
    assert!(matches!(read("SHOW ALL"), Statement::Show(name) if name == "all"));
    assert!(matches!(read("RESET a.b"), Statement::Reset(name) if name == "a.b"));
    assert!(matches!(read("USE s"), Statement::Use(name) if name.value == "s"));
}

#[test]
fn a_session_is_pinned_by_an_expression() {
    for (sql, expected) in [
        ("SET frostline.as_of = 3", Some("3")),
        ("SET frostline.as_of = 'q3-close'", Some("'q3-close'")),
        ("SET Frostline.AS_OF TO now() - INTERVAL '1 day'", Some("now() - INTERVAL '1 day'")),
        ("SET frostline.as_of = NULL", None),
        ("SET frostline.as_of = DEFAULT", None),
        ("RESET frostline.as_of", None),
    ] {
        let Statement::SetAsOf(expr) = read(sql) else {
            panic!("not a pin");
        };
        assert_eq!(expr.map(|expr| expr.to_string()).as_deref(), expected, "{sql}");
    }
}

#[test]
fn prepared_statements_keep_their_text() {
    let Statement::Prepare(prepare) = read("PREPARE p (INT, TEXT) AS SELECT  $1, $2") else {
        panic!("not a prepare");
    };
    assert_eq!(
        (prepare.name.value.as_str(), prepare.data_types.len(), prepare.text.as_str()),
        ("p", 2, "SELECT  $1, $2")
    );
    let Statement::Execute(execute) = read("EXECUTE p (1, 'a')") else {
        panic!("not an execute");
    };
    assert_eq!(execute.parameters.len(), 2);
    assert!(matches!(read("EXECUTE p"), Statement::Execute(execute) if execute.parameters.is_empty()));
    assert!(matches!(read("DEALLOCATE PREPARE p"), Statement::Deallocate(name) if name.value == "p"));
}

#[test]
fn copy_to_takes_a_table_or_a_query() {
    let Statement::CopyTo(copy) = read("COPY s.t TO 'x.parquet' (FORMAT parquet, compression 'zstd(3)')") else {
        panic!("not a copy");
    };
    assert!(matches!(&copy.source, CopySource::Table(name) if name.to_string() == "s.t"));
    assert_eq!((copy.target.as_str(), copy.format.as_deref()), ("x.parquet", Some("parquet")));
    assert_eq!(pairs(&copy.options), [("compression", "zstd(3)")]);
    let Statement::CopyTo(copy) = read("COPY (SELECT 1) TO 'x' STORED AS CSV OPTIONS ('format.has_header' 'true')")
    else {
        panic!("not a copy");
    };
    assert!(matches!(copy.source, CopySource::Query(_)));
    assert_eq!(copy.format.as_deref(), Some("CSV"));
    assert_eq!(pairs(&copy.options), [("format.has_header", "true")]);
}

#[test]
fn copy_from_takes_columns_files_and_options() {
    let Statement::CopyFrom(copy) =
        read("COPY t (a, b) FROM ('1.csv', '2.csv') WITH (FORMAT csv, HEADER, delimiter = ';')")
    else {
        panic!("not a copy");
    };
    assert_eq!(copy.columns.iter().map(|column| column.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(copy.sources, ["1.csv", "2.csv"]);
    assert_eq!(copy.format.as_deref(), Some("csv"));
    assert_eq!(pairs(&copy.options), [("header", "true"), ("delimiter", ";")]);
    assert!(matches!(read("COPY t FROM 'f.csv'"), Statement::CopyFrom(copy) if copy.format.is_none()));
    let Statement::CopyFrom(copy) = read("COPY t FROM 'f' STORED AS CSV") else {
        panic!("not a copy");
    };
    assert_eq!(copy.format.as_deref(), Some("CSV"));
}

#[test]
fn a_transaction_begins_and_ends_in_the_words_of_other_systems() {
    for sql in ["BEGIN", "begin transaction", "BEGIN WORK", "START TRANSACTION", "BEGIN;"] {
        assert_eq!(read(sql), Statement::Begin(TransactionModes::default()), "{sql}");
    }
    for sql in ["COMMIT", "COMMIT WORK", "COMMIT TRANSACTION", "END", "END TRANSACTION", "COMMIT AND NO CHAIN"] {
        let Statement::CommitTransaction(with) = read(sql) else {
            panic!("{sql} does not commit");
        };
        assert!(with.properties.is_empty(), "{sql}");
    }
    for sql in ["ROLLBACK", "ROLLBACK WORK", "ABORT", "ROLLBACK TRANSACTION AND NO CHAIN"] {
        assert_eq!(read(sql), Statement::Rollback, "{sql}");
    }
}

#[test]
fn a_transaction_has_modes() {
    let modes = |isolation, read_only| TransactionModes { isolation, read_only };
    for (sql, expected) in [
        ("BEGIN READ ONLY", modes(None, Some(true))),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", modes(Some(Isolation::Serializable), None)),
        ("START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ WRITE", modes(Some(Isolation::Snapshot), Some(false))),
        ("BEGIN TRANSACTION READ ONLY ISOLATION LEVEL SNAPSHOT", modes(Some(Isolation::Snapshot), Some(true))),
    ] {
        assert_eq!(read(sql), Statement::Begin(expected), "{sql}");
    }
    let set = read("SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
    assert_eq!(set, Statement::SetTransaction(modes(Some(Isolation::Snapshot), None)));
    for sql in ["BEGIN READ ONLY, READ WRITE", "BEGIN DEFERRED", "SET TRANSACTION", "START"] {
        refuse(sql);
    }
}

#[test]
fn commit_says_what_for() {
    let sql = "COMMIT WITH (message => 'it''s done', Author => $1, \"Ticket\" => -7, done => TRUE, cost.eur => 1.50)";
    let Statement::CommitTransaction(with) = read(sql) else {
        panic!("not a commit");
    };
    let text = |text: &str| PropertyValue::Text(text.to_owned());
    let expected = [
        ("message".to_owned(), text("it's done")),
        ("author".to_owned(), PropertyValue::Parameter("$1".to_owned())),
        ("Ticket".to_owned(), text("-7")),
        ("done".to_owned(), text("true")),
        ("cost.eur".to_owned(), text("1.50")),
    ];
    assert_eq!(with.properties, expected);
    for (sql, said) in [
        ("COMMIT WITH (a => 1, a => 2)", "a is given twice; keep one"),
        ("COMMIT WITH (message => 'a', MESSAGE => 'b')", "message is given twice; keep one"),
        ("COMMIT WITH (a = 1)", "expected: => and a value, found: ="),
        ("COMMIT WITH (a => NULL)", "expected: a text in quotes, a number, true, false or a parameter, found: NULL"),
        ("COMMIT WITH (a => 1 + 1)", "expected: , or ) behind a value, found: +"),
        ("COMMIT WITH ()", "expected: a name, found: )"),
        ("COMMIT WITH (isolation => 'snapshot')", "SET frostline.isolation chooses it"),
    ] {
        let error = refuse(sql).to_string();
        assert!(error.contains(said), "{sql}: {error}");
    }
}

#[test]
fn assert_keeps_its_condition_as_typed_and_as_a_query() {
    let Statement::Assert(assert) = read("ASSERT (SELECT count(*) FROM t)  > $1 , 'few rows'") else {
        panic!("not an assertion");
    };
    assert_eq!(assert.text, "(SELECT count(*) FROM t)  > $1");
    assert_eq!(assert.message.as_deref(), Some("few rows"));
    assert_eq!(assert.condition.to_string(), "SELECT 1 WHERE (SELECT count(*) FROM t) > $1");
    let Statement::Assert(assert) = read("ASSERT true") else {
        panic!("not an assertion");
    };
    assert_eq!((assert.text.as_str(), assert.message), ("true", None));
    for sql in ["ASSERT", "ASSERT true, 1", "ASSERT true 'why'"] {
        refuse(sql);
    }
}
