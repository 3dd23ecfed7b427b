//! Lines of text on standard output, for results that are no table.

use std::env;
use std::io::{self, IsTerminal, Write};

use crate::message;
use crate::output::{OutputError, Target};

/// Lines of text on standard output.
///
/// * A line goes out at once: whoever reads it sees how far the command has come.
/// * Text of users cannot move the cursor or colour the screen: see [`visible`].
pub(crate) struct Lines {
    stdout: io::Stdout,
    has_colours: bool,
}

impl Lines {
    /// Lines on standard output, with colours if it is a terminal that wants them.
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        let has_colours = message::colours_wanted(
            stdout.is_terminal(),
            env::var_os("NO_COLOR").as_deref(),
            env::var_os("TERM").as_deref(),
        );
        Self { stdout, has_colours }
    }

    /// The text as something to look for, in colour where there are colours.
    pub(crate) fn marked(&self, text: &str) -> String {
        if self.has_colours { format!("\u{1b}[33m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Writes a line.
    pub(crate) fn put(&mut self, line: &str) -> Result<(), OutputError> {
        let text = format!("{line}\n");
        let outcome = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
        outcome.map_err(|source| match source.kind() {
            io::ErrorKind::BrokenPipe => OutputError::ClosedPipe,
            _ => OutputError::Write { target: Target::Stdout, source },
        })
    }
}

/// The text with its control characters spelled out, line ends among them.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns_text_around =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns_text_around {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_users_plays_no_tricks_on_the_terminal() {
        assert_eq!(visible("café\n\u{1b}[31mred"), "café\\n\\u{1b}[31mred");
    }
}
