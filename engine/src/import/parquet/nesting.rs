//! How deep the columns of a Parquet file are nested, told from its footer before Parquet's decoder sees it.
//!
//! ```text
//! footer    thrift's compact encoding: version, then the schema as a list of elements, then the rest
//! element   name, and the number of its children, which follow it: the tree in depth-first order
//! ```
//!
//! The decoder calls itself for every level, without a bound, and makes room for as many children as an element claims
//! to have: a small footer can take the whole stack, or all memory, which nothing can catch. So the elements are walked
//! here first, as the decoder will read them: by the ids of their fields. A field whose encoding is not that of its id
//! would be read otherwise there than here, and is refused.
//!
//! Source: Apache Thrift, "Thrift Compact protocol encoding"; Apache Parquet, `parquet.thrift`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};

/// How many groups may stand within one another. A list is two groups, a struct one.
pub(super) const DEPTH_MAX: usize = 128;

/// How deep fields that are passed over may be nested: as deep as the decoder follows.
const SKIP_DEPTH_MAX: u32 = 64;

/// What ends a file: the length of the footer, and `PAR1`.
const TAIL_BYTES: u64 = 8;

/// Why a footer must not be decoded.
#[derive(Debug)]
pub(super) enum NestingFault {
    /// Columns are nested too deep.
    Deep,
    /// It is no footer.
    Malformed,
    /// It cannot be read.
    Read(io::Error),
}

impl From<io::Error> for NestingFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData => Self::Malformed,
            _ => Self::Read(error),
        }
    }
}

/// Checks a file of so many bytes. If its end is not that of a Parquet file, the decoder will refuse it.
pub(super) fn check_nesting(mut file: &File, size_bytes: u64) -> Result<(), NestingFault> {
    let Some(tail_begin) = size_bytes.checked_sub(TAIL_BYTES) else { return Ok(()) };
    file.seek(SeekFrom::Start(tail_begin))?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact(&mut tail)?;
    let [a, b, c, d, magic @ ..] = tail;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let Some(begin) = tail_begin.checked_sub(length) else { return Ok(()) };
    if magic != *b"PAR1" {
        return Ok(());
    }
    file.seek(SeekFrom::Start(begin))?;
    check_footer(BufReader::new(file).take(length))
}

fn check_footer(footer: impl BufRead) -> Result<(), NestingFault> {
    let mut thrift = Thrift { input: footer };
    let mut last_id = 0;
    while let Some(field) = thrift.field(last_id)? {
        match (field.id, field.wire) {
            (2, Wire::LIST) => return check_schema(&mut thrift),
            (1, Wire::I32) => thrift.skip(field.wire, SKIP_DEPTH_MAX)?,
            // The decoder reads other known fields by their ids, and nobody writes them before the schema.
            (1..=9, _) => return Err(NestingFault::Malformed),
            (_, wire) => thrift.skip(wire, SKIP_DEPTH_MAX)?,
        }
        last_id = field.id;
    }
    Err(NestingFault::Malformed)
}

