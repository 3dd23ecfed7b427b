//! Transactions and assertions: BEGIN, COMMIT, ROLLBACK, SET TRANSACTION and ASSERT.

use datafusion::sql::sqlparser::ast::{Expr, Query, SetExpr};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::StatementParser;
use crate::parse::check::check;
use crate::parse::desugar::desugar;
use crate::parse::dialect::DIALECT;
use crate::parse::error::ParseError;
use crate::parse::statement::{Assert, CommitWith, Isolation, PropertyValue, Statement, TransactionModes};

/// A property that the engine gives a commit itself.
const ISOLATION: &str = "isolation";

impl StatementParser<'_> {
    /// `BEGIN [TRANSACTION | WORK] [mode, …]`
    pub(super) fn begin(&mut self) -> Result<Statement, ParseError> {
        self.expect("BEGIN")?;
        self.transaction_word();
        self.transaction_modes().map(Statement::Begin)
    }

    /// `START TRANSACTION [mode, …]`
    pub(super) fn start_transaction(&mut self) -> Result<Statement, ParseError> {
        self.expect("START")?;
        self.expect("TRANSACTION")?;
        self.transaction_modes().map(Statement::Begin)
    }

    /// `COMMIT | END [TRANSACTION | WORK] [WITH (key => value, …)] [AND NO CHAIN]`
    pub(super) fn commit(&mut self) -> Result<Statement, ParseError> {
        self.sql().advance_token();
        self.transaction_word();
        let with = match self.takes("WITH") {
            true => self.commit_with()?,
            false => CommitWith::default(),
        };
        self.no_chain()?;
        Ok(Statement::CommitTransaction(with))
    }

    /// `ROLLBACK | ABORT [TRANSACTION | WORK] [AND NO CHAIN]`
    pub(super) fn rollback(&mut self) -> Result<Statement, ParseError> {
        self.sql().advance_token();
        self.transaction_word();
        if self.takes("TO") {
            return Err(super::refused::savepoint("ROLLBACK TO"));
        }
        self.no_chain()?;
        Ok(Statement::Rollback)
    }

    /// `SET TRANSACTION mode, …`, behind TRANSACTION
    pub(super) fn set_transaction(&mut self) -> Result<Statement, ParseError> {
        let modes = self.transaction_modes()?;
        if modes == TransactionModes::default() {
            return Err(self.unexpected("ISOLATION LEVEL, READ ONLY or READ WRITE"));
        }
        Ok(Statement::SetTransaction(modes))
    }

    /// `ASSERT condition [, 'message']`
    pub(super) fn assert(&mut self) -> Result<Statement, ParseError> {
        self.expect("ASSERT")?;
        let start = self.here();
        let condition: Expr = self.sql().parse_expr()?;
        let end = self.here();
        let text = self.source.slice(start, end).to_owned();
        let message = match self.takes_token(&Token::Comma) {
            true => Some(self.text("a message in quotes")?),
            false => None,
        };
        let mut condition = row_where(condition)?;
        desugar(&mut condition);
        check(&condition)?;
        Ok(Statement::Assert(Assert { condition, text, message }))
    }

    fn transaction_word(&mut self) {
        if !self.takes("TRANSACTION") {
            self.takes("WORK");
        }
    }

    fn transaction_modes(&mut self) -> Result<TransactionModes, ParseError> {
        let mut modes = TransactionModes::default();
        loop {
            let at = self.here();
            let is_known = if self.takes_all(&["ISOLATION", "LEVEL"]) {
                modes.isolation.replace(self.isolation_level()?).is_some()
            } else if self.takes_all(&["READ", "ONLY"]) {
                modes.read_only.replace(true).is_some()
            } else if self.takes_all(&["READ", "WRITE"]) {
                modes.read_only.replace(false).is_some()
            } else {
                return Ok(modes);
            };
            if is_known {
                return Err(ParseError::syntax(at, "a mode of the transaction is given twice; keep one"));
            }
            self.takes_token(&Token::Comma);
        }
    }

    fn isolation_level(&mut self) -> Result<Isolation, ParseError> {
        if self.takes("SERIALIZABLE") {
            return Ok(Isolation::Serializable);
        }
        if self.takes("SNAPSHOT") || self.takes_all(&["REPEATABLE", "READ"]) {
            return Ok(Isolation::Snapshot);
        }
        if self.takes_all(&["READ", "COMMITTED"]) || self.takes_all(&["READ", "UNCOMMITTED"]) {
            return Err(ParseError::unsupported(
                "READ COMMITTED",
                "a transaction reads one version throughout: ask for SERIALIZABLE, or SNAPSHOT",
            ));
        }
        Err(self.unexpected("SERIALIZABLE or SNAPSHOT"))
    }

    fn no_chain(&mut self) -> Result<(), ParseError> {
        if !self.takes("AND") {
            return Ok(());
        }
        let is_none = self.takes("NO");
        self.expect("CHAIN")?;
        match is_none {
            true => Ok(()),
            false => Err(ParseError::unsupported("AND CHAIN", "begin the next transaction with BEGIN")),
        }
    }

    /// `(key => value, …)`
    fn commit_with(&mut self) -> Result<CommitWith, ParseError> {
        let mut with = CommitWith::default();
        if !self.takes_token(&Token::LParen) {
            return Err(self.unexpected("( and keys with values"));
        }
        loop {
            let at = self.here();
            let key = self.option_key()?;
            if key.is_empty() {
                return Err(ParseError::syntax(at, "a key of COMMIT WITH has a name"));
            }
            if key == ISOLATION {
                let instead = "the commit says itself what was checked: SET frostline.isolation chooses it";
                return Err(ParseError::unsupported("COMMIT WITH (isolation => …)", instead));
            }
            if with.properties.iter().any(|(known, _)| *known == key) {
                return Err(ParseError::syntax(at, format!("{key} is given twice; keep one")));
            }
            if !self.takes_token(&Token::RArrow) {
                return Err(self.unexpected("=> and a value"));
            }
            let value = self.property_value()?;
            with.properties.push((key, value));
            if self.takes_token(&Token::RParen) {
                return Ok(with);
            }
            if !self.takes_token(&Token::Comma) {
                return Err(self.unexpected(", or ) behind a value"));
            }
        }
    }

    fn property_value(&mut self) -> Result<PropertyValue, ParseError> {
        let sign = if self.takes_token(&Token::Minus) { "-" } else { "" };
        let is_plain = sign.is_empty();
        let value: PropertyValue = match self.sql().peek_token().token {
            Token::Number(number, _) => PropertyValue::Text(format!("{sign}{number}")),
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) if is_plain => {
                PropertyValue::Text(text)
            }
            Token::Placeholder(name) if is_plain => PropertyValue::Parameter(name),
            Token::Word(word) if is_plain && word.quote_style.is_none() && is_boolean(&word.value) => {
                PropertyValue::Text(word.value.to_ascii_lowercase())
            }
            _ => return Err(self.unexpected("a text in quotes, a number, true, false or a parameter")),
        };
        self.sql().advance_token();
        Ok(value)
    }
}

fn is_boolean(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}

/// A query that gives one row where a condition is true, and none where it is false or NULL. Everything that may stand
/// behind WHERE may stand in the condition, EXISTS among it.
fn row_where(condition: Expr) -> Result<Box<Query>, ParseError> {
    let mut query: Box<Query> = Parser::new(&DIALECT).try_with_sql("SELECT 1")?.parse_query()?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.selection = Some(condition);
    }
    Ok(query)
}
