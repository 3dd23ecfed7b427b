//! From a version clause to the version it asks for.

use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;
use frostline_catalog::{AsOf, BranchId, Version};

use crate::context::{Context, fold};
use crate::description::has_parameter;
use crate::error::Error;
use crate::expression::evaluate;
use crate::instant::{InstantError, instant};
use crate::parse::VersionClause;

impl Context {
    /// The version that a clause asks for.
    pub(crate) fn resolve_version(&self, clause: &VersionClause) -> Result<Version, Error> {
        if self.describing && has_parameter(clause.expr()) {
            return Ok(self.visible);
        }
        let as_of = self.as_of(clause)?;
        Ok(self.committed.resolve_as_of(&as_of, self.newest(), self.started)?)
    }

    /// The newest committed version, whose tags are looked up: a version clause reaches past the version that a session
    /// is pinned to, whichever way it names its own. In a transaction it is the one that this began from.
    pub(crate) fn newest(&self) -> Version {
        self.committed.newest(BranchId::MAIN).unwrap_or(self.visible)
    }

    /// The version that a text asks for: a number, a tag or an instant.
    pub(crate) fn resolve_version_text(&self, text: &str) -> Result<Version, Error> {
        if let Ok(number) = text.parse::<i64>() {
            return Ok(self.committed.resolve_as_of(&AsOf::Version(number), self.newest(), self.started)?);
        }
        let literal = ast::Expr::Value(ast::Value::SingleQuotedString(text.to_owned()).into());
        self.resolve_version(&VersionClause::Auto(literal))
    }

    fn as_of(&self, clause: &VersionClause) -> Result<AsOf, Error> {
        let value = |expr: &ast::Expr| evaluate(&self.base, expr, &self.parameters);
        let word = |expr: &ast::Expr, what: &str| -> Result<String, Error> {
            if let ast::Expr::Identifier(ident) = expr {
                return Ok(fold(ident));
            }
            let found = value(expr)?;
            found.try_as_str().flatten().map(str::to_owned).ok_or_else(|| {
                Error::statement(format!("an AS OF {what} takes a name or text, not {}", found.data_type()))
            })
        };
        let at = |found: &ScalarValue| {
            instant(found, self.zone).map(AsOf::Timestamp).map_err(|error| Error::statement(error.to_string()))
        };
        match clause {
            VersionClause::Tag(expr) => Ok(AsOf::Tag(word(expr, "TAG")?)),
            VersionClause::Branch(expr) => Ok(AsOf::Branch(word(expr, "BRANCH")?)),
            VersionClause::Timestamp(expr) => at(&value(expr)?),
            VersionClause::Version(expr) => {
                let found = value(expr)?;
                version_number(&found).map(AsOf::Version).ok_or_else(|| {
                    Error::statement(format!("an AS OF VERSION takes a whole number, not {}", shown(&found)))
                })
            }
            VersionClause::Auto(expr) => {
                let found = value(expr)?;
                if let Some(number) = version_number(&found) {
                    return Ok(AsOf::Version(number));
                }
                if let Some(Some(text)) = found.try_as_str() {
                    let tag = self.committed.tags().all_at(self.newest()).any(|(tag, _)| tag.as_str() == text);
                    return match instant(&found, self.zone) {
                        _ if tag => Ok(AsOf::Tag(text.to_owned())),
                        Ok(time) => Ok(AsOf::Timestamp(time)),
                        Err(InstantError::Text { .. }) => Ok(AsOf::Tag(text.to_owned())),
                        Err(error) => Err(Error::statement(error.to_string())),
                    };
                }
                at(&found)
            }
        }
    }
}

fn version_number(value: &ScalarValue) -> Option<i64> {
    use ScalarValue as V;
    match value {
        V::Int8(Some(number)) => Some(i64::from(*number)),
        V::Int16(Some(number)) => Some(i64::from(*number)),
        V::Int32(Some(number)) => Some(i64::from(*number)),
        V::Int64(Some(number)) => Some(*number),
        V::UInt8(Some(number)) => Some(i64::from(*number)),
        V::UInt16(Some(number)) => Some(i64::from(*number)),
        V::UInt32(Some(number)) => Some(i64::from(*number)),
        V::UInt64(Some(number)) => Some(i64::try_from(*number).unwrap_or(i64::MAX)),
        _ => None,
    }
}

fn shown(value: &ScalarValue) -> String {
    match value.try_as_str() {
        Some(Some(text)) => format!("the text '{text}'"),
        _ if value.is_null() => "NULL".to_owned(),
        _ => format!("{value} of type {}", value.data_type()),
    }
}
