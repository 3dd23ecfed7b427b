//! Boxes, line by line.

use std::ffi::OsStr;

use super::super::screen::Colour;
use super::*;

#[test]
fn a_box_names_columns_and_types_and_counts_rows() {
    check(
        OutputFormat::Box,
        &[people()],
        "┌────────┬─────────┐\n\
         │   id   │  name   │\n\
         │ bigint │ varchar │\n\
         ├────────┼─────────┤\n\
         │      1 │ ann     │\n\
         │      2 │ NULL    │\n\
         │      3 │         │\n\
         ├────────┴─────────┤\n\
         │ 3 rows           │\n\
         └──────────────────┘\n",
    );
}

#[test]
fn boxes_are_apart_and_a_box_without_rows_is_one_too() {
    let empty = one("n", integers(Vec::new()));
    check(
        OutputFormat::Box,
        &[empty, one("n", integers(vec![1]))],
        "┌────────┐\n\
         │   n    │\n\
         │ bigint │\n\
         ├────────┤\n\
         ├────────┤\n\
         │ 0 rows │\n\
         └────────┘\n\
         \n\
         ┌────────┐\n\
         │   n    │\n\
         │ bigint │\n\
         ├────────┤\n\
         │      1 │\n\
         ├────────┤\n\
         │ 1 row  │\n\
         └────────┘\n",
    );
}

#[test]
fn a_box_measures_what_the_eye_sees() {
    check(
        OutputFormat::Box,
        &[one("t", texts(vec!["日本", "🙂", "e\u{301}"]))],
        "┌─────────┐\n\
         │    t    │\n\
         │ varchar │\n\
         ├─────────┤\n\
         │ 日本    │\n\
         │ 🙂      │\n\
         │ e\u{301}       │\n\
         ├─────────┤\n\
         │ 3 rows  │\n\
         └─────────┘\n",
    );
}

#[test]
fn no_value_plays_tricks_on_the_terminal() {
    check(
        OutputFormat::Box,
        &[one("t", texts(vec!["a\u{1b}[31mb\r"]))],
        "┌────────────────┐\n\
         │       t        │\n\
         │    varchar     │\n\
         ├────────────────┤\n\
         │ a\\u{1b}[31mb\\r │\n\
         ├────────────────┤\n\
         │ 1 row          │\n\
         └────────────────┘\n",
    );
}

#[test]
fn a_value_with_line_breaks_is_drawn_over_as_many_lines() {
    let kinds = texts(vec!["plan", "scan"]);
    let plans = array(StringViewArray::from(vec![Some("Sort\n  Filter: a\tb\n"), Some("one\r\ntwo")]));
    let notes = array(StringViewArray::from(vec![None, Some("x")]));
    check(
        OutputFormat::Box,
        &[table(vec![("kind", kinds), ("n", integers(vec![1, 2])), ("plan", plans), ("a\nb", notes)])],
        "┌─────────┬────────┬────────────────┬─────────┐\n\
         │  kind   │   n    │      plan      │  a\\nb   │\n\
         │ varchar │ bigint │    varchar     │ varchar │\n\
         ├─────────┼────────┼────────────────┼─────────┤\n\
         │ plan    │      1 │ Sort           │ NULL    │\n\
         │         │        │   Filter: a\\tb │         │\n\
         │         │        │                │         │\n\
         │ scan    │      2 │ one\\r          │ x       │\n\
         │         │        │ two            │         │\n\
         ├─────────┴────────┴────────────────┴─────────┤\n\
         │ 2 rows                                      │\n\
         └─────────────────────────────────────────────┘\n",
    );
}

#[test]
fn each_line_of_a_value_is_cut_at_the_screens_edge() {
    let screen = Screen { width: Some(12), rows: None, lines: None, colour: Colour::Plain };
    check_on(
        screen,
        OutputFormat::Box,
        &[one("t", texts(vec!["short\nfar too long\nend"]))],
        "┌──────────┐\n\
         │    t     │\n\
         │ varchar  │\n\
         ├──────────┤\n\
         │ short    │\n\
         │ far too… │\n\
         │ end      │\n\
         ├──────────┤\n\
         │ 1 row    │\n\
         └──────────┘\n",
    );
}

