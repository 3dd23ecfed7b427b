//! `frostline diff`: what changed in a table from one version to another.

use frostline_sql::Parameters;

use crate::args::{Attribution, DiffArguments};
use crate::context::{Context, as_of_expression, quote_text};
use crate::exit::Failure;
use crate::output::{OutputFormat, OutputOptions, Screen, Target};
use crate::script::{Results, Runner, Text};

/// Shows the changes, or how many there are of each kind.
pub(crate) async fn run(context: &Context, arguments: DiffArguments) -> Result<(), Failure> {
    let sql = statement(&arguments);
    let lake = context.open_lake().await?;
    let session = context.session(&lake, &Attribution::default(), None).await?.starting_as_opened().read_only();
    let runner = Runner::new(context, &lake, session, Parameters::default());

    let target = Target::Stdout;
    let format = OutputFormat::choose(arguments.format, &target);
    let screen = Screen::of(&target);
    let mut results = Results::open(&OutputOptions { format, target, screen })?;
    runner.run(&Text { name: None, sql }, &mut results).await?;
    results.finish()
}

/// The query. Its columns are named by their places, since ours get out of the way of a table's own.
fn statement(arguments: &DiffArguments) -> String {
    let mode = if arguments.per_version { "versions" } else { "net" };
    let changes = format!(
        "table_changes({}, {}, {}, mode => '{mode}')",
        quote_text(&arguments.table),
        as_of_expression(&arguments.from),
        as_of_expression(&arguments.to)
    );
    match (arguments.stat, arguments.per_version) {
        (false, false) => format!("SELECT * FROM {changes} ORDER BY 2, 1 DESC"),
        (false, true) => format!("SELECT * FROM {changes} ORDER BY 3, 2, 1 DESC"),
        (true, is_per_version) => {
            let (version, places) = if is_per_version { ("_version AS version, ", "1, 2") } else { ("", "1") };
            format!(
                "SELECT {version}CASE _change_type WHEN 'update_postimage' THEN 'update' ELSE _change_type END \
                 AS change, count(*) AS rows FROM {changes} WHERE _change_type <> 'update_preimage' \
                 GROUP BY {places} ORDER BY {places}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, per_version: bool, stat: bool, expected: &str) {
        let (table, from, to) = ("it's".to_owned(), from.to_owned(), "q3".to_owned());
        assert_eq!(statement(&DiffArguments { table, from, to, per_version, stat, format: None }), expected);
    }

    #[test]
    fn a_table_and_its_versions_are_told_as_they_are_typed() {
        check("3", false, false, "SELECT * FROM table_changes('it''s', 3, 'q3', mode => 'net') ORDER BY 2, 1 DESC");
        check(
            "2013-07-10",
            true,
            false,
            "SELECT * FROM table_changes('it''s', '2013-07-10', 'q3', mode => 'versions') ORDER BY 3, 2, 1 DESC",
        );
        check(
            "3",
            true,
            true,
            "SELECT _version AS version, CASE _change_type WHEN 'update_postimage' THEN 'update' ELSE _change_type END \
             AS change, count(*) AS rows FROM table_changes('it''s', 3, 'q3', mode => 'versions') \
             WHERE _change_type <> 'update_preimage' GROUP BY 1, 2 ORDER BY 1, 2",
        );
    }
}
