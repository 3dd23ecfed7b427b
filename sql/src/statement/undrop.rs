//! UNDROP: what was dropped last under a name comes back, as it was before. No row is copied.

use frostline_catalog::schema::{Table, View};
use frostline_catalog::segment::TableVersion;
use frostline_catalog::state::{Fact, History};
use frostline_catalog::transaction::{Proposal, TableTarget};
use frostline_catalog::{Name, ObjectId, Relation, Version};

use super::Work;
use super::definition::Definition;
use super::name::{own_schema, plain};
use super::restore::reopened;
use crate::context::{Context, QualifiedName, fold};
use crate::error::Error;
use crate::parse::{Undrop, UndropKind};
use crate::session::{Commit, Made};

/// How many names an error lists.
const LISTED_MAX: usize = 5;

pub(super) fn run(context: &Context, undrop: &Undrop) -> Result<Work, Error> {
    let rename_to = undrop.rename_to.as_ref().map(plain).transpose()?;
    match undrop.kind {
        UndropKind::Table => relation(context, undrop, rename_to, "table"),
        UndropKind::View => relation(context, undrop, rename_to, "view"),
        UndropKind::Schema => schema(context, undrop, rename_to),
    }
}

/// Something that has ended: its id, the version that ended it, and what it was.
struct Ended<'a, T> {
    id: ObjectId,
    end: Version,
    value: &'a T,
}

/// What has ended and not begun again.
fn ended<T: Clone>(history: &History<ObjectId, T>) -> Vec<Ended<'_, T>> {
    let mut last: Vec<Ended<'_, T>> = Vec::new();
    let mut ids: Vec<ObjectId> = history.iter().map(|(id, _)| *id).collect();
    ids.dedup();
    for id in ids {
        let fact: Option<&Fact<T>> = history.of(&id).last();
        if let Some(fact) = fact
            && let Some(end) = fact.interval.end()
        {
            last.push(Ended { id, end, value: &fact.value });
        }
    }
    last
}

/// The one that ended last, of several of one name.
fn newest<'a, T>(ended: impl IntoIterator<Item = Ended<'a, T>>) -> Option<Ended<'a, T>> {
    ended.into_iter().max_by_key(|ended| (ended.end, ended.id))
}

/// The last version at which something was there that ended at another.
fn last_version(end: Version) -> Version {
    Version::new(end.number().saturating_sub(1)).unwrap_or(Version::FIRST)
}

fn relation(context: &Context, undrop: &Undrop, rename_to: Option<Name>, kind: &str) -> Result<Work, Error> {
    let qualified = context.qualify(&undrop.name)?;
    own_schema(&qualified.schema)?;
    let Some(schema) = context.state.schema_named(&qualified.schema, context.visible) else {
        let dropped = ended(context.state.schemas()).iter().any(|ended| ended.value.as_str() == qualified.schema);
        let error = context.missing(&qualified, context.visible);
        return Err(if dropped {
            error.with_hint(format!("UNDROP SCHEMA {} brings the schema back first", qualified.schema))
        } else {
            error
        });
    };
    let name = rename_to.unwrap_or(Name::try_new(&qualified.name)?);
    let target = QualifiedName { schema: qualified.schema.clone(), name: name.to_string() };
    let transaction = context.transaction.as_ref();
    let made = if undrop.kind == UndropKind::View { Made::View } else { Made::Table };
    if transaction.is_some_and(|open| open.has_made_and_dropped(made, Some(schema), &qualified.name)) {
        return Err(lost(&format!("{kind} `{qualified}` was created and dropped by this transaction")));
    }
    let changes = match undrop.kind {
        UndropKind::View => {
            let all = ended(context.state.views());
            let listed = all.iter().map(|view| (view.value.schema, &view.value.name, view.end)).collect();
            let of_name =
                |view: &Ended<'_, View>| view.value.schema == schema && view.value.name.as_str() == qualified.name;
            let found = newest(all.into_iter().filter(of_name));
            let found = found.ok_or_else(|| none_dropped(context, kind, &qualified, listed))?;
            if transaction.is_some_and(|open| open.has_changed_view(found.id, found.value)) {
                return Err(lost(&format!("view `{qualified}` was changed and then dropped by this transaction")));
            }
            let definition = View { name, ..found.value.clone() };
            vec![Proposal::ReopenView { view: found.id, definition }]
        }
        _ => {
            let all = ended(context.state.tables());
            let listed = all.iter().map(|table| (table.value.schema, &table.value.name, table.end)).collect();
            let of_name =
                |table: &Ended<'_, Table>| table.value.schema == schema && table.value.name.as_str() == qualified.name;
            let found = newest(all.into_iter().filter(of_name));
            let found = found.ok_or_else(|| none_dropped(context, kind, &qualified, listed))?;
            table_again(context, found.id, found.end, Some(name))?
        }
    };
    if let Some(taken) = context.find(&target, context.visible) {
        let what = match taken {
            Relation::Table(..) => "table",
            Relation::View(..) => "view",
        };
        let hint = format!("write `UNDROP {} {qualified} RENAME TO another_name`", kind.to_uppercase());
        return Err(Error::statement(format!("{what} `{target}` exists already")).with_hint(hint));
    }
    let renamed = if target == qualified { String::new() } else { format!(" as {target}") };
    Ok(Work::Commit(Commit::of("undrop", format!("undrop {kind} {qualified}{renamed}"), changes)))
}

