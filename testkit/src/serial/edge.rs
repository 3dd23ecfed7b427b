//! Who must come before whom.

use super::transaction::Object;

/// Why a transaction must come before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// The other wrote the next value of an object.
    WriteWrite,
    /// The other read what this one wrote.
    WriteRead,
    /// This one read an object without what the other wrote to it.
    ReadWrite,
    /// Both are of one writer, who ran the other later.
    SameWriter,
}

/// That a transaction must come before another. Both are known by their places in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The earlier one.
    pub from: usize,
    /// The later one.
    pub to: usize,
    /// Why.
    pub dependency: Dependency,
    /// By which object; `None` if both are of one writer.
    pub object: Option<Object>,
}

impl Edge {
    pub(super) fn new(from: usize, to: usize, dependency: Dependency, object: &Object) -> Self {
        Self { from, to, dependency, object: Some(object.clone()) }
    }

    /// What it says, with names for the two transactions.
    pub(super) fn describe(&self, from: &str, to: &str) -> String {
        let object = self.object.as_ref().map_or_else(String::new, ToString::to_string);
        match self.dependency {
            Dependency::WriteWrite => format!("{from} wrote {object}, and {to} wrote it next"),
            Dependency::WriteRead => format!("{from} wrote {object}, and {to} read that"),
            Dependency::ReadWrite => format!("{from} read {object} without what {to} wrote"),
            Dependency::SameWriter => format!("{from} was over when {to} began"),
        }
    }
}