#[test]
fn a_value_of_many_lines_shows_the_first() {
    let screen = Screen { width: None, rows: None, lines: Some(3), colour: Colour::Plain };
    check_on(
        screen,
        OutputFormat::Box,
        &[one("t", texts(vec!["a\nb\nc", "a\nb\nc\nd"]))],
        "┌─────────┐\n\
         │    t    │\n\
         │ varchar │\n\
         ├─────────┤\n\
         │ a       │\n\
         │ b       │\n\
         │ c       │\n\
         │ a       │\n\
         │ b       │\n\
         │ …       │\n\
         ├─────────┤\n\
         │ 2 rows  │\n\
         └─────────┘\n",
    );
}

#[test]
fn a_long_box_counts_rows_and_not_lines() {
    let screen = Screen { width: None, rows: Some(2), lines: None, colour: Colour::Plain };
    check_on(
        screen,
        OutputFormat::Box,
        &[one("t", texts(vec!["a\nb\nc", "d", "e\nf"]))],
        "┌──────────────────┐\n\
         │        t         │\n\
         │     varchar      │\n\
         ├──────────────────┤\n\
         │ a                │\n\
         │ b                │\n\
         │ c                │\n\
         │ ·                │\n\
         │ ·                │\n\
         │ ·                │\n\
         │ e                │\n\
         │ f                │\n\
         ├──────────────────┤\n\
         │ 3 rows (2 shown) │\n\
         └──────────────────┘\n",
    );
}

#[test]
fn a_column_that_is_left_out_makes_no_row_taller() {
    let screen = Screen { width: Some(30), rows: None, lines: None, colour: Colour::Plain };
    let mut columns = vec![("a", texts(vec!["x\ny"]))];
    columns.extend(["b", "c", "d", "e"].map(|name| (name, texts(vec!["1\n2\n3"]))));
    columns.push(("f", integers(vec![6])));
    check_on(
        screen,
        OutputFormat::Box,
        &[table(columns)],
        "┌─────────┬───┬──────────────┐\n\
         │    a    │ … │      f       │\n\
         │ varchar │   │    bigint    │\n\
         ├─────────┼───┼──────────────┤\n\
         │ x       │ … │            6 │\n\
         │ y       │   │              │\n\
         ├─────────┴───┴──────────────┤\n\
         │ 1 row  6 columns (2 shown) │\n\
         └────────────────────────────┘\n",
    );
}

#[test]
fn colour_dims_null_on_its_first_line_only() {
    let screen = Screen { width: None, rows: None, lines: None, colour: Colour::Ansi };
    let nulls = array(StringViewArray::from(vec![None::<&str>]));
    let result = table(vec![("a", texts(vec!["x\ny"])), ("b", nulls)]);
    let text = String::from_utf8(bytes_of(OutputFormat::Box, screen, &[result]).unwrap()).unwrap();
    let rows = "│ x       │ \u{1b}[2mNULL   \u{1b}[0m │\n│ y       │         │\n";
    assert!(text.contains(rows), "{text}");
}

#[test]
fn a_long_box_shows_both_ends() {
    let screen = Screen { width: None, rows: Some(4), lines: None, colour: Colour::Plain };
    let expected = "┌──────────────────┐\n\
                    │        n         │\n\
                    │      bigint      │\n\
                    ├──────────────────┤\n\
                    │                1 │\n\
                    │                2 │\n\
                    │                · │\n\
                    │                · │\n\
                    │                · │\n\
                    │                5 │\n\
                    │                6 │\n\
                    ├──────────────────┤\n\
                    │ 6 rows (4 shown) │\n\
                    └──────────────────┘\n";
    let whole = one("n", integers(vec![1, 2, 3, 4, 5, 6]));
    check_on(screen, OutputFormat::Box, std::slice::from_ref(&whole), expected);

    let mut output = Output { writer: writer_of(OutputFormat::Box, screen, Sink::memory()) };
    output.begin(&whole.schema(), None).unwrap();
    for row in 0..6 {
        output.batch(&whole.slice(row, 1)).unwrap();
    }
    output.end().unwrap();
    let bytes = output.writer.into_sink().unwrap().into_bytes();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected, "row by row");
}

