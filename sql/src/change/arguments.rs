//! The arguments of a table function: texts, versions, and options by name.

use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr};
use frostline_catalog::{ObjectId, Relation, Version};

use crate::context::{Context, INFORMATION_SCHEMA, SYSTEM, fold};
use crate::error::Error;
use crate::expression::evaluate;
use crate::parse::VersionClause;
use crate::table_name::object_name;

/// What to do where no rows are kept.
const COMPARE_QUERIES: &str = "query_diff compares what two queries give, such as `SELECT … AS OF VERSION 3`";

/// How a function is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Its name.
    pub(super) name: &'static str,
    /// How many arguments it takes by position, at least and at most.
    pub(super) positions: (usize, usize),
    /// The options that it takes by name.
    pub(super) options: &'static [&'static str],
    /// A call, as an example.
    pub(super) example: &'static str,
}

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    context: &'a Context,
    usage: Usage,
    positional: Vec<&'a ast::Expr>,
    options: Vec<(String, &'a ast::Expr)>,
}

impl<'a> Arguments<'a> {
    /// The arguments as they are written, if a function can be called so.
    pub(super) fn try_new(context: &'a Context, usage: Usage, given: &'a [FunctionArg]) -> Result<Self, Error> {
        let mut arguments = Self { context, usage, positional: Vec::new(), options: Vec::new() };
        for argument in given {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.positional.push(expr),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                    arguments.add_option(fold(name), expr)?;
                }
                other => return Err(arguments.wrong(format!("`{}` does not take the argument `{other}`", usage.name))),
            }
        }
        let (least, most) = usage.positions;
        if arguments.positional.len() < least || arguments.positional.len() > most {
            let count = arguments.positional.len();
            let takes = match (least, most) {
                (1, 1) => "one argument".to_owned(),
                _ if least == most => format!("{least} arguments"),
                _ => format!("{least} to {most} arguments"),
            };
            return Err(arguments.wrong(format!("`{}` takes {takes}, not {count}", usage.name)));
        }
        Ok(arguments)
    }

    fn add_option(&mut self, name: String, expr: &'a ast::Expr) -> Result<(), Error> {
        if !self.usage.options.contains(&name.as_str()) {
            let known = match self.usage.options {
                [] => "it takes none".to_owned(),
                options => format!("there is {}", options.join(", ")),
            };
            return Err(self.wrong(format!("`{}` has no option `{name}`; {known}", self.usage.name)));
        }
        if self.options.iter().any(|(known, _)| *known == name) {
            return Err(self.wrong(format!("option `{name}` is given twice; keep one")));
        }
        self.options.push((name, expr));
        Ok(())
    }

    fn wrong(&self, message: String) -> Error {
        Error::statement(message).with_hint(format!("write it as in `{}`", self.usage.example))
    }

    /// The text at a place.
    pub(super) fn text(&self, place: usize, what: &str) -> Result<String, Error> {
        match self.positional.get(place) {
            Some(expr) => self.text_of(expr, what),
            None => Err(self.wrong(format!("`{}` lacks {what}", self.usage.name))),
        }
    }

    /// The text of an option; `None` if it is not given.
    pub(super) fn option(&self, name: &str) -> Result<Option<String>, Error> {
        let found = self.options.iter().find(|(known, _)| known == name);
        found.map(|(_, expr)| self.text_of(expr, &format!("option `{name}`"))).transpose()
    }

    fn text_of(&self, expr: &ast::Expr, what: &str) -> Result<String, Error> {
        let found = evaluate(&self.context.base, expr, &self.context.parameters)?;
        match found.try_as_str().flatten() {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(format!("{what} of `{}` is a text in quotes, not {expr}", self.usage.name))),
        }
    }

    /// The version that the argument at a place asks for, as behind `AS OF`; `None` if there is no such argument.
    pub(super) fn version(&self, place: usize) -> Result<Option<Version>, Error> {
        let Some(expr) = self.positional.get(place) else { return Ok(None) };
        self.context.resolve_version(&VersionClause::Auto((*expr).clone())).map(Some)
    }

    /// The table that the first argument names at a version. It counts as read there.
    pub(super) fn table(&self, version: Version) -> Result<ObjectId, Error> {
        let text = self.text(0, "the table's name")?;
        let qualified = self.context.qualify(&object_name(&text)?)?;
        if [SYSTEM, INFORMATION_SCHEMA].contains(&qualified.schema.as_str()) {
            return Err(
                Error::statement(format!("`{qualified}` is no table whose rows are kept")).with_hint(COMPARE_QUERIES)
            );
        }
        let is_view = matches!(self.context.find(&qualified, version), Some(Relation::View(..)));
        let table = self.context.find_table(&qualified, version).map_err(|error| match is_view {
            true => error.with_hint(COMPARE_QUERIES),
            false => error,
        })?;
        self.context.note_read(&qualified, version);
        self.context.note_version(version);
        Ok(table)
    }
}
