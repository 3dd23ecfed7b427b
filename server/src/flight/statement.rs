//! Statements: what they give is planned and kept when a client asks for it; what they change is changed then, once.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow_flight::sql::CommandStatementQuery;
use arrow_flight::{FlightDescriptor, FlightInfo};
use frostline_sql::parse::{Parsed, Statement};
use frostline_sql::{Answer, Parameters, ScalarValue, Session, StatementKind, Stop, TransactionStatus};
use sha2::{Digest, Sha256};
use tonic::{Response, Status};

use crate::gateway::{Binding, Execution, GatewayError, Join, Outcome, Plans, PreparedStatement, QuerySource, label};

use super::FlightDoor;
use super::caller::Caller;
use super::plain::{as_promised, plain_schema};
use super::transaction::Admitted;

/// Which execution of a statement that writes a request means, where the client does not name it.
pub(crate) enum Meant<'a> {
    /// A statement as text: each request means another, unless gRPC says that it sends it again.
    Text,
    /// A prepared statement without values: as with text, but while it runs another request for it joins.
    Unbound(&'a PreparedStatement),
    /// A prepared statement with bound values: there is one execution with them.
    Bound(&'a PreparedStatement, &'a Binding),
}

impl FlightDoor {
    /// What is told of a statement's result. A statement that writes has run when this returns.
    pub(crate) async fn statement_info(
        &self,
        caller: &Caller,
        query: CommandStatementQuery,
        descriptor: FlightDescriptor,
    ) -> Result<Response<FlightInfo>, Status> {
        let admitted = self.admit(caller, &query.query, query.transaction_id.as_ref()).await?;
        let Admitted { parsed, kind, session, .. } = admitted;
        if kind != StatementKind::Rows {
            let outcome = self.write(caller, &session, &parsed, one_row(), Meant::Text).await?;
            return self.outcome_info(caller, outcome, descriptor);
        }
        let planned = self.gateway.within_timeout(session.plan(&parsed, &Parameters::none())).await?;
        self.planned_info(caller, &parsed, Plans::one(planned), None, descriptor)
    }

    /// What is told of a prepared statement's result.
    pub(crate) async fn prepared_info(
        &self,
        caller: &Caller,
        handle: &[u8],
        descriptor: FlightDescriptor,
    ) -> Result<Response<FlightInfo>, Status> {
        let (statement, binding) = self.prepared(caller, handle)?;
        let session = self.session_of(caller, &statement).await?;
        let kind = self.gateway.authorise(&caller.principal, &session, &statement.parsed)?;
        let rows = binding.as_ref().map_or_else(one_row, |binding| Arc::clone(&binding.rows));
        if kind != StatementKind::Rows {
            let meant = match &binding {
                Some(binding) => Meant::Bound(&statement, binding),
                None => Meant::Unbound(&statement),
            };
            let outcome = self.write(caller, &session, &statement.parsed, rows, meant).await?;
            return self.outcome_info(caller, outcome, descriptor);
        }
        let planning = Plans::plan(&session, &statement.parsed, &rows);
        let Some(plans) = self.gateway.within_timeout(planning).await? else {
            let columns = statement.columns.clone().ok_or_else(|| no_rows_of_values().status())?;
            let version = self.gateway.visible(&session);
            let source = QuerySource::Batch(RecordBatch::new_empty(Arc::clone(&columns)));
            let query = self.gateway.queries.keep(caller.owner(), version, columns, source, "query");
            return Ok(caller.reply(self.info_of(descriptor, &query, 0)?, Some(version)));
        };
        self.planned_info(caller, &statement.parsed, plans, Some(&statement), descriptor)
    }

