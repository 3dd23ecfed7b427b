//! Settings of a process: flags, then the environment, then a file, then defaults.
//!
//! ```text
//!   --listen ──▶ FROSTLINE_SERVE_LISTEN ──▶ frostline.toml: [serve] listen = "…" ──▶ default
//! ```
//!
//! * Each setting has one name in all four places, and knows where its value came from.
//! * A name that is not known in the file is an error that says the nearest one. So is a value that cannot be read.
//! * An empty variable counts as not set.

mod file;
mod key;
mod quantity;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use frostline_catalog::io::StoreOptions;
use thiserror::Error;

pub use file::ConfigFile;
pub use key::{KEYS, Key, Kind};
pub use quantity::{parse_bytes, parse_duration};

use crate::limits::ServeLimits;
use crate::tls::TlsFiles;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
    /// A file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Why settings cannot be had.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration `{}` cannot be read; check that it exists, may be read, and is text", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("`{}`, line {line}, is not TOML: {problem}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The file holds a name that is not known.
    #[error("`{}`, line {line}, sets `{name}`, which is no setting; {}", path.display(), hint(nearest.as_deref()))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The name.
        name: String,
        /// The setting whose name is nearest.
        nearest: Option<String>,
    },
    /// The file holds a list or a time, which no setting has.
    #[error(
        "`{}`, line {line}, sets `{name}` to a list or a time; give one text, number, true or false",
        path.display()
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The name.
        name: String,
    },
    /// A value cannot be read.
    #[error("`{value}` is no value for `{name}` ({origin}); give {expected}")]
    Value {
        /// The setting.
        name: &'static str,
        /// The value.
        value: String,
        /// Where it came from.
        origin: Origin,
        /// What would be one.
        expected: &'static str,
    },
    /// A certificate without its key, or the other way round.
    #[error("`{given}` is set and `{missing}` is not; TLS needs both")]
    Half {
        /// The setting that is there.
        given: &'static str,
        /// The setting that is not.
        missing: &'static str,
    },
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`frostline config show` lists them".to_owned(),
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object of JSON for each line.
    Json,
}

/// A setting's value as text, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    text: String,
    origin: Origin,
}

/// All settings of a process.
#[derive(Clone, Debug)]
pub struct Config {
    /// By the keys' names; those that have no value are not there.
    values: BTreeMap<&'static str, Value>,
}

impl Config {
    /// Puts the layers over one another.
    ///
    /// `flags` are settings' names and values; `variable` looks a variable up; every value is checked.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn resolve(
        flags: &[(&'static str, String)],
        variable: impl Fn(&str) -> Option<String>,
        file: Option<&ConfigFile>,
    ) -> Result<Self, ConfigError> {
        let mut values: BTreeMap<&'static str, Value> = BTreeMap::new();
        if let Some(file) = file {
            file.check_names()?;
        }
        for key in KEYS {
            let flag = flags.iter().find(|(name, _)| *name == key.name);
            let found = flag
                .map(|(_, text)| Value { text: text.clone(), origin: Origin::Flag(key.flag()) })
                .or_else(|| {
                    let text = variable(&key.variable()).filter(|text| !text.is_empty())?;
                    Some(Value { text, origin: Origin::Variable(key.variable()) })
                })
                .or_else(|| {
                    let file = file?;
                    Some(Value { text: file.value(key.name)?.to_owned(), origin: Origin::File(file.path.clone()) })
                });
            if let Some(value) = found {
                values.insert(key.name, value);
            }
        }
        let mut config = Self { values };
        config.fill_defaults();
        config.check()?;
        Ok(config)
    }

    fn fill_defaults(&mut self) {
        let limits = ServeLimits::default();
        for key in KEYS {
            let Some(text) = key.default_text(&limits) else { continue };
            self.values.entry(key.name).or_insert(Value { text, origin: Origin::Default });
        }
        // Half of whatever the whole is.
        if self.is_given("limits.memory")
            && !self.is_given("limits.statement_memory")
            && let Ok(memory) = self.bytes("limits.memory")
        {
            let value = Value { text: quantity::write_bytes((memory / 2).max(1)), origin: Origin::Default };
            self.values.insert("limits.statement_memory", value);
        }
    }

    /// Reads every value once, so that a wrong one is found whatever is done with the rest.
    fn check(&self) -> Result<(), ConfigError> {
        for key in KEYS {
            if !self.values.contains_key(key.name) {
                continue;
            }
            match key.kind {
                Kind::Text | Kind::Path => {}
                Kind::Address => {
                    self.address(key.name)?;
                }
                Kind::Switch => {
                    self.switch(key.name)?;
                }
                Kind::Duration => {
                    let duration = self.duration(key.name)?;
                    if duration.is_zero() && !key.may_be_zero {
                        return Err(self.wrong(key.name, "a time above zero such as 500ms, 30s or 10m"));
                    }
                }
                Kind::Bytes => {
                    let bytes = self.bytes(key.name)?;
                    if bytes == 0 && !key.may_be_zero {
                        return Err(self.wrong(key.name, "a size above zero such as 512MiB or 8GiB"));
                    }
                }
                Kind::Count => {
                    let count = self.count(key.name)?;
                    if count == 0 && !key.may_be_zero {
                        return Err(self.wrong(key.name, "a whole number above zero"));
                    }
                }
                Kind::LogFormat => {
                    self.log_format()?;
                }
            }
        }
        self.tls()?;
        Ok(())
    }

    fn is_given(&self, name: &str) -> bool {
        self.origin(name).is_some_and(|origin| *origin != Origin::Default)
    }

    fn text(&self, name: &'static str) -> Option<&str> {
        self.values.get(name).map(|value| value.text.as_str())
    }

    fn origin(&self, name: &str) -> Option<&Origin> {
        self.values.get(name).map(|value| &value.origin)
    }

    fn wrong(&self, name: &'static str, expected: &'static str) -> ConfigError {
        let value = self.values.get(name).cloned();
        let Value { text, origin } = value.unwrap_or(Value { text: String::new(), origin: Origin::Default });
        ConfigError::Value { name, value: text, origin, expected }
    }

    fn read<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.text(name).and_then(read).ok_or_else(|| self.wrong(name, expected))
    }

