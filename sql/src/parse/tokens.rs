//! The pass over the tokens of one statement, before the parser sees them.
//!
//! It does seven things, each by rules that look at tokens only: it turns every accepted spelling of a version clause
//! into the one that the parser knows, refuses the spellings and places that are not accepted, numbers the
//! parameters, takes `BY NAME` out of an INSERT, writes types of structs with angle brackets, quotes columns called
//! `key`, and refuses what nests too deep. Tokens keep the places they have in the text, so that errors point at what
//! was typed.

mod clause;
mod depth;
mod key_column;
mod parameters;
mod place;
mod refusal;
mod rewrite;
mod struct_type;
mod word;

pub(crate) use depth::check_depth;
pub(crate) use parameters::number_parameters;
pub(crate) use rewrite::rewrite;
pub(crate) use word::is_word;

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use super::dialect::DIALECT;
use super::error::ParseError;

/// The tokens of a text, statement by statement, without white space and comments. A hint in a comment stays, to be
/// refused.
pub(crate) struct Split {
    /// The tokens of every statement that was read to its end. None is empty.
    pub(crate) statements: Vec<Vec<TokenWithSpan>>,
    /// What stopped the reading, if something did: it belongs to the statement after the last one.
    pub(crate) failure: Option<ParseError>,
}

/// Splits a text into statements at semicolons outside of literals, names and comments.
pub(crate) fn split(text: &str) -> Split {
    let mut tokens: Vec<TokenWithSpan> = Vec::new();
    let outcome = Tokenizer::new(&DIALECT, text).tokenize_with_location_into_buf(&mut tokens);
    let mut statements: Vec<Vec<TokenWithSpan>> = Vec::new();
    let mut current: Vec<TokenWithSpan> = Vec::new();
    for token in tokens {
        match token.token {
            Token::Whitespace(_) if is_hint(&token.token, current.last()) => current.push(token),
            Token::Whitespace(_) | Token::EOF => {}
            Token::SemiColon => {
                if !current.is_empty() {
                    statements.push(std::mem::take(&mut current));
                }
            }
            _ => current.push(token),
        }
    }
    match outcome {
        Ok(()) => {
            if !current.is_empty() {
                statements.push(current);
            }
            Split { statements, failure: None }
        }
        Err(error) => Split { statements, failure: Some(ParseError::from(error)) },
    }
}

/// Whether a comment is a hint to the planner: `/*+ … */` behind SELECT or INSERT.
fn is_hint(token: &Token, before: Option<&TokenWithSpan>) -> bool {
    let Token::Whitespace(Whitespace::MultiLineComment(text)) = token else { return false };
    text.starts_with('+') && (is_word(before, "SELECT") || is_word(before, "INSERT"))
}
