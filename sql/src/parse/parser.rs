//! From text to statements.
//!
//! ```text
//! text ──split──▶ tokens of a statement ──number, rewrite──▶ tokens for the parser
//!                                                                  └──▶ Statement ──desugar, check──▶ Parsed
//! ```
//!
//! A script is read statement by statement, when it is asked for the next one: a mistake in the third does not keep the
//! first two from running. Only splitting looks at the whole text at once, and what stops it is reported in its turn.

mod alter;
mod comment;
mod copy;
mod create;
mod delete;
mod describe;
mod explain;
mod insert;
mod merge;
mod options;
mod refused;
mod restore;
mod session;
mod target;
mod transaction;
mod truncate;
mod update;
mod with;

use std::collections::BTreeSet;

use datafusion::sql::parser::{DFParser, DFParserBuilder};
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::check::check;
use super::desugar::desugar;
use super::dialect::DIALECT;
use super::error::{ParseError, Position};
use super::source::Source;
use super::statement::Statement;
use super::tokens::{check_depth, is_word, number_parameters, rewrite, split};
use super::version_clause::{VersionClause, version_clause};

/// How deep the parser goes. What nests too deep is refused before it comes there.
const RECURSION_LIMIT: usize = 128;

/// A statement and the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Its text as typed, from its first token to its last, without the semicolon.
    pub text: String,
    /// The line on which it begins, counted from 1.
    pub line: u64,
    /// The names of its parameters without `$`: `1`, `2`, `since`. `?` are numbered.
    pub parameters: BTreeSet<String>,
}

/// A text of statements separated by semicolons; an iterator that reads them one by one.
///
/// * Comments, empty statements and a semicolon at the end are passed over.
/// * An error is about one statement; the iterator goes on with the next if asked.
/// * A literal, name or comment without its end makes the last item an error, after the statements before it.
#[derive(Debug)]
pub struct Script {
    source: Source,
    statements: std::vec::IntoIter<Vec<TokenWithSpan>>,
    failure: Option<ParseError>,
}

impl Script {
    /// Splits a text. Never fails: what is wrong with it is reported in its turn.
    pub fn new(sql: &str) -> Self {
        let source = Source::new(sql);
        let parts = split(source.text());
        Self { statements: parts.statements.into_iter(), failure: parts.failure, source }
    }
}

impl Iterator for Script {
    type Item = Result<Parsed, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.statements.next() {
            Some(tokens) => Some(parse_tokens(&self.source, tokens)),
            None => self.failure.take().map(Err),
        }
    }
}

/// Reads all statements of a text.
///
/// # Errors
/// The first mistake, wherever it is. To run what stands before it, use [`Script`].
pub fn parse_script(sql: &str) -> Result<Vec<Parsed>, ParseError> {
    Script::new(sql).collect()
}

/// Reads a text that holds exactly one statement.
///
/// # Errors
/// [`ParseError::NoStatement`], [`ParseError::SeveralStatements`], or what is wrong with the one.
pub fn parse_one(sql: &str) -> Result<Parsed, ParseError> {
    let mut script = Script::new(sql);
    let first: Parsed = match script.next() {
        Some(outcome) => outcome?,
        None => return Err(ParseError::NoStatement),
    };
    if let Some(second) = script.statements.next() {
        let at = second.first().and_then(|token| Position::of(token.span.start));
        return Err(ParseError::SeveralStatements { at });
    }
    match script.failure {
        Some(error) => Err(error),
        None => Ok(first),
    }
}

/// Reads one statement. The tokens are not empty and hold no semicolon.
fn parse_tokens(source: &Source, mut tokens: Vec<TokenWithSpan>) -> Result<Parsed, ParseError> {
    let start: Location = tokens.first().map_or(Location::empty(), |token| token.span.start);
    let end: Location = tokens.last().map_or(Location::empty(), |token| token.span.end);
    if let Some(hint) = tokens.iter().find(|token| matches!(token.token, Token::Whitespace(_))) {
        return Err(ParseError::unsupported(
            format!("the hint `{}`", hint.token),
            "leave it out: plans follow statistics",
        ));
    }
    check_depth(&tokens)?;
    let parameters = number_parameters(&mut tokens)?;
    let rewritten = rewrite(&tokens)?;
    let mut input = rewritten.tokens;
    input.push(TokenWithSpan::new(Token::EOF, Span::new(end, end)));
    let inner = DFParserBuilder::new(input).with_dialect(&DIALECT).with_recursion_limit(RECURSION_LIMIT).build()?;
    let mut parser = StatementParser { inner, source, end, by_name: rewritten.by_name };
    let statement = parser.statement()?;
    parser.expect_end()?;
    Ok(Parsed { statement, text: source.slice(start, end).to_owned(), line: start.line, parameters })
}

/// The parser of one statement. Each kind of statement has a file under `parser/`.
struct StatementParser<'a> {
    inner: DFParser<'static>,
    source: &'a Source,
    end: Location,
    by_name: bool,
}

