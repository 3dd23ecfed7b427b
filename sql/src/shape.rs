//! Values of one version of a column as values of another.
//!
//! ```text
//!   a segment has                        the asked version has             what becomes of it
//!   1 s  STRUCT<2 a INTEGER, 3 b …>      1 s  STRUCT<4 b …, 2 x BIGINT>    b: NULL, x: a cast to BIGINT
//! ```
//!
//! * Fields of structs are known by field id, in lists and maps too; names are only what a version calls them.
//! * A field that the values lack is NULL in all of them; one that is not asked for is left out.
//! * The elements of a list and the keys and values of a map are known by their place: there is only one.
//! * What comes out carries no field ids: it has the type that the same values have when they are computed.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;
use arrow::util::display::FormatOptions;
use frostline_catalog::schema::field_id;

use crate::column::computed_type;

/// How values of one type become values of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// By a cast to this type, which must lose nothing.
    Cast(DataType),
    /// Field by field.
    Struct(Vec<ShapedField>),
    /// Element by element.
    List {
        /// The field of the elements.
        element: FieldRef,
        /// What becomes of them.
        inner: Box<Shape>,
    },
    /// Entry by entry.
    Map {
        /// The field of the entries.
        entries: FieldRef,
        /// Whether the keys are sorted.
        sorted: bool,
        /// What becomes of keys.
        key: Box<Shape>,
        /// What becomes of values.
        value: Box<Shape>,
    },
}

/// A field of a struct that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ShapedField {
    /// The field.
    field: FieldRef,
    /// Its place in the values, and what becomes of it there; `None` if they lack it.
    source: Option<(usize, Shape)>,
}

impl Shape {
    /// From one type to another, both with the field ids of their fields.
    ///
    /// # Errors
    /// If a field of a struct in `from` has no field id.
    pub(crate) fn new(from: &DataType, to: &DataType) -> Result<Self, ArrowError> {
        match (from, to) {
            (DataType::Struct(found), DataType::Struct(wanted)) => {
                let mut fields: Vec<ShapedField> = Vec::with_capacity(wanted.len());
                for field in wanted {
                    let source = match place_of(found, field)? {
                        Some((place, from)) => Some((place, Self::new(from.data_type(), field.data_type())?)),
                        None => None,
                    };
                    fields.push(ShapedField { field: plain(field), source });
                }
                Ok(Self::Struct(fields))
            }
            (DataType::List(found), DataType::List(wanted)) => {
                let inner = Self::new(found.data_type(), wanted.data_type())?;
                Ok(Self::List { element: plain(wanted), inner: Box::new(inner) })
            }
            (DataType::Map(found, _), DataType::Map(wanted, sorted)) => match (pair(found), pair(wanted)) {
                (Some((found_key, found_value)), Some((wanted_key, wanted_value))) => Ok(Self::Map {
                    entries: plain(wanted),
                    sorted: *sorted,
                    key: Box::new(Self::new(found_key.data_type(), wanted_key.data_type())?),
                    value: Box::new(Self::new(found_value.data_type(), wanted_value.data_type())?),
                }),
                _ => Ok(Self::Cast(computed_type(to))),
            },
            _ => Ok(Self::Cast(computed_type(to))),
        }
    }

    /// The values in the asked shape.
    ///
    /// # Errors
    /// If a value cannot be cast without loss.
    pub(crate) fn apply(&self, values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Cast(data_type) if values.data_type() == data_type => Ok(Arc::clone(values)),
            Self::Cast(data_type) => {
                let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
                cast_with_options(values, data_type, &strict)
            }
            Self::Struct(fields) => {
                let found: &StructArray =
                    values.as_struct_opt().ok_or_else(|| other_type(values.data_type(), "a struct"))?;
                let mut members: Vec<ArrayRef> = Vec::with_capacity(fields.len());
                for ShapedField { field, source } in fields {
                    let member = match source {
                        Some((place, shape)) if *place < found.num_columns() => shape.apply(found.column(*place))?,
                        _ => new_null_array(field.data_type(), found.len()),
                    };
                    members.push(member);
                }
                let wanted: Fields = fields.iter().map(|field| Arc::clone(&field.field)).collect();
                let nulls = found.nulls().cloned();
                Ok(Arc::new(StructArray::try_new_with_length(wanted, members, nulls, found.len())?))
            }
            Self::List { element, inner } => {
                let found: &ListArray =
                    values.as_list_opt::<i32>().ok_or_else(|| other_type(values.data_type(), "a list"))?;
                let elements = inner.apply(found.values())?;
                let nulls = found.nulls().cloned();
                Ok(Arc::new(ListArray::try_new(Arc::clone(element), found.offsets().clone(), elements, nulls)?))
            }
            Self::Map { entries, sorted, key, value } => {
                let found: &MapArray = values.as_map_opt().ok_or_else(|| other_type(values.data_type(), "a map"))?;
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(other_type(entries.data_type(), "the entries of a map"));
                };
                let columns: Vec<ArrayRef> = vec![key.apply(found.keys())?, value.apply(found.values())?];
                let pairs = StructArray::try_new(fields.clone(), columns, found.entries().nulls().cloned())?;
                let (offsets, nulls) = (found.offsets().clone(), found.nulls().cloned());
                Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted)?))
            }
        }
    }
}

