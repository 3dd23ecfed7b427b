//! A sound Parquet file, and where its structures lie.

use std::ops::Range;

use super::thrift::{I32, Value};

/// The length of the footer and the magic behind it.
const END_BYTES: usize = 8;

/// Fields of `ColumnMetaData`.
pub(super) const NUM_VALUES: i16 = 5;
pub(super) const TOTAL_UNCOMPRESSED: i16 = 6;
pub(super) const TOTAL_COMPRESSED: i16 = 7;
pub(super) const DATA_PAGE_OFFSET: i16 = 9;
pub(super) const DICTIONARY_PAGE_OFFSET: i16 = 11;

/// Fields of `ColumnChunk`.
pub(super) const OFFSET_INDEX_OFFSET: i16 = 4;
pub(super) const OFFSET_INDEX_LENGTH: i16 = 5;
pub(super) const COLUMN_INDEX_OFFSET: i16 = 6;
pub(super) const COLUMN_INDEX_LENGTH: i16 = 7;

/// The path of `num_rows` of the file.
pub(super) const FILE_ROWS: [i16; 1] = [3];
/// The path of the row groups.
pub(super) const ROW_GROUPS: [i16; 1] = [4];

/// The path of `num_rows` of a row group.
pub(super) fn group_rows(group: i16) -> [i16; 3] {
    [4, group, 3]
}

/// The path of a field of a column chunk.
pub(super) fn chunk_field(group: i16, column: i16, field: i16) -> [i16; 5] {
    [4, group, 1, column, field]
}

/// The path of a field of a column's metadata.
pub(super) fn column_field(group: i16, column: i16, field: i16) -> [i16; 6] {
    [4, group, 1, column, 3, field]
}

/// A page: where its header begins, where its data does, and where that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) header: usize,
    pub(super) data: usize,
    pub(super) end: usize,
}

/// A sound file.
pub(super) struct Sound<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) footer: Value,
    pub(super) footer_range: Range<usize>,
}

impl<'a> Sound<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let end = bytes.len() - END_BYTES;
        let mut length = [0_u8; 4];
        length.copy_from_slice(&bytes[end..end + 4]);
        let begin = end - u32::from_le_bytes(length) as usize;
        let (footer, _) = Value::decode(&bytes[begin..end]);
        Self { bytes, footer, footer_range: begin..end }
    }

    pub(super) fn groups(&self) -> i16 {
        self.count(&ROW_GROUPS)
    }

    /// How many columns a row group has.
    pub(super) fn columns(&self) -> i16 {
        self.count(&[4, 0, 1])
    }

    /// Where a column chunk lies.
    pub(super) fn chunk_range(&self, group: i16, column: i16) -> Range<usize> {
        let field = |field: i16| self.footer.number(&column_field(group, column, field));
        let begin = field(DICTIONARY_PAGE_OFFSET).or(field(DATA_PAGE_OFFSET)).unwrap_or_default() as usize;
        begin..begin + field(TOTAL_COMPRESSED).unwrap_or_default() as usize
    }

    /// The pages of a column chunk.
    pub(super) fn pages(&self, group: i16, column: i16) -> Vec<Page> {
        let range = self.chunk_range(group, column);
        let (mut pages, mut header): (Vec<Page>, usize) = (Vec::new(), range.start);
        while header < range.end {
            let (decoded, length) = Value::decode(&self.bytes[header..]);
            let data = header + length;
            let end = data + decoded.number(&[3]).unwrap_or_default() as usize;
            pages.push(Page { header, data, end });
            header = end;
        }
        pages
    }

    /// Where an index of a column chunk's pages lies, by the fields that say so.
    pub(super) fn index_range(&self, group: i16, column: i16, offset: i16, length: i16) -> Option<Range<usize>> {
        let number = |field: i16| self.footer.number(&chunk_field(group, column, field));
        let begin = number(offset)? as usize;
        Some(begin..begin + number(length)? as usize)
    }

    /// The file with another footer, and with more bytes before it.
    pub(super) fn rewritten(&self, more: &[u8], footer: &Value) -> Vec<u8> {
        let footer = footer.encode();
        let mut bytes = self.bytes[..self.footer_range.start].to_vec();
        bytes.extend_from_slice(more);
        bytes.extend_from_slice(&footer);
        bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        bytes.extend_from_slice(b"PAR1");
        bytes
    }

    /// The file with a column chunk of the first row group at the end, where one of its pages has another header.
    pub(super) fn with_page_header(&self, column: i16, page: Page, header: &Value) -> Vec<u8> {
        let range = self.chunk_range(0, column);
        let header = header.encode();
        let mut moved: Vec<u8> = self.bytes[range.start..page.header].to_vec();
        moved.extend_from_slice(&header);
        moved.extend_from_slice(&self.bytes[page.data..range.end]);
        let grown = header.len() as i64 - (page.data - page.header) as i64;
        let shift = self.footer_range.start as i64 - range.start as i64;
        let mut footer = self.footer.clone();
        for (field, change) in [(TOTAL_COMPRESSED, grown), (DICTIONARY_PAGE_OFFSET, shift), (DATA_PAGE_OFFSET, shift)] {
            let path = column_field(0, column, field);
            // The data begins after a dictionary, whose header may have grown.
            let is_after = field == DATA_PAGE_OFFSET
                && self.footer.number(&path).is_some_and(|offset| offset > page.header as i64);
            let change = if is_after { change + grown } else { change };
            footer = footer.with(&path, self.footer.number(&path).unwrap_or_default() + change);
        }
        self.rewritten(&moved, &footer)
    }

    fn count(&self, path: &[i16]) -> i16 {
        self.footer.list(path).map_or(0, |list| list.items.len() as i16)
    }
}

/// An element of a schema with this many children.
pub(super) fn with_children(element: &Value, children: i32) -> Value {
    let Value::Struct(fields) = element else { return element.clone() };
    let mut fields: Vec<(i16, Value)> = fields.iter().filter(|(id, _)| *id != 5).cloned().collect();
    let place = fields.iter().position(|(id, _)| *id > 5).unwrap_or(fields.len());
    fields.insert(place, (5, Value::Number(I32, i64::from(children))));
    Value::Struct(fields)
}
