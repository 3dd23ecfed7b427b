//! Files whose metadata is well formed and says what is not so.

use super::Damaged;
use super::sound::{
    COLUMN_INDEX_LENGTH, COLUMN_INDEX_OFFSET, DATA_PAGE_OFFSET, DICTIONARY_PAGE_OFFSET, FILE_ROWS, NUM_VALUES,
    OFFSET_INDEX_LENGTH, OFFSET_INDEX_OFFSET, ROW_GROUPS, Sound, TOTAL_COMPRESSED, TOTAL_UNCOMPRESSED, chunk_field,
    column_field, group_rows, with_children,
};
use super::thrift::Value;

/// What a number may be instead.
fn other_numbers(sound: i64) -> Vec<i64> {
    let mut others = vec![0, 1, sound - 1, sound + 1, sound * 2, -1, i64::MIN, i64::MAX, 1 << 40];
    others.retain(|other| *other != sound);
    others.sort_unstable();
    others.dedup();
    others
}

/// Row counts of the file and of its row groups.
pub(super) fn of_rows(file: &Sound<'_>) -> Vec<Damaged> {
    let mut damages: Vec<Damaged> = Vec::new();
    let mut add = |name: String, footer: Value| damages.push((name, file.rewritten(&[], &footer)));
    let total = file.footer.number(&FILE_ROWS).unwrap_or_default();
    for other in other_numbers(total) {
        add(format!("rows of the file: {other}"), file.footer.with(&FILE_ROWS, other));
    }
    for group in 0..file.groups() {
        let path = group_rows(group);
        let rows = file.footer.number(&path).unwrap_or_default();
        for other in other_numbers(rows) {
            let footer = file.footer.with(&path, other);
            add(format!("rows of row group {group}: {other}"), footer.clone());
            // The two may lie together.
            let both = total.wrapping_sub(rows).wrapping_add(other);
            let footer = footer.with(&FILE_ROWS, both);
            add(format!("rows of row group {group} and of the file: {other} and {both}"), footer);
        }
    }
    damages
}

/// Counts, sizes and offsets of columns.
pub(super) fn of_columns(file: &Sound<'_>) -> Vec<Damaged> {
    let mut damages: Vec<Damaged> = Vec::new();
    let mut add = |name: String, footer: Value| damages.push((name, file.rewritten(&[], &footer)));
    let fields = [
        ("values", NUM_VALUES),
        ("uncompressed bytes", TOTAL_UNCOMPRESSED),
        ("compressed bytes", TOTAL_COMPRESSED),
        ("offset of the data", DATA_PAGE_OFFSET),
        ("offset of the dictionary", DICTIONARY_PAGE_OFFSET),
    ];
    let size = file.bytes.len() as i64;
    for column in 0..file.columns() {
        for (name, field) in fields {
            let path = column_field(0, column, field);
            let Some(sound) = file.footer.number(&path) else { continue };
            let mut others = other_numbers(sound);
            others.extend([size, size + 1]);
            if field == DICTIONARY_PAGE_OFFSET {
                others.extend(file.footer.number(&column_field(0, column, DATA_PAGE_OFFSET)));
            }
            for other in others {
                add(format!("{name} of column {column}: {other}"), file.footer.with(&path, other));
            }
        }
        // Whole and sound pages, but those of another column or of other rows.
        for group in 0..file.groups() {
            for other in 0..file.columns() {
                if (group, other) != (0, column) {
                    let name = format!("offset of column {column}: that of column {other} of row group {group}");
                    add(name, with_offsets_of(file, column, group, other));
                }
            }
        }
    }
    damages
}

/// The footer with a column of the first row group lying where another one lies.
fn with_offsets_of(file: &Sound<'_>, column: i16, group: i16, other: i16) -> Value {
    let mut footer = file.footer.clone();
    let begin = file.chunk_range(group, other).start as i64;
    for field in [DATA_PAGE_OFFSET, DICTIONARY_PAGE_OFFSET] {
        let there = file.footer.number(&column_field(group, other, field)).unwrap_or(begin);
        footer = footer.with(&column_field(0, column, field), there);
    }
    let size = file.footer.number(&column_field(group, other, TOTAL_COMPRESSED)).unwrap_or_default();
    footer.with(&column_field(0, column, TOTAL_COMPRESSED), size)
}

/// The tree of the schema.
pub(super) fn of_schema(file: &Sound<'_>) -> Vec<Damaged> {
    let elements = file.footer.list(&[2]).map(|list| list.items.clone()).unwrap_or_default();
    let mut damages: Vec<Damaged> = Vec::new();
    for (place, element) in elements.iter().enumerate() {
        let sound = element.number(&[5]).unwrap_or_default() as i32;
        for other in [0, 1, sound - 1, sound + 1, i32::MAX, i32::MIN] {
            if other == sound {
                continue;
            }
            let mut footer = file.footer.clone();
            if let Some(list) = footer.list_mut(&[2]) {
                list.items[place] = with_children(element, other);
            }
            damages.push((format!("children of schema element {place}: {other}"), file.rewritten(&[], &footer)));
        }
    }
    damages
}

