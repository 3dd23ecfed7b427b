//! Thrift's compact protocol as a tree, to be read, changed and written again.
//!
//! It reads what Parquet's writer wrote and may stop at anything else: it is for sound bytes.

/// The type of a number of 32 bits.
pub(super) const I32: u8 = 5;
/// The type of a struct.
const STRUCT: u8 = 12;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Bool(bool),
    Byte(u8),
    /// A number and its type.
    Number(u8, i64),
    Double([u8; 8]),
    Binary(Vec<u8>),
    List(List),
    /// Fields with their ids, in the order in which they are written.
    Struct(Vec<(i16, Value)>),
}

/// A list, which may claim another number of items than it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    element: u8,
    pub(super) items: Vec<Value>,
    pub(super) claimed: Option<u64>,
}

impl Value {
    /// Reads a struct from the beginning of some bytes. The second is how many bytes it takes.
    pub(super) fn decode(bytes: &[u8]) -> (Self, usize) {
        let mut input = Input { bytes, place: 0 };
        let value = input.fields();
        (value, input.place)
    }

    /// The bytes of a struct.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    /// The value at a path of ids of fields and places in lists.
    pub(super) fn at(&self, path: &[i16]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        let inner: &Self = match self {
            Self::Struct(fields) => fields.iter().find(|(id, _)| id == first).map(|(_, value)| value)?,
            Self::List(list) => list.items.get(usize::try_from(*first).ok()?)?,
            _ => return None,
        };
        inner.at(rest)
    }

    /// The value at a path, to be changed.
    pub(super) fn at_mut(&mut self, path: &[i16]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        let inner: &mut Self = match self {
            Self::Struct(fields) => fields.iter_mut().find(|(id, _)| id == first).map(|(_, value)| value)?,
            Self::List(list) => list.items.get_mut(usize::try_from(*first).ok()?)?,
            _ => return None,
        };
        inner.at_mut(rest)
    }

    /// The number at a path.
    pub(super) fn number(&self, path: &[i16]) -> Option<i64> {
        match self.at(path)? {
            Self::Number(_, number) => Some(*number),
            _ => None,
        }
    }

