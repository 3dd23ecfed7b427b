//! Whether what is typed is all of it: Enter runs it then, and begins a new line otherwise.

use super::meta;
use super::scan::{Kind, scan};

/// Whether a text can be run: a command of the shell, or statements whose last one ends with `;`.
pub(super) fn is_complete(text: &str) -> bool {
    if text.trim().is_empty() || meta::is_meta(text) {
        return true;
    }
    let pieces = scan(text);
    if pieces.iter().any(|piece| !piece.is_closed) {
        return false;
    }
    let last = pieces.iter().rev().find(|piece| !matches!(piece.kind, Kind::Space | Kind::Comment));
    match last {
        Some(piece) => &text[piece.start..piece.end] == ";",
        // Nothing but comments.
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(is_complete(text), expected, "{text}");
    }

    #[test]
    fn a_statement_ends_with_a_semicolon() {
        check("SELECT 1", false);
        check("SELECT 1;", true);
        check("SELECT 1; -- the answer", true);
        check("SELECT 1; SELECT 2", false);
        check("-- nothing", true);
        check("", true);
    }

    #[test]
    fn a_semicolon_in_quotes_or_comments_ends_nothing() {
        check("SELECT ';", false);
        check("SELECT ';'", false);
        check("SELECT 1 -- ;", false);
        check("SELECT 1 /* ;", false);
        check("SELECT \";\";", true);
    }

    #[test]
    fn a_command_of_the_shell_needs_no_semicolon() {
        for text in ["\\d", "\\timing off", ".tables", "exit", "quit;", "help"] {
            check(text, true);
        }
    }
}
