//! Arrow IPC: one result, with its types, for another program.
//!
//! * The *stream* form (`.arrows`) is read as it arrives; the *file* form (`.arrow`) is read at any offset.
//! * The schema's metadata, version and lake included, goes along.
//! * A name that two columns share is made distinct: many readers find columns by name.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::{FileWriter, StreamWriter};

use super::encoder::RowEncoder;
use super::error::ExportError;
use super::name::with_distinct_names;

/// Writes one Arrow IPC stream or file.
pub struct ArrowRows {
    form: Form,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Stream,
    File,
}

/// Each writer's memory holds what was not passed on yet.
enum State {
    /// No result yet.
    Waiting,
    Stream(Box<StreamWriter<Vec<u8>>>),
    File(Box<FileWriter<Vec<u8>>>),
    /// The one result is complete, or an error ended it.
    Done,
}

impl ArrowRows {
    /// The stream form.
    pub fn stream() -> Self {
        Self { form: Form::Stream, state: State::Waiting }
    }

    /// The file form.
    pub fn file() -> Self {
        Self { form: Form::File, state: State::Waiting }
    }
}

impl RowEncoder for ArrowRows {
    fn begin(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> Result<(), ExportError> {
        if !matches!(self.state, State::Waiting) {
            return Err(ExportError::SecondResult);
        }
        self.state = State::Done;
        let schema = with_distinct_names(schema);
        self.state = match self.form {
            Form::Stream => {
                let writer = StreamWriter::try_new(Vec::<u8>::new(), schema.as_ref()).map_err(ExportError::encode)?;
                let mut writer: Box<StreamWriter<Vec<u8>>> = Box::new(writer);
                pass_on(writer.get_mut(), out)?;
                State::Stream(writer)
            }
            Form::File => {
                let writer = FileWriter::try_new(Vec::<u8>::new(), schema.as_ref()).map_err(ExportError::encode)?;
                let mut writer: Box<FileWriter<Vec<u8>>> = Box::new(writer);
                pass_on(writer.get_mut(), out)?;
                State::File(writer)
            }
        };
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), ExportError> {
        match &mut self.state {
            State::Stream(writer) => {
                writer.write(batch).map_err(ExportError::encode)?;
                pass_on(writer.get_mut(), out)
            }
            State::File(writer) => {
                writer.write(batch).map_err(ExportError::encode)?;
                pass_on(writer.get_mut(), out)
            }
            State::Waiting | State::Done => Err(ExportError::NoResult),
        }
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), ExportError> {
        let rest: Vec<u8> = match std::mem::replace(&mut self.state, State::Done) {
            State::Stream(writer) => (*writer).into_inner().map_err(ExportError::encode)?,
            State::File(writer) => (*writer).into_inner().map_err(ExportError::encode)?,
            State::Waiting | State::Done => return Err(ExportError::NoResult),
        };
        out.write_all(&rest).map_err(ExportError::Write)
    }
}

/// Passes on what is ready. The writers count the bytes themselves, so that their offsets hold.
fn pass_on(ready: &mut Vec<u8>, out: &mut dyn Write) -> Result<(), ExportError> {
    out.write_all(ready).map_err(ExportError::Write)?;
    ready.clear();
    Ok(())
}
