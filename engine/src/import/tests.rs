//! Whole imports: files in, rows or the exact message out.

mod damage;

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{
    Array, ArrayRef, Float64Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, TimestampSecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::util::display::array_value_to_string;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> SourceFile {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let files = resolve_sources(&[path.to_string_lossy().into_owned()], None).unwrap();
        files.into_iter().next().unwrap()
    }

    /// A message without the folder's random name.
    fn plain(&self, error: &ImportError) -> String {
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }

    fn infer(&self, files: &[SourceFile], options: &ImportOptions) -> Result<String, String> {
        infer_schema(files, options).map(|schema| show_schema(&schema)).map_err(|error| self.plain(&error))
    }

    fn read(&self, files: &[SourceFile], schema: &SchemaRef, options: &ImportOptions) -> Result<Vec<String>, String> {
        self.rows(open(files.to_vec(), Arc::clone(schema), options.clone()))
    }

    fn rows(&self, reader: ImportReader) -> Result<Vec<String>, String> {
        let schema = reader.schema();
        let mut rows: Vec<String> = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|error| self.plain(&error))?;
            assert_eq!(batch.schema(), schema);
            rows.extend(show_rows(&batch));
        }
        Ok(rows)
    }

    /// The inferred columns, then the rows.
    fn import(&self, files: &[SourceFile], options: &ImportOptions) -> Result<Vec<String>, String> {
        let schema = infer_schema(files, options).map_err(|error| self.plain(&error))?;
        let mut shown = vec![show_schema(&schema)];
        shown.extend(self.rows(open(files.to_vec(), schema, options.clone()).with_inferred_types())?);
        Ok(shown)
    }
}

fn show_schema(schema: &Schema) -> String {
    let columns: Vec<String> =
        schema.fields().iter().map(|field| format!("{} {}", field.name(), sql_type_name(field.data_type()))).collect();
    columns.join(", ")
}

fn show_rows(batch: &RecordBatch) -> Vec<String> {
    (0..batch.num_rows())
        .map(|row| {
            let values: Vec<String> =
                batch
                    .columns()
                    .iter()
                    .map(|column| {
                        if column.is_null(row) {
                            "NULL".to_owned()
                        } else {
                            array_value_to_string(column, row).unwrap()
                        }
                    })
                    .collect();
            values.join("|")
        })
        .collect()
}

fn defaults() -> ImportOptions {
    ImportOptions::default()
}

fn sampled(sample_rows: usize) -> ImportOptions {
    ImportOptions { sample_rows, ..defaults() }
}

fn table(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields: Vec<Field> =
        columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect();
    Arc::new(Schema::new(fields))
}

fn check(name: &str, bytes: impl AsRef<[u8]>, options: &ImportOptions, expected: &[&str]) {
    let folder = Folder::new();
    let file = folder.write(name, bytes);
    assert_eq!(folder.import(&[file], options).unwrap(), expected);
}

fn refuse(name: &str, bytes: impl AsRef<[u8]>, options: &ImportOptions, expected: &str) {
    let folder = Folder::new();
    let file = folder.write(name, bytes);
    assert_eq!(folder.import(&[file], options).unwrap_err(), expected);
}

#[test]
fn csv_tells_null_from_the_empty_text() {
    check(
        "a.csv",
        "Id,name,zip\r\n1,\"\",00501\r\n2,,10115\r\n3,\"a \"\"b\"\",\r\nc\",\" \"\r\n",
        &defaults(),
        &["id bigint, name text, zip text", "1||00501", "2|NULL|10115", "3|a \"b\",\r\nc| "],
    );
}

#[test]
fn csv_types_are_inferred_without_losing_anything() {
    check(
        "a.csv",
        "\u{feff}b;n;big;d;day;at;utc;mixed\n\
         true;1;9223372036854775808;1;2024-02-29;2024-02-29 10:00;2024-02-29T10:00:00+02:00;1\n\
         false;-2;1;0.5;2024-03-01;2024-03-01T00:00:00.5;2024-02-29T10:00:00Z;x\n",
        &defaults(),
        &[
            "b boolean, n bigint, big decimal(38, 0), d double, day date, at timestamp, \
             utc timestamp with time zone, mixed text",
            "true|1|9223372036854775808|1.0|2024-02-29|2024-02-29T10:00:00|2024-02-29T08:00:00Z|1",
            "false|-2|1|0.5|2024-03-01|2024-03-01T00:00:00.500|2024-02-29T10:00:00Z|x",
        ],
    );
}

