//! Formats for one result, and the files and pipes that bytes go to.

use std::fs;
use std::io;
use std::path::PathBuf;

use arrow::ipc::reader::{FileReader, StreamReader};
use bytes::Bytes;
use frostline_engine::export::{ExportError, LAKE_ID_KEY, VERSION_KEY};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

// parquet, arrow

fn bytes_with_provenance(format: OutputFormat, result: &RecordBatch) -> Vec<u8> {
    let provenance = Provenance { version: 7, lake_id: "c0ffee".to_owned() };
    let mut output = Output { writer: writer_of(format, Screen::UNBOUNDED, Sink::memory()) };
    output.begin(&result.schema(), Some(&provenance)).unwrap();
    output.batch(result).unwrap();
    output.end().unwrap();
    output.writer.into_sink().unwrap().into_bytes()
}

#[test]
fn parquet_says_which_version_it_holds() {
    let bytes = Bytes::from(bytes_with_provenance(OutputFormat::Parquet, &people()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let keys = builder.metadata().file_metadata().key_value_metadata().unwrap();
    let value_of = |key: &str| keys.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
    assert_eq!(value_of(VERSION_KEY).as_deref(), Some("7"));
    assert_eq!(value_of(LAKE_ID_KEY).as_deref(), Some("c0ffee"));
    assert_eq!(builder.schema().metadata.get(VERSION_KEY).map(String::as_str), Some("7"));
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(|batch| batch.unwrap()).collect();
    assert_eq!(batches[0].columns(), people().columns());
}

#[test]
fn arrow_on_a_pipe_is_a_stream_that_says_which_version_it_holds() {
    let bytes = bytes_with_provenance(OutputFormat::Arrow, &people());
    let reader = StreamReader::try_new(io::Cursor::new(bytes), None).unwrap();
    assert_eq!(reader.schema().metadata.get(VERSION_KEY).map(String::as_str), Some("7"));
    assert_eq!(reader.schema().metadata.get(LAKE_ID_KEY).map(String::as_str), Some("c0ffee"));
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    assert_eq!(batches[0].columns(), people().columns());
}

#[test]
fn a_format_for_one_result_takes_exactly_one() {
    for format in [OutputFormat::Parquet, OutputFormat::Arrow] {
        assert!(format.holds_one_result());
        let second = bytes_of(format, Screen::UNBOUNDED, &[people(), people()]).unwrap_err();
        assert!(matches!(second, OutputError::SecondResult { .. }), "{second}");
        assert_eq!(second.exit_code(), 2);
        let none = bytes_of(format, Screen::UNBOUNDED, &[]).unwrap_err();
        assert!(matches!(none, OutputError::NoResult { .. }), "{none}");
        assert_eq!(none.exit_code(), 2);
    }
}

#[test]
fn parquet_without_rows_has_its_columns() {
    let bytes = Bytes::from(bytes_with_provenance(OutputFormat::Parquet, &people().slice(0, 0)));
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    assert_eq!(builder.schema().fields().len(), 2);
    assert_eq!(builder.metadata().file_metadata().num_rows(), 0);
}

// targets

fn options(format: OutputFormat, path: PathBuf) -> OutputOptions {
    OutputOptions { format, target: Target::File(path), screen: Screen::UNBOUNDED }
}

#[test]
fn a_file_appears_complete_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.csv");
    let result = one("a", integers(vec![1]));

    let mut failed = Output::open(&options(OutputFormat::Csv, path.clone())).unwrap();
    failed.begin(&result.schema(), None).unwrap();
    failed.batch(&result).unwrap();
    drop(failed);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let mut done = Output::open(&options(OutputFormat::Csv, path.clone())).unwrap();
    done.begin(&result.schema(), None).unwrap();
    done.batch(&result).unwrap();
    done.end().unwrap();
    assert!(!path.exists());
    done.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\n1\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_replaced_file_stays_until_the_new_one_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.jsonl");
    fs::write(&path, "old\n").unwrap();
    let result = one("a", integers(vec![1]));
    let mut output = Output::open(&options(OutputFormat::Jsonl, path.clone())).unwrap();
    output.begin(&result.schema(), None).unwrap();
    output.batch(&result).unwrap();
    output.end().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\n");
    output.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n");
}

#[test]
fn arrow_in_a_file_is_the_file_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.arrow");
    let mut output = Output::open(&options(OutputFormat::Arrow, path.clone())).unwrap();
    output.begin(&people().schema(), None).unwrap();
    output.batch(&people()).unwrap();
    output.end().unwrap();
    output.finish().unwrap();
    let reader = FileReader::try_new(fs::File::open(&path).unwrap(), None).unwrap();
    assert_eq!(reader.num_batches(), 1);
}

#[test]
fn a_file_that_cannot_be_made_fails_before_the_query_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("result.csv");
    let error = Output::open(&options(OutputFormat::Csv, path.clone())).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("cannot write to `{}`; check that its folder exists, has room, and may be written to", path.display())
    );
    assert_eq!(error.exit_code(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_what_it_points_to_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file.csv"), folder.path().join("link.csv"));
    fs::write(&file, "old\n").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let result = one("a", integers(vec![1]));
    let mut output = Output::open(&options(OutputFormat::Csv, link.clone())).unwrap();
    output.begin(&result.schema(), None).unwrap();
    output.end().unwrap();
    output.finish().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "a\n");
    assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
}

#[test]
fn a_closed_pipe_is_no_failure_whoever_notices_it() {
    let direct = OutputError::of_write(&Target::Stdout, io::Error::from(io::ErrorKind::BrokenPipe));
    assert!(matches!(direct, OutputError::ClosedPipe));
    assert_eq!(direct.exit_code(), 0);

    let inner = ExportError::Write(io::Error::from(io::ErrorKind::BrokenPipe));
    let wrapped = OutputError::of_export(OutputFormat::Parquet, &Target::Stdout, inner);
    assert!(matches!(wrapped, OutputError::ClosedPipe));
}

#[test]
fn the_format_is_asked_for_or_named_by_the_file_or_csv() {
    let file = |name: &str| Target::File(PathBuf::from(name));
    assert_eq!(OutputFormat::choose(Some(OutputFormat::Json), &file("a.csv")), OutputFormat::Json);
    assert_eq!(OutputFormat::choose(None, &file("a.PARQUET")), OutputFormat::Parquet);
    assert_eq!(OutputFormat::choose(None, &file("a.txt")), OutputFormat::Csv);
    assert_eq!(OutputFormat::choose(None, &file("a")), OutputFormat::Csv);
}
