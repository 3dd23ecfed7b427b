//! Names found by the index, and by looking at everything.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::sealed_tests::{Saved, begun};
use super::*;
use crate::change::{Change, Entry};
use arrow::datatypes::DataType;

/// The names that schemas, tables and views take.
const NAMES: [&str; 3] = ["a", "b", "c"];

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

fn name(text: &str) -> Name {
    Name::try_new(text).unwrap()
}

/// The state after an entry with these changes, or why there is none.
fn applied(state: &State, changes: Vec<Change>) -> Result<State, ApplyError> {
    let number = state.head().version.unwrap().number() + 1;
    let entry = Entry {
        version: version(number),
        branch: BranchId::MAIN,
        commit_id: CommitId::from_bytes(u128::from(number).to_be_bytes()),
        request: None,
        base: Version::new(number - 1),
        author: "ann".to_owned(),
        message: String::new(),
        operation: "test".to_owned(),
        wall_time: Micros::new(number as i64 * 1_000),
        commit_time: Some(Micros::new(number as i64 * 1_000)),
        changes,
        tables: Vec::new(),
        properties: Vec::new(),
    };
    let mut next = state.clone();
    next.apply_entry(&entry, Slot::new(number), Digest::ZERO)?;
    next.finish_slot(Slot::new(number), Digest::of(&number.to_be_bytes()), 1);
    Ok(next)
}

fn column(id: FieldId) -> Column {
    Column {
        id,
        name: name(&format!("c{id}")),
        data_type: DataType::Int64,
        nullable: true,
        default: None,
        initial: None,
        comment: None,
    }
}

fn create_table(table: ObjectId, schema: ObjectId, text: &str) -> Change {
    let definition = Table {
        schema,
        name: name(text),
        comment: None,
        sort_by: Vec::new(),
        options: Vec::new(),
        next_field: FieldId::FIRST.next(),
        constraints: Vec::new(),
    };
    Change::CreateTable { table, definition, columns: vec![column(FieldId::FIRST)] }
}

fn create_view(view: ObjectId, schema: ObjectId, text: &str) -> Change {
    let (columns, query) = (Vec::new(), "SELECT 1".to_owned());
    Change::CreateView { view, definition: View { schema, name: name(text), columns, query, comment: None } }
}

fn drop_relation(relation: RelationId) -> Change {
    match relation {
        RelationId::Table(table) => Change::DropTable { table },
        RelationId::View(view) => Change::DropView { view },
    }
}

