//! COMMENT ON.

use super::StatementParser;
use crate::parse::error::ParseError;
use crate::parse::statement::{Comment, CommentSubject, Statement};

impl StatementParser<'_> {
    /// `COMMENT ON TABLE t | VIEW v | COLUMN t.c IS 'text' | NULL`
    pub(super) fn comment(&mut self) -> Result<Statement, ParseError> {
        self.expect("COMMENT")?;
        self.expect("ON")?;
        let subject = if self.takes("TABLE") {
            CommentSubject::Table(self.name()?)
        } else if self.takes("VIEW") {
            CommentSubject::View(self.name()?)
        } else if self.takes("COLUMN") {
            CommentSubject::Column(self.name()?)
        } else if self.takes("SCHEMA") || self.takes("DATABASE") {
            return Err(ParseError::unsupported("COMMENT ON SCHEMA", "remark on its tables, views and columns"));
        } else {
            return Err(self.unexpected("TABLE, VIEW or COLUMN"));
        };
        self.expect("IS")?;
        let text = self.remark()?;
        Ok(Statement::Comment(Comment { subject, text }))
    }

    /// A remark in quotes, or NULL for none.
    pub(super) fn remark(&mut self) -> Result<Option<String>, ParseError> {
        if self.takes("NULL") {
            return Ok(None);
        }
        self.text("a comment in quotes, or NULL").map(Some)
    }
}
