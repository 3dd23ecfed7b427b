//! Statements that are the same for things of several kinds: DROP and COMMENT ON.

use datafusion::sql::sqlparser::ast::ObjectName;

/// A DROP of tables, views or schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropNames {
    /// What is dropped, in order.
    pub names: Vec<ObjectName>,
    /// Whether a missing one is passed over.
    pub if_exists: bool,
}

/// A COMMENT ON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What the remark is about.
    pub subject: CommentSubject,
    /// The remark; `None` takes it away.
    pub text: Option<String>,
}

/// What a remark is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommentSubject {
    /// A table.
    Table(ObjectName),
    /// A view.
    View(ObjectName),
    /// A column: its table's name and its own, joined by a period.
    Column(ObjectName),
}
