//! Columns called `key` or `index` in CREATE TABLE.
//!
//! The parser takes these words for the begin of an index as MySQL declares it: `KEY (a)`, `INDEX by_a (a)`. Where a
//! type follows and not a name with columns, the word is put in quotes, and so is a column's name.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::word::{is_word, upper_word};

/// Quotes the names of such columns in the tokens of one statement.
pub(crate) fn quote_key_columns(tokens: &mut [TokenWithSpan]) {
    let begins_table =
        is_word(tokens.first(), "CREATE") && tokens.iter().take(4).any(|token| is_word(Some(token), "TABLE"));
    if !begins_table {
        return;
    }
    let mut depth: usize = 0;
    for at in 0..tokens.len() {
        match tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        let begins_item = matches!(tokens[at].token, Token::LParen | Token::Comma) && depth == 1;
        if begins_item && is_key_column(&tokens[at + 1..]) {
            quote(&mut tokens[at + 1].token);
        }
    }
}

/// Whether tokens begin with `KEY type` or `INDEX type`.
fn is_key_column(tokens: &[TokenWithSpan]) -> bool {
    let is_plain =
        matches!(tokens.first().map(|token| &token.token), Some(Token::Word(word)) if word.quote_style.is_none());
    let is_open = |place: usize| tokens.get(place).is_some_and(|token| token.token == Token::LParen);
    let names_columns = is_open(2) && matches!(tokens.get(3).map(|token| &token.token), Some(Token::Word(_)));
    is_plain
        && matches!(upper_word(tokens.first()).as_str(), "KEY" | "INDEX")
        && matches!(tokens.get(1).map(|token| &token.token), Some(Token::Word(_)))
        && !is_word(tokens.get(1), "USING")
        && (!names_columns || is_word(tokens.get(1), "STRUCT"))
}

fn quote(token: &mut Token) {
    if let Token::Word(word) = token {
        *token = Token::make_word(&word.value.to_lowercase(), Some('"'));
    }
}

#[cfg(test)]
mod tests {
    use super::super::split;
    use super::*;

    fn check(text: &str, quoted: usize) {
        let mut tokens = split(text).statements.remove(0);
        quote_key_columns(&mut tokens);
        let found =
            tokens.iter().filter(|token| matches!(&token.token, Token::Word(word) if word.quote_style.is_some()));
        assert_eq!(found.count(), quoted, "{text}");
    }

    #[test]
    fn a_type_behind_the_word_makes_it_a_columns_name() {
        check("CREATE TABLE t (key BIGINT, Index VARCHAR(20))", 2);
        check("CREATE OR REPLACE TABLE t (a INT, key STRUCT(a INT))", 1);
    }

    #[test]
    fn an_index_stays_one() {
        check("CREATE TABLE t (a INT, KEY (a), INDEX by_a (a), KEY USING BTREE (a))", 0);
        check("SELECT (key, index) FROM t", 0);
    }
}
