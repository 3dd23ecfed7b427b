//! Every format, byte by byte.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int32Builder, Int64Array, ListArray, MapBuilder, RecordBatch, RecordBatchOptions, StringArray,
    StringBuilder, StringViewArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use arrow::ipc::reader::{FileReader, StreamReader};
use bytes::Bytes;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

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

fn csv() -> CsvRows {
    CsvRows::commas()
}

fn tsv() -> CsvRows {
    CsvRows::tabs()
}

fn json() -> JsonRows {
    JsonRows::arrays()
}

fn jsonl() -> JsonRows {
    JsonRows::lines()
}

fn csv_with(options: CsvOptions) -> CsvRows {
    CsvRows::try_new(options).unwrap()
}

/// What is written for results of one batch each.
fn bytes_of(encoder: &mut dyn RowEncoder, results: &[RecordBatch]) -> Result<Vec<u8>, ExportError> {
    let mut bytes: Vec<u8> = Vec::new();
    for result in results {
        encoder.begin(&result.schema(), &mut bytes)?;
        encoder.rows(result, &mut bytes)?;
        encoder.end(&mut bytes)?;
    }
    Ok(bytes)
}

#[track_caller]
fn check(mut encoder: impl RowEncoder, results: &[RecordBatch], expected: &str) {
    let bytes = bytes_of(&mut encoder, results).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

// csv, tsv

#[test]
fn csv_tells_null_from_empty_text() {
    check(csv(), &[people()], "id,name\n1,ann\n2,\n3,\"\"\n");
}

#[test]
fn csv_quotes_what_would_end_a_field() {
    let values = texts(vec!["say \"hi\"", "a,b", "two\nlines", "a\rb", "a\tb", " plain "]);
    check(
        csv(),
        &[one("a,b", values)],
        "\"a,b\"\n\"say \"\"hi\"\"\"\n\"a,b\"\n\"two\nlines\"\n\"a\rb\"\na\tb\n plain \n",
    );
}

#[test]
fn tsv_quotes_tabs_and_leaves_commas() {
    check(tsv(), &[one("t", texts(vec!["a\tb", "a,b", ""]))], "t\n\"a\tb\"\na,b\n\"\"\n");
}

#[test]
fn an_empty_line_stands_between_csv_results() {
    let result = one("a", integers(vec![1]));
    let results = [result.clone(), two_rows_without_columns(), result];
    check(csv(), &results, "a\n1\n\na\n1\n");
}

#[test]
fn csv_without_rows_is_a_header() {
    check(csv(), &[people().slice(0, 0)], "id,name\n");
}

#[test]
fn doubles_have_a_point_or_an_exponent() {
    let values = vec![1.0, 0.1, -0.0, 1e15, 1e16, 1.5e-7, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    check(csv(), &[scores(values)], "d\n1.0\n0.1\n-0.0\n1000000000000000.0\n1e16\n1.5e-7\nNaN\nInfinity\n-Infinity\n");
}

#[test]
fn floats_have_no_more_digits_than_they_need() {
    check(csv(), &[one("f", array(Float32Array::from(vec![0.1, 3.0])))], "f\n0.1\n3.0\n");
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
        csv(),
        &[result],
        "t,z,d,c\n\
         2013-07-10 18:00:00,2013-07-10 18:00:00+00:00,2013-07-10,18:00:00\n\
         2013-07-10 18:00:00.250,2013-07-10 18:00:00.250+00:00,1970-01-01,00:00:00\n",
    );
}

#[test]
fn a_zone_shows_its_local_time_and_offset() {
    let times = TimestampMicrosecondArray::from(vec![EVENING]).with_timezone("Europe/Paris");
    check(csv(), &[one("z", array(times))], "z\n2013-07-10 20:00:00+02:00\n");
}

#[test]
fn a_time_beyond_the_calendar_names_its_column() {
    let result = one("t", array(TimestampMicrosecondArray::from(vec![i64::MAX])));
    let error = bytes_of(&mut csv(), &[result]).unwrap_err();
    assert_eq!(error.to_string(), "a value of column `t` cannot be written as text; cast the column to another type");
}

#[test]
fn decimals_keep_their_scale() {
    let values = Decimal128Array::from(vec![1250, -5]).with_precision_and_scale(10, 2).unwrap();
    let result = one("m", array(values));
    check(csv(), std::slice::from_ref(&result), "m\n12.50\n-0.05\n");
    check(jsonl(), &[result], "{\"m\":\"12.50\"}\n{\"m\":\"-0.05\"}\n");
}

#[test]
fn nested_values_in_csv_are_json() {
    check(csv(), &[one("l", lists())], "l\n\"[1,null]\"\n\n[]\n");
}

#[test]
fn encoded_columns_read_like_plain_ones() {
    let values: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    let result = table(vec![("k", array(values)), ("n", integers(vec![1, 2, 3]))]);
    check(csv(), &[result], "k,n\na,1\n,2\na,3\n");
}

#[test]
fn binary_is_hexadecimal_everywhere() {
    let values: Vec<Option<&[u8]>> = vec![Some(b"\x00\xff".as_slice()), Some(b"".as_slice()), None];
    let result = table(vec![("b", array(BinaryViewArray::from(values))), ("n", integers(vec![1, 2, 3]))]);
    check(csv(), std::slice::from_ref(&result), "b,n\n00ff,1\n\"\",2\n,3\n");
    check(jsonl(), &[result], "{\"b\":\"00ff\",\"n\":1}\n{\"b\":\"\",\"n\":2}\n{\"b\":null,\"n\":3}\n");
}

// json, jsonl

#[test]
fn jsonl_has_every_key_in_column_order() {
    check(jsonl(), &[people()], "{\"id\":1,\"name\":\"ann\"}\n{\"id\":2,\"name\":null}\n{\"id\":3,\"name\":\"\"}\n");
}

#[test]
fn json_is_one_array_per_result_and_line() {
    check(
        json(),
        &[one("a", integers(vec![1, 2])), one("b", integers(Vec::new())), one("a", integers(vec![3]))],
        "[{\"a\":1},{\"a\":2}]\n[]\n[{\"a\":3}]\n",
    );
}

#[test]
fn json_arrays_go_on_over_batches() {
    let result = one("a", integers(vec![1]));
    let (mut encoder, mut bytes) = (json(), Vec::<u8>::new());
    encoder.begin(&result.schema(), &mut bytes).unwrap();
    encoder.rows(&result, &mut bytes).unwrap();
    encoder.rows(&result.slice(0, 0), &mut bytes).unwrap();
    encoder.rows(&result, &mut bytes).unwrap();
    encoder.end(&mut bytes).unwrap();
    assert_eq!(bytes, b"[{\"a\":1},{\"a\":1}]\n");
}

#[test]
fn jsonl_without_rows_is_nothing() {
    check(jsonl(), &[people().slice(0, 0)], "");
}

#[test]
fn json_keeps_every_digit_of_integers() {
    let result = table(vec![
        ("i", integers(vec![i64::MAX, i64::MIN])),
        ("u", array(UInt64Array::from(vec![u64::MAX, 0]))),
        ("b", array(BooleanArray::from(vec![Some(true), None]))),
    ]);
    check(
        jsonl(),
        &[result],
        "{\"i\":9223372036854775807,\"u\":18446744073709551615,\"b\":true}\n\
         {\"i\":-9223372036854775808,\"u\":0,\"b\":null}\n",
    );
}

#[test]
fn json_quotes_what_is_not_a_number() {
    check(
        json(),
        &[scores(vec![2.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])],
        "[{\"d\":2.0},{\"d\":1e300},{\"d\":\"NaN\"},{\"d\":\"Infinity\"},{\"d\":\"-Infinity\"}]\n",
    );
}

#[test]
fn json_escapes_text_and_names() {
    check(
        jsonl(),
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
    check(jsonl(), &[result], "{\"t\":\"2013-07-10T18:00:00\",\"z\":\"2013-07-10T18:00:00Z\",\"d\":\"2013-07-10\"}\n");
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
        jsonl(),
        std::slice::from_ref(&result),
        "{\"l\":[1,null],\"s\":{\"x\":0.5},\"m\":{\"k\":1}}\n\
         {\"l\":null,\"s\":{\"x\":null},\"m\":{\"k\":2}}\n\
         {\"l\":[],\"s\":{\"x\":\"NaN\"},\"m\":{\"k\":3}}\n",
    );
    check(jsonl(), &[result.slice(2, 1)], "{\"l\":[],\"s\":{\"x\":\"NaN\"},\"m\":{\"k\":3}}\n");
}

#[test]
fn a_shared_name_is_made_distinct_where_names_are_keys() {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("id", DataType::Int64, true)];
    let columns = vec![integers(vec![1]), integers(vec![2])];
    let result = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    check(jsonl(), std::slice::from_ref(&result), "{\"id\":1,\"id_1\":2}\n");
    check(csv(), &[result], "id,id\n1,2\n");
}

