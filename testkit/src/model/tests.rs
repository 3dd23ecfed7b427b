use std::collections::BTreeSet;

use super::*;

fn column(name: &str, default: Option<i64>) -> Column {
    Column { name: name.to_owned(), value_type: ValueType::Integer, default: default.map(Value::Integer) }
}

fn numbers(values: &[Option<i64>]) -> Row {
    values.iter().map(|value| value.map(Value::Integer)).collect()
}

/// Version 2 creates `t (a)`, version 3 inserts 1.
fn model() -> Model {
    let mut model = Model::default();
    let columns = vec![column("a", None)];
    let create = Step::CreateTable { table: "t".to_owned(), columns, sort_by: None, replace: false };
    assert_eq!(create.apply(&mut model), Effect::Version(2));
    let insert = Step::Insert { table: "t".to_owned(), columns: vec!["a".to_owned()], rows: vec![numbers(&[Some(1)])] };
    assert_eq!(insert.apply(&mut model), Effect::Version(3));
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
    let kinds: BTreeSet<String> = (0..20)
        .flat_map(|seed| play(seed, 40).0)
        .map(|step| format!("{step:?}").split([' ', '{']).next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(kinds.len(), 16, "{kinds:?}");
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
    let insert = Step::Insert { table: "t".to_owned(), columns: vec!["a".to_owned()], rows: vec![numbers(&[None])] };
    insert.apply(&mut model);
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