#[test]
fn a_header_alone_has_columns_of_text_and_no_rows() {
    check("a.csv", "a,b\n", &defaults(), &["a text, b text"]);
    check("a.csv", "a,b", &defaults(), &["a text, b text"]);
}

#[test]
fn an_empty_file_is_refused() {
    let message = "is empty: it has no header and no rows, so it has no columns";
    refuse("a.csv", "", &defaults(), &format!("`a.csv` {message}"));
    refuse("a.csv", "\n\n", &defaults(), &format!("`a.csv` {message}"));
    refuse("a.json", " \n", &defaults(), &format!("`a.json` {message}"));
    refuse("a.json", "[]", &defaults(), &format!("`a.json` {message}"));
    refuse("a.parquet", "", &defaults(), &format!("`a.parquet` {message}"));
}

#[test]
fn a_file_without_header_is_numbered() {
    check("a.csv", "1,2024-01-01\n2,\n", &defaults(), &["column1 bigint, column2 date", "1|2024-01-01", "2|NULL"]);
    let without = ImportOptions { header: Some(false), ..defaults() };
    check("a.csv", "a,b\nc,d\n", &without, &["column1 text, column2 text", "a|b", "c|d"]);
    let with = ImportOptions { header: Some(true), ..defaults() };
    check("a.csv", "2023,2024\n1,2\n", &with, &["2023 bigint, 2024 bigint", "1|2"]);
}

#[test]
fn one_column_keeps_its_blank_lines() {
    check("a.csv", "x\n1\n\n2\n", &defaults(), &["x bigint", "1", "NULL", "2"]);
    check("a.csv", "x,y\n1,2\n\n3,4\n", &defaults(), &["x bigint, y bigint", "1|2", "3|4"]);
}

#[test]
fn texts_for_null_are_what_the_options_say() {
    let options = ImportOptions { null_text: vec!["NA".to_owned()], ..defaults() };
    check("a.csv", "n,t\n1,NA\nNA,\"NA\"\n,\n", &options, &["n bigint, t text", "1|NULL", "NULL|NA", "NULL|"]);
}

#[test]
fn tabs_and_other_delimiters_are_known() {
    check("a.tsv", "a\tb,c\n1\tx,y\n", &defaults(), &["a bigint, b,c text", "1|x,y"]);
    let options = ImportOptions { delimiter: Some(b'#'), quote: None, ..defaults() };
    check("a.csv", "a#b\n\"1#\"\n", &options, &["a text, b text", "\"1|\""]);
}

#[test]
fn a_ragged_row_is_refused_with_its_line() {
    refuse(
        "a.csv",
        "a,b\n\"x\ny\",1\n3\n",
        &defaults(),
        "`a.csv`, row 2 (line 4): found 1 fields, expected 2; \
         look for a missing or stray delimiter or quote, or set `--delimiter`",
    );
}

