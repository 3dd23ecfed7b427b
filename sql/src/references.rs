//! The relations that a query names.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, ObjectName, Query, TableFactor, Visit, Visitor};

use crate::change::CHANGE_FUNCTIONS;
use crate::context::fold;
use crate::parse::{ParseError, VersionClause, is_target_mark, version_clause};

/// One relation that a query names.
#[derive(Clone, Debug)]
pub(crate) enum Reference {
    /// A table or view at the statement's version.
    Plain(ObjectName),
    /// A table or view at a version of its own. `key` is how the planner finds it again.
    At { name: ObjectName, clause: Box<VersionClause>, key: String },
    /// A file: `FROM 'file.parquet'`.
    File { path: String, key: String },
    /// A function that reads files: `read_csv('…')`.
    ReadFunction { name: String, arguments: Vec<ast::FunctionArg>, key: String },
    /// The table that the statement changes: it is read with what says where each row is.
    Target { name: ObjectName, key: String },
    /// A function that compares versions: `table_changes('t', 3, 7)`.
    ChangeFunction { name: String, arguments: Vec<ast::FunctionArg>, key: String },
}

/// The relations of a query.
///
/// * A name that stands for a common table expression where it is written is none of them.
/// * Where WITH RECURSIVE gives a query its own name, only planning tells whether the name within stands for itself:
///   such names are among the relations, and in `recursive`.
#[derive(Clone, Debug, Default)]
pub(crate) struct References {
    pub(crate) relations: Vec<Reference>,
    pub(crate) recursive: BTreeSet<String>,
}

impl References {
    /// Whether a name may stand for a recursive query, and not for a relation.
    pub(crate) fn may_be_recursive(&self, name: &ObjectName) -> bool {
        bare_name(name).is_some_and(|name| self.recursive.contains(&name))
    }
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
        Some(
            Reference::At { key, .. }
            | Reference::File { key, .. }
            | Reference::ReadFunction { key, .. }
            | Reference::Target { key, .. }
            | Reference::ChangeFunction { key, .. },
        ) => Some(key),
        Some(Reference::Plain(_)) | None => None,
    })
}

fn reference(relation: &TableFactor) -> Result<Option<Reference>, ParseError> {
    let TableFactor::Table { name, args, version, .. } = relation else { return Ok(None) };
    if let Some(version) = version {
        if is_target_mark(version) {
            return Ok(Some(Reference::Target { name: name.clone(), key: format!("{name} AS TARGET") }));
        }
        let clause = Box::new(version_clause(version)?);
        let key = format!("{name} AT {clause:?}");
        return Ok(Some(Reference::At { name: name.clone(), clause, key }));
    }
    if let Some(args) = args {
        let function = name.0.first().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
        let key = format!("{function} {:?}", args.args.iter().map(ToString::to_string).collect::<Vec<_>>());
        let arguments = args.args.clone();
        let reads_files = READ_FUNCTIONS.contains(&function.as_str());
        let compares_versions = CHANGE_FUNCTIONS.contains(&function.as_str());
        return Ok(match (reads_files, compares_versions) {
            (true, _) => Some(Reference::ReadFunction { name: function, arguments, key }),
            (false, true) => Some(Reference::ChangeFunction { name: function, arguments, key }),
            (false, false) => None,
        });
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

/// A name without a schema, as SQL reads it.
fn bare_name(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [part] => part.as_ident().map(fold),
        _ => None,
    }
}

/// The common table expressions of one query. They are visited first, in their order.
struct Scope {
    names: Vec<String>,
    recursive: bool,
    /// How many queries within this one were visited; the first are those of the names.
    finished: usize,
}

impl Scope {
    /// Whether a name stands for one of the expressions here. Each is known behind its own query.
    fn knows(&self, name: &str) -> bool {
        self.names.iter().take(self.finished).any(|known| known == name)
    }

    /// Whether a name is that of the expression whose query is being visited, in WITH RECURSIVE.
    fn is_within(&self, name: &str) -> bool {
        self.recursive && self.names.get(self.finished).is_some_and(|known| known == name)
    }
}

#[derive(Default)]
struct Collector {
    found: References,
    scopes: Vec<Scope>,
}

impl Collector {
    fn take(&mut self, reference: Reference) {
        if let Reference::Plain(name) = &reference
            && let Some(name) = bare_name(name)
        {
            for scope in self.scopes.iter().rev() {
                if scope.knows(&name) {
                    return;
                }
                if scope.is_within(&name) {
                    self.found.recursive.insert(name);
                    break;
                }
            }
        }
        self.found.relations.push(reference);
    }
}

impl Visitor for Collector {
    type Break = ParseError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let (names, recursive): (Vec<String>, bool) = match &query.with {
            Some(with) => (with.cte_tables.iter().map(|cte| fold(&cte.alias.name)).collect(), with.recursive),
            None => (Vec::new(), false),
        };
        self.scopes.push(Scope { names, recursive, finished: 0 });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        self.scopes.pop();
        if let Some(outer) = self.scopes.last_mut() {
            outer.finished += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, relation: &TableFactor) -> ControlFlow<Self::Break> {
        match reference(relation) {
            Ok(reference) => {
                if let Some(reference) = reference {
                    self.take(reference);
                }
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_one;

    fn check(sql: &str, expected: &[&str]) {
        let parsed = parse_one(sql).unwrap();
        let found = references(parsed.statement.query().unwrap()).unwrap();
        let names: Vec<String> = found
            .relations
            .iter()
            .map(|reference| match reference {
                Reference::Plain(name) if found.may_be_recursive(name) => format!("{name}?"),
                Reference::Plain(name) => name.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(names, expected, "{sql}");
    }

    #[test]
    fn a_name_of_with_is_no_relation_behind_its_own_query() {
        check("WITH a AS (SELECT 1) SELECT * FROM a, b", &["b"]);
        check("WITH a AS (SELECT * FROM a) SELECT * FROM a", &["a"]);
        check("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a, b", &["b"]);
        check("WITH a AS (SELECT 1) SELECT * FROM s.a, A, \"A\"", &["s.a", "\"A\""]);
    }

    #[test]
    fn a_name_of_with_is_known_in_queries_within_and_not_beside() {
        check("WITH a AS (SELECT 1) SELECT (SELECT 1 FROM a) FROM (SELECT * FROM a) b", &[]);
        check("(WITH a AS (SELECT 1) SELECT * FROM a) UNION (SELECT * FROM a)", &["a"]);
        check("WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM a, b", &["b"]);
    }

    #[test]
    fn within_a_recursive_query_its_name_may_be_itself() {
        check(
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r), s AS (SELECT * FROM r) SELECT * FROM s",
            &["r?"],
        );
    }
}