impl StatementParser<'_> {
    fn statement(&mut self) -> Result<Statement, ParseError> {
        let first = self.sql().peek_token();
        if first.token == Token::LParen {
            return self.query().map(Statement::Query);
        }
        let verb = match &first.token {
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
            other => {
                return Err(ParseError::syntax(first.span.start, format!("expected: a statement, found: {other}")));
            }
        };
        match verb.as_str() {
            "SELECT" | "VALUES" | "FROM" | "TABLE" => self.query().map(Statement::Query),
            "WITH" => self.with(),
            "EXPLAIN" => self.explain(),
            "INSERT" => self.insert(None),
            "CREATE" => self.create(),
            "DROP" => self.drop(),
            "ALTER" => self.alter(),
            "SHOW" => self.show(),
            "DESCRIBE" | "DESC" => self.describe(),
            "SUMMARIZE" => self.summarize(),
            "USE" => self.use_schema(),
            "PREPARE" => self.prepare(),
            "EXECUTE" => self.execute(),
            "DEALLOCATE" => self.deallocate(),
            "SET" => self.set(),
            "RESET" => self.reset(),
            "COPY" => self.copy(),
            "DELETE" => self.delete(None),
            "UPDATE" => self.update(None),
            "MERGE" => self.merge(None),
            "TRUNCATE" => self.truncate(),
            "BEGIN" => self.begin(),
            "START" => self.start_transaction(),
            "COMMIT" | "END" => self.commit(),
            "ROLLBACK" | "ABORT" => self.rollback(),
            "ASSERT" => self.assert(),
            "COMMENT" => self.comment(),
            "RESTORE" => self.restore(),
            "UNDROP" => self.undrop(),
            _ => Err(refused::verb(&verb, first.span.start)),
        }
    }

    /// A query, checked.
    fn query(&mut self) -> Result<Box<Query>, ParseError> {
        let mut query: Box<Query> = self.sql().parse_query()?;
        desugar(&mut query);
        check(&query)?;
        Ok(query)
    }

    /// A version clause, if one comes next.
    fn as_of(&mut self) -> Result<Option<VersionClause>, ParseError> {
        match self.sql().maybe_parse_table_version()? {
            Some(version) => version_clause(&version).map(Some),
            None => Ok(None),
        }
    }

    /// Whether a query comes next.
    fn stands_before_query(&mut self) -> bool {
        let next = self.sql().peek_token();
        next.token == Token::LParen
            || ["SELECT", "WITH", "VALUES", "FROM"].into_iter().any(|word| is_word(Some(&next), word))
    }

    /// What the parser of expressions, queries and names offers.
    fn sql(&mut self) -> &mut Parser<'static> {
        &mut self.inner.parser
    }

    /// The place of the next token.
    fn here(&mut self) -> Location {
        self.sql().peek_token().span.start
    }

    /// The text from a place to the end of the statement.
    fn text_from(&self, start: Location) -> String {
        self.source.slice(start, self.end).to_owned()
    }

    /// Takes a word that need not be one of the parser's keywords. The word is given in upper case.
    fn takes(&mut self, word: &str) -> bool {
        let found = is_word(Some(&self.sql().peek_token()), word);
        if found {
            self.sql().advance_token();
        }
        found
    }

    /// Takes words that come one after the other, or none of them.
    fn takes_all(&mut self, words: &[&str]) -> bool {
        let found =
            words.iter().enumerate().all(|(index, word)| is_word(Some(&self.sql().peek_nth_token(index)), word));
        if found {
            for _ in words {
                self.sql().advance_token();
            }
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), ParseError> {
        if self.takes(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    fn takes_token(&mut self, token: &Token) -> bool {
        self.sql().consume_token(token)
    }

    /// The error about the next token.
    fn unexpected(&mut self, expected: &str) -> ParseError {
        let next = self.sql().peek_token();
        let found = match next.token {
            Token::EOF => "the end of the statement".to_owned(),
            other => other.to_string(),
        };
        ParseError::syntax(next.span.start, format!("expected: {expected}, found: {found}"))
    }

    fn expect_end(&mut self) -> Result<(), ParseError> {
        if self.sql().peek_token().token == Token::EOF {
            Ok(())
        } else {
            Err(self.unexpected("the end of the statement"))
        }
    }

    fn name(&mut self) -> Result<ObjectName, ParseError> {
        Ok(self.sql().parse_object_name(false)?)
    }

    fn ident(&mut self) -> Result<Ident, ParseError> {
        Ok(self.sql().parse_identifier()?)
    }

    fn if_exists(&mut self) -> bool {
        self.sql().parse_keywords(&[Keyword::IF, Keyword::EXISTS])
    }

    fn if_not_exists(&mut self) -> bool {
        self.sql().parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS])
    }

    /// A string in single or double quotes.
    fn text(&mut self, expected: &str) -> Result<String, ParseError> {
        let found: Option<String> = match self.sql().peek_token().token {
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) | Token::EscapedStringLiteral(text) => {
                Some(text)
            }
            Token::Word(word) if word.quote_style == Some('"') => Some(word.value),
            _ => None,
        };
        match found {
            Some(text) => {
                self.sql().advance_token();
                Ok(text)
            }
            None => Err(self.unexpected(expected)),
        }
    }
}
