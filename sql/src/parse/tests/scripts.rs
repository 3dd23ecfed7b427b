//! Texts of several statements.

use super::refuse;
use crate::parse::{ParseError, Script, Statement, parse_one, parse_script};

#[test]
fn a_script_yields_each_statement_with_its_text_and_line() {
    let sql = "-- first\nSELECT 1;\n\n;; /* a;b */ SELECT 'x;y'\n  AS \"z;\" ; \nUSE s";
    let found: Vec<(String, u64)> = match parse_script(sql) {
        Ok(statements) => statements.into_iter().map(|parsed| (parsed.text, parsed.line)).collect(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(
        found,
        [("SELECT 1".to_owned(), 2), ("SELECT 'x;y'\n  AS \"z;\"".to_owned(), 4), ("USE s".to_owned(), 6)]
    );
}

#[test]
fn a_text_keeps_the_spelling_that_was_typed() {
    let parsed = parse_one("  select *\r\n from t as of  version 3 -- end\n ;").expect("a statement");
    assert_eq!(parsed.text, "select *\r\n from t as of  version 3");
    let parsed = parse_one("SELECT 'äöü', '日本' FROM t AS OF TAG 'ß'; ").expect("a statement");
    assert_eq!(parsed.text, "SELECT 'äöü', '日本' FROM t AS OF TAG 'ß'");
}

#[test]
fn a_mistake_does_not_keep_earlier_statements_from_being_read() {
    let mut script = Script::new("SELECT 1; SELEKT 2; SELECT 3");
    assert!(matches!(script.next(), Some(Ok(_))));
    assert!(matches!(script.next(), Some(Err(ParseError::Syntax { .. }))));
    assert!(matches!(script.next(), Some(Ok(_))));
    assert!(script.next().is_none());
}

#[test]
fn a_literal_without_an_end_is_an_error_in_its_turn() {
    let mut script = Script::new("SELECT 1; SELECT 'open");
    assert!(matches!(script.next(), Some(Ok(_))));
    let error = match script.next() {
        Some(Err(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error.to_string(), "line 1, column 18: syntax error: unterminated string literal");
    assert!(script.next().is_none());
}

#[test]
fn one_statement_is_neither_none_nor_two() {
    assert_eq!(refuse(" ; -- nothing\n"), ParseError::NoStatement);
    assert_eq!(
        refuse("SELECT 1;\nSELECT 2").to_string(),
        "line 2, column 1: a second statement begins here; give one statement at a time, or run the text as a script"
    );
    assert!(matches!(parse_one("SELECT 1;;").map(|parsed| parsed.statement), Ok(Statement::Query(_))));
}
