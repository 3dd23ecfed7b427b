//! Files as relations: the same rows whatever reads them, only the columns that are asked for, and errors that name the
//! file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{
    Array, ArrayRef, Float64Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    TimestampSecondArray,
};
use arrow::datatypes::Schema;
use arrow::util::display::array_value_to_string;
use frostline_sql::{CreateOptions, Error, Lake, OpenOptions, Parameters};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use crate::lake::{describe, run_to_end};

/// A folder of files, and questions about them. `~` in a question stands for the folder.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for temporary files"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), bytes).expect("the folder takes a file");
    }

    /// The rows of a query, values apart by `|`, or the error.
    fn ask(&self, sql: &str) -> Vec<String> {
        let folder = self.path().display().to_string();
        let sql = sql.replace('~', &folder);
        match run_to_end(move || async move { rows(&sql).await }) {
            Ok(rows) => rows,
            Err(error) => vec![describe(&error).replace(&folder, "~")],
        }
    }

    #[track_caller]
    fn check(&self, sql: &str, expected: &[&str]) {
        assert_eq!(self.ask(sql), expected, "{sql}");
    }

    /// The plan of a query, as one text.
    fn explain(&self, sql: &str) -> String {
        self.ask(&format!("EXPLAIN {sql}")).join("\n")
    }
}

async fn rows(sql: &str) -> Result<Vec<String>, Error> {
    static LAKES: AtomicUsize = AtomicUsize::new(0);
    let location = format!("memory://files-{}", LAKES.fetch_add(1, Ordering::Relaxed));
    Lake::create(&location, CreateOptions::default()).await?;
    let lake = Lake::open(&location, OpenOptions::default()).await?;
    let session = lake.session().with_local_files(true);
    let batches = session.sql(sql, &Parameters::none()).await?.into_rows()?.collect().await?;
    Ok(batches.iter().flat_map(shown).collect())
}

fn shown(batch: &RecordBatch) -> Vec<String> {
    let value = |column: &ArrayRef, row: usize| match column.is_null(row) {
        true => "NULL".to_owned(),
        false => array_value_to_string(column, row).expect("a value that can be shown"),
    };
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| value(column, row)).collect::<Vec<String>>().join("|"))
        .collect()
}

