//! What is checked of the pages before any is decoded: their headers, read one after another.
//!
//! * The pages of a column chunk fill it, and hold as many values as its rows have. The decoder takes what pages say
//!   for granted: with one value more, all rows after it would be others.
//! * No page claims more than its bytes can hold. The decoder makes room for what a page claims.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use ::parquet::basic::{Compression, Type};
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::compact::{Compact, Kind, expect_kind, malformed};

/// The fields of `PageHeader`, from 1.
const PAGE: [Kind; 8] =
    [Kind::I32, Kind::I32, Kind::I32, Kind::I32, Kind::Struct, Kind::Struct, Kind::Struct, Kind::Struct];

/// Room for what a codec puts around its data.
const FRAME_BYTES: u64 = 64;

/// Checks the pages of every column. The error says where the damage is.
pub(super) fn check_pages(file: &File, metadata: &ParquetMetaData) -> Result<(), String> {
    // Headers are short and lie far apart.
    let mut input: BufReader<&File> = BufReader::with_capacity(512, file);
    for (position, group) in metadata.row_groups().iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        for column in group.columns() {
            check_chunk(&mut input, column, rows)
                .map_err(|_| format!("column `{}` of row group {position}", column.column_path().string()))?;
        }
    }
    Ok(())
}

fn check_chunk(input: &mut BufReader<&File>, column: &ColumnChunkMetaData, rows: u64) -> io::Result<()> {
    let (begin, mut left) = column.byte_range();
    // In a list, a row has as many values as it likes; elsewhere it has one, be it NULL.
    let is_flat = column.column_descr().max_rep_level() == 0;
    let expected = if is_flat { rows } else { u64::try_from(column.num_values()).map_err(|_| malformed())? };
    let mut values: u64 = 0;
    input.seek(SeekFrom::Start(begin))?;
    while left > 0 {
        let mut header = Compact::new(&mut *input, left);
        let page = PageHeader::read(&mut header)?;
        left = header.left().checked_sub(page.compressed_bytes).ok_or_else(malformed)?;
        if !page.is_plausible(column) {
            return Err(malformed());
        }
        if page.kind == PageKind::Data {
            values = values.saturating_add(page.values);
        }
        input.seek_relative(i64::try_from(page.compressed_bytes).map_err(|_| malformed())?)?;
    }
    if values == expected && expected >= rows { Ok(()) } else { Err(malformed()) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PageKind {
    Data,
    Dictionary,
    /// A page that readers pass over.
    Index,
}

/// What the header of a page claims.
struct PageHeader {
    kind: PageKind,
    compressed_bytes: u64,
    uncompressed_bytes: u64,
    values: u64,
}

impl PageHeader {
    fn read<R: Read>(header: &mut Compact<R>) -> io::Result<Self> {
        let (mut code, mut uncompressed, mut compressed) = (None, None, None);
        let (mut data, mut dictionary, mut data_two) = (None, None, None);
        let mut id = 0;
        while let Some(kind) = header.field(&mut id)? {
            expect_kind(&PAGE, id, kind)?;
            match id {
                1 => code = Some(header.i32()?),
                2 => uncompressed = Some(header.count()?),
                3 => compressed = Some(header.count()?),
                5 => data = value_count(header)?,
                7 => dictionary = value_count(header)?,
                8 => data_two = value_count(header)?,
                _ => header.skip(kind)?,
            }
        }
        let (kind, values) = match code {
            Some(0) => (PageKind::Data, data),
            Some(1) => (PageKind::Index, Some(0)),
            Some(2) => (PageKind::Dictionary, dictionary),
            Some(3) => (PageKind::Data, data_two),
            _ => return Err(malformed()),
        };
        Ok(Self {
            kind,
            compressed_bytes: compressed.ok_or_else(malformed)?,
            uncompressed_bytes: uncompressed.ok_or_else(malformed)?,
            values: values.ok_or_else(malformed)?,
        })
    }

    /// Whether the bytes of the page can hold what it claims.
    fn is_plausible(&self, column: &ColumnChunkMetaData) -> bool {
        // No codec packs more than so many bytes into one.
        let factor: u64 = match column.compression() {
            Compression::UNCOMPRESSED if self.compressed_bytes != self.uncompressed_bytes => return false,
            Compression::UNCOMPRESSED => 1,
            Compression::SNAPPY => 32,
            Compression::LZ4 | Compression::LZ4_RAW => 256,
            Compression::GZIP(_) => 1040,
            Compression::ZSTD(_) => 128 << 10,
            // Brotli has no such bound, and its decoder touches no memory before there is data for it.
            Compression::BROTLI(_) | Compression::LZO => u64::MAX,
        };
        let bytes_max = self.compressed_bytes.saturating_mul(factor).saturating_add(FRAME_BYTES);
        let is_held = self.kind != PageKind::Dictionary
            || self.values.saturating_mul(dictionary_value_bytes(column)) <= self.uncompressed_bytes;
        self.uncompressed_bytes <= bytes_max && is_held
    }
}

/// How many bytes a value of a dictionary takes at least.
fn dictionary_value_bytes(column: &ColumnChunkMetaData) -> u64 {
    match column.column_type() {
        Type::BOOLEAN => 0,
        Type::INT32 | Type::FLOAT => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        // Its length.
        Type::BYTE_ARRAY => 4,
        Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.column_descr().type_length()).unwrap_or(0),
    }
}

/// The number of values in the header of a kind of page: the first field of each.
fn value_count<R: Read>(header: &mut Compact<R>) -> io::Result<Option<u64>> {
    let (mut id, mut values) = (0, None);
    while let Some(kind) = header.field(&mut id)? {
        match (id, kind) {
            (1, Kind::I32) => values = Some(header.count()?),
            (_, kind) => header.skip(kind)?,
        }
    }
    Ok(values)
}
