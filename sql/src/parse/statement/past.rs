//! Statements that name versions, and that bring back what was: tags, RESTORE and UNDROP.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};

use crate::parse::version_clause::VersionClause;

/// A CREATE TAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTag {
    /// The new tag's name.
    pub name: Ident,
    /// Whether an existing tag of that name is left as it is.
    pub if_not_exists: bool,
    /// The version that it names; `None` for the newest.
    pub as_of: Option<VersionClause>,
}

/// A DROP TAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTag {
    /// The tag.
    pub name: Ident,
    /// Whether a missing tag is passed over.
    pub if_exists: bool,
}

/// A RESTORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// What is restored.
    pub scope: RestoreScope,
    /// The version whose state comes back.
    pub to: VersionClause,
}

/// What is restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreScope {
    /// One table.
    Table(ObjectName),
    /// What a schema holds.
    Schema(Ident),
    /// Everything.
    Lake,
}

/// An UNDROP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undrop {
    /// What kind of thing comes back.
    pub kind: UndropKind,
    /// The name that it had.
    pub name: ObjectName,
    /// The name that it gets, if not its own.
    pub rename_to: Option<Ident>,
}

/// What kind of thing is undropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndropKind {
    /// A table.
    Table,
    /// A view.
    View,
    /// A schema, with what was dropped together with it.
    Schema,
}
