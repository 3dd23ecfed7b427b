//! The relations that a query names.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, Expr, ObjectName, Query, TableFactor, Visit, Visitor};

use crate::context::fold;
use crate::parse::{ParseError, VersionClause, version_clause};

/// One relation that a query names.
#[derive(Clone, Debug)]
pub(crate) enum Reference {
    /// A table or view at the statement's version, or a common table expression.
    Plain(ObjectName),
    /// A table or view at a version of its own. `key` is how the planner finds it again.
    At { name: ObjectName, clause: Box<VersionClause>, key: String },
    /// A file: `FROM 'file.parquet'`.
    File { path: String, key: String },
    /// A function that reads files: `read_csv('…')`.
    ReadFunction { name: String, arguments: Vec<ast::FunctionArg>, key: String },
}

/// The relations of a query, and the names of its common table expressions.
#[derive(Clone, Debug, Default)]
pub(crate) struct References {
    pub(crate) relations: Vec<Reference>,
    pub(crate) ctes: BTreeSet<String>,
}

/// The functions that read files.
pub(crate) const READ_FUNCTIONS: [&str; 3] = ["read_parquet", "read_csv", "read_json"];

/// Every relation that a query names, in subqueries, set operations and common table expressions too.
pub(crate) fn references(query: &Query) -> Result<References, ParseError> {
    let mut collector = Collector::default();
    match query.visit(&mut collector) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(collector.found),
    }
}

/// How the planner finds a relation again that was resolved before planning; `None` for those it finds by name.
pub(crate) fn planned_key(relation: &TableFactor) -> Result<Option<String>, ParseError> {
    Ok(match reference(relation)? {
        Some(Reference::At { key, .. } | Reference::File { key, .. } | Reference::ReadFunction { key, .. }) => {
            Some(key)
        }
        Some(Reference::Plain(_)) | None => None,
    })
}

fn reference(relation: &TableFactor) -> Result<Option<Reference>, ParseError> {
    let TableFactor::Table { name, args, version, .. } = relation else { return Ok(None) };
    if let Some(version) = version {
        let clause = Box::new(version_clause(version)?);
        let key = format!("{name} AT {clause:?}");
        return Ok(Some(Reference::At { name: name.clone(), clause, key }));
    }
    if let Some(args) = args {
        let function = name.0.first().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
        return Ok(READ_FUNCTIONS.contains(&function.as_str()).then(|| Reference::ReadFunction {
            key: format!("{function} {:?}", args.args.iter().map(ToString::to_string).collect::<Vec<_>>()),
            name: function,
            arguments: args.args.clone(),
        }));
    }
    if let [part] = name.0.as_slice()
        && let Some(ident) = part.as_ident()
        && ident.quote_style == Some('\'')
    {
        let path = ident.value.clone();
        return Ok(Some(Reference::File { key: format!("file {path}"), path }));
    }
    Ok(Some(Reference::Plain(name.clone())))
}

#[derive(Default)]
struct Collector {
    found: References,
}

impl Visitor for Collector {
    type Break = ParseError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        if let Some(with) = &query.with {
            self.found.ctes.extend(with.cte_tables.iter().map(|cte| fold(&cte.alias.name)));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, relation: &TableFactor) -> ControlFlow<Self::Break> {
        match reference(relation) {
            Ok(reference) => {
                self.found.relations.extend(reference);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_expr(&mut self, _expr: &Expr) -> ControlFlow<Self::Break> {
        ControlFlow::Continue(())
    }
}