#[test]
fn rows_without_columns_are_empty_objects_and_no_text() {
    check(json(), &[two_rows_without_columns()], "[{},{}]\n");
    check(jsonl(), &[two_rows_without_columns()], "{}\n{}\n");
    check(csv(), &[two_rows_without_columns()], "");
    check(tsv(), &[two_rows_without_columns()], "");
}

// options

#[test]
fn csv_without_a_header_is_rows_alone() {
    check(csv_with(CsvOptions { header: false, ..CsvOptions::default() }), &[people()], "1,ann\n2,\n3,\"\"\n");
}

#[test]
fn csv_takes_other_bytes_and_quotes_them() {
    let options = CsvOptions { delimiter: b';', quote: b'\'', ..CsvOptions::default() };
    let result = one("a;b", texts(vec!["a;b", "it's", "a,b", "\"", ""]));
    check(csv_with(options), &[result], "'a;b'\n'a;b'\n'it''s'\na,b\n\"\n''\n");
}

#[test]
fn what_reads_like_null_is_quoted() {
    let options = CsvOptions { null_text: "7".to_owned(), ..CsvOptions::default() };
    let values = array(StringViewArray::from(vec![Some("7"), None, Some("")]));
    let result = table(vec![("n", integers(vec![7, 70, 1])), ("t", values)]);
    check(csv_with(options), &[result], "n,t\n\"7\",\"7\"\n70,7\n1,\"\"\n");
}

