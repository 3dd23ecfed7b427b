//! Runs the examples of the documents in `docs/`, in order, each document in a lake of its own.
//!
//! * A block of `sql` is run, statement by statement. `sql not-run` marks one that needs files or another machine.
//! * A block of `text` directly behind it is what these statements print: rows as a box, commits as on the command
//!   line, errors as `error: …`. Without such a block the statements must succeed.
//! * Times are those of [`TestLake`]: version n is committed at 2024-01-01T00:00:00Z plus n seconds.

mod boxed;

use std::fs;
use std::path::{Path, PathBuf};

use frostline_sql::parse::Script;
use frostline_sql::{Answer, Error, Settings};

use crate::lake::{TestLake, TestSession, describe, run_to_end};

/// Where the documents are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

/// A block of statements, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Example {
    line: usize,
    sql: String,
    printed: Option<String>,
}

/// The examples of a document, in order.
fn examples(text: &str) -> Vec<Example> {
    let mut lines = text.lines().enumerate().peekable();
    let mut found: Vec<Example> = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line != "```sql" {
            continue;
        }
        let sql = block(&mut lines);
        while lines.next_if(|(_, line)| line.is_empty()).is_some() {}
        let has_text = lines.next_if(|(_, line)| *line == "```text").is_some();
        let printed = has_text.then(|| block(&mut lines));
        found.push(Example { line: number + 1, sql, printed });
    }
    found
}

/// The lines up to the end of a block.
fn block<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> String {
    let inside: Vec<&str> = lines.map(|(_, line)| line).take_while(|line| *line != "```").collect();
    inside.join("\n")
}

/// What the statements of a text print, and whether all of them succeeded.
async fn print(session: &TestSession, sql: &str) -> (String, bool) {
    let mut printed: Vec<String> = Vec::new();
    for parsed in Script::new(sql) {
        let outcome = match parsed {
            Ok(parsed) => print_one(session, &parsed.text).await,
            Err(error) => Err(format!("error: {error}")),
        };
        match outcome {
            Ok(text) => printed.extend(text),
            Err(text) => {
                printed.push(text);
                return (printed.join("\n"), false);
            }
        }
    }
    (printed.join("\n"), true)
}

async fn print_one(session: &TestSession, sql: &str) -> Result<Option<String>, String> {
    let failed = |error: Error| match error.hint() {
        Some(hint) => format!("error: {error}\nhint: {hint}"),
        None => format!("error: {}", describe(&error)),
    };
    match session.run(sql).await.map_err(failed)? {
        Answer::Committed(made) => Ok(Some(format!("version {}: {}", made.version, made.summary))),
        Answer::Pending { summary, .. } => Ok(Some(format!("pending: {summary}"))),
        Answer::NoChange { .. } => Ok(Some("no change".to_owned())),
        Answer::Done => Ok(None),
        Answer::Rows(rows) => {
            let schema = rows.schema.clone();
            let batches = rows.collect().await.map_err(failed)?;
            Ok(Some(boxed::draw(&schema, &batches)))
        }
    }
}

async fn run_document(path: PathBuf) -> Vec<String> {
    let text = fs::read_to_string(&path).expect("a document is text");
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lake = TestLake::create(&format!("docs-{name}"), Settings::default()).await.expect("a lake is created");
    let session = lake.session();
    let mut failures: Vec<String> = Vec::new();
    for example in examples(&text) {
        let (printed, succeeded) = print(&session, &example.sql).await;
        let expected = example.printed.as_deref().map(str::trim_end);
        let holds = match expected {
            Some(expected) => expected == printed.trim_end(),
            None => succeeded,
        };
        if !holds {
            let expected = expected.unwrap_or("(no error)");
            let place = format!("{name}, line {}", example.line);
            failures.push(format!("{place}\n{}\n-- documented:\n{expected}\n-- printed:\n{printed}\n", example.sql));
        }
    }
    failures
}

fn documents() -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(FOLDER)).expect("the folder of the documents is there");
    let paths = entries.map(|entry| entry.expect("a document is there").path());
    let mut documents: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    documents.sort();
    documents
}

#[test]
fn every_example_of_the_documents_prints_what_it_says() {
    let documents = documents();
    assert!(documents.iter().any(|path| path.ends_with("sql.md")), "docs/sql.md is there");
    let failures = run_to_end(move || async move {
        let mut failures: Vec<String> = Vec::new();
        for path in documents {
            failures.extend(run_document(path).await);
        }
        failures
    });
    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn an_example_is_a_block_and_the_text_directly_behind_it() {
    let text =
        "a\n```sql\nSELECT 1;\nSELECT 2\n```\n\n```text\none\n```\nb\n```sql\nSELECT 3\n```\n```sql not-run\nx\n```\n";
    let first = Example { line: 2, sql: "SELECT 1;\nSELECT 2".to_owned(), printed: Some("one".to_owned()) };
    let second = Example { line: 11, sql: "SELECT 3".to_owned(), printed: None };
    assert_eq!(examples(text), [first, second]);
}
