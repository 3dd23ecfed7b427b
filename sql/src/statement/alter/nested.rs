//! ALTER TABLE within nested columns: fields of structs, elements of lists, keys and values of maps.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::sql::sqlparser::ast::{self, ColumnOption, Ident};
use frostline_catalog::schema::{check_type, number_nested_fields, with_field_id};

use super::{Altered, narrower};
use crate::context::fold;
use crate::error::Error;
use crate::parse::{ColumnChange, ColumnPosition};
use crate::sql_types::arrow_type;
use crate::widening::widened;

/// What becomes of a type within another.
type Edit<'a> = dyn FnMut(&DataType) -> Result<DataType, Error> + 'a;

impl Altered<'_> {
    pub(super) fn add_field(
        &mut self,
        within: &[Ident],
        column: &ast::ColumnDef,
        if_not_exists: bool,
        position: Option<&ColumnPosition>,
    ) -> Result<(), Error> {
        let name = fold(&column.name);
        let full = format!("{}.{name}", shown(within));
        if column.options.iter().any(|option| !matches!(option.option, ColumnOption::Null)) {
            return Err(Error::statement(format!(
                "field `{full}` of a nested column takes NULL, and has no DEFAULT, COMMENT or constraint of its own"
            )));
        }
        let wanted =
            arrow_type(&column.data_type).map_err(|error| Error::statement(format!("column `{full}`: {error}")))?;
        let id = self.table.next_field;
        let mut next = id.next();
        let data_type = number_nested_fields(&wanted, &mut next);
        let new: FieldRef = Arc::new(with_field_id(Field::new(&name, data_type, true), id));
        let mut is_new = true;
        self.edit(within, &mut |found| {
            let fields = fields_of(found, within)?;
            if fields.iter().any(|field| *field.name() == name) {
                is_new = false;
                return if if_not_exists { Ok(found.clone()) } else { Err(taken(&full)) };
            }
            let mut fields: Vec<FieldRef> = fields.iter().map(Arc::clone).collect();
            fields.push(Arc::clone(&new));
            let last = fields.len() - 1;
            if let Some(position) = position {
                reorder(&mut fields, last, position, within)?;
            }
            Ok(DataType::Struct(fields.into_iter().collect()))
        })?;
        if is_new {
            self.table.next_field = next;
        }
        Ok(())
    }

    pub(super) fn drop_field(&mut self, path: &[Ident], if_exists: bool) -> Result<(), Error> {
        let Some((last, within)) = path.split_last() else { return Ok(()) };
        let name = fold(last);
        let mut is_there = true;
        let place = self.known_place(&within[0])?;
        let before = self.columns[place].data_type.clone();
        self.edit(within, &mut |found| {
            let fields = fields_of(found, within)?;
            if !fields.iter().any(|field| *field.name() == name) {
                is_there = false;
                return if if_exists { Ok(found.clone()) } else { Err(no_field(within, &name, fields)) };
            }
            if fields.len() == 1 {
                return Err(Error::statement(format!("`{}` is the last field of its struct", shown(path)))
                    .with_hint(format!("drop `{}` instead", shown(within))));
            }
            let left = fields.iter().filter(|field| *field.name() != name).map(Arc::clone);
            Ok(DataType::Struct(left.collect::<Fields>()))
        })?;
        self.refuse_if_checked(place, before, is_there, "dropped")
    }

    pub(super) fn rename_field(&mut self, path: &[Ident], to: &Ident) -> Result<(), Error> {
        let Some((last, within)) = path.split_last() else { return Ok(()) };
        let (old, new) = (fold(last), super::plain(to)?);
        let place = self.known_place(&within[0])?;
        let before = self.columns[place].data_type.clone();
        self.edit(within, &mut |found| {
            let fields = fields_of(found, within)?;
            if !fields.iter().any(|field| *field.name() == old) {
                return Err(no_field(within, &old, fields));
            }
            if old != new.as_str() && fields.iter().any(|field| field.name() == new.as_str()) {
                return Err(taken(&format!("{}.{new}", shown(within))));
            }
            let renamed = fields.iter().map(|field| match *field.name() == old {
                true => Arc::new(field.as_ref().clone().with_name(new.as_str())),
                false => Arc::clone(field),
            });
            Ok(DataType::Struct(renamed.collect::<Fields>()))
        })?;
        let is_other = old != new.as_str();
        self.refuse_if_checked(place, before, is_other, "renamed")
    }

    pub(super) fn alter_field(&mut self, path: &[Ident], change: &ColumnChange) -> Result<(), Error> {
        let full = shown(path);
        match change {
            ColumnChange::Type(declared) => {
                let named = |error: String| Error::statement(format!("column `{full}`: {error}"));
                let wanted = arrow_type(declared).map_err(|error| named(error.to_string()))?;
                check_type(&wanted).map_err(|error| named(error.to_string()))?;
                self.edit(path, &mut |found| widened(found, &wanted).ok_or_else(|| narrower(&full, found, &wanted)))
            }
            ColumnChange::Position(position) => {
                let Some((last, within)) = path.split_last() else { return Ok(()) };
                let name = fold(last);
                self.edit(within, &mut |found| {
                    let fields = fields_of(found, within)?;
                    let place = fields.iter().position(|field| *field.name() == name);
                    let place = place.ok_or_else(|| no_field(within, &name, fields))?;
                    let mut fields: Vec<FieldRef> = fields.iter().map(Arc::clone).collect();
                    reorder(&mut fields, place, position, within)?;
                    Ok(DataType::Struct(fields.into_iter().collect()))
                })
            }
            ColumnChange::Nullable(_) => {
                Err(Error::statement(format!("`{full}` is inside of a nested column, where anything may be NULL"))
                    .with_hint(format!("test it with a constraint: `CHECK ({full} IS NOT NULL)`")))
            }
            ColumnChange::Default(_) => {
                Err(Error::statement(format!("`{full}` is inside of a nested column, and has no default of its own")))
            }
            ColumnChange::Comment(_) => {
                Err(Error::statement(format!("`{full}` is inside of a nested column, and has no remark of its own"))
                    .with_hint(format!("remark on the column: `COMMENT ON COLUMN {}.{}`", self.name, path[0])))
            }
        }
    }

    /// Changes the type at the end of a path.
    fn edit(&mut self, path: &[Ident], edit: &mut Edit<'_>) -> Result<(), Error> {
        let Some((first, rest)) = path.split_first() else { return Ok(()) };
        let place = self.known_place(first)?;
        let data_type = replace(&self.columns[place].data_type, path, rest, edit)?;
        check_type(&data_type)
            .map_err(|error| Error::statement(format!("column `{}`: {error}", self.columns[place].name)))?;
        self.columns[place].data_type = data_type;
        Ok(())
    }

    /// Refuses a change of a field if a CHECK names its column: it may be this field that it means.
    fn refuse_if_checked(
        &mut self,
        place: usize,
        before: DataType,
        is_changed: bool,
        change: &str,
    ) -> Result<(), Error> {
        if !is_changed {
            return Ok(());
        }
        let after = std::mem::replace(&mut self.columns[place].data_type, before);
        self.refuse_if_constrained(place, change)?;
        self.columns[place].data_type = after;
        Ok(())
    }
}

