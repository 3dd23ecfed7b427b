//! Statements that show what there is: SHOW, DESCRIBE and SUMMARIZE.

use super::StatementParser;
use crate::parse::error::ParseError;
use crate::parse::statement::{ShowTables, Statement, TableAt};

impl StatementParser<'_> {
    /// `SHOW TABLES | COLUMNS FROM t | CREATE TABLE t | ALL | name`
    pub(super) fn show(&mut self) -> Result<Statement, ParseError> {
        self.expect("SHOW")?;
        if self.takes("TABLES") {
            return self.show_tables();
        }
        if self.takes("COLUMNS") || self.takes("FIELDS") {
            if !self.takes("FROM") && !self.takes("IN") {
                return Err(self.unexpected("FROM and a table"));
            }
            return self.table_at().map(Statement::ShowColumns);
        }
        if self.takes("CREATE") {
            if !self.takes("TABLE") && !self.takes("VIEW") {
                return Err(self.unexpected("TABLE"));
            }
            return self.table_at().map(Statement::ShowCreateTable);
        }
        if self.takes("SCHEMAS") || self.takes("DATABASES") {
            return Err(ParseError::unsupported(
                "SHOW SCHEMAS",
                "write `SELECT schema_name FROM information_schema.schemata`",
            ));
        }
        if self.takes("VIEWS") {
            return Err(ParseError::unsupported("SHOW VIEWS", "write `SELECT * FROM information_schema.views`"));
        }
        if self.takes("FUNCTIONS") {
            return Err(ParseError::unsupported("SHOW FUNCTIONS", "write `SELECT * FROM information_schema.routines`"));
        }
        self.setting_name().map(Statement::Show)
    }

    /// `DESCRIBE [TABLE] t | query`
    pub(super) fn describe(&mut self) -> Result<Statement, ParseError> {
        self.sql().advance_token();
        if self.stands_before_query() {
            return self.query().map(Statement::DescribeQuery);
        }
        self.takes("TABLE");
        self.table_at().map(Statement::Describe)
    }

    /// `SUMMARIZE [TABLE] t | query`
    pub(super) fn summarize(&mut self) -> Result<Statement, ParseError> {
        self.sql().advance_token();
        if self.stands_before_query() {
            return self.query().map(Statement::SummarizeQuery);
        }
        self.takes("TABLE");
        self.table_at().map(Statement::Summarize)
    }

    fn show_tables(&mut self) -> Result<Statement, ParseError> {
        let mut shown = ShowTables { schema: None, like: None, as_of: None };
        loop {
            if shown.schema.is_none() && (self.takes("FROM") || self.takes("IN")) {
                shown.schema = Some(self.name()?);
            } else if shown.like.is_none() && self.takes("LIKE") {
                shown.like = Some(self.text("a pattern in quotes")?);
            } else if shown.as_of.is_none() {
                shown.as_of = self.as_of()?;
                if shown.as_of.is_none() {
                    return Ok(Statement::ShowTables(shown));
                }
            } else {
                return Ok(Statement::ShowTables(shown));
            }
        }
    }

    pub(super) fn table_at(&mut self) -> Result<TableAt, ParseError> {
        Ok(TableAt { table: self.name()?, as_of: self.as_of()? })
    }
}
