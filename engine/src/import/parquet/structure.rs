//! What is checked of a footer: its bytes before anything decodes them, and then what it says.
//!
//! The decoder believes some counts: it makes room for as many row groups and fields as a footer claims, and goes as
//! deep as its schema does. A count that lies would end the process, which no wall catches.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::compact::{Compact, Kind, expect_kind, malformed};

/// The length of the footer and the magic behind it.
const END_BYTES: u64 = 8;

/// How deeply the groups of a schema may lie in one another.
const SCHEMA_DEPTH_MAX: usize = 100;

/// The fields of `FileMetaData`, from 1.
const FILE: [Kind; 9] =
    [Kind::I32, Kind::List, Kind::I64, Kind::List, Kind::List, Kind::Binary, Kind::List, Kind::Struct, Kind::Binary];

/// The fields of `SchemaElement`.
const SCHEMA_ELEMENT: [Kind; 10] = [
    Kind::I32,
    Kind::I32,
    Kind::I32,
    Kind::Binary,
    Kind::I32,
    Kind::I32,
    Kind::I32,
    Kind::I32,
    Kind::I32,
    Kind::Struct,
];

/// The fields of `RowGroup`.
const ROW_GROUP: [Kind; 7] = [Kind::List, Kind::I64, Kind::I64, Kind::List, Kind::I64, Kind::I64, Kind::I16];

/// The fields of `ColumnChunk`.
const COLUMN_CHUNK: [Kind; 9] =
    [Kind::Binary, Kind::I64, Kind::Struct, Kind::I64, Kind::I32, Kind::I64, Kind::I32, Kind::Struct, Kind::Binary];

/// The fields of `ColumnMetaData`.
const COLUMN: [Kind; 17] = [
    Kind::I32,
    Kind::List,
    Kind::List,
    Kind::I32,
    Kind::I64,
    Kind::I64,
    Kind::I64,
    Kind::List,
    Kind::I64,
    Kind::I64,
    Kind::I64,
    Kind::Struct,
    Kind::List,
    Kind::I64,
    Kind::I32,
    Kind::Struct,
    Kind::Struct,
];

type Footer<'a> = Compact<&'a [u8]>;

/// Whether the footer's bytes can be given to the decoder. A file whose end is not that of a Parquet file can: the
/// decoder says best what it is instead.
pub(super) fn is_decodable(file: &File, size_bytes: u64) -> io::Result<bool> {
    let Some(end) = size_bytes.checked_sub(END_BYTES) else { return Ok(true) };
    let mut input: &File = file;
    let mut last = [0_u8; END_BYTES as usize];
    input.seek(SeekFrom::Start(end))?;
    input.read_exact(&mut last)?;
    let [a, b, c, d, magic @ ..] = last;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if &magic != b"PAR1" || length > end {
        return Ok(true);
    }
    input.seek(SeekFrom::Start(end - length))?;
    let mut bytes: Vec<u8> = Vec::new();
    Read::take(input, length).read_to_end(&mut bytes)?;
    Ok(check_file(&mut Compact::new(bytes.as_slice(), bytes.len() as u64)).is_ok())
}

fn check_file(footer: &mut Footer<'_>) -> io::Result<()> {
    let mut id = 0;
    while let Some(kind) = footer.field(&mut id)? {
        expect_kind(&FILE, id, kind)?;
        match id {
            2 => check_schema(footer)?,
            4 => check_structs(footer, check_row_group)?,
            _ => footer.skip(kind)?,
        }
    }
    Ok(())
}

fn check_row_group(footer: &mut Footer<'_>) -> io::Result<()> {
    let mut id = 0;
    while let Some(kind) = footer.field(&mut id)? {
        expect_kind(&ROW_GROUP, id, kind)?;
        match id {
            1 => check_structs(footer, check_column_chunk)?,
            _ => footer.skip(kind)?,
        }
    }
    Ok(())
}

fn check_column_chunk(footer: &mut Footer<'_>) -> io::Result<()> {
    let mut id = 0;
    while let Some(kind) = footer.field(&mut id)? {
        expect_kind(&COLUMN_CHUNK, id, kind)?;
        match id {
            3 => check_column(footer)?,
            _ => footer.skip(kind)?,
        }
    }
    Ok(())
}