    fn address(&self, name: &'static str) -> Result<SocketAddr, ConfigError> {
        self.read(name, "an address and a port such as 127.0.0.1:31337", |text| {
            text.parse().ok().or_else(|| text.to_socket_addrs().ok()?.next())
        })
    }

    fn switch(&self, name: &'static str) -> Result<bool, ConfigError> {
        self.read(name, "true or false", |text| match text {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        })
    }

    fn duration(&self, name: &'static str) -> Result<Duration, ConfigError> {
        self.read(name, "a time such as 500ms, 30s, 10m, 2h or 30d", parse_duration)
    }

    fn bytes(&self, name: &'static str) -> Result<u64, ConfigError> {
        self.read(name, "a size such as 512MiB, 8GiB or a number of bytes", parse_bytes)
    }

    fn count(&self, name: &'static str) -> Result<usize, ConfigError> {
        self.read(name, "a whole number", |text| text.parse().ok())
    }

    fn path(&self, name: &'static str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Where the lake is.
    pub fn lake(&self) -> &str {
        self.text("lake").unwrap_or(key::DEFAULT_LAKE)
    }

    /// How the lake's store is reached.
    pub fn store_options(&self) -> Result<StoreOptions, ConfigError> {
        let text = |name: &'static str| self.text(name).map(str::to_owned);
        let path_style = "s3.path_style";
        Ok(StoreOptions {
            s3_endpoint: text("s3.endpoint"),
            s3_region: text("s3.region"),
            s3_path_style: self.text(path_style).map(|_| self.switch(path_style)).transpose()?,
            s3_profile: text("s3.profile"),
            s3_credentials_file: self.path("s3.credentials_file"),
        })
    }

    /// Where Flight SQL is served.
    pub fn listen(&self) -> Result<SocketAddr, ConfigError> {
        self.address("serve.listen")
    }

    /// Where HTTP is served.
    pub fn http_listen(&self) -> Result<SocketAddr, ConfigError> {
        self.address("serve.http_listen")
    }

    /// The certificate, if TLS is wanted.
    pub fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        match (self.path("serve.tls_cert"), self.path("serve.tls_key")) {
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(ConfigError::Half { given: "serve.tls_cert", missing: "serve.tls_key" }),
            (None, Some(_)) => Err(ConfigError::Half { given: "serve.tls_key", missing: "serve.tls_cert" }),
        }
    }

    /// Whether plaintext is served to other machines.
    pub fn allow_plaintext(&self) -> Result<bool, ConfigError> {
        self.switch("serve.allow_plaintext")
    }

