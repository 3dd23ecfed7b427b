//! Markers: how the token pass tells the parser which kind of version an expression names.
//!
//! Every accepted spelling becomes `FOR SYSTEM_TIME AS OF <marker> <expression>`. A marker is an unquoted word with a
//! space in it, which no text can produce, so a marker that the parser meets was put there by the token pass.
//!
//! Two marks are put on the syntax tree later, where a statement that changes rows becomes a query: on its target,
//! which is read with what says where each row is, and on the source of a MERGE.

use datafusion::sql::sqlparser::ast::{Expr, Ident, TableAlias, TableVersion, Value};
use datafusion::sql::sqlparser::tokenizer::{Token, Word};

/// What a version clause says its expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The number of a version.
    Version,
    /// An instant.
    Timestamp,
    /// The name of a tag.
    Tag,
    /// The name of a branch.
    Branch,
    /// Not said: the type of the expression decides.
    Auto,
}

const KINDS: [Kind; 5] = [Kind::Version, Kind::Timestamp, Kind::Tag, Kind::Branch, Kind::Auto];

impl Kind {
    /// The kind that an upper-case word of the clause names. `Auto` has no word that a user writes.
    pub(crate) fn of_clause_word(word: &str) -> Option<Self> {
        match word {
            "VERSION" => Some(Self::Version),
            "TIMESTAMP" => Some(Self::Timestamp),
            "TAG" => Some(Self::Tag),
            "BRANCH" => Some(Self::Branch),
            _ => None,
        }
    }

    /// The kind that a prefix of the syntax tree stands for.
    pub(crate) fn of_prefix(prefix: &Ident) -> Option<Self> {
        if prefix.quote_style.is_some() {
            return None;
        }
        KINDS.into_iter().find(|kind| kind.word() == prefix.value)
    }

    /// The word that stands for this kind in the syntax tree.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Version => "VERSION",
            Self::Timestamp => "TIMESTAMP",
            Self::Tag => "TAG",
            Self::Branch => "BRANCH",
            Self::Auto => "AUTO",
        }
    }

    /// Whether the expression may be a bare name, as in `BRANCH exp`.
    pub(crate) fn takes_a_name(self) -> bool {
        matches!(self, Self::Tag | Self::Branch)
    }
}

/// The word that the token pass puts before a version's expression.
///
/// * An open marker stands before the expression, which ends where no operator goes on.
/// * A closed marker stands before the parentheses of `AT (…)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    kind: Kind,
    closed: bool,
}

impl Marker {
    /// A marker before an expression that runs as far as it can.
    pub(crate) fn open(kind: Kind) -> Self {
        Self { kind, closed: false }
    }

    /// A marker before an expression in parentheses.
    pub(crate) fn closed(kind: Kind) -> Self {
        Self { kind, closed: true }
    }

    /// The marker that a word is, if it is one.
    pub(crate) fn of_word(word: &Word) -> Option<Self> {
        if word.quote_style.is_some() {
            return None;
        }
        let (place, name) = word.value.split_once(' ')?;
        let kind: Kind = KINDS.into_iter().find(|kind| kind.word() == name)?;
        match place {
            "open" => Some(Self::open(kind)),
            "closed" => Some(Self::closed(kind)),
            _ => None,
        }
    }

    /// The marker as a token.
    pub(crate) fn token(self) -> Token {
        let place = if self.closed { "closed" } else { "open" };
        Token::make_word(&format!("{place} {}", self.kind.word()), None)
    }

    /// What the marked expression is.
    pub(crate) fn kind(self) -> Kind {
        self.kind
    }

    /// Whether the expression stands in parentheses of its own.
    pub(crate) fn is_closed(self) -> bool {
        self.closed
    }
}

/// The word that marks the target of a statement that changes rows.
const TARGET: &str = "target of the statement";

/// The word that marks the source of a MERGE.
const SOURCE: &str = "source of the statement";

/// The mark of a statement's target, in the place of a version clause. No clause that is written is one.
pub(crate) fn target_mark() -> TableVersion {
    let value = Box::new(Expr::Value(Value::Null.with_empty_span()));
    TableVersion::ForSystemTimeAsOf(Expr::Prefixed { prefix: Ident::new(TARGET), value })
}

/// Whether a table is marked as the target of a statement.
pub(crate) fn is_target_mark(version: &TableVersion) -> bool {
    match version {
        TableVersion::ForSystemTimeAsOf(Expr::Prefixed { prefix, .. }) => is_mark(prefix, TARGET),
        _ => false,
    }
}

/// The mark of a MERGE's source, as the alias of parentheses around it. No alias that is written is one.
pub(crate) fn source_mark() -> TableAlias {
    TableAlias { explicit: true, name: Ident::new(SOURCE), columns: Vec::new(), at: None }
}

/// Whether an alias marks the source of a MERGE.
pub(crate) fn is_source_mark(alias: &TableAlias) -> bool {
    is_mark(&alias.name, SOURCE)
}

fn is_mark(ident: &Ident, word: &str) -> bool {
    ident.quote_style.is_none() && ident.value == word
}
