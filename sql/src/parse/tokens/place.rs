//! Where in a statement a token stands, as far as version clauses care: is a table's name expected, has one just been
//! read, is its alias behind us?
//!
//! One frame per open parenthesis. The rules know the words around FROM and JOIN and nothing of expressions; where
//! they are at a loss they say `Expression`, and the parser has the last word.

use std::ops::Range;

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::word::{is_word, upper_word};

/// A place between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before anything that says what kind of statement this is.
    Start,
    /// In a statement of ours in which a clause may stand anywhere.
    Free,
    /// Where no table can stand.
    Expression,
    /// Between SELECT and FROM.
    Items,
    /// Where a table, or something in its place, comes next.
    Relation,
    /// Behind a table's name: here a clause belongs.
    Name,
    /// Behind a version clause, maybe still in its expression.
    Versioned,
    /// Behind AS or an alias.
    Aliased,
    /// Behind a derived table or a call of a table function.
    Derived,
    /// Behind ON, or between the words of a join.
    Condition,
}

/// What stands where a table can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// A table's name.
    Table,
    /// A file's path in single quotes.
    File,
    /// Something in parentheses.
    Derived,
    /// A call of a table function.
    Function,
}

/// What is known of one level of parentheses.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Where the next token stands.
    pub(crate) place: Place,
    /// The relation that was read last.
    pub(crate) relation: Relation,
    /// The tokens of its name.
    pub(crate) name: Range<usize>,
    /// Whether a period has just been read, so that the name goes on.
    pub(crate) continued: bool,
    /// The token of its alias.
    pub(crate) alias: Option<usize>,
    /// The statement's verb, if the relation is what the statement changes.
    pub(crate) target: Option<&'static str>,
    fresh: bool,
}

impl Frame {
    fn new(place: Place) -> Self {
        Self { place, relation: Relation::Table, name: 0..0, continued: false, alias: None, target: None, fresh: true }
    }
}

/// The places of a statement, read token by token.
#[derive(Debug)]
pub(crate) struct Places {
    frame: Frame,
    outer: Vec<Frame>,
    verb: Option<&'static str>,
    is_explained: bool,
}

const VERBS: [&str; 9] = ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "CREATE", "DROP", "ALTER", "TRUNCATE"];

impl Places {
    /// The place before a statement.
    pub(crate) fn new() -> Self {
        Self { frame: Frame::new(Place::Start), outer: Vec::new(), verb: None, is_explained: false }
    }

    /// The innermost level.
    pub(crate) fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Notes that a version clause has been read. A closed one leaves a parenthesis open.
    pub(crate) fn read_clause(&mut self, closed: bool) {
        if self.frame.place != Place::Free {
            self.frame.place = Place::Versioned;
        }
        if closed {
            self.open();
        }
    }

    /// Reads one token.
    pub(crate) fn observe(&mut self, tokens: &[TokenWithSpan], index: usize) {
        let Some(token) = tokens.get(index) else {
            return;
        };
        let fresh = std::mem::replace(&mut self.frame.fresh, false);
        match &token.token {
            Token::LParen => self.open(),
            Token::RParen => self.close(),
            Token::Comma => self.comma(),
            Token::Period => self.frame.continued = self.frame.place == Place::Name,
            Token::SingleQuotedString(_) => self.name(index, Relation::File),
            Token::DoubleQuotedString(_) => self.name(index, Relation::Table),
            Token::Word(word) if word.quote_style.is_some() => self.name(index, Relation::Table),
            Token::Word(_) => self.word(tokens, index, fresh),
            _ => {}
        }
    }

    fn open(&mut self) {
        let inner = if self.frame.place == Place::Relation { Place::Relation } else { Place::Expression };
        match self.frame.place {
            Place::Relation => self.derived(Relation::Derived),
            Place::Name => self.derived(Relation::Function),
            _ => {}
        }
        let outer = std::mem::replace(&mut self.frame, Frame::new(inner));
        self.outer.push(outer);
    }

    fn close(&mut self) {
        if let Some(outer) = self.outer.pop() {
            self.frame = outer;
        }
    }

    fn comma(&mut self) {
        let behind_a_relation = matches!(
            self.frame.place,
            Place::Name | Place::Versioned | Place::Aliased | Place::Derived | Place::Condition
        );
        let lists = self.frame.target.is_none_or(|verb| verb == "DROP");
        if behind_a_relation && lists {
            self.expect(self.frame.target);
        }
    }

    /// A name: of a relation where one comes next, else an alias.
    fn name(&mut self, index: usize, relation: Relation) {
        match self.frame.place {
            Place::Relation => {
                self.frame.place = Place::Name;
                self.frame.relation = relation;
                self.frame.name = index..index + 1;
            }
            Place::Name if self.frame.continued => {
                self.frame.name.end = index + 1;
                self.frame.continued = false;
            }
            Place::Name | Place::Derived | Place::Aliased => {
                self.frame.place = Place::Aliased;
                self.frame.alias.get_or_insert(index);
            }
            _ => {}
        }
    }