#[test]
fn a_mark_that_readers_skip_is_quoted_where_it_may_begin_a_file() {
    let result = one("t", texts(vec!["\u{feff}a"]));
    check(csv(), std::slice::from_ref(&result), "t\n\u{feff}a\n");
    check(csv_with(CsvOptions { header: false, ..CsvOptions::default() }), &[result], "\"\u{feff}a\"\n");
}

#[test]
fn fields_that_could_not_be_told_apart_are_refused() {
    let refusal = |options: CsvOptions| CsvRows::try_new(options).err();
    for delimiter in [b'"', b'\n', b'\r', 0xff] {
        let options = CsvOptions { delimiter, ..CsvOptions::default() };
        assert_eq!(refusal(options), Some(CsvOptionError::Delimiter), "{delimiter}");
    }
    assert_eq!(refusal(CsvOptions { quote: b'\n', ..CsvOptions::default() }), Some(CsvOptionError::Quote));
    for null_text in ["a,b", "\"\"", "a\nb"] {
        let options = CsvOptions { null_text: null_text.to_owned(), ..CsvOptions::default() };
        assert_eq!(refusal(options), Some(CsvOptionError::NullText), "{null_text}");
    }
}

#[test]
fn prefixed_binary_tells_no_bytes_from_null_on_every_level() {
    let values: Vec<Option<&[u8]>> = vec![Some(b"\x00\xff".as_slice()), Some(b"".as_slice()), None];
    let values = array(BinaryViewArray::from(values));
    let field = Arc::new(Field::new("x", DataType::BinaryView, true));
    let nested = array(StructArray::from(vec![(field, Arc::clone(&values))]));
    let result = table(vec![("b", values), ("s", nested)]);
    let options = CsvOptions { binary: BinaryStyle::Prefixed, ..CsvOptions::default() };
    check(
        csv_with(options),
        std::slice::from_ref(&result),
        "b,s\n\
         \\x00ff,\"{\"\"x\"\":\"\"\\\\x00ff\"\"}\"\n\
         \\x,\"{\"\"x\"\":\"\"\\\\x\"\"}\"\n\
         ,\"{\"\"x\"\":null}\"\n",
    );
    check(
        jsonl().with_binary(BinaryStyle::Prefixed),
        &[result],
        "{\"b\":\"\\\\x00ff\",\"s\":{\"x\":\"\\\\x00ff\"}}\n\
         {\"b\":\"\\\\x\",\"s\":{\"x\":\"\\\\x\"}}\n\
         {\"b\":null,\"s\":{\"x\":null}}\n",
    );
}

