//! Reads Parquet.
//!
//! * Columns are matched by name and may stand in any order.
//! * Only the columns that are wanted are read.
//! * Types become those of the target if no value changes; see [`cast_exact`].
//! * A damaged file is an error, never a panic and never a short read: the footer's counts, sizes and offsets and the
//!   headers of the pages are checked before anything is decoded, and the rows that come out are counted.
//! * Parquet has no checksum of its footer, and pages need not have one: bytes that were changed into others that are
//!   just as well formed are read as what they are.

mod compact;
mod footer;
mod pages;
mod structure;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::errors::ParquetError;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use super::error::{ImportError, Row};
use super::exact::{ExactCastError, cast_exact};
use super::name::{column_names, match_columns};
use super::normalise::normalise_type;
use super::options::ImportOptions;
use super::progress::Progress;
use super::reader::BATCH_ROWS;
use super::source::SourceFile;
use super::target::Target;
use pages::check_pages;
use structure::{check_footer, is_decodable};

pub use footer::ParquetFooter;

/// A column of a file, with its name and type as tables have them.
pub(crate) struct ParquetColumn {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    /// Whether the file declares that it holds no NULL.
    pub(crate) is_required: bool,
}

/// The columns of a file, in its order.
pub(crate) fn infer_parquet(source: &SourceFile, options: &ImportOptions) -> Result<Vec<ParquetColumn>, ImportError> {
    behind_wall(
        &source.path,
        || "its footer".to_owned(),
        || {
            let (_, metadata) = open_file(source)?;
            normal_columns(&source.path, metadata.schema(), options.keep_case)
        },
    )
}

fn normal_columns(path: &Path, schema: &Schema, keep_case: bool) -> Result<Vec<ParquetColumn>, ImportError> {
    let spelled: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let names = column_names(path, &spelled, keep_case)?;
    let mut columns: Vec<ParquetColumn> = Vec::with_capacity(names.len());
    for (name, field) in names.into_iter().zip(schema.fields()) {
        let data_type = normalise_type(field.data_type()).map_err(|error| ImportError::UnsupportedType {
            file: path.to_path_buf(),
            column: format!("{name}{}", error.path),
            found: error.found.into(),
            problem: error.advice,
        })?;
        columns.push(ParquetColumn { name, data_type, is_required: !field.is_nullable() });
    }
    Ok(columns)
}

/// Reads one file as batches of the target.
pub(crate) struct ParquetReader {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
    target: Target,
    /// For every wanted column, which of the decoded columns it is.
    places: Vec<usize>,
    progress: Arc<Progress>,
    rows_read: u64,
    rows_total: u64,
    size_bytes: u64,
    bytes_reported: u64,
}

impl ParquetReader {
    pub(crate) fn open(
        source: &SourceFile,
        target: Target,
        options: &ImportOptions,
        progress: Arc<Progress>,
    ) -> Result<Self, ImportError> {
        behind_wall(
            &source.path,
            || "its footer".to_owned(),
            || {
                let (file, metadata) = open_file(source)?;
                let file_schema = Arc::clone(metadata.schema());
                let spelled: Vec<&str> = file_schema.fields().iter().map(|field| field.name().as_str()).collect();
                let positions = match_columns(&source.path, target.schema(), &spelled, options.keep_case)?;
                check_pages(&file, metadata.metadata()).map_err(|place| damaged(&source.path, place, None))?;
                let roots: Vec<usize> = target.wanted().map(|(column, _)| positions[column]).collect();
                // Decoded columns come in the order of the file.
                let places: Vec<usize> =
                    roots.iter().map(|root| roots.iter().filter(|other| *other < root).count()).collect();
                let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
                let rows_total = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
                let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                    .with_projection(mask)
                    .with_batch_size(BATCH_ROWS)
                    .build()
                    .map_err(|error| damaged(&source.path, "its columns".to_owned(), Some(error)))?;
                Ok(Self {
                    path: source.path.clone(),
                    batches,
                    target,
                    places,
                    progress,
                    rows_read: 0,
                    rows_total,
                    size_bytes: source.size_bytes,
                    bytes_reported: 0,
                })
            },
        )
    }

