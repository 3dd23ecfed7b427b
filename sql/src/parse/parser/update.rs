//! UPDATE.

use datafusion::sql::sqlparser::ast::With;
use datafusion::sql::sqlparser::parser::Parser;

use super::StatementParser;
use crate::parse::check::check;
use crate::parse::desugar::desugar;
use crate::parse::dml::Update;
use crate::parse::error::ParseError;
use crate::parse::statement::Statement;

impl StatementParser<'_> {
    /// `[WITH …] UPDATE t [[AS] alias] SET a = value | (a, b) = (value, value), … [FROM relation, …] [WHERE condition]`
    pub(super) fn update(&mut self, with: Option<With>) -> Result<Statement, ParseError> {
        self.expect("UPDATE")?;
        let target = self.target("UPDATE", "FROM")?;
        self.expect("SET")?;
        let assignments = self.sql().parse_comma_separated(Parser::parse_assignment)?;
        let from = self.relations_behind("FROM")?;
        let filter = self.filter()?;
        self.refuse_behind("UPDATE")?;
        let mut update = Update { with, target, assignments, from, filter };
        desugar(&mut update.with);
        update.assignments.iter_mut().for_each(|assignment| desugar(&mut assignment.value));
        desugar(&mut update.from);
        desugar(&mut update.filter);
        check(&update.parts())?;
        Ok(Statement::Update(update))
    }
}
