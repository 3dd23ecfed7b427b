//! Every format, byte by byte: text and JSON here, the rest beside. How values are spelled is tested with the encoders.

mod boxes;
mod targets;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Schema;

use super::*;

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn one(name: &str, array: ArrayRef) -> RecordBatch {
    table(vec![(name, array)])
}

fn array<A: Array + 'static>(values: A) -> ArrayRef {
    Arc::new(values)
}

fn integers(values: Vec<i64>) -> ArrayRef {
    array(Int64Array::from(values))
}

fn texts(values: Vec<&str>) -> ArrayRef {
    array(StringArray::from(values))
}

/// A name, NULL, and empty text.
fn people() -> RecordBatch {
    let names = array(StringViewArray::from(vec![Some("ann"), None, Some("")]));
    table(vec![("id", integers(vec![1, 2, 3])), ("name", names)])
}

fn two_rows_without_columns() -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(2));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap()
}

/// What is written for results of one batch each.
fn bytes_of(format: OutputFormat, screen: Screen, results: &[RecordBatch]) -> Result<Vec<u8>, OutputError> {
    let mut output = Output { writer: writer_of(format, screen, Sink::memory()) };
    for result in results {
        output.begin(&result.schema(), None)?;
        output.batch(result)?;
        output.end()?;
    }
    Ok(output.writer.into_sink()?.into_bytes())
}

#[track_caller]
fn check_on(screen: Screen, format: OutputFormat, results: &[RecordBatch], expected: &str) {
    let bytes = bytes_of(format, screen, results).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[track_caller]
fn check(format: OutputFormat, results: &[RecordBatch], expected: &str) {
    check_on(Screen::UNBOUNDED, format, results, expected);
}

// csv, tsv, json, jsonl

#[test]
fn csv_tells_null_from_empty_text() {
    check(OutputFormat::Csv, &[people()], "id,name\n1,ann\n2,\n3,\"\"\n");
}

#[test]
fn tsv_quotes_tabs_and_leaves_commas() {
    check(OutputFormat::Tsv, &[one("t", texts(vec!["a\tb", "a,b", ""]))], "t\n\"a\tb\"\na,b\n\"\"\n");
}

#[test]
fn an_empty_line_stands_between_csv_results() {
    let result = one("a", integers(vec![1]));
    let results = [result.clone(), two_rows_without_columns(), result];
    check(OutputFormat::Csv, &results, "a\n1\n\na\n1\n");
}

#[test]
fn a_time_beyond_the_calendar_names_its_column() {
    let result = one("t", array(TimestampMicrosecondArray::from(vec![i64::MAX])));
    let error = bytes_of(OutputFormat::Csv, Screen::UNBOUNDED, &[result]).unwrap_err();
    assert_eq!(error.to_string(), "a value of column `t` cannot be written as text; cast the column to another type");
}

#[test]
fn binary_is_hexadecimal_everywhere() {
    let values: Vec<Option<&[u8]>> = vec![Some(b"\x00\xff".as_slice()), Some(b"".as_slice()), None];
    let result = table(vec![("b", array(BinaryViewArray::from(values))), ("n", integers(vec![1, 2, 3]))]);
    check(OutputFormat::Csv, std::slice::from_ref(&result), "b,n\n00ff,1\n\"\",2\n,3\n");
    check(OutputFormat::Jsonl, &[result], "{\"b\":\"00ff\",\"n\":1}\n{\"b\":\"\",\"n\":2}\n{\"b\":null,\"n\":3}\n");
}

#[test]
fn jsonl_has_every_key_in_column_order() {
    check(
        OutputFormat::Jsonl,
        &[people()],
        "{\"id\":1,\"name\":\"ann\"}\n{\"id\":2,\"name\":null}\n{\"id\":3,\"name\":\"\"}\n",
    );
}

#[test]
fn json_is_one_array_per_result_and_line() {
    check(
        OutputFormat::Json,
        &[one("a", integers(vec![1, 2])), one("b", integers(Vec::new())), one("a", integers(vec![3]))],
        "[{\"a\":1},{\"a\":2}]\n[]\n[{\"a\":3}]\n",
    );
}

#[test]
fn rows_without_columns_are_empty_objects_and_no_text() {
    check(OutputFormat::Json, &[two_rows_without_columns()], "[{},{}]\n");
    check(OutputFormat::Jsonl, &[two_rows_without_columns()], "{}\n{}\n");
    for format in [OutputFormat::Csv, OutputFormat::Tsv, OutputFormat::Markdown, OutputFormat::Box] {
        check(format, &[two_rows_without_columns()], "");
    }
}

// markdown

#[test]
fn markdown_aligns_numbers_to_the_right() {
    check(
        OutputFormat::Markdown,
        &[people()],
        "|  id | name |\n\
         | --: | ---- |\n\
         |   1 | ann  |\n\
         |   2 | NULL |\n\
         |   3 |      |\n",
    );
}

#[test]
fn markdown_shows_markup_as_it_is() {
    check(
        OutputFormat::Markdown,
        &[one("t", texts(vec!["a|b", "a\\b", "<b>*`", "x\r\ny\nz"]))],
        "| t           |\n\
         | ----------- |\n\
         | a\\|b        |\n\
         | a\\\\b        |\n\
         | \\<b>\\*\\`    |\n\
         | x<br>y<br>z |\n",
    );
}

#[test]
fn markdown_without_rows_is_a_heading_and_results_are_apart() {
    let empty = people().slice(0, 0);
    check(
        OutputFormat::Markdown,
        &[empty.clone(), empty],
        "|  id | name |\n| --: | ---- |\n\n|  id | name |\n| --: | ---- |\n",
    );
}

#[test]
fn markdown_measures_one_page_and_no_more() {
    let mut values = vec!["abc"; 1000];
    values.push("abcdef");
    let bytes = bytes_of(OutputFormat::Markdown, Screen::UNBOUNDED, &[one("t", texts(values))]).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("| t   |\n| --- |\n| abc |\n"), "{text}");
    assert!(text.ends_with("| abc |\n| abcdef |\n"), "{text}");
    assert_eq!(text.lines().count(), 1003);
}
