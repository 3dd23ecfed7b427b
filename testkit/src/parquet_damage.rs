//! Damaged Parquet files, made from a sound one: cut off, with flipped bits, and with metadata that lies.
//!
//! ```text
//! "PAR1" │ chunk: header, data, header, data … │ chunk … │ column indexes │ offset indexes │ footer │ length │ "PAR1"
//! ```

mod lie;
mod sound;
mod thrift;

use std::ops::Range;

use sound::{
    COLUMN_INDEX_LENGTH, COLUMN_INDEX_OFFSET, FILE_ROWS, OFFSET_INDEX_LENGTH, OFFSET_INDEX_OFFSET, ROW_GROUPS, Sound,
    with_children,
};
use thrift::Value;

/// What was done to a file, as `structure: what`, and the file.
pub type Damaged = (String, Vec<u8>);

/// Every damage of this module, done to a sound file. The same file gives the same damages.
///
/// * The sound file has rows in at least one row group, pages with values, and a page index.
/// * Whoever reads a damaged file must get an error or the rows of the sound one: some damages are where readers need
///   not look. Parquet itself has no checksum of data, so this asks for a file whose pages are compressed with a codec
///   that has one, GZIP, or for a reader that checks digests of its own.
/// * Each differs from the sound file.
pub fn damages(sound: &[u8]) -> Vec<Damaged> {
    let file = Sound::new(sound);
    let mut damages = stubs();
    damages.extend(truncations(&file));
    damages.extend(flips(&file));
    damages.extend(lie::of_rows(&file));
    damages.extend(lie::of_columns(&file));
    damages.extend(lie::of_schema(&file));
    damages.extend(lie::of_lists(&file));
    damages.extend(lie::of_pages(&file));
    damages.extend(lie::of_indexes(&file));
    damages.retain(|(_, bytes)| bytes != sound);
    damages
}

/// The file with one bit flipped: the footer's, one after another.
pub fn footer_flips(sound: &[u8]) -> impl Iterator<Item = Damaged> {
    let range = Sound::new(sound).footer_range;
    let bits = range.flat_map(|place| (0..8).map(move |bit: u8| (place, bit)));
    bits.map(move |(place, bit)| (format!("footer: bit {bit} of byte {place} is flipped"), flipped(sound, place, bit)))
}

/// The file, no less sound, with the first column chunk at another place. Damages of page headers are made like this.
pub fn relocated(sound: &[u8]) -> Vec<u8> {
    let file = Sound::new(sound);
    match file.pages(0, 0).first() {
        Some(page) => file.with_page_header(0, *page, &Value::decode(&sound[page.header..]).0),
        None => sound.to_vec(),
    }
}

/// A sound file with the columns of another and no rows, not even a row group.
pub fn without_row_groups(sound: &[u8]) -> Vec<u8> {
    let file = Sound::new(sound);
    let mut footer = file.footer.with(&FILE_ROWS, 0);
    if let Some(groups) = footer.list_mut(&ROW_GROUPS) {
        groups.items.clear();
    }
    file.rewritten(&[], &footer)
}

/// A sound file with no columns and no rows.
pub fn without_columns(sound: &[u8]) -> Vec<u8> {
    let empty = without_row_groups(sound);
    // The notes and the orders are about columns.
    let mut footer = Sound::new(&empty).footer.without(5).without(7);
    if let Some(schema) = footer.list_mut(&[2]) {
        schema.items.truncate(1);
        schema.items = schema.items.iter().map(|root| with_children(root, 0)).collect();
    }
    Sound::new(sound).rewritten(&[], &footer)
}

/// Files that have little or nothing of a Parquet file.
fn stubs() -> Vec<Damaged> {
    let stubs: [(&str, &[u8]); 8] = [
        ("no bytes", b""),
        ("the magic", b"PAR1"),
        ("the magic and three bytes of another", b"PAR1PAR"),
        ("the magic twice", b"PAR1PAR1"),
        ("a footer of no bytes", b"PAR1\0\0\0\0PAR1"),
        ("the magic of an encrypted footer", b"PARE\0\0\0\0PARE"),
        ("zeros", &[0; 64]),
        ("text", b"a line of text, which is no Parquet file at all\n"),
    ];
    stubs.iter().map(|(name, bytes)| (format!("nothing but: {name}"), bytes.to_vec())).collect()
}