fn check_schema(thrift: &mut Thrift<impl BufRead>) -> Result<(), NestingFault> {
    let (wire, elements) = thrift.list()?;
    if wire != Wire::STRUCT {
        return Err(NestingFault::Malformed);
    }
    // For each group that is open, how many of its children are still to come.
    let mut open: Vec<u32> = Vec::new();
    for seen in 1..=elements {
        let children = u32::try_from(thrift.element()?).map_err(|_| NestingFault::Malformed)?;
        if children > elements - seen {
            return Err(NestingFault::Malformed);
        }
        if open.len() > DEPTH_MAX {
            return Err(NestingFault::Deep);
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

/// How a value is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wire(u8);

impl Wire {
    const TRUE: Self = Self(1);
    const FALSE: Self = Self(2);
    const BYTE: Self = Self(3);
    const I16: Self = Self(4);
    const I32: Self = Self(5);
    const I64: Self = Self(6);
    const DOUBLE: Self = Self(7);
    const BINARY: Self = Self(8);
    const LIST: Self = Self(9);
    const SET: Self = Self(10);
    const MAP: Self = Self(11);
    const STRUCT: Self = Self(12);
    const UUID: Self = Self(13);
}

struct FieldHeader {
    id: i16,
    wire: Wire,
}

struct Thrift<R> {
    input: R,
}

impl<R: BufRead> Thrift<R> {
    /// One element of the schema. Gives the number of its children.
    fn element(&mut self) -> io::Result<i32> {
        let mut children = 0;
        let mut last_id = 0;
        while let Some(field) = self.field(last_id)? {
            match (field.id, field.wire) {
                (5, Wire::I32) => children = self.zigzag()? as i32,
                (10, Wire::STRUCT) => self.skip_logical_type()?,
                (4, Wire::BINARY) | (1..=3 | 6..=9, Wire::I32) => self.skip(field.wire, SKIP_DEPTH_MAX)?,
                (1..=10, _) => return Err(malformed()),
                (_, wire) => self.skip(wire, SKIP_DEPTH_MAX)?,
            }
            last_id = field.id;
        }
        Ok(children)
    }

    /// A union of structs, of which some have fields.
    fn skip_logical_type(&mut self) -> io::Result<()> {
        let mut last_id = 0;
        while let Some(variant) = self.field(last_id)? {
            if variant.wire != Wire::STRUCT {
                return Err(malformed());
            }
            let mut last_inner = 0;
            while let Some(field) = self.field(last_inner)? {
                let is_bool = matches!(field.wire, Wire::TRUE | Wire::FALSE);
                let is_sound = match (variant.id, field.id) {
                    // Decimal: scale and precision.
                    (5, 1 | 2) => field.wire == Wire::I32,
                    // Time and timestamp: whether in UTC, and the unit, a union.
                    (7 | 8, 1) => is_bool,
                    (7 | 8, 2) => field.wire == Wire::STRUCT,
                    // Integer: its bits, and whether it has a sign.
                    (10, 1) => field.wire == Wire::BYTE,
                    (10, 2) => is_bool,
                    // Variant: its version. Geometry and geography: a coordinate system, an algorithm.
                    (16, 1) => field.wire == Wire::BYTE,
                    (17 | 18, 1) => field.wire == Wire::BINARY,
                    (18, 2) => field.wire == Wire::I32,
                    _ => true,
                };
                if !is_sound {
                    return Err(malformed());
                }
                self.skip(field.wire, SKIP_DEPTH_MAX)?;
                last_inner = field.id;
            }
            last_id = variant.id;
        }
        Ok(())
    }

    /// The beginning of a field, or `None` at the end of its struct.
    fn field(&mut self, last_id: i16) -> io::Result<Option<FieldHeader>> {
        let byte = self.byte()?;
        let wire = Wire(byte & 0x0f);
        if wire == Wire(0) {
            return Ok(None);
        }
        let id = match byte >> 4 {
            0 => self.zigzag()? as i16,
            delta => last_id.checked_add(i16::from(delta)).ok_or_else(malformed)?,
        };
        Ok(Some(FieldHeader { id, wire }))
    }

    /// How the elements of a list are encoded, and how many there are.
    fn list(&mut self) -> io::Result<(Wire, u32)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        let count = i32::try_from(count).map_err(|_| malformed())?;
        Ok((Wire(byte & 0x0f), count.unsigned_abs()))
    }

    /// Passes over a field's value.
    fn skip(&mut self, wire: Wire, depth: u32) -> io::Result<()> {
        let depth = depth.checked_sub(1).ok_or_else(malformed)?;
        match wire {
            Wire::TRUE | Wire::FALSE => Ok(()),
            Wire::BYTE => self.byte().map(drop),
            Wire::I16 | Wire::I32 | Wire::I64 => self.varint().map(drop),
            Wire::DOUBLE => self.pass(8),
            Wire::UUID => self.pass(16),
            Wire::BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            Wire::LIST | Wire::SET => {
                let (wire, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip(wire, depth))
            }
            Wire::MAP => {
                let count = i32::try_from(self.varint()?).map_err(|_| malformed())?;
                if count == 0 {
                    return Ok(());
                }
                let wires = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.skip(Wire(wires >> 4), depth)?;
                    self.skip(Wire(wires & 0x0f), depth)
                })
            }
            Wire::STRUCT => {
                while let Some(field) = self.field(0)? {
                    self.skip(field.wire, depth)?;
                }
                Ok(())
            }
            _ => Err(malformed()),
        }
    }

    fn pass(&mut self, length: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
        if passed == length { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn zigzag(&mut self) -> io::Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value: u64 = 0;
        let mut shift: u32 = 0;
        loop {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift = shift.wrapping_add(7);
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}

fn malformed() -> io::Error {
    ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: [u8; 2] = [0x15, 2];

    /// A group with one child, or a column of whole numbers.
    fn element(children: u8) -> Vec<u8> {
        match children {
            0 => vec![0x15, 2, 0x25, 0, 0x18, 1, b'a', 0],
            children => vec![0x35, 0, 0x18, 1, b'a', 0x15, children * 2, 0],
        }
    }

    fn footer(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut footer = VERSION.to_vec();
        footer.extend([0x19, 0xfc]);
        let mut count = elements.len();
        while count > 0x7f {
            footer.push((count & 0x7f) as u8 | 0x80);
            count >>= 7;
        }
        footer.push(count as u8);
        footer.extend(elements.concat());
        footer
    }

    /// Groups within groups, this many, and a column within all.
    fn nested(groups: usize) -> Vec<u8> {
        let mut elements = vec![element(1); groups];
        elements.push(element(0));
        footer(&elements)
    }

    fn check(footer: &[u8]) -> &'static str {
        match check_footer(footer) {
            Ok(()) => "sound",
            Err(NestingFault::Deep) => "deep",
            Err(NestingFault::Malformed) => "malformed",
            Err(NestingFault::Read(_)) => "unread",
        }
    }

    #[test]
    fn groups_are_counted_within_one_another() {
        // The first group is the file itself.
        assert_eq!(check(&nested(DEPTH_MAX)), "sound");
        assert_eq!(check(&nested(DEPTH_MAX + 1)), "deep");
        assert_eq!(check(&nested(200_000)), "deep");
    }

    #[test]
    fn groups_beside_one_another_are_not_deep() {
        let mut elements = vec![element(60)];
        for _ in 0..30 {
            elements.extend([element(1), element(0), element(0)]);
        }
        assert_eq!(check(&footer(&elements)), "sound");
    }

    #[test]
    fn more_children_than_elements_are_refused() {
        assert_eq!(check(&footer(&[element(3), element(0), element(0)])), "malformed");
    }

    #[test]
    fn a_field_that_the_decoder_would_read_otherwise_is_refused() {
        // The number of children, said to be a struct.
        let mut disguised = element(1);
        disguised[5] = 0x1c;
        assert_eq!(check(&footer(&[disguised, element(0)])), "malformed");
        // Whether a timestamp is in UTC, said to be a number.
        let timestamp = vec![0x15, 2, 0x25, 0, 0x18, 1, b'a', 0x6c, 0x8c, 0x15, 2, 0, 0, 0];
        assert_eq!(check(&footer(&[element(1), timestamp])), "malformed");
    }

    #[test]
    fn a_footer_that_was_cut_off_is_refused_wherever_it_was_cut() {
        let whole = nested(3);
        for length in 0..whole.len() {
            assert_eq!(check(&whole[..length]), "malformed", "{length} bytes");
        }
    }
}