/// Lists that are longer or shorter than they claim, and row groups that are not there or there twice.
pub(super) fn of_lists(file: &Sound<'_>) -> Vec<Damaged> {
    let lists: [(&str, &[i16]); 7] = [
        ("the schema", &[2]),
        ("the row groups", &[4]),
        ("the columns of a row group", &[4, 0, 1]),
        ("the encodings of a column", &[4, 0, 1, 0, 3, 2]),
        ("the path of a column", &[4, 0, 1, 0, 3, 3]),
        ("the notes of the file", &[5]),
        ("the orders of the columns", &[7]),
    ];
    let mut damages: Vec<Damaged> = Vec::new();
    for (name, path) in lists {
        let Some(list) = file.footer.list(path) else { continue };
        let count = list.items.len() as u64;
        for claimed in [count + 1, i32::MAX as u64, u64::from(u32::MAX), 1 << 62] {
            let mut footer = file.footer.clone();
            if let Some(list) = footer.list_mut(path) {
                list.claimed = Some(claimed);
            }
            damages.push((format!("length of {name}: {claimed}"), file.rewritten(&[], &footer)));
        }
    }

    let total = file.footer.number(&FILE_ROWS).unwrap_or_default();
    let first_rows = file.footer.number(&group_rows(0)).unwrap_or_default();
    let mut none = file.footer.clone();
    let mut twice = file.footer.with(&FILE_ROWS, total + first_rows);
    if let Some(groups) = none.list_mut(&ROW_GROUPS) {
        groups.items.clear();
    }
    if let Some(groups) = twice.list_mut(&ROW_GROUPS) {
        let first: Option<Value> = groups.items.first().cloned();
        groups.items.extend(first);
    }
    damages.push(("row groups: none, and rows".to_owned(), file.rewritten(&[], &none)));
    damages.push(("row groups: one of them twice, and its rows too".to_owned(), file.rewritten(&[], &twice)));
    damages
}

/// Headers of pages.
pub(super) fn of_pages(file: &Sound<'_>) -> Vec<Damaged> {
    let fields: [(&str, &[i16]); 6] = [
        ("type", &[1]),
        ("uncompressed bytes", &[2]),
        ("compressed bytes", &[3]),
        ("values", &[5, 1]),
        ("values of the dictionary", &[7, 1]),
        ("values, second form", &[8, 1]),
    ];
    let mut damages: Vec<Damaged> = Vec::new();
    for column in 0..file.columns() {
        // The dictionary, if there is one, and data.
        for (number, page) in file.pages(0, column).into_iter().take(2).enumerate() {
            let (header, _) = Value::decode(&file.bytes[page.header..]);
            for (name, path) in fields {
                let Some(sound) = header.number(path) else { continue };
                let mut others = other_numbers(sound);
                others.extend([i64::from(i32::MAX), i64::from(i32::MIN)]);
                for other in others {
                    let name = format!("{name} of page {number} of column {column}: {other}");
                    damages.push((name, file.with_page_header(column, page, &header.with(path, other))));
                }
            }
        }
    }
    damages
}

/// Indexes of pages: where they are, and what they say.
pub(super) fn of_indexes(file: &Sound<'_>) -> Vec<Damaged> {
    let mut damages: Vec<Damaged> = Vec::new();
    let fields = [
        ("offset of the offset index", OFFSET_INDEX_OFFSET),
        ("length of the offset index", OFFSET_INDEX_LENGTH),
        ("offset of the column index", COLUMN_INDEX_OFFSET),
        ("length of the column index", COLUMN_INDEX_LENGTH),
    ];
    for (name, field) in fields {
        let path = chunk_field(0, 0, field);
        let Some(sound) = file.footer.number(&path) else { continue };
        for other in other_numbers(sound) {
            damages.push((format!("{name}: {other}"), file.rewritten(&[], &file.footer.with(&path, other))));
        }
    }
    let Some(range) = file.index_range(0, 0, OFFSET_INDEX_OFFSET, OFFSET_INDEX_LENGTH) else { return damages };
    let (index, _) = Value::decode(&file.bytes[range]);
    let last = index.list(&[1]).map_or(0, |list| list.items.len().saturating_sub(1) as i16);
    for (name, field) in [("offset", 1), ("bytes", 2), ("first row", 3)] {
        let path = [1, last, field];
        let Some(sound) = index.number(&path) else { continue };
        for other in other_numbers(sound) {
            let moved = index.with(&path, other).encode();
            let (offset, length) = (file.footer_range.start as i64, moved.len() as i64);
            let footer = file.footer.with(&chunk_field(0, 0, OFFSET_INDEX_OFFSET), offset);
            let footer = footer.with(&chunk_field(0, 0, OFFSET_INDEX_LENGTH), length);
            damages.push((format!("{name} of a page in the offset index: {other}"), file.rewritten(&moved, &footer)));
        }
    }
    damages
}
