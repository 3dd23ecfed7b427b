//! Small questions about tokens.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Whether a token is this word, unquoted and in any case. The word is given in upper case.
pub(crate) fn is_word(token: Option<&TokenWithSpan>, word: &str) -> bool {
    match token.map(|token| &token.token) {
        Some(Token::Word(found)) => found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word),
        _ => false,
    }
}

/// Whether tokens begin with these words.
pub(crate) fn begins_with(tokens: &[TokenWithSpan], words: &[&str]) -> bool {
    words.iter().enumerate().all(|(index, word)| is_word(tokens.get(index), word))
}

/// The upper-case text of an unquoted word; empty for anything else.
pub(crate) fn upper_word(token: Option<&TokenWithSpan>) -> String {
    match token.map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => String::new(),
    }
}

/// Words that end a table and its alias, so that no expression begins with them.
const AFTER_A_TABLE: [&str; 46] = [
    "ALL",
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CONNECT",
    "CROSS",
    "ELSE",
    "END",
    "EXCEPT",
    "FETCH",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MINUS",
    "NATURAL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "QUALIFY",
    "RETURNING",
    "RIGHT",
    "SELECT",
    "SET",
    "TABLESAMPLE",
    "THEN",
    "TO",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WINDOW",
];

/// Whether an expression can begin with a token.
pub(crate) fn starts_expression(token: Option<&TokenWithSpan>) -> bool {
    let Some(token) = token else {
        return false;
    };
    match &token.token {
        Token::Word(word) => {
            word.quote_style.is_some() || !AFTER_A_TABLE.contains(&word.value.to_ascii_uppercase().as_str())
        }
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::Placeholder(_)
        | Token::LParen
        | Token::Plus
        | Token::Minus => true,
        _ => false,
    }
}

/// Tokens as text, with single spaces where a person would write them.
pub(crate) fn spell(tokens: &[TokenWithSpan]) -> String {
    let mut text = String::new();
    let mut before: Option<&Token> = None;
    for token in tokens {
        if before.is_some_and(|before| is_spaced(before, &token.token)) {
            text.push(' ');
        }
        text.push_str(&token.token.to_string());
        before = Some(&token.token);
    }
    text
}

/// Whether a space goes between two tokens.
fn is_spaced(left: &Token, right: &Token) -> bool {
    match (left, right) {
        (Token::LParen | Token::Period, _) | (_, Token::RParen | Token::Comma | Token::Period) => false,
        (Token::Word(word), Token::LParen) => word.keyword != Keyword::NoKeyword,
        _ => true,
    }
}