fn check_column(footer: &mut Footer<'_>) -> io::Result<()> {
    let mut id = 0;
    while let Some(kind) = footer.field(&mut id)? {
        expect_kind(&COLUMN, id, kind)?;
        footer.skip(kind)?;
    }
    Ok(())
}

/// Checks a list of structs, each with a function.
fn check_structs(footer: &mut Footer<'_>, check: fn(&mut Footer<'_>) -> io::Result<()>) -> io::Result<()> {
    for _ in 0..struct_count(footer)? {
        check(footer)?;
    }
    Ok(())
}

fn struct_count(footer: &mut Footer<'_>) -> io::Result<u64> {
    let (kind, count) = footer.list()?;
    if count > 0 && kind != Kind::Struct {
        return Err(malformed());
    }
    Ok(count)
}

/// Checks that the fields of a schema, a tree written out in depth first, are those that its groups claim.
fn check_schema(footer: &mut Footer<'_>) -> io::Result<()> {
    // How many fields are still to come in each group that is not complete. One root is to come at first.
    let mut open: Vec<u64> = vec![1];
    for _ in 0..struct_count(footer)? {
        let children = schema_children(footer)?;
        while open.last() == Some(&0) {
            open.pop();
        }
        let Some(to_come) = open.last_mut() else { return Err(malformed()) };
        *to_come -= 1;
        if children > 0 {
            open.push(children);
        }
        if open.len() > SCHEMA_DEPTH_MAX {
            return Err(malformed());
        }
    }
    if open.iter().all(|to_come| *to_come == 0) { Ok(()) } else { Err(malformed()) }
}

/// How many fields an element of a schema claims to have.
fn schema_children(footer: &mut Footer<'_>) -> io::Result<u64> {
    let (mut id, mut children) = (0, 0);
    while let Some(kind) = footer.field(&mut id)? {
        expect_kind(&SCHEMA_ELEMENT, id, kind)?;
        match id {
            5 => children = footer.count()?,
            _ => footer.skip(kind)?,
        }
    }
    Ok(children)
}

/// Checks that counts are counts, that what lies in the file lies in the file, and that nothing lies there twice. The
/// error says where it does not.
pub(super) fn check_footer(metadata: &ParquetMetaData, size_bytes: u64) -> Result<(), String> {
    let mut rows: i64 = 0;
    // Where the column chunks begin and end, and which they are.
    let mut chunks: Vec<(u64, u64, usize, usize)> = Vec::new();
    for (position, group) in metadata.row_groups().iter().enumerate() {
        let place = |what: &str| format!("{what} of row group {position} in its footer");
        if group.num_rows() < 0 {
            return Err(place("the row count"));
        }
        rows = rows.checked_add(group.num_rows()).ok_or_else(|| place("the row count"))?;
        for (number, column) in group.columns().iter().enumerate() {
            let Some((begin, end)) = lies_within(column, size_bytes) else {
                return Err(place(&format!("column `{}`", column.column_path().string())));
            };
            if begin < end {
                chunks.push((begin, end, position, number));
            }
        }
    }
    if rows != metadata.file_metadata().num_rows() {
        return Err("the row count in its footer".to_owned());
    }
    chunks.sort_unstable();
    for (before, after) in chunks.iter().zip(chunks.iter().skip(1)) {
        let (begin, _, position, number) = *after;
        if begin < before.1 {
            let name = metadata.row_group(position).column(number).column_path().string();
            return Err(format!("column `{name}` of row group {position} in its footer"));
        }
    }
    Ok(())
}

/// Where a column chunk begins and ends, if that is in the file.
fn lies_within(column: &ColumnChunkMetaData, size_bytes: u64) -> Option<(u64, u64)> {
    let begin = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let begin = u64::try_from(begin).ok()?;
    let end = begin.checked_add(u64::try_from(column.compressed_size()).ok()?)?;
    let is_counted = column.num_values() >= 0 && column.uncompressed_size() >= 0 && column.data_page_offset() >= 0;
    (is_counted && end <= size_bytes).then_some((begin, end))
}
