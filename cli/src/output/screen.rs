//! What a screen can show: its width, its colours, and text as it appears there.

use std::borrow::Cow;
use std::env;
use std::ffi::OsStr;
use std::iter::repeat_n;

use rustyline::DefaultEditor;
use unicode_width::UnicodeWidthStr;

use super::sink::Target;

/// Rows of a result that a terminal shows; of a longer one, the first and the last half as many each.
const TERMINAL_ROWS: usize = 40;

/// Lines of one value that a terminal shows.
const TERMINAL_LINES: usize = 200;

/// What the box format may use of the place where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Columns of characters. `None`: as many as the result needs.
    pub(crate) width: Option<usize>,
    /// Rows of a result. `None`: all of them.
    pub(crate) rows: Option<usize>,
    /// Lines of a value. `None`: all of them.
    pub(crate) lines: Option<usize>,
    /// Whether colours may be used.
    pub(crate) colour: Colour,
}

/// Whether escape sequences for colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// None are written.
    Plain,
    /// They are written.
    Ansi,
}

/// On which side of its cell a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

impl Screen {
    /// A place without limits, such as a file.
    pub(crate) const UNBOUNDED: Self = Self { width: None, rows: None, lines: None, colour: Colour::Plain };

    /// What there is at the target now. Ask again after the window may have changed.
    pub(crate) fn of(target: &Target) -> Self {
        if !target.is_terminal() {
            return Self::UNBOUNDED;
        }
        Self {
            width: terminal_width(),
            rows: Some(TERMINAL_ROWS),
            lines: Some(TERMINAL_LINES),
            colour: Colour::wanted(env::var_os("NO_COLOR").as_deref(), env::var_os("TERM").as_deref()),
        }
    }
}

impl Colour {
    /// What the environment asks of a terminal. `NO_COLOR` counts when it is set and not empty
    /// (<https://no-color.org>).
    pub(crate) fn wanted(no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        let dumb = term.is_some_and(|value| value == "dumb");
        if refused || dumb { Self::Plain } else { Self::Ansi }
    }
}

/// The text with what would move the cursor, colour the screen or turn the line around spelled out: `\n`, `\u{1b}`.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            spelled.extend(character.escape_default());
        } else {
            spelled.push(character);
        }
    }
    Cow::Owned(spelled)
}

/// The lines of the text; or if they are more than `most`, its first ones and `…`, `most` in all. An empty text is one
/// line, and so is what stands behind a line break at the end.
pub(super) fn first_lines(text: &str, most: Option<usize>) -> Vec<&str> {
    let Some(most) = most else {
        return text.split('\n').collect();
    };
    let mut lines: Vec<&str> = text.split('\n').take(most.saturating_add(1)).collect();
    if lines.len() > most {
        lines.truncate(most.saturating_sub(1));
        lines.push("…");
    }
    lines
}

/// The text, or its beginning and `…` if it is wider than `width`.
pub(super) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let room = width.saturating_sub(1);
    let mut end = 0;
    for (start, character) in text.char_indices() {
        let next = start + character.len_utf8();
        // The second bound ends a run of characters without width.
        if text[..next].width() > room || next > room * 16 {
            break;
        }
        end = next;
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// Appends the text, padded with spaces to `width`. A wider text is appended as it is.
pub(super) fn pad(out: &mut String, text: &str, width: usize, align: Align) {
    let room = width.saturating_sub(text.width());
    let before = match align {
        Align::Left => 0,
        Align::Centre => room / 2,
        Align::Right => room,
    };
    out.extend(repeat_n(' ', before));
    out.push_str(text);
    out.extend(repeat_n(' ', room - before));
}

/// Whether a character would move the cursor, colour the screen or turn the line around.
pub(super) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The line editor knows how to ask a terminal for its size; an editor that never reads a line changes nothing.
fn terminal_width() -> Option<usize> {
    let mut editor = DefaultEditor::new().ok()?;
    editor.dimensions().map(|(columns, _rows)| usize::from(columns))
}
