//! The pieces of a text of SQL for the line editor. It never fails: what is not closed runs to the end.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space.
    Space,
    /// A word without quotes: a keyword or a name.
    Word,
    /// A name in double quotes.
    Name,
    /// A text in single quotes or between dollar signs.
    Text,
    /// A number.
    Number,
    /// A comment of either kind.
    Comment,
    /// A single other character.
    Sign,
}

/// A piece of a text: `text[start..end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether the end that it needs is there.
    pub(super) is_closed: bool,
}

/// Cuts a text into pieces that lie end to end.
pub(super) fn scan(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let (kind, length, is_closed) = first_piece(&text[start..]);
        let end = start + length;
        pieces.push(Piece { kind, start, end, is_closed });
        start = end;
    }
    pieces
}

/// The kind and length of the first piece of a text that is not empty.
fn first_piece(text: &str) -> (Kind, usize, bool) {
    let first = text.chars().next().unwrap_or(' ');
    if first.is_whitespace() {
        return (Kind::Space, run(text, char::is_whitespace), true);
    }
    if text.starts_with("--") {
        return (Kind::Comment, text.find('\n').unwrap_or(text.len()), true);
    }
    if text.starts_with("/*") {
        let (length, is_closed) = block_comment(text);
        return (Kind::Comment, length, is_closed);
    }
    match first {
        '\'' => quoted(Kind::Text, text, 0, Escape::Doubled),
        '"' => quoted(Kind::Name, text, 0, Escape::Doubled),
        'e' | 'E' if text[1..].starts_with('\'') => quoted(Kind::Text, text, 1, Escape::Backslash),
        '$' => dollar(text),
        _ if first.is_ascii_digit() => (Kind::Number, number(text), true),
        _ if is_word(first) => (Kind::Word, run(text, is_word), true),
        _ => (Kind::Sign, first.len_utf8(), true),
    }
}

/// How a quote stands inside quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// Twice.
    Doubled,
    /// Twice, or behind a backslash.
    Backslash,
}

/// A piece between quotes, the first of which is at `open`.
fn quoted(kind: Kind, text: &str, open: usize, escape: Escape) -> (Kind, usize, bool) {
    let quote = if kind == Kind::Name { '"' } else { '\'' };
    let body = open + 1;
    let mut characters = text[body..].char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && escape == Escape::Backslash {
            characters.next();
        } else if character == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return (kind, body + at + 1, true),
            }
        }
    }
    (kind, text.len(), false)
}

/// A comment that may hold others.
fn block_comment(text: &str) -> (usize, bool) {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (at, true);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    (text.len(), false)
}

/// A text between `$$` or `$tag$`, or a parameter such as `$1`.
fn dollar(text: &str) -> (Kind, usize, bool) {
    let tag_end = 1 + run(&text[1..], is_word);
    if !text[tag_end..].starts_with('$') {
        return (Kind::Sign, tag_end, true);
    }
    let delimiter = &text[..=tag_end];
    match text[delimiter.len()..].find(delimiter) {
        Some(at) => (Kind::Text, delimiter.len() + at + delimiter.len(), true),
        None => (Kind::Text, text.len(), false),
    }
}

/// The length of a number: digits, a point, an exponent. Wrong ones are the parser's concern.
fn number(text: &str) -> usize {
    run(text, |character| character.is_ascii_alphanumeric() || matches!(character, '.' | '_'))
}

/// How long the run of such characters is that a text begins with.
fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|character: char| !belongs(character)).unwrap_or(text.len())
}

/// Whether a character is part of words.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails unless the pieces other than white space are the expected ones.
    fn check(text: &str, expected: &[(Kind, &str)]) {
        let pieces = scan(text);
        let found: Vec<(Kind, &str)> = pieces
            .iter()
            .filter(|piece| piece.kind != Kind::Space)
            .map(|piece| (piece.kind, &text[piece.start..piece.end]))
            .collect();
        assert_eq!(found, expected);
    }

    fn is_closed(text: &str) -> bool {
        scan(text).iter().all(|piece| piece.is_closed)
    }

    #[test]
    fn a_statement_falls_into_its_pieces() {
        check(
            "SELECT \"a;b\", 'it''s', 1.5e3 FROM größe; -- end",
            &[
                (Kind::Word, "SELECT"),
                (Kind::Name, "\"a;b\""),
                (Kind::Sign, ","),
                (Kind::Text, "'it''s'"),
                (Kind::Sign, ","),
                (Kind::Number, "1.5e3"),
                (Kind::Word, "FROM"),
                (Kind::Word, "größe"),
                (Kind::Sign, ";"),
                (Kind::Comment, "-- end"),
            ],
        );
    }

    #[test]
    fn the_rarer_texts_are_known() {
        check(
            "e'a\\'b' $$it's;$$ $x$a$$b$x$",
            &[(Kind::Text, "e'a\\'b'"), (Kind::Text, "$$it's;$$"), (Kind::Text, "$x$a$$b$x$")],
        );
        check("/* a /* b */ c */ $1", &[(Kind::Comment, "/* a /* b */ c */"), (Kind::Sign, "$1")]);
    }

    #[test]
    fn what_is_not_closed_runs_to_the_end() {
        for text in ["'a;", "\"a;", "/* /* */", "$$a;", "$x$ $$", "e'a\\'"] {
            assert!(!is_closed(text), "{text}");
        }
        for text in ["", "'a'''", "-- '", "/**/", "$1", "a$"] {
            assert!(is_closed(text), "{text}");
        }
    }
}