    fn planned_info(
        &self,
        caller: &Caller,
        parsed: &Parsed,
        plans: Plans,
        prepared: Option<&PreparedStatement>,
        descriptor: FlightDescriptor,
    ) -> Result<Response<FlightInfo>, Status> {
        let version = plans.version();
        let promised = prepared.and_then(|prepared| prepared.columns.as_ref());
        let columns = as_promised(&plain_schema(&plans.columns()), promised);
        let source = QuerySource::Plans(plans);
        let label = label(&parsed.statement);
        let query = self.gateway.queries.keep(caller.owner(), version, columns, source, label);
        Ok(caller.reply(self.info_of(descriptor, &query, -1)?, Some(version)))
    }

    /// What is told of a statement that has run: how many rows it wrote, and a ticket for its outcome.
    fn outcome_info(
        &self,
        caller: &Caller,
        outcome: Outcome,
        descriptor: FlightDescriptor,
    ) -> Result<Response<FlightInfo>, Status> {
        let batch = outcome_batch(outcome).map_err(GatewayError::from)?;
        let (columns, version) = (batch.schema(), outcome.version);
        let source = QuerySource::Batch(batch);
        let query = self.gateway.queries.keep(caller.owner(), version, columns, source, "outcome");
        // Clients show the number of records as the number of rows that a statement wrote.
        let rows = i64::try_from(outcome.rows).unwrap_or(i64::MAX);
        Ok(caller.reply(self.info_of(descriptor, &query, rows)?, Some(version)))
    }

    /// Runs a statement that gives no rows: once for the execution that the request means.
    pub(crate) async fn write(
        &self,
        caller: &Caller,
        session: &Session,
        parsed: &Parsed,
        rows: Arc<[Parameters]>,
        meant: Meant<'_>,
    ) -> Result<Outcome, Status> {
        // What a statement sets is for the calls that follow, and not for this one's headers.
        let session = match session.kind(&parsed.statement).map_err(GatewayError::from)? {
            StatementKind::Session => caller.lasting_session(&self.gateway)?,
            // A transaction that is begun by a statement is for the calls that follow, too.
            StatementKind::Transaction if session.transaction_status() == TransactionStatus::None => {
                match &parsed.statement {
                    Statement::Begin(_) => caller.session_to_begin_in(&self.gateway)?,
                    _ => session.clone(),
                }
            }
            _ => session.clone(),
        };
        let (key, join) = execution_key(caller, parsed, &rows, &meant, session.transaction_number());
        let begin = || {
            let (gateway, principal) = (Arc::clone(&self.gateway), caller.principal.clone());
            let (session, parsed, rows) = (session.clone(), parsed.clone(), Arc::clone(&rows));
            let stop = Stop::new();
            let seen = stop.clone();
            Execution::begin(stop, async move {
                let answer = gateway.write(&principal, &session, &parsed, &rows, &seen).await?;
                Ok(match answer {
                    Answer::Committed(committed) => Outcome { version: committed.version, rows: committed.rows },
                    Answer::Pending { base, rows, .. } => Outcome { version: base, rows },
                    Answer::NoChange { version } => Outcome { version, rows: 0 },
                    Answer::Rows(rows) => Outcome { version: rows.version, rows: 0 },
                    Answer::Done => Outcome { version: gateway.visible(&session), rows: 0 },
                })
            })
        };
        let finished = self.gateway.executions.outcome(&key, join, begin).await;
        match &*finished {
            Ok(outcome) => Ok(*outcome),
            Err(error) => Err(error.status()),
        }
    }
}

/// The execution that a request means, and which earlier one it joins: never one of another transaction.
fn execution_key(
    caller: &Caller,
    parsed: &Parsed,
    rows: &[Parameters],
    meant: &Meant<'_>,
    transaction: Option<u64>,
) -> (String, Join) {
    // Who brings no session is given another one with each call, those that are sent again included.
    let (owner, session) = (caller.owner(), caller.brought_session().map(|id| id.text()).unwrap_or_default());
    let within = transaction.map(|number| format!(" in {number}")).unwrap_or_default();
    if let Some(id) = &caller.execution_id {
        // The same name for another statement, or other values, is another execution.
        return (format!("named {owner} {id} {}{within}", digest(parsed, rows)), Join::Standing);
    }
    let again = |otherwise: Join| if caller.is_retry { Join::Recent } else { otherwise };
    match meant {
        Meant::Text => (format!("text {owner} {session} {}{within}", digest(parsed, rows)), again(Join::Never)),
        Meant::Unbound(statement) => (format!("handle {}{within}", statement.id_text()), again(Join::Running)),
        Meant::Bound(statement, binding) => {
            (format!("handle {} {}{within}", statement.id_text(), binding.generation), Join::Standing)
        }
    }
}

