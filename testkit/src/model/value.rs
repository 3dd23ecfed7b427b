//! Values, their types, and how SQL writes them.

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
}

impl ValueType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Integer, Self::Float, Self::Text, Self::Flag, Self::Day];

    /// The type's name in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Integer => "BIGINT",
            Self::Float => "DOUBLE",
            Self::Text => "VARCHAR",
            Self::Flag => "BOOLEAN",
            Self::Day => "DATE",
        }
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
        }
    }
}

impl Value {
    /// A float.
    pub fn float(value: f64) -> Self {
        Self::Float(if value.is_nan() { f64::NAN } else { value }.to_bits())
    }

    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Integer(_) => ValueType::Integer,
            Self::Float(_) => ValueType::Float,
            Self::Text(_) => ValueType::Text,
            Self::Flag(_) => ValueType::Flag,
            Self::Day(_) => ValueType::Day,
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
        }
    }
}

/// One of some things.
pub(super) fn pick<'a, T>(random: &mut Rng, from: &'a [T]) -> &'a T {
    &from[random.usize(..from.len())]
}
