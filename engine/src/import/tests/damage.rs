//! Damaged Parquet files give their sound rows or an error that names them, whatever was done to them.

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, GzipLevel};
use ::parquet::file::properties::WriterProperties;
use ::parquet::schema::types::ColumnPath;
use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, SchemaRef};
use frostline_testkit::parquet_damage::{damages, footer_flips, relocated, without_columns, without_row_groups};

use super::{Folder, column, defaults, table};

/// Two row groups with several pages a column: whole numbers, whole numbers with gaps, and texts from a dictionary.
/// GZIP has a checksum, so that changed pages cannot pass for others.
fn sound_file() -> Vec<u8> {
    let numbers = Int64Array::from_iter_values((0..300).map(|row: i64| row * 1_000_003));
    let gaps: Int64Array = (0..300).map(|row: i64| (row % 7 != 0).then_some(row)).collect();
    let texts: StringArray = (0..300).map(|row: i64| Some(format!("text {}", row % 5))).collect();
    let rows = RecordBatch::try_from_iter_with_nullable([
        ("n", column(numbers), true),
        ("m", column(gaps), true),
        ("t", column(texts), true),
    ])
    .unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_max_row_group_row_count(Some(150))
        .set_data_page_row_count_limit(50)
        .set_write_batch_size(50)
        .set_column_dictionary_enabled(ColumnPath::from("n"), false)
        .set_column_dictionary_enabled(ColumnPath::from("m"), false)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.into_inner().unwrap()
}

fn columns() -> SchemaRef {
    table(&[("n", DataType::Int64), ("m", DataType::Int64), ("t", DataType::Utf8View)])
}

/// The rows of a file with these bytes, or the message.
fn read(folder: &Folder, bytes: &[u8]) -> Result<Vec<String>, String> {
    let file = folder.write("a.parquet", bytes);
    // What its columns are can be told of some damaged files; none may stop the process.
    if let Err(message) = folder.infer(std::slice::from_ref(&file), &defaults()) {
        assert!(message.contains("`a.parquet`"), "{message}");
    }
    folder.read(&[file], &columns(), &defaults())
}

#[test]
fn a_file_damaged_in_any_structure_gives_its_rows_or_an_error_that_names_it() {
    let folder = Folder::new();
    let sound = sound_file();
    let expected = read(&folder, &sound).unwrap();
    assert_eq!(expected.len(), 300);
    let (mut right, mut refused) = (0, 0);
    for (name, bytes) in damages(&sound) {
        match read(&folder, &bytes) {
            Ok(rows) => {
                assert!(rows == expected, "{name} gave wrong rows, {} of them", rows.len());
                right += 1;
            }
            Err(message) => {
                assert!(message.contains("`a.parquet`"), "{name} gave an error that does not name the file: {message}");
                refused += 1;
            }
        }
    }
    assert!(right > 50 && refused > 300, "{right} were read rightly and {refused} refused");
}

/// A footer has no checksum: a flipped bit can make it one that is just as sound, of other columns or types.
#[test]
fn a_flipped_bit_of_the_footer_never_changes_how_many_rows_there_are() {
    let folder = Folder::new();
    let sound = sound_file();
    // Seven and eight have no common divisor, so every bit of a byte has its turn.
    for (name, bytes) in footer_flips(&sound).step_by(7) {
        match read(&folder, &bytes) {
            Ok(rows) => assert_eq!(rows.len(), 300, "{name}"),
            Err(message) => assert!(message.contains("`a.parquet`"), "{name}: {message}"),
        }
    }
}

#[test]
fn pages_may_lie_anywhere_in_a_file() {
    let folder = Folder::new();
    let sound = sound_file();
    let moved = relocated(&sound);
    assert_ne!(moved, sound);
    assert_eq!(read(&folder, &moved), read(&folder, &sound));
}

#[test]
fn a_page_that_claims_more_than_its_bytes_can_hold_is_refused_with_its_column() {
    let folder = Folder::new();
    let damages = damages(&sound_file());
    for (name, column) in [
        ("uncompressed bytes of page 0 of column 0: 2147483647", "n"),
        ("values of page 0 of column 1: 2147483647", "m"),
        ("values of the dictionary of page 0 of column 2: 2147483647", "t"),
    ] {
        let (_, bytes) = damages.iter().find(|(damage, _)| damage == name).unwrap();
        let place = format!("column `{column}` of row group 0");
        let expected =
            format!("`a.parquet` is damaged at {place}, or is not a Parquet file; check that it was copied whole");
        assert_eq!(read(&folder, bytes).unwrap_err(), expected);
    }
}

#[test]
fn a_file_without_row_groups_has_no_rows_and_one_without_columns_is_refused() {
    let folder = Folder::new();
    let sound = sound_file();
    assert_eq!(read(&folder, &without_row_groups(&sound)), Ok(Vec::new()));
    let expected = "`a.parquet` has no columns; a table needs at least one";
    assert_eq!(read(&folder, &without_columns(&sound)).unwrap_err(), expected);
}
