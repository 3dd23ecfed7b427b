//! What every command works with: where the lake is, how much to say, and Ctrl-C.

use std::io::{self, IsTerminal};

use frostline_catalog::io::{Requests, StoreOptions};
use frostline_server::config::Config;
use frostline_sql::{Lake, OpenOptions, Parameters, Session};

use crate::args::{Arguments, Attribution};
use crate::exit::Failure;
use crate::interrupt::{Interrupted, Interrupts};
use crate::message;

/// What every command works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The settings.
    pub(crate) config: Config,
    /// Where the lake is, as the user named it.
    pub(crate) location: String,
    /// How its store is reached.
    pub(crate) store: StoreOptions,
    /// Whether queries say on standard error what they read.
    pub(crate) says_reads: bool,
    /// Whether it is said on standard error what was asked of a store at a distance.
    pub(crate) says_requests: bool,
    /// Ctrl-C.
    pub(crate) interrupts: Interrupts,
}

impl Context {
    /// The context of a command line and the settings.
    pub(crate) fn new(arguments: &Arguments, config: Config) -> Result<Self, Failure> {
        let on_terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        Ok(Self {
            location: config.lake().to_owned(),
            store: config.store_options()?,
            config,
            says_reads: on_terminal || arguments.verbose > 0,
            says_requests: arguments.verbose > 0,
            interrupts: Interrupts::listen(),
        })
    }

    /// Opens the lake. It must be there.
    pub(crate) async fn open_lake(&self) -> Result<Lake, Failure> {
        let options = OpenOptions { store: self.store.clone(), ..OpenOptions::default() };
        let lake = self.reading(Lake::open(&self.location, options)).await??;
        self.note_requests("open", &lake, Some(Requests::default()));
        Ok(lake)
    }

    /// Says what some work asked of a store at a distance, given the requests before it; nothing if nobody wants to
    /// know.
    pub(crate) fn note_requests(&self, work: &str, lake: &Lake, before: Option<Requests>) {
        if self.says_requests
            && let (Some(before), Some(now)) = (before, lake.requests())
        {
            message::requests(work, &now.since(&before));
        }
    }

    /// A session that commits in this name; or one that is pinned to the past and only reads, if asked. The lake was
    /// just opened.
    pub(crate) async fn session(
        &self,
        lake: &Lake,
        attribution: &Attribution,
        as_of: Option<&str>,
    ) -> Result<Session, Failure> {
        let author = attribution.author();
        let session = lake.session().with_author(&author).with_message(attribution.message()).with_local_files(true);
        let Some(as_of) = as_of else { return Ok(session) };
        let session = session.starting_as_opened();
        let pin = format!("SET frostline.as_of = {}", as_of_expression(as_of));
        self.reading(session.sql(&pin, &Parameters::default())).await??;
        Ok(session.read_only())
    }

    /// Runs something that changes nothing, until Ctrl-C is pressed.
    pub(crate) async fn reading<F: Future>(&self, work: F) -> Result<F::Output, Failure> {
        self.interrupts.guard(work).await.map_err(|Interrupted| Failure::Interrupted { may_have_committed: false })
    }

    /// Runs something that may commit, until Ctrl-C is pressed.
    pub(crate) async fn writing<F: Future>(&self, work: F) -> Result<F::Output, Failure> {
        self.interrupts.guard(work).await.map_err(|Interrupted| Failure::Interrupted { may_have_committed: true })
    }

    /// Waits for what follows commits, such as checkpoints. All of it can be done later, so Ctrl-C ends the wait.
    pub(crate) async fn settle(&self, lake: &Lake) {
        let before = lake.requests();
        if self.interrupts.guard(lake.settle()).await.is_err() {
            tracing::info!("left before the checkpoint was written; a later commit writes one");
        }
        self.note_requests("settle", lake, before);
    }
}

/// What a user calls a past, as an expression behind AS OF: a number is a version, other text a tag or a time.
pub(crate) fn as_of_expression(text: &str) -> String {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.to_owned() } else { quote_text(text) }
}

/// A text as a literal of SQL.
pub(crate) fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as SQL takes it whatever it holds, with its case.
pub(crate) fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_version_and_other_text_a_tag_or_a_time() {
        assert_eq!(as_of_expression("42"), "42");
        assert_eq!(as_of_expression("q3-close"), "'q3-close'");
        assert_eq!(as_of_expression("2013-07-10T18:00:00Z"), "'2013-07-10T18:00:00Z'");
        assert_eq!(as_of_expression(""), "''");
    }

    #[test]
    fn no_text_breaks_out_of_its_quotes() {
        assert_eq!(as_of_expression("1; DROP TABLE t"), "'1; DROP TABLE t'");
        assert_eq!(quote_text("it's"), "'it''s'");
        assert_eq!(quote_name("a\"b"), "\"a\"\"b\"");
    }
}