// parquet, arrow

/// A result with its provenance, in three batches.
fn bytes_with_provenance(encoder: &mut dyn RowEncoder) -> Vec<u8> {
    let provenance = Provenance { version: 7, lake_id: "c0ffee".to_owned() };
    let mut bytes: Vec<u8> = Vec::new();
    encoder.begin(&provenance.note_in(&people().schema()), &mut bytes).unwrap();
    for row in 0..3 {
        encoder.rows(&people().slice(row, 1), &mut bytes).unwrap();
    }
    encoder.end(&mut bytes).unwrap();
    bytes
}

fn check_people(batches: &[RecordBatch]) {
    let rows: Vec<Vec<Option<String>>> = batches.iter().flat_map(|batch| text_rows(batch).unwrap()).collect();
    assert_eq!(rows, text_rows(&people()).unwrap());
}

#[test]
fn parquet_says_which_version_it_holds() {
    let bytes = Bytes::from(bytes_with_provenance(&mut ParquetRows::new()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let keys = builder.metadata().file_metadata().key_value_metadata().unwrap();
    let value_of = |key: &str| keys.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
    assert_eq!(value_of(VERSION_KEY).as_deref(), Some("7"));
    assert_eq!(value_of(LAKE_ID_KEY).as_deref(), Some("c0ffee"));
    assert_eq!(builder.schema().metadata.get(VERSION_KEY).map(String::as_str), Some("7"));
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(|batch| batch.unwrap()).collect();
    check_people(&batches);
}

#[test]
fn an_arrow_stream_is_read_as_it_comes() {
    let bytes = bytes_with_provenance(&mut ArrowRows::stream());
    let reader = StreamReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
    assert_eq!(reader.schema().metadata.get(LAKE_ID_KEY).map(String::as_str), Some("c0ffee"));
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    assert_eq!(batches.len(), 3);
    check_people(&batches);

    let mut bytes: Vec<u8> = Vec::new();
    ArrowRows::stream().begin(&people().schema(), &mut bytes).unwrap();
    assert!(!bytes.is_empty(), "the schema does not wait for rows");
}

#[test]
fn an_arrow_file_finds_every_batch() {
    let bytes = bytes_with_provenance(&mut ArrowRows::file());
    let reader = FileReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
    assert_eq!(reader.num_batches(), 3);
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    check_people(&batches);
}

fn encoders_of_one_result() -> Vec<Box<dyn RowEncoder>> {
    vec![Box::new(ParquetRows::new()), Box::new(ArrowRows::stream()), Box::new(ArrowRows::file())]
}

#[test]
fn a_format_for_one_result_takes_exactly_one() {
    for mut encoder in encoders_of_one_result() {
        let second = bytes_of(encoder.as_mut(), &[people(), people()]).unwrap_err();
        assert!(matches!(second, ExportError::SecondResult), "{second}");
    }
    for mut encoder in encoders_of_one_result() {
        let mut bytes: Vec<u8> = Vec::new();
        let none = encoder.end(&mut bytes).unwrap_err();
        assert!(matches!(none, ExportError::NoResult), "{none}");
        assert!(bytes.is_empty());
    }
}

/// Takes so many bytes and then no more.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn bytes_that_are_refused_are_an_error_in_every_format() {
    let mut encoders: Vec<Box<dyn RowEncoder>> = encoders_of_one_result();
    encoders.push(Box::new(csv()));
    encoders.push(Box::new(json()));
    for mut encoder in encoders {
        let mut full = Full(5);
        let begun = encoder.begin(&people().schema(), &mut full);
        let written = begun.and_then(|()| encoder.rows(&people(), &mut full));
        let ended = written.and_then(|()| encoder.end(&mut full));
        let kind = match ended {
            Err(ExportError::Write(error)) => Some(error.kind()),
            _ => None,
        };
        assert_eq!(kind, Some(std::io::ErrorKind::StorageFull));
    }
}
