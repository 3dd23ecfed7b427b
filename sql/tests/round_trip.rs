//! COPY … TO a file and back: the same values, in every format and of every type, and NULL is never the empty text.

use std::fs::{self, File};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use frostline_sql::{CreateOptions, Lake, OpenOptions, Session};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::door::{Checked, answer, commit, query};
use crate::lake::{describe, run_to_end};

/// A column of every type that is not nested.
const SCALARS: &str = "
    k BIGINT NOT NULL, b BOOLEAN, i1 TINYINT, i2 SMALLINT, i4 INTEGER, i8 BIGINT,
    u1 TINYINT UNSIGNED, u2 SMALLINT UNSIGNED, u4 INTEGER UNSIGNED, u8 BIGINT UNSIGNED,
    f4 REAL, f8 DOUBLE, d DECIMAL(38, 10), v VARCHAR, x BLOB, dt DATE, t TIME, tn TIME(9),
    ts3 TIMESTAMP(3), ts TIMESTAMP, ts9 TIMESTAMP(9), tz3 TIMESTAMPTZ(3), tz TIMESTAMPTZ, tz9 TIMESTAMPTZ(9)
";

/// Great and small values, and none.
const SCALAR_ROWS: [&str; 4] = [
    "(1, true, 127, 32767, 2147483647, 9223372036854775807, 255, 65535, 4294967295, 18446744073709551615,
      '3.4028235e38', '1.7976931348623157e308', '9999999999999999999999999999.9999999999', 'plain', X'00ff',
      '9999-12-31', '23:59:59.999999', '23:59:59.999999999', '2999-12-31 23:59:59.999', '2999-12-31 23:59:59.999999',
      '2262-04-11 23:47:16.854775807', '2999-12-31T23:59:59.999Z', '2013-07-10T18:00:00+02:00',
      '2013-07-10T18:00:00.000000001Z')",
    "(2, false, -128, -32768, -2147483648, -9223372036854775807, 0, 0, 0, 0,
      '-0.0', 'NaN', '-0.0000000001', '', X'',
      '0001-01-01', '00:00:00', '00:00:00.000000001', '1969-12-31 23:59:59.999', '0001-01-01 00:00:00',
      '1677-09-22 00:00:00', '1970-01-01T00:00:00Z', '1969-12-31T23:59:59.999999Z',
      '1969-12-31T23:59:59.999999999Z')",
    "(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      NULL, NULL, NULL, NULL, NULL)",
    "(4, true, 0, 0, 0, 0, 1, 1, 1, 1,
      '-Infinity', 'Infinity', '0', 'NULL', X'22',
      '2024-02-29', '18:00:00.250', '18:00:00', '2013-07-10 18:00:00', '2013-07-10 18:00:00.125',
      '2013-07-10 18:00:00.000001', '2013-07-10T18:00:00.5Z', '2013-07-10T18:00:00Z', '2013-07-10T18:00:00Z')",
];

/// Texts that a file could take for something else.
const TEXTS: [&str; 11] = [
    "NA",
    " 00501 ",
    " ",
    "a,b;c\td|e",
    "say \"hi\"",
    "it's",
    "'",
    "one\ntwo\r\nthree\r",
    "\\x00",
    "日本 🙂",
    "{\"a\":1}",
];

/// Options that both directions take.
const OPTIONS: [&str; 7] = [
    "(header false)",
    "(header true, delimiter ';')",
    "(quote '''')",
    "(null 'NA')",
    "(header false, delimiter '|', quote '''', null 'plain')",
    "(null '0')",
    "(delimiter ' ')",
];

const NESTED: &str = "
    k BIGINT NOT NULL, l BIGINT[], ll VARCHAR[][], lx BLOB[], s STRUCT<a DOUBLE, b VARCHAR>,
    m MAP(VARCHAR, BIGINT), mk MAP(BIGINT, VARCHAR)
";

/// A new lake in memory.
async fn open(name: &str) -> Lake {
    let location = format!("memory://round-trip-{name}");
    Lake::create(&location, CreateOptions::default()).await.expect("a lake is created");
    Lake::open(&location, OpenOptions::default()).await.expect("the lake opens")
}

fn session(lake: &Lake) -> Session {
    lake.session().with_local_files(true)
}

/// A table `scalars` of every type, with awkward values.
async fn create_scalars(session: &Session) -> Checked {
    commit(session, &format!("CREATE TABLE scalars ({SCALARS})")).await?;
    for row in SCALAR_ROWS {
        commit(session, &format!("INSERT INTO scalars VALUES {row}")).await?;
    }
    for (place, text) in TEXTS.iter().enumerate() {
        let (k, text) = (place + 10, text.replace('\'', "''"));
        commit(session, &format!("INSERT INTO scalars (k, v) VALUES ({k}, '{text}')")).await?;
    }
    Ok(())
}

/// A table `words`: a text, NULL, and the empty text.
async fn create_words(session: &Session) -> Checked<u64> {
    commit(session, "CREATE TABLE words (k BIGINT, word VARCHAR)").await?;
    commit(session, "INSERT INTO words VALUES (1, 'a'), (2, NULL), (3, '')").await
}