    fn word(&mut self, tokens: &[TokenWithSpan], index: usize, fresh: bool) {
        if self.frame.place == Place::Name && self.frame.continued {
            self.name(index, Relation::Table);
            return;
        }
        let upper = upper_word(tokens.get(index));
        if upper == "SELECT" && self.frame.place != Place::Free {
            self.leave(Place::Items);
            return;
        }
        match self.frame.place {
            Place::Start => self.start_word(&upper, index),
            Place::Items if upper == "FROM" && !is_distinct_from(tokens, index) => self.expect(None),
            Place::Items if ends_from(&upper) => self.leave(Place::Expression),
            Place::Expression if upper == "FROM" && (fresh || self.is_behind_set(tokens, index)) => self.expect(None),
            Place::Relation => self.relation_word(&upper, index, fresh),
            Place::Name | Place::Derived | Place::Aliased => {
                let begins_query = upper == "FROM" && self.frame.target.is_some_and(|verb| verb != "COPY");
                let begins_others = upper == "USING" && matches!(self.frame.target, Some("DELETE" | "MERGE"));
                // What is cloned is read, and may be read at a version.
                let begins_clone = upper == "CLONE" && self.frame.target == Some("CREATE");
                if begins_query || begins_others || begins_clone {
                    self.expect(None);
                } else if upper == "AS" {
                    self.frame.place = Place::Aliased;
                } else if !self.join_word(&upper, tokens.get(index + 1)) {
                    self.name(index, Relation::Table);
                }
            }
            Place::Versioned | Place::Condition => {
                self.join_word(&upper, tokens.get(index + 1));
            }
            Place::Free | Place::Expression | Place::Items => {}
        }
    }

    fn start_word(&mut self, upper: &str, index: usize) {
        let first = index == 0;
        match upper {
            "SHOW" if first => self.frame.place = Place::Free,
            "DESCRIBE" | "DESC" | "SUMMARIZE" if first => self.expect(None),
            "EXPLAIN" if first => self.is_explained = true,
            "COPY" if first || self.is_explained => self.expect(Some("COPY")),
            "TAG" if self.verb == Some("CREATE") => self.frame.place = Place::Free,
            "INTO" | "OVERWRITE" => self.expect(self.verb),
            "FROM" => self.expect(self.verb.filter(|verb| *verb == "DELETE")),
            "TABLE" | "VIEW" | "SCHEMA" if self.verb.is_some() => self.expect(self.verb),
            _ => {
                if self.verb.is_none() {
                    self.verb = VERBS.into_iter().find(|verb| *verb == upper);
                    if matches!(self.verb, Some("UPDATE" | "MERGE" | "TRUNCATE")) {
                        self.expect(self.verb);
                    }
                }
            }
        }
    }

    /// Whether a FROM stands behind the assignments of an UPDATE, where no parenthesis is open.
    fn is_behind_set(&self, tokens: &[TokenWithSpan], index: usize) -> bool {
        self.verb == Some("UPDATE") && self.outer.is_empty() && !is_distinct_from(tokens, index)
    }

    fn relation_word(&mut self, upper: &str, index: usize, fresh: bool) {
        let is_target = self.frame.target.is_some();
        match upper {
            "LATERAL" | "ONLY" | "TABLE" => {}
            "IF" | "NOT" | "EXISTS" | "INTO" | "OVERWRITE" if is_target => {}
            "WITH" if fresh => self.leave(Place::Expression),
            "VALUES" => self.derived(Relation::Derived),
            _ => self.name(index, Relation::Table),
        }
    }

    /// Acts on a word that goes on after a table and its alias. False if the word is none.
    fn join_word(&mut self, upper: &str, next: Option<&TokenWithSpan>) -> bool {
        match upper {
            "JOIN" | "APPLY" | "STRAIGHT_JOIN" => self.expect(None),
            "LEFT" | "RIGHT" | "FULL" | "INNER" | "CROSS" | "NATURAL" | "ON" | "USING" => self.leave(Place::Condition),
            "OUTER" | "SEMI" | "ANTI" | "ASOF" | "GLOBAL" if is_word(next, "JOIN") || is_word(next, "APPLY") => {
                self.leave(Place::Condition);
            }
            "WITH" => {}
            _ if ends_from(upper) => self.leave(Place::Expression),
            _ => return false,
        }
        true
    }

    fn expect(&mut self, target: Option<&'static str>) {
        self.frame = Frame { target, fresh: false, ..Frame::new(Place::Relation) };
    }

    fn leave(&mut self, place: Place) {
        self.frame = Frame { fresh: false, ..Frame::new(place) };
    }

    fn derived(&mut self, relation: Relation) {
        self.frame.place = Place::Derived;
        self.frame.relation = relation;
    }
}

/// Whether a word ends the list of tables.
fn ends_from(upper: &str) -> bool {
    matches!(
        upper,
        "WHERE"
            | "GROUP"
            | "HAVING"
            | "ORDER"
            | "LIMIT"
            | "OFFSET"
            | "FETCH"
            | "WINDOW"
            | "QUALIFY"
            | "UNION"
            | "EXCEPT"
            | "INTERSECT"
            | "MINUS"
            | "RETURNING"
            | "SET"
            | "VALUES"
            | "FOR"
            | "CONNECT"
            | "PREWHERE"
            | "CLUSTER"
            | "DISTRIBUTE"
            | "SORT"
    )
}

/// Whether a FROM belongs to `IS [NOT] DISTINCT FROM`.
fn is_distinct_from(tokens: &[TokenWithSpan], index: usize) -> bool {
    index >= 2
        && is_word(tokens.get(index - 1), "DISTINCT")
        && (is_word(tokens.get(index - 2), "IS") || is_word(tokens.get(index - 2), "NOT"))
}
