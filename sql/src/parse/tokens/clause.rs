//! What a version clause looks like, by its first tokens.
//!
//! ```text
//! AS OF [VERSION | TIMESTAMP | TAG | BRANCH] e        VERSION AS OF e      FOR VERSION AS OF e
//! AT (VERSION | TIMESTAMP | TAG | BRANCH => e)        TIMESTAMP AS OF e    FOR TIMESTAMP AS OF e
//!                                                                          FOR SYSTEM_TIME AS OF e
//! ```

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::word::{begins_with, is_word, starts_expression, upper_word};
use crate::parse::marker::{Kind, Marker};

/// What stands at some token, if it has to do with versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A version clause.
    Clause(Clause),
    /// The words of a clause without an expression after them.
    Unfinished {
        /// How many words there are.
        words: usize,
    },
    /// A form of other systems.
    Foreign {
        /// The form, as other systems write it.
        form: &'static str,
        /// The nearest accepted form; `t` stands for the table.
        instead: &'static str,
    },
    /// A word that is an alias only in quotes.
    BareAlias,
}

/// A version clause: what it says of its expression, and where that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    marker: Marker,
    words: usize,
}

impl Clause {
    fn open(kind: Kind, words: usize) -> Self {
        Self { marker: Marker::open(kind), words }
    }

    /// The marker for the parser.
    pub(crate) fn marker(self) -> Marker {
        self.marker
    }

    /// How many tokens stand before the expression.
    pub(crate) fn words(self) -> usize {
        self.words
    }

    /// How many tokens the clause surely has: to the end of its parentheses, or of the first term of its expression.
    pub(crate) fn sure_length(self, tokens: &[TokenWithSpan]) -> usize {
        let mut depth: usize = usize::from(self.marker.is_closed());
        let mut length = self.words;
        while let Some(token) = tokens.get(length) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            length += 1;
            let goes_on = tokens.get(length).is_some_and(|next| next.token == Token::LParen);
            if depth == 0 && !goes_on {
                break;
            }
        }
        length
    }
}

/// Reads what stands at the beginning of some tokens.
pub(crate) fn read(tokens: &[TokenWithSpan]) -> Option<Reading> {
    let first = upper_word(tokens.first());
    match first.as_str() {
        "AS" if is_word(tokens.get(1), "OF") => Some(read_as_of(tokens)),
        "VERSION" | "TIMESTAMP" if begins_with(&tokens[1..], &["AS", "OF"]) => {
            Kind::of_clause_word(&first).map(|kind| finished(tokens, kind, 3))
        }
        "FOR" => read_for(tokens),
        "AT" => Some(read_at(tokens)),
        "BEFORE" if followed_by_paren(tokens) => Some(Reading::Foreign {
            form: "BEFORE (…)",
            instead: "name the version or the instant itself, as in `t AS OF VERSION 42` or `t AS OF TIMESTAMP '…'`",
        }),
        "CHANGES" if followed_by_paren(tokens) => Some(Reading::Foreign {
            form: "CHANGES (…)",
            instead: "compare two states, as in `SELECT * FROM t AS OF VERSION 43 \
                      EXCEPT SELECT * FROM t AS OF VERSION 42`",
        }),
        "BEFORE" | "CHANGES" => Some(Reading::BareAlias),
        _ => None,
    }
}

fn read_as_of(tokens: &[TokenWithSpan]) -> Reading {
    if begins_with(&tokens[2..], &["SYSTEM", "TIME"]) {
        return Reading::Foreign {
            form: "AS OF SYSTEM TIME",
            instead: "write `t AS OF TIMESTAMP '…'` or `t FOR SYSTEM_TIME AS OF …`",
        };
    }
    match Kind::of_clause_word(&upper_word(tokens.get(2))) {
        Some(kind) => finished(tokens, kind, 3),
        None => finished(tokens, Kind::Auto, 2),
    }
}

fn read_for(tokens: &[TokenWithSpan]) -> Option<Reading> {
    let kind = match upper_word(tokens.get(1)).as_str() {
        "VERSION" => Kind::Version,
        "SYSTEM_TIME" | "TIMESTAMP" => Kind::Timestamp,
        "SYSTEM_VERSION" => {
            return Some(Reading::Foreign {
                form: "FOR SYSTEM_VERSION",
                instead: "write `t FOR VERSION AS OF 42` or `t AS OF VERSION 42`",
            });
        }
        _ => return None,
    };
    let rest = &tokens[2..];
    if begins_with(rest, &["AS", "OF"]) {
        return Some(finished(tokens, kind, 4));
    }
    let form = match upper_word(rest.first()).as_str() {
        "BETWEEN" => "FOR … BETWEEN",
        "FROM" => "FOR … FROM",
        "ALL" => "FOR … ALL",
        "CONTAINED" => "FOR … CONTAINED IN",
        _ => "FOR without AS OF",
    };
    Some(Reading::Foreign {
        form,
        instead: "a table is read at one version: write `t FOR SYSTEM_TIME AS OF …` or `t AS OF VERSION 42`",
    })
}

fn read_at(tokens: &[TokenWithSpan]) -> Reading {
    let named = tokens.get(3).is_some_and(|token| token.token == Token::RArrow);
    if !followed_by_paren(tokens) || !named {
        return Reading::BareAlias;
    }
    match Kind::of_clause_word(&upper_word(tokens.get(2))) {
        Some(kind) if starts_expression(tokens.get(4)) => {
            Reading::Clause(Clause { marker: Marker::closed(kind), words: 4 })
        }
        Some(_) => Reading::Unfinished { words: 4 },
        None => Reading::Foreign {
            form: "AT with this argument",
            instead: "write `t AT (VERSION => 42)`, or TIMESTAMP, TAG or BRANCH in the place of VERSION; \
                      for an offset, \
                      `t AS OF now() - INTERVAL '60 seconds'`",
        },
    }
}

fn finished(tokens: &[TokenWithSpan], kind: Kind, words: usize) -> Reading {
    if starts_expression(tokens.get(words)) {
        Reading::Clause(Clause::open(kind, words))
    } else {
        Reading::Unfinished { words }
    }
}

fn followed_by_paren(tokens: &[TokenWithSpan]) -> bool {
    tokens.get(1).is_some_and(|token| token.token == Token::LParen)
}
