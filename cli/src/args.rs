//! The command line's arguments.

use std::env;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use frostline_engine::import::{FileFormat, ImportOptions};
use frostline_server::Rights;
use frostline_server::config::parse_duration;

use crate::output::OutputFormat;
use crate::serve_flags::ServeFlags;
use crate::store::StoreArguments;
use crate::user;

/// The release, the commit it was built from and the format of the lakes it writes.
pub(crate) const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("FROSTLINE_COMMIT"), ") format 1");

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the statement or its input; 2 usage; 3 conflict, or an outcome that is not known; 4 no lake, \
a newer format, or damage; 5 disk full, no permission or no network, and nothing was committed; 130 interrupted";

/// SQL over every version of a lake.
///
/// Without a command it starts the shell, or runs the statements on standard input if that is not a terminal.
#[derive(Debug, Parser)]
#[command(name = "frostline", version = VERSION, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// The lake: a path, file:///path, s3://bucket/prefix or memory://name. By default $FROSTLINE_LAKE, else what the
    /// configuration says, else ./frostline-lake
    #[arg(long, global = true, value_name = "PATH_OR_URL")]
    pub(crate) lake: Option<String>,

    /// The file of settings; by default $FROSTLINE_CONFIG, else ./frostline.toml if it is there
    #[arg(long, global = true, env = "FROSTLINE_CONFIG", value_name = "FILE", hide_short_help = true)]
    pub(crate) config: Option<PathBuf>,

    /// Say more on standard error: the version that each query read, the requests to a store at a distance, and what
    /// happens inside; -vv says even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(flatten)]
    pub(crate) store: StoreArguments,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a lake
    Init(InitArguments),
    /// Run SQL statements, or start the shell
    Sql(SqlArguments),
    /// Load files into a table, in one commit
    Import(ImportArguments),
    /// List the commits, newest first
    Log(LogArguments),
    /// Show what one version changed
    Show(ShowArguments),
    /// Show what changed in a table from one version to another
    Diff(DiffArguments),
    /// Give versions names
    Tag(TagArguments),
    /// Check the lake against its own chain and digests
    Verify(VerifyArguments),
    /// Serve the lake: Flight SQL and HTTP
    Serve(ServeArguments),
    /// Let people and programs in, or no more
    Token(TokenArguments),
    /// Show the settings, and where they come from
    Config(ConfigArguments),
    /// Make a certificate to begin with
    Tls(TlsArguments),
    /// Try Frostline on a month of real flights
    Demo(DemoArguments),
}

/// Who commits, and why.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Attribution {
    /// Who makes the commits; by default $FROSTLINE_AUTHOR, else the name of the user
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    /// Why the commits are made
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    message: Option<String>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Let commits assert a time in the past, to replay recorded history
    #[arg(long)]
    pub(crate) allow_asserted_times: bool,

    /// Refuse every commit that has no message
    #[arg(long)]
    pub(crate) require_message: bool,

    #[command(flatten)]
    pub(crate) attribution: Attribution,
}

/// Arguments of `sql`.
#[derive(Debug, Default, Args)]
pub(crate) struct SqlArguments {
    /// Run these statements; may be given several times
    #[arg(short = 'c', long = "command", value_name = "SQL", allow_hyphen_values = true, conflicts_with = "files")]
    pub(crate) commands: Vec<String>,

    /// Run the statements of a file; may be given several times
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// The format of results: by default what the ending of FILE tells, else box on a terminal and csv off it
    #[arg(long, value_enum)]
    pub(crate) format: Option<OutputFormat>,

    /// Write results to a file, which appears when everything has succeeded
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Read the past: a version's number, a tag, or a time such as 2013-07-10T18:00:00Z
    #[arg(long, value_name = "VERSION|TAG|TIME")]
    pub(crate) as_of: Option<String>,

    /// The value of $NAME in statements; may be given several times. VALUE is an integer, a decimal, true, false or
    /// null if it reads as one, else text; quotes around it force text. $1, $2 and so on have their numbers as names
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,

    #[command(flatten)]
    pub(crate) attribution: Attribution,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The table; it is created if it does not exist
    pub(crate) table: String,

    /// Files, or patterns such as 'data/*.csv'
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<String>,

