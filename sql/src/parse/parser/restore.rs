//! RESTORE and UNDROP.

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{StatementParser, is_word};
use crate::parse::error::ParseError;
use crate::parse::statement::{Restore, RestoreScope, Statement, Undrop, UndropKind};
use crate::parse::version_clause::VersionClause;

impl StatementParser<'_> {
    /// `RESTORE TABLE t | SCHEMA s | LAKE TO [VERSION | TIMESTAMP | TAG | BRANCH] [AS OF] value`
    pub(super) fn restore(&mut self) -> Result<Statement, ParseError> {
        self.expect("RESTORE")?;
        let scope = if self.takes("TABLE") {
            RestoreScope::Table(self.name()?)
        } else if self.takes("SCHEMA") {
            RestoreScope::Schema(self.ident()?)
        } else if self.takes("LAKE") {
            RestoreScope::Lake
        } else if self.takes("VIEW") {
            return Err(ParseError::unsupported(
                "RESTORE VIEW",
                "write `CREATE OR REPLACE VIEW`, or restore its schema: `RESTORE SCHEMA s TO VERSION 42`",
            ));
        } else {
            return Err(self.unexpected("TABLE, SCHEMA or LAKE"));
        };
        if !self.takes("TO") {
            return Err(self.unexpected("TO and a version, as in `TO VERSION 42`"));
        }
        let to = self.restored_version()?;
        Ok(Statement::Restore(Restore { scope, to }))
    }

    fn restored_version(&mut self) -> Result<VersionClause, ParseError> {
        if self.stands_before_sum_of_times() {
            return Ok(VersionClause::Timestamp(self.sql().parse_expr()?));
        }
        let kind = ["VERSION", "TIMESTAMP", "TAG", "BRANCH", "SYSTEM_TIME"].into_iter().find(|word| self.takes(word));
        self.takes_all(&["AS", "OF"]);
        let value = match kind {
            Some("TAG" | "BRANCH") => self.version_name()?,
            _ => self.sql().parse_expr()?,
        };
        Ok(match kind {
            Some("VERSION") => VersionClause::Version(value),
            Some("TIMESTAMP" | "SYSTEM_TIME") => VersionClause::Timestamp(value),
            Some("TAG") => VersionClause::Tag(value),
            Some(_) => VersionClause::Branch(value),
            None => VersionClause::Auto(value),
        })
    }

    /// Whether `TIMESTAMP '…' + …` comes, whose text is an instant already where it is reckoned with.
    fn stands_before_sum_of_times(&mut self) -> bool {
        is_word(Some(&self.sql().peek_token()), "TIMESTAMP")
            && matches!(self.sql().peek_nth_token(1).token, Token::SingleQuotedString(_))
            && matches!(self.sql().peek_nth_token(2).token, Token::Plus | Token::Minus)
    }

    /// A bare name, or an expression that yields one.
    fn version_name(&mut self) -> Result<Expr, ParseError> {
        let is_word = matches!(self.sql().peek_token().token, Token::Word(_));
        let is_call = self.sql().peek_nth_token(1).token == Token::LParen;
        if is_word && !is_call { Ok(Expr::Identifier(self.ident()?)) } else { Ok(self.sql().parse_expr()?) }
    }

    /// `UNDROP TABLE | VIEW | SCHEMA name [RENAME TO other]`
    pub(super) fn undrop(&mut self) -> Result<Statement, ParseError> {
        self.expect("UNDROP")?;
        let kind = if self.takes("TABLE") {
            UndropKind::Table
        } else if self.takes("VIEW") {
            UndropKind::View
        } else if self.takes("SCHEMA") {
            UndropKind::Schema
        } else {
            return Err(self.unexpected("TABLE, VIEW or SCHEMA"));
        };
        let name = self.name()?;
        let rename_to = if self.takes_all(&["RENAME", "TO"]) { Some(self.ident()?) } else { None };
        Ok(Statement::Undrop(Undrop { kind, name, rename_to }))
    }
}