/// The type in which what stands at the end of a path has become something else. `whole` is the path from the column
/// on, for messages.
fn replace(data_type: &DataType, whole: &[Ident], path: &[Ident], edit: &mut Edit<'_>) -> Result<DataType, Error> {
    let Some((first, rest)) = path.split_first() else { return edit(data_type) };
    let name = fold(first);
    let behind = &whole[..whole.len() - path.len()];
    let mut inner = |field: &FieldRef| -> Result<FieldRef, Error> {
        let data_type = replace(field.data_type(), whole, rest, edit)?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(data_type)))
    };
    match data_type {
        DataType::Struct(fields) => {
            let place = fields.iter().position(|field| *field.name() == name);
            let place = place.ok_or_else(|| no_field(behind, &name, fields))?;
            let mut changed: Vec<FieldRef> = fields.iter().map(Arc::clone).collect();
            changed[place] = inner(&fields[place])?;
            Ok(DataType::Struct(changed.into_iter().collect()))
        }
        DataType::List(element) if name == "element" || name == "item" => Ok(DataType::List(inner(element)?)),
        DataType::List(_) => Err(Error::statement(format!("`{}` is a list", shown(behind)))
            .with_hint(format!("its elements are called `{}.element`", shown(behind)))),
        DataType::Map(entries, sorted) => {
            let place = ["key", "value"].into_iter().position(|part| part == name);
            match (entries.data_type(), place) {
                (DataType::Struct(pair), Some(place)) if place < pair.len() => {
                    let mut changed: Vec<FieldRef> = pair.iter().map(Arc::clone).collect();
                    changed[place] = inner(&pair[place])?;
                    let pair = DataType::Struct(changed.into_iter().collect());
                    let entries = Arc::new(entries.as_ref().clone().with_data_type(pair));
                    Ok(DataType::Map(entries, *sorted))
                }
                _ => Err(Error::statement(format!("`{}` is a map", shown(behind)))
                    .with_hint(format!("it has `{0}.key` and `{0}.value`", shown(behind)))),
            }
        }
        _ => Err(Error::statement(format!("`{}` is not nested, and has no field `{name}`", shown(behind)))),
    }
}