fn column(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// A Parquet file with row groups of at most so many rows.
fn parquet_of(columns: Vec<(&str, ArrayRef)>, group_rows: usize) -> Vec<u8> {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a schema that Parquet has");
    writer.write(&batch).expect("rows of the schema");
    writer.into_inner().expect("a footer")
}

/// Three columns whose names are folded, of types that tables encode otherwise.
fn trades() -> Vec<u8> {
    let columns = vec![
        ("Id", column(Int64Array::from(vec![Some(1), Some(2), None, Some(4)]))),
        ("NAME", column(LargeStringArray::from(vec![Some("a"), None, Some(""), Some("d")]))),
        ("at", column(TimestampSecondArray::from(vec![0, 1, 2, 3]))),
    ];
    parquet_of(columns, 2)
}

#[test]
fn columns_are_called_and_typed_as_in_tables() {
    let folder = Folder::new();
    folder.write("a.parquet", trades());
    folder.check(
        "SELECT * FROM '~/a.parquet'",
        &[
            "1|a|1970-01-01T00:00:00",
            "2|NULL|1970-01-01T00:00:01",
            "NULL||1970-01-01T00:00:02",
            "4|d|1970-01-01T00:00:03",
        ],
    );
    folder.check("SELECT name, id FROM '~/a.parquet' WHERE id > 1 ORDER BY id", &["NULL|2", "d|4"]);
    folder.check("SELECT id FROM '~/a.parquet' WHERE name = 'd'", &["4"]);
    folder.check("SELECT id FROM '~/a.parquet' WHERE at = TIMESTAMP '1970-01-01 00:00:01'", &["2"]);
    folder.check("SELECT \"Id\" FROM read_parquet('~/a.parquet', keep_case => true) WHERE \"NAME\" = 'a'", &["1"]);
    folder.check("SELECT count(*), count(id), sum(id) FROM '~/a.parquet'", &["4|3|7"]);
    folder.check("SELECT id FROM '~/a.parquet' ORDER BY id DESC NULLS LAST LIMIT 2", &["4", "2"]);
    folder.check("SELECT id FROM '~/a.parquet' LIMIT 1", &["1"]);
}

#[test]
fn only_the_columns_of_a_query_are_read() {
    let folder = Folder::new();
    folder.write("a.parquet", trades());
    let plan = folder.explain("SELECT sum(id) FROM '~/a.parquet' WHERE id > 1");
    assert!(plan.contains("DataSourceExec") && plan.contains("projection=[id]"), "{plan}");
    assert!(plan.contains("file_type=parquet") && plan.contains("pruning_predicate="), "{plan}");
    let plan = folder.explain("SELECT count(*) FROM '~/a.parquet'");
    assert!(!plan.contains("DataSourceExec"), "the footers know: {plan}");
    folder.write("a.csv", "a,b\n1,x\n2,y\n");
    let plan = folder.explain("SELECT a FROM '~/a.csv'");
    assert!(plan.contains("projection=[a]"), "{plan}");
    folder.check("SELECT b FROM '~/a.csv' WHERE a = 2", &["y"]);
    folder.check("SELECT count(*) FROM '~/a.csv'", &["2"]);
    folder.write("a.json", "{\"a\": 1, \"b\": [1, 2]}\n{\"a\": 3}\n");
    folder.check("SELECT sum(a) FROM '~/a.json'", &["4"]);
    folder.check("SELECT count(*) FROM '~/a.json'", &["2"]);
}

#[test]
fn a_large_file_is_read_by_several_threads_and_every_row_once() {
    let folder = Folder::new();
    let numbers: Vec<i64> = (0..200_000_i64).map(|row| row.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)).collect();
    let sum = numbers.iter().fold(0_i64, |sum, number| sum.wrapping_add(number % 1_000));
    let wide: Vec<String> = numbers.iter().map(|number| format!("{number:064x}")).collect();
    let columns = vec![("n", column(Int64Array::from(numbers))), ("t", column(StringArray::from(wide)))];
    folder.write("a.parquet", parquet_of(columns, 10_000));
    let expected = format!("{sum}|200000|200000");
    folder.check("SELECT sum(n % 1000), count(t), count(DISTINCT n) FROM '~/a.parquet'", &[expected.as_str()]);
}

#[test]
fn files_of_one_relation_may_order_and_spell_their_columns_as_they_like() {
    let folder = Folder::new();
    let (small, large) = (column(Int32Array::from(vec![1, 2])), column(Int64Array::from(vec![1_i64 << 40])));
    let (first, second) = (column(StringArray::from(vec!["a", "b"])), column(StringArray::from(vec!["c"])));
    folder.write("a.parquet", parquet_of(vec![("x", small), ("y", first)], 10));
    folder.write("b.parquet", parquet_of(vec![("Y", second), ("X", large)], 10));
    folder.check("SELECT * FROM '~/*.parquet' ORDER BY x", &["1|a", "2|b", "1099511627776|c"]);
    folder.check("SELECT y FROM '~/*.parquet' WHERE x > 1 ORDER BY y", &["b", "c"]);
    folder.check("SELECT count(*) FROM read_parquet(['~/a.parquet', '~/b.parquet'])", &["3"]);
    folder.write("c.parquet", parquet_of(vec![("x", column(Int32Array::from(vec![1])))], 10));
    folder.check(
        "SELECT count(*) FROM '~/*.parquet'",
        &["`~/c.parquet` has no column `y`, which `~/a.parquet` has; \
           all files of an import must have the same columns"],
    );
}

#[test]
fn values_that_no_common_type_holds_are_refused_with_their_row() {
    let folder = Folder::new();
    folder.write("a.parquet", parquet_of(vec![("x", column(Float64Array::from(vec![0.5])))], 10));
    folder.write("b.parquet", parquet_of(vec![("x", column(Int64Array::from(vec![1, 2])))], 10));
    folder.check("SELECT sum(x) FROM '~/*.parquet'", &["3.5"]);
    folder.write("b.parquet", parquet_of(vec![("x", column(Int64Array::from(vec![1, (1_i64 << 53) + 1])))], 10));
    folder.check(
        "SELECT sum(x) FROM '~/*.parquet'",
        &["`~/b.parquet`, row 2, column `x`: `9007199254740993` is not a valid double; \
           declare another type for the column, or raise `--sample-rows` if its type was inferred"],
    );
}

