//! Which settings there are, and which of them SQL may change.

use std::collections::BTreeSet;

use datafusion::common::config::ConfigOptions;
use frostline_catalog::{Micros, State, Version};

use crate::error::Error;
use crate::parse::Isolation;
use crate::system::SettingRow;

/// What a session itself remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnSettings {
    pub(crate) author: String,
    pub(crate) message: String,
    /// The version that the session is pinned to.
    pub(crate) pin: Option<Version>,
    /// The instant that the session's commits count as made at.
    pub(crate) commit_time: Option<Micros>,
    /// What the session's commits check.
    pub(crate) isolation: Isolation,
    /// The planner's settings that the session changed.
    pub(crate) changed: BTreeSet<String>,
}

/// Settings of the planner that a session may change, by the beginning of their names.
const ALLOWED: [&str; 3] = ["datafusion.execution.", "datafusion.optimizer.", "datafusion.explain."];

/// Names under those beginnings that a session may not change, and why.
const REFUSED: [(&str, &str); 2] = [
    ("datafusion.execution.keep_partition_by_columns", "tables have no partition columns"),
    ("datafusion.execution.listing_table_", "tables are not listed"),
];

/// What a session from a network may change. Nothing here changes what a statement costs anybody else.
const ALLOWED_FROM_NETWORK: [&str; 2] = ["datafusion.execution.time_zone", "datafusion.explain."];

/// How the names of a lake's settings begin that SQL neither shows nor changes: what servers keep there, tokens among
/// them.
pub const RESERVED_SETTINGS: &str = "server.";

/// The full name of a setting: `timezone` and `time_zone` are short for the planner's.
pub(crate) fn full_name(name: &str) -> String {
    match name.to_lowercase().as_str() {
        "timezone" | "time_zone" | "time.zone" => "datafusion.execution.time_zone".to_owned(),
        lower => lower.to_owned(),
    }
}

/// Refuses a setting that SQL may not change. SQL from a network may change fewer.
pub(crate) fn check_allowed(name: &str, options: &ConfigOptions, network: bool) -> Result<(), Error> {
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| name.starts_with(refused)) {
        return Err(Error::statement(format!("setting `{name}` cannot be changed: {reason}")));
    }
    let is_known = options.entries().into_iter().any(|entry| entry.key == name);
    if !is_known && !name.starts_with("datafusion.runtime.") {
        return Err(unknown(name, options));
    }
    let is_one_of = |allowed: &[&str]| allowed.iter().any(|allowed| name.starts_with(allowed));
    if network && !is_one_of(&ALLOWED_FROM_NETWORK) {
        return Err(Error::statement(format!("setting `{name}` cannot be changed over the network")).with_hint(
            "a session on a server may change timezone, datafusion.explain.* and frostline.*; \
             the server's own settings hold for everything else",
        ));
    }
    match is_one_of(&ALLOWED) {
        true => Ok(()),
        false => Err(Error::statement(format!("setting `{name}` cannot be changed by SQL"))
            .with_hint("a session may change datafusion.execution.*, datafusion.optimizer.* and frostline.*")),
    }
}

/// How SET and SHOW spell an isolation.
fn isolation_name(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::Serializable => "serializable",
        Isolation::Snapshot => "snapshot",
    }
}

/// The isolation that SET names.
pub(crate) fn isolation(value: &str) -> Result<Isolation, Error> {
    let all = [Isolation::Serializable, Isolation::Snapshot];
    all.into_iter().find(|isolation| value.eq_ignore_ascii_case(isolation_name(*isolation))).ok_or_else(|| {
        Error::statement(format!("setting `frostline.isolation` does not take `{value}`"))
            .with_hint("it takes 'serializable' or 'snapshot'")
    })
}

/// The error for a setting that does not exist.
pub(crate) fn unknown(name: &str, options: &ConfigOptions) -> Error {
    let known: Vec<String> = options.entries().into_iter().map(|entry| entry.key).collect();
    let own =
        ["frostline.as_of", "frostline.author", "frostline.commit_time", "frostline.isolation", "frostline.message"];
    match frostline_catalog::nearest(name, known.iter().map(String::as_str).chain(own)) {
        Some(nearest) => Error::statement(format!("setting `{name}` does not exist; did you mean `{nearest}`?")),
        None => Error::statement(format!("setting `{name}` does not exist"))
            .with_hint("`SELECT name, value FROM system.settings` lists them"),
    }
}

/// Every setting that a session can see: its own, the lake's, and those of the planner that it may change.
pub(crate) fn rows(session: &OwnSettings, options: &ConfigOptions, state: &State, visible: Version) -> Vec<SettingRow> {
    let own = |name: &str, value: Option<String>, description: &str| SettingRow {
        name: name.to_owned(),
        source: if value.is_some() { "session".to_owned() } else { "default".to_owned() },
        value,
        description: description.to_owned(),
    };
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut rows = vec![
        own(
            "frostline.as_of",
            session.pin.map(|version| version.to_string()),
            "the version that the session is pinned to",
        ),
        own("frostline.author", text(&session.author), "the author of the session's commits"),
        own(
            "frostline.commit_time",
            session.commit_time.map(|time| time.to_string()),
            "the instant that the session's commits count as made at, where the lake allows it",
        ),
        SettingRow {
            name: "frostline.isolation".to_owned(),
            value: Some(isolation_name(session.isolation).to_owned()),
            source: if session.isolation == Isolation::default() { "default" } else { "session" }.to_owned(),
            description: "what a commit checks: serializable, what it read too; snapshot, what it wrote".to_owned(),
        },
        own("frostline.message", text(&session.message), "the message of the session's commits"),
    ];
    for (name, value) in state.settings().all_at(visible).filter(|(name, _)| !name.starts_with(RESERVED_SETTINGS)) {
        rows.push(SettingRow {
            name: name.clone(),
            value: Some(value.clone()),
            source: "lake".to_owned(),
            description: "a setting of the lake".to_owned(),
        });
    }
    for entry in options.entries() {
        if !ALLOWED.iter().any(|allowed| entry.key.starts_with(allowed)) {
            continue;
        }
        let source = if session.changed.contains(&entry.key) { "session" } else { "default" };
        rows.push(SettingRow {
            name: entry.key,
            value: entry.value,
            source: source.to_owned(),
            description: entry.description.to_owned(),
        });
    }
    rows
}