/// The fields of a struct.
fn fields_of<'a>(data_type: &'a DataType, path: &[Ident]) -> Result<&'a Fields, Error> {
    match data_type {
        DataType::Struct(fields) => Ok(fields),
        DataType::List(_) => Err(Error::statement(format!("`{}` is a list, and has no fields", shown(path)))
            .with_hint(format!("those of its elements are in `{}.element`", shown(path)))),
        DataType::Map(..) => Err(Error::statement(format!("`{}` is a map, and has no fields", shown(path)))
            .with_hint(format!("those of its values are in `{}.value`", shown(path)))),
        _ => Err(Error::statement(format!("`{}` is no struct, and has no fields", shown(path)))),
    }
}

fn reorder(fields: &mut Vec<FieldRef>, place: usize, position: &ColumnPosition, within: &[Ident]) -> Result<(), Error> {
    let field = fields.remove(place);
    let at = match position {
        ColumnPosition::First => 0,
        ColumnPosition::After(other) => {
            let other = fold(other);
            match fields.iter().position(|found| *found.name() == other) {
                Some(behind) => behind + 1,
                None => {
                    let known: Fields = fields.iter().map(Arc::clone).collect();
                    return Err(no_field(within, &other, &known));
                }
            }
        }
    };
    fields.insert(at, field);
    Ok(())
}

/// A path as it is written.
fn shown(path: &[Ident]) -> String {
    path.iter().map(fold).collect::<Vec<String>>().join(".")
}

fn taken(full: &str) -> Error {
    Error::statement(format!("there is a field `{full}` already"))
}

fn no_field(within: &[Ident], name: &str, fields: &Fields) -> Error {
    let known: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name())).collect();
    let nearest = frostline_catalog::nearest(name, fields.iter().map(|field| field.name().as_str()));
    let end = nearest
        .map_or_else(|| format!("there are {}", known.join(", ")), |nearest| format!("did you mean `{nearest}`?"));
    Error::statement(format!("`{}` has no field `{name}`; {end}", shown(within)))
}

#[cfg(test)]
mod tests {
    use frostline_catalog::FieldId;
    use frostline_catalog::schema::field_id;

    use super::*;

    fn with_id(id: i32, name: &str, data_type: DataType) -> FieldRef {
        Arc::new(with_field_id(Field::new(name, data_type, true), FieldId::new(id)))
    }

    fn path(text: &str) -> Vec<Ident> {
        text.split('.').map(Ident::new).collect()
    }

    /// `s STRUCT<l STRUCT<x INTEGER>[], m MAP(VARCHAR, INTEGER)>`
    fn nested() -> DataType {
        let inner = DataType::Struct([with_id(4, "x", DataType::Int32)].into());
        let list = DataType::List(with_id(3, "item", inner));
        let pair = [with_id(6, "key", DataType::Utf8View), with_id(7, "value", DataType::Int32)];
        let map = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair.into()), false)), false);
        DataType::Struct([with_id(2, "l", list), with_id(5, "m", map)].into())
    }

    fn edited(text: &str, to: &DataType) -> Result<DataType, Error> {
        let path = path(text);
        replace(&nested(), &path, &path[1..], &mut |_| Ok(to.clone()))
    }

    #[test]
    fn a_path_leads_through_structs_lists_and_maps() {
        let changed = edited("s.l.element.x", &DataType::Int64).unwrap();
        let DataType::Struct(fields) = &changed else { panic!("a struct") };
        let DataType::List(element) = fields[0].data_type() else { panic!("a list") };
        let DataType::Struct(inner) = element.data_type() else { panic!("a struct") };
        assert_eq!((inner[0].data_type(), field_id(&inner[0])), (&DataType::Int64, Some(FieldId::new(4))));
        let changed = edited("s.m.value", &DataType::Int64).unwrap();
        let DataType::Struct(fields) = &changed else { panic!("a struct") };
        assert!(fields[1].data_type().to_string().contains("Int64"), "{changed}");
    }

    #[test]
    fn a_path_that_leads_nowhere_says_where_it_ends() {
        let message = |text: &str| edited(text, &DataType::Int64).unwrap_err().to_string();
        assert_eq!(message("s.n"), "`s` has no field `n`; there are `l`, `m`");
        assert_eq!(message("s.l.x"), "`s.l` is a list");
        assert_eq!(message("s.m.x"), "`s.m` is a map");
        assert_eq!(message("s.m.value.x"), "`s.m.value` is not nested, and has no field `x`");
    }
}
