//! What clients send: statements that write, values for parameters, and rows to ingest.

use std::sync::Arc;

use arrow_flight::sql::{
    Command, CommandPreparedStatementUpdate, CommandStatementIngest, CommandStatementUpdate, DoPutUpdateResult,
    TableExistsOption, TableNotExistOption,
};
use arrow_flight::{FlightData, PutResult};
use frostline_catalog::Version;
use frostline_sql::parse::Parsed;
use frostline_sql::{Answer, IfExists, IfMissing, Ingest, Parameters, Session, StatementKind, Stop};
use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use tonic::{Response, Status, Streaming};

use crate::gateway::{GatewayError, Outcome, Plans, QueryId, label};
use crate::identity::Rights;

use super::FlightDoor;
use super::caller::{Caller, EXECUTION_HEADER};
use super::command::{command, unknown};
use super::incoming::{Incoming, broken_off};
use super::prepared::values;
use super::statement::{Meant, one_row};
use super::transaction::Admitted;

/// What a stream without any message is, and where such come from.
const EMPTY: &str = "it is empty; ADBC sends nothing of a table that has no batch: give it a batch of no rows";

/// A stream of answers to what was sent.
pub(crate) type PutResults = BoxStream<'static, Result<PutResult, Status>>;

impl FlightDoor {
    /// Takes what a client sends.
    pub(crate) async fn put(
        &self,
        caller: &Caller,
        mut stream: Streaming<FlightData>,
    ) -> Result<Response<PutResults>, Status> {
        let first = stream.message().await.map_err(broken_off)?;
        let first = first.ok_or_else(|| GatewayError::malformed("the stream", EMPTY))?;
        let descriptor = first.flight_descriptor.clone();
        let descriptor = descriptor.ok_or_else(|| {
            GatewayError::malformed("the stream", "its first message has no descriptor, so nothing says what it is")
        })?;
        let command = command(&descriptor.cmd)?;
        let incoming = Incoming::new(first, stream);
        let (message, version) = match command {
            Command::CommandStatementUpdate(update) => updated(self.update(caller, update).await?),
            Command::CommandPreparedStatementUpdate(update) => {
                updated(self.prepared_update(caller, update, incoming).await?)
            }
            Command::CommandPreparedStatementQuery(query) => {
                let bound = self.bind(caller, &query.prepared_statement_handle, incoming).await?;
                (bound.encode_to_vec(), None)
            }
            Command::CommandStatementIngest(ingest) => updated(self.ingest(caller, ingest, incoming).await?),
            other => return Err(unknown(other.type_url()).into()),
        };
        let result = PutResult { app_metadata: message.into() };
        Ok(caller.reply(futures::stream::iter([Ok(result)]).boxed(), version))
    }

    async fn update(&self, caller: &Caller, update: CommandStatementUpdate) -> Result<Updated, Status> {
        let admitted = self.admit(caller, &update.query, update.transaction_id.as_ref()).await?;
        let Admitted { parsed, kind, session, .. } = admitted;
        match kind {
            StatementKind::Rows => self.drain(caller, &session, &parsed, &one_row()).await,
            _ => self.write(caller, &session, &parsed, one_row(), Meant::Text).await.map(Updated::from),
        }
    }

    async fn prepared_update(
        &self,
        caller: &Caller,
        update: CommandPreparedStatementUpdate,
        incoming: Incoming,
    ) -> Result<Updated, Status> {
        let (statement, binding) = self.prepared(caller, &update.prepared_statement_handle)?;
        let sent = values(&statement, incoming).await?;
        let session = self.session_of(caller, &statement).await?;
        let parsed = &statement.parsed;
        let kind = self.gateway.authorise(&caller.principal, &session, parsed)?;
        let (rows, meant): (Arc<[Parameters]>, Meant<'_>) = match (sent, &binding) {
            (Some(sent), _) => (Arc::from(sent), Meant::Text),
            (None, Some(binding)) => (Arc::clone(&binding.rows), Meant::Bound(&statement, binding)),
            (None, None) => (one_row(), Meant::Unbound(&statement)),
        };
        match kind {
            StatementKind::Rows => self.drain(caller, &session, parsed, &rows).await,
            _ => self.write(caller, &session, parsed, rows, meant).await.map(Updated::from),
        }
    }

