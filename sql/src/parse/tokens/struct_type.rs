//! Types of structs in parentheses, as DuckDB writes them.
//!
//! `STRUCT(a BIGINT, b VARCHAR)` becomes `STRUCT<a BIGINT, b VARCHAR>`, which is the one form that the parser reads.
//! `struct(a, b)` is a call: behind its parenthesis stands an expression. Only in a type do two words follow there of
//! which the first is a name and the second begins a type.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::word::{is_word, upper_word};

/// Words that an expression may begin with and another word may follow.
const BEFORE_A_WORD: [&str; 5] = ["CASE", "DISTINCT", "INTERVAL", "NOT", "PRIOR"];

/// Words that may stand behind the first name of an expression.
const BEHIND_A_NAME: [&str; 24] = [
    "AND", "AS", "AT", "BETWEEN", "COLLATE", "DIV", "GLOB", "ILIKE", "IN", "IS", "ISNULL", "LIKE", "MATCH", "MEMBER",
    "MOD", "NOT", "NOTNULL", "OPERATOR", "OR", "OVERLAPS", "REGEXP", "RLIKE", "SIMILAR", "XOR",
];

/// Writes the types of structs in a statement with angle brackets.
pub(crate) fn write_angle_brackets(tokens: &mut [TokenWithSpan]) {
    for at in 0..tokens.len() {
        if !begins_type(&tokens[at..]) {
            continue;
        }
        if let Some(close) = closing(tokens, at + 1) {
            tokens[at + 1].token = Token::Lt;
            tokens[close].token = Token::Gt;
        }
    }
}

/// Whether tokens begin with `STRUCT (name type`.
fn begins_type(tokens: &[TokenWithSpan]) -> bool {
    let is_name = |token: Option<&TokenWithSpan>| token.is_some_and(|token| matches!(token.token, Token::Word(_)));
    let type_word = upper_word(tokens.get(3));
    is_word(tokens.first(), "STRUCT")
        && tokens.get(1).is_some_and(|token| token.token == Token::LParen)
        && is_name(tokens.get(2))
        && !BEFORE_A_WORD.contains(&upper_word(tokens.get(2)).as_str())
        && !type_word.is_empty()
        && !BEHIND_A_NAME.contains(&type_word.as_str())
}

/// The parenthesis that closes the one at a place.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth: usize = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => return Some(index),
            Token::RParen => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::DataType;

    use super::*;
    use crate::parse::tokens::split;
    use crate::parse::{Statement, parse_one};

    /// Reads the type of a column, and gives it in the parser's spelling.
    fn read(data_type: &str) -> String {
        let sql = format!("CREATE TABLE t (c {data_type} NOT NULL)");
        let statement = parse_one(&sql).unwrap_or_else(|error| panic!("{sql}\n{error}")).statement;
        let Statement::CreateTable(table) = statement else { panic!("{sql} makes no table") };
        let found: &DataType = &table.columns[0].data_type;
        found.to_string()
    }

    fn rewritten(sql: &str) -> String {
        let mut tokens = split(sql).statements.remove(0);
        write_angle_brackets(&mut tokens);
        tokens.iter().map(|token| token.token.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn parentheses_are_read_as_angle_brackets() {
        for (parentheses, brackets) in [
            ("STRUCT(a BIGINT, b VARCHAR)", "STRUCT<a BIGINT, b VARCHAR>"),
            ("struct(\"A b\" DECIMAL(10, 2), c INT[])", "STRUCT<\"A b\" DECIMAL(10,2), c INT[]>"),
            ("STRUCT(a STRUCT(b INT)[])[]", "STRUCT<a STRUCT<b INT>[]>[]"),
            (
                "STRUCT(a ARRAY<STRUCT<b INT>>, m MAP(VARCHAR, STRUCT(x INT)))[]",
                "STRUCT<a ARRAY<STRUCT<b INT>>, m MAP(VARCHAR, STRUCT<x INT>)>[]",
            ),
            ("MAP(VARCHAR, STRUCT(a BIGINT))", "MAP(VARCHAR, STRUCT<a BIGINT>)"),
        ] {
            assert_eq!(read(parentheses), read(brackets), "{parentheses}");
        }
    }

    #[test]
    fn casts_take_them_too() {
        for sql in [
            "SELECT CAST(s AS STRUCT(a BIGINT)) FROM t",
            "SELECT s::STRUCT(a BIGINT, b VARCHAR) FROM t",
            "PREPARE p (STRUCT(a BIGINT)) AS SELECT $1",
            "ALTER TABLE t ADD COLUMN s STRUCT(a BIGINT)",
        ] {
            assert!(parse_one(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn a_call_stays_a_call() {
        for sql in [
            "SELECT struct ( a , b )",
            "SELECT struct ( a AS x , b )",
            "SELECT struct ( a IS NULL )",
            "SELECT struct ( CASE a WHEN 1 THEN 2 END )",
            "SELECT struct ( NOT a )",
            "SELECT struct ( 1 )",
            "SELECT struct ( )",
        ] {
            assert_eq!(rewritten(sql), sql);
        }
    }
}