#[test]
fn broken_quotes_are_refused_with_their_line() {
    refuse(
        "a.csv",
        "a,b\n1,2\n3,\"x\n",
        &defaults(),
        "`a.csv`, row 2 (line 3): a quote is opened and never closed; close it, or set `--quote`",
    );
    refuse(
        "a.csv",
        "a,b\n\"1\"2,3\n",
        &defaults(),
        "`a.csv`, row 1 (line 2): text follows a closing quote; a quote inside a quoted field is written twice",
    );
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_place() {
    refuse(
        "a.csv",
        b"a,b\n1,x\n2,\xff\n",
        &defaults(),
        "`a.csv`, row 2 (line 3), column `b`: not UTF-8 at byte 10 of the file; convert the file to UTF-8",
    );
}

#[test]
fn columns_with_one_name_are_refused() {
    let message = "`a.csv` has two columns with the name `id`: `Id` and `ID`; rename one, \
                   or keep upper and lower case apart with `--keep-case`";
    refuse("a.csv", "Id,ID\n1,2\n", &defaults(), message);
    let options = ImportOptions { keep_case: true, ..defaults() };
    check("a.csv", "Id,ID\n1,2\n", &options, &["Id bigint, ID bigint", "1|2"]);
}

#[test]
fn a_value_that_changes_the_type_after_the_sample_is_refused() {
    let mut text = String::from("n,v\n");
    for row in 1..=20_000 {
        let value = if row == 10_001 { "abc" } else { "1" };
        text.push_str(&format!("{row},{value}\n"));
    }
    refuse(
        "a.csv",
        &text,
        &sampled(100),
        "`a.csv`, row 10001 (line 10002), column `v`: `abc` is not a valid bigint; \
         declare another type for the column, or raise `--sample-rows` if its type was inferred",
    );
    let folder = Folder::new();
    let file = folder.write("a.csv", &text);
    assert_eq!(folder.infer(&[file], &defaults()).unwrap(), "n bigint, v text");
}

#[test]
fn a_value_behind_the_sample_is_held_to_what_inference_would_take() {
    for (name, text, found, expected) in [
        ("zip.csv", "v\n90210\n10115\n00501\n", "00501", "bigint"),
        ("phone.csv", "v\n4930\n4931\n+4932\n", "+4932", "bigint"),
        ("flag.csv", "v\ntrue\nfalse\n1\n", "1", "boolean"),
        ("double.csv", "v\n0.5\n1\n9007199254740993\n", "9007199254740993", "double"),
        ("fraction.csv", "v\n0.5\n1\n9007199254740993.25\n", "9007199254740993.25", "double"),
        ("at.csv", "v\n2024-01-01 10:00Z\n2024-01-01 10:00+02\n2024-01-02\n", "2024-01-02", "timestamp with time zone"),
        ("code.json", "\n{\"v\": 1}\n{\"v\": 2}\n{\"v\": \"007\"}\n", "007", "bigint"),
        ("list.json", "\n{\"v\": [1]}\n{\"v\": []}\n{\"v\": [1, \"007\"]}\n", "007", "bigint[]"),
    ] {
        let message = format!(
            "`{name}`, row 3 (line 4), column `v`: `{found}` is not a valid {expected}; \
             declare another type for the column, or raise `--sample-rows` if its type was inferred"
        );
        refuse(name, text, &sampled(2), &message);
        let folder = Folder::new();
        let file = folder.write(name, text);
        if name.ends_with("csv") {
            assert_eq!(folder.infer(&[file], &defaults()).unwrap(), "v text", "{name}");
        }
    }
}

#[test]
fn a_number_too_small_for_a_double_is_not_zero() {
    check("a.csv", "v\n1e-400\n", &defaults(), &["v text", "1e-400"]);
    let folder = Folder::new();
    let file = folder.write("a.csv", "v\n1e-400\n");
    let error = folder.read(&[file], &table(&[("v", DataType::Float64)]), &defaults()).unwrap_err();
    assert!(error.starts_with("`a.csv`, row 1 (line 2), column `v`: `1e-400` is not a valid double"), "{error}");
}

#[cfg(unix)]
fn pipe(folder: &Folder, name: &str) -> String {
    let path = folder.0.path().join(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path.to_string_lossy().into_owned()
}

#[cfg(unix)]
#[test]
fn a_pipe_gives_all_its_rows_and_leaves_no_copy() {
    let folder = Folder::new();
    let rows: i64 = 50_000;
    for format in [FileFormat::Csv, FileFormat::Json, FileFormat::Parquet] {
        let name = pipe(&folder, format.name());
        let lines = |line: fn(i64) -> String| (0..rows).map(line).collect::<String>();
        let bytes: Vec<u8> = match format {
            FileFormat::Csv => format!("a\n{}", lines(|n| format!("{n}\n"))).into_bytes(),
            FileFormat::Json => lines(|n| format!("{{\"a\": {n}}}\n")).into_bytes(),
            _ => parquet(vec![("a", column(Int64Array::from_iter_values(0..rows)))]),
        };
        let length = bytes.len() as u64;
        let to = name.clone();
        let writer = std::thread::spawn(move || std::fs::write(to, bytes).unwrap());
        let files = resolve_sources(std::slice::from_ref(&name), Some(format)).unwrap();
        writer.join().unwrap();
        assert_eq!((files[0].path.as_path(), files[0].size_bytes), (std::path::Path::new(&name), length));
        let copy = files[0].content().to_path_buf();
        assert!(copy.exists());

        let schema = infer_schema(&files, &defaults()).unwrap();
        assert_eq!(show_schema(&schema), "a bigint");
        let mut reader = open(files, schema, defaults()).with_inferred_types();
        let found: usize = reader.by_ref().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(found as i64, rows, "{format}");
        assert_eq!((reader.progress().bytes_read(), reader.progress().size_bytes()), (length, length), "{format}");
        drop(reader);
        assert!(!copy.exists());
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_named_in_errors_as_it_was_named() {
    let folder = Folder::new();
    let name = pipe(&folder, "rows");
    let to = name.clone();
    let writer = std::thread::spawn(move || std::fs::write(to, "a\nx\n").unwrap());
    let files = resolve_sources(std::slice::from_ref(&name), Some(FileFormat::Csv)).unwrap();
    writer.join().unwrap();
    let error = folder.read(&files, &table(&[("a", DataType::Int64)]), &defaults()).unwrap_err();
    assert!(error.starts_with("`rows`, row 1 (line 2), column `a`: `x` is not a valid bigint"), "{error}");

    // Nobody writes: the name is looked at before the pipe is opened.
    let error = resolve_sources(&[name], None).unwrap_err();
    assert!(folder.plain(&error).contains("the name of `rows`, which is no regular file"), "{error}");
    assert!(error.to_string().contains("`--format csv`"), "{error}");
}

#[test]
fn a_table_says_what_its_columns_are() {
    let folder = Folder::new();
    let file = folder.write("a.csv", "Zip,price\n00501,1.5\n");
    let schema = table(&[("price", DataType::Decimal128(10, 2)), ("zip", DataType::Int32)]);
    assert_eq!(folder.read(&[file], &schema, &defaults()).unwrap(), vec!["1.50|501"]);

    let file = folder.write("b.csv", "zip\n1\n");
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`b.csv` has no column `price`, which the table has; its columns are `zip`"
    );
    let file = folder.write("c.csv", "zip,price,extra\n1,2,3\n");
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`c.csv` has a column `extra`, which the table has not; the table's columns are `price`, `zip`"
    );
    let file = folder.write("d.csv", "1,2,3\n");
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`d.csv` has 3 columns and no header, but the table has 2 columns"
    );
    let file = folder.write("e.csv", "1.255,2\n");
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`e.csv`, row 1 (line 1), column `price`: `1.255` is not a valid decimal(10, 2); \
         declare another type for the column, or raise `--sample-rows` if its type was inferred"
    );
}

