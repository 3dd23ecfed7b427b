//! The footer of a Parquet file, for readers that decode the file themselves.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use ::parquet::basic::Type;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use arrow::datatypes::SchemaRef;

use super::pages::check_pages;
use super::{ParquetColumn, behind_wall, damaged, normal_columns, open_file};
use crate::import::error::ImportError;
use crate::import::source::SourceFile;
use crate::write::row_group::without_float_bounds;

/// A Parquet file as it was when its footer was read.
///
/// * Its counts, sizes and offsets are possible: every column chunk lies within the file.
/// * It has at least one column.
/// * Bounds that do not bound all values are left out of its statistics and its page index: those of floats, which may
///   hold NaN beside them, those of 96-bit timestamps, and those of old writers that compared values otherwise.
/// * Bytes come from this very state of the file; once it changes there are none.
#[derive(Debug)]
pub struct ParquetFooter {
    source: SourceFile,
    modified: Option<SystemTime>,
    metadata: Arc<ParquetMetaData>,
    schema: SchemaRef,
    has_sound_pages: OnceLock<()>,
}

impl ParquetFooter {
    /// Reads and checks the footer of a file. Blocks.
    pub(crate) fn load(source: &SourceFile) -> Result<Self, ImportError> {
        let path: &Path = &source.path;
        behind_wall(
            path,
            || "its footer".to_owned(),
            || {
                let (size_bytes, modified) = state_of(source)?;
                let (_, footer) = open_file(source)?;
                let schema = Arc::clone(footer.schema());
                let metadata = with_sound_bounds(footer.metadata().as_ref().clone())
                    .map_err(|error| damaged(path, "its footer".to_owned(), Some(error)))?;
                let source = SourceFile { size_bytes, ..source.clone() };
                Ok(Self { source, modified, metadata: Arc::new(metadata), schema, has_sound_pages: OnceLock::new() })
            },
        )
    }

    /// The columns, by name, with their types as tables have them.
    pub(crate) fn columns(&self, keep_case: bool) -> Result<Vec<ParquetColumn>, ImportError> {
        normal_columns(&self.source.path, &self.schema, keep_case)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// How long the file is.
    pub fn size_bytes(&self) -> u64 {
        self.source.size_bytes
    }

    /// The columns as the file has them, in its spelling and its types.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the footer says. Without page index: readers find it through the offsets.
    pub fn metadata(&self) -> &Arc<ParquetMetaData> {
        &self.metadata
    }

    /// How many rows the file has.
    pub fn rows(&self) -> u64 {
        self.metadata.row_groups().iter().map(rows_of).fold(0, u64::saturating_add)
    }

    /// How many rows the row groups have that begin within these bytes.
    pub fn rows_within(&self, bytes: &Range<i64>) -> u64 {
        let begins_within = |group: &&RowGroupMetaData| {
            let Some(first) = group.columns().first() else { return false };
            bytes.contains(&first.dictionary_page_offset().unwrap_or_else(|| first.data_page_offset()))
        };
        self.metadata.row_groups().iter().filter(begins_within).map(rows_of).fold(0, u64::saturating_add)
    }

    /// Opens the file, if it is still the same. The first time, the headers of its pages are checked. Blocks.
    ///
    /// # Errors
    /// A file that is gone, has changed, or has pages that cannot be.
    pub fn open(&self) -> Result<File, ImportError> {
        if state_of(&self.source)? != (self.source.size_bytes, self.modified) {
            return Err(self.changed());
        }
        let file = self.source.open()?;
        if self.has_sound_pages.get().is_none() {
            check_pages(&file, &self.metadata).map_err(|place| damaged(self.path(), place, None))?;
            self.has_sound_pages.get_or_init(|| ());
        }
        Ok(file)
    }

    /// Reads parts of the file that [`Self::open`] opened. Blocks.
    ///
    /// # Errors
    /// A part that is not within the file; a file that became shorter.
    pub fn read_ranges(&self, file: &File, ranges: &[Range<u64>]) -> Result<Vec<Vec<u8>>, ImportError> {
        let mut file: &File = file;
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::UnexpectedEof => self.changed(),
            _ => ImportError::Io { file: self.source.path.clone(), source },
        };
        let mut parts: Vec<Vec<u8>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            let length = range.end.checked_sub(range.start).filter(|_| range.end <= self.source.size_bytes);
            let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
                return Err(self.damaged("an offset beyond its end", None));
            };
            let mut part: Vec<u8> = vec![0; length];
            file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
            file.read_exact(&mut part).map_err(failed)?;
            parts.push(part);
        }
        Ok(parts)
    }

    /// That the file is damaged at a place, and what the decoder said.
    pub fn damaged(&self, place: &str, source: Option<ParquetError>) -> ImportError {
        damaged(&self.source.path, place.to_owned(), source)
    }

    fn changed(&self) -> ImportError {
        ImportError::Changed { file: self.source.path.clone() }
    }
}

/// By what a change of a file is noticed.
fn state_of(source: &SourceFile) -> Result<(u64, Option<SystemTime>), ImportError> {
    let failed = |error: std::io::Error| ImportError::Io { file: source.path.clone(), source: error };
    let state = std::fs::metadata(source.content()).map_err(failed)?;
    Ok((state.len(), state.modified().ok()))
}

fn rows_of(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

fn with_sound_bounds(metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let mut builder = metadata.into_builder();
    let mut groups = builder.take_row_groups();
    for group in &mut groups {
        for chunk in group.columns_mut() {
            if !has_sound_bounds(chunk) {
                *chunk = without_bounds(chunk.clone())?;
            }
        }
    }
    Ok(builder.set_row_groups(groups).set_column_index(None).set_offset_index(None).build())
}

fn has_sound_bounds(chunk: &ColumnChunkMetaData) -> bool {
    match chunk.column_type() {
        Type::FLOAT | Type::DOUBLE | Type::INT96 => false,
        _ => chunk
            .statistics()
            .is_none_or(|known| !known.is_min_max_deprecated() || known.is_min_max_backwards_compatible()),
    }
}

fn without_bounds(chunk: ColumnChunkMetaData) -> Result<ColumnChunkMetaData, ParquetError> {
    let bare = match chunk.column_type() {
        Type::FLOAT | Type::DOUBLE => without_float_bounds(chunk)?.into_builder(),
        _ => chunk.into_builder().clear_statistics(),
    };
    bare.set_column_index_offset(None).set_column_index_length(None).build()
}
