//! Which types a column of JSON values may have.
//!
//! * Numbers, with every digit that the file has, and booleans are judged as in CSV (see [`super::candidates`]); JSON
//!   strings are text, whatever they look like.
//! * Scalars of different kinds in one place make it text, which shows a number or boolean as the file spells it.
//! * A place that has a scalar in one row and an array or object in another has no type.
//! * Members of nested objects keep their spelling; all of them may be NULL.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use serde_json::Value;

use super::candidates::Candidates;

/// What the values of one place in a document have in common.
#[derive(Clone, Debug)]
pub(crate) enum JsonShape {
    /// Only `null` so far.
    Unseen,
    /// Booleans, numbers and strings.
    Scalar(Candidates),
    /// Arrays, and the shape of their elements.
    List(Box<JsonShape>),
    /// Objects, and the shapes of their members in order of appearance.
    Object(Members),
}

/// The members of objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    shapes: Vec<(String, JsonShape)>,
    positions: HashMap<String, usize>,
}

/// Two values of one place that no type covers.
#[derive(Debug)]
pub(crate) struct ShapeClash {
    /// The place, from where the shape begins: `.member[].inner`.
    pub(crate) path: String,
    /// What was found.
    pub(crate) found: &'static str,
    /// What there was before.
    pub(crate) expected: &'static str,
}

impl JsonShape {
    /// Takes one value into account.
    pub(crate) fn observe(&mut self, value: &Value) -> Result<(), ShapeClash> {
        match value {
            Value::Null => Ok(()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                if matches!(self, Self::Unseen) {
                    *self = Self::Scalar(Candidates::all());
                }
                match self {
                    Self::Scalar(candidates) => {
                        observe_scalar(candidates, value);
                        Ok(())
                    }
                    other => Err(clash("a scalar", other.kind())),
                }
            }
            Value::Array(elements) => {
                if matches!(self, Self::Unseen) {
                    *self = Self::List(Box::new(Self::Unseen));
                }
                match self {
                    Self::List(shape) => {
                        for element in elements {
                            shape.observe(element).map_err(|clash| clash.inside("[]"))?;
                        }
                        Ok(())
                    }
                    other => Err(clash("an array", other.kind())),
                }
            }
            Value::Object(members) => {
                if matches!(self, Self::Unseen) {
                    *self = Self::Object(Members::default());
                }
                match self {
                    Self::Object(shapes) => {
                        for (name, member) in members {
                            let shape = shapes.member(name);
                            shape.observe(member).map_err(|clash| clash.inside(&format!(".{name}")))?;
                        }
                        Ok(())
                    }
                    other => Err(clash("an object", other.kind())),
                }
            }
        }
    }

