//! The settings there are.

use frostline_sql::Settings;

use crate::limits::ServeLimits;

use super::quantity::{write_bytes, write_duration};

/// Where the lake is if nobody says.
pub(super) const DEFAULT_LAKE: &str = "./frostline-lake";

/// What the values of a setting are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A file or a folder.
    Path,
    /// A socket's address.
    Address,
    /// True or false.
    Switch,
    /// A length of time.
    Duration,
    /// A number of bytes.
    Bytes,
    /// A whole number.
    Count,
    /// How the log is written.
    LogFormat,
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file: its table, a point, and its name there.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it does.
    pub about: &'static str,
    /// Whether zero is a value: with none of what it limits, the server still serves.
    pub(super) may_be_zero: bool,
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about, may_be_zero: true }
}

/// A setting without which, if it were zero, no statement could be run.
const fn above_zero(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about, may_be_zero: false }
}

/// Every setting, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key("lake", Kind::Text, "the lake: a path or a URL"),
    key("s3.endpoint", Kind::Text, "the S3 server's address"),
    key("s3.region", Kind::Text, "its region"),
    key("s3.path_style", Kind::Switch, "whether the bucket stands in the path"),
    key("s3.profile", Kind::Text, "the profile in the files of the AWS command line"),
    key("s3.credentials_file", Kind::Path, "the file of credentials"),
    key("serve.listen", Kind::Address, "where Flight SQL is served"),
    key("serve.http_listen", Kind::Address, "where HTTP is served"),
    key("serve.tls_cert", Kind::Path, "the certificate, in PEM"),
    key("serve.tls_key", Kind::Path, "its key, in PEM"),
    key("serve.allow_plaintext", Kind::Switch, "serve other machines without TLS"),
    key("serve.no_auth", Kind::Switch, "ask nobody for a token; only for this machine"),
    key("serve.drain", Kind::Duration, "how long statements may go on when the server ends"),
    above_zero("limits.memory", Kind::Bytes, "memory of all statements"),
    above_zero("limits.statement_memory", Kind::Bytes, "memory of one statement"),
    key("limits.spill", Kind::Bytes, "disk for what memory does not hold"),
    key("limits.spill_folder", Kind::Path, "where that is"),
    above_zero("limits.statement_timeout", Kind::Duration, "how long a statement may take"),
    above_zero("limits.statement_size", Kind::Bytes, "how long a statement's text may be"),
    above_zero("limits.result_size", Kind::Bytes, "how many bytes the rows of a statement may have"),
    above_zero("limits.concurrent_statements", Kind::Count, "how many statements run at once"),
    key("limits.queued_statements", Kind::Count, "how many may wait"),
    key("limits.queue_timeout", Kind::Duration, "how long they wait"),
    above_zero("limits.idle_timeout", Kind::Duration, "when handles and sessions that nobody uses are forgotten"),
    above_zero("limits.connections", Kind::Count, "how many connections each listener keeps"),
    key("write.hot_size", Kind::Bytes, "how large a write may be to stay in the slot that commits it"),
    key("log.format", Kind::LogFormat, "how the log is written: text or json"),
];

impl Key {
    /// The flag: `--http-listen`. Of the tables only `s3` and `log` are named in it.
    pub fn flag(&self) -> String {
        let name = match self.name.split_once('.') {
            Some(("s3" | "log", _)) | None => self.name,
            Some((_, name)) => name,
        };
        format!("--{}", name.replace(['_', '.'], "-"))
    }

    /// The variable: `FROSTLINE_SERVE_HTTP_LISTEN`.
    pub fn variable(&self) -> String {
        format!("FROSTLINE_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// The default as text; `None` where there is none.
    pub(super) fn default_text(&self, limits: &ServeLimits) -> Option<String> {
        let text = match self.name {
            "lake" => DEFAULT_LAKE.to_owned(),
            "serve.listen" => "127.0.0.1:31337".to_owned(),
            "serve.http_listen" => "127.0.0.1:8080".to_owned(),
            "serve.allow_plaintext" | "serve.no_auth" => "false".to_owned(),
            "serve.drain" => "30s".to_owned(),
            "limits.memory" => write_bytes(limits.memory_bytes),
            "limits.statement_memory" => write_bytes(limits.statement_memory_bytes),
            "limits.spill" => write_bytes(limits.spill_bytes),
            "limits.statement_timeout" => write_duration(limits.statement_timeout),
            "limits.statement_size" => write_bytes(limits.statement_bytes_max as u64),
            "limits.result_size" => write_bytes(limits.result_bytes_max),
            "limits.concurrent_statements" => limits.concurrent_statements.to_string(),
            "limits.queued_statements" => limits.queued_statements.to_string(),
            "limits.queue_timeout" => write_duration(limits.queue_timeout),
            "limits.idle_timeout" => write_duration(limits.idle_timeout),
            "limits.connections" => limits.connections.to_string(),
            "write.hot_size" => write_bytes(Settings::default().hot_bytes_max as u64),
            "log.format" => "text".to_owned(),
            _ => return None,
        };
        Some(text)
    }

    /// A value as TOML writes it. What only we take for a switch or a number, such as `yes` and `007`, is a text there.
    pub(super) fn literal(&self, text: &str) -> String {
        let is_plain = match self.kind {
            Kind::Switch => matches!(text, "true" | "false"),
            Kind::Count => text.parse::<usize>().is_ok_and(|count| count.to_string() == text),
            _ => false,
        };
        if is_plain { text.to_owned() } else { quoted(text) }
    }
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            control if control.is_control() => literal.push_str(&format!("\\u{:04X}", u32::from(control))),
            plain => literal.push(plain),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_one_name_in_all_places() {
        let listen = KEYS.iter().find(|key| key.name == "serve.http_listen").unwrap();
        assert_eq!(
            (listen.flag().as_str(), listen.variable().as_str()),
            ("--http-listen", "FROSTLINE_SERVE_HTTP_LISTEN")
        );
        let mut flags: Vec<String> = KEYS.iter().map(Key::flag).collect();
        flags.sort();
        flags.dedup();
        assert_eq!(flags.len(), KEYS.len(), "no two settings share a flag");
    }

    #[test]
    fn a_value_is_toml_however_it_was_given() {
        let literal = |name: &str, text: &str| KEYS.iter().find(|key| key.name == name).unwrap().literal(text);
        assert_eq!(literal("serve.no_auth", "true"), "true");
        assert_eq!(literal("serve.no_auth", "yes"), "\"yes\"");
        assert_eq!(literal("limits.connections", "7"), "7");
        assert_eq!(literal("limits.connections", "007"), "\"007\"");
        assert_eq!(literal("limits.memory", "7"), "\"7\"");
    }
}