#[test]
fn a_column_that_is_not_null_stays_so() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false)]));
    let folder = Folder::new();
    let file = folder.write("a.csv", "a\n1\n\n");
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`a.csv`, row 2 (line 3), column `a`: no value, but the column is not null"
    );
    let file = folder.write("a.json", "{\"a\": 1}\n{}\n");
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`a.json`, row 2 (line 2), column `a`: no value, but the column is not null"
    );
}

#[test]
fn files_of_one_import_may_order_their_columns_as_they_like() {
    let folder = Folder::new();
    let files = [folder.write("a.csv", "x,y\n1,a\n"), folder.write("b.csv", "Y;X\nb;2.5\n")];
    assert_eq!(folder.import(&files, &defaults()).unwrap(), vec!["x double, y text", "1.0|a", "2.5|b"]);
    let files = [folder.write("a.csv", "x,y\n1,a\n"), folder.write("c.csv", "x\n1\n")];
    assert_eq!(
        folder.import(&files, &defaults()).unwrap_err(),
        "`c.csv` has no column `y`, which `a.csv` has; all files of an import must have the same columns"
    );
}

const OBJECTS: &[&str] = &[
    "userid bigint, tags text[], at struct(x double, Y boolean), note text",
    "1|[a, b]|{x: 1.5, Y: }|",
    "2|NULL|NULL|NULL",
    "3|[]|{x: 2.0, Y: true}|5",
];

