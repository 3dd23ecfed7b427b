//! SHOW TABLES and SHOW CREATE TABLE.

use std::fmt::Write as _;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use datafusion::sql::sqlparser::ast::Ident;
use frostline_catalog::io::DEFAULT_SCHEMA;
use frostline_catalog::schema::{Column, Table, View};
use frostline_catalog::{Name, Relation};

use super::Work;
use super::describe::version_of;
use crate::answer::Answer;
use crate::constraint::constraint_sql;
use crate::context::{Context, INFORMATION_SCHEMA, QualifiedName, SYSTEM};
use crate::error::Error;
use crate::parse::{ShowTables, TableAt, parse_one};
use crate::session::Session;
use crate::type_name::sql_type;

pub(super) async fn tables(session: &Session, context: &Arc<Context>, show: &ShowTables) -> Result<Work, Error> {
    let version = match &show.as_of {
        Some(clause) => context.resolve_version(clause)?,
        None => context.visible,
    };
    let mut conditions = Vec::new();
    let mut own: Option<&str> = None;
    if let Some(schema) = &show.schema {
        let name = match schema.0.as_slice() {
            [part] => part.as_ident().map(crate::context::fold),
            _ => None,
        };
        let name = name.ok_or_else(|| Error::statement(format!("`{schema}` is no name of a schema")))?;
        own = [SYSTEM, INFORMATION_SCHEMA].into_iter().find(|own| *own == name);
        if own.is_none() && context.state.schema_named(&name, version).is_none() {
            return Err(context.missing(&QualifiedName { schema: name, name: String::new() }, version));
        }
        conditions.push(format!("schema_name = {}", text_literal(&name)));
    }
    if let Some(pattern) = &show.like {
        conditions.push(format!("table_name LIKE {}", text_literal(pattern)));
    }
    let filter = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    // What is in the lake's own schemas is the same at every version.
    let relations = match own {
        Some(_) => "SELECT table_schema AS schema_name, table_name, \
                    CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END AS kind FROM information_schema.tables"
            .to_owned(),
        None => {
            // What the statement sees itself may have no number yet.
            let clause = show.as_of.as_ref().map(|_| format!(" AS OF VERSION {version}")).unwrap_or_default();
            format!(
                "SELECT schema_name, table_name, 'table' AS kind FROM system.tables{clause} UNION ALL \
                 SELECT schema_name, view_name, 'view' FROM system.views{clause}"
            )
        }
    };
    let sql =
        format!("SELECT schema_name, table_name, kind FROM ({relations}){filter} ORDER BY schema_name, table_name");
    let parsed = parse_one(&sql)?;
    let query = parsed.statement.query().ok_or_else(|| Error::statement("the query of SHOW TABLES is none"))?;
    let plan = context.plan_query(query, context.visible, 0).await?;
    session.rows(context, plan).await.map(Work::Answer)
}

/// Text as SQL writes it.
pub(super) fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) fn create_table(context: &Context, at: &TableAt) -> Result<Work, Error> {
    let version = version_of(context, at)?;
    let qualified = context.qualify(&at.table)?;
    let sql = match context.find(&qualified, version) {
        Some(Relation::Table(table, definition)) => {
            let columns = context.state.columns_at(table, version);
            table_sql(&qualified, definition, &columns)
        }
        Some(Relation::View(_, view)) => view_sql(&qualified, view),
        None => return Err(context.missing(&qualified, version)),
    };
    let batch = RecordBatch::try_from_iter([
        ("table_name", Arc::new(StringViewArray::from_iter_values([qualified.name])) as ArrayRef),
        ("definition", Arc::new(StringViewArray::from_iter_values([sql]))),
    ])?;
    Ok(Work::Answer(Answer::of_batch(version, batch)))
}

/// A name as SQL reads it back: quoted unless it is lower case letters, digits and underscores.
pub(crate) fn quoted(name: &str) -> String {
    quoted_ident(name).to_string()
}

/// A name as an identifier that is read back as it.
pub(crate) fn quoted_ident(name: &str) -> Ident {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && !is_keyword(name);
    if plain { Ident::new(name) } else { Ident::with_quote('"', name) }
}

fn is_keyword(name: &str) -> bool {
    use datafusion::sql::sqlparser::keywords::ALL_KEYWORDS;
    ALL_KEYWORDS.binary_search(&name.to_uppercase().as_str()).is_ok()
}

/// A qualified name as SQL reads it back.
pub(super) fn full_name(qualified: &QualifiedName) -> String {
    match qualified.schema.as_str() {
        DEFAULT_SCHEMA => quoted(&qualified.name),
        schema => format!("{}.{}", quoted(schema), quoted(&qualified.name)),
    }
}

fn table_sql(qualified: &QualifiedName, table: &Table, columns: &[&Column]) -> String {
    let mut lines: Vec<String> = columns
        .iter()
        .map(|column| {
            let mut line = format!("    {} {}", quoted(column.name.as_str()), sql_type(&column.data_type));
            if !column.nullable {
                line.push_str(" NOT NULL");
            }
            if let Some(default) = &column.default {
                let _ = write!(line, " DEFAULT {default}");
            }
            if let Some(comment) = &column.comment {
                let _ = write!(line, " COMMENT {}", text_literal(comment));
            }
            line
        })
        .collect();
    for constraint in &table.constraints {
        let name = quoted(constraint.name().as_str());
        lines.push(format!("    CONSTRAINT {name} {}", constraint_sql(constraint, columns)));
    }
    let mut sql = format!("CREATE TABLE {} (\n{}\n)", full_name(qualified), lines.join(",\n"));
    if !table.sort_by.is_empty() {
        let name = |field| columns.iter().find(|column| column.id == field).map(|column| quoted(column.name.as_str()));
        let keys: Vec<String> = table
            .sort_by
            .iter()
            .filter_map(|key| {
                let direction = if key.descending { " DESC" } else { "" };
                let nulls = match (key.nulls_first, key.descending) {
                    (true, false) => " NULLS FIRST",
                    (false, true) => " NULLS LAST",
                    _ => "",
                };
                name(key.field).map(|name| format!("{name}{direction}{nulls}"))
            })
            .collect();
        let _ = write!(sql, " SORT BY ({})", keys.join(", "));
    }
    if !table.options.is_empty() {
        let options: Vec<String> = table.options.iter().map(|(key, value)| option_sql(key, value)).collect();
        let _ = write!(sql, " WITH ({})", options.join(", "));
    }
    if let Some(comment) = &table.comment {
        let _ = write!(sql, " COMMENT {}", text_literal(comment));
    }
    sql
}

/// An option as WITH takes it. A key that words joined by periods would not give back stands in quotes.
fn option_sql(key: &str, value: &str) -> String {
    let is_word = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let is_plain = key.split('.').all(is_word);
    let key = if is_plain { key.to_owned() } else { text_literal(key) };
    format!("{key} = {}", text_literal(value))
}

fn view_sql(qualified: &QualifiedName, view: &View) -> String {
    let columns: Vec<String> = view.columns.iter().map(Name::as_str).map(quoted).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    format!("CREATE VIEW {}{columns} AS {}", full_name(qualified), view.query)
}
