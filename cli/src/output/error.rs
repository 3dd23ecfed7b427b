//! What can go wrong between a result and the place where it is written.

use std::error::Error;
use std::io;

use frostline_engine::export::{ExportError, ValueError};

use super::format::OutputFormat;
use super::sink::Target;

/// Why a result was not written, or not completely.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// Who read the output has seen enough, as `head` does. No failure: stop, say nothing, exit with 0.
    #[error("the reader of the output closed it")]
    ClosedPipe,

    /// The place where the bytes go refused them.
    #[error("cannot write to {target}; check that its folder exists, has room, and may be written to")]
    Write {
        /// The place.
        target: Target,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// A value has no text, such as a timestamp beyond the calendar.
    #[error(transparent)]
    Value(#[from] ValueError),

    /// The format has no place for these columns.
    #[error("the result cannot be written as {format}; cast its columns to plainer types, or choose another --format")]
    Encode {
        /// The format.
        format: OutputFormat,
        /// What the encoder said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    /// A second result came, and the format holds one.
    #[error("{format} holds one result, but there is a second; ask for one result, or choose another --format")]
    SecondResult {
        /// The format.
        format: OutputFormat,
    },

    /// The format holds one result, and there was none.
    #[error("{format} holds one result, but there is none; ask for one result, or choose another --format")]
    NoResult {
        /// The format.
        format: OutputFormat,
    },
}

impl OutputError {
    /// The process's exit code: 0 for a closed pipe, 2 for a format that cannot hold what was asked, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::SecondResult { .. } | Self::NoResult { .. } => 2,
            Self::Write { .. } | Self::Value(_) | Self::Encode { .. } => 1,
        }
    }

    /// The error for a failed write.
    pub(super) fn of_write(target: &Target, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Write { target: target.clone(), source },
        }
    }

    /// The error for a failed encoder of a format.
    pub(super) fn of_export(format: OutputFormat, target: &Target, error: ExportError) -> Self {
        match error {
            ExportError::Write(source) => Self::of_write(target, source),
            ExportError::Value(error) => Self::Value(error),
            ExportError::Encode(source) => Self::Encode { format, source },
            ExportError::SecondResult => Self::SecondResult { format },
            ExportError::NoResult => Self::NoResult { format },
        }
    }
}