    /// Runs a statement that gives rows for somebody who wants none of them.
    async fn drain(
        &self,
        caller: &Caller,
        session: &Session,
        parsed: &Parsed,
        values: &Arc<[Parameters]>,
    ) -> Result<Updated, Status> {
        let Some(plans) = self.gateway.within_timeout(Plans::plan(session, parsed, values)).await? else {
            return Ok(Updated { version: self.gateway.visible(session), rows: -1 });
        };
        let (id, label) = (QueryId::draw(), label(&parsed.statement));
        let mut rows = self.gateway.rows(&caller.principal, plans, id, label, Stop::new()).await?;
        while let Some(batch) = rows.batches.next().await {
            batch?;
        }
        Ok(Updated { version: rows.version, rows: -1 })
    }

    /// Takes rows into a table, in one commit at the end of the stream.
    async fn ingest(
        &self,
        caller: &Caller,
        command: CommandStatementIngest,
        mut incoming: Incoming,
    ) -> Result<Updated, Status> {
        self.gateway.need(&caller.principal, Rights::Write)?;
        if caller.execution_id.is_some() {
            // Whoever names an execution counts on it that it is not made twice.
            let what = format!("an ingest with the header `{EXECUTION_HEADER}`");
            return Err(GatewayError::unsupported(what, "send it without").into());
        }
        if caller.is_retry {
            // Nobody keeps the rows of the first attempt to compare them with.
            let instead = "see in `system.commits` whether the first attempt was committed, and send it anew if not";
            return Err(GatewayError::unsupported("an ingest that gRPC sends again", instead).into());
        }
        let session = self.session_of_ingest(caller, command.transaction_id.as_ref()).await?;
        let ready = async {
            let ingest = ingest_of(command)?;
            let columns = incoming.columns().await?;
            let columns = columns.ok_or_else(|| GatewayError::malformed("the Arrow data", "it has no schema"))?;
            Ok::<_, GatewayError>((ingest, columns))
        };
        let ready = ready.await;
        if ready.is_err() {
            session.abort_transaction();
        }
        let (ingest, columns) = ready?;
        let stop = Stop::new();
        let batches = futures::stream::try_unfold((incoming, stop.clone()), |(mut incoming, stop)| async move {
            let next = tokio::select! {
                biased;
                () = stop.stopped() => Err(GatewayError::Statement(frostline_sql::Error::stopped())),
                next = incoming.next_batch() => next,
            };
            Ok::<_, GatewayError>(next?.map(|batch| (batch, (incoming, stop))))
        });
        let work = session.ingest(&ingest, &columns, Box::pin(batches));
        let answer = self.gateway.in_the_books(&caller.principal, "ingest", &stop, work).await?;
        Ok(match answer {
            Answer::Committed(committed) => Outcome { version: committed.version, rows: committed.rows }.into(),
            Answer::Pending { base, rows, .. } => Outcome { version: base, rows }.into(),
            Answer::NoChange { version } => Outcome { version, rows: 0 }.into(),
            Answer::Rows(_) | Answer::Done => Outcome { version: self.gateway.visible(&session), rows: 0 }.into(),
        })
    }
}

/// What came of something that was sent.
struct Updated {
    version: Version,
    /// How many rows were written; -1 if that is no question.
    rows: i64,
}

impl From<Outcome> for Updated {
    fn from(outcome: Outcome) -> Self {
        Self { version: outcome.version, rows: i64::try_from(outcome.rows).unwrap_or(i64::MAX) }
    }
}

fn updated(updated: Updated) -> (Vec<u8>, Option<Version>) {
    (DoPutUpdateResult { record_count: updated.rows }.encode_to_vec(), Some(updated.version))
}