#[test]
fn a_box_that_fits_is_whole() {
    let screen = Screen { width: None, rows: Some(4), lines: None, colour: Colour::Plain };
    check_on(
        screen,
        OutputFormat::Box,
        &[one("n", integers(vec![1, 2, 3, 4]))],
        "┌────────┐\n\
         │   n    │\n\
         │ bigint │\n\
         ├────────┤\n\
         │      1 │\n\
         │      2 │\n\
         │      3 │\n\
         │      4 │\n\
         ├────────┤\n\
         │ 4 rows │\n\
         └────────┘\n",
    );
}

#[test]
fn a_box_off_the_terminal_leaves_nothing_out() {
    let bytes = bytes_of(OutputFormat::Box, Screen::UNBOUNDED, &[one("n", integers((1..=2500).collect()))]).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.lines().count(), 4 + 2500 + 3);
    assert!(text.contains("│            2500 │\n"), "{text}");
    assert!(text.contains("│ 2500 rows       │\n"), "{text}");
}

#[test]
fn text_is_cut_at_the_screens_edge() {
    let screen = Screen { width: Some(20), rows: None, lines: None, colour: Colour::Plain };
    check_on(
        screen,
        OutputFormat::Box,
        &[one("t", texts(vec!["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]))],
        "┌──────────────────┐\n\
         │        t         │\n\
         │     varchar      │\n\
         ├──────────────────┤\n\
         │ xxxxxxxxxxxxxxx… │\n\
         ├──────────────────┤\n\
         │ 1 row            │\n\
         └──────────────────┘\n",
    );
}

#[test]
fn columns_that_do_not_fit_are_left_out_in_the_middle() {
    let screen = Screen { width: Some(30), rows: None, lines: None, colour: Colour::Plain };
    let names = ["a", "b", "c", "d", "e", "f"];
    let columns = names.iter().zip(1..).map(|(name, value)| (*name, integers(vec![value]))).collect();
    check_on(
        screen,
        OutputFormat::Box,
        &[table(columns)],
        "┌────────┬───┬───────────────┐\n\
         │   a    │ … │       f       │\n\
         │ bigint │   │    bigint     │\n\
         ├────────┼───┼───────────────┤\n\
         │      1 │ … │             6 │\n\
         ├────────┴───┴───────────────┤\n\
         │ 1 row  6 columns (2 shown) │\n\
         └────────────────────────────┘\n",
    );
}

#[test]
fn numbers_are_never_cut() {
    let screen = Screen { width: Some(34), rows: None, lines: None, colour: Colour::Plain };
    let result = table(vec![("n", integers(vec![i64::MAX])), ("t", texts(vec!["a text that is far too long"]))]);
    check_on(
        screen,
        OutputFormat::Box,
        &[result],
        "┌─────────────────────┬──────────┐\n\
         │          n          │    t     │\n\
         │       bigint        │ varchar  │\n\
         ├─────────────────────┼──────────┤\n\
         │ 9223372036854775807 │ a text … │\n\
         ├─────────────────────┴──────────┤\n\
         │ 1 row                          │\n\
         └────────────────────────────────┘\n",
    );
}

#[test]
fn colour_dims_null_so_that_it_is_not_text() {
    let screen = Screen { width: None, rows: None, lines: None, colour: Colour::Ansi };
    let text = String::from_utf8(bytes_of(OutputFormat::Box, screen, &[people()]).unwrap()).unwrap();
    assert!(text.contains("│ \u{1b}[2mNULL   \u{1b}[0m │"), "{text}");
    assert!(text.contains("│ ann     │"), "{text}");
}

#[test]
fn no_color_is_honoured() {
    assert_eq!(Colour::wanted(Some(OsStr::new("1")), None), Colour::Plain);
    assert_eq!(Colour::wanted(Some(OsStr::new("")), None), Colour::Ansi);
    assert_eq!(Colour::wanted(None, Some(OsStr::new("dumb"))), Colour::Plain);
    assert_eq!(Colour::wanted(None, Some(OsStr::new("xterm"))), Colour::Ansi);
}
