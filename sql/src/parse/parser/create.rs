//! CREATE and DROP.

use datafusion::sql::sqlparser::ast::{ColumnDef, Ident, ObjectName, TableConstraint};
use datafusion::sql::sqlparser::parser::IsOptional;
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

use super::{StatementParser, refused};
use crate::parse::error::ParseError;
use crate::parse::statement::{
    CreateSchema, CreateTable, CreateTag, CreateView, DropNames, DropTag, SortColumn, Statement,
};

impl StatementParser<'_> {
    /// `CREATE [OR REPLACE] TABLE | VIEW | SCHEMA | TAG …`
    pub(super) fn create(&mut self) -> Result<Statement, ParseError> {
        self.expect("CREATE")?;
        let or_replace = self.takes_all(&["OR", "REPLACE"]);
        if self.takes("TABLE") {
            return self.create_table(or_replace);
        }
        if self.takes("VIEW") {
            return self.create_view(or_replace);
        }
        if or_replace {
            return Err(ParseError::unsupported("CREATE OR REPLACE of this", "tables and views can be replaced"));
        }
        if self.takes("SCHEMA") {
            let if_not_exists = self.if_not_exists();
            return Ok(Statement::CreateSchema(CreateSchema { name: self.name()?, if_not_exists }));
        }
        if self.takes("TAG") {
            let if_not_exists = self.if_not_exists();
            return Ok(Statement::CreateTag(CreateTag { name: self.ident()?, if_not_exists, as_of: self.as_of()? }));
        }
        let kind = self.next_word();
        Err(refused::object("CREATE", &kind))
    }

    /// `DROP TABLE | VIEW | SCHEMA | TAG [IF EXISTS] name [, …] [RESTRICT]`
    pub(super) fn drop(&mut self) -> Result<Statement, ParseError> {
        self.expect("DROP")?;
        if self.takes("TABLE") {
            return self.dropped_names().map(Statement::DropTable);
        }
        if self.takes("VIEW") {
            return self.dropped_names().map(Statement::DropView);
        }
        if self.takes("SCHEMA") {
            return self.dropped_names().map(Statement::DropSchema);
        }
        if self.takes("TAG") {
            let if_exists = self.if_exists();
            return Ok(Statement::DropTag(DropTag { name: self.ident()?, if_exists }));
        }
        let kind = self.next_word();
        Err(refused::object("DROP", &kind))
    }

    fn dropped_names(&mut self) -> Result<DropNames, ParseError> {
        let if_exists = self.if_exists();
        let mut names: Vec<ObjectName> = vec![self.name()?];
        while self.takes_token(&Token::Comma) {
            names.push(self.name()?);
        }
        if self.takes("CASCADE") {
            return Err(ParseError::unsupported("DROP … CASCADE", "drop what depends on it first, by name"));
        }
        self.takes("RESTRICT");
        Ok(DropNames { names, if_exists })
    }

    /// The next word in upper case, to name it in an error.
    fn next_word(&mut self) -> String {
        match self.sql().peek_token().token {
            Token::Word(word) => word.value.to_uppercase(),
            _ => String::new(),
        }
    }

    /// `[IF NOT EXISTS] name [LIKE other | (columns)] [SORT BY (…)] [WITH (…)] [COMMENT '…'] [AS query]`, or
    /// `[IF NOT EXISTS] name [SHALLOW] CLONE other [AS OF …]`
    fn create_table(&mut self, or_replace: bool) -> Result<Statement, ParseError> {
        let if_not_exists = self.exclusive_if_not_exists(or_replace)?;
        let mut table = CreateTable {
            name: self.name()?,
            or_replace,
            if_not_exists,
            columns: Vec::new(),
            constraints: Vec::new(),
            like: None,
            query: None,
            sort_by: Vec::new(),
            options: Vec::new(),
            comment: None,
            clone_of: None,
        };
        self.table_body(&mut table)?;
        if table.clone_of.is_some() {
            // A clone is its source with another name; what else it should be is said by ALTER TABLE.
            return Ok(Statement::CreateTable(table));
        }
        self.table_clauses(&mut table)?;
        if table.columns.is_empty() && table.like.is_none() && table.query.is_none() {
            return Err(self.unexpected("columns in parentheses, LIKE, CLONE or AS"));
        }
        Ok(Statement::CreateTable(table))
    }

    fn exclusive_if_not_exists(&mut self, or_replace: bool) -> Result<bool, ParseError> {
        let at = self.here();
        let if_not_exists = self.if_not_exists();
        if or_replace && if_not_exists {
            return Err(ParseError::syntax(at, "OR REPLACE and IF NOT EXISTS contradict each other; keep one"));
        }
        Ok(if_not_exists)
    }

    fn table_body(&mut self, table: &mut CreateTable) -> Result<(), ParseError> {
        if self.takes_all(&["DEEP", "CLONE"]) {
            return Err(ParseError::unsupported(
                "CREATE TABLE … DEEP CLONE",
                "write `CREATE TABLE … AS SELECT * FROM t` to copy rows; CLONE copies none, and its table is its own",
            ));
        }
        if self.takes_all(&["SHALLOW", "CLONE"]) || self.takes("CLONE") {
            table.clone_of = Some(self.table_at()?);
            return Ok(());
        }
        if self.takes("LIKE") {
            table.like = Some(self.name()?);
            return Ok(());
        }
        if self.sql().peek_token().token != Token::LParen {
            return Ok(());
        }
        if super::is_word(Some(&self.sql().peek_nth_token(1)), "LIKE") {
            self.takes_token(&Token::LParen);
            self.expect("LIKE")?;
            table.like = Some(self.name()?);
            self.sql().expect_token(&Token::RParen)?;
            return Ok(());
        }
        let (columns, constraints): (Vec<ColumnDef>, Vec<TableConstraint>) = self.sql().parse_columns()?;
        table.columns = columns;
        table.constraints = constraints;
        Ok(())
    }

    fn table_clauses(&mut self, table: &mut CreateTable) -> Result<(), ParseError> {
        loop {
            let at = self.here();
            if self.takes_all(&["SORT", "BY"]) {
                let known = !table.sort_by.is_empty();
                table.sort_by = once(known, self.sort_columns()?, "SORT BY", at)?;
            } else if self.takes("WITH") {
                let known = !table.options.is_empty();
                table.options = once(known, self.options()?, "WITH", at)?;
            } else if self.takes("COMMENT") {
                self.takes_token(&Token::Eq);
                let known = table.comment.is_some();
                table.comment = Some(once(known, self.text("a comment in quotes")?, "COMMENT", at)?);
            } else if self.takes("AS") {
                if table.like.is_some() {
                    return Err(ParseError::syntax(at, "LIKE and AS contradict each other; keep one"));
                }
                table.query = Some(self.query()?);
                return Ok(());
            } else {
                return self.refuse_foreign_clause();
            }
        }
    }

    /// Names the clauses that other systems have here. Anything else is left for the end of the statement to complain
    /// of.
    fn refuse_foreign_clause(&mut self) -> Result<(), ParseError> {
        let word = self.next_word();
        let instead = match word.as_str() {
            "PARTITION" | "PARTITIONED" | "CLUSTER" | "CLUSTERED" | "ORDER" | "DISTRIBUTE" => {
                "name the order instead, `SORT BY (column)`: segments are skipped by the statistics of every column"
            }
            "STORED" | "LOCATION" | "ENGINE" | "USING" | "ROW" => "leave it out: the lake decides where rows are kept",
            "TBLPROPERTIES" | "OPTIONS" => "write `WITH (key = value)`",
            "INHERITS" => "write the columns out, or LIKE",
            _ => return Ok(()),
        };
        Err(ParseError::unsupported(format!("CREATE TABLE … {word}"), instead))
    }

    /// The columns of an order; none for `()`.
    pub(super) fn sort_columns_or_none(&mut self) -> Result<Vec<SortColumn>, ParseError> {
        let is_empty =
            self.sql().peek_token().token == Token::LParen && self.sql().peek_nth_token(1).token == Token::RParen;
        if is_empty {
            self.takes_token(&Token::LParen);
            self.takes_token(&Token::RParen);
            return Ok(Vec::new());
        }
        self.sort_columns()
    }

    fn sort_columns(&mut self) -> Result<Vec<SortColumn>, ParseError> {
        self.sql().expect_token(&Token::LParen)?;
        let mut columns: Vec<SortColumn> = Vec::new();
        loop {
            let name = self.ident()?;
            let descending = self.sql().parse_asc_desc() == Some(false);
            let nulls_first = if self.takes_all(&["NULLS", "FIRST"]) {
                Some(true)
            } else if self.takes_all(&["NULLS", "LAST"]) {
                Some(false)
            } else {
                None
            };
            columns.push(SortColumn { name, descending, nulls_first });
            if self.takes_token(&Token::RParen) {
                return Ok(columns);
            }
            if !self.takes_token(&Token::Comma) {
                return Err(self.unexpected(", or ) behind a column of SORT BY"));
            }
        }
    }

    /// `[IF NOT EXISTS] name [(columns)] AS query`
    fn create_view(&mut self, or_replace: bool) -> Result<Statement, ParseError> {
        let if_not_exists = self.exclusive_if_not_exists(or_replace)?;
        let name = self.name()?;
        let columns: Vec<Ident> = self.sql().parse_parenthesized_column_list(IsOptional::Optional, false)?;
        self.expect("AS")?;
        let start = self.here();
        let query_text = self.text_from(start);
        let query = self.query()?;
        Ok(Statement::CreateView(CreateView { name, or_replace, if_not_exists, columns, query_text, query }))
    }
}

/// The value of a clause that may stand once.
fn once<T>(known: bool, value: T, clause: &str, at: Location) -> Result<T, ParseError> {
    if known { Err(ParseError::syntax(at, format!("{clause} is given twice; keep one"))) } else { Ok(value) }
}
