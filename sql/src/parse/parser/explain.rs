//! EXPLAIN.

use datafusion::common::format::{ExplainFormat, ExplainStatementOptions};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{StatementParser, refused};
use crate::parse::error::ParseError;
use crate::parse::statement::{CreateTable, Explain, Statement};
use crate::parse::tokens::is_word;

impl StatementParser<'_> {
    /// `EXPLAIN [ANALYZE] [VERBOSE] [FORMAT f] statement` or `EXPLAIN (option, …) statement`
    pub(super) fn explain(&mut self) -> Result<Statement, ParseError> {
        self.expect("EXPLAIN")?;
        let options = self.explain_options()?;
        let inner = self.statement()?;
        match &inner {
            Statement::Query(_) => {}
            Statement::Insert(_)
            | Statement::Delete(_)
            | Statement::Update(_)
            | Statement::Merge(_)
            | Statement::CreateTable(CreateTable { query: Some(_), .. })
            | Statement::CopyTo(_) => {
                if options.analyze {
                    return Err(refused::analyzed());
                }
            }
            _ => return Err(refused::explained()),
        }
        Ok(Statement::Explain(Explain { options, inner: Box::new(inner) }))
    }

    fn explain_options(&mut self) -> Result<ExplainStatementOptions, ParseError> {
        if self.sql().peek_token().token == Token::LParen && !self.stands_before_nested_query() {
            let options = self.sql().parse_utility_options()?;
            return Ok(ExplainStatementOptions::from_utility_options(&options)?);
        }
        let analyze = self.takes("ANALYZE");
        let verbose = self.takes("VERBOSE");
        let format: Option<ExplainFormat> = match self.takes("FORMAT") {
            true => Some(self.explain_format()?.parse::<ExplainFormat>()?),
            false => None,
        };
        Ok(ExplainStatementOptions { analyze, verbose, format, ..ExplainStatementOptions::default() })
    }

    /// The name of a format, a word or a text.
    fn explain_format(&mut self) -> Result<String, ParseError> {
        let found: Option<String> = match self.sql().peek_token().token {
            Token::Word(word) => Some(word.value),
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => Some(text),
            _ => None,
        };
        match found {
            Some(name) => {
                self.sql().advance_token();
                Ok(name)
            }
            None => Err(self.unexpected("an explain format such as TREE")),
        }
    }

    /// Whether the parenthesis that comes next opens a query, and not a list of options.
    fn stands_before_nested_query(&mut self) -> bool {
        let second = self.sql().peek_nth_token(1);
        second.token == Token::LParen
            || ["SELECT", "WITH", "VALUES", "FROM", "TABLE"].into_iter().any(|word| is_word(Some(&second), word))
    }
}