/// A table that ended, as it was at the version before, maybe under another name.
fn table_again(context: &Context, table: ObjectId, end: Version, name: Option<Name>) -> Result<Vec<Proposal>, Error> {
    let version = last_version(end);
    let mut then = Definition::at(&context.state, table, version)
        .ok_or_else(|| Error::statement(format!("table {table} is not there at version {version}")))?;
    if context.transaction.as_ref().is_some_and(|transaction| transaction.has_changed(table, version)) {
        return Err(lost(&format!("table `{}` was changed and then dropped by this transaction", then.table.name)));
    }
    if let Some(name) = name {
        then.table.name = name;
    }
    let base = Some(TableVersion { table, version });
    Ok(vec![reopened(&context.state, table, then), Proposal::BeginEpoch { table: TableTarget::Existing(table), base }])
}

/// The error of a table that was as it was in no version.
fn lost(what: &str) -> Error {
    Error::statement(format!("{what}, so that no version has what would come back"))
        .with_hint("ROLLBACK, and run the transaction without the DROP")
}

fn schema(context: &Context, undrop: &Undrop, rename_to: Option<Name>) -> Result<Work, Error> {
    let old = match undrop.name.0.as_slice() {
        [part] => part.as_ident().map(fold),
        _ => None,
    };
    let old = old.ok_or_else(|| Error::statement(format!("`{}` is no name of a schema", undrop.name)))?;
    own_schema(&old)?;
    let name = rename_to.unwrap_or(Name::try_new(&old)?);
    own_schema(name.as_str())?;
    let transaction = context.transaction.as_ref();
    if transaction.is_some_and(|open| open.has_made_and_dropped(Made::Schema, None, &old)) {
        return Err(lost(&format!("schema `{old}` was created and dropped by this transaction")));
    }
    let all = ended(context.state.schemas());
    let known: Vec<String> = listed(all.iter().map(|schema| (schema.value.to_string(), schema.end)).collect());
    let Some(found) = newest(all.into_iter().filter(|schema| schema.value.as_str() == old)) else {
        return Err(with_list(Error::statement(format!("no schema `{old}` was dropped")), "schemas", &known));
    };
    if context.state.schema_named(name.as_str(), context.visible).is_some() {
        return Err(Error::statement(format!("schema `{name}` exists already"))
            .with_hint(format!("write `UNDROP SCHEMA {old} RENAME TO another_name`")));
    }
    let renamed = if name.as_str() == old { String::new() } else { format!(" as {name}") };
    let mut changes = vec![Proposal::ReopenSchema { schema: found.id, name }];
    // What was dropped by the same commit, from within it.
    for table in ended(context.state.tables()) {
        if table.end == found.end && table.value.schema == found.id {
            changes.extend(table_again(context, table.id, table.end, None)?);
        }
    }
    for view in ended(context.state.views()) {
        if view.end == found.end && view.value.schema == found.id {
            changes.push(Proposal::ReopenView { view: view.id, definition: view.value.clone() });
        }
    }
    Ok(Work::Commit(Commit::of("undrop", format!("undrop schema {old}{renamed}"), changes)))
}

/// The error for a name under which nothing was dropped.
fn none_dropped(
    context: &Context,
    kind: &str,
    qualified: &QualifiedName,
    all: Vec<(ObjectId, &Name, Version)>,
) -> Error {
    let full = |schema: ObjectId, name: &Name| {
        let schema = context.state.schemas().at(&schema, context.visible)?;
        Some(QualifiedName { schema: schema.to_string(), name: name.to_string() }.to_string())
    };
    let named = all.into_iter().filter_map(|(schema, name, end)| Some((full(schema, name)?, end))).collect();
    let error = Error::statement(format!("no {kind} `{qualified}` was dropped"));
    with_list(error, &format!("{kind}s"), &listed(named))
}

/// Names with the versions that dropped them, the last dropped first; each name once, and not too many.
fn listed(mut dropped: Vec<(String, Version)>) -> Vec<String> {
    dropped.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let mut names: Vec<String> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for (name, end) in dropped {
        if !names.contains(&name) && shown.len() < LISTED_MAX {
            shown.push(format!("`{name}` (dropped in version {end})"));
            names.push(name);
        }
    }
    shown
}

fn with_list(error: Error, kinds: &str, known: &[String]) -> Error {
    if known.is_empty() {
        error.with_hint(format!("no {kinds} can be undropped"))
    } else {
        error.with_hint(format!("{kinds} that can be undropped: {}", known.join(", ")))
    }
}