/// The rows of a query as text; NULL is `∅`.
async fn rows(session: &Session, sql: &str) -> Checked<Vec<Vec<String>>> {
    let batches: Vec<RecordBatch> = query(session, sql).await?;
    let options = FormatOptions::new().with_null("∅");
    let mut rows: Vec<Vec<String>> = Vec::new();
    for batch in &batches {
        let formatters: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("every type is printed"))
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(formatters.iter().map(|formatter| formatter.value(row).to_string()).collect());
        }
    }
    Ok(rows)
}

/// Writes a table to a file and reads the file into another table of the same columns.
async fn check_round_trip(session: &Session, table: &str, file: &Path, options: &str) -> Checked {
    let path = file.display();
    query(session, &format!("COPY {table} TO '{path}' {options}")).await?;
    commit(session, &format!("CREATE TABLE back LIKE {table}")).await?;
    commit(session, &format!("COPY back FROM '{path}' {options}")).await?;
    let kept = rows(session, &format!("SELECT * FROM {table} ORDER BY k")).await?;
    let back = rows(session, "SELECT * FROM back ORDER BY k").await?;
    commit(session, "DROP TABLE back").await?;
    if kept.is_empty() || kept != back {
        return Err(format!("`{path}` {options}: {kept:#?} came back as {back:#?}"));
    }
    Ok(())
}

/// Runs a statement that must fail, and gives what its error says.
async fn refusal(session: &Session, sql: &str) -> Checked<String> {
    match answer(session, sql).await {
        Ok(answer) => Err(format!("`{sql}` gave {answer:?}")),
        Err(error) => Ok(describe(&error)),
    }
}

#[test]
fn every_scalar_comes_back_from_every_format() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("scalars").await);
        create_scalars(&session).await.unwrap();
        for name in ["a.csv", "a.tsv", "a.jsonl", "a.parquet"] {
            check_round_trip(&session, "scalars", &folder.path().join(name), "").await.unwrap();
        }
    });
}

#[test]
fn options_of_csv_are_the_same_both_ways() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("options").await);
        create_scalars(&session).await.unwrap();
        for (place, options) in OPTIONS.iter().enumerate() {
            let file = folder.path().join(format!("{place}.csv"));
            check_round_trip(&session, "scalars", &file, options).await.unwrap();
        }
    });
}

#[test]
fn nested_values_come_back_from_json_and_parquet_and_are_text_in_csv() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("nested").await);
        commit(&session, &format!("CREATE TABLE nested ({NESTED})")).await.unwrap();
        for sql in [
            "INSERT INTO nested SELECT 1, [1, 2], [['a', ''], ['b']], [X'00ff', X''], \
             named_struct('a', CAST('NaN' AS DOUBLE), 'b', ''), map(['x', 'y'], [1, 2]), map([7], ['seven'])",
            "INSERT INTO nested VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL)",
            "INSERT INTO nested (k, l, s) SELECT 3, [1, NULL], \
             named_struct('a', CAST(NULL AS DOUBLE), 'b', CAST(NULL AS VARCHAR))",
            "INSERT INTO nested (k, l) VALUES (4, []), (5, [9])",
        ] {
            commit(&session, sql).await.unwrap();
        }
        for name in ["a.json", "a.parquet"] {
            check_round_trip(&session, "nested", &folder.path().join(name), "").await.unwrap();
        }

        let file = folder.path().join("a.csv");
        let path = file.display();
        query(&session, &format!("COPY (SELECT k, l FROM nested WHERE k = 3) TO '{path}'")).await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "k,l\n3,\"[1,null]\"\n");
        let read = rows(&session, &format!("SELECT l FROM read_csv('{path}')")).await.unwrap();
        assert_eq!(read, [["[1,null]"]]);
        let told = refusal(&session, &format!("COPY nested (k, l) FROM '{path}'")).await.unwrap();
        assert!(told.contains("a CSV file holds scalars only"), "{told}");
    });
}

#[test]
fn null_is_not_the_empty_text_in_any_file() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("words").await);
        create_words(&session).await.unwrap();
        for (name, written) in [
            ("a.csv", "k,word\n1,a\n2,\n3,\"\"\n"),
            ("a.tsv", "k\tword\n1\ta\n2\t\n3\t\"\"\n"),
            ("a.jsonl", "{\"k\":1,\"word\":\"a\"}\n{\"k\":2,\"word\":null}\n{\"k\":3,\"word\":\"\"}\n"),
            ("a.parquet", "PAR1"),
        ] {
            let file = folder.path().join(name);
            let path = file.display();
            query(&session, &format!("COPY (SELECT * FROM words ORDER BY k) TO '{path}'")).await.unwrap();
            assert!(fs::read(&file).unwrap().starts_with(written.as_bytes()), "{name}");
            let read = rows(&session, &format!("SELECT k, word FROM '{path}' ORDER BY k")).await.unwrap();
            assert_eq!(read, [["1", "a"], ["2", "∅"], ["3", ""]], "{name}");
        }

        let file = folder.path().join("one.csv");
        let path = file.display();
        query(&session, &format!("COPY (SELECT word FROM words ORDER BY k) TO '{path}'")).await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "word\na\n\n\"\"\n");
        let read = rows(&session, &format!("SELECT word FROM '{path}' ORDER BY word NULLS LAST")).await.unwrap();
        assert_eq!(read, [[""], ["a"], ["∅"]]);
    });
}

