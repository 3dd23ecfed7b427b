//! Constraints as CREATE TABLE and ALTER TABLE declare them.

use datafusion::sql::sqlparser::ast::{self, ColumnOption, ConstraintCharacteristics, Ident, TableConstraint};
use frostline_catalog::schema::{Column, Constraint};
use frostline_catalog::{FieldId, Name};

use super::Condition;
use crate::context::{Context, fold};
use crate::error::Error;

/// The longest beginning that a name made up for a constraint keeps of the table's and column's, in characters.
const NAME_START_MAX: usize = 60;

/// Takes declarations in, one after the other.
pub(crate) struct Declarations<'a> {
    context: &'a Context,
    table: &'a str,
    constraints: Vec<Constraint>,
}

impl<'a> Declarations<'a> {
    /// For a table of this name that has some constraints.
    pub(crate) fn new(context: &'a Context, table: &'a str, constraints: Vec<Constraint>) -> Self {
        Self { context, table, constraints }
    }

    /// All constraints, those that were there first.
    pub(crate) fn finish(self) -> Vec<Constraint> {
        self.constraints
    }

    /// Takes one more in. The columns of a primary key become NOT NULL.
    ///
    /// # Errors
    /// If it would have to be enforced and is not, or does not fit the columns.
    pub(crate) fn add(&mut self, columns: &mut [Column], declared: &TableConstraint) -> Result<Name, Error> {
        match declared {
            TableConstraint::Check(check) => {
                if check.enforced == Some(false) {
                    return Err(Error::statement("a CHECK is enforced, so it cannot be NOT ENFORCED")
                        .with_hint("leave NOT ENFORCED out, or the CHECK"));
                }
                let expression = check.expr.to_string();
                let condition = Condition::new(self.context, columns, &expression)?;
                let start = match condition.places() {
                    [only] => format!("{}_{}", self.table, columns[*only].name),
                    _ => self.table.to_owned(),
                };
                let name = self.name(check.name.as_ref(), &start, "check")?;
                self.constraints.push(Constraint::Check { name: name.clone(), expression });
                Ok(name)
            }
            TableConstraint::PrimaryKey(key) => {
                let is_plain = key.index_name.is_none() && key.index_type.is_none() && key.index_options.is_empty();
                let names = declared_columns(&key.columns, is_plain, declared)?;
                not_enforced(key.characteristics.as_ref(), "PRIMARY KEY", &names)?;
                if self.constraints.iter().any(|found| matches!(found, Constraint::Key { primary: true, .. })) {
                    return Err(Error::statement(format!("table `{}` has a primary key already", self.table))
                        .with_hint("a table has one; other keys are UNIQUE (…) NOT ENFORCED"));
                }
                let fields = key_fields(self.table, columns, &names)?;
                let name = self.name(key.name.as_ref(), self.table, "pkey")?;
                for column in columns.iter_mut().filter(|column| fields.contains(&column.id)) {
                    column.nullable = false;
                }
                self.constraints.push(Constraint::Key { name: name.clone(), columns: fields, primary: true });
                Ok(name)
            }
            TableConstraint::Unique(key) => {
                let is_plain = key.index_name.is_none()
                    && key.index_type.is_none()
                    && key.index_options.is_empty()
                    && matches!(key.nulls_distinct, ast::NullsDistinctOption::None);
                let names = declared_columns(&key.columns, is_plain, declared)?;
                not_enforced(key.characteristics.as_ref(), "UNIQUE", &names)?;
                let fields = key_fields(self.table, columns, &names)?;
                let start = format!("{}_{}", self.table, names.join("_"));
                let name = self.name(key.name.as_ref(), &start, "key")?;
                self.constraints.push(Constraint::Key { name: name.clone(), columns: fields, primary: false });
                Ok(name)
            }
            TableConstraint::ForeignKey(_) => {
                Err(Error::statement("FOREIGN KEY is not supported: nothing enforces it")
                    .with_hint("find rows without a partner with a query: `SELECT … FROM a LEFT ANTI JOIN b ON …`"))
            }
            other => Err(refused_constraint(&other.to_string())),
        }
    }

