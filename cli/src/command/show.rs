//! `frostline show`: what one version changed, and who, when and why.

use frostline_catalog::{AsOf, Commit, Micros, ObjectId, State, Version};
use frostline_sql::RESERVED_SETTINGS;

use super::lines::{Lines, visible};
use crate::args::ShowArguments;
use crate::context::Context;
use crate::exit::Failure;

/// Shows a version.
pub(crate) async fn run(context: &Context, arguments: ShowArguments) -> Result<(), Failure> {
    let lake = context.open_lake().await?;
    let state = lake.state();
    let newest = state.head().version.unwrap_or(Version::FIRST);
    let version = state.resolve_as_of(&AsOf::Version(arguments.version), newest, Micros::new(i64::MAX))?;
    let commit = state.commit(version)?;
    let mut lines = Lines::stdout();
    if let Some(commit) = commit {
        for (name, value) in facts(commit) {
            lines.put(&format!("{name:<10} {}", visible(&value)))?;
        }
    }
    let changes = changes(&state, version, commit);
    if !changes.is_empty() {
        lines.put("")?;
    }
    for change in changes {
        lines.put(&visible(&change))?;
    }
    Ok(())
}

fn facts(commit: &Commit) -> Vec<(&'static str, String)> {
    let mut facts = vec![("version", commit.version.to_string()), ("branch", commit.branch.name())];
    facts.extend(commit.commit_time.map(|time| ("time", time.to_string())));
    facts.push(("written", commit.wall_time.to_string()));
    facts.push(("author", commit.author.clone()));
    if !commit.message.is_empty() {
        facts.push(("message", commit.message.clone()));
    }
    facts.push(("operation", commit.operation.clone()));
    facts.extend(commit.base.map(|base| ("base", base.to_string())));
    facts.push(("commit id", commit.commit_id.to_string()));
    facts.push(("slot", commit.slot.to_string()));
    facts.push(("hash", commit.hash.to_string()));
    facts
}

/// Whether a fact began or ended, or gave way to another one of its kind.
#[derive(Clone, Copy)]
enum Change {
    Began,
    Ended,
    Replaced,
}

/// What a version changed, a line each: schemas, tables, columns, views, tags, settings, then rows by table.
fn changes(state: &State, version: Version, commit: Option<&Commit>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (id, change) in changed(state.schemas(), version) {
        let name = state.schemas().at(&id, shown_at(change, version)).map_or("", |name| name.as_str());
        lines.push(format!("schema {name}: {}", verb(change)));
    }
    for (id, change) in changed(state.tables(), version) {
        lines.push(format!("table {}: {}", table_name(state, id, version), verb(change)));
    }
    for ((table, field), change) in changed(state.columns(), version) {
        // The columns of a new or a dropped table go without saying.
        let is_whole_table = !matches!(
            (state.table_at(table, version), before(version).and_then(|earlier| state.table_at(table, earlier))),
            (Some(_), Some(_))
        );
        if !is_whole_table && let Some(column) = state.columns().at(&(table, field), shown_at(change, version)) {
            let table = table_name(state, table, version);
            lines.push(format!("column {} of {table}: {}", column.column.name, verb(change)));
        }
    }
    for (id, change) in changed(state.views(), version) {
        let name = state.views().at(&id, shown_at(change, version)).map_or("", |view| view.name.as_str());
        lines.push(format!("view {name}: {}", verb(change)));
    }
    for (name, change) in changed(state.tags(), version) {
        let names = state.tags().at(&name, shown_at(change, version)).map_or_else(String::new, Version::to_string);
        lines.push(format!("tag {name} of version {names}: {}", verb(change)));
    }
    for (key, change) in changed(state.settings(), version) {
        let value = state.settings().at(&key, version).map_or("its default", String::as_str);
        if key.starts_with(RESERVED_SETTINGS) {
            lines.push(format!("setting {key} of the server: {}", verb(change)));
            continue;
        }
        lines.push(match change {
            Change::Ended => format!("setting {key}: its default"),
            Change::Began | Change::Replaced => format!("setting {key}: {value}"),
        });
    }
    for count in commit.into_iter().flat_map(|commit| &commit.tables) {
        let name = table_name(state, count.table, version);
        lines.push(format!("rows of {name}: +{} -{}, {} in all", count.added, count.removed, count.total));
    }
    lines
}

/// The keys whose facts a version changed, each once.
fn changed<K, T>(history: &frostline_catalog::state::History<K, T>, version: Version) -> Vec<(K, Change)>
where
    K: Ord + Clone,
    T: Clone,
{
    let mut changes: Vec<(K, Change)> = Vec::new();
    for (key, fact) in history.iter() {
        let begins = fact.interval.begin() == version;
        let ends = fact.interval.end() == Some(version);
        if !begins && !ends {
            continue;
        }
        let change = if begins { Change::Began } else { Change::Ended };
        // The facts of a key come oldest first: one that ends here is followed at once by one that begins here.
        match changes.last_mut() {
            Some((last, kind)) if last == key => *kind = Change::Replaced,
            _ => changes.push((key.clone(), change)),
        }
    }
    changes
}

fn verb(change: Change) -> &'static str {
    match change {
        Change::Began => "created",
        Change::Ended => "dropped",
        Change::Replaced => "changed",
    }
}

/// The version at which what changed can be seen: the one before, if it ended.
fn shown_at(change: Change, version: Version) -> Version {
    match change {
        Change::Ended => before(version).unwrap_or(version),
        Change::Began | Change::Replaced => version,
    }
}

fn before(version: Version) -> Option<Version> {
    Version::new(version.number() - 1)
}

/// The table's name at a version, or just before it if it was dropped there.
fn table_name(state: &State, table: ObjectId, version: Version) -> String {
    let found = state.table_at(table, version).or_else(|| state.table_at(table, before(version)?));
    found.map_or_else(|| format!("table {table}"), |table| table.name.to_string())
}
