//! Parameters: `?` becomes `$1`, `$2`, … from left to right.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::parse::error::{ParseError, Position};

/// Numbers the `?` of a statement, and gives the names of all its parameters, without `$`. A `?3` is parameter 3, as in
/// SQLite.
///
/// # Errors
/// [`ParseError::MixedParameters`] if the statement holds `$n` as well, or both `?` and `?3`.
pub(crate) fn number_parameters(tokens: &mut [TokenWithSpan]) -> Result<BTreeSet<String>, ParseError> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut style: Option<Style> = None;
    let mut count: usize = 0;
    for token in tokens.iter_mut() {
        let Token::Placeholder(text) = &mut token.token else {
            continue;
        };
        let found = Style::of(text);
        if style.is_some_and(|style| style != found) {
            return Err(ParseError::MixedParameters { at: Position::of(token.span.start) });
        }
        style = Some(found);
        match found {
            Style::Dollar => {}
            Style::Question => {
                count += 1;
                *text = format!("${count}");
            }
            Style::NumberedQuestion => *text = text.replacen('?', "$", 1),
        }
        names.insert(text.trim_start_matches('$').to_owned());
    }
    Ok(names)
}

/// How a parameter is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Dollar,
    Question,
    NumberedQuestion,
}

impl Style {
    fn of(placeholder: &str) -> Self {
        match placeholder.strip_prefix('?') {
            None => Self::Dollar,
            Some("") => Self::Question,
            Some(_) => Self::NumberedQuestion,
        }
    }
}
