//! `frostline diff`: what changed in a table from one version to another.

use arrow::datatypes::Schema;
use frostline_sql::{Answer, Parameters, Session};

use crate::args::{Attribution, DiffArguments};
use crate::context::{Context, as_of_expression, quote_name, quote_text};
use crate::exit::Failure;
use crate::output::{OutputFormat, OutputOptions, Screen, Target};
use crate::script::{Results, Runner, Text};

/// Shows the changes, or how many there are of each kind.
pub(crate) async fn run(context: &Context, arguments: DiffArguments) -> Result<(), Failure> {
    let lake = context.open_lake().await?;
    let session = context.session(&lake, &Attribution::default(), None).await?.starting_as_opened().read_only();
    let sql = match arguments.stat {
        true => count(&arguments, &told_columns(context, &session, &arguments).await?),
        false => list(&arguments),
    };
    let runner = Runner::new(context, &lake, session, Parameters::default());

    let target = Target::Stdout;
    let format = OutputFormat::choose(arguments.format, &target);
    let screen = Screen::of(&target);
    let mut results = Results::open(&OutputOptions { format, target, screen })?;
    runner.run(&Text { name: None, sql }, &mut results).await?;
    results.finish()
}

/// What the columns are called that tell what became of a row, and in which version.
struct Told {
    change: String,
    version: String,
}

impl Told {
    /// By their places: ours get out of the way of a table's own columns.
    fn of(schema: &Schema) -> Self {
        let name = |place: usize| schema.fields().get(place).map_or_else(String::new, |field| quote_name(field.name()));
        Self { change: name(0), version: name(2) }
    }
}

/// Asks what the columns are called, of a version and itself: nothing changed, so nothing is read.
async fn told_columns(context: &Context, session: &Session, arguments: &DiffArguments) -> Result<Told, Failure> {
    let sql = format!("SELECT * FROM {}", changes(arguments, &arguments.to));
    match context.reading(session.sql(&sql, &Parameters::default())).await?? {
        Answer::Rows(rows) => Ok(Told::of(&rows.schema)),
        _ => Ok(Told::of(&Schema::empty())),
    }
}

/// The changes since a version.
fn changes(arguments: &DiffArguments, from: &str) -> String {
    let mode = if arguments.per_version { "versions" } else { "net" };
    let (from, to) = (as_of_expression(from), as_of_expression(&arguments.to));
    format!("table_changes({}, {from}, {to}, mode => '{mode}')", quote_text(&arguments.table))
}

/// The query of the changes.
fn list(arguments: &DiffArguments) -> String {
    let order = if arguments.per_version { "3, 2, 1 DESC" } else { "2, 1 DESC" };
    format!("SELECT * FROM {} ORDER BY {order}", changes(arguments, &arguments.from))
}

/// The query of how many there are of each kind.
fn count(arguments: &DiffArguments, told: &Told) -> String {
    let Told { change, version } = told;
    let (version, places) = match arguments.per_version {
        true => (format!("{version} AS version, "), "1, 2"),
        false => (String::new(), "1"),
    };
    format!(
        "SELECT {version}CASE {change} WHEN 'update_postimage' THEN 'update' ELSE {change} END AS change, \
         count(*) AS rows FROM {} WHERE {change} <> 'update_preimage' GROUP BY {places} ORDER BY {places}",
        changes(arguments, &arguments.from)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(from: &str, per_version: bool, stat: bool) -> DiffArguments {
        let (table, from, to) = ("it's".to_owned(), from.to_owned(), "q3".to_owned());
        DiffArguments { table, from, to, per_version, stat, format: None }
    }

    #[test]
    fn a_table_and_its_versions_are_told_as_they_are_typed() {
        assert_eq!(
            list(&arguments("3", false, false)),
            "SELECT * FROM table_changes('it''s', 3, 'q3', mode => 'net') ORDER BY 2, 1 DESC"
        );
        assert_eq!(
            list(&arguments("2013-07-10", true, false)),
            "SELECT * FROM table_changes('it''s', '2013-07-10', 'q3', mode => 'versions') ORDER BY 3, 2, 1 DESC"
        );
    }

    #[test]
    fn changes_are_counted_by_what_our_columns_are_called() {
        let told = Told { change: "\"_change_type\"".to_owned(), version: "\"__version\"".to_owned() };
        assert_eq!(
            count(&arguments("3", true, true), &told),
            "SELECT \"__version\" AS version, \
             CASE \"_change_type\" WHEN 'update_postimage' THEN 'update' ELSE \"_change_type\" END AS change, \
             count(*) AS rows FROM table_changes('it''s', 3, 'q3', mode => 'versions') \
             WHERE \"_change_type\" <> 'update_preimage' GROUP BY 1, 2 ORDER BY 1, 2"
        );
    }
}