    fn read_batch(&mut self) -> Result<Option<RecordBatch>, ImportError> {
        if self.rows_read == self.rows_total {
            return Ok(None);
        }
        let batch = match self.batches.next() {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return Err(damaged(&self.path, self.place(), Some(ParquetError::from(error)))),
            // The footer promises more rows.
            None => return Err(damaged(&self.path, self.place(), None)),
        };
        let rows = batch.num_rows() as u64;
        if rows == 0 || rows > self.rows_total - self.rows_read {
            return Err(damaged(&self.path, self.place(), None));
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.places.len());
        for ((_, field), place) in self.target.wanted().zip(&self.places) {
            let Some(column) = batch.columns().get(*place) else {
                return Err(damaged(&self.path, self.place(), None));
            };
            columns.push(self.read_column(field, column)?);
        }
        let batch = self.target.batch(columns, batch.num_rows()).map_err(|source| ImportError::Batch {
            file: self.path.clone(),
            row: self.row_of(0),
            source,
        })?;
        self.rows_read += rows;
        self.report_progress();
        Ok(Some(batch))
    }

    fn read_column(&self, field: &Field, column: &ArrayRef) -> Result<ArrayRef, ImportError> {
        let file = self.path.clone();
        let name = field.name().clone();
        let array = match cast_exact(column, field.data_type()) {
            Ok(array) => array,
            Err(ExactCastError::Types { found, expected }) => {
                return Err(ImportError::WrongType {
                    file,
                    column: name,
                    found: found.into(),
                    expected: expected.into(),
                });
            }
            Err(ExactCastError::Value { row, value, expected }) => {
                return Err(ImportError::BadValue { file, row: self.row_of(row), column: name, value, expected });
            }
            Err(ExactCastError::Arrow { source, .. }) => {
                return Err(ImportError::Batch { file, row: self.row_of(0), source });
            }
        };
        if !field.is_nullable()
            && array.null_count() > 0
            && let Some(row) = (0..array.len()).find(|row| array.is_null(*row))
        {
            return Err(ImportError::NullValue { file, row: self.row_of(row), column: name });
        }
        Ok(array)
    }

    /// Pages are read where they lie, so bytes are told from rows.
    fn report_progress(&mut self) {
        let share = u128::from(self.size_bytes) * u128::from(self.rows_read) / u128::from(self.rows_total.max(1));
        let bytes = u64::try_from(share).unwrap_or(self.size_bytes);
        self.progress.add_bytes(bytes.saturating_sub(self.bytes_reported));
        self.bytes_reported = bytes;
    }

    fn place(&self) -> String {
        format!("row {} or after", self.rows_read + 1)
    }

    fn row_of(&self, row: usize) -> Row {
        Row::new(self.rows_read + row as u64 + 1)
    }
}

impl Iterator for ParquetReader {
    type Item = Result<RecordBatch, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = self.path.clone();
        let place = self.place();
        behind_wall(&path, || place, || self.read_batch()).transpose()
    }
}

/// Runs foreign decoders on bytes that nobody vouches for, as the last wall against their panics. A decoder that
/// panicked may be in any state: callers must not use it again.
///
/// The decoders have asserts and index slices by numbers from the file. What can be checked is checked before, but what
/// is inside a page may still lie, and a file that a user hands in must not end the process.
fn behind_wall<T>(
    path: &Path,
    place: impl FnOnce() -> String,
    decode: impl FnOnce() -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result,
        Err(_) => Err(damaged(path, place(), None)),
    }
}

/// Opens a file whose footer can be trusted as far as its counts, sizes and offsets go.
fn open_file(source: &SourceFile) -> Result<(File, ArrowReaderMetadata), ImportError> {
    let path: &Path = &source.path;
    let io_error = |source: std::io::Error| ImportError::Io { file: path.to_path_buf(), source };
    let file = source.open()?;
    let size_bytes = file.metadata().map_err(io_error)?.len();
    if size_bytes == 0 {
        return Err(ImportError::Empty { file: path.to_path_buf() });
    }
    if !is_decodable(&file, size_bytes).map_err(io_error)? {
        return Err(damaged(path, "its footer".to_owned(), None));
    }
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
        .map_err(|error| damaged(path, "its footer".to_owned(), Some(error)))?;
    check_footer(metadata.metadata(), size_bytes).map_err(|place| damaged(path, place, None))?;
    if metadata.schema().fields().is_empty() {
        return Err(ImportError::NoColumns { file: path.to_path_buf() });
    }
    Ok((file, metadata))
}

fn damaged(path: &Path, place: String, source: Option<ParquetError>) -> ImportError {
    ImportError::Damaged { file: path.to_path_buf(), place, source }
}
