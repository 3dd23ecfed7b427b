//! Who a row is, and what it holds.

use super::value::Value;

/// One value for each column; `None` is NULL.
pub type Row = Vec<Option<Value>>;

/// Who a table, a column or a row is, whatever it is called and whatever it holds. Numbers are given once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(u64);

/// A row as a table keeps it.
///
/// * It keeps its identity through changes of its values.
/// * It knows its values by the identities of the columns, so that it can be shown with the columns of another version:
///   a column that is dropped and comes back has the values that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who it is.
    pub identity: Identity,
    cells: Vec<(Identity, Option<Value>)>,
}

impl Identity {
    /// Of what no model has taken in yet.
    pub const UNKNOWN: Self = Self(0);

    /// The identity with a number.
    pub(super) const fn numbered(number: u64) -> Self {
        Self(number)
    }

    /// The one so many behind it.
    pub(super) fn plus(self, places: usize) -> Self {
        Self(self.0 + places as u64)
    }
}

impl Record {
    /// A row of nothing.
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, cells: Vec::new() }
    }

    /// Gives the row a value in a column.
    pub fn set(&mut self, column: Identity, value: Option<Value>) {
        match self.cells.iter_mut().find(|(known, _)| *known == column) {
            Some((_, cell)) => *cell = value,
            None => self.cells.push((column, value)),
        }
    }

    /// What was written into a column; `None` if nothing was, not even NULL.
    pub(super) fn written(&self, column: Identity) -> Option<&Option<Value>> {
        self.cells.iter().find(|(known, _)| *known == column).map(|(_, value)| value)
    }
}
