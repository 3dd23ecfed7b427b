//! Version clauses that are not accepted: what is said of them, with the nearest form that is.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::clause::{Clause, Reading};
use super::place::{Frame, Place, Relation};
use super::word::{is_word, spell};
use crate::parse::error::{ParseError, Position};

/// The error about what was read at a place, if there is one. Without one it is a clause where a clause belongs, or
/// none of our business.
pub(crate) fn of_reading(tokens: &[TokenWithSpan], at: usize, frame: &Frame, reading: &Reading) -> Option<ParseError> {
    let here = Here { tokens, at, frame };
    match (frame.place, reading) {
        (Place::Name, _) if frame.continued => None,
        (Place::Name | Place::Free, Reading::Clause(clause)) => here.misplaced_on_name(*clause),
        (Place::Name | Place::Free, Reading::Unfinished { words }) => Some(here.unfinished(*words)),
        (Place::Name, Reading::BareAlias) => Some(here.bare_alias()),
        (Place::Versioned, Reading::Clause(_) | Reading::Foreign { .. }) => Some(here.second()),
        (Place::Aliased, Reading::Clause(clause)) => Some(here.after_alias(*clause)),
        (Place::Derived, Reading::Clause(clause)) => Some(here.after_relation(*clause)),
        (Place::Condition, Reading::Clause(clause)) => Some(here.in_condition(*clause)),
        (Place::Name | Place::Free | Place::Aliased | Place::Derived, Reading::Foreign { form, instead }) => {
            Some(here.error(format!("`{form}` is not a version clause here"), *instead))
        }
        _ => None,
    }
}

/// The error about `t@x`, if a token is written so.
pub(crate) fn of_at_sign(tokens: &[TokenWithSpan], at: usize, frame: &Frame) -> Option<ParseError> {
    let token = tokens.get(at)?;
    let behind_a_table = frame.place == Place::Name && !frame.continued;
    let touches =
        at > 0 && tokens.get(at - 1).is_some_and(|before| ends_name(before) && before.span.end == token.span.start);
    let text: String = match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.value.clone(),
        Token::AtSign => "@".to_owned(),
        _ => return None,
    };
    let (table, reference) = text.split_once('@')?;
    if table.is_empty() && !behind_a_table && !touches {
        return None;
    }
    let here = Here { tokens, at, frame };
    let table: String = if table.is_empty() { here.name_or("t") } else { table.to_owned() };
    let reference: String = match (reference, tokens.get(at + 1).map(|next| &next.token)) {
        ("", Some(Token::SingleQuotedString(text))) => text.clone(),
        ("", Some(Token::Word(word))) => word.value.clone(),
        ("", Some(Token::Number(number, _))) => number.clone(),
        _ => reference.to_owned(),
    };
    let digits = reference.strip_prefix(['v', 'V']).unwrap_or(&reference);
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit());
    let clause = if is_number {
        format!("VERSION {digits}")
    } else if reference.is_empty() {
        "VERSION 42".to_owned()
    } else {
        format!("TAG '{reference}'")
    };
    Some(here.error(
        format!("`{table}@{reference}` is not a table name"),
        format!("write `{table} AS OF {clause}`, or put a name that holds `@` in double quotes"),
    ))
}

fn ends_name(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Word(_) | Token::DoubleQuotedString(_) | Token::SingleQuotedString(_))
}

/// A clause and its surroundings, for messages.
struct Here<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
    frame: &'a Frame,
}

