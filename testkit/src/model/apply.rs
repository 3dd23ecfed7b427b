//! What a step does to the model, and must do to the lake.

use super::condition::Condition;
use super::lake::{Model, Relation};
use super::merge::Merged;
use super::record::Row;
use super::step::{Effect, Step};
use super::table::{Column, Table};
use super::term::{Assignment, assigned, looked_up};

impl Step {
    /// Does the step to the model, and says what it must do to the lake.
    pub fn apply(&self, model: &mut Model) -> Effect {
        match self {
            Self::CreateTable { table, columns, sort_by, .. } => {
                create(model, table, columns.clone(), &[], sort_by.clone())
            }
            Self::CopyTable { table, from, at } => {
                let copied = model.table(from, *at).and_then(|copied| copied.select(&copied.names()));
                let copied = copied.unwrap_or_default();
                let plain = |column: &Column| Column::new(column.name.clone(), column.value_type, None);
                let columns: Vec<Column> = copied.columns.iter().map(plain).collect();
                create(model, table, columns, &copied.plain_rows(), None)
            }
            Self::DropTable { table: name } | Self::DropView { view: name } => {
                model.commit(|relations| drop(relations.remove(name)))
            }
            Self::CloneTable { table, from, at } => {
                let source = match at {
                    Some(version) => model.table(from, *version),
                    None => model.table_now(from),
                };
                let source = source.cloned().unwrap_or_default();
                let identity = model.identify(1);
                model.put(table, Relation::Table(Table { identity, ..source }))
            }
            Self::UndropTable { table } => {
                let dropped = model.dropped(table).cloned().unwrap_or_default();
                model.put(table, Relation::Table(dropped))
            }
            Self::Insert { table, columns, rows, overwrite } => insert(model, table, columns, rows, *overwrite),
            Self::Append { table, rows } => {
                let columns = model.table_now(table).map(Table::names).unwrap_or_default();
                insert(model, table, &columns, rows, false)
            }
            Self::InsertPast { table, columns, from, at, overwrite } => {
                let read = model.table(from, *at).and_then(|read| read.select(columns)).unwrap_or_default();
                insert(model, table, columns, &read.plain_rows(), *overwrite)
            }
            Self::Update { table, assignments, condition } => update(model, table, assignments, condition),
            Self::Delete { table, condition } => delete(model, table, condition),
            Self::Merge(merge) => {
                let first = model.identify(merge.rows.len());
                match merge.outcome(model, first) {
                    Merged::Table(merged) => model.put(&merge.table, Relation::Table(merged)),
                    Merged::Unchanged => Effect::NoChange,
                    Merged::MatchedTwice => model.fail(),
                }
            }
            Self::Truncate { table } => delete(model, table, &Condition::Always),
            Self::RestoreTable { table, at } => {
                let restored = model.table(table, *at).cloned().unwrap_or_default();
                model.put(table, Relation::Table(restored))
            }
            Self::RestoreLake { at } => {
                let restored = model.copy_of(*at).cloned().unwrap_or_default();
                model.commit(|relations| *relations = restored)
            }
            Self::AddColumn { table, column } => {
                let column = Column { identity: model.identify(1), ..column.clone() };
                model.commit_table(table, |table| table.add_column(column))
            }
            Self::DropColumn { table, column } => model.commit_table(table, |table| table.drop_column(column)),
            Self::RenameColumn { table, from, to } => model.commit_table(table, |table| table.rename_column(from, to)),
            Self::WidenColumn { table, column, .. } => model.commit_table(table, |table| table.widen_column(column)),
            Self::CreateView { view, definition, .. } => model.put(view, Relation::View(definition.clone())),
            Self::CreateTag { tag, version } => model.create_tag(tag, *version),
            Self::DropTag { tag } => model.drop_tag(tag),
            Self::Nothing { .. } => Effect::NoChange,
            Self::Refused { .. } => model.fail(),
            Self::Begin => {
                model.begin();
                Effect::Invisible
            }
            Self::Commit => model.end(),
            Self::Rollback | Self::Reopen => {
                model.roll_back();
                Effect::Invisible
            }
        }
    }
}

fn create(model: &mut Model, name: &str, columns: Vec<Column>, rows: &[Row], sort_by: Option<String>) -> Effect {
    let first = model.identify(Table::identities(columns.len(), rows.len()));
    model.put(name, Relation::Table(Table::new(columns, rows, sort_by, first)))
}

fn insert(model: &mut Model, name: &str, columns: &[String], rows: &[Row], overwrite: bool) -> Effect {
    let first = model.identify(rows.len());
    model.commit_table(name, |table| {
        if overwrite {
            table.rows.clear();
        }
        table.insert(columns, rows, first);
    })
}

fn update(model: &mut Model, name: &str, assignments: &[Assignment], condition: &Condition) -> Effect {
    let Some(table) = model.table_now(name) else { return Effect::NoChange };
    let hits = condition.holds(table, model);
    if !hits.contains(&true) {
        return Effect::NoChange;
    }
    let assignments = looked_up(assignments, model);
    let mut updated = table.clone();
    for ((record, before), is_hit) in updated.rows.iter_mut().zip(&table.rows).zip(hits) {
        if is_hit {
            *record = table.record(before.identity, &assigned(table, before, &assignments));
        }
    }
    model.put(name, Relation::Table(updated))
}

fn delete(model: &mut Model, name: &str, condition: &Condition) -> Effect {
    let Some(table) = model.table_now(name) else { return Effect::NoChange };
    let mut hits = condition.holds(table, model).into_iter();
    let mut left = table.clone();
    left.rows.retain(|_| !hits.next().unwrap_or(false));
    if left.rows.len() == table.rows.len() {
        return Effect::NoChange;
    }
    model.put(name, Relation::Table(left))
}
