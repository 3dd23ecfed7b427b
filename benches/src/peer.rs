//! DuckLake, delta-rs and DuckDB, which change the rows of the same table in a Python process.

use std::path::Path;

use crate::lakes;
use crate::python::{Measured, Python};
use crate::report::Failure;
use crate::samples::Samples;

/// Another engine that keeps tables in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    DuckLake,
    Delta,
    /// Two states of the table in memory, compared by EXCEPT.
    DuckDb,
}

impl Peer {
    /// Its name, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DuckLake => "DuckLake",
            Self::Delta => "delta-rs",
            Self::DuckDb => "DuckDB",
        }
    }

    fn argument(self) -> &'static str {
        match self {
            Self::DuckLake => "ducklake",
            Self::Delta => "delta",
            Self::DuckDb => "duckdb",
        }
    }
}

/// What a peer is to do with the rows of a Parquet file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    /// `delete`, `update`, `merge` or `except`.
    pub(crate) action: &'a str,
    /// The table's rows.
    pub(crate) file: &'a Path,
    /// Which rows.
    pub(crate) filter: Option<&'a str>,
    /// The rows that are merged, or the later state.
    pub(crate) source: Option<&'a Path>,
    /// How often.
    pub(crate) rounds: usize,
    /// Where scratch folders are made.
    pub(crate) folder: &'a Path,
}

impl Work<'_> {
    /// The times of a peer, if it is installed, and how many rows it changed.
    pub(crate) fn by(&self, peer: Peer, python: &Python) -> Result<Option<(Samples, u64)>, Failure> {
        let rounds = self.rounds.to_string();
        let mut arguments = vec!["--peer", peer.argument(), "--action", self.action, "--rounds", &rounds];
        arguments.extend(["--file", lakes::location(self.file)?, "--folder", lakes::location(self.folder)?]);
        if let Some(filter) = self.filter {
            arguments.extend(["--where", filter]);
        }
        if let Some(source) = self.source {
            arguments.extend(["--source", lakes::location(source)?]);
        }
        match python.run("rows_change.py", &arguments)? {
            Measured::Rounds { times, rows } => Ok(Some((times, rows))),
            Measured::Missing(_) => Ok(None),
        }
    }
}