#[test]
fn json_comes_in_lines_or_in_an_array() {
    let objects = [
        "{\"userId\": 1, \"tags\": [\"a\", \"b\"], \"at\": {\"x\": 1.5}, \"note\": \"\"}",
        "{\"tags\": null,\n \"userId\": 2}",
        "{\"userId\": 3, \"tags\": [], \"at\": {\"Y\": true, \"x\": 2}, \"note\": 5}",
    ];
    check("a.jsonl", objects.join("\n"), &defaults(), OBJECTS);
    check("a.json", format!("[{}]", objects.join(",\n")), &defaults(), OBJECTS);
}

#[test]
fn json_numbers_keep_every_digit() {
    check(
        "a.json",
        "{\"a\": 18446744073709551615, \"b\": 1}\n{\"a\": 1, \"b\": 0.1}\n",
        &defaults(),
        &["a decimal(38, 0), b double", "18446744073709551615|1.0", "1|0.1"],
    );
    refuse(
        "a.json",
        "{\"a\": 1}\n{\"a\": 1.5}\n",
        &sampled(1),
        "`a.json`, row 2 (line 2), column `a`: `1.5` is not a valid bigint; \
         declare another type for the column, or raise `--sample-rows` if its type was inferred",
    );
}

#[test]
fn json_integers_of_any_length_keep_every_digit() {
    check(
        "a.json",
        "{\"a\": 18446744073709551617, \"b\": 1e5}\n{\"a\": -9223372036854775809, \"b\": 0E5}\n",
        &defaults(),
        &["a decimal(38, 0), b double", "18446744073709551617|100000.0", "-9223372036854775809|0.0"],
    );
}

#[test]
fn json_strings_become_what_the_table_says() {
    let folder = Folder::new();
    let file = folder.write("a.json", "{\"at\": \"2024-01-01T10:00:00Z\", \"n\": \"5\", \"t\": 5}\n");
    let schema = table(&[
        ("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        ("n", DataType::Int64),
        ("t", DataType::Utf8View),
    ]);
    assert_eq!(folder.read(&[file], &schema, &defaults()).unwrap(), vec!["2024-01-01T10:00:00Z|5|5"]);
}

#[test]
fn json_lists_and_maps_become_what_the_table_says() {
    let pair = vec![Field::new("key", DataType::Utf8View, false), Field::new("value", DataType::Int32, true)];
    let entries = Field::new("entries", DataType::Struct(pair.into()), false);
    let schema = table(&[
        ("days", DataType::List(Arc::new(Field::new("item", DataType::Date32, true)))),
        ("counts", DataType::Map(Arc::new(entries), false)),
    ]);
    let folder = Folder::new();
    let file = folder.write("a.json", "{\"days\": [\"2024-01-01\", null], \"counts\": {\"a\": 1, \"b\": null}}\n");
    assert_eq!(folder.read(&[file], &schema, &defaults()).unwrap(), vec!["[2024-01-01, ]|{a: 1, b: }"]);
    let file = folder.write("b.json", "{\"days\": [\"2024-01-01\"]}\n{\"days\": []}\n{\"days\": [null, \"x\"]}\n");
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`b.json`, row 3 (line 3), column `days`: `x` is not a valid date[]; \
         declare another type for the column, or raise `--sample-rows` if its type was inferred"
    );
}