    /// The list at a path.
    pub(super) fn list(&self, path: &[i16]) -> Option<&List> {
        match self.at(path)? {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The list at a path, to be changed.
    pub(super) fn list_mut(&mut self, path: &[i16]) -> Option<&mut List> {
        match self.at_mut(path)? {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The same tree with another number at a path, where there is one.
    pub(super) fn with(&self, path: &[i16], number: i64) -> Self {
        let mut changed = self.clone();
        if let Some(Self::Number(_, old)) = changed.at_mut(path) {
            *old = number;
        }
        changed
    }

    /// The same tree without a field of the outermost struct.
    pub(super) fn without(&self, field: i16) -> Self {
        let mut changed = self.clone();
        if let Self::Struct(fields) = &mut changed {
            fields.retain(|(id, _)| *id != field);
        }
        changed
    }

    fn code(&self) -> u8 {
        match self {
            Self::Bool(true) => 1,
            Self::Bool(false) => 2,
            Self::Byte(_) => 3,
            Self::Number(code, _) => *code,
            Self::Double(_) => 7,
            Self::Binary(_) => 8,
            Self::List(_) => 9,
            Self::Struct(_) => STRUCT,
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Bool(_) => bytes.push(self.code()),
            Self::Byte(byte) => bytes.push(*byte),
            Self::Number(_, number) => write_number(bytes, *number),
            Self::Double(double) => bytes.extend_from_slice(double),
            Self::Binary(binary) => {
                write_varint(bytes, binary.len() as u64);
                bytes.extend_from_slice(binary);
            }
            Self::List(list) => {
                let count = list.claimed.unwrap_or(list.items.len() as u64);
                if count < 15 {
                    bytes.push(((count as u8) << 4) | list.element);
                } else {
                    bytes.push(0xf0 | list.element);
                    write_varint(bytes, count);
                }
                list.items.iter().for_each(|item| item.write(bytes));
            }
            Self::Struct(fields) => {
                let mut last: i16 = 0;
                for (id, value) in fields {
                    let delta = i32::from(*id) - i32::from(last);
                    if (1..=15).contains(&delta) {
                        bytes.push(((delta as u8) << 4) | value.code());
                    } else {
                        bytes.push(value.code());
                        write_number(bytes, i64::from(*id));
                    }
                    last = *id;
                    // The type of a field that is true or false says which.
                    if !matches!(value, Self::Bool(_)) {
                        value.write(bytes);
                    }
                }
                bytes.push(0);
            }
        }
    }
}

fn write_number(bytes: &mut Vec<u8>, number: i64) {
    write_varint(bytes, ((number << 1) ^ (number >> 63)) as u64);
}

fn write_varint(bytes: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    while rest > 0x7f {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

struct Input<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Input<'_> {
    fn fields(&mut self) -> Value {
        let (mut fields, mut id): (Vec<(i16, Value)>, i16) = (Vec::new(), 0);
        loop {
            let head = self.byte();
            if head == 0 {
                return Value::Struct(fields);
            }
            id = match head >> 4 {
                0 => self.number() as i16,
                delta => id + i16::from(delta),
            };
            let value = match head & 0x0f {
                1 => Value::Bool(true),
                2 => Value::Bool(false),
                code => self.value(code),
            };
            fields.push((id, value));
        }
    }

    fn value(&mut self, code: u8) -> Value {
        match code {
            1 | 2 => Value::Bool(self.byte() == 1),
            3 => Value::Byte(self.byte()),
            4..=6 => Value::Number(code, self.number()),
            7 => {
                let mut double = [0_u8; 8];
                double.copy_from_slice(self.take(8));
                Value::Double(double)
            }
            8 => {
                let length = self.varint() as usize;
                Value::Binary(self.take(length).to_vec())
            }
            9 | 10 => {
                let head = self.byte();
                let count = if head >> 4 == 15 { self.varint() } else { u64::from(head >> 4) };
                let element = head & 0x0f;
                let items: Vec<Value> = (0..count).map(|_| self.value(element)).collect();
                Value::List(List { element, items, claimed: None })
            }
            STRUCT => self.fields(),
            other => unreachable!("Parquet has no values of the type {other}"),
        }
    }

    fn number(&mut self) -> i64 {
        let zigzag = self.varint();
        ((zigzag >> 1) as i64) ^ -((zigzag & 1) as i64)
    }

    fn varint(&mut self) -> u64 {
        let (mut number, mut shift): (u64, u32) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return number;
            }
            shift += 7;
        }
    }

    fn byte(&mut self) -> u8 {
        let byte = self.bytes[self.place];
        self.place += 1;
        byte
    }

    fn take(&mut self, count: usize) -> &[u8] {
        let begin = self.place;
        self.place += count;
        &self.bytes[begin..self.place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field 1: 7 as 32 bits; field 3: true; field 4: a list of two texts; field 40: a struct with a number of 64 bits.
    const BYTES: [u8; 17] = [0x15, 14, 0x21, 0x19, 0x28, 1, b'a', 2, b'b', b'c', 0x0c, 80, 0x16, 0xff, 0x01, 0, 0];

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let (value, length) = Value::decode(&BYTES);
        assert_eq!(length, BYTES.len());
        assert_eq!(value.number(&[1]), Some(7));
        assert_eq!(value.at(&[3]), Some(&Value::Bool(true)));
        assert_eq!(value.at(&[4, 1]), Some(&Value::Binary(b"bc".to_vec())));
        assert_eq!(value.number(&[40, 1]), Some(-128));
        assert_eq!(value.encode(), BYTES);
    }

    #[test]
    fn numbers_can_be_any() {
        let (value, _) = Value::decode(&BYTES);
        for number in [0, -1, i64::MIN, i64::MAX, 1 << 40] {
            let changed = value.with(&[40, 1], number);
            assert_eq!(Value::decode(&changed.encode()), (changed.clone(), changed.encode().len()));
            assert_eq!(changed.number(&[40, 1]), Some(number));
        }
    }
}
