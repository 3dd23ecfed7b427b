//! A table's name that comes as a text of its own, outside of any statement.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::error::Error;

/// A table's name as SQL writes it.
pub(crate) fn object_name(text: &str) -> Result<ast::ObjectName, Error> {
    let parsed = Parser::new(&GenericDialect {}).try_with_sql(text).and_then(|mut parser| {
        let name = parser.parse_object_name(false)?;
        parser.expect_token(&Token::EOF)?;
        Ok(name)
    });
    parsed.map_err(|_| {
        Error::statement(format!(
            "`{text}` is no table's name; write `table`, `schema.table`, or \"any name\" in quotes"
        ))
    })
}
