//! Where the bytes of results go.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use frostline_engine::export::ResultFile;

use super::error::OutputError;

/// Bytes gathered before the system is asked to take them.
const BUFFER_BYTES: usize = 64 * 1024;

/// The place that results are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl Target {
    /// Whether a person sits at the other end.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::File(_) => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// A buffered, opened target.
///
/// * A file takes its name only in `finish`, see [`ResultFile`].
/// * A closed pipe is `OutputError::ClosedPipe`, whoever notices it.
pub(crate) struct Sink {
    bytes: BufWriter<Destination>,
    target: Target,
}

enum Destination {
    Stdout(io::Stdout),
    File(ResultFile),
    #[cfg(test)]
    Memory(Vec<u8>),
}

impl Sink {
    /// Opens a target. What is at a file's path is not touched yet.
    pub(crate) fn open(target: Target) -> Result<Self, OutputError> {
        let opened = match &target {
            Target::Stdout => Ok(Destination::Stdout(io::stdout())),
            Target::File(path) => ResultFile::open(path).map(Destination::File),
        };
        match opened {
            Ok(destination) => Ok(Self { bytes: BufWriter::with_capacity(BUFFER_BYTES, destination), target }),
            Err(source) => Err(OutputError::of_write(&target, source)),
        }
    }

    /// A sink that keeps its bytes.
    #[cfg(test)]
    pub(super) fn memory() -> Self {
        Self { bytes: BufWriter::new(Destination::Memory(Vec::new())), target: Target::Stdout }
    }

    /// The place that this sink writes to.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Whether the bytes end up in a regular file, which can be read at any offset.
    pub(super) fn is_regular_file(&self) -> bool {
        matches!(self.bytes.get_ref(), Destination::File(file) if file.is_regular())
    }

    /// Takes bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.bytes.write_all(bytes).map_err(|source| OutputError::of_write(&self.target, source))
    }

    /// Passes on every byte taken so far.
    pub(super) fn settle(&mut self) -> Result<(), OutputError> {
        self.bytes.flush().map_err(|source| OutputError::of_write(&self.target, source))
    }

    /// Passes on every byte and puts a file in place.
    pub(crate) fn finish(mut self) -> Result<(), OutputError> {
        self.settle()?;
        let Self { bytes, target } = self;
        let (destination, _empty) = bytes.into_parts();
        match destination {
            Destination::File(file) => file.finish().map_err(|source| OutputError::of_write(&target, source)),
            _ => Ok(()),
        }
    }

    /// The bytes that a sink in memory took.
    #[cfg(test)]
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.settle().expect("memory takes every byte");
        match self.bytes.into_parts().0 {
            Destination::Memory(bytes) => bytes,
            _ => Vec::new(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bytes.flush()
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(file) => file.write(bytes),
            #[cfg(test)]
            Self::Memory(kept) => kept.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(file) => file.flush(),
            #[cfg(test)]
            Self::Memory(_) => Ok(()),
        }
    }
}
