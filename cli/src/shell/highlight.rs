//! Colours for what is typed.

use super::keyword::is_keyword;
use super::scan::{Kind, scan};

const BOLD: &str = "\u{1b}[1m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// The text in colours. Without them it is the same text.
pub(super) fn highlight(text: &str) -> String {
    let mut coloured = String::with_capacity(text.len() * 2);
    for piece in scan(text) {
        let part = &text[piece.start..piece.end];
        let colour = match piece.kind {
            Kind::Word if is_keyword(part) => BOLD,
            Kind::Text => GREEN,
            Kind::Number => CYAN,
            Kind::Comment => DIM,
            Kind::Word | Kind::Name | Kind::Space | Kind::Sign => {
                coloured.push_str(part);
                continue;
            }
        };
        coloured.push_str(colour);
        coloured.push_str(part);
        coloured.push_str(PLAIN);
    }
    coloured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_texts_numbers_and_comments_have_colours() {
        assert_eq!(
            highlight("select a, 'b', 1 -- c"),
            "\u{1b}[1mselect\u{1b}[0m a, \u{1b}[32m'b'\u{1b}[0m, \u{1b}[36m1\u{1b}[0m \u{1b}[2m-- c\u{1b}[0m"
        );
    }
}
