//! A file that COPY TO writes.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use frostline_engine::export::{
    BinaryStyle, CsvOptions, CsvRows, ExportError, JsonRows, ParquetRows, Provenance, ResultFile, RowEncoder,
};
use frostline_engine::import::{FileFormat, ImportOptions};

use crate::error::{Error, ErrorKind};
use crate::files::set_option;

/// Options for csv and tsv, in all their spellings. They are those of reading that concern how a file is written.
const CSV_OPTIONS: [&str; 8] = ["header", "delimiter", "delim", "sep", "quote", "null", "nullstr", "null_text"];

/// How a file is written: a format and its options.
pub(super) struct OutputForm {
    encoder: Box<dyn RowEncoder>,
}

impl OutputForm {
    /// A format with the options of a COPY TO, which are spelled and read as those of COPY FROM.
    ///
    /// Binary is written with its `\x`, so that it is read back.
    pub(super) fn try_new(format: FileFormat, options: &[(String, String)]) -> Result<Self, Error> {
        if let Some((other, _)) = options.iter().find(|(name, _)| !CSV_OPTIONS.contains(&name.as_str())) {
            return Err(Error::statement(format!(
                "COPY TO has no option `{other}`; there are format, header, delimiter, quote and null"
            )));
        }
        let encoder: Box<dyn RowEncoder> = match format {
            FileFormat::Csv => Box::new(CsvRows::try_new(csv_options(b',', options)?)?),
            FileFormat::Tsv => Box::new(CsvRows::try_new(csv_options(b'\t', options)?)?),
            FileFormat::Json | FileFormat::Parquet if !options.is_empty() => {
                return Err(Error::statement(format!(
                    "option `{}` is for csv and tsv, not for {format}; leave it out",
                    options[0].0
                )));
            }
            FileFormat::Json => Box::new(JsonRows::lines().with_binary(BinaryStyle::Prefixed)),
            FileFormat::Parquet => Box::new(ParquetRows::new()),
        };
        Ok(Self { encoder })
    }
}

fn csv_options(delimiter: u8, options: &[(String, String)]) -> Result<CsvOptions, Error> {
    let mut asked = ImportOptions::default();
    for (name, value) in options {
        set_option(&mut asked, name, value)?;
    }
    let usual = CsvOptions::default();
    Ok(CsvOptions {
        header: asked.header.unwrap_or(usual.header),
        delimiter: asked.delimiter.unwrap_or(delimiter),
        quote: asked.quote.unwrap_or(usual.quote),
        null_text: asked.null_text.into_iter().next().unwrap_or_default(),
        binary: BinaryStyle::Prefixed,
    })
}

/// A file that appears under its name only when it is whole, see [`ResultFile`].
pub(super) struct OutputFile {
    path: PathBuf,
    file: BufWriter<ResultFile>,
    encoder: Box<dyn RowEncoder>,
}

impl OutputFile {
    /// Begins a file of rows with these columns.
    pub(super) fn create(
        path: &Path,
        form: OutputForm,
        schema: &SchemaRef,
        provenance: &Provenance,
    ) -> Result<Self, Error> {
        let file = ResultFile::open(path).map_err(|error| written(path, &error))?;
        let mut created = Self { path: path.to_owned(), file: BufWriter::new(file), encoder: form.encoder };
        let begun = created.encoder.begin(&provenance.note_in(schema), &mut created.file);
        begun.map_err(|error| failed(path, error))?;
        Ok(created)
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.encoder.rows(batch, &mut self.file).map_err(|error| failed(&self.path, error))
    }

    /// Gives the whole file its name.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.encoder.end(&mut self.file).map_err(|error| failed(&self.path, error))?;
        let Self { path, file, .. } = self;
        let file = file.into_inner().map_err(|error| written(&path, error.error()))?;
        file.finish().map_err(|error| written(&path, &error))
    }
}

fn failed(path: &Path, error: ExportError) -> Error {
    match error {
        ExportError::Write(source) => written(path, &source),
        other => other.into(),
    }
}

fn written(path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::IsADirectory => ErrorKind::Statement,
        _ => ErrorKind::Store,
    };
    Error::new(kind, format!("`{}` cannot be written: {error}", path.display()), None)
}
