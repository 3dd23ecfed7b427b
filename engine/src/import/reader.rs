//! The door: from files to a schema, and from files and a schema to batches.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::csv::{CsvReader, infer_csv};
use super::error::ImportError;
use super::format::FileFormat;
use super::infer::{ColumnShape, FileColumns, MergedColumns};
use super::json::{JsonReader, infer_json};
use super::name::first_repeated;
use super::options::ImportOptions;
use super::parquet::{ParquetColumn, ParquetFooter, ParquetReader, infer_parquet};
use super::progress::Progress;
use super::source::SourceFile;
use super::target::Target;

/// How many rows a batch has at most.
pub(crate) const BATCH_ROWS: usize = 8192;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ImportError>> + Send>;

/// The schema that the files have together. Reads the beginning of each, and blocks.
///
/// * Columns have the names and the order of the first file; all of them may be NULL.
/// * Types are those of tables, see [`normalise`](super::normalise). Types of Parquet are known; those of CSV and JSON
///   hold for the first [`sample_rows`](ImportOptions::sample_rows) rows of each file.
///
/// # Errors
/// Files that are empty, malformed, or have nothing in common.
pub fn infer_schema(files: &[SourceFile], options: &ImportOptions) -> Result<SchemaRef, ImportError> {
    options.check()?;
    let mut merged = MergedColumns::default();
    for file in files {
        merged.add(infer_file(file, options)?)?;
    }
    merged.into_schema()
}

/// As [`infer_schema`] for Parquet files, whatever their names say. Gives their footers too, in the same order.
///
/// # Errors
/// Files that are empty, damaged, or have not the same columns.
pub fn infer_parquet_schema(
    files: &[SourceFile],
    options: &ImportOptions,
) -> Result<(SchemaRef, Vec<ParquetFooter>), ImportError> {
    options.check()?;
    let mut merged = MergedColumns::default();
    let mut footers: Vec<ParquetFooter> = Vec::with_capacity(files.len());
    for file in files {
        let footer = ParquetFooter::load(file)?;
        merged.add(typed_columns(file, footer.columns(options.keep_case)?))?;
        footers.push(footer);
    }
    Ok((merged.into_schema()?, footers))
}

/// Reads the files one after another as batches of a schema.
///
/// * The schema is that of [`infer_schema`], or of a table. Its types are those of tables; see
///   [`normalise`](super::normalise). Files must have exactly its columns, but JSON files may lack some.
/// * Nothing is read before the first batch is asked for.
pub fn open(files: Vec<SourceFile>, schema: SchemaRef, options: ImportOptions) -> ImportReader {
    let size_bytes = files.iter().map(|file| file.size_bytes).fold(0, u64::saturating_add);
    let progress = Arc::new(Progress::new(files.len() as u64, size_bytes));
    open_counted(files, schema, options, progress)
}

/// As [`open`], and yields only some columns of the schema, by their places in it. Values of the others are not read.
///
/// # Errors
/// A place beyond the last column.
pub fn open_columns(
    files: Vec<SourceFile>,
    schema: SchemaRef,
    wanted: Vec<usize>,
    options: ImportOptions,
) -> Result<ImportReader, ArrowError> {
    let mut reader = open(files, Arc::clone(&schema), options);
    reader.target = Target::some(schema, wanted)?;
    Ok(reader)
}

/// As [`open`], and raises counters that somebody watches already.
pub fn open_counted(
    files: Vec<SourceFile>,
    schema: SchemaRef,
    options: ImportOptions,
    progress: Arc<Progress>,
) -> ImportReader {
    let target = Target::all(schema);
    ImportReader { files: VecDeque::from(files), current: None, target, options, progress, finished: false }
}

/// The rows of files, as batches of one schema.
///
/// * Batches have at most 8,192 rows and at least one.
/// * Rows come in the order of the files, and in each in its order.
/// * After an error there is nothing more.
/// * Reading blocks; on an async runtime it belongs on a blocking thread.
pub struct ImportReader {
    files: VecDeque<SourceFile>,
    current: Option<Batches>,
    target: Target,
    options: ImportOptions,
    progress: Arc<Progress>,
    finished: bool,
}

impl ImportReader {
    /// The same reader, told that its schema is that of [`infer_schema`]. A value behind the sampled rows must then be
    /// one that inference would have taken for its column's type: `00501` behind whole numbers is an error, and does
    /// not become 501.
    pub fn with_inferred_types(self) -> Self {
        Self { target: self.target.inferred(), ..self }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.target.projected())
    }

    /// How far the reader is. May be asked from any thread while it reads.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    fn read_batch(&mut self) -> Result<Option<RecordBatch>, ImportError> {
        loop {
            let Some(batches) = &mut self.current else {
                let Some(file) = self.files.pop_front() else {
                    return Ok(None);
                };
                self.current = Some(self.open_file(&file)?);
                continue;
            };
            match batches.next() {
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => {
                    self.progress.add_rows(batch.num_rows() as u64);
                    return Ok(Some(batch));
                }
                Some(Err(error)) => return Err(error),
                None => {
                    self.current = None;
                    self.progress.finish_file();
                }
            }
        }
    }

    fn open_file(&self, file: &SourceFile) -> Result<Batches, ImportError> {
        self.options.check()?;
        if self.target.schema().fields().is_empty() {
            return Err(ImportError::NoColumns { file: file.path.clone() });
        }
        if let Some(name) = first_repeated(self.target.schema()) {
            return Err(ImportError::DuplicateColumn {
                file: file.path.clone(),
                name: name.to_owned(),
                first: name.to_owned(),
                second: name.to_owned(),
            });
        }
        let target = self.target.clone();
        let progress = Arc::clone(&self.progress);
        let batches: Batches = match file.format {
            FileFormat::Csv | FileFormat::Tsv => Box::new(CsvReader::open(file, target, &self.options, progress)?),
            FileFormat::Json => Box::new(JsonReader::open(file, target, &self.options, progress)?),
            FileFormat::Parquet => Box::new(ParquetReader::open(file, target, &self.options, progress)?),
        };
        Ok(batches)
    }
}

impl Iterator for ImportReader {
    type Item = Result<RecordBatch, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let result = self.read_batch().transpose();
        if !matches!(result, Some(Ok(_))) {
            self.finished = true;
            self.current = None;
        }
        result
    }
}

fn infer_file(file: &SourceFile, options: &ImportOptions) -> Result<FileColumns, ImportError> {
    let columns: Vec<(String, ColumnShape)> = match file.format {
        FileFormat::Csv | FileFormat::Tsv => {
            let columns = infer_csv(file, options)?;
            columns.into_iter().map(|(name, candidates)| (name, ColumnShape::Text(candidates))).collect()
        }
        FileFormat::Json => {
            let columns = infer_json(file, options)?;
            columns.into_iter().map(|(name, shape)| (name, ColumnShape::Json(shape))).collect()
        }
        FileFormat::Parquet => return Ok(typed_columns(file, infer_parquet(file, options)?)),
    };
    Ok(FileColumns { file: file.path.clone(), sparse: file.format == FileFormat::Json, columns })
}

fn typed_columns(file: &SourceFile, columns: Vec<ParquetColumn>) -> FileColumns {
    let typed = |column: ParquetColumn| {
        (column.name, ColumnShape::Typed { data_type: column.data_type, is_required: column.is_required })
    };
    FileColumns { file: file.path.clone(), sparse: false, columns: columns.into_iter().map(typed).collect() }
}
