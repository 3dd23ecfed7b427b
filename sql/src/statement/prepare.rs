//! PREPARE, EXECUTE and DEALLOCATE. The text is kept and planned again each time, on the version of that time.

use std::sync::Arc;

use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;

use super::Work;
use crate::answer::Answer;
use crate::context::{Context, fold};
use crate::error::Error;
use crate::expression::evaluate;
use crate::parameters::Parameters;
use crate::parse::{Execute, Parsed, Prepare, parse_one};
use crate::planning::zone::read_type;
use crate::references::{Reference, references};
use crate::session::{Prepared, Session};
use crate::sql_types::arrow_type;

pub(super) async fn prepare(session: &Session, context: &Arc<Context>, prepare: &Prepare) -> Result<Work, Error> {
    let name = fold(&prepare.name);
    if session.inner().prepared.contains_key(&name) {
        return Err(Error::statement(format!("`{name}` is prepared already")).with_hint("DEALLOCATE forgets it"));
    }
    let types = prepare
        .data_types
        .iter()
        .map(|found| arrow_type(found).map_err(|error| Error::statement(error.to_string())))
        .collect::<Result<_, _>>()?;
    if let Some(query) = prepare.statement.query() {
        let plain = |reference: &Reference| matches!(reference, Reference::Plain(_));
        if references(query)?.relations.iter().all(plain) {
            context.plan_query(query, context.visible, 0).await?;
        }
    }
    let prepared = Prepared { text: prepare.text.clone(), types };
    session.inner().prepared.insert(name, prepared);
    Ok(Work::Answer(Answer::Done))
}

/// The statement that an EXECUTE runs.
pub(crate) fn prepared_statement(session: &Session, execute: &Execute) -> Result<Parsed, Error> {
    Ok(parse_one(&prepared(session, execute)?.text)?)
}

fn prepared(session: &Session, execute: &Execute) -> Result<Prepared, Error> {
    let name = fold(&execute.name);
    let prepared = session.inner().prepared.get(&name).cloned();
    prepared.ok_or_else(|| not_prepared(session, &name))
}

pub(super) async fn execute(session: &Session, context: &Arc<Context>, execute: &Execute) -> Result<Work, Error> {
    let (with_values, parsed) = with_values(session, context, execute)?;
    super::run(session, &with_values, &parsed).await
}

/// The statement that an EXECUTE runs, and the snapshot in which its parameters have their values.
pub(crate) fn with_values(
    session: &Session,
    context: &Arc<Context>,
    execute: &Execute,
) -> Result<(Arc<Context>, Parsed), Error> {
    let name = fold(&execute.name);
    let prepared = prepared(session, execute)?;
    let mut values = Vec::with_capacity(execute.parameters.len());
    for (place, expr) in execute.parameters.iter().enumerate() {
        let value = evaluate(&context.base, expr, &context.parameters)?;
        values.push(match prepared.types.get(place) {
            Some(data_type) => cast(value, &read_type(data_type, context.zone.label().as_ref()))?,
            None => value,
        });
    }
    if !prepared.types.is_empty() && prepared.types.len() != values.len() {
        return Err(Error::statement(format!(
            "`{name}` takes {} parameters, and {} are given",
            prepared.types.len(),
            values.len()
        )));
    }
    let parsed = parse_one(&prepared.text)?;
    let taken = parsed.parameters.iter().filter_map(|name| name.parse::<usize>().ok()).max().unwrap_or(0);
    if values.len() > taken.max(prepared.types.len()) {
        return Err(Error::statement(format!("`{name}` takes {taken} parameters, and {} are given", values.len())));
    }
    let with_values = Arc::new(context.with_parameters(Parameters::positional(values)));
    Ok((with_values, parsed))
}

fn cast(value: ScalarValue, data_type: &datafusion::arrow::datatypes::DataType) -> Result<ScalarValue, Error> {
    Ok(value.cast_to(data_type)?)
}

pub(super) fn deallocate(session: &Session, name: &ast::Ident) -> Result<Work, Error> {
    let name = fold(name);
    if name == "all" {
        session.inner().prepared.clear();
        return Ok(Work::Answer(Answer::Done));
    }
    let removed = session.inner().prepared.remove(&name);
    removed.map(|_| Work::Answer(Answer::Done)).ok_or_else(|| not_prepared(session, &name))
}

fn not_prepared(session: &Session, name: &str) -> Error {
    let inner = session.inner();
    match frostline_catalog::nearest(name, inner.prepared.keys().map(String::as_str)) {
        Some(nearest) => Error::statement(format!("`{name}` is not prepared; did you mean `{nearest}`?")),
        None => Error::statement(format!("`{name}` is not prepared; PREPARE {name} AS … prepares it")),
    }
}
