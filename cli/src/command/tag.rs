//! `frostline tag`: names for versions.

use frostline_sql::Parameters;

use crate::args::{Attribution, TagAction, TagArguments};
use crate::context::{Context, as_of_expression, quote_name};
use crate::exit::Failure;
use crate::output::{OutputFormat, OutputOptions, Screen, Target};
use crate::script::{Results, Runner, Text};

/// Creates, lists or drops tags.
pub(crate) async fn run(context: &Context, arguments: TagArguments) -> Result<(), Failure> {
    let (sql, attribution, format) = statement(&arguments.action);
    let lake = context.open_lake().await?;
    let session = context.session(&lake, &attribution, None).await?.starting_as_opened();
    let runner = Runner::new(context, &lake, session, Parameters::default());

    let target = Target::Stdout;
    let format = OutputFormat::choose(format, &target);
    let screen = Screen::of(&target);
    let mut results = Results::open(&OutputOptions { format, target, screen })?;
    let outcome = runner.run(&Text { name: None, sql }, &mut results).await;
    context.settle(&lake).await;
    outcome?;
    results.finish()
}

fn statement(action: &TagAction) -> (String, Attribution, Option<OutputFormat>) {
    match action {
        TagAction::Create { name, as_of, attribution } => {
            let name = quote_name(name);
            let sql = match as_of {
                Some(as_of) => format!("CREATE TAG {name} AS OF {}", as_of_expression(as_of)),
                None => format!("CREATE TAG {name}"),
            };
            (sql, attribution.clone(), None)
        }
        TagAction::List { format } => {
            ("SELECT * FROM system.tags ORDER BY tag_name".to_owned(), Attribution::default(), *format)
        }
        TagAction::Drop { name, attribution } => (format!("DROP TAG {}", quote_name(name)), attribution.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(name: &str, as_of: Option<&str>) -> String {
        let action = TagAction::Create {
            name: name.to_owned(),
            as_of: as_of.map(str::to_owned),
            attribution: Attribution::default(),
        };
        statement(&action).0
    }

    #[test]
    fn a_tag_has_exactly_the_name_that_is_given() {
        assert_eq!(create("Q3 \"close\"", None), "CREATE TAG \"Q3 \"\"close\"\"\"");
        assert_eq!(create("q3", Some("42")), "CREATE TAG \"q3\" AS OF 42");
        assert_eq!(create("q3", Some("2013-07-10")), "CREATE TAG \"q3\" AS OF '2013-07-10'");
    }
}