    /// The name that is given, or one made up.
    fn name(&self, given: Option<&Ident>, start: &str, end: &str) -> Result<Name, Error> {
        let is_taken = |name: &str| self.constraints.iter().any(|found| found.name().as_str() == name);
        if let Some(given) = given {
            let name = Name::try_new(&fold(given))?;
            return match is_taken(name.as_str()) {
                true => Err(Error::statement(format!("table `{}` has a constraint `{name}` already", self.table))),
                false => Ok(name),
            };
        }
        let start: String = start.chars().take(NAME_START_MAX).collect();
        let mut text = format!("{start}_{end}");
        let mut number: u32 = 1;
        while is_taken(&text) {
            text = format!("{start}_{end}{number}");
            number += 1;
        }
        Ok(Name::try_new(&text)?)
    }
}

/// The constraints that stand behind a column's type, as those of its table.
pub(crate) fn column_constraints(column: &ast::ColumnDef) -> Vec<TableConstraint> {
    let named = || vec![ast::IndexColumn::from(column.name.clone())];
    let mut found: Vec<TableConstraint> = Vec::new();
    for option in &column.options {
        let name = option.name.clone();
        match &option.option {
            ColumnOption::Check(check) => {
                let mut check = check.clone();
                check.name = name;
                found.push(TableConstraint::Check(check));
            }
            ColumnOption::PrimaryKey(key) => {
                let mut key = key.clone();
                (key.name, key.columns) = (name, named());
                found.push(TableConstraint::PrimaryKey(key));
            }
            ColumnOption::Unique(key) => {
                let mut key = key.clone();
                (key.name, key.columns) = (name, named());
                found.push(TableConstraint::Unique(key));
            }
            ColumnOption::ForeignKey(key) => {
                let mut key = key.clone();
                key.name = name;
                found.push(TableConstraint::ForeignKey(key));
            }
            _ => {}
        }
    }
    found
}

/// What nothing would keep is refused rather than ignored.
pub(crate) fn refused_constraint(text: &str) -> Error {
    Error::statement(format!("constraint `{text}` is not supported: it would not be enforced"))
        .with_hint("columns may be NOT NULL, and have a DEFAULT, a CHECK, and a key that is NOT ENFORCED")
}

/// A key is a declaration, and must say that it is nothing more.
fn not_enforced(found: Option<&ConstraintCharacteristics>, kind: &str, columns: &[String]) -> Result<(), Error> {
    let is_said = found
        .is_some_and(|found| found.enforced == Some(false) && found.deferrable.is_none() && found.initially.is_none());
    if is_said {
        return Ok(());
    }
    let columns = columns.join(", ");
    Err(Error::statement(format!("{kind} ({columns}) would not be enforced, and must say so")).with_hint(format!(
        "write `{kind} ({columns}) NOT ENFORCED`: MERGE, diffs and clients use such a key, and nothing checks it"
    )))
}

/// The names of a key's columns, if they are names and nothing else.
fn declared_columns(
    columns: &[ast::IndexColumn],
    is_plain: bool,
    declared: &TableConstraint,
) -> Result<Vec<String>, Error> {
    let name = |column: &ast::IndexColumn| match &column.column.expr {
        ast::Expr::Identifier(ident)
            if column.operator_class.is_none()
                && column.column.options.asc.is_none()
                && column.column.options.nulls_first.is_none()
                && column.column.with_fill.is_none() =>
        {
            Some(fold(ident))
        }
        _ => None,
    };
    let names: Option<Vec<String>> = columns.iter().map(name).collect();
    match names {
        Some(names) if is_plain => Ok(names),
        _ => Err(Error::statement(format!("the key `{declared}` says more than columns"))
            .with_hint("write `PRIMARY KEY (a, b) NOT ENFORCED` or `UNIQUE (a, b) NOT ENFORCED`")),
    }
}

/// The field ids of a key's columns.
fn key_fields(table: &str, columns: &[Column], names: &[String]) -> Result<Vec<FieldId>, Error> {
    let mut fields: Vec<FieldId> = Vec::with_capacity(names.len());
    for name in names {
        let column = columns.iter().find(|column| column.name.as_str() == name);
        let column = column.ok_or_else(|| Error::statement(format!("table `{table}` has no column `{name}`")))?;
        if column.data_type.is_nested() {
            return Err(Error::statement(format!("column `{name}` has a nested type, which is no key")));
        }
        if fields.contains(&column.id) {
            return Err(Error::statement(format!("column `{name}` is named twice in a key")));
        }
        fields.push(column.id);
    }
    Ok(fields)
}
