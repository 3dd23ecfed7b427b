//! Statements about the session: USE, PREPARE, EXECUTE, DEALLOCATE, SET and RESET.

use datafusion::sql::sqlparser::ast::{DataType, Expr, Value};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::StatementParser;
use crate::parse::error::ParseError;
use crate::parse::statement::{Execute, Prepare, Set, Statement};

/// The setting that pins a session to a version.
const AS_OF: &str = "frostline.as_of";

impl StatementParser<'_> {
    /// `USE [SCHEMA] name`
    pub(super) fn use_schema(&mut self) -> Result<Statement, ParseError> {
        self.expect("USE")?;
        self.takes("SCHEMA");
        self.ident().map(Statement::Use)
    }

    /// `PREPARE name [(type, …)] AS query | INSERT | DELETE | UPDATE | MERGE`
    pub(super) fn prepare(&mut self) -> Result<Statement, ParseError> {
        self.expect("PREPARE")?;
        let name = self.ident()?;
        let mut data_types: Vec<DataType> = Vec::new();
        if self.takes_token(&Token::LParen) {
            data_types = self.sql().parse_comma_separated(Parser::parse_data_type)?;
            self.sql().expect_token(&Token::RParen)?;
        }
        self.expect("AS")?;
        let start = self.here();
        let text = self.text_from(start);
        let statement = self.statement()?;
        match statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Delete(_)
            | Statement::Update(_)
            | Statement::Merge(_) => {
                Ok(Statement::Prepare(Prepare { name, data_types, text, statement: Box::new(statement) }))
            }
            _ => Err(ParseError::unsupported(
                "PREPARE of this statement",
                "prepare a query, an INSERT, a DELETE, an UPDATE or a MERGE",
            )),
        }
    }

    /// `EXECUTE name [(value, …)]`
    pub(super) fn execute(&mut self) -> Result<Statement, ParseError> {
        self.expect("EXECUTE")?;
        let name = self.ident()?;
        let mut parameters: Vec<Expr> = Vec::new();
        if self.takes_token(&Token::LParen) {
            parameters = self.sql().parse_comma_separated0(Parser::parse_expr, Token::RParen)?;
            self.sql().expect_token(&Token::RParen)?;
        }
        Ok(Statement::Execute(Execute { name, parameters }))
    }

    /// `DEALLOCATE [PREPARE] name`
    pub(super) fn deallocate(&mut self) -> Result<Statement, ParseError> {
        self.expect("DEALLOCATE")?;
        self.takes("PREPARE");
        self.ident().map(Statement::Deallocate)
    }

    /// `SET name = value [, …]`, `SET name TO value [, …]` or `SET TRANSACTION mode, …`
    pub(super) fn set(&mut self) -> Result<Statement, ParseError> {
        self.expect("SET")?;
        if self.takes("LOCAL") || self.takes("GLOBAL") {
            return Err(ParseError::unsupported(
                "SET with a scope",
                "settings belong to the session: write `SET name = value`",
            ));
        }
        if self.takes("TRANSACTION") {
            return self.set_transaction();
        }
        self.takes("SESSION");
        if self.takes("CHARACTERISTICS") {
            return Err(ParseError::unsupported(
                "SET SESSION CHARACTERISTICS",
                "write `SET frostline.isolation = 'serializable'`, or 'snapshot'",
            ));
        }
        let name = self.setting_name()?;
        let has_sign = self.takes_token(&Token::Eq) || self.takes("TO");
        if !has_sign && name != "timezone" {
            return Err(self.unexpected("= or TO"));
        }
        if name == AS_OF {
            return self.as_of_value().map(Statement::SetAsOf);
        }
        let mut values: Vec<Expr> = vec![self.setting_value()?];
        while self.takes_token(&Token::Comma) {
            values.push(self.setting_value()?);
        }
        Ok(Statement::Set(Set { name, values }))
    }

    /// `RESET name`
    pub(super) fn reset(&mut self) -> Result<Statement, ParseError> {
        self.expect("RESET")?;
        let name = self.setting_name()?;
        Ok(if name == AS_OF { Statement::SetAsOf(None) } else { Statement::Reset(name) })
    }

    /// A setting's name. `TIME ZONE` is `timezone`.
    pub(super) fn setting_name(&mut self) -> Result<String, ParseError> {
        if self.takes_all(&["TIME", "ZONE"]) { Ok("timezone".to_owned()) } else { self.option_key() }
    }

    /// The value of `frostline.as_of`; `None` for DEFAULT and NULL.
    fn as_of_value(&mut self) -> Result<Option<Expr>, ParseError> {
        if self.takes("DEFAULT") {
            return Ok(None);
        }
        let expr = self.sql().parse_expr()?;
        match &expr {
            Expr::Value(value) if value.value == Value::Null => Ok(None),
            _ => Ok(Some(expr)),
        }
    }

    /// An expression, or a word such as ON that no expression begins with.
    fn setting_value(&mut self) -> Result<Expr, ParseError> {
        let stands_alone = matches!(self.sql().peek_nth_token(1).token, Token::Comma | Token::EOF);
        let is_bare_word = match self.sql().peek_token().token {
            Token::Word(word) => word.quote_style.is_none() && !is_literal(&word.value),
            _ => false,
        };
        if stands_alone && is_bare_word {
            return self.ident().map(Expr::Identifier);
        }
        Ok(self.sql().parse_expr()?)
    }
}

/// Whether a bare word is a value by itself.
fn is_literal(word: &str) -> bool {
    ["TRUE", "FALSE", "NULL"].into_iter().any(|literal| word.eq_ignore_ascii_case(literal))
}