/// What a statement and its values come to, in a few characters.
fn digest(parsed: &Parsed, rows: &[Parameters]) -> String {
    let mut digest = Digesting(Sha256::new());
    parsed.text.hash(&mut digest);
    digest.write_usize(rows.len());
    for row in rows {
        digest.write_usize(row.positional.len());
        for value in &row.positional {
            hash_value(value, &mut digest);
        }
        digest.write_usize(row.named.len());
        for (name, value) in &row.named {
            name.hash(&mut digest);
            hash_value(value, &mut digest);
        }
    }
    digest.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value's own hash leaves out what it is a value of.
fn hash_value(value: &ScalarValue, digest: &mut Digesting) {
    value.data_type().hash(digest);
    value.hash(digest);
}

/// Takes what is hashed into a digest of more than 64 bits.
struct Digesting(Sha256);

impl Hasher for Digesting {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest itself is what is asked for, and none of its parts.
    fn finish(&self) -> u64 {
        0
    }
}

/// One execution without values.
pub(crate) fn one_row() -> Arc<[Parameters]> {
    Arc::from([Parameters::none()])
}

fn no_rows_of_values() -> GatewayError {
    GatewayError::malformed("the parameters of a query", "there is no row of them")
}

/// The outcome as a row.
fn outcome_batch(outcome: Outcome) -> Result<RecordBatch, arrow::error::ArrowError> {
    let number = |number: u64| -> ArrayRef {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Arc::new(Int64Array::from(vec![number]))
    };
    RecordBatch::try_from_iter([("rows_affected", number(outcome.rows)), ("version", number(outcome.version.number()))])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use frostline_catalog::Version;

    use super::*;

    #[test]
    fn other_values_are_another_execution() {
        let parsed = frostline_sql::parse::parse_one("INSERT INTO t VALUES (?)").unwrap();
        let values = |number: i64| vec![Parameters::positional(vec![number.into()])];
        assert_eq!(digest(&parsed, &values(1)), digest(&parsed, &values(1)));
        assert_ne!(digest(&parsed, &values(1)), digest(&parsed, &values(2)));
    }

    #[test]
    fn values_of_another_type_or_in_another_row_are_another_execution() {
        let parsed = frostline_sql::parse::parse_one("INSERT INTO t VALUES (?, ?)").unwrap();
        let row = |values: &[ScalarValue]| Parameters::positional(values.to_vec());
        let (number, text) = (ScalarValue::Int64(Some(1)), ScalarValue::Utf8(Some("1".to_owned())));
        let named = Parameters { positional: Vec::new(), named: vec![("1".to_owned(), number.clone())] };
        let others = [
            vec![row(&[number.clone(), number.clone()])],
            vec![row(std::slice::from_ref(&number)), row(std::slice::from_ref(&number))],
            vec![row(&[number.clone(), ScalarValue::UInt64(Some(1))])],
            vec![row(&[number.clone(), ScalarValue::Int64(None)])],
            vec![row(&[number.clone(), text.clone()])],
            vec![row(&[text, number])],
            vec![named],
        ];
        let digests: HashSet<String> = others.iter().map(|rows| digest(&parsed, rows)).collect();
        assert_eq!(digests.len(), others.len());
    }

    #[test]
    fn an_outcome_is_one_row() {
        let batch = outcome_batch(Outcome { version: Version::FIRST, rows: 3 }).unwrap();
        assert_eq!(batch.num_rows(), 1);
        assert!(batch.schema().fields().iter().all(|field| !field.is_nullable()));
    }
}
