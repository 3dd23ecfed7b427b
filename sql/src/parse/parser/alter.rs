//! ALTER TABLE.

use datafusion::sql::sqlparser::ast::{self, AlterTableOperation, DropBehavior};

use super::StatementParser;
use crate::parse::error::ParseError;
use crate::parse::statement::{AlterOperation, AlterTable, Statement};

const SUPPORTED: &str = "ALTER TABLE knows ADD COLUMN, DROP COLUMN and RENAME COLUMN; for other changes write \
                         `CREATE OR REPLACE TABLE … AS SELECT …`";

impl StatementParser<'_> {
    /// `ALTER TABLE [IF EXISTS] t ADD COLUMN … | DROP COLUMN … | RENAME COLUMN … [, …]`
    pub(super) fn alter(&mut self) -> Result<Statement, ParseError> {
        if !super::is_word(Some(&self.sql().peek_nth_token(1)), "TABLE") {
            return Err(ParseError::unsupported("ALTER of anything but a table", "drop it and create it anew"));
        }
        let at = self.here();
        let ast::Statement::AlterTable(found) = self.sql().parse_statement()? else {
            return Err(ParseError::syntax(at, "expected: ALTER TABLE"));
        };
        if found.only || found.location.is_some() || found.on_cluster.is_some() || found.table_type.is_some() {
            return Err(ParseError::unsupported("an option of ALTER TABLE", SUPPORTED));
        }
        let mut operations: Vec<AlterOperation> = Vec::new();
        for operation in found.operations {
            convert(operation, &mut operations)?;
        }
        Ok(Statement::AlterTable(AlterTable { name: found.name, if_exists: found.if_exists, operations }))
    }
}

/// Takes one operation of the syntax tree over; dropping several columns at once becomes one drop each.
fn convert(found: AlterTableOperation, operations: &mut Vec<AlterOperation>) -> Result<(), ParseError> {
    match found {
        AlterTableOperation::AddColumn { if_not_exists, column_def, column_position, .. } => {
            if column_position.is_some() {
                return Err(ParseError::unsupported(
                    "a position for a new column",
                    "new columns come last; order them in the query",
                ));
            }
            operations.push(AlterOperation::AddColumn { column: Box::new(column_def), if_not_exists });
            Ok(())
        }
        AlterTableOperation::DropColumn { column_names, if_exists, drop_behavior, .. } => {
            if drop_behavior == Some(DropBehavior::Cascade) {
                return Err(ParseError::unsupported(
                    "DROP COLUMN … CASCADE",
                    "change what depends on the column first",
                ));
            }
            operations.extend(column_names.into_iter().map(|name| AlterOperation::DropColumn { name, if_exists }));
            Ok(())
        }
        AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
            operations.push(AlterOperation::RenameColumn { from: old_column_name, to: new_column_name });
            Ok(())
        }
        other => Err(ParseError::unsupported(format!("ALTER TABLE … {other}"), SUPPORTED)),
    }
}
