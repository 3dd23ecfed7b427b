//! `frostline token`: who is let in by the servers of the lake.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use frostline_catalog::BranchId;
use frostline_server::{NewToken, TokenEntry, create_token, list_tokens, revoke_token};
use frostline_sql::Lake;

use super::cells;
use super::lines::Lines;
use crate::args::{TokenAction, TokenArguments};
use crate::context::Context;
use crate::exit::Failure;
use crate::message;
use crate::output::{OutputFormat, OutputOptions, Provenance, Screen, Target};
use crate::script::Results;

/// Makes, lists or revokes tokens.
pub(crate) async fn run(context: &Context, arguments: TokenArguments) -> Result<(), Failure> {
    let lake = context.open_lake().await?;
    match arguments.action {
        TokenAction::Create { name, rights, expires, attribution } => {
            let request = NewToken {
                name: name.clone(),
                rights,
                expires_in: expires,
                author: attribution.author(),
                message: attribution.message().unwrap_or_default().to_owned(),
            };
            let made = context.writing(create_token(&lake, request)).await??;
            message::say(&format!("version {}: create token {name}, {rights}", made.version));
            // The token alone is on standard output, so that a script can take it.
            Lines::stdout().put(&made.text)?;
        }
        TokenAction::List { format } => list(&lake, format)?,
        TokenAction::Revoke { name, attribution } => {
            let (author, text) = (attribution.author(), attribution.message().unwrap_or_default());
            let version = context.writing(revoke_token(&lake, &name, &author, text)).await??;
            message::say(&format!("version {version}: revoke token {name}"));
        }
    }
    context.settle(&lake).await;
    Ok(())
}

fn list(lake: &Lake, format: Option<OutputFormat>) -> Result<(), Failure> {
    let batch = batch_of(&list_tokens(lake))?;
    let target = Target::Stdout;
    let format = OutputFormat::choose(format, &target);
    let screen = Screen::of(&target);
    let mut results = Results::open(&OutputOptions { format, target, screen })?;
    let version = lake.state().newest(BranchId::MAIN).map_or(0, |version| version.number());
    results.begin(&batch.schema(), &Provenance { version, lake_id: lake.id().to_string() })?;
    results.batch(&batch)?;
    results.end()?;
    results.finish()
}

fn batch_of(tokens: &[TokenEntry]) -> Result<RecordBatch, Failure> {
    let columns = vec![
        column(tokens, |token| Some(token.name.clone())),
        column(tokens, |token| Some(token.rights.to_string())),
        column(tokens, |token| Some(token.status.name().to_owned())),
        column(tokens, |token| Some(token.created_at.to_string())),
        column(tokens, |token| token.expires_at.map(|time| time.to_string())),
        column(tokens, |token| Some(token.id.clone())),
    ];
    let field = |name: &str, nullable: bool| Field::new(name, DataType::Utf8, nullable);
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        field("name", false),
        field("rights", false),
        field("status", false),
        field("created_at", false),
        field("expires_at", true),
        field("id", false),
    ]));
    RecordBatch::try_new(schema, columns).map_err(|source| cells::unreadable("tokens", source))
}

fn column(tokens: &[TokenEntry], text: impl Fn(&TokenEntry) -> Option<String>) -> ArrayRef {
    Arc::new(tokens.iter().map(text).collect::<StringArray>())
}
