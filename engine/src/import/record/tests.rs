//! Records and fields, cut from every buffer size.

use proptest::prelude::*;

use super::*;

const COMMA: Dialect = Dialect { delimiter: b',', quote: Some(b'"') };

type Cells = Vec<Vec<(String, bool)>>;

fn cut(bytes: &[u8], dialect: Dialect, buffer_bytes: usize, limit: usize) -> Result<Cells, RecordError> {
    let mut reader = RecordReader::with_buffer(bytes, dialect, buffer_bytes);
    let mut cells: Cells = Vec::new();
    while let Some(block) = reader.next_block(limit)? {
        for record in 0..block.len() {
            let fields = (0..block.width(record)).map(|column| {
                let field = block.field(record, column);
                (field.text.to_owned(), field.quoted)
            });
            cells.push(fields.collect());
        }
    }
    Ok(cells)
}

fn check(text: &str, expected: &[&[(&str, bool)]]) {
    let expected: Cells = expected
        .iter()
        .map(|record| record.iter().map(|(text, quoted)| ((*text).to_owned(), *quoted)).collect())
        .collect();
    for buffer_bytes in [3, 4, 5, 7, 1024] {
        for limit in [1, 2, 100] {
            assert_eq!(cut(text.as_bytes(), COMMA, buffer_bytes, limit).unwrap(), expected, "{text:?}");
        }
    }
}

#[test]
fn quotes_hold_delimiters_line_ends_and_quotes() {
    check("a,\"b, \"\"c\"\"\r\nd\",,\"\"\n", &[&[("a", false), ("b, \"c\"\r\nd", true), ("", false), ("", true)]]);
}

#[test]
fn records_end_with_any_line_end_or_the_file() {
    let expected: &[&[(&str, bool)]] = &[&[("a", false)], &[("b", false)], &[("c", false)]];
    check("a\nb\nc", expected);
    check("a\r\nb\r\nc\r\n", expected);
    check("a\rb\rc\r", expected);
    check("\u{feff}a\nb\nc\n", expected);
}

#[test]
fn a_file_may_end_after_a_delimiter_or_a_quote() {
    check("a,", &[&[("a", false), ("", false)]]);
    check("a,\"b\"", &[&[("a", false), ("b", true)]]);
    check("", &[]);
    check("\u{feff}", &[]);
}

#[test]
fn a_quote_inside_a_bare_field_is_an_ordinary_byte() {
    check("5\" pipe,x\n", &[&[("5\" pipe", false), ("x", false)]]);
}

#[test]
fn without_quotes_they_mean_nothing() {
    let dialect = Dialect { delimiter: b'\t', quote: None };
    let cells = cut(b"\"a\t\"b\"\n", dialect, 16, 10).unwrap();
    assert_eq!(cells, vec![vec![("\"a".to_owned(), false), ("\"b\"".to_owned(), false)]]);
}

#[test]
fn blank_lines_are_kept_or_left_out() {
    check("a\n\nb\n\n", &[&[("a", false)], &[("", false)], &[("b", false)], &[("", false)]]);
    let mut reader = RecordReader::new("a,b\n\n\r\n1,2\n\n".as_bytes(), COMMA);
    reader.skip_blank_records(true);
    reader.require_width(2);
    let block = reader.next_block(10).unwrap().unwrap();
    assert_eq!(block.len(), 2);
    assert_eq!(block.line(1), 4);
    assert_eq!(block.field(1, 0).text, "1");
}

#[test]
fn a_ragged_record_says_where_and_how() {
    let mut reader = RecordReader::new("a,b\n\"x\ny\",1\n1,2,3\n".as_bytes(), COMMA);
    reader.require_width(2);
    let error = reader.next_block(10).unwrap_err();
    assert_eq!((error.record, error.line), (3, 4));
    assert!(matches!(error.problem, RecordProblem::Ragged { found: 3, expected: 2 }));
}