#[test]
fn a_parquet_file_says_which_version_of_which_lake_it_is() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let lake = open("provenance").await;
        let session = session(&lake);
        let version = create_words(&session).await.unwrap();
        let file = folder.path().join("a.parquet");
        query(&session, &format!("COPY words TO '{}'", file.display())).await.unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap();
        let metadata = &builder.schema().metadata;
        assert_eq!(metadata.get("frostline.version"), Some(&version.to_string()));
        assert_eq!(metadata.get("frostline.lake_id"), Some(&lake.id().to_string()));

        commit(&session, "INSERT INTO words VALUES (4, 'b')").await.unwrap();
        let past = format!("COPY (SELECT * FROM words AS OF VERSION {version}) TO '{}'", file.display());
        query(&session, &past).await.unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap();
        assert_eq!(builder.schema().metadata.get("frostline.version"), Some(&version.to_string()));
    });
}

#[test]
fn columns_are_read_in_the_order_in_which_they_are_named() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("order").await);
        let columns = "a VARCHAR, b VARCHAR, c VARCHAR DEFAULT uuid()";
        commit(&session, &format!("CREATE TABLE pairs ({columns})")).await.unwrap();
        let file = folder.path().join("a.csv");
        fs::write(&file, "x,1\ny,2\n").unwrap();
        let path = file.display();
        commit(&session, &format!("COPY pairs (b, a) FROM '{path}' (header false)")).await.unwrap();
        assert_eq!(rows(&session, "SELECT a, b FROM pairs ORDER BY a").await.unwrap(), [["1", "x"], ["2", "y"]]);
        // A default that is another each time is another in each row.
        assert_eq!(rows(&session, "SELECT count(DISTINCT c) FROM pairs").await.unwrap(), [["2"]]);
        let told = refusal(&session, &format!("COPY pairs (a, a) FROM '{path}' (header false)")).await.unwrap();
        assert_eq!(told, "column `a` is named twice");
    });
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_a_link_stays_a_link() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("places").await);
        create_words(&session).await.unwrap();
        let words = "k,word\n1,a\n2,\n3,\"\"\n";

        let (file, link) = (folder.path().join("file.csv"), folder.path().join("link.csv"));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        query(&session, &format!("COPY (SELECT * FROM words ORDER BY k) TO '{}'", link.display())).await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), words);
        assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());

        let pipe = folder.path().join("pipe.csv");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe)
        });
        query(&session, &format!("COPY (SELECT * FROM words ORDER BY k) TO '{}'", pipe.display())).await.unwrap();
        assert!(std::os::unix::fs::FileTypeExt::is_fifo(&fs::metadata(&pipe).unwrap().file_type()));
        assert_eq!(reader.join().unwrap().unwrap(), words);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    });
}

#[test]
fn options_that_cannot_be_honoured_are_errors_and_leave_no_file() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("refused").await);
        create_words(&session).await.unwrap();
        for (name, options, expected) in [
            (
                "a.csv",
                "(compression 'zstd')",
                "COPY TO has no option `compression`; there are format, header, delimiter, quote and null",
            ),
            ("a.csv", "(header perhaps)", "option `header` is true or false, not `perhaps`"),
            ("a.parquet", "(header true)", "option `header` is for csv and tsv, not for parquet; leave it out"),
            ("a.jsonl", "(null 'NA')", "option `null` is for csv and tsv, not for json; leave it out"),
            (
                "a.csv",
                "(null ',')",
                "the option `null` must hold no delimiter, quote or line end: NULL is written without quotes",
            ),
            (
                "a.csv",
                "(delimiter '\"')",
                "the option `delimiter` must be one ASCII character, neither a line end nor the same as `quote`",
            ),
        ] {
            let file = folder.path().join(name);
            let told = refusal(&session, &format!("COPY words TO '{}' {options}", file.display())).await.unwrap();
            assert_eq!(told, expected);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    });
}

#[test]
fn a_query_that_fails_leaves_the_file_as_it_was() {
    run_to_end(|| async {
        let folder: TempDir = tempfile::tempdir().unwrap();
        let session = session(&open("failed").await);
        create_words(&session).await.unwrap();
        for name in ["a.csv", "a.jsonl", "a.parquet"] {
            let file = folder.path().join(name);
            fs::write(&file, "before").unwrap();
            let sql = format!("COPY (SELECT 10 / (k - 2) AS q FROM words) TO '{}'", file.display());
            refusal(&session, &sql).await.unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), "before");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    });
}
