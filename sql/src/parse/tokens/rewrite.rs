//! The pass itself: every accepted clause becomes `FOR SYSTEM_TIME AS OF <marker> <expression>`.

use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::clause::{self, Clause, Reading};
use super::key_column::quote_key_columns;
use super::place::{Place, Places};
use super::refusal;
use super::struct_type::write_angle_brackets;
use super::word::is_word;
use crate::parse::error::ParseError;
use crate::parse::marker::Kind;

/// The tokens of a statement as the parser wants them.
pub(crate) struct Rewritten {
    /// The tokens.
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// Whether `BY NAME` was taken out behind the target of an INSERT.
    pub(crate) by_name: bool,
}

/// Rewrites the tokens of one statement.
///
/// # Errors
/// [`ParseError::VersionForm`] if a version clause has a form or a place that is not accepted.
pub(crate) fn rewrite(tokens: &[TokenWithSpan]) -> Result<Rewritten, ParseError> {
    let mut pass =
        Pass { input: tokens, at: 0, places: Places::new(), output: Vec::with_capacity(tokens.len()), by_name: false };
    while pass.at < tokens.len() {
        pass.step()?;
    }
    let mut output = pass.output;
    quote_key_columns(&mut output);
    write_angle_brackets(&mut output);
    Ok(Rewritten { tokens: output, by_name: pass.by_name })
}

struct Pass<'a> {
    input: &'a [TokenWithSpan],
    at: usize,
    places: Places,
    output: Vec<TokenWithSpan>,
    by_name: bool,
}

impl Pass<'_> {
    fn step(&mut self) -> Result<(), ParseError> {
        if let Some(error) = refusal::of_at_sign(self.input, self.at, self.places.frame()) {
            return Err(error);
        }
        if self.stands_before_by_name() {
            self.by_name = true;
            self.at += 2;
            return Ok(());
        }
        if let Some(reading) = clause::read(&self.input[self.at..]) {
            let frame = self.places.frame();
            if let Some(error) = refusal::of_reading(self.input, self.at, frame, &reading) {
                return Err(error);
            }
            let belongs = matches!(frame.place, Place::Name | Place::Free) && !frame.continued;
            if let (Reading::Clause(clause), true) = (reading, belongs) {
                self.write(clause);
                return Ok(());
            }
        }
        self.places.observe(self.input, self.at);
        self.output.push(self.input[self.at].clone());
        self.at += 1;
        Ok(())
    }

    /// Whether `INSERT INTO t BY NAME` has been read up to its last two words.
    fn stands_before_by_name(&self) -> bool {
        let frame = self.places.frame();
        frame.place == Place::Name
            && !frame.continued
            && frame.target == Some("INSERT")
            && is_word(self.input.get(self.at), "BY")
            && is_word(self.input.get(self.at + 1), "NAME")
    }

    fn write(&mut self, clause: Clause) {
        let operand = self.at + clause.words();
        let span = Span::new(self.input[self.at].span.start, self.input[operand - 1].span.end);
        for word in ["FOR", "SYSTEM_TIME", "AS", "OF"] {
            self.output.push(TokenWithSpan::new(Token::make_keyword(word), span));
        }
        self.output.push(TokenWithSpan::new(clause.marker().token(), span));
        if clause.marker().is_closed() {
            self.output.push(TokenWithSpan::new(Token::LParen, span));
        }
        if clause.marker().kind() == Kind::Timestamp && self.is_term_of_a_sum(operand) {
            self.output.push(TokenWithSpan::new(Token::make_keyword("TIMESTAMP"), span));
        }
        self.places.read_clause(clause.marker().is_closed());
        self.at = operand;
    }

    /// Whether a string is reckoned with, as in `'2026-01-01' - INTERVAL '1 day'`: then it has to be an instant for the
    /// planner too. A string that stands alone stays text, so that its time zone is not lost.
    fn is_term_of_a_sum(&self, index: usize) -> bool {
        let is_text = self.input.get(index).is_some_and(|token| matches!(token.token, Token::SingleQuotedString(_)));
        let next = self.input.get(index + 1);
        let goes_on = next.is_some_and(|token| matches!(token.token, Token::Plus | Token::Minus))
            || (is_word(next, "AT") && is_word(self.input.get(index + 2), "TIME"));
        is_text && goes_on
    }
}
