//! What Tab offers: keywords, and the names of schemas, tables, views and columns.
//!
//! * Behind FROM, JOIN, INTO and the like stand tables, behind `table.` its columns, behind `schema.` its tables.
//! * Elsewhere the columns of the tables that the statement names, and keywords and tables for what has a first letter.
//! * Nothing within quotes and comments.

use std::collections::BTreeSet;

use frostline_catalog::{Relation, State, Version};

use super::keyword::KEYWORDS;
use super::scan::{Kind, Piece, is_word, scan};

/// Words behind which a table stands.
const BEFORE_TABLES: [&str; 8] = ["FROM", "JOIN", "INTO", "TABLE", "VIEW", "DESCRIBE", "SUMMARIZE", "COPY"];

/// The names of the catalog at one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    schemas: Vec<String>,
    relations: Vec<RelationNames>,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RelationNames {
    schema: String,
    name: String,
    columns: Vec<String>,
}

impl Names {
    /// The names at the newest version.
    pub(super) fn of(state: &State) -> Self {
        let version = state.head().version.unwrap_or(Version::FIRST);
        let mut names = Self { schemas: vec!["system".to_owned()], relations: Vec::new() };
        for (_, schema) in state.schemas_at(version) {
            names.schemas.push(schema.as_str().to_owned());
        }
        for (schema, relation) in state.relations_at(version) {
            let schema = state.schemas_at(version).find(|(id, _)| *id == schema);
            let columns: Vec<String> = match &relation {
                Relation::Table(id, _) => {
                    state.columns_at(*id, version).iter().map(|column| column.name.as_str().to_owned()).collect()
                }
                Relation::View(_, view) => view.columns.iter().map(|column| column.as_str().to_owned()).collect(),
            };
            names.relations.push(RelationNames {
                schema: schema.map_or_else(String::new, |(_, name)| name.as_str().to_owned()),
                name: relation.name().as_str().to_owned(),
                columns,
            });
        }
        for name in ["commits", "tags"] {
            names.relations.push(RelationNames {
                schema: "system".to_owned(),
                name: name.to_owned(),
                columns: Vec::new(),
            });
        }
        names
    }

    /// The columns of relations of this name.
    fn columns_of<'a>(&'a self, relation: &'a str) -> impl Iterator<Item = &'a str> {
        self.relations
            .iter()
            .filter(move |known| known.name.eq_ignore_ascii_case(relation))
            .flat_map(|known| known.columns.iter().map(String::as_str))
    }

    /// The relations in a schema of this name.
    fn relations_in<'a>(&'a self, schema: &'a str) -> impl Iterator<Item = &'a str> {
        self.relations
            .iter()
            .filter(move |known| known.schema.eq_ignore_ascii_case(schema))
            .map(|known| known.name.as_str())
    }
}

/// Where the word before the cursor begins, and what it may become.
pub(super) fn complete(line: &str, position: usize, names: &Names) -> (usize, Vec<String>) {
    let before = line.get(..position).unwrap_or(line);
    let start = before
        .rfind(|character: char| !is_word(character))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let pieces = scan(before);
    let within_quotes = pieces.last().is_some_and(|piece| match piece.kind {
        Kind::Text | Kind::Name => !piece.is_closed,
        Kind::Comment => true,
        Kind::Space | Kind::Word | Kind::Number | Kind::Sign => false,
    });
    if within_quotes {
        return (position, Vec::new());
    }
    let prefix = &before[start..];
    let mut found: BTreeSet<String> = BTreeSet::new();
    if let Some(qualifier) = qualifier(&before[..start]) {
        offer(&mut found, prefix, names.columns_of(&qualifier).chain(names.relations_in(&qualifier)));
    } else if stands_for_table(before, &pieces, start) {
        offer_tables(&mut found, prefix, names);
    } else {
        let mentioned: BTreeSet<&str> = scan(line)
            .iter()
            .filter(|piece| matches!(piece.kind, Kind::Word | Kind::Name))
            .map(|piece| line[piece.start..piece.end].trim_matches('"'))
            .collect();
        for relation in mentioned {
            offer(&mut found, prefix, names.columns_of(relation));
        }
        if !prefix.is_empty() {
            offer_tables(&mut found, prefix, names);
            offer_keywords(&mut found, prefix);
        }
    }
    (start, found.into_iter().collect())
}

