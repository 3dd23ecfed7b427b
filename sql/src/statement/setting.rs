//! USE, SET, RESET and SHOW: what a session remembers.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use datafusion::config::ConfigField;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;

use super::Work;
use crate::answer::Answer;
use crate::context::{Context, INFORMATION_SCHEMA, QualifiedName, SYSTEM, fold};
use crate::error::Error;
use crate::expression::evaluate;
use crate::instant::{Zone, parse_instant};
use crate::parse::{Set, VersionClause};
use crate::session::Session;
use crate::settings::{check_allowed, full_name, isolation, unknown};

fn done() -> Result<Work, Error> {
    Ok(Work::Answer(Answer::Done))
}

pub(super) fn use_schema(session: &Session, context: &Context, schema: &ast::Ident) -> Result<Work, Error> {
    let name = fold(schema);
    let known =
        name == SYSTEM || name == INFORMATION_SCHEMA || context.state.schema_named(&name, context.visible).is_some();
    if !known {
        return Err(context.missing(&QualifiedName { schema: name, name: String::new() }, context.visible));
    }
    session.inner().schema = name;
    done()
}

pub(super) fn set_as_of(session: &Session, context: &Context, expr: Option<&ast::Expr>) -> Result<Work, Error> {
    let pin = match expr {
        None => None,
        Some(expr) => Some(context.resolve_version(&VersionClause::Auto(expr.clone()))?),
    };
    session.inner().own.pin = pin;
    done()
}

pub(super) fn set(session: &Session, context: &Context, set: &Set) -> Result<Work, Error> {
    let values: Vec<String> = set.values.iter().map(|value| text(context, value)).collect::<Result<_, _>>()?;
    let value = values.join(",");
    let name = full_name(&set.name);
    match name.as_str() {
        "frostline.author" => session.inner().own.author = value,
        "frostline.message" => session.inner().own.message = value,
        "frostline.isolation" => session.inner().own.isolation = isolation(&value)?,
        "frostline.commit_time" => {
            let at = parse_instant(&value, context.zone).map_err(|error| Error::statement(error.to_string()))?;
            session.inner().own.commit_time = Some(at);
        }
        _ => {
            let mut inner = session.inner();
            check_allowed(&name, &inner.options, inner.network)?;
            if name == "datafusion.execution.time_zone" && Zone::parse(&value).is_none() {
                return Err(Error::statement(format!("`{value}` is no time zone"))
                    .with_hint("use a name as in `Europe/Zurich`, or an offset as in `+02:00`"));
            }
            inner.options.set(&name, &value).map_err(|error| {
                Error::statement(format!("setting `{name}` does not take `{value}`: {}", error.strip_backtrace()))
            })?;
            inner.own.changed.insert(name);
        }
    }
    done()
}

/// A value of SET as text. A bare word stands for itself.
fn text(context: &Context, value: &ast::Expr) -> Result<String, Error> {
    if let ast::Expr::Identifier(word) = value {
        return Ok(word.value.clone());
    }
    let value = evaluate(&context.base, value, &context.parameters)?;
    match value.cast_to(&datafusion::arrow::datatypes::DataType::Utf8)? {
        ScalarValue::Utf8(Some(text)) => Ok(text),
        _ => Err(Error::statement("a setting does not take NULL").with_hint("RESET gives it its default again")),
    }
}

pub(super) fn reset(session: &Session, name: &str) -> Result<Work, Error> {
    let name = full_name(name);
    let defaults = Arc::clone(session.lake.base.config_options());
    let mut inner = session.inner();
    let initial = inner.initial.clone();
    match name.as_str() {
        "all" => {
            inner.options = datafusion::common::config::ConfigOptions::clone(&defaults);
            inner.own = initial;
        }
        "frostline.author" => inner.own.author = initial.author,
        "frostline.message" => inner.own.message = initial.message,
        "frostline.isolation" => inner.own.isolation = initial.isolation,
        "frostline.commit_time" => inner.own.commit_time = initial.commit_time,
        _ => {
            // Whoever may not change it may have it as the server has it.
            check_allowed(&name, &inner.options, false)?;
            let value = defaults.entries().into_iter().find(|entry| entry.key == name).and_then(|entry| entry.value);
            match value {
                Some(value) => inner.options.set(&name, &value)?,
                None => ConfigField::reset(&mut inner.options, &name)?,
            }
            inner.own.changed.remove(&name);
        }
    }
    done()
}

pub(super) fn show(context: &Context, name: &str) -> Result<Work, Error> {
    let name = full_name(name);
    let settings = context.settings();
    let shown: Vec<_> = settings.iter().filter(|row| name == "all" || row.name == name).collect();
    if shown.is_empty() {
        return Err(unknown(&name, context.base.config_options()));
    }
    let batch = RecordBatch::try_from_iter([
        ("name", Arc::new(StringViewArray::from_iter_values(shown.iter().map(|row| &row.name))) as ArrayRef),
        ("value", Arc::new(StringViewArray::from_iter(shown.iter().map(|row| row.value.as_ref())))),
    ])?;
    Ok(Work::Answer(Answer::of_batch(context.visible, batch)))
}