    /// Whether nobody is asked for a token.
    pub fn no_auth(&self) -> Result<bool, ConfigError> {
        self.switch("serve.no_auth")
    }

    /// How long statements may go on when the server is told to end.
    pub fn drain(&self) -> Result<Duration, ConfigError> {
        self.duration("serve.drain")
    }

    /// How many bytes of Arrow memory a write may have to stay in the slot that commits it; with 0, all rows are
    /// frozen.
    pub fn hot_bytes_max(&self) -> Result<usize, ConfigError> {
        let bytes = self.bytes("write.hot_size")?;
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// How the log is written.
    pub fn log_format(&self) -> Result<LogFormat, ConfigError> {
        self.read("log.format", "text or json", |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        })
    }

    /// The limits of a server.
    pub fn limits(&self) -> Result<ServeLimits, ConfigError> {
        let statement_bytes = self.bytes("limits.statement_size")?;
        Ok(ServeLimits {
            memory_bytes: self.bytes("limits.memory")?,
            statement_memory_bytes: self.bytes("limits.statement_memory")?,
            spill_bytes: self.bytes("limits.spill")?,
            spill_folder: self.path("limits.spill_folder"),
            statement_timeout: self.duration("limits.statement_timeout")?,
            statement_bytes_max: usize::try_from(statement_bytes).unwrap_or(usize::MAX),
            result_bytes_max: self.bytes("limits.result_size")?,
            concurrent_statements: self.count("limits.concurrent_statements")?,
            queued_statements: self.count("limits.queued_statements")?,
            queue_timeout: self.duration("limits.queue_timeout")?,
            idle_timeout: self.duration("limits.idle_timeout")?,
            connections: self.count("limits.connections")?,
        })
    }