#[test]
fn json_that_is_none_is_refused_with_its_line() {
    refuse("a.json", "{\"a\": 1}\n{\"a\": }\n", &defaults(), "`a.json`, row 2 (line 2): not valid JSON");
    refuse("a.json", "{\"a\": 1}\n{\"a\": }\n", &sampled(1), "`a.json`, row 2 (line 2): not valid JSON");
    refuse(
        "a.json",
        "{\"a\": 1}\n{\"a\": \n",
        &defaults(),
        "`a.json`, row 2 (line 2): the file ends within this object; check that it was copied whole",
    );
    refuse("a.json", "{}\n", &defaults(), "`a.json` has no columns; a table needs at least one");
}

#[test]
fn json_that_fits_no_column_is_refused_with_its_line() {
    refuse(
        "a.json",
        "{\"a\": 1}\n{\"a\": [1]}\n",
        &defaults(),
        "`a.json`, row 2 (line 2), column `a`: found an array, but rows before have a scalar",
    );
    refuse(
        "a.json",
        "{\"a\": 1}\n{\"a\": {\"b\": 1}}\n",
        &sampled(1),
        "`a.json`, row 2 (line 2), column `a`: `{\"b\":1}` is not a valid bigint; \
         declare another type for the column, or raise `--sample-rows` if its type was inferred",
    );
    refuse(
        "a.json",
        "{\"a\": {\"b\": 1}}\n{\"a\": {\"c\": 1}}\n",
        &sampled(1),
        "`a.json`, row 2 (line 2), column `a`: `{\"c\":1}` is not a valid struct(b bigint); \
         declare another type for the column, or raise `--sample-rows` if its type was inferred",
    );
    refuse(
        "a.json",
        "{\"a\": 1}\n{\"a\": 1, \"b\": 2}\n",
        &sampled(1),
        "`a.json` has a column `b`, which the table has not; the table's columns are `a`",
    );
    refuse(
        "a.json",
        "{\"a\": 1}\n{\"a\": 1, \"A\": 2}\n",
        &sampled(1),
        "`a.json` has two columns with the name `a`: `a` and `A`; rename one, \
         or keep upper and lower case apart with `--keep-case`",
    );
}

#[test]
fn json_files_may_lack_columns() {
    let folder = Folder::new();
    let files = [folder.write("a.json", "{\"a\": 1}\n"), folder.write("b.json", "{\"b\": true}\n")];
    assert_eq!(folder.import(&files, &defaults()).unwrap(), vec!["a bigint, b boolean", "1|NULL", "NULL|true"]);
}

fn column(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_becomes_what_tables_have() {
    let bytes = parquet(vec![
        ("Id", column(Int32Array::from(vec![Some(1), None]))),
        ("name", column(LargeStringArray::from(vec![Some("a"), Some("")]))),
        ("at", column(TimestampSecondArray::from(vec![10, 20]).with_timezone("+02:00"))),
    ]);
    check(
        "a.parquet",
        bytes,
        &defaults(),
        &[
            "id integer, name text, at timestamp(3) with time zone",
            "1|a|1970-01-01T00:00:10Z",
            "NULL||1970-01-01T00:00:20Z",
        ],
    );
}

#[test]
fn parquet_without_rows_has_columns() {
    let bytes = parquet(vec![("a", column(Int64Array::from(Vec::<i64>::new())))]);
    check("a.parquet", bytes, &defaults(), &["a bigint"]);
}

#[test]
fn parquet_files_widen_to_a_common_type() {
    let folder = Folder::new();
    let files = [
        folder.write("a.parquet", parquet(vec![("x", column(Int32Array::from(vec![1])))])),
        folder.write("b.parquet", parquet(vec![("x", column(Int64Array::from(vec![1_i64 << 40])))])),
    ];
    assert_eq!(folder.import(&files, &defaults()).unwrap(), vec!["x bigint", "1", "1099511627776"]);
    let files = [
        folder.write("a.parquet", parquet(vec![("x", column(Int32Array::from(vec![1])))])),
        folder.write("c.parquet", parquet(vec![("x", column(LargeStringArray::from(vec!["1"])))])),
    ];
    assert_eq!(
        folder.import(&files, &defaults()).unwrap_err(),
        "column `x` is text in `c.parquet`, but integer in `a.parquet`; declare its type or mend a file"
    );
}

#[test]
fn parquet_values_are_never_rounded_into_a_table() {
    let folder = Folder::new();
    let schema = table(&[("x", DataType::Int64)]);
    let file = folder.write("a.parquet", parquet(vec![("x", column(Float64Array::from(vec![1.0, 1.5])))]));
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`a.parquet`, row 2, column `x`: `1.5` is not a valid bigint; \
         declare another type for the column, or raise `--sample-rows` if its type was inferred"
    );
    let file = folder.write("b.parquet", parquet(vec![("x", column(LargeStringArray::from(vec!["1"])))]));
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`b.parquet`, column `x`: text cannot become bigint; select from the file with a CAST instead"
    );
}