#[test]
fn broken_quotes_say_where_they_begin() {
    let error = cut(b"a\nb,\"c\nd\n", COMMA, 4, 10).unwrap_err();
    assert_eq!((error.record, error.line), (2, 2));
    assert!(matches!(error.problem, RecordProblem::OpenQuote));
    let error = cut(b"a\n\"b\"c\n", COMMA, 4, 10).unwrap_err();
    assert_eq!((error.record, error.line), (2, 2));
    assert!(matches!(error.problem, RecordProblem::TextAfterQuote));
}

#[test]
fn an_unclosed_quote_does_not_swallow_the_file() {
    let endless = io::repeat(b'x').take(2 * MAX_RECORD_BYTES);
    let mut reader = RecordReader::new("a\n\"".as_bytes().chain(endless), COMMA);
    let error = reader.next_block(10).unwrap_err();
    assert!(matches!(error.problem, RecordProblem::TooLong));
    assert_eq!((error.record, error.line), (2, 2));
}

#[test]
fn a_long_record_is_not_torn_between_blocks() {
    let long = "x".repeat(BLOCK_BYTES + READ_BYTES + 1);
    let text = format!("a\n{long},{long}\nb\n");
    let mut reader = RecordReader::new(text.as_bytes(), COMMA);
    let block = reader.next_block(10).unwrap().unwrap();
    assert_eq!((block.len(), block.width(1)), (2, 2));
    assert_eq!(block.field(1, 1).text.len(), long.len());
    let block = reader.next_block(10).unwrap().unwrap();
    assert_eq!(block.field(0, 0).text, "b");
    assert!(reader.next_block(10).unwrap().is_none());
}

#[test]
fn bad_utf8_is_found_to_the_byte() {
    for (bytes, expected) in [
        (&b"a,b\nc,x\xff\n"[..], (2, 1, 7)),
        (&b"\xef\xbb\xbfa,\"\"\"\xe9\"\n"[..], (1, 1, 8)),
        (&b"\xc3,\xa9\n"[..], (1, 0, 0)),
    ] {
        let error = cut(bytes, COMMA, 1024, 10).unwrap_err();
        match error.problem {
            RecordProblem::Utf8 { column, offset } => assert_eq!((error.record, column, offset), expected),
            other => unreachable!("{other:?}"),
        }
    }
}

fn write(cells: &[Vec<(String, bool)>], line_end: &str) -> String {
    let mut text = String::new();
    for record in cells {
        for (column, (cell, quoted)) in record.iter().enumerate() {
            if column > 0 {
                text.push(',');
            }
            if *quoted {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(cell);
            }
        }
        text.push_str(line_end);
    }
    text
}

fn a_cell() -> impl Strategy<Value = (String, bool)> {
    prop_oneof![
        "[a-zé\",\r\n ]{0,6}".prop_map(|text| (text, true)),
        "([a-zé ][a-zé\" ]{0,5})?".prop_map(|text| (text, false)),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_cut_into_the_same_cells(
        cells in proptest::collection::vec(proptest::collection::vec(a_cell(), 1..5), 0..8),
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        buffer_bytes in 3_usize..40,
        limit in 1_usize..5,
    ) {
        let text = write(&cells, line_end);
        prop_assert_eq!(cut(text.as_bytes(), COMMA, buffer_bytes, limit).unwrap(), cells);
    }

    #[test]
    fn any_bytes_are_cut_or_refused(
        bytes in proptest::collection::vec(
            prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), any::<u8>()],
            0..60,
        ),
        buffer_bytes in 3_usize..40,
    ) {
        let small = cut(&bytes, COMMA, buffer_bytes, 3);
        let large = cut(&bytes, COMMA, 1024, 1000);
        prop_assert_eq!(small.is_ok(), large.is_ok());
        if let (Ok(small), Ok(large)) = (small, large) {
            prop_assert_eq!(small, large);
        }
    }
}
