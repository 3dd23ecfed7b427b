//! Lists of options: `(key value, 'quoted.key' = 'value', flag)`.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::StatementParser;
use crate::parse::error::ParseError;

impl StatementParser<'_> {
    /// A list in parentheses. Between a key and its value an equals sign may stand; a key without a value is `true`.
    pub(super) fn options(&mut self) -> Result<Vec<(String, String)>, ParseError> {
        let mut options: Vec<(String, String)> = Vec::new();
        if !self.takes_token(&Token::LParen) {
            return Err(self.unexpected("( and options"));
        }
        if self.takes_token(&Token::RParen) {
            return Ok(options);
        }
        loop {
            let at = self.here();
            let key = self.option_key()?;
            if options.iter().any(|(known, _)| *known == key) {
                return Err(ParseError::syntax(at, format!("option {key} is given twice; keep one")));
            }
            let has_equals = self.takes_token(&Token::Eq);
            let ends = matches!(self.sql().peek_token().token, Token::Comma | Token::RParen);
            let value = if ends && !has_equals { "true".to_owned() } else { self.option_value()? };
            options.push((key, value));
            if self.takes_token(&Token::RParen) {
                return Ok(options);
            }
            if !self.takes_token(&Token::Comma) {
                return Err(self.unexpected(", or ) behind an option"));
            }
        }
    }

    /// Keys in parentheses.
    pub(super) fn option_keys(&mut self) -> Result<Vec<String>, ParseError> {
        if !self.takes_token(&Token::LParen) {
            return Err(self.unexpected("( and options"));
        }
        let mut keys: Vec<String> = vec![self.option_key()?];
        while self.takes_token(&Token::Comma) {
            keys.push(self.option_key()?);
        }
        if self.takes_token(&Token::RParen) { Ok(keys) } else { Err(self.unexpected(", or ) behind an option")) }
    }

    /// Words joined by periods, in lower case unless quoted, or a string.
    pub(super) fn option_key(&mut self) -> Result<String, ParseError> {
        if let Token::SingleQuotedString(text) = self.sql().peek_token().token {
            self.sql().advance_token();
            return Ok(text);
        }
        let mut key = String::new();
        loop {
            match self.sql().peek_token().token {
                Token::Word(word) if word.quote_style.is_some() => key.push_str(&word.value),
                Token::Word(word) => key.push_str(&word.value.to_lowercase()),
                _ => return Err(self.unexpected("a name")),
            }
            self.sql().advance_token();
            if !self.takes_token(&Token::Period) {
                return Ok(key);
            }
            key.push('.');
        }
    }

    /// A string, a number or a bare word.
    fn option_value(&mut self) -> Result<String, ParseError> {
        let sign = if self.takes_token(&Token::Minus) { "-" } else { "" };
        let value: String = match self.sql().peek_token().token {
            Token::Number(number, _) => format!("{sign}{number}"),
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) if sign.is_empty() => text,
            Token::Word(word) if sign.is_empty() => word.value,
            _ => return Err(self.unexpected("a string, a number or a word")),
        };
        self.sql().advance_token();
        Ok(value)
    }
}