    /// The columns and their types, instead of what the files tell: 'a bigint, b varchar'
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) schema: Option<String>,

    /// The format of all files: csv, tsv, json, jsonl or parquet; by default the ending of each name tells it
    #[arg(long)]
    pub(crate) format: Option<FileFormat>,

    /// CSV: the character between fields; \t or tab for a tab
    #[arg(long, value_name = "CHARACTER", value_parser = parse_byte)]
    pub(crate) delimiter: Option<u8>,

    /// CSV: the character around fields; none if quotes mean nothing
    #[arg(long, value_name = "CHARACTER", value_parser = parse_quote)]
    pub(crate) quote: Option<Quote>,

    /// CSV: the first record names the columns
    #[arg(long, conflicts_with = "no_header")]
    pub(crate) header: bool,

    /// CSV: the first record is a row like the others
    #[arg(long)]
    pub(crate) no_header: bool,

    /// CSV: a text that means NULL where it is not quoted; may be given several times. By default the empty text
    #[arg(long, value_name = "TEXT")]
    pub(crate) null: Vec<String>,

    /// Keep upper and lower case in the names of columns
    #[arg(long)]
    pub(crate) keep_case: bool,

    /// CSV and JSON: how many rows of each file types are told from
    #[arg(long, value_name = "ROWS")]
    pub(crate) sample_rows: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(crate) attribution: Attribution,
}

/// The character around fields of CSV, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote(Option<u8>);

/// Arguments of `log`.
#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    /// Only commits that changed this table
    pub(crate) table: Option<String>,

    /// At most so many commits
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(crate) limit: Option<u64>,

    /// Only commits made at this time or later, such as 2013-07-10 or 2013-07-10T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,

    /// The format of the list; by default lines for reading on a terminal and csv off it
    #[arg(long, value_enum)]
    pub(crate) format: Option<OutputFormat>,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The number of a version
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) version: i64,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The table, as `table` or `schema.table`
    pub(crate) table: String,

    /// The state before the changes: a version's number, a tag, or a time such as 2013-07-10T18:00:00Z
    #[arg(value_name = "FROM")]
    pub(crate) from: String,

    /// The state after them
    #[arg(value_name = "TO")]
    pub(crate) to: String,

    /// Show what each version did, not what all of them come to
    #[arg(long)]
    pub(crate) per_version: bool,

    /// Count the changes of each kind
    #[arg(long)]
    pub(crate) stat: bool,

    /// The format of the list: by default box on a terminal and csv off it
    #[arg(long, value_enum)]
    pub(crate) format: Option<OutputFormat>,
}

/// Arguments of `tag`.
#[derive(Debug, Args)]
pub(crate) struct TagArguments {
    #[command(subcommand)]
    pub(crate) action: TagAction,
}

/// What to do with tags.
#[derive(Debug, Subcommand)]
pub(crate) enum TagAction {
    /// Name a version
    Create {
        /// The tag's name, as it is: case counts
        name: String,

        /// The version to name: a number, another tag, or a time. By default the newest
        #[arg(long, value_name = "VERSION|TAG|TIME")]
        as_of: Option<String>,

        #[command(flatten)]
        attribution: Attribution,
    },
    /// List the tags
    List {
        /// The format of the list: by default box on a terminal and csv off it
        #[arg(long, value_enum)]
        format: Option<OutputFormat>,
    },
    /// Take a name away; the version stays
    Drop {
        /// The tag's name
        name: String,

        #[command(flatten)]
        attribution: Attribution,
    },
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Also read every byte of every segment
    #[arg(long)]
    pub(crate) deep: bool,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) flags: ServeFlags,
}

/// Arguments of `token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token; it is printed once, and kept nowhere
    Create {
        /// Its name: the author of what its holder commits
        name: String,

        /// What its holder may do: read, write (and read), or admin (everything)
        #[arg(long, value_name = "read|write|admin")]
        rights: Rights,

        /// How long it holds, such as 12h or 30d; by default for ever
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        expires: Option<Duration>,

        #[command(flatten)]
        attribution: Attribution,
    },
    /// List the tokens that the lake ever had
    List {
        /// The format of the list: by default box on a terminal and csv off it
        #[arg(long, value_enum)]
        format: Option<OutputFormat>,
    },
    /// Take a token back; every server refuses it within a second
    Revoke {
        /// Its name
        name: String,

        #[command(flatten)]
        attribution: Attribution,
    },
}

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Print the settings as TOML, as `serve` with the same flags would take them
    Show {
        /// Say behind each where it comes from
        #[arg(long)]
        origin: bool,

        #[command(flatten)]
        flags: ServeFlags,
    },
}

/// Arguments of `tls`.
#[derive(Debug, Args)]
pub(crate) struct TlsArguments {
    #[command(subcommand)]
    pub(crate) action: TlsAction,
}

