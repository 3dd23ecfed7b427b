//! How deep a statement nests.
//!
//! Where the parser comes to its own limit, it goes back and tries what else a word could be, in each of the brackets
//! around: time doubles with every one of them. So deep statements are refused before it sees them.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::word::is_word;
use crate::parse::error::ParseError;

/// How deep brackets may nest. The parser's own limit is beyond it, whatever stands in the brackets.
const DEPTH_MAX: usize = 75;

/// What is open.
enum Open {
    /// A bracket, that counts for so many.
    Bracket(usize),
    /// CASE, up to its END.
    Case,
}

/// Refuses tokens that nest too deep, at the first that does.
///
/// A bracket counts for one, CASE too. The parser goes a step deeper for each NOT in front of a bracket, and two for a
/// query in one. It reads what stands in `ROW (…)` and `FILTER (…)` twice, and the planner goes twice through a query
/// that stands for a value: these count for five, so that there are no more than fifteen.
pub(crate) fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), ParseError> {
    let (mut open, mut depth, mut nots): (Vec<Open>, usize, usize) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                let before = at.checked_sub(1).and_then(|before| tokens.get(before));
                let weight = 1 + nots + more(before, tokens.get(at + 1));
                open.push(Open::Bracket(weight));
                depth += weight;
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                while let Some(last) = open.pop() {
                    match last {
                        Open::Case => depth -= 1,
                        Open::Bracket(weight) => {
                            depth -= weight;
                            break;
                        }
                    }
                }
            }
            Token::Word(_) if is_word(Some(token), "CASE") => {
                open.push(Open::Case);
                depth += 1;
            }
            Token::Word(_) if is_word(Some(token), "END") && matches!(open.last(), Some(Open::Case)) => {
                open.pop();
                depth -= 1;
            }
            _ => {}
        }
        nots = if is_word(Some(token), "NOT") { nots + 1 } else { 0 };
        if depth > DEPTH_MAX || nots > DEPTH_MAX {
            return Err(ParseError::syntax(
                token.span.start,
                "the statement is nested too deeply; split it into views",
            ));
        }
    }
    Ok(())
}

/// What a bracket counts for more by what stands before it and in it.
fn more(before: Option<&TokenWithSpan>, next: Option<&TokenWithSpan>) -> usize {
    let is_query = ["SELECT", "WITH", "VALUES", "FROM"].iter().any(|word| is_word(next, word));
    if is_query && (is_word(before, "FROM") || is_word(before, "JOIN")) {
        return 2;
    }
    if is_query || is_word(before, "ROW") || is_word(before, "FILTER") { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::tokens::split;

    fn is_refused(text: &str) -> bool {
        let split = split(text);
        split.statements.iter().any(|tokens| check_depth(tokens).is_err())
    }

    fn nested(begin: &str, end: &str, times: usize) -> String {
        format!("SELECT {}1{}", begin.repeat(times), end.repeat(times))
    }

    #[test]
    fn deep_brackets_are_refused() {
        assert!(!is_refused(&nested("(", ")", 75)));
        assert!(is_refused(&nested("(", ")", 76)));
        assert!(!is_refused(&nested("CAST(", " AS INT)", 75)));
        assert!(is_refused(&nested("CAST(", " AS INT)", 76)));
        assert!(is_refused(&nested("NOT (", ")", 38)));
        assert!(!is_refused(&nested("(SELECT ", ")", 15)));
        assert!(is_refused(&nested("(SELECT ", ")", 16)));
        assert!(is_refused(&nested("ROW(", ")", 16)));
        assert!(!is_refused(&format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(25), ") q".repeat(25))));
        assert!(is_refused(&nested("CASE WHEN true THEN ", " END", 76)));
        assert!(is_refused(&nested("NOT ", "", 76)));
    }

    #[test]
    fn what_is_closed_counts_no_more() {
        assert!(!is_refused(&"SELECT (1); ".repeat(100)));
        assert!(!is_refused(&format!("SELECT {}1", "(1) + ".repeat(100))));
        assert!(!is_refused(&format!("SELECT {}1", "CASE WHEN (true) THEN 1 END + ".repeat(100))));
        assert!(!is_refused(&"END) ".repeat(100)));
    }
}
