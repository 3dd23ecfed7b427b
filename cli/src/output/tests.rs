//! Every format, byte by byte: text and JSON here, the rest beside.

mod boxes;
mod targets;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int32Builder, Int64Array, ListArray, MapBuilder, RecordBatch, RecordBatchOptions, StringArray,
    StringBuilder, StringViewArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};

use super::*;

/// 2013-07-10 18:00:00 UTC, in microseconds.
const EVENING: i64 = 1_373_479_200_000_000;

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

fn scores(values: Vec<f64>) -> RecordBatch {
    one("d", array(Float64Array::from(values)))
}

fn lists() -> ArrayRef {
    let rows = vec![Some(vec![Some(1), None]), None, Some(Vec::new())];
    array(ListArray::from_iter_primitive::<Int64Type, _, _>(rows))
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

// csv, tsv

#[test]
fn csv_tells_null_from_empty_text() {
    check(OutputFormat::Csv, &[people()], "id,name\n1,ann\n2,\n3,\"\"\n");
}

#[test]
fn csv_quotes_what_would_end_a_field() {
    let values = texts(vec!["say \"hi\"", "a,b", "two\nlines", "a\rb", "a\tb", " plain "]);
    check(
        OutputFormat::Csv,
        &[one("a,b", values)],
        "\"a,b\"\n\"say \"\"hi\"\"\"\n\"a,b\"\n\"two\nlines\"\n\"a\rb\"\na\tb\n plain \n",
    );
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
fn csv_without_rows_is_a_header() {
    check(OutputFormat::Csv, &[people().slice(0, 0)], "id,name\n");
}

#[test]
fn doubles_have_a_point_or_an_exponent() {
    let values = vec![1.0, 0.1, -0.0, 1e15, 1e16, 1.5e-7, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    check(
        OutputFormat::Csv,
        &[scores(values)],
        "d\n1.0\n0.1\n-0.0\n1000000000000000.0\n1e16\n1.5e-7\nNaN\nInfinity\n-Infinity\n",
    );
}

#[test]
fn floats_have_no_more_digits_than_they_need() {
    check(OutputFormat::Csv, &[one("f", array(Float32Array::from(vec![0.1, 3.0])))], "f\n0.1\n3.0\n");
}

#[test]
fn times_are_written_as_sql_reads_them() {
    let times = TimestampMicrosecondArray::from(vec![EVENING, EVENING + 250_000]);
    let result = table(vec![
        ("t", array(times.clone())),
        ("z", array(times.with_timezone("+00:00"))),
        ("d", array(Date32Array::from(vec![15_896, 0]))),
        ("c", array(Time64MicrosecondArray::from(vec![64_800_000_000, 0]))),
    ]);
    check(
        OutputFormat::Csv,
        &[result],
        "t,z,d,c\n\
         2013-07-10 18:00:00,2013-07-10 18:00:00+00:00,2013-07-10,18:00:00\n\
         2013-07-10 18:00:00.250,2013-07-10 18:00:00.250+00:00,1970-01-01,00:00:00\n",
    );
}

#[test]
fn a_zone_shows_its_local_time_and_offset() {
    let times = TimestampMicrosecondArray::from(vec![EVENING]).with_timezone("Europe/Paris");
    check(OutputFormat::Csv, &[one("z", array(times))], "z\n2013-07-10 20:00:00+02:00\n");
}

#[test]
fn a_time_beyond_the_calendar_names_its_column() {
    let result = one("t", array(TimestampMicrosecondArray::from(vec![i64::MAX])));
    let error = bytes_of(OutputFormat::Csv, Screen::UNBOUNDED, &[result]).unwrap_err();
    assert_eq!(error.to_string(), "a value of column `t` cannot be written as text; cast the column to another type");
}

#[test]
fn decimals_keep_their_scale() {
    let values = Decimal128Array::from(vec![1250, -5]).with_precision_and_scale(10, 2).unwrap();
    let result = one("m", array(values));
    check(OutputFormat::Csv, std::slice::from_ref(&result), "m\n12.50\n-0.05\n");
    check(OutputFormat::Jsonl, &[result], "{\"m\":\"12.50\"}\n{\"m\":\"-0.05\"}\n");
}

#[test]
fn nested_values_in_csv_are_json() {
    check(OutputFormat::Csv, &[one("l", lists())], "l\n\"[1,null]\"\n\n[]\n");
}

#[test]
fn encoded_columns_read_like_plain_ones() {
    let values: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    let result = table(vec![("k", array(values)), ("n", integers(vec![1, 2, 3]))]);
    check(OutputFormat::Csv, &[result], "k,n\na,1\n,2\na,3\n");
}

#[test]
fn binary_is_hexadecimal_everywhere() {
    let values: Vec<Option<&[u8]>> = vec![Some(b"\x00\xff".as_slice()), Some(b"".as_slice()), None];
    let result = table(vec![("b", array(BinaryViewArray::from(values))), ("n", integers(vec![1, 2, 3]))]);
    check(OutputFormat::Csv, std::slice::from_ref(&result), "b,n\n00ff,1\n\"\",2\n,3\n");
    check(OutputFormat::Jsonl, &[result], "{\"b\":\"00ff\",\"n\":1}\n{\"b\":\"\",\"n\":2}\n{\"b\":null,\"n\":3}\n");
}

// json, jsonl

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
fn json_arrays_go_on_over_batches() {
    let result = one("a", integers(vec![1]));
    let mut output = Output { writer: writer_of(OutputFormat::Json, Screen::UNBOUNDED, Sink::memory()) };
    output.begin(&result.schema(), None).unwrap();
    output.batch(&result).unwrap();
    output.batch(&result.slice(0, 0)).unwrap();
    output.batch(&result).unwrap();
    output.end().unwrap();
    assert_eq!(output.writer.into_sink().unwrap().into_bytes(), b"[{\"a\":1},{\"a\":1}]\n");
}

#[test]
fn jsonl_without_rows_is_nothing() {
    check(OutputFormat::Jsonl, &[people().slice(0, 0)], "");
}

#[test]
fn json_keeps_every_digit_of_integers() {
    let result = table(vec![
        ("i", integers(vec![i64::MAX, i64::MIN])),
        ("u", array(UInt64Array::from(vec![u64::MAX, 0]))),
        ("b", array(BooleanArray::from(vec![Some(true), None]))),
    ]);
    check(
        OutputFormat::Jsonl,
        &[result],
        "{\"i\":9223372036854775807,\"u\":18446744073709551615,\"b\":true}\n\
         {\"i\":-9223372036854775808,\"u\":0,\"b\":null}\n",
    );
}

#[test]
fn json_quotes_what_is_not_a_number() {
    check(
        OutputFormat::Json,
        &[scores(vec![2.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])],
        "[{\"d\":2.0},{\"d\":1e300},{\"d\":\"NaN\"},{\"d\":\"Infinity\"},{\"d\":\"-Infinity\"}]\n",
    );
}

#[test]
fn json_escapes_text_and_names() {
    check(
        OutputFormat::Jsonl,
        &[one("a\"b", texts(vec!["\"\\\n\u{1}", "日本 🙂"]))],
        "{\"a\\\"b\":\"\\\"\\\\\\n\\u0001\"}\n{\"a\\\"b\":\"日本 🙂\"}\n",
    );
}

#[test]
fn json_times_are_iso() {
    let times = TimestampMicrosecondArray::from(vec![EVENING]);
    let result = table(vec![
        ("t", array(times.clone())),
        ("z", array(times.with_timezone("UTC"))),
        ("d", array(Date32Array::from(vec![15_896]))),
    ]);
    check(
        OutputFormat::Jsonl,
        &[result],
        "{\"t\":\"2013-07-10T18:00:00\",\"z\":\"2013-07-10T18:00:00Z\",\"d\":\"2013-07-10\"}\n",
    );
}

#[test]
fn json_nests() {
    let inner = array(Float64Array::from(vec![Some(0.5), None, Some(f64::NAN)]));
    let field = Arc::new(Field::new("x", DataType::Float64, true));
    let structs = StructArray::from(vec![(field, inner)]);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for number in 1..=3 {
        maps.keys().append_value("k");
        maps.values().append_value(number);
        maps.append(true).unwrap();
    }
    let result = table(vec![("l", lists()), ("s", array(structs)), ("m", array(maps.finish()))]);
    check(
        OutputFormat::Jsonl,
        std::slice::from_ref(&result),
        "{\"l\":[1,null],\"s\":{\"x\":0.5},\"m\":{\"k\":1}}\n\
         {\"l\":null,\"s\":{\"x\":null},\"m\":{\"k\":2}}\n\
         {\"l\":[],\"s\":{\"x\":\"NaN\"},\"m\":{\"k\":3}}\n",
    );
    check(OutputFormat::Jsonl, &[result.slice(2, 1)], "{\"l\":[],\"s\":{\"x\":\"NaN\"},\"m\":{\"k\":3}}\n");
}

#[test]
fn a_shared_name_is_made_distinct_where_names_are_keys() {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("id", DataType::Int64, true)];
    let columns = vec![integers(vec![1]), integers(vec![2])];
    let result = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    check(OutputFormat::Jsonl, std::slice::from_ref(&result), "{\"id\":1,\"id_1\":2}\n");
    check(OutputFormat::Csv, &[result], "id,id\n1,2\n");
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
