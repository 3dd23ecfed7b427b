use std::collections::BTreeSet;

use super::*;

fn column(name: &str, default: Option<i64>) -> Column {
    Column::new(name.to_owned(), ValueType::Integer, default.map(Value::Integer))
}

fn numbers(values: &[Option<i64>]) -> Row {
    values.iter().map(|value| value.map(Value::Integer)).collect()
}

/// Inserts values of `a`.
fn insert(values: &[Option<i64>]) -> Step {
    let rows = values.iter().map(|value| numbers(&[*value])).collect();
    Step::Insert { table: "t".to_owned(), columns: vec!["a".to_owned()], rows, overwrite: false }
}

/// `a % 1000 + 7` where the condition holds.
fn update(condition: Condition) -> Step {
    let term = Term::Changed { column: "a".to_owned(), value_type: ValueType::Integer };
    Step::Update { table: "t".to_owned(), assignments: vec![("a".to_owned(), term)], condition }
}

fn is(value: i64) -> Condition {
    let (column, comparison) = ("a".to_owned(), Comparison::Equal);
    Condition::Compare { column, comparison, value: Value::Integer(value) }
}

/// Version 2 creates `t (a)`, version 3 inserts 1.
fn model() -> Model {
    let mut model = Model::default();
    let columns = vec![column("a", None)];
    let create = Step::CreateTable { table: "t".to_owned(), columns, sort_by: None, replace: false };
    assert_eq!(create.apply(&mut model), Effect::Version(2));
    assert_eq!(insert(&[Some(1)]).apply(&mut model), Effect::Version(3));
    model
}

fn rows(model: &Model, name: &str, version: u64) -> Option<Vec<Row>> {
    model.read(name, version).map(|table| table.sorted_rows())
}

fn play(seed: u64, steps: usize) -> (Vec<Step>, Model) {
    let (mut history, mut model, mut taken) = (History::new(seed), Model::default(), Vec::new());
    for _ in 0..steps {
        let step = history.next(&model);
        step.apply(&mut model);
        taken.push(step);
    }
    (taken, model)
}

#[test]
fn the_same_seed_gives_the_same_history_and_another_seed_another() {
    assert_eq!(play(7, 40).0, play(7, 40).0);
    assert_ne!(play(7, 40).0, play(8, 40).0);
}

