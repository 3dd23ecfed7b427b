//! INSERT.

use datafusion::sql::sqlparser::ast::{self, TableObject, With};

use super::StatementParser;
use crate::parse::check::check;
use crate::parse::desugar::desugar;
use crate::parse::error::ParseError;
use crate::parse::statement::{Insert, Statement};

impl StatementParser<'_> {
    /// `[WITH …] INSERT INTO | OVERWRITE t [(a, b)] [BY NAME] SELECT … | VALUES … | DEFAULT VALUES`
    pub(super) fn insert(&mut self, with: Option<With>) -> Result<Statement, ParseError> {
        let at = self.here();
        match self.sql().parse_statement()? {
            ast::Statement::Insert(mut found) => {
                if let Some(with) = with {
                    put_before(with, &mut found)?;
                }
                convert(found, self.by_name).map(Statement::Insert)
            }
            _ => Err(ParseError::syntax(at, "expected: INSERT INTO a table")),
        }
    }
}

/// Takes an INSERT of the syntax tree over, or says which part of it Frostline does not know.
fn convert(mut found: ast::Insert, by_name: bool) -> Result<Insert, ParseError> {
    refuse_parts(&found)?;
    if let Some(source) = &mut found.source {
        desugar(source);
    }
    let TableObject::TableName(table) = &found.table else {
        return Err(ParseError::unsupported("INSERT into a function or query", "name a table behind INTO"));
    };
    if by_name && found.source.is_none() {
        return Err(ParseError::unsupported("BY NAME together with DEFAULT VALUES", "leave BY NAME out"));
    }
    if by_name && !found.columns.is_empty() {
        return Err(ParseError::unsupported(
            "BY NAME together with a list of columns",
            "keep one: BY NAME takes the names from the query",
        ));
    }
    if let Some(source) = &found.source {
        check(source)?;
    }
    let overwrite = found.overwrite;
    Ok(Insert { table: table.clone(), columns: found.columns, by_name, source: found.source, overwrite })
}

/// Makes what stands in front of an INSERT a part of its query, in front of what that has itself.
fn put_before(with: With, found: &mut ast::Insert) -> Result<(), ParseError> {
    let Some(source) = &mut found.source else {
        return Err(ParseError::unsupported("WITH in front of an INSERT without a query", "leave it out"));
    };
    match &mut source.with {
        None => source.with = Some(with),
        Some(inner) => {
            let mut tables = with.cte_tables;
            tables.append(&mut inner.cte_tables);
            inner.cte_tables = tables;
            inner.recursive |= with.recursive;
        }
    }
    Ok(())
}

fn refuse_parts(found: &ast::Insert) -> Result<(), ParseError> {
    let rows = "INSERT adds rows and nothing else; MERGE changes those that are there and adds the others";
    let refused: [(bool, &str, &str); 10] = [
        (found.replace_into, "REPLACE INTO", rows),
        (found.or.is_some() || found.ignore, "INSERT OR …", rows),
        (found.on.is_some(), "ON CONFLICT", rows),
        (
            found.returning.is_some() || found.output.is_some(),
            "RETURNING",
            "read the rows with a SELECT behind the INSERT",
        ),
        (found.partitioned.is_some() || !found.after_columns.is_empty(), "INSERT … PARTITION", "leave it out"),
        (!found.assignments.is_empty(), "INSERT … SET", "write `INSERT INTO t (a, b) VALUES (…)`"),
        (
            found.table_alias.is_some() || found.insert_alias.is_some(),
            "an alias of the target of INSERT",
            "leave it out",
        ),
        (found.settings.is_some() || found.format_clause.is_some(), "INSERT … FORMAT", "use `COPY t FROM 'file'`"),
        (found.priority.is_some(), "a priority of INSERT", "leave it out"),
        (
            found.multi_table_insert_type.is_some()
                || !found.multi_table_into_clauses.is_empty()
                || !found.multi_table_when_clauses.is_empty(),
            "INSERT into several tables",
            "write one INSERT for each table",
        ),
    ];
    match refused.into_iter().find(|(present, _, _)| *present) {
        Some((_, what, instead)) => Err(ParseError::unsupported(what, instead)),
        None => Ok(()),
    }
}
