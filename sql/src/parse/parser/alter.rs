//! ALTER TABLE, ALTER VIEW and ALTER SCHEMA.

use datafusion::sql::sqlparser::ast::{ColumnDef, Ident};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{StatementParser, is_word};
use crate::parse::error::ParseError;
use crate::parse::statement::{
    AlterOperation, AlterSchema, AlterTable, AlterView, ColumnChange, ColumnPath, ColumnPosition, Statement, ViewChange,
};

const SUPPORTED: &str = "ALTER TABLE knows ADD, DROP, RENAME and ALTER COLUMN, ADD, DROP and RENAME CONSTRAINT, \
                         RENAME TO, SET SCHEMA, SET and RESET (options), and SORT BY; for other changes write \
                         `CREATE OR REPLACE TABLE … AS SELECT …`";

/// Words that begin an operation.
const OPERATIONS: [&str; 8] = ["ADD", "DROP", "RENAME", "ALTER", "SET", "RESET", "SORT", "MODIFY"];

impl StatementParser<'_> {
    /// `ALTER TABLE | VIEW | SCHEMA …`
    pub(super) fn alter(&mut self) -> Result<Statement, ParseError> {
        self.expect("ALTER")?;
        if self.takes("TABLE") {
            return self.alter_table();
        }
        if self.takes("VIEW") {
            return self.alter_view();
        }
        if self.takes("SCHEMA") {
            return self.alter_schema();
        }
        Err(ParseError::unsupported("ALTER of anything but a table, view or schema", "drop it and create it anew"))
    }

    /// `[IF EXISTS] t operation [, …]`
    fn alter_table(&mut self) -> Result<Statement, ParseError> {
        let if_exists = self.if_exists();
        if is_word(Some(&self.sql().peek_token()), "ONLY") {
            return Err(ParseError::unsupported("an option of ALTER TABLE", SUPPORTED));
        }
        let name = self.name()?;
        let mut operations: Vec<AlterOperation> = Vec::new();
        loop {
            self.alter_operation(&mut operations)?;
            if !self.takes_token(&Token::Comma) {
                return Ok(Statement::AlterTable(AlterTable { name, if_exists, operations }));
            }
        }
    }

    fn alter_operation(&mut self, operations: &mut Vec<AlterOperation>) -> Result<(), ParseError> {
        let word = self.operation_word();
        match word.as_str() {
            "ADD" => operations.push(self.add()?),
            "DROP" => return self.drop_from_table(operations),
            "RENAME" => operations.push(self.rename()?),
            "ALTER" => operations.push(self.alter_column()?),
            "SET" => operations.push(self.set_of_table()?),
            "RESET" => {
                self.sql().advance_token();
                operations.push(AlterOperation::ResetOptions(self.option_keys()?));
            }
            "SORT" => {
                self.sql().advance_token();
                self.expect("BY")?;
                operations.push(AlterOperation::SortBy(self.sort_columns_or_none()?));
            }
            "" => return Err(self.unexpected("ADD, DROP, RENAME, ALTER, SET, RESET or SORT BY")),
            other => return Err(ParseError::unsupported(format!("ALTER TABLE … {other}"), SUPPORTED)),
        }
        Ok(())
    }

    /// The next word in upper case; empty if none comes.
    fn operation_word(&mut self) -> String {
        match self.sql().peek_token().token {
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// `ADD [COLUMN] [IF NOT EXISTS] column …`, or `ADD [CONSTRAINT name] CHECK …`
    fn add(&mut self) -> Result<AlterOperation, ParseError> {
        self.expect("ADD")?;
        let names_column = self.takes("COLUMN");
        if !names_column && let Some(constraint) = self.sql().parse_optional_table_constraint()? {
            return Ok(AlterOperation::AddConstraint(Box::new(constraint)));
        }
        let if_not_exists = self.if_not_exists();
        let mut within: Vec<Ident> = Vec::new();
        while self.sql().peek_nth_token(1).token == Token::Period {
            within.push(self.ident()?);
            self.takes_token(&Token::Period);
        }
        let column: ColumnDef = self.sql().parse_column_def()?;
        let position = self.position()?;
        Ok(AlterOperation::AddColumn { within, column: Box::new(column), if_not_exists, position })
    }

    /// `FIRST | AFTER column`, if it comes next.
    fn position(&mut self) -> Result<Option<ColumnPosition>, ParseError> {
        if self.takes("FIRST") {
            return Ok(Some(ColumnPosition::First));
        }
        if self.takes("AFTER") {
            return Ok(Some(ColumnPosition::After(self.ident()?)));
        }
        Ok(None)
    }

    /// `DROP [COLUMN] [IF EXISTS] column [, column …]`, or `DROP CONSTRAINT [IF EXISTS] name`
    fn drop_from_table(&mut self, operations: &mut Vec<AlterOperation>) -> Result<(), ParseError> {
        self.expect("DROP")?;
        if self.takes("CONSTRAINT") {
            let if_exists = self.if_exists();
            operations.push(AlterOperation::DropConstraint { name: self.ident()?, if_exists });
            return self.no_cascade("DROP CONSTRAINT … CASCADE");
        }
        self.takes("COLUMN");
        let if_exists = self.if_exists();
        loop {
            operations.push(AlterOperation::DropColumn { path: self.path()?, if_exists });
            self.no_cascade("DROP COLUMN … CASCADE")?;
            if !self.stands_before_column() {
                return Ok(());
            }
            self.takes_token(&Token::Comma);
        }
    }

    /// Whether a comma and then a column's name come, and not another operation.
    fn stands_before_column(&mut self) -> bool {
        if self.sql().peek_token().token != Token::Comma {
            return false;
        }
        let next = self.sql().peek_nth_token(1);
        let is_operation = OPERATIONS.iter().any(|word| is_word(Some(&next), word))
            && !matches!(self.sql().peek_nth_token(2).token, Token::Comma | Token::EOF | Token::Period);
        !is_operation
    }

    fn no_cascade(&mut self, what: &str) -> Result<(), ParseError> {
        if self.takes("CASCADE") {
            return Err(ParseError::unsupported(what, "change what depends on it first"));
        }
        self.takes("RESTRICT");
        Ok(())
    }

    /// `RENAME TO name`, `RENAME [COLUMN] column TO name` or `RENAME CONSTRAINT name TO name`
    fn rename(&mut self) -> Result<AlterOperation, ParseError> {
        self.expect("RENAME")?;
        let next = self.sql().peek_nth_token(1);
        // A column may be called `to`.
        if is_word(Some(&self.sql().peek_token()), "TO") && !is_word(Some(&next), "TO") {
            self.takes("TO");
            return Ok(AlterOperation::RenameTable(self.name()?));
        }
        if is_word(Some(&self.sql().peek_token()), "CONSTRAINT") && !is_word(Some(&next), "TO") {
            self.takes("CONSTRAINT");
            let from = self.ident()?;
            self.expect("TO")?;
            return Ok(AlterOperation::RenameConstraint { from, to: self.ident()? });
        }
        if !is_word(Some(&next), "TO") {
            self.takes("COLUMN");
        }
        let from = self.path()?;
        self.expect("TO")?;
        let to = self.ident()?;
        if self.sql().peek_token().token == Token::Period {
            return Err(self.unexpected("the new name alone, without what it stands in"));
        }
        Ok(AlterOperation::RenameColumn { from, to })
    }

    /// `ALTER [COLUMN] column …`
    fn alter_column(&mut self) -> Result<AlterOperation, ParseError> {
        self.expect("ALTER")?;
        self.takes("COLUMN");
        let path = self.path()?;
        let change = if let Some(position) = self.position()? {
            ColumnChange::Position(position)
        } else if self.takes("TYPE") || self.takes_all(&["SET", "DATA", "TYPE"]) {
            self.new_type()?
        } else if self.takes_all(&["SET", "NOT", "NULL"]) {
            ColumnChange::Nullable(false)
        } else if self.takes_all(&["DROP", "NOT", "NULL"]) {
            ColumnChange::Nullable(true)
        } else if self.takes_all(&["SET", "DEFAULT"]) {
            ColumnChange::Default(Some(Box::new(self.sql().parse_expr()?)))
        } else if self.takes_all(&["DROP", "DEFAULT"]) {
            ColumnChange::Default(None)
        } else if self.takes("COMMENT") {
            ColumnChange::Comment(self.remark()?)
        } else {
            return Err(self.unexpected(
                "TYPE, SET NOT NULL, DROP NOT NULL, SET DEFAULT, DROP DEFAULT, COMMENT, FIRST or AFTER behind a column",
            ));
        };
        Ok(AlterOperation::AlterColumn { path, change })
    }

    fn new_type(&mut self) -> Result<ColumnChange, ParseError> {
        let data_type = self.sql().parse_data_type()?;
        if self.takes("USING") {
            return Err(ParseError::unsupported(
                "ALTER COLUMN … TYPE … USING",
                "add a column of the new type, fill it and drop the old one: no row is rewritten by ALTER TABLE",
            ));
        }
        Ok(ColumnChange::Type(data_type))
    }

    /// `SET SCHEMA name` or `SET (key = value, …)`
    fn set_of_table(&mut self) -> Result<AlterOperation, ParseError> {
        self.expect("SET")?;
        if self.takes("SCHEMA") {
            return Ok(AlterOperation::SetSchema(self.ident()?));
        }
        if self.takes("TBLPROPERTIES") || self.takes("OPTIONS") {
            return Err(ParseError::unsupported("ALTER TABLE … SET TBLPROPERTIES", "write `SET (key = value)`"));
        }
        Ok(AlterOperation::SetOptions(self.options()?))
    }

    /// Names joined by periods.
    fn path(&mut self) -> Result<ColumnPath, ParseError> {
        let mut path: ColumnPath = vec![self.ident()?];
        while self.takes_token(&Token::Period) {
            path.push(self.ident()?);
        }
        Ok(path)
    }

    /// `[IF EXISTS] v RENAME TO name` or `[IF EXISTS] v SET SCHEMA name`
    fn alter_view(&mut self) -> Result<Statement, ParseError> {
        let if_exists = self.if_exists();
        let name = self.name()?;
        let change = if self.takes_all(&["RENAME", "TO"]) {
            ViewChange::Rename(self.name()?)
        } else if self.takes_all(&["SET", "SCHEMA"]) {
            ViewChange::SetSchema(self.ident()?)
        } else if is_word(Some(&self.sql().peek_token()), "AS") {
            return Err(ParseError::unsupported("ALTER VIEW … AS", "write `CREATE OR REPLACE VIEW … AS …`"));
        } else {
            return Err(self.unexpected("RENAME TO or SET SCHEMA"));
        };
        Ok(Statement::AlterView(AlterView { name, if_exists, change }))
    }

    /// `[IF EXISTS] s RENAME TO name`
    fn alter_schema(&mut self) -> Result<Statement, ParseError> {
        let if_exists = self.if_exists();
        let name = self.ident()?;
        if !self.takes_all(&["RENAME", "TO"]) {
            return Err(self.unexpected("RENAME TO"));
        }
        Ok(Statement::AlterSchema(AlterSchema { name, if_exists, rename_to: self.ident()? }))
    }
}
