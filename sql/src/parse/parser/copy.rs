//! COPY.

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::parser::IsOptional;
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

use super::StatementParser;
use crate::parse::error::ParseError;
use crate::parse::statement::{CopyFrom, CopySource, CopyTo, Statement};

/// The key under which a list of options names the format.
const FORMAT: &str = "format";

/// Options of a COPY, keys in lower case unless quoted.
type CopyOptions = Vec<(String, String)>;

impl StatementParser<'_> {
    /// `COPY t | (query) TO 'file' …` or `COPY t [(columns)] FROM 'file' | ('file', …) …`
    pub(super) fn copy(&mut self) -> Result<Statement, ParseError> {
        self.expect("COPY")?;
        if self.takes("INTO") {
            return Err(ParseError::unsupported("COPY INTO", "write `COPY t FROM 'file'` or `COPY t TO 'file'`"));
        }
        if self.takes_token(&Token::LParen) {
            let query = self.query()?;
            self.sql().expect_token(&Token::RParen)?;
            self.expect("TO")?;
            return self.copy_to(CopySource::Query(query));
        }
        let table = self.name()?;
        let at = self.here();
        let columns: Vec<Ident> = self.sql().parse_parenthesized_column_list(IsOptional::Optional, false)?;
        if self.takes("FROM") {
            let sources = self.paths()?;
            let (format, options) = self.format_and_options()?;
            return Ok(Statement::CopyFrom(CopyFrom { table, columns, sources, format, options }));
        }
        self.expect("TO")?;
        if !columns.is_empty() {
            return Err(ParseError::syntax(
                at,
                "COPY TO takes columns from a query: write `COPY (SELECT a, b FROM t) TO …`",
            ));
        }
        self.copy_to(CopySource::Table(table))
    }

    fn copy_to(&mut self, source: CopySource) -> Result<Statement, ParseError> {
        let target = self.text("a path in quotes")?;
        let (format, options) = self.format_and_options()?;
        Ok(Statement::CopyTo(CopyTo { source, target, format, options }))
    }

    /// One path, or several in parentheses.
    fn paths(&mut self) -> Result<Vec<String>, ParseError> {
        if self.takes("STDIN") {
            return Err(ParseError::unsupported("COPY FROM STDIN", "name a file: `COPY t FROM 'file.csv'`"));
        }
        if !self.takes_token(&Token::LParen) {
            return Ok(vec![self.text("a path in quotes")?]);
        }
        let mut paths: Vec<String> = vec![self.text("a path in quotes")?];
        while self.takes_token(&Token::Comma) {
            paths.push(self.text("a path in quotes")?);
        }
        self.sql().expect_token(&Token::RParen)?;
        Ok(paths)
    }

    /// `[STORED AS f] [[WITH | OPTIONS] (FORMAT f, key value, …)]`, in either order.
    fn format_and_options(&mut self) -> Result<(Option<String>, CopyOptions), ParseError> {
        let mut format: Option<String> = None;
        let mut options: Option<Vec<(String, String)>> = None;
        loop {
            let at = self.here();
            if self.takes_all(&["STORED", "AS"]) {
                set_format(&mut format, self.ident()?.value, at)?;
                continue;
            }
            if self.takes("PARTITIONED") || self.takes("PARTITION") {
                return Err(ParseError::unsupported(
                    "COPY … PARTITIONED BY",
                    "write one COPY for each part, with WHERE",
                ));
            }
            let has_word = self.takes("WITH") || self.takes("OPTIONS");
            if !has_word && self.sql().peek_token().token != Token::LParen {
                return Ok((format, options.unwrap_or_default()));
            }
            if options.is_some() {
                return Err(ParseError::syntax(at, "options are given twice; keep one list"));
            }
            let mut rest: Vec<(String, String)> = Vec::new();
            for (key, value) in self.options()? {
                if key == FORMAT {
                    set_format(&mut format, value, at)?;
                } else {
                    rest.push((key, value));
                }
            }
            options = Some(rest);
        }
    }
}

fn set_format(format: &mut Option<String>, value: String, at: Location) -> Result<(), ParseError> {
    if format.replace(value).is_some() {
        return Err(ParseError::syntax(at, "the format is given twice; keep one"));
    }
    Ok(())
}