/// Where rows go.
fn ingest_of(command: CommandStatementIngest) -> Result<Ingest, GatewayError> {
    if command.temporary {
        return Err(GatewayError::unsupported("a temporary table", "ingest into a table of a schema of your own"));
    }
    if let Some(option) = command.options.keys().next() {
        let what = format!("the ingest option `{option}`");
        return Err(GatewayError::unsupported(what, "this server knows no options of an ingest"));
    }
    if let Some(catalog) = command.catalog.filter(|catalog| !catalog.is_empty() && catalog != "lake") {
        return Err(GatewayError::malformed("the catalog", format!("there is no `{catalog}`, only `lake`")));
    }
    if command.table.is_empty() {
        return Err(GatewayError::malformed("the table's name", "it is empty"));
    }
    let options = command.table_definition_options;
    let options = options.ok_or_else(|| GatewayError::malformed("the ingest's mode", "there is none"))?;
    let undecided = |what: &str| {
        GatewayError::malformed("the ingest's mode", format!("it does not say what happens if the table {what}"))
    };
    let if_missing = match TableNotExistOption::try_from(options.if_not_exist) {
        Ok(TableNotExistOption::Create) => IfMissing::Create,
        Ok(TableNotExistOption::Fail) => IfMissing::Fail,
        Ok(TableNotExistOption::Unspecified) | Err(_) => return Err(undecided("is not there")),
    };
    let if_exists = match TableExistsOption::try_from(options.if_exists) {
        Ok(TableExistsOption::Append) => IfExists::Append,
        Ok(TableExistsOption::Replace) => IfExists::Replace,
        Ok(TableExistsOption::Fail) => IfExists::Fail,
        Ok(TableExistsOption::Unspecified) | Err(_) => return Err(undecided("is there")),
    };
    let schema = command.schema.filter(|schema| !schema.is_empty());
    Ok(Ingest { schema, table: command.table, if_missing, if_exists })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow_flight::sql::TableDefinitionOptions;
    use tonic::Code;

    use super::*;

    fn command_with(missing: TableNotExistOption, exists: TableExistsOption) -> CommandStatementIngest {
        CommandStatementIngest {
            table_definition_options: Some(TableDefinitionOptions {
                if_not_exist: missing.into(),
                if_exists: exists.into(),
            }),
            table: "t".to_owned(),
            schema: None,
            catalog: None,
            temporary: false,
            transaction_id: None,
            options: HashMap::new(),
        }
    }

    #[test]
    fn the_four_modes_are_understood() {
        let modes = [
            (TableNotExistOption::Create, TableExistsOption::Fail, IfMissing::Create, IfExists::Fail),
            (TableNotExistOption::Fail, TableExistsOption::Append, IfMissing::Fail, IfExists::Append),
            (TableNotExistOption::Create, TableExistsOption::Replace, IfMissing::Create, IfExists::Replace),
            (TableNotExistOption::Create, TableExistsOption::Append, IfMissing::Create, IfExists::Append),
        ];
        for (missing, exists, if_missing, if_exists) in modes {
            let ingest = ingest_of(command_with(missing, exists)).unwrap();
            assert_eq!((ingest.if_missing, ingest.if_exists), (if_missing, if_exists));
        }
    }

    #[test]
    fn what_an_ingest_cannot_be_is_told() {
        let good = || command_with(TableNotExistOption::Create, TableExistsOption::Append);
        let cases = [
            (CommandStatementIngest { temporary: true, ..good() }, Code::Unimplemented),
            (CommandStatementIngest { catalog: Some("other".to_owned()), ..good() }, Code::InvalidArgument),
            (CommandStatementIngest { table: String::new(), ..good() }, Code::InvalidArgument),
            (CommandStatementIngest { table_definition_options: None, ..good() }, Code::InvalidArgument),
            (command_with(TableNotExistOption::Unspecified, TableExistsOption::Append), Code::InvalidArgument),
        ];
        for (command, code) in cases {
            let error = ingest_of(command).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
    }
}
