//! What DELETE, UPDATE and MERGE have in common: their target, their other relations, and what may not follow.

use datafusion::sql::sqlparser::ast::{Expr, Ident, TableWithJoins};
use datafusion::sql::sqlparser::keywords::RESERVED_FOR_TABLE_ALIAS;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::StatementParser;
use crate::parse::dml::Target;
use crate::parse::error::ParseError;
use crate::parse::tokens::is_word;

/// Words behind a target that are no alias of it.
const GOING_ON: [&str; 10] = ["SET", "USING", "WHERE", "FROM", "ON", "WHEN", "ORDER", "LIMIT", "RETURNING", "OUTPUT"];

/// Words of a join.
const JOINS: [&str; 7] = ["JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL"];

impl StatementParser<'_> {
    /// `t [[AS] alias]`. Other relations stand behind the word that is given.
    pub(super) fn target(&mut self, verb: &str, others: &str) -> Result<Target, ParseError> {
        let name = self.name()?;
        if self.sql().peek_token().token == Token::LParen {
            return Err(ParseError::unsupported(
                format!("{verb} of what the function `{name}` gives"),
                "name a table: only rows of tables can be changed",
            ));
        }
        let alias = self.target_alias()?;
        let next = self.sql().peek_token();
        if next.token == Token::Comma {
            return Err(ParseError::unsupported(
                format!("{verb} of several tables"),
                "write one statement for each table",
            ));
        }
        if JOINS.into_iter().any(|word| is_word(Some(&next), word)) {
            return Err(ParseError::unsupported(
                format!("a join as the target of {verb}"),
                format!("name the table that changes, and the others behind {others}"),
            ));
        }
        Ok(Target { name, alias })
    }

    fn target_alias(&mut self) -> Result<Option<Ident>, ParseError> {
        if self.takes("AS") {
            return self.ident().map(Some);
        }
        let next = self.sql().peek_token();
        let is_alias = match &next.token {
            Token::Word(word) => {
                let is_plain = |known: &&str| word.value.eq_ignore_ascii_case(known);
                let goes_on = GOING_ON.iter().chain(&JOINS).any(is_plain);
                // `DELETE FROM t HAVING …` is a mistake, and no deletion of every row of `t`, called HAVING.
                word.quote_style.is_some() || !goes_on && !RESERVED_FOR_TABLE_ALIAS.contains(&word.keyword)
            }
            _ => false,
        };
        if is_alias { self.ident().map(Some) } else { Ok(None) }
    }

    /// Relations with their joins, separated by commas, if the word comes next that they stand behind.
    pub(super) fn relations_behind(&mut self, word: &str) -> Result<Vec<TableWithJoins>, ParseError> {
        if !self.takes(word) {
            return Ok(Vec::new());
        }
        Ok(self.sql().parse_comma_separated(Parser::parse_table_and_joins)?)
    }

    /// `WHERE condition`, if it comes next.
    pub(super) fn filter(&mut self) -> Result<Option<Expr>, ParseError> {
        match self.takes("WHERE") {
            true => Ok(Some(self.sql().parse_expr()?)),
            false => Ok(None),
        }
    }

    /// Refuses what other systems have at the end of a statement that changes rows.
    pub(super) fn refuse_behind(&mut self, verb: &str) -> Result<(), ParseError> {
        let next = self.sql().peek_token();
        let is_next = |word: &str| is_word(Some(&next), word);
        if is_next("RETURNING") || is_next("OUTPUT") {
            return Err(ParseError::unsupported(
                format!("RETURNING behind {verb}"),
                "read the rows with a SELECT; as they were before, with `AS OF`",
            ));
        }
        if is_next("ORDER") || is_next("LIMIT") {
            return Err(ParseError::unsupported(
                format!("ORDER BY or LIMIT behind {verb}"),
                "choose the rows in its condition: `WHERE id IN (SELECT id FROM t ORDER BY a LIMIT 10)`",
            ));
        }
        Ok(())
    }
}