/// The file, cut off within and after each of its structures.
fn truncations(file: &Sound<'_>) -> Vec<Damaged> {
    let length = file.bytes.len();
    let footer = file.footer_range.clone();
    let mut places: Vec<(&str, usize)> = vec![
        ("inside the leading magic", 2),
        ("after the leading magic", 4),
        ("after a column chunk", file.chunk_range(0, 0).end),
        ("before the footer", footer.start),
        ("inside the footer", footer.start + footer.len() / 2),
        ("before the footer's length", footer.end),
        ("inside the footer's length", footer.end + 2),
        ("before the trailing magic", length - 4),
        ("inside the trailing magic", length - 2),
    ];
    if let Some(page) = file.pages(0, 0).first() {
        places.push(("inside a page header", middle(&(page.header..page.data))));
        places.push(("after a page header", page.data));
        places.push(("inside page data", middle(&(page.data..page.end))));
    }
    for (name, range) in indexes(file) {
        places.push((name, middle(&range)));
    }
    places.into_iter().map(|(name, place)| (format!("cut off: {name}"), file.bytes[..place].to_vec())).collect()
}

/// The file with one bit flipped, in each of its structures.
fn flips(file: &Sound<'_>) -> Vec<Damaged> {
    let length = file.bytes.len();
    let footer = file.footer_range.clone();
    let mut flips: Vec<(&str, usize, u8)> = Vec::new();
    // Of these every bit: the version of the format, the head of the schema and the end of the footer; its length.
    let footer_ends = (footer.start..footer.start + 4).chain(footer.end - 1..footer.end + 4);
    for place in footer_ends.chain(length - 4..length).chain(0..4) {
        let name = match place {
            0..4 => "leading magic",
            place if place < footer.end => "footer",
            place if place < length - 4 => "footer's length",
            _ => "trailing magic",
        };
        flips.extend((0..8).map(|bit: u8| (name, place, bit)));
    }
    for column in 0..file.columns() {
        for page in file.pages(0, column).into_iter().take(3) {
            // Of these one bit a byte, another one each time.
            flips.extend((page.header..page.data).map(|place| ("page header", place, (place % 8) as u8)));
            if page.data < page.end {
                let places = [page.data, page.data + 3, middle(&(page.data..page.end)), page.end - 5, page.end - 1];
                let within = places.into_iter().filter(|place| (page.data..page.end).contains(place));
                flips.extend(within.map(|place| ("page data", place, (place % 8) as u8)));
            }
        }
    }
    for (_, range) in indexes(file) {
        flips.extend(range.map(|place| ("page index", place, (place % 8) as u8)));
    }
    flips
        .into_iter()
        .map(|(name, place, bit)| (format!("{name}: bit {bit} of byte {place}"), flipped(file.bytes, place, bit)))
        .collect()
}

/// The indexes of the first column chunk's pages.
fn indexes(file: &Sound<'_>) -> Vec<(&'static str, Range<usize>)> {
    let column = file.index_range(0, 0, COLUMN_INDEX_OFFSET, COLUMN_INDEX_LENGTH);
    let offset = file.index_range(0, 0, OFFSET_INDEX_OFFSET, OFFSET_INDEX_LENGTH);
    let named = [("inside the column index", column), ("inside the offset index", offset)];
    named.into_iter().filter_map(|(name, range)| Some((name, range?))).collect()
}

fn middle(range: &Range<usize>) -> usize {
    range.start + range.len() / 2
}

fn flipped(bytes: &[u8], place: usize, bit: u8) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    damaged[place] ^= 1_u8 << bit;
    damaged
}