    /// All settings as TOML, each with where it came from if wanted. What has no value is a remark.
    pub fn show(&self, with_origin: bool) -> String {
        let mut text = String::new();
        for key in KEYS {
            let (line, origin) = match self.values.get(key.name) {
                Some(value) => (format!("{} = {}", key.name, key.literal(&value.text)), value.origin.to_string()),
                None => (format!("# {} is not set", key.name), String::new()),
            };
            let remark = if with_origin && !origin.is_empty() { format!("  # {origin}") } else { String::new() };
            // A string takes whatever is written to it.
            let _ = writeln!(text, "{line}{remark}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ConfigFile {
        ConfigFile::parse(PathBuf::from("frostline.toml"), text).unwrap()
    }

    fn resolve(
        flags: &[(&'static str, &str)],
        variables: &[(&str, &str)],
        text: Option<&str>,
    ) -> Result<Config, ConfigError> {
        let flags: Vec<(&'static str, String)> =
            flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let look_up = |name: &str| -> Option<String> {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        };
        let file = text.map(file);
        Config::resolve(&flags, look_up, file.as_ref())
    }

    fn lake_and_origin(config: &Config) -> String {
        format!("{} from {}", config.lake(), config.origin("lake").unwrap())
    }

    #[test]
    fn flags_win_over_the_environment_over_the_file_over_defaults() {
        let (flag, variable, text) = ([("lake", "a")], [("FROSTLINE_LAKE", "b")], Some("lake = \"c\""));
        let check = |config: Result<Config, ConfigError>, expected: &str| {
            assert_eq!(lake_and_origin(&config.unwrap()), expected);
        };
        check(resolve(&flag, &variable, text), "a from flag --lake");
        check(resolve(&[], &variable, text), "b from variable FROSTLINE_LAKE");
        check(resolve(&[], &[("FROSTLINE_LAKE", "")], text), "c from file frostline.toml");
        check(resolve(&[], &[], None), "./frostline-lake from default");
    }

    #[test]
    fn a_name_that_is_not_known_is_refused_with_its_line_and_the_nearest() {
        let check = |text: &str, expected: &str| {
            let error = resolve(&[], &[], Some(text)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        let unlike = "`frostline.toml`, line 2, sets `serve.listen_http`, which is no setting";
        check("[serve]\nlisten_http = \"127.0.0.1:1\"", unlike);
        let nearest = "sets `limits.memry`, which is no setting; did you mean `limits.memory`?";
        check("# mine\n\n[limits]\nspill = 1\nmemry = 1", &format!("`frostline.toml`, line 5, {nearest}"));
        check("lake = \"x\"\nlimits.memry = 1", &format!("`frostline.toml`, line 2, {nearest}"));
        check("limits = { memry = 1 }", &format!("`frostline.toml`, line 1, {nearest}"));
    }

    #[test]
    fn a_list_is_no_value_of_a_setting_that_there_is() {
        let error = resolve(&[], &[], Some("\nlake = [\"a\", \"b\"]")).unwrap_err().to_string();
        let expected =
            "`frostline.toml`, line 2, sets `lake` to a list or a time; give one text, number, true or false";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named_with_its_origin() {
        let error = resolve(&[], &[("FROSTLINE_SERVE_NO_AUTH", "maybe")], None).unwrap_err().to_string();
        assert_eq!(
            error,
            "`maybe` is no value for `serve.no_auth` (variable FROSTLINE_SERVE_NO_AUTH); give true or false"
        );
        assert!(resolve(&[("serve.listen", "nowhere")], &[], None).is_err());
        assert!(resolve(&[], &[], Some("[limits]\nmemory = \"many\"")).is_err());
        assert!(resolve(&[], &[], Some("[log]\nformat = \"xml\"")).is_err());
        assert!(resolve(&[("serve.tls_cert", "cert.pem")], &[], None).is_err());
    }

    #[test]
    fn zero_is_refused_where_no_statement_could_be_run_with_it() {
        let error = resolve(&[("limits.memory", "0")], &[], None).unwrap_err().to_string();
        let refused = "`0` is no value for `limits.memory` (flag --memory)";
        assert_eq!(error, format!("{refused}; give a size above zero such as 512MiB or 8GiB"));
        let check = |name: &'static str, value: &str, is_taken: bool| {
            assert_eq!(resolve(&[(name, value)], &[], None).is_ok(), is_taken, "{name} {value}");
        };
        check("limits.memory", "1", true);
        check("limits.memory", "0GiB", false);
        check("limits.statement_memory", "0", false);
        check("limits.statement_timeout", "0s", false);
        check("limits.statement_size", "0", false);
        check("limits.result_size", "0", false);
        check("limits.concurrent_statements", "0", false);
        check("limits.idle_timeout", "0ms", false);
        check("limits.connections", "0", false);
        check("limits.spill", "0", true);
        check("limits.queued_statements", "0", true);
        check("limits.queue_timeout", "0s", true);
        check("serve.drain", "0s", true);
        check("write.hot_size", "0", true);
    }

    #[test]
    fn values_are_read_as_they_are_meant() {
        let text = "
            [serve]
            listen = \"0.0.0.0:0\"
            no_auth = true
            [limits]
            memory = \"2GiB\"
            statement_timeout = \"90s\"
            concurrent_statements = 3
            [write]
            hot_size = \"64KiB\"
        ";
        let config = resolve(&[], &[], Some(text)).unwrap();
        assert_eq!(config.listen().unwrap().to_string(), "0.0.0.0:0");
        assert!(config.no_auth().unwrap());
        let limits = config.limits().unwrap();
        assert_eq!(limits.memory_bytes, 2 * 1024 * 1024 * 1024);
        assert_eq!(limits.statement_memory_bytes, 1024 * 1024 * 1024, "half of it, if nobody says more");
        assert_eq!(limits.statement_timeout, Duration::from_secs(90));
        assert_eq!(limits.concurrent_statements, 3);
        assert_eq!(config.hot_bytes_max().unwrap(), 64 * 1024);
    }

    #[test]
    fn defaults_are_the_limits_defaults() {
        let (shown, expected) = (resolve(&[], &[], None).unwrap().limits().unwrap(), ServeLimits::default());
        assert_eq!(ServeLimits { statement_memory_bytes: expected.statement_memory_bytes, ..shown }, expected);
    }

    #[test]
    fn what_is_shown_can_be_given_back_and_says_where_it_came_from() {
        let config = resolve(&[("serve.drain", "5s")], &[], Some("lake = 'a \"b\"'")).unwrap();
        let shown = config.show(true);
        assert!(shown.contains("serve.drain = \"5s\"  # flag --drain\n"), "{shown}");
        assert!(shown.contains("lake = \"a \\\"b\\\"\"  # file frostline.toml\n"), "{shown}");
        assert!(shown.contains("serve.no_auth = false  # default\n"), "{shown}");
        assert!(shown.contains("# serve.tls_cert is not set\n"), "{shown}");
        let again = resolve(&[], &[], Some(&shown)).unwrap();
        assert_eq!(again.show(false), config.show(false));
    }
}
