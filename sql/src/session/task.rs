//! What a session does, as often as it takes to commit it.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::sql::sqlparser::ast;
use frostline_engine::import::{Progress, SourceFile};

use super::each::{changed_table, run_each};
use super::{Purpose, Session};
use crate::context::Context;
use crate::description::StatementKind;
use crate::error::Error;
use crate::lake::ImportRequest;
use crate::parameters::Parameters;
use crate::parse::{Parsed, Statement};
use crate::statement::{self, Work};

/// What is done by a session, as often as it takes to commit it.
pub(super) enum Task<'a> {
    Statement { statement: &'a Parsed, parameters: &'a [Parameters] },
    Import { table: ast::ObjectName, files: Vec<SourceFile>, request: &'a ImportRequest, progress: Arc<Progress> },
    Append { table: ast::ObjectName, batches: Vec<RecordBatch> },
}

impl Task<'_> {
    /// The values that its snapshot is made with.
    pub(super) fn parameters(&self) -> Parameters {
        match self {
            Self::Statement { parameters, .. } => parameters.first().cloned().unwrap_or_default(),
            Self::Import { .. } | Self::Append { .. } => Parameters::none(),
        }
    }

    /// Whether it writes.
    pub(super) fn writes(&self, session: &Session) -> Result<bool, Error> {
        match self {
            Self::Statement { statement, .. } => Ok(session.kind(&statement.statement)? == StatementKind::Write),
            Self::Import { .. } | Self::Append { .. } => Ok(true),
        }
    }

    /// What its snapshot is for.
    pub(super) fn purpose(&self, session: &Session) -> Result<Purpose, Error> {
        match self {
            Self::Statement { statement, .. } if session.kind(&statement.statement)? == StatementKind::Session => {
                Ok(Purpose::Set)
            }
            _ => Ok(Purpose::Run),
        }
    }

    /// What it comes to on one state of the lake.
    pub(super) async fn decide(&self, session: &Session, context: &Arc<Context>) -> Result<Work, Error> {
        match self {
            Self::Statement { statement, parameters } => match (&statement.statement, *parameters) {
                (_, [_]) => statement::run(session, context, statement).await,
                (Statement::Insert(insert), _) => statement::insert_each(session, context, insert, parameters).await,
                (other, _) => match changed_table(other) {
                    Some(table) => run_each(session, context, statement, table, parameters).await,
                    None => {
                        let found = parameters.len();
                        Err(Error::statement(format!(
                            "only INSERT, UPDATE, DELETE and MERGE take several rows of parameters; this takes one, \
                             not {found}"
                        ))
                        .with_hint("run the statement once for each row"))
                    }
                },
            },
            Self::Import { table, files, request, progress } => {
                progress.restart();
                let (options, declared) = (request.import.clone(), request.declared.as_deref());
                let progress = Arc::clone(progress);
                statement::import_files(context, table, files.clone(), options, declared, progress).await
            }
            Self::Append { table, batches } => statement::append_batches(context, table, batches.clone()).await,
        }
    }
}