/// Something that happens to the name at a place.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A schema of the name begins, or the empty one that has it ends.
    Schema(usize),
    /// A table of the name begins in a schema, or what has the name ends.
    Table(usize, usize),
    /// A view of the name begins in a schema, or what has the name ends.
    View(usize, usize),
    /// What has the name in a schema is replaced by a table within one version.
    Replace(usize, usize),
    /// The table of the name gets a column.
    AddColumn(usize, usize),
    /// What has the first name gets the second, or moves to the schema of that name, if it is free there.
    Rename(usize, usize),
    /// The lake is opened from a checkpoint.
    Reopen,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || 0..NAMES.len();
    let step = prop_oneof![
        2 => place().prop_map(Step::Schema),
        4 => (place(), place()).prop_map(|(schema, name)| Step::Table(schema, name)),
        3 => (place(), place()).prop_map(|(schema, name)| Step::View(schema, name)),
        2 => (place(), place()).prop_map(|(schema, name)| Step::Replace(schema, name)),
        2 => (place(), place()).prop_map(|(schema, name)| Step::AddColumn(schema, name)),
        3 => (place(), place()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// The schema at a place, found by looking at all of them.
fn schema_among_all(state: &State, text: &str, at: Version) -> Option<ObjectId> {
    state.schemas_at(at).find(|(_, name)| name.as_str() == text).map(|(id, _)| id)
}

/// What has a name, found by looking at every table and view.
fn relation_among_all(state: &State, schema: ObjectId, text: &str, at: Version) -> Option<RelationId> {
    let named = |found: ObjectId, relation: &Relation<'_>| found == schema && relation.name().as_str() == text;
    state.relations_at(at).find(|(found, relation)| named(*found, relation)).map(|(_, relation)| relation.id())
}

/// The changes that a step amounts to, if it is possible.
fn changes_of(state: &State, step: Step) -> Option<Vec<Change>> {
    let newest = state.head().version?;
    let next = state.counters().object;
    let found = |schema: usize, name: usize| {
        let schema = schema_among_all(state, NAMES[schema], newest)?;
        Some((schema, NAMES[name], relation_among_all(state, schema, NAMES[name], newest)))
    };
    Some(match step {
        Step::Schema(place) => match schema_among_all(state, NAMES[place], newest) {
            None => vec![Change::CreateSchema { schema: next, name: name(NAMES[place]) }],
            Some(schema) if state.relations_at(newest).any(|(held_in, _)| held_in == schema) => return None,
            Some(schema) => vec![Change::DropSchema { schema }],
        },
        Step::Table(schema, name) => match found(schema, name)? {
            (schema, text, None) => vec![create_table(next, schema, text)],
            (_, _, Some(relation)) => vec![drop_relation(relation)],
        },
        Step::View(schema, name) => match found(schema, name)? {
            (schema, text, None) => vec![create_view(next, schema, text)],
            (_, _, Some(relation)) => vec![drop_relation(relation)],
        },
        Step::Replace(schema, name) => {
            let (schema, text, relation) = found(schema, name)?;
            // The first of them begins and ends within the version.
            let passing = create_view(next, schema, text);
            let lasting = create_table(next.next(), schema, text);
            vec![drop_relation(relation?), passing, Change::DropView { view: next }, lasting]
        }
        Step::AddColumn(schema, name) => match found(schema, name)?.2? {
            RelationId::View(_) => return None,
            RelationId::Table(table) => {
                let field = state.table_at(table, newest)?.next_field;
                vec![Change::AddColumn { table, column: column(field), next_field: field.next() }]
            }
        },
        Step::Rename(from, to) => {
            let (from, to) = (NAMES[from], NAMES[to]);
            let schema = schema_among_all(state, from, newest)?;
            let held = state.relations_at(newest).find(|(found, _)| *found == schema).map(|(_, held)| held);
            match held {
                None if schema_among_all(state, to, newest).is_some() => return None,
                None => vec![Change::SetSchema { schema, name: name(to) }],
                Some(held) => {
                    let other = schema_among_all(state, to, newest).unwrap_or(schema);
                    if relation_among_all(state, other, to, newest).is_some() {
                        return None;
                    }
                    match held {
                        Relation::Table(table, now) => {
                            let definition = Table { schema: other, name: name(to), ..now.clone() };
                            vec![Change::SetTable { table, definition }]
                        }
                        Relation::View(view, now) => {
                            let definition = View { schema: other, name: name(to), ..now.clone() };
                            vec![Change::SetView { view, definition }]
                        }
                    }
                }
            }
        }
        Step::Reopen => return None,
    })
}

fn assert_names_are_found(state: &State) {
    let schemas: BTreeSet<ObjectId> = state.schemas().iter().map(|(schema, _)| *schema).collect();
    for number in 1..=state.head().version.unwrap().number() + 1 {
        let at = version(number);
        for text in NAMES.into_iter().chain(["public", "one", ""]) {
            assert_eq!(state.schema_named(text, at), schema_among_all(state, text, at), "`{text}` at {number}");
            for schema in schemas.iter().copied() {
                let found = state.relation_named(schema, text, at).map(|relation| relation.id());
                assert_eq!(found, relation_among_all(state, schema, text, at), "`{text}` in {schema} at {number}");
            }
        }
    }
}

#[test]
fn a_name_that_is_taken_cannot_be_given_again() {
    let state = begun();
    let public = ObjectId::new(1);
    let next = state.counters().object;
    for change in [
        create_table(next, public, "one"),
        create_view(next, public, "one"),
        Change::CreateSchema { schema: next, name: name("public") },
    ] {
        assert!(matches!(applied(&state, vec![change]), Err(ApplyError::Exists { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_name_is_found_as_by_looking_at_everything(steps in any_steps()) {
        let mut state = begun();
        for step in steps {
            if let Some(changes) = changes_of(&state, step) {
                state = applied(&state, changes).unwrap();
            } else if matches!(step, Step::Reopen) {
                state = Saved::write(&state, None).restore().unwrap();
            }
        }
        assert_names_are_found(&state);
        let restored = Saved::write(&state, None).restore().unwrap();
        assert_names_are_found(&restored);
    }
}
