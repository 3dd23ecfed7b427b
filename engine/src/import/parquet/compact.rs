//! Thrift's compact protocol, as far as checking Parquet's metadata needs it.

use std::io::{self, ErrorKind, Read};

/// How deeply structs and lists may lie in one another.
const DEPTH_MAX: u32 = 64;

/// What a field or an element of a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of_code(code: u8) -> io::Result<Self> {
        match code {
            1 | 2 => Ok(Self::Bool),
            3 => Ok(Self::Byte),
            4 => Ok(Self::I16),
            5 => Ok(Self::I32),
            6 => Ok(Self::I64),
            7 => Ok(Self::Double),
            8 => Ok(Self::Binary),
            9 | 10 => Ok(Self::List),
            11 => Ok(Self::Map),
            12 => Ok(Self::Struct),
            13 => Ok(Self::Uuid),
            _ => Err(malformed()),
        }
    }
}

/// Reads values one after another, up to a number of bytes.
///
/// * Nothing is allocated, whatever the bytes say.
/// * A list never has more elements than there are bytes left.
pub(super) struct Compact<R> {
    input: R,
    left: u64,
}

impl<R: Read> Compact<R> {
    /// Reads at most so many bytes.
    pub(super) fn new(input: R, bytes: u64) -> Self {
        Self { input, left: bytes }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next field of a struct, or `None` at its end. `id` is that of the field before, and becomes its own.
    pub(super) fn field(&mut self, id: &mut i16) -> io::Result<Option<Kind>> {
        let head = self.byte()?;
        if head & 0x0f == 0 {
            return Ok(None);
        }
        let kind = Kind::of_code(head & 0x0f)?;
        let before = *id;
        *id = match head >> 4 {
            0 => i16::try_from(self.integer()?).map_err(|_| malformed())?,
            delta => before.checked_add(i16::from(delta)).ok_or_else(malformed)?,
        };
        Ok(Some(kind))
    }

    /// The head of a list: what its elements are, and how many.
    pub(super) fn list(&mut self) -> io::Result<(Kind, u64)> {
        let head = self.byte()?;
        if head == 0 {
            return Ok((Kind::Byte, 0));
        }
        let kind = Kind::of_code(head & 0x0f)?;
        let count = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        if count > self.left {
            return Err(malformed());
        }
        Ok((kind, count))
    }

    /// A number of 32 bits.
    pub(super) fn i32(&mut self) -> io::Result<i32> {
        i32::try_from(self.integer()?).map_err(|_| malformed())
    }

    /// A number of 32 bits that counts something.
    pub(super) fn count(&mut self) -> io::Result<u64> {
        u64::try_from(self.i32()?).map_err(|_| malformed())
    }

    /// Passes over the value of a field.
    pub(super) fn skip(&mut self, kind: Kind) -> io::Result<()> {
        self.skip_field(kind, DEPTH_MAX)
    }

    fn skip_field(&mut self, kind: Kind, depth: u32) -> io::Result<()> {
        match kind {
            // The head of the field said it all.
            Kind::Bool => Ok(()),
            other => self.skip_element(other, depth),
        }
    }

    fn skip_element(&mut self, kind: Kind, depth: u32) -> io::Result<()> {
        let depth = depth.checked_sub(1).ok_or_else(malformed)?;
        match kind {
            Kind::Bool | Kind::Byte => self.pass(1),
            Kind::I16 | Kind::I32 | Kind::I64 => self.varint().map(|_| ()),
            Kind::Double => self.pass(8),
            Kind::Uuid => self.pass(16),
            Kind::Binary => {
                let bytes = self.varint()?;
                self.pass(bytes)
            }
            Kind::List => {
                let (kind, count) = self.list()?;
                for _ in 0..count {
                    self.skip_element(kind, depth)?;
                }
                Ok(())
            }
            Kind::Map => self.skip_map(depth),
            Kind::Struct => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip_field(kind, depth)?;
                }
                Ok(())
            }
        }
    }

    fn skip_map(&mut self, depth: u32) -> io::Result<()> {
        let count = self.varint()?;
        if count == 0 {
            return Ok(());
        }
        if count > self.left {
            return Err(malformed());
        }
        let kinds = self.byte()?;
        let (key, value) = (Kind::of_code(kinds >> 4)?, Kind::of_code(kinds & 0x0f)?);
        for _ in 0..count {
            self.skip_element(key, depth)?;
            self.skip_element(value, depth)?;
        }
        Ok(())
    }

    fn integer(&mut self) -> io::Result<i64> {
        let zigzag = self.varint()?;
        Ok(((zigzag >> 1) as i64) ^ -((zigzag & 1) as i64))
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed())
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.left = self.left.checked_sub(1).ok_or_else(malformed)?;
        let mut byte = [0_u8; 1];
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(malformed)?;
        let passed = io::copy(&mut self.input.by_ref().take(bytes), &mut io::sink())?;
        if passed == bytes { Ok(()) } else { Err(malformed()) }
    }
}

/// Refuses a field that is of another kind than its struct gives it. `kinds` begins with that of the field 1; fields
/// that are not known may be anything.
pub(super) fn expect_kind(kinds: &[Kind], id: i16, kind: Kind) -> io::Result<()> {
    let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
    match place.and_then(|place| kinds.get(place)) {
        Some(expected) if *expected != kind => Err(malformed()),
        _ => Ok(()),
    }
}

/// The bytes are not what Parquet writes.
pub(super) fn malformed() -> io::Error {
    io::Error::from(ErrorKind::InvalidData)
}
