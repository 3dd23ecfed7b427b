//! What is said of a name that stands for nothing: what it was at other versions, or the nearest name.

use frostline_catalog::{Interval, ObjectId, Version};

use crate::context::{Context, INFORMATION_SCHEMA, QualifiedName, SYSTEM};
use crate::error::Error;
use crate::information_schema::InformationTable;
use crate::system::SystemTable;

impl Context {
    /// The error for a name that stands for nothing at a version: what it was at others, or the nearest name.
    pub(crate) fn missing(&self, qualified: &QualifiedName, version: Version) -> Error {
        let QualifiedName { schema, name } = qualified;
        if schema == SYSTEM {
            return not_of(SYSTEM, name, &SystemTable::ALL.map(SystemTable::name));
        }
        if schema == INFORMATION_SCHEMA {
            return not_of(INFORMATION_SCHEMA, name, &InformationTable::names());
        }
        let Some(schema_id) = self.state.schema_named(schema, version) else {
            let own = [SYSTEM, INFORMATION_SCHEMA];
            let known = self.state.schemas_at(version).map(|(_, name)| name.as_str()).chain(own);
            return match frostline_catalog::nearest(schema, known) {
                Some(nearest) => Error::statement(format!("schema `{schema}` not found; did you mean `{nearest}`?")),
                None => Error::statement(format!("schema `{schema}` not found")),
            };
        };
        if let Some(error) = self.lived_at_other_versions(qualified, schema_id, version) {
            return error;
        }
        let known: Vec<&str> = self
            .state
            .relations_at(version)
            .filter(|(found, _)| *found == schema_id)
            .map(|(_, relation)| relation.name())
            .map(frostline_catalog::Name::as_str)
            .collect();
        match frostline_catalog::nearest(name, known) {
            Some(nearest) => Error::statement(format!("table `{qualified}` not found; did you mean `{nearest}`?")),
            None => Error::statement(format!("table `{qualified}` not found")),
        }
    }

    fn lived_at_other_versions(&self, qualified: &QualifiedName, schema: ObjectId, version: Version) -> Option<Error> {
        let name = qualified.name.as_str();
        let mut lives: Vec<Life> = Vec::new();
        for (id, fact) in self.state.tables().iter() {
            if fact.value.schema == schema && fact.value.name.as_str() == name {
                let next = fact.interval.end().and_then(|end| self.state.table_at(*id, end));
                let next = next.map(|table| (table.schema, table.name.to_string()));
                lives.push(Life { kind: "table", interval: fact.interval, next });
            }
        }
        for (id, fact) in self.state.views().iter() {
            if fact.value.schema == schema && fact.value.name.as_str() == name {
                let next = fact.interval.end().and_then(|end| self.state.view_at(*id, end));
                let next = next.map(|view| (view.schema, view.name.to_string()));
                lives.push(Life { kind: "view", interval: fact.interval, next });
            }
        }
        let ended = lives.iter().filter_map(|life| Some((life, life.interval.end()?)));
        if let Some((life, end)) = ended.filter(|(_, end)| *end <= version).max_by_key(|(_, end)| *end) {
            let (kind, last) = (life.kind, end.number() - 1);
            let error = match &life.next {
                None => Error::statement(format!("{kind} `{qualified}` was dropped in {}", self.maker(end))),
                Some((schema, name)) => {
                    let schema = self.state.schemas().at(schema, end).map(ToString::to_string).unwrap_or_default();
                    let new = QualifiedName { schema, name: name.clone() };
                    Error::statement(format!("{kind} `{qualified}` is called `{new}` from {} on", self.maker(end)))
                }
            };
            return Some(error.with_hint(format!("its past is there: `{qualified} AS OF VERSION {last}`")));
        }
        let first = lives.iter().min_by_key(|life| life.interval.begin())?;
        let (kind, first) = (first.kind, first.interval.begin());
        let since = self.maker(first);
        Some(Error::statement(format!(
            "{kind} `{qualified}` did not exist at version {version}; it exists from {since} on"
        )))
    }

    /// What is said of the version that made a change: the one that a transaction would make has no number yet.
    fn maker(&self, version: Version) -> String {
        match version > self.newest() {
            true => "this transaction".to_owned(),
            false => format!("version {version}"),
        }
    }
}

/// A time over which a table or view had a name.
struct Life {
    kind: &'static str,
    interval: Interval,
    /// The schema and name that it had next, if it did not end.
    next: Option<(ObjectId, String)>,
}

/// The error for a name in one of the lake's own schemas that stands for nothing, or for nothing of the kind asked for.
fn not_of(schema: &str, name: &str, known: &[&str]) -> Error {
    if known.contains(&name) {
        return Error::statement(format!(
            "`{schema}.{name}` belongs to the lake itself: it is read like a table, and has neither a definition nor \
             rows to write"
        ));
    }
    match frostline_catalog::nearest(name, known.iter().copied()) {
        Some(nearest) => {
            Error::statement(format!("table `{schema}.{name}` not found; did you mean `{schema}.{nearest}`?"))
        }
        None => Error::statement(format!("table `{schema}.{name}` not found; there are {}", known.join(", "))),
    }
}
