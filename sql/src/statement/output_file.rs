//! A file that COPY TO writes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::writer::LineDelimitedWriter;
use datafusion::arrow::{csv, json};
use frostline_engine::import::FileFormat;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::{Error, ErrorKind};

/// A file that appears under its name only when it is whole.
pub(super) struct OutputFile {
    path: PathBuf,
    temporary: PathBuf,
    writer: Option<Writer>,
}

enum Writer {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Json(LineDelimitedWriter<BufWriter<File>>),
    Parquet(Box<ArrowWriter<BufWriter<File>>>),
}

impl OutputFile {
    pub(super) fn create(path: &Path, format: FileFormat, schema: &SchemaRef, header: bool) -> Result<Self, Error> {
        let name = path.file_name().ok_or_else(|| Error::statement(format!("`{}` is no file", path.display())))?;
        let temporary = path.with_file_name(format!(".{}.tmp", name.to_string_lossy()));
        let file = File::create(&temporary).map_err(|error| written(path, &error))?;
        let file = BufWriter::new(file);
        let writer = match format {
            FileFormat::Csv => Writer::Csv(Box::new(csv::WriterBuilder::new().with_header(header).build(file))),
            FileFormat::Tsv => {
                let builder = csv::WriterBuilder::new().with_header(header).with_delimiter(b'\t');
                Writer::Csv(Box::new(builder.build(file)))
            }
            FileFormat::Json => {
                let builder = json::WriterBuilder::new().with_explicit_nulls(true);
                Writer::Json(builder.build::<_, json::writer::LineDelimited>(file))
            }
            FileFormat::Parquet => {
                let level = ZstdLevel::try_new(3).map_err(|error| Error::statement(error.to_string()))?;
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
                let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(|error| Error::statement(error.to_string()))?))
            }
        };
        Ok(Self { path: path.to_owned(), temporary, writer: Some(writer) })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match &mut self.writer {
            Some(Writer::Csv(writer)) => Ok(writer.write(batch)?),
            Some(Writer::Json(writer)) => Ok(writer.write(batch)?),
            Some(Writer::Parquet(writer)) => writer.write(batch).map_err(|error| Error::statement(error.to_string())),
            None => Ok(()),
        }
    }

    pub(super) fn finish(mut self) -> Result<(), Error> {
        let file = match self.writer.take() {
            Some(Writer::Csv(writer)) => writer.into_inner(),
            Some(Writer::Json(mut writer)) => {
                writer.finish()?;
                writer.into_inner()
            }
            Some(Writer::Parquet(writer)) => {
                writer.into_inner().map_err(|error| Error::statement(error.to_string()))?
            }
            None => return Ok(()),
        };
        let mut file = file;
        file.flush().map_err(|error| written(&self.path, &error))?;
        std::fs::rename(&self.temporary, &self.path).map_err(|error| written(&self.path, &error))
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        // After a whole file was renamed there is nothing left to remove.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

fn written(path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::IsADirectory => ErrorKind::Statement,
        _ => ErrorKind::Store,
    };
    Error::new(kind, format!("`{}` cannot be written: {error}", path.display()), None)
}
