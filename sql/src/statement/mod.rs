//! Statements, one file for each kind: from the syntax tree to rows, or to what is to be committed.

mod alter;
mod append;
mod assert;
mod assign;
mod cell;
mod cloned;
mod comment;
mod copy;
mod create;
mod definition;
mod describe;
mod dml;
mod drop;
mod explain;
mod ingest;
mod insert;
mod name;
mod output_file;
mod prepare;
mod rename;
mod restore;
mod row_template;
mod setting;
mod show;
mod summarize;
mod tag;
mod undrop;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

pub(crate) use append::append_batches;
pub(crate) use copy::import_files;
pub(crate) use create::counted;
pub(crate) use describe::schema as describe_schema;
pub(crate) use dml::describe as describe_change;
pub(crate) use explain::plan as plan_explain;
pub(crate) use ingest::begin as begin_ingest;
pub use ingest::{IfExists, IfMissing, Ingest};
pub(crate) use insert::{plan_source, run_each as insert_each};
pub(crate) use prepare::{prepared_statement, with_values};
pub(crate) use show::{quoted, quoted_ident};
pub(crate) use summarize::schema as summarize_schema;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::parse::{Parsed, Statement};
use crate::session::{Commit, Session};

/// What a statement comes to.
#[derive(Debug)]
pub(crate) enum Work {
    /// It is done.
    Answer(Answer),
    /// It is to be committed.
    Commit(Commit),
}

impl Work {
    fn no_change(context: &Context) -> Self {
        Self::Answer(Answer::NoChange { version: context.visible })
    }
}

/// Runs a statement as far as a commit.
pub(crate) fn run<'a>(
    session: &'a Session,
    context: &'a Arc<Context>,
    parsed: &'a Parsed,
) -> BoxFuture<'a, Result<Work, Error>> {
    async move {
        let statement = &parsed.statement;
        if statement.writes() {
            session.inner().check_writes()?;
        }
        match statement {
            Statement::Query(query) => {
                let (plan, names) = context.plan_result(query).await?;
                let rows = session.rows(context, plan).await?.into_rows()?;
                Ok(Work::Answer(Answer::Rows(names.give(rows))))
            }
            Statement::Explain(explain) => explain::run(context, explain).await,
            Statement::Insert(insert) => insert::run(session, context, insert).await,
            Statement::CreateTable(table) => create::table(session, context, table).await,
            Statement::CreateSchema(schema) => create::schema(context, schema),
            Statement::CreateView(view) => create::view(context, view).await,
            Statement::DropTable(names) => drop::tables(context, names),
            Statement::DropView(names) => drop::views(context, names),
            Statement::DropSchema(names) => drop::schemas(context, names),
            Statement::AlterTable(table) => alter::run(session, context, table).await,
            Statement::CreateTag(tag) => tag::create(context, tag),
            Statement::DropTag(tag) => tag::drop(context, tag),
            Statement::ShowTables(show) => show::tables(session, context, show).await,
            Statement::ShowColumns(at) | Statement::Describe(at) => describe::relation(context, at).await,
            Statement::ShowCreateTable(at) => show::create_table(context, at),
            Statement::DescribeQuery(query) => describe::query(context, query).await,
            Statement::Summarize(at) => summarize::relation(session, context, at).await,
            Statement::SummarizeQuery(query) => summarize::query(session, context, query).await,
            Statement::Use(schema) => setting::use_schema(session, context, schema),
            Statement::Prepare(prepare) => prepare::prepare(session, context, prepare).await,
            Statement::Execute(execute) => prepare::execute(session, context, execute).await,
            Statement::Deallocate(name) => prepare::deallocate(session, name),
            Statement::Set(set) => setting::set(session, context, set),
            Statement::SetAsOf(expr) => setting::set_as_of(session, context, expr.as_ref()),
            Statement::Show(name) => setting::show(context, name),
            Statement::Reset(name) => setting::reset(session, name),
            Statement::CopyTo(copy) => copy::to(session, context, copy).await,
            Statement::CopyFrom(copy) => copy::from(session, context, copy).await,
            Statement::Delete(delete) => dml::delete(session, context, delete).await,
            Statement::Update(update) => dml::update(session, context, update).await,
            Statement::Merge(merge) => dml::merge(session, context, merge).await,
            Statement::Truncate(table) => dml::truncate(context, table),
            Statement::Assert(assert) => assert::run(session, context, assert).await,
            Statement::Begin(_)
            | Statement::CommitTransaction(_)
            | Statement::Rollback
            | Statement::SetTransaction(_) => {
                Err(Error::statement("a transaction begins and ends in its session, and not as part of a statement"))
            }
            Statement::AlterSchema(schema) => rename::schema(context, schema),
            Statement::AlterView(view) => rename::view(context, view),
            Statement::Comment(comment) => comment::run(context, comment),
            Statement::Restore(restore) => restore::run(context, restore),
            Statement::Undrop(undrop) => undrop::run(context, undrop),
        }
    }
    .boxed()
}
