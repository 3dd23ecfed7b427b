//! DELETE.

use datafusion::sql::sqlparser::ast::With;

use super::StatementParser;
use crate::parse::check::check;
use crate::parse::desugar::desugar;
use crate::parse::dml::Delete;
use crate::parse::error::ParseError;
use crate::parse::statement::Statement;

impl StatementParser<'_> {
    /// `[WITH …] DELETE FROM t [[AS] alias] [USING relation, …] [WHERE condition]`
    pub(super) fn delete(&mut self, with: Option<With>) -> Result<Statement, ParseError> {
        self.expect("DELETE")?;
        self.expect("FROM")?;
        let target = self.target("DELETE", "USING")?;
        let using = self.relations_behind("USING")?;
        let filter = self.filter()?;
        self.refuse_behind("DELETE")?;
        let mut delete = Delete { with, target, using, filter };
        desugar(&mut delete.with);
        desugar(&mut delete.using);
        desugar(&mut delete.filter);
        check(&delete.parts())?;
        Ok(Statement::Delete(delete))
    }
}