/// Whether values of one type are read as the other's where fields go by name and place: every field stands where the
/// other has the same one, under the same name.
pub(crate) fn goes_by_name(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Struct(found), DataType::Struct(wanted)) => {
            let same = |(found, wanted): (&FieldRef, &FieldRef)| {
                found.name() == wanted.name()
                    && field_id(found) == field_id(wanted)
                    && goes_by_name(found.data_type(), wanted.data_type())
            };
            found.len() == wanted.len() && found.iter().zip(wanted.iter()).all(same)
        }
        (DataType::List(found), DataType::List(wanted)) => goes_by_name(found.data_type(), wanted.data_type()),
        (DataType::Map(found, _), DataType::Map(wanted, _)) => match (pair(found), pair(wanted)) {
            (Some(found), Some(wanted)) => {
                goes_by_name(found.0.data_type(), wanted.0.data_type())
                    && goes_by_name(found.1.data_type(), wanted.1.data_type())
            }
            _ => false,
        },
        _ => true,
    }
}

/// A path of names in a struct, found in another by field id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldPath {
    /// The names that the values have for it, their type of the last field, and the asked one, with field ids.
    Found {
        /// The names, outermost first.
        names: Vec<String>,
        /// The type of the field in the values.
        from: DataType,
        /// The asked field.
        to: FieldRef,
    },
    /// The values lack it; this is the asked field.
    Missing(FieldRef),
}

impl FieldPath {
    /// Looks up names of the asked fields in the fields of values; `None` if the names lead nowhere.
    pub(crate) fn of(names: &[&str], from: &Fields, to: &Fields) -> Result<Option<Self>, ArrowError> {
        let Some((first, rest)) = names.split_first() else { return Ok(None) };
        let Some(asked) = to.iter().find(|field| field.name() == first) else { return Ok(None) };
        let found = place_of(from, asked)?;
        if rest.is_empty() {
            return Ok(Some(match found {
                Some((_, field)) => Self::Found {
                    names: vec![field.name().clone()],
                    from: field.data_type().clone(),
                    to: Arc::clone(asked),
                },
                None => Self::Missing(Arc::clone(asked)),
            }));
        }
        let DataType::Struct(asked_inner) = asked.data_type() else { return Ok(None) };
        match found {
            None => Self::of(rest, &Fields::empty(), asked_inner),
            Some((_, field)) => {
                let DataType::Struct(found_inner) = field.data_type() else { return Ok(None) };
                Ok(match Self::of(rest, found_inner, asked_inner)? {
                    Some(Self::Found { mut names, from, to }) => {
                        names.insert(0, field.name().clone());
                        Some(Self::Found { names, from, to })
                    }
                    other => other,
                })
            }
        }
    }
}

/// A field as computed values have it.
pub(crate) fn plain(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), computed_type(field.data_type()), field.is_nullable()))
}

/// The key and the value of a map's entries.
fn pair(entries: &FieldRef) -> Option<(&FieldRef, &FieldRef)> {
    match entries.data_type() {
        DataType::Struct(fields) => Some((fields.first()?, fields.get(1)?)),
        _ => None,
    }
}

/// The field with the id of another, and its place.
fn place_of<'a>(found: &'a Fields, wanted: &Field) -> Result<Option<(usize, &'a FieldRef)>, ArrowError> {
    let asked = field_id(wanted);
    for (place, field) in found.iter().enumerate() {
        match field_id(field) {
            None => {
                let name = field.name();
                return Err(ArrowError::SchemaError(format!(
                    "field `{name}` of a segment has no field id; the segment is damaged"
                )));
            }
            id if id == asked => return Ok(Some((place, field))),
            _ => {}
        }
    }
    Ok(None)
}