impl Here<'_> {
    fn error(&self, found: impl Into<String>, instead: impl Into<String>) -> ParseError {
        let at = self.tokens.get(self.at).and_then(|token| Position::of(token.span.start));
        ParseError::version_form(at, found, instead)
    }

    fn misplaced_on_name(&self, clause: Clause) -> Option<ParseError> {
        if let Some(verb) = self.frame.target {
            return Some(self.on_target(verb, clause));
        }
        (self.frame.relation == Relation::File).then(|| {
            self.error(
                format!("{} is a file, and files have no versions", self.name_or("it")),
                "leave the version clause out, or copy the file into a table",
            )
        })
    }

    fn on_target(&self, verb: &str, clause: Clause) -> ParseError {
        let (table, text) = (self.name_or("t"), self.clause_text(clause));
        let found = format!("`{text}` stands on the target of {verb}");
        match verb {
            "COPY" => self.error(
                format!("COPY takes no version clause behind the name of `{table}`"),
                format!("write `COPY (SELECT * FROM {table} {text}) TO …`"),
            ),
            "CREATE" => self
                .error(found, format!("to start from an old state, write `CREATE TABLE … AS SELECT * FROM t {text}`")),
            _ => self.error(found, "only the newest version can be changed: leave the clause out"),
        }
    }

    fn unfinished(&self, words: usize) -> ParseError {
        let text = self.text(self.at, self.at + words);
        let table = self.name_or("t");
        let quotes =
            if is_word(self.tokens.get(self.at), "AS") { "; as an alias, `of` needs double quotes" } else { "" };
        self.error(format!("`{text}` names no version"), format!("write `{table} AS OF VERSION 42`{quotes}"))
    }

    fn bare_alias(&self) -> ParseError {
        let word = self.text(self.at, self.at + 1);
        let table = self.name_or("t");
        self.error(
            format!("`{word}` behind a table name begins a version clause"),
            format!("write `{table} AT (VERSION => 42)`; as an alias, `{word}` needs double quotes"),
        )
    }

    fn second(&self) -> ParseError {
        let table = self.name_or("t");
        self.error(
            format!("`{table}` has two version clauses"),
            "keep one; two versions of a table are two tables in FROM, each with an alias",
        )
    }

    fn after_alias(&self, clause: Clause) -> ParseError {
        if self.frame.target.is_some() || self.frame.relation != Relation::Table {
            return self.after_relation(clause);
        }
        let (table, text) = (self.name_or("t"), self.clause_text(clause));
        let alias = self.frame.alias.map(|index| self.text(index, index + 1)).unwrap_or_default();
        self.error(
            format!("the version clause of `{table}` stands behind its alias"),
            format!("write `{}`", format!("{table} {text} {alias}").trim_end()),
        )
    }

    fn after_relation(&self, clause: Clause) -> ParseError {
        let text = self.clause_text(clause);
        if let Some(verb) = self.frame.target {
            return self.on_target(verb, clause);
        }
        match self.frame.relation {
            Relation::Function => self.error(
                format!("`{text}` stands behind a table function, which has no versions"),
                "leave the clause out, or read a table: `t AS OF VERSION 42`",
            ),
            Relation::File => self.error(
                format!("{} is a file, and files have no versions", self.name_or("it")),
                "leave the version clause out, or copy the file into a table",
            ),
            Relation::Derived | Relation::Table => self.error(
                format!("`{text}` stands behind parentheses"),
                format!("put it behind each table's name inside: `(SELECT … FROM t {text})`"),
            ),
        }
    }

    fn in_condition(&self, clause: Clause) -> ParseError {
        let text = self.clause_text(clause);
        self.error(
            format!("`{text}` stands behind a join's condition"),
            format!("put it directly behind the table's name: `JOIN t {text} ON …`"),
        )
    }

    /// The name of the relation, as it was written.
    fn name_or(&self, otherwise: &str) -> String {
        let name = self.text(self.frame.name.start, self.frame.name.end);
        if name.is_empty() { otherwise.to_owned() } else { name }
    }

    /// The clause as it was written, with an ellipsis where its expression may go on.
    fn clause_text(&self, clause: Clause) -> String {
        let end = self.at + clause.sure_length(&self.tokens[self.at..]);
        let text = self.text(self.at, end);
        let goes_on = self
            .tokens
            .get(end)
            .is_some_and(|next| !matches!(next.token, Token::Word(_) | Token::Comma | Token::RParen));
        if goes_on { format!("{text} …") } else { text }
    }

    fn text(&self, start: usize, end: usize) -> String {
        self.tokens.get(start..end).map(spell).unwrap_or_default()
    }
}
