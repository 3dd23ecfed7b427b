//! What was typed before, kept between sessions in the user's state folder and never in a lake.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Editor, Helper};

/// How many inputs are kept.
pub(super) const ENTRIES_MAX: usize = 10_000;

/// The file with what was typed before.
///
/// * It is `frostline/history` in `$XDG_STATE_HOME`, or in `~/.local/state`. Only its user can read it.
/// * Without either folder, or where it cannot be written, the shell works and remembers nothing.
pub(super) struct HistoryFile {
    path: Option<PathBuf>,
}

impl HistoryFile {
    /// The file of the user who runs the process.
    pub(super) fn of_user() -> Self {
        Self { path: path_under(env::var_os("XDG_STATE_HOME").as_deref(), env::var_os("HOME").as_deref()) }
    }

    /// Gives the editor what was typed before.
    pub(super) fn load<H: Helper>(&self, editor: &mut Editor<H, DefaultHistory>) {
        let Some(path) = &self.path else {
            return;
        };
        if !path.exists() {
            return;
        }
        if let Err(error) = editor.load_history(path) {
            warn(path, &error);
        }
    }

    /// Remembers an input, now and in the file.
    pub(super) fn add<H: Helper>(&self, editor: &mut Editor<H, DefaultHistory>, input: &str) {
        let added = editor.add_history_entry(input);
        let (Ok(true), Some(path)) = (added, &self.path) else {
            return;
        };
        if let Some(folder) = path.parent()
            && let Err(error) = fs::create_dir_all(folder)
        {
            warn(path, &ReadlineError::Io(error));
            return;
        }
        if let Err(error) = editor.append_history(path) {
            warn(path, &error);
        }
    }
}

/// The file's path, from what the environment says. Relative folders do not count, as the XDG specification has it.
fn path_under(state_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let absolute =
        |folder: &OsStr| -> Option<PathBuf> { Some(PathBuf::from(folder)).filter(|path| path.is_absolute()) };
    let state = state_home.and_then(absolute);
    let state = state.or_else(|| home.and_then(absolute).map(|home| home.join(".local").join("state")));
    state.map(|folder| folder.join("frostline").join("history"))
}

fn warn(path: &Path, error: &ReadlineError) {
    // Once is worth knowing, at each input it would be a nuisance: so not at the default level.
    tracing::info!(path = %path.display(), %error, "the history is not kept");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state_home: Option<&str>, home: Option<&str>, expected: Option<&str>) {
        assert_eq!(path_under(state_home.map(OsStr::new), home.map(OsStr::new)), expected.map(PathBuf::from));
    }

    #[cfg(unix)]
    #[test]
    fn the_history_is_in_the_state_folder() {
        check(Some("/state"), Some("/home/ann"), Some("/state/frostline/history"));
        check(None, Some("/home/ann"), Some("/home/ann/.local/state/frostline/history"));
        check(Some("relative"), Some("/home/ann"), Some("/home/ann/.local/state/frostline/history"));
        check(None, None, None);
    }
}
