//! `frostline log`: the commits, newest first.
//!
//! On a terminal a line for each, as below; elsewhere the columns of `system.commits`.
//!
//! ```text
//! 42  2013-07-10T18:00:00Z  ann  insert flights, 3 rows: nightly load
//! ```

use std::collections::BTreeSet;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use frostline_catalog::io::DEFAULT_SCHEMA;
use frostline_catalog::{ObjectId, State, nearest};
use frostline_sql::{Answer, Parameters, Rows};

use super::cells;
use super::lines::{Lines, visible};
use crate::args::{Attribution, LogArguments};
use crate::context::{Context, quote_text};
use crate::exit::Failure;
use crate::output::{OutputFormat, OutputOptions, Provenance, Screen, Target};
use crate::script::{Results, read_batch};

/// Lists the commits.
pub(crate) async fn run(context: &Context, arguments: LogArguments) -> Result<(), Failure> {
    let lake = context.open_lake().await?;
    let touched: Option<BTreeSet<u64>> = match &arguments.table {
        Some(table) => Some(versions_of(&lake.state(), table)?),
        None => None,
    };
    let session = context.session(&lake, &Attribution::default(), None).await?.starting_as_opened();
    let query = query(&arguments);
    let answer = context.reading(session.sql(&query, &Parameters::default())).await??;
    let Answer::Rows(rows) = answer else {
        return Ok(());
    };
    let mut commits = Commits { rows, touched, left: arguments.limit.unwrap_or(u64::MAX) };

    let target = Target::Stdout;
    let for_reading = arguments.format.is_none() && target.is_terminal();
    let work = async {
        if for_reading {
            write_lines(&mut commits).await
        } else {
            let format = OutputFormat::choose(arguments.format, &target);
            let screen = Screen::of(&target);
            let options = OutputOptions { format, target: target.clone(), screen };
            write_results(&mut commits, &options, lake.id().to_string()).await
        }
    };
    context.reading(work).await?
}

/// Commits that are still to be listed.
struct Commits {
    rows: Rows,
    /// The versions to list; `None` for all.
    touched: Option<BTreeSet<u64>>,
    /// How many may still be listed.
    left: u64,
}

impl Commits {
    /// The next of them; `None` after the last.
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, Failure> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(batch) = read_batch(&mut self.rows).await? else {
            return Ok(None);
        };
        let batch = match &self.touched {
            Some(touched) => keep_versions(&batch, touched)?,
            None => batch,
        };
        let rows = usize::try_from(self.left).map_or(batch.num_rows(), |left| left.min(batch.num_rows()));
        self.left -= rows as u64;
        Ok(Some(batch.slice(0, rows)))
    }
}

async fn write_results(commits: &mut Commits, options: &OutputOptions, lake_id: String) -> Result<(), Failure> {
    let provenance = Provenance { version: commits.rows.version.number(), lake_id };
    let mut results = Results::open(options)?;
    results.begin(&commits.rows.schema, &provenance)?;
    while let Some(batch) = commits.next_batch().await? {
        results.batch(&batch)?;
        if results.is_closed() {
            break;
        }
    }
    results.end()?;
    results.finish()
}

async fn write_lines(commits: &mut Commits) -> Result<(), Failure> {
    let mut lines = Lines::stdout();
    // The newest version comes first, and is the widest.
    let mut width = 0;
    while let Some(batch) = commits.next_batch().await? {
        for row in 0..batch.num_rows() {
            let version = cells::text(&batch, "version", row)?.unwrap_or_default();
            width = width.max(version.len());
            let version = lines.marked(&format!("{version:>width$}"));
            lines.put(&format!("{version}  {}", describe(&batch, row)?))?;
        }
    }
    Ok(())
}

/// A commit without its version.
fn describe(batch: &RecordBatch, row: usize) -> Result<String, Failure> {
    let field = |column: &str| -> Result<String, Failure> {
        Ok(visible(&cells::text(batch, column, row)?.unwrap_or_default()))
    };
    // The first version of a lake has no commit time.
    let time = match cells::text(batch, "time", row)? {
        Some(time) => time,
        None => field("wall_time")?,
    };
    let mut text = format!("{time}  {}  {}", field("author")?, field("operation")?);
    let tables = field("tables")?;
    let tables = tables.trim_start_matches('[').trim_end_matches(']');
    if !tables.is_empty() {
        text.push(' ');
        text.push_str(tables);
    }
    let added = field("rows_added")?;
    if !matches!(added.as_str(), "" | "0") {
        text.push_str(&format!(", {added} {}", if added == "1" { "row" } else { "rows" }));
    }
    let removed = field("rows_removed")?;
    if !matches!(removed.as_str(), "" | "0") {
        text.push_str(&format!(", {removed} removed"));
    }
    let message = field("message")?;
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(&message);
    }
    Ok(text)
}

fn query(arguments: &LogArguments) -> String {
    let mut query = "SELECT * FROM system.commits".to_owned();
    if let Some(since) = &arguments.since {
        query.push_str(&format!(" WHERE time >= CAST({} AS TIMESTAMP WITH TIME ZONE)", quote_text(since)));
    }
    query.push_str(" ORDER BY version DESC");
    // With a table the limit counts its commits, which the query does not know.
    if let (Some(limit), None) = (arguments.limit, &arguments.table) {
        query.push_str(&format!(" LIMIT {limit}"));
    }
    query
}

fn keep_versions(batch: &RecordBatch, touched: &BTreeSet<u64>) -> Result<RecordBatch, Failure> {
    let Some(versions) = cells::numbers(batch, "version")? else {
        return Ok(batch.clone());
    };
    let kept: BooleanArray = versions.iter().map(|version| version.map(|version| touched.contains(&version))).collect();
    filter_record_batch(batch, &kept).map_err(|source| cells::unreadable("version", source))
}

/// The versions that changed the rows, the columns or the name of a table. A name that several tables had in turn means
/// all of them.
fn versions_of(state: &State, name: &str) -> Result<BTreeSet<u64>, Failure> {
    let tables = tables_named(state, name);
    if tables.is_empty() {
        let known = state.tables().iter().map(|(_, fact)| fact.value.name.as_str());
        return Err(Failure::NoTable { name: name.to_owned(), nearest: nearest(name, known) });
    }
    let mut versions: BTreeSet<u64> = BTreeSet::new();
    let commits = state.commits()?.iter();
    let rows = commits.filter(|commit| commit.tables.iter().any(|count| tables.contains(&count.table)));
    versions.extend(rows.map(|commit| commit.version.number()));

    let definitions = tables.iter().flat_map(|table| state.tables().of(table)).map(|fact| fact.interval);
    let columns =
        state.columns().iter().filter(|((table, _), _)| tables.contains(table)).map(|(_, fact)| fact.interval);
    for interval in definitions.chain(columns) {
        versions.insert(interval.begin().number());
        versions.extend(interval.end().map(|end| end.number()));
    }
    Ok(versions)
}

/// The tables that ever had this name, with their schema's name before it or without.
fn tables_named(state: &State, name: &str) -> BTreeSet<ObjectId> {
    let (schema, table) = name.split_once('.').unwrap_or((DEFAULT_SCHEMA, name));
    state
        .tables()
        .iter()
        .filter(|(_, fact)| fact.value.name.as_str() == table)
        .filter(|(_, fact)| state.schemas().of(&fact.value.schema).iter().any(|known| known.value.as_str() == schema))
        .map(|(id, _)| *id)
        .collect()
}