#[test]
fn a_parquet_file_that_was_cut_off_is_refused_wherever_it_was_cut() {
    let bytes = parquet(vec![
        ("n", column(Int64Array::from((0..100).collect::<Vec<i64>>()))),
        ("t", column(LargeStringArray::from(vec!["text"; 100]))),
    ]);
    let folder = Folder::new();
    let schema = table(&[("n", DataType::Int64), ("t", DataType::Utf8View)]);
    for length in 1..bytes.len() {
        let file = folder.write("a.parquet", &bytes[..length]);
        let message = folder.read(&[file], &schema, &defaults()).unwrap_err();
        assert_eq!(
            message,
            "`a.parquet` is damaged at its footer, or is not a Parquet file; check that it was copied whole"
        );
    }
}

#[test]
fn a_parquet_file_with_wiped_pages_is_refused() {
    let bytes = parquet(vec![("n", column(Int64Array::from((0..100).collect::<Vec<i64>>())))]);
    let folder = Folder::new();
    let schema = table(&[("n", DataType::Int64)]);
    let mut wiped = bytes.clone();
    wiped[4..64].fill(0);
    let file = folder.write("a.parquet", &wiped);
    assert_eq!(
        folder.read(&[file], &schema, &defaults()).unwrap_err(),
        "`a.parquet` is damaged at column `n` of row group 0, or is not a Parquet file; check that it was copied whole"
    );
}

#[test]
fn a_parquet_file_with_columns_nested_without_end_is_refused() {
    let groups = 100_000;
    let mut footer: Vec<u8> = vec![0x15, 2, 0x19, 0xfc, 0xa0, 0x8d, 0x06];
    for _ in 1..groups {
        footer.extend([0x35, 0, 0x18, 1, b'a', 0x15, 2, 0]);
    }
    footer.extend([0x15, 2, 0x25, 0, 0x18, 1, b'a', 0]);
    let length = u32::try_from(footer.len()).unwrap();
    let mut bytes: Vec<u8> = b"PAR1".to_vec();
    bytes.extend(footer);
    bytes.extend(length.to_le_bytes());
    bytes.extend(b"PAR1");
    refuse(
        "a.parquet",
        bytes,
        &defaults(),
        "`a.parquet` is damaged at its footer, or is not a Parquet file; \
         check that it was copied whole",
    );
}

#[test]
fn only_the_wanted_columns_come_out() {
    let folder = Folder::new();
    let schema = table(&[("a", DataType::Int64), ("b", DataType::Utf8View), ("c", DataType::Int64)]);
    let files = [
        folder.write("a.csv", "a,b,c\n1,x,\n2,y,z\n"),
        folder.write("b.json", "{\"a\": 3, \"b\": \"z\", \"c\": \"z\"}\n"),
        folder.write(
            "c.parquet",
            parquet(vec![
                ("B", column(LargeStringArray::from(vec!["w"]))),
                ("c", column(Int64Array::from(vec![0]))),
                ("A", column(Int64Array::from(vec![4]))),
            ]),
        ),
    ];
    let read = |wanted: Vec<usize>| -> Vec<String> {
        let reader = open_columns(files.to_vec(), Arc::clone(&schema), wanted, defaults()).unwrap();
        reader.flat_map(|batch| show_rows(&batch.unwrap())).collect()
    };
    assert_eq!(read(vec![1, 0]), vec!["x|1", "y|2", "z|3", "w|4"]);
    assert_eq!(read(vec![0]), vec!["1", "2", "3", "4"]);
    assert_eq!(read(Vec::new()).len(), 4);
}

