//! What a transaction did, as its writer saw it.

use std::fmt;

/// What is read and written as one: the rows of a key in a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// The table.
    pub table: String,
    /// The key.
    pub key: u64,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.table, self.key)
    }
}

/// A transaction that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who ran it. What one writer runs comes in its order.
    pub writer: usize,
    /// The version that it made; `None` if it only read.
    pub version: Option<u64>,
    /// What it did, in order.
    pub deeds: Vec<Deed>,
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "version {version} of writer {}", self.writer),
            None => write!(f, "a reading of writer {}", self.writer),
        }
    }
}

/// One thing that a transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It read an object.
    Read {
        /// Which.
        object: Object,
        /// What it found there.
        seen: Seen,
    },
    /// It wrote a value: behind those of a list, or in the place of the one before.
    Write {
        /// Of which object.
        object: Object,
        /// The value. It is written once.
        value: u64,
    },
}

/// What a transaction found in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// All values of a list, in order.
    All(Vec<u64>),
    /// The value that was written last; `None` if none was.
    Last(Option<u64>),
}
