//! WITH in front of a statement.

use datafusion::sql::sqlparser::ast::With;
use datafusion::sql::sqlparser::parser::Parser;

use super::StatementParser;
use crate::parse::check::check;
use crate::parse::desugar::desugar;
use crate::parse::error::ParseError;
use crate::parse::statement::Statement;
use crate::parse::tokens::is_word;

impl StatementParser<'_> {
    /// `WITH [RECURSIVE] name AS (query), … query | INSERT … | DELETE … | UPDATE … | MERGE …`
    pub(super) fn with(&mut self) -> Result<Statement, ParseError> {
        let with = self.with_clause()?;
        let next = self.sql().peek_token();
        let is_next = |word: &str| is_word(Some(&next), word);
        if is_next("INSERT") {
            return self.insert(Some(with));
        }
        if is_next("DELETE") {
            return self.delete(Some(with));
        }
        if is_next("UPDATE") {
            return self.update(Some(with));
        }
        if is_next("MERGE") {
            return self.merge(Some(with));
        }
        if is_next("WITH") {
            return Err(self.unexpected("one WITH with all its queries"));
        }
        let mut query = self.sql().parse_query()?;
        query.with = Some(with);
        desugar(&mut query);
        check(&query)?;
        Ok(Statement::Query(query))
    }

    fn with_clause(&mut self) -> Result<With, ParseError> {
        let token = self.sql().peek_token();
        self.expect("WITH")?;
        let recursive = self.takes("RECURSIVE");
        let cte_tables = self.sql().parse_comma_separated(Parser::parse_cte)?;
        Ok(With { with_token: token.into(), recursive, cte_tables })
    }
}