/// What to do about certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum TlsAction {
    /// Write a certificate that is signed by itself, and its key
    SelfSigned {
        /// A name or address that clients use; may be given several times. By default localhost and 127.0.0.1
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,

        /// The folder to write into
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Keep the lake in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

impl Attribution {
    /// Who commits.
    pub(crate) fn author(&self) -> String {
        let given = self.author.clone().into_iter();
        let known =
            ["FROSTLINE_AUTHOR", "USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|key| env::var(key).ok());
        let named = given.chain(known).find(|name| !name.is_empty());
        named.or_else(user::name).unwrap_or_else(|| "unknown".to_owned())
    }

    /// Why, if a reason is given.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl ImportArguments {
    /// How the files are read.
    pub(crate) fn options(&self) -> ImportOptions {
        let defaults = ImportOptions::default();
        let header = match (self.header, self.no_header) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        ImportOptions {
            format: self.format,
            header,
            delimiter: self.delimiter,
            quote: self.quote.map_or(defaults.quote, |quote| quote.0),
            null_text: if self.null.is_empty() { defaults.null_text } else { self.null.clone() },
            keep_case: self.keep_case,
            sample_rows: self.sample_rows.map_or(defaults.sample_rows, NonZeroUsize::get),
        }
    }
}

fn parse_byte(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("\\t" | "tab", _) => Ok(b'\t'),
        (_, [byte]) if byte.is_ascii() => Ok(*byte),
        _ => Err("give one ASCII character, or \\t for a tab".to_owned()),
    }
}

fn parse_quote(text: &str) -> Result<Quote, String> {
    if text == "none" { Ok(Quote(None)) } else { parse_byte(text).map(|byte| Quote(Some(byte))) }
}

fn parse_time(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "give a time such as 90s, 12h or 30d".to_owned())
}

impl Arguments {
    /// The settings that flags give, by name.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings: Vec<(&'static str, String)> = Vec::new();
        settings.extend(self.lake.clone().map(|lake| ("lake", lake)));
        let store = self.store.options();
        let given = [
            ("s3.endpoint", store.s3_endpoint),
            ("s3.region", store.s3_region),
            ("s3.path_style", store.s3_path_style.map(|style| style.to_string())),
            ("s3.profile", store.s3_profile),
            ("s3.credentials_file", store.s3_credentials_file.map(|path| path.display().to_string())),
        ];
        settings.extend(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
        match &self.command {
            Some(Command::Serve(arguments)) => settings.extend(arguments.flags.settings()),
            Some(Command::Config(ConfigArguments { action: ConfigAction::Show { flags, .. } })) => {
                settings.extend(flags.settings());
            }
            _ => {}
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("frostline").chain(arguments.iter().copied()))
    }

    fn import(arguments: &[&str]) -> ImportOptions {
        let arguments: Vec<&str> = ["import", "t", "a.csv"].iter().chain(arguments).copied().collect();
        match parse(&arguments).unwrap().command {
            Some(Command::Import(import)) => import.options(),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_version_names_the_format_that_is_written() {
        let format = format!("format {}", frostline_catalog::io::FORMAT);
        assert!(VERSION.ends_with(&format), "{VERSION}");
    }

    #[test]
    fn the_lake_may_be_named_behind_the_command() {
        assert_eq!(parse(&["sql", "-c", "SELECT 1", "--lake", "x"]).unwrap().lake.as_deref(), Some("x"));
    }

    #[test]
    fn every_flag_of_a_setting_gives_that_setting() {
        use frostline_server::config::{KEYS, Kind};
        for key in KEYS {
            let flag = key.flag();
            let words: Vec<String> = match key.kind {
                // A switch of S3 takes a value, since its default is true.
                Kind::Switch if key.name.starts_with("s3.") => vec![format!("{flag}=true")],
                Kind::Switch => vec![flag],
                _ => vec![flag, "text".to_owned()],
            };
            let words: Vec<&str> = std::iter::once("serve").chain(words.iter().map(String::as_str)).collect();
            let settings = parse(&words).unwrap().settings();
            assert_eq!(settings.len(), 1, "{words:?}");
            assert_eq!(settings[0].0, key.name);
        }
    }

    #[test]
    fn options_that_are_not_given_keep_their_defaults() {
        assert_eq!(import(&[]), ImportOptions::default());
    }

    #[test]
    fn import_options_are_read_as_they_are_meant() {
        let options = import(&[
            "--delimiter",
            "\\t",
            "--no-header",
            "--null",
            "NA",
            "--null",
            "-",
            "--quote",
            "none",
            "--format",
            "jsonl",
            "--keep-case",
        ]);
        let expected = ImportOptions {
            format: Some(FileFormat::Json),
            header: Some(false),
            delimiter: Some(b'\t'),
            quote: None,
            null_text: vec!["NA".to_owned(), "-".to_owned()],
            keep_case: true,
            ..ImportOptions::default()
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        assert!(parse(&["import", "t", "a.csv", "--header", "--no-header"]).is_err());
        assert!(parse(&["sql", "-c", "SELECT 1", "-f", "a.sql"]).is_err());
        assert!(parse(&["import", "t"]).is_err());
        assert!(parse(&["show", "0"]).is_err());
    }
}