    /// What the values of both have in common.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), ShapeClash> {
        match other {
            Self::Unseen => Ok(()),
            other if matches!(self, Self::Unseen) => {
                *self = other;
                Ok(())
            }
            Self::Scalar(theirs) => match self {
                Self::Scalar(ours) => {
                    *ours = ours.merge(theirs);
                    Ok(())
                }
                ours => Err(clash("a scalar", ours.kind())),
            },
            Self::List(theirs) => match self {
                Self::List(ours) => ours.merge(*theirs).map_err(|clash| clash.inside("[]")),
                ours => Err(clash("an array", ours.kind())),
            },
            Self::Object(theirs) => match self {
                Self::Object(ours) => {
                    for (name, shape) in theirs.shapes {
                        let member = ours.member(&name);
                        member.merge(shape).map_err(|clash| clash.inside(&format!(".{name}")))?;
                    }
                    Ok(())
                }
                ours => Err(clash("an object", ours.kind())),
            },
        }
    }

    /// Whether nothing but `null` has been seen.
    pub(crate) fn is_unseen(&self) -> bool {
        matches!(self, Self::Unseen)
    }

    /// The type, or the path of an object that never has a member.
    pub(crate) fn data_type(&self) -> Result<DataType, String> {
        match self {
            Self::Unseen => Ok(DataType::Utf8View),
            Self::Scalar(candidates) => Ok(candidates.data_type()),
            Self::List(element) => {
                let element = element.data_type().map_err(|path| format!("[]{path}"))?;
                Ok(DataType::List(Arc::new(Field::new("item", element, true))))
            }
            Self::Object(members) => {
                if members.shapes.is_empty() {
                    return Err(String::new());
                }
                let mut fields: Vec<Field> = Vec::with_capacity(members.shapes.len());
                for (name, shape) in &members.shapes {
                    let data_type = shape.data_type().map_err(|path| format!(".{name}{path}"))?;
                    fields.push(Field::new(name, data_type, true));
                }
                Ok(DataType::Struct(Fields::from(fields)))
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Unseen => "null",
            Self::Scalar(_) => "a scalar",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl Members {
    /// The shape of a member, which is unseen if it is new.
    fn member(&mut self, name: &str) -> &mut JsonShape {
        let position = match self.positions.get(name) {
            Some(position) => *position,
            None => {
                self.positions.insert(name.to_owned(), self.shapes.len());
                self.shapes.push((name.to_owned(), JsonShape::Unseen));
                self.shapes.len() - 1
            }
        };
        &mut self.shapes[position].1
    }
}

impl ShapeClash {
    fn inside(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

fn clash(found: &'static str, expected: &'static str) -> ShapeClash {
    ShapeClash { path: String::new(), found, expected }
}

fn observe_scalar(candidates: &mut Candidates, value: &Value) {
    match value {
        Value::Bool(value) => candidates.observe(if *value { "true" } else { "false" }),
        Value::Number(number) => candidates.observe(&number.to_string()),
        _ => candidates.observe_text(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;

    use super::*;
    use crate::import::type_name::sql_type_name;

    fn infer(documents: &[&str]) -> Result<String, String> {
        let mut shape = JsonShape::Unseen;
        for document in documents {
            let value: Value = serde_json::from_str(document).unwrap();
            shape
                .observe(&value)
                .map_err(|clash| format!("{}: {} after {}", clash.path, clash.found, clash.expected))?;
        }
        shape.data_type().map(|data_type| sql_type_name(&data_type)).map_err(|path| format!("{path}: empty"))
    }

    #[test]
    fn numbers_are_as_in_csv_and_strings_are_text() {
        assert_eq!(infer(&["1", "2"]).unwrap(), "bigint");
        assert_eq!(infer(&["1", "2.5", "null"]).unwrap(), "double");
        assert_eq!(infer(&["18446744073709551615"]).unwrap(), "decimal(38, 0)");
        assert_eq!(infer(&["18446744073709551617", "-9223372036854775809"]).unwrap(), "decimal(38, 0)");
        assert_eq!(infer(&["9007199254740993", "1.5"]).unwrap(), "text");
        assert_eq!(infer(&["1e999"]).unwrap(), "text");
        assert_eq!(infer(&["true"]).unwrap(), "boolean");
        assert_eq!(infer(&["\"2024-01-01\""]).unwrap(), "text");
        assert_eq!(infer(&["\"1\"", "2"]).unwrap(), "text");
        assert_eq!(infer(&["true", "2"]).unwrap(), "text");
        assert_eq!(infer(&["null"]).unwrap(), "text");
        assert_ne!(infer(&["2024"]).unwrap(), sql_type_name(&DataType::Timestamp(TimeUnit::Microsecond, None)));
    }

    #[test]
    fn nested_values_have_nested_types() {
        assert_eq!(infer(&["[1, 2.5]", "[]"]).unwrap(), "double[]");
        assert_eq!(infer(&["[]"]).unwrap(), "text[]");
        assert_eq!(infer(&["{\"a\": 1}", "{\"B\": [true]}"]).unwrap(), "struct(a bigint, B boolean[])");
    }

    #[test]
    fn what_has_no_type_is_refused_with_its_path() {
        assert_eq!(infer(&["[{\"a\": 1}]", "[{\"a\": {}}]"]).unwrap_err(), "[].a: an object after a scalar");
        assert_eq!(infer(&["1", "[1]"]).unwrap_err(), ": an array after a scalar");
        assert_eq!(infer(&["{\"a\": [{}]}"]).unwrap_err(), ".a[]: empty");
    }

    #[test]
    fn merging_is_observing_both() {
        let mut left = JsonShape::Unseen;
        left.observe(&serde_json::json!({"a": 1, "b": [1]})).unwrap();
        let mut right = JsonShape::Unseen;
        right.observe(&serde_json::json!({"a": 1.5, "c": null})).unwrap();
        left.merge(right).unwrap();
        assert_eq!(sql_type_name(&left.data_type().unwrap()), "struct(a double, b bigint[], c text)");
    }
}
