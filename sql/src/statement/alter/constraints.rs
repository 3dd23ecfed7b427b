//! ALTER TABLE of a table's constraints and options.

use datafusion::sql::sqlparser::ast::{self, Ident};
use frostline_catalog::Name;
use frostline_catalog::schema::Constraint;

use super::super::create::table_options;
use super::super::name::plain;
use super::Altered;
use super::row_tests::RowTest;
use crate::constraint::Declarations;
use crate::context::fold;
use crate::error::Error;

impl Altered<'_> {
    pub(super) fn add_constraint(&mut self, declared: &ast::TableConstraint) -> Result<(), Error> {
        let constraints = std::mem::take(&mut self.table.constraints);
        let mut declarations = Declarations::new(self.context, &self.name.name, constraints);
        let nullable: Vec<bool> = self.columns.iter().map(|column| column.nullable).collect();
        let name = declarations.add(&mut self.columns, declared)?;
        self.table.constraints = declarations.finish();
        for (column, was_nullable) in self.columns.iter().zip(nullable) {
            if was_nullable && !column.nullable {
                self.tests.push(RowTest::NotNull(column.id));
            }
        }
        if matches!(declared, ast::TableConstraint::Check(_)) {
            self.tests.push(RowTest::Check(name));
        }
        Ok(())
    }

    fn constraint_place(&self, name: &Ident) -> Result<usize, Error> {
        let name = fold(name);
        let place = self.table.constraints.iter().position(|found| found.name().as_str() == name);
        place.ok_or_else(|| {
            let known = self.table.constraints.iter().map(|found| found.name().as_str());
            let nearest = frostline_catalog::nearest(&name, known);
            let nearest = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
            Error::statement(format!("table `{}` has no constraint `{name}`{nearest}", self.name))
        })
    }

    pub(super) fn drop_constraint(&mut self, name: &Ident, if_exists: bool) -> Result<(), Error> {
        match self.constraint_place(name) {
            Ok(place) => {
                self.table.constraints.remove(place);
                Ok(())
            }
            Err(_) if if_exists => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn rename_constraint(&mut self, from: &Ident, to: &Ident) -> Result<(), Error> {
        let place = self.constraint_place(from)?;
        let new: Name = plain(to)?;
        if self.constraint_place(to).is_ok_and(|taken| taken != place) {
            return Err(Error::statement(format!("table `{}` has a constraint `{new}` already", self.name)));
        }
        let old = self.table.constraints[place].name().clone();
        match &mut self.table.constraints[place] {
            Constraint::Check { name, .. } | Constraint::Key { name, .. } => *name = new.clone(),
        }
        for test in &mut self.tests {
            if let RowTest::Check(name) = test
                && *name == old
            {
                *name = new.clone();
            }
        }
        Ok(())
    }

    pub(super) fn set_options(&mut self, options: &[(String, String)]) -> Result<(), Error> {
        for (key, value) in table_options(options)? {
            match self.table.options.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = value,
                None => self.table.options.push((key, value)),
            }
        }
        Ok(())
    }

    pub(super) fn reset_options(&mut self, keys: &[String]) -> Result<(), Error> {
        for key in keys {
            let place = self.table.options.iter().position(|(known, _)| known == key);
            let place =
                place.ok_or_else(|| Error::statement(format!("table `{}` has no option `{key}`", self.name)))?;
            self.table.options.remove(place);
        }
        Ok(())
    }
}
