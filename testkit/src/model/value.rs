//! Values, their types, and how SQL writes them.

use std::cmp::Ordering;

use fastrand::Rng;

/// Texts that something may trip over.
const TEXTS: [&str; 10] = [
    "",
    "a",
    "NULL",
    "it's",
    "\"quoted\"",
    "back\\slash",
    "ä ö ü",
    "❄️ frost",
    "a text that is longer than the twelve bytes of a view",
    "; DROP TABLE t",
];

/// Numbers that something may trip over.
const FLOATS: [f64; 9] = [0.0, -0.0, 0.1, -1.5, 1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// The same of half the width.
const SINGLES: [f32; 9] = [0.0, -0.0, 0.1, -1.5, 1e30, 1e-40, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// BIGINT.
    Integer,
    /// DOUBLE.
    Float,
    /// VARCHAR.
    Text,
    /// BOOLEAN.
    Flag,
    /// DATE.
    Day,
    /// INTEGER, which can become BIGINT.
    Small,
    /// REAL, which can become DOUBLE.
    Single,
}

/// A value that is not NULL.
///
/// Floats are kept by their bits, so that every value is equal to itself and 0 is not -0. All NaN are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// An integer.
    Integer(i64),
    /// The bits of a float.
    Float(u64),
    /// A text.
    Text(String),
    /// True or false.
    Flag(bool),
    /// Days since 1970-01-01.
    Day(i32),
    /// An integer of half the width.
    Small(i32),
    /// The bits of a float of half the width.
    Single(u32),
}

impl ValueType {
    /// Every type.
    pub const ALL: [Self; 7] =
        [Self::Integer, Self::Float, Self::Text, Self::Flag, Self::Day, Self::Small, Self::Single];

    /// The type's name in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Integer => "BIGINT",
            Self::Float => "DOUBLE",
            Self::Text => "VARCHAR",
            Self::Flag => "BOOLEAN",
            Self::Day => "DATE",
            Self::Small => "INTEGER",
            Self::Single => "REAL",
        }
    }

    /// The type that a column of this one can be widened to.
    pub fn wider(self) -> Option<Self> {
        match self {
            Self::Small => Some(Self::Integer),
            Self::Single => Some(Self::Float),
            Self::Integer | Self::Float | Self::Text | Self::Flag | Self::Day => None,
        }
    }

    /// Whether its values are floats. What is equal to a zero, or greatest beside a NaN, is left to other tests.
    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::Float | Self::Single)
    }

    /// Whether its values have a remainder.
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Integer | Self::Small)
    }

    /// Draws a value.
    pub fn draw(self, random: &mut Rng) -> Value {
        let is_special = random.usize(..4) == 0;
        match self {
            Self::Integer if is_special => Value::Integer(*pick(random, &[i64::MIN, i64::MAX, 0, -1])),
            Self::Integer => Value::Integer(random.i64(-1000..1000)),
            Self::Float if is_special => Value::float(*pick(random, &FLOATS)),
            Self::Float => Value::float(f64::from(random.i32(-1_000_000..1_000_000)) / 64.0),
            Self::Text if is_special => Value::Text((*pick(random, &TEXTS)).to_owned()),
            Self::Text => Value::Text(format!("text {}", random.u16(..))),
            Self::Flag => Value::Flag(random.bool()),
            Self::Day => Value::Day(random.i32(-25_000..40_000)),
            Self::Small if is_special => Value::Small(*pick(random, &[i32::MIN, i32::MAX, 0, -1])),
            Self::Small => Value::Small(random.i32(-1000..1000)),
            Self::Single if is_special => Value::single(*pick(random, &SINGLES)),
            Self::Single => Value::single(f32::from(random.i16(..)) / 64.0),
        }
    }
}

impl Value {
    /// A float.
    pub fn float(value: f64) -> Self {
        Self::Float(if value.is_nan() { f64::NAN } else { value }.to_bits())
    }

    /// A float of half the width.
    pub fn single(value: f32) -> Self {
        Self::Single(if value.is_nan() { f32::NAN } else { value }.to_bits())
    }

    /// The same value as one of a type that is as wide or wider.
    pub(super) fn widened(self, to: ValueType) -> Self {
        match (self, to) {
            (Self::Small(value), ValueType::Integer) => Self::Integer(i64::from(value)),
            (Self::Single(bits), ValueType::Float) => Self::float(f64::from(f32::from_bits(bits))),
            (value, _) => value,
        }
    }

    /// The order of values of one type in SQL. NaN is the greatest float.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Float(own), Self::Float(other)) => f64::from_bits(*own).total_cmp(&f64::from_bits(*other)),
            (Self::Single(own), Self::Single(other)) => f32::from_bits(*own).total_cmp(&f32::from_bits(*other)),
            _ => self.cmp(other),
        }
    }

    /// The value as a whole number, if it is one.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Small(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// Whether it is a float that is 0 or -0.
    pub(super) fn is_float_zero(&self) -> bool {
        match self {
            Self::Float(bits) => f64::from_bits(*bits) == 0.0,
            Self::Single(bits) => f32::from_bits(*bits) == 0.0,
            _ => false,
        }
    }

    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Integer(_) => ValueType::Integer,
            Self::Float(_) => ValueType::Float,
            Self::Text(_) => ValueType::Text,
            Self::Flag(_) => ValueType::Flag,
            Self::Day(_) => ValueType::Day,
            Self::Small(_) => ValueType::Small,
            Self::Single(_) => ValueType::Single,
        }
    }

    /// The value as SQL writes it. It has its type wherever it stands.
    pub fn sql(&self) -> String {
        match self {
            Self::Integer(value) => format!("CAST('{value}' AS BIGINT)"),
            Self::Float(bits) => format!("CAST('{:?}' AS DOUBLE)", f64::from_bits(*bits)),
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Flag(true) => "TRUE".to_owned(),
            Self::Flag(false) => "FALSE".to_owned(),
            Self::Day(days) => format!("CAST(CAST({days} AS INTEGER) AS DATE)"),
            Self::Small(value) => format!("CAST('{value}' AS INTEGER)"),
            Self::Single(bits) => format!("CAST('{:?}' AS REAL)", f32::from_bits(*bits)),
        }
    }
}

/// One of some things.
pub(super) fn pick<'a, T>(random: &mut Rng, from: &'a [T]) -> &'a T {
    &from[random.usize(..from.len())]
}