fn other_type(found: &DataType, wanted: &str) -> ArrowError {
    ArrowError::SchemaError(format!("a segment has {found} where {wanted} belongs; the segment is damaged"))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringViewArray};
    use arrow::util::display::array_value_to_string;
    use frostline_catalog::FieldId;
    use frostline_catalog::schema::with_field_id;

    use super::*;

    fn field(id: i32, name: &str, data_type: DataType) -> FieldRef {
        Arc::new(with_field_id(Field::new(name, data_type, true), FieldId::new(id)))
    }

    fn of_fields(fields: &[FieldRef]) -> DataType {
        DataType::Struct(fields.iter().map(Arc::clone).collect::<Fields>())
    }

    /// `{a: 1, b: x}`, `{a: 2, b: y}`, with ids 2 and 3.
    fn structs() -> (DataType, ArrayRef) {
        let fields: Fields = [field(2, "a", DataType::Int32), field(3, "b", DataType::Utf8View)].into_iter().collect();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![1, 2])), Arc::new(StringViewArray::from(vec!["x", "y"]))];
        (DataType::Struct(fields.clone()), Arc::new(StructArray::try_new(fields, columns, None).unwrap()))
    }

    fn list_of(element: DataType, id: i32, values: ArrayRef) -> (DataType, ArrayRef) {
        let element = field(id, "item", element);
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
        let list = ListArray::try_new(Arc::clone(&element), offsets, values, None).unwrap();
        (DataType::List(element), Arc::new(list))
    }

    fn shown(from: &DataType, values: &ArrayRef, to: &DataType) -> Vec<String> {
        let shaped = Shape::new(from, to).unwrap().apply(values).unwrap();
        assert_eq!(shaped.data_type(), &computed_type(to));
        (0..shaped.len()).map(|row| array_value_to_string(&shaped, row).unwrap()).collect()
    }

    #[test]
    fn fields_are_found_by_id_renamed_widened_added_and_left_out() {
        let (from, values) = structs();
        let to = of_fields(&[field(9, "b", DataType::Boolean), field(2, "x", DataType::Int64)]);
        assert_eq!(shown(&from, &values, &to), ["{b: , x: 1}", "{b: , x: 2}"]);
    }

    #[test]
    fn fields_within_lists_are_found_by_id() {
        let (inner, values) = structs();
        let (from, values) = list_of(inner, 1, values);
        let to = DataType::List(field(1, "item", of_fields(&[field(3, "a", DataType::Utf8View)])));
        assert_eq!(shown(&from, &values, &to), ["[{a: x}, {a: y}]"]);
    }

    #[test]
    fn the_values_of_maps_are_reshaped_and_the_keys_widened() {
        let (inner, values) = structs();
        let keys: ArrayRef = Arc::new(Int32Array::from(vec![7, 8]));
        let map_type = |key: DataType, value: DataType| {
            let key = Arc::new(with_field_id(Field::new("key", key, false), FieldId::new(4)));
            let pair: Fields = [key, field(5, "value", value)].into_iter().collect();
            (pair.clone(), DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false))
        };
        let (fields, from) = map_type(DataType::Int32, inner);
        let DataType::Map(entries, _) = &from else { unreachable!() };
        let pairs = StructArray::try_new(fields, vec![keys, values], None).unwrap();
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2]);
        let map: ArrayRef = Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, None, false).unwrap());
        let (_, to) = map_type(DataType::Int64, of_fields(&[field(2, "n", DataType::Int64)]));
        assert_eq!(shown(&from, &map, &to), ["{7: {n: 1}, 8: {n: 2}}"]);
    }

    #[test]
    fn what_only_widens_goes_by_name_and_nothing_else_does() {
        let (from, _) = structs();
        let check = |fields: &[FieldRef], expected: bool| {
            assert_eq!(goes_by_name(&from, &of_fields(fields)), expected, "{fields:?}");
        };
        check(&[field(2, "a", DataType::Int64), field(3, "b", DataType::Utf8View)], true);
        check(&[field(2, "c", DataType::Int32), field(3, "b", DataType::Utf8View)], false);
        check(&[field(4, "a", DataType::Int32), field(3, "b", DataType::Utf8View)], false);
        check(&[field(2, "a", DataType::Int32)], false);
    }

    #[test]
    fn a_path_of_names_leads_to_the_names_that_the_values_have() {
        let inner = of_fields(&[field(3, "old", DataType::Int32)]);
        let from: Fields = [field(2, "was", inner)].into_iter().collect();
        let asked = of_fields(&[field(3, "new", DataType::Int64), field(4, "late", DataType::Int64)]);
        let to: Fields = [field(2, "is", asked)].into_iter().collect();
        let found = FieldPath::of(&["is", "new"], &from, &to).unwrap().unwrap();
        let FieldPath::Found { names, from: leaf, to: target } = found else { panic!("{found:?}") };
        assert_eq!(names, ["was", "old"]);
        assert_eq!((leaf, target.data_type()), (DataType::Int32, &DataType::Int64));
        let late = FieldPath::of(&["is", "late"], &from, &to).unwrap().unwrap();
        assert!(matches!(late, FieldPath::Missing(field) if field.name() == "late"));
        assert_eq!(FieldPath::of(&["is", "old"], &from, &to).unwrap(), None);
    }

    #[test]
    fn a_field_without_an_id_is_damage_and_not_guessed() {
        let from = of_fields(&[Arc::new(Field::new("a", DataType::Int32, true))]);
        let error = Shape::new(&from, &of_fields(&[field(2, "a", DataType::Int32)])).unwrap_err();
        assert!(error.to_string().contains("field `a` of a segment has no field id"), "{error}");
    }
}