#[test]
fn no_filter_loses_rows_with_nan() {
    let folder = Folder::new();
    let floats = Float64Array::from(vec![Some(1.0), Some(f64::NAN), None, Some(3.0)]);
    folder.write("a.parquet", parquet_of(vec![("f", column(floats))], 2));
    folder.check("SELECT f FROM '~/a.parquet' WHERE f > 100", &["NaN"]);
    folder.check("SELECT max(f), min(f), count(f), count(*) FROM '~/a.parquet'", &["NaN|1.0|3|4"]);
    folder.check("SELECT count(*) FROM '~/a.parquet' WHERE f IS NULL", &["1"]);
}

#[test]
fn a_file_without_rows_has_columns_and_one_without_columns_is_refused() {
    let folder = Folder::new();
    folder.write("a.parquet", parquet_of(vec![("a", column(Int64Array::from(Vec::<i64>::new())))], 10));
    folder.check("SELECT a FROM '~/a.parquet'", &[]);
    folder.check("SELECT count(*), sum(a) FROM '~/a.parquet'", &["0|NULL"]);
    let writer = ArrowWriter::try_new(Vec::new(), Arc::new(Schema::empty()), None).unwrap();
    folder.write("b.parquet", writer.into_inner().unwrap());
    let found = folder.ask("SELECT count(*) FROM '~/b.parquet'").join(" ");
    assert!(found.starts_with("`~/b.parquet` "), "{found}");
}

#[test]
fn columns_whose_names_fold_to_one_are_refused() {
    let folder = Folder::new();
    let ones = || column(Int64Array::from(vec![1]));
    folder.write("a.parquet", parquet_of(vec![("Id", ones()), ("ID", ones())], 10));
    folder.check(
        "SELECT * FROM '~/a.parquet'",
        &["`~/a.parquet` has two columns with the name `id`: `Id` and `ID`; rename one, \
           or keep upper and lower case apart with `--keep-case`"],
    );
    folder.check("SELECT * FROM read_parquet('~/a.parquet', keep_case => true)", &["1|1"]);
}

#[test]
fn a_file_that_was_cut_off_or_wiped_is_an_error_that_names_it() {
    let folder = Folder::new();
    let bytes = parquet_of(vec![("n", column(Int64Array::from((0..100).collect::<Vec<i64>>())))], 1_000);
    folder.write("a.parquet", &bytes[..bytes.len() / 2]);
    let found = folder.ask("SELECT n FROM '~/a.parquet'").join(" ");
    assert!(found.starts_with("`~/a.parquet` is damaged at its footer, or is not a Parquet file"), "{found}");
    let mut wiped = bytes.clone();
    wiped[4..64].fill(0);
    folder.write("a.parquet", &wiped);
    let found = folder.ask("SELECT sum(n) FROM '~/a.parquet'").join(" ");
    assert!(found.starts_with("`~/a.parquet` is damaged at "), "{found}");
}

/// Each byte before the footer is altered in turn. Whatever comes of it, it is rows or an error that names the file.
#[test]
fn no_altered_byte_ends_the_process() {
    let folder = Folder::new();
    let texts: Vec<&str> = ["some", "text", "more"].into_iter().cycle().take(60).collect();
    let columns =
        vec![("n", column(Int64Array::from((0..60).collect::<Vec<i64>>()))), ("t", column(StringArray::from(texts)))];
    let bytes = parquet_of(columns, 20);
    let (_, tail) = bytes.split_at(bytes.len() - 8);
    let footer_bytes = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
    let end = bytes.len() - 8 - footer_bytes;
    for place in (4..end).step_by((end / 60).max(1)) {
        let mut altered = bytes.clone();
        altered[place] ^= 0xff;
        folder.write("a.parquet", &altered);
        let found = folder.ask("SELECT t, sum(n) FROM '~/a.parquet' WHERE n > 3 GROUP BY t");
        let refused = found.len() == 1 && found[0].contains("~/a.parquet");
        let read = found.iter().all(|row| row.contains('|'));
        assert!(refused || read, "byte {place}: {found:?}");
    }
}