/// The name before a period that the text ends with.
fn qualifier(before: &str) -> Option<String> {
    let before = before.strip_suffix('.')?;
    let pieces = scan(before);
    let last = pieces.last()?;
    let name = &before[last.start..last.end];
    match last.kind {
        Kind::Word => Some(name.to_owned()),
        Kind::Name => Some(name.trim_matches('"').replace("\"\"", "\"")),
        _ => None,
    }
}

/// Whether the word that begins at `start` is where a table is named.
fn stands_for_table(text: &str, pieces: &[Piece], start: usize) -> bool {
    let previous = pieces
        .iter()
        .rev()
        .filter(|piece| piece.end <= start)
        .find(|piece| !matches!(piece.kind, Kind::Space | Kind::Comment));
    let of_shell = text.trim_start().starts_with(['\\', '.']);
    previous.is_some_and(|piece| {
        let word = &text[piece.start..piece.end];
        of_shell || BEFORE_TABLES.iter().any(|known| word.eq_ignore_ascii_case(known))
    })
}

fn offer_tables(found: &mut BTreeSet<String>, prefix: &str, names: &Names) {
    let tables = names.relations.iter().filter(|relation| relation.schema != "system");
    offer(found, prefix, tables.map(|relation| relation.name.as_str()));
    offer(found, prefix, names.schemas.iter().map(String::as_str));
}

fn offer<'a>(found: &mut BTreeSet<String>, prefix: &str, names: impl Iterator<Item = &'a str>) {
    let folded = prefix.to_lowercase();
    found.extend(names.filter(|name| name.to_lowercase().starts_with(&folded)).map(as_sql));
}

/// Keywords take the case of what is typed.
fn offer_keywords(found: &mut BTreeSet<String>, prefix: &str) {
    let is_lower = prefix.chars().all(|character| !character.is_uppercase());
    let folded = prefix.to_uppercase();
    let keywords = KEYWORDS.iter().filter(|keyword| keyword.starts_with(&folded));
    found.extend(keywords.map(|keyword| if is_lower { keyword.to_lowercase() } else { (*keyword).to_owned() }));
}

/// A name as it is written in SQL: quoted if it would be folded or cut.
fn as_sql(name: &str) -> String {
    let is_plain = name.starts_with(|character: char| character.is_ascii_lowercase() || character == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let relation = |schema: &str, name: &str, columns: &[&str]| RelationNames {
            schema: schema.to_owned(),
            name: name.to_owned(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        };
        Names {
            schemas: vec!["public".to_owned(), "system".to_owned()],
            relations: vec![
                relation("public", "flights", &["flight", "carrier", "Dep Time"]),
                relation("public", "airlines", &["carrier", "name"]),
                relation("system", "commits", &[]),
            ],
        }
    }

    /// Completes where `|` stands.
    fn check(line: &str, expected: &[&str]) {
        let (before, after) = line.split_once('|').unwrap();
        let (_, found) = complete(&format!("{before}{after}"), before.len(), &names());
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn tables_stand_behind_from() {
        check("SELECT * FROM fl|", &["flights"]);
        check("SELECT * FROM |", &["airlines", "flights", "public", "system"]);
        check("\\d air|", &["airlines"]);
    }

    #[test]
    fn columns_are_those_of_the_tables_that_are_named() {
        check("SELECT | FROM flights", &["\"Dep Time\"", "carrier", "flight"]);
        check("SELECT car| FROM airlines", &["carrier"]);
        check("SELECT flights.f|", &["flight"]);
        check("SELECT * FROM system.|", &["commits"]);
    }

    #[test]
    fn keywords_take_the_case_of_what_is_typed() {
        check("SELE|", &["SELECT"]);
        check("sele|", &["select"]);
        check("|", &[]);
    }

    #[test]
    fn nothing_is_offered_within_quotes_and_comments() {
        check("SELECT 'fl|", &[]);
        check("SELECT 1 -- fl|", &[]);
        check("SELECT 1 FROM flights -- |", &[]);
    }

    #[test]
    fn the_word_is_replaced_from_its_beginning() {
        assert_eq!(complete("SELECT * FROM fl", 16, &names()).0, 14);
    }
}