#[test]
fn every_kind_of_step_comes_up_soon() {
    let kinds: BTreeSet<String> = (0..60)
        .flat_map(|seed| play(seed, 60).0)
        .map(|step| format!("{step:?}").split([' ', '{', '(']).next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(kinds.len(), 28, "{kinds:?}");
}

#[test]
fn a_version_keeps_what_later_ones_change() {
    let mut model = model();
    Step::AddColumn { table: "t".to_owned(), column: column("b", Some(5)) }.apply(&mut model);
    Step::RenameColumn { table: "t".to_owned(), from: "a".to_owned(), to: "c".to_owned() }.apply(&mut model);
    Step::DropTable { table: "t".to_owned() }.apply(&mut model);
    assert_eq!(rows(&model, "t", 1), None);
    assert_eq!(rows(&model, "t", 2), Some(vec![]));
    assert_eq!(rows(&model, "t", 3), Some(vec![numbers(&[Some(1)])]));
    assert_eq!(rows(&model, "t", 4), Some(vec![numbers(&[Some(1), Some(5)])]));
    assert_eq!(model.read("t", 5).map(|table| table.names()), Some(vec!["c".to_owned(), "b".to_owned()]));
    assert_eq!(rows(&model, "t", 6), None);
}

#[test]
fn an_insert_that_names_some_columns_gives_the_others_their_defaults() {
    let mut model = model();
    Step::AddColumn { table: "t".to_owned(), column: column("b", Some(5)) }.apply(&mut model);
    insert(&[None]).apply(&mut model);
    assert_eq!(rows(&model, "t", 5), Some(vec![numbers(&[None, Some(5)]), numbers(&[Some(1), Some(5)])]));
}

#[test]
fn a_view_reads_the_tables_of_the_asked_version_unless_its_text_names_one() {
    let mut model = model();
    for (view, at) in [("moving", None), ("fixed", Some(2))] {
        let definition = View { table: "t".to_owned(), at, columns: vec!["a".to_owned()] };
        Step::CreateView { view: view.to_owned(), definition, replace: false }.apply(&mut model);
    }
    Step::DropTable { table: "t".to_owned() }.apply(&mut model);
    assert_eq!(rows(&model, "moving", 3), None);
    assert_eq!(rows(&model, "moving", 5), Some(vec![numbers(&[Some(1)])]));
    assert_eq!(rows(&model, "moving", 6), None, "its table is gone");
    assert_eq!(rows(&model, "fixed", 6), Some(vec![]));
}

#[test]
fn a_version_is_named_in_each_family_and_every_spelling_takes_its_turn() {
    let past = Past {
        version: 4,
        time: Some("2026-01-31T00:00:00Z".to_owned()),
        within: Some("2026-01-31T00:00:01Z".to_owned()),
        tag: Some("q3".to_owned()),
        is_newest: true,
    };
    assert_eq!(past.spellings(0).len(), 6);
    let taken: BTreeSet<String> = (0..12).flat_map(|turn| past.spellings(turn)).collect();
    assert_eq!(taken, past.all_spellings().into_iter().collect());
    let plain = Past { time: None, within: None, tag: None, is_newest: false, ..past };
    assert_eq!(plain.spellings(0), ["AS OF VERSION 4", "AT (VERSION => 4)"]);
}

#[test]
fn values_are_written_with_their_types() {
    assert_eq!(Value::Text("it's".to_owned()).sql(), "'it''s'");
    assert_eq!(Value::float(-0.0).sql(), "CAST('-0.0' AS DOUBLE)");
    assert_eq!(Value::float(f64::NAN), Value::float(-f64::NAN));
    assert_ne!(Value::float(0.0), Value::float(-0.0));
}

#[test]
fn a_row_keeps_its_identity_through_update_and_restore() {
    let mut model = model();
    assert_eq!(insert(&[Some(2)]).apply(&mut model), Effect::Version(4));
    assert_eq!(update(is(2)).apply(&mut model), Effect::Version(5));
    Step::Delete { table: "t".to_owned(), condition: Condition::Always }.apply(&mut model);
    assert_eq!(Step::RestoreTable { table: "t".to_owned(), at: 4 }.apply(&mut model), Effect::Version(7));
    let life = |born: u64, died: Option<u64>, value: i64| Life { born, died, row: numbers(&[Some(value)]) };
    let shown = model.table("t", 7).unwrap();
    let first = vec![life(3, Some(6), 1), life(7, None, 1)];
    let second = vec![life(4, Some(5), 2), life(5, Some(6), 9), life(7, None, 2)];
    assert_eq!(model.biographies(shown, 7), [first, second]);
    assert_eq!(model.biographies(shown, 5).len(), 2);
    assert_eq!(model.rows_as(shown, 5), [numbers(&[Some(1)]), numbers(&[Some(9)])]);
}

#[test]
fn what_finds_no_row_changes_nothing() {
    let mut model = model();
    for condition in [is(7), Condition::False, Condition::Unknown] {
        assert_eq!(update(condition.clone()).apply(&mut model), Effect::NoChange);
        assert_eq!(Step::Delete { table: "t".to_owned(), condition }.apply(&mut model), Effect::NoChange);
    }
    assert_eq!(model.newest(), 3);
}

#[test]
fn not_in_is_true_of_everything_beside_nothing_and_of_nothing_beside_null() {
    let mut model = model();
    insert(&[None]).apply(&mut model);
    let query = |at: u64| Lookup { column: "a".to_owned(), table: "t".to_owned(), at: Some(at) };
    let not_in = |at: u64| Condition::In { column: "a".to_owned(), is_not: true, query: query(at) };
    let table = model.table_now("t").unwrap();
    assert_eq!(not_in(2).holds(table, &model), [true, true]);
    assert_eq!(not_in(3).holds(table, &model), [false, false]);
    assert_eq!(not_in(4).holds(table, &model), [false, false]);
}

#[test]
fn a_transaction_is_one_version_or_none() {
    let mut model = model();
    Step::Begin.apply(&mut model);
    assert_eq!(insert(&[Some(2)]).apply(&mut model), Effect::Pending);
    assert_eq!(update(is(2)).apply(&mut model), Effect::Pending);
    let rows_now = |model: &Model| model.read_now("t").map(|table| table.sorted_rows());
    assert_eq!(rows_now(&model), Some(vec![numbers(&[Some(1)]), numbers(&[Some(9)])]));
    assert_eq!(rows(&model, "t", 3), Some(vec![numbers(&[Some(1)])]));
    assert_eq!(Step::Commit.apply(&mut model), Effect::Version(4));
    Step::Begin.apply(&mut model);
    insert(&[Some(3)]).apply(&mut model);
    assert_eq!(Step::Refused { sql: String::new() }.apply(&mut model), Effect::Refused);
    assert_eq!(Step::Commit.apply(&mut model), Effect::Refused);
    Step::Begin.apply(&mut model);
    assert_eq!(Step::Commit.apply(&mut model), Effect::NoChange);
    assert_eq!(rows_now(&model), Some(vec![numbers(&[Some(1)]), numbers(&[Some(9)])]));
}

#[test]
fn a_merge_does_the_first_clause_that_holds() {
    let mut model = model();
    insert(&[Some(2), Some(3)]).apply(&mut model);
    let clause = |when: When, condition: Condition, action: Action| Clause { when, condition, action };
    let mut merge = Merge {
        table: "t".to_owned(),
        key: "a".to_owned(),
        columns: vec![column("a", None)],
        rows: vec![numbers(&[Some(2)]), numbers(&[Some(3)]), numbers(&[Some(4)]), numbers(&[None])],
        clauses: vec![
            clause(When::Matched, is(2), Action::Delete),
            clause(When::Matched, Condition::Always, Action::Update(vec![("a".to_owned(), Term::Value(None))])),
            clause(When::NotMatched, is(4), Action::Insert),
        ],
    };
    assert_eq!(Step::Merge(merge.clone()).apply(&mut model), Effect::Version(5));
    assert_eq!(rows(&model, "t", 5), Some(vec![numbers(&[None]), numbers(&[Some(1)]), numbers(&[Some(4)])]));
    merge.rows = vec![numbers(&[Some(1)]), numbers(&[Some(1)])];
    assert_eq!(Step::Merge(merge).apply(&mut model), Effect::Refused, "one row is matched twice");
}

#[test]
fn what_was_dropped_comes_back_and_a_clone_goes_its_own_way() {
    let mut model = model();
    let (t, u) = (|| "t".to_owned(), || "u".to_owned());
    Step::CloneTable { table: u(), from: t(), at: None }.apply(&mut model);
    Step::DropTable { table: t() }.apply(&mut model);
    assert!(model.dropped("t").is_some() && model.dropped("u").is_none());
    assert_eq!(Step::UndropTable { table: t() }.apply(&mut model), Effect::Version(6));
    update(is(1)).apply(&mut model);
    assert_eq!(rows(&model, "t", 7), Some(vec![numbers(&[Some(8)])]));
    assert_eq!(rows(&model, "u", 7), Some(vec![numbers(&[Some(1)])]));
    assert_eq!(model.biographies(model.table("t", 7).unwrap(), 7)[0].len(), 3);
    assert_eq!(Step::RestoreLake { at: 4 }.apply(&mut model), Effect::Version(8));
    assert!(model.is_now(4));
}

#[test]
fn a_widened_column_shows_its_past_and_not_the_other_way_round() {
    let mut model = Model::default();
    let columns = vec![Column::new("a".to_owned(), ValueType::Small, Some(Value::Small(5)))];
    Step::CreateTable { table: "t".to_owned(), columns, sort_by: None, replace: false }.apply(&mut model);
    let rows_of_small = vec![vec![Some(Value::Small(1))]];
    Step::Append { table: "t".to_owned(), rows: rows_of_small.clone() }.apply(&mut model);
    let (column, to) = ("a".to_owned(), ValueType::Integer);
    Step::WidenColumn { table: "t".to_owned(), column, to }.apply(&mut model);
    assert_eq!(rows(&model, "t", 3), Some(rows_of_small));
    assert_eq!(rows(&model, "t", 4), Some(vec![numbers(&[Some(1)])]));
    let (narrow, wide) = (model.table("t", 3).unwrap(), model.table("t", 4).unwrap());
    assert_eq!(model.rows_as(wide, 3), [numbers(&[Some(1)])]);
    assert!(model.can_show(wide, 4) && model.can_show(narrow, 3) && !model.can_show(narrow, 4));
    assert_eq!(wide.columns[0].default, Some(Value::Integer(5)));
}