#[test]
fn rows_are_checked_where_no_column_is_wanted() {
    let folder = Folder::new();
    let schema = table(&[("a", DataType::Int64), ("b", DataType::Utf8View)]);
    let refused = |name: &str, bytes: &[u8]| -> String {
        let files = vec![folder.write(name, bytes)];
        let options = ImportOptions { delimiter: Some(b','), ..defaults() };
        let mut reader = open_columns(files, Arc::clone(&schema), Vec::new(), options).unwrap();
        folder.plain(&reader.find_map(Result::err).unwrap())
    };
    assert!(refused("a.csv", b"a,b\n1\n").starts_with("`a.csv`, row 1 (line 2): found 1 fields, expected 2"));
    assert!(refused("b.csv", b"a,b\n1,\xff\n").starts_with("`b.csv`, row 1 (line 2), column `b`: not UTF-8"));
}

#[test]
fn a_footer_keeps_no_bounds_of_floats_and_notices_a_changed_file() {
    let folder = Folder::new();
    let bytes = parquet(vec![
        ("f", column(Float64Array::from(vec![1.0, f64::NAN]))),
        ("n", column(Int64Array::from(vec![1, 2]))),
    ]);
    let file = folder.write("a.parquet", &bytes);
    let (_, footers) = infer_parquet_schema(std::slice::from_ref(&file), &defaults()).unwrap();
    let footer = &footers[0];
    let chunks = footer.metadata().row_group(0).columns();
    let bounded: Vec<bool> =
        chunks.iter().map(|chunk| chunk.statistics().is_some_and(|known| known.max_bytes_opt().is_some())).collect();
    assert_eq!(bounded, vec![false, true]);
    assert_eq!((footer.rows(), footer.rows_within(&(0..i64::MAX)), footer.rows_within(&(0..1))), (2, 2, 0));
    let opened = footer.open().unwrap();
    assert_eq!(footer.read_ranges(&opened, &[0..2, 2..4]).unwrap(), vec![b"PA".to_vec(), b"R1".to_vec()]);
    let error = footer.read_ranges(&opened, std::slice::from_ref(&(0..u64::MAX))).unwrap_err();
    assert!(folder.plain(&error).starts_with("`a.parquet` is damaged at an offset beyond its end"));
    folder.write("a.parquet", &bytes[..10]);
    let error = footer.open().unwrap_err();
    assert_eq!(folder.plain(&error), "`a.parquet` was changed while it was being read; run the statement again");
}

#[test]
fn a_reader_ends_after_its_first_error() {
    let folder = Folder::new();
    let files = vec![folder.write("a.csv", "a\nx\n"), folder.write("b.csv", "a\n1\n")];
    let mut reader = open(files, table(&[("a", DataType::Int64)]), defaults());
    assert!(matches!(reader.next(), Some(Err(ImportError::BadValue { .. }))));
    assert!(reader.next().is_none());
}

#[test]
fn progress_ends_at_everything() {
    let folder = Folder::new();
    let files = vec![
        folder.write("a.csv", "a\n1\n2\n"),
        folder.write("b.json", "{\"a\": 3}\n"),
        folder.write("c.parquet", parquet(vec![("a", column(Int64Array::from(vec![4_i64])))])),
    ];
    let mut reader = open(files, table(&[("a", DataType::Int64)]), defaults());
    let progress = reader.progress();
    assert_eq!((progress.rows_read(), progress.bytes_read(), progress.files_total()), (0, 0, 3));
    let rows: usize = reader.by_ref().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 4);
    assert_eq!((progress.rows_read(), progress.files_done()), (4, 3));
    assert_eq!(progress.bytes_read(), progress.size_bytes());
}

#[test]
fn readers_may_go_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let reader = open(Vec::new(), table(&[("a", DataType::Int64)]), defaults());
    is_send(&reader);
}
