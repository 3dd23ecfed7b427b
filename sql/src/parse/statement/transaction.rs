//! What statements say of transactions, and ASSERT.

use datafusion::sql::sqlparser::ast::Query;

/// What a transaction checks when it commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// What it read, and what it wrote: it could have run alone.
    #[default]
    Serializable,
    /// What it wrote against what others wrote.
    Snapshot,
}

/// What BEGIN and SET TRANSACTION say of a transaction; `None` where they say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    /// What it checks when it commits.
    pub isolation: Option<Isolation>,
    /// Whether writes are refused in it.
    pub read_only: Option<bool>,
}

/// What COMMIT says of the version that it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitWith {
    /// Keys, in lower case unless quoted, each once, `message` and `author` among them; and their values.
    pub properties: Vec<(String, PropertyValue)>,
}

/// A value behind a key of COMMIT WITH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue {
    /// A text, or a number or boolean as text.
    Text(String),
    /// A parameter as it is written, `$1` or `$name`.
    Parameter(String),
}

/// An ASSERT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assert {
    /// A query that gives a row if the condition is true, and none if it is false or NULL.
    pub condition: Box<Query>,
    /// The condition's text, as typed.
    pub text: String,
    /// What is said if the condition does not hold.
    pub message: Option<String>,
}
