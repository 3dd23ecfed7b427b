//! TRUNCATE.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::StatementParser;
use crate::parse::error::ParseError;
use crate::parse::statement::Statement;

impl StatementParser<'_> {
    /// `TRUNCATE [TABLE] t`
    pub(super) fn truncate(&mut self) -> Result<Statement, ParseError> {
        self.expect("TRUNCATE")?;
        self.takes("TABLE");
        if self.if_exists() {
            return Err(ParseError::unsupported("TRUNCATE … IF EXISTS", "leave it out, or write DROP TABLE IF EXISTS"));
        }
        let name = self.name()?;
        if self.sql().peek_token().token == Token::Comma {
            return Err(ParseError::unsupported("TRUNCATE of several tables", "write one statement for each table"));
        }
        Ok(Statement::Truncate(name))
    }
}
