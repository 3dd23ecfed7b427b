//! The columns of a table at one version, as a scan needs them.
//!
//! A column has two names here. Its *name* is what the version calls it and what a session sees. Its *scan name* is
//! what the scan of frozen segments calls it inside, before the last step gives it its name. The two are the same,
//! unless another column of the table bore the name before: then old segments have a column of that name which is not
//! this one, and a reader that goes by names at any point would take the wrong one.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use frostline_catalog::schema::{Column, ROW_ID_FIELD};
use frostline_catalog::{FieldId, ObjectId, State, Version};

use super::literal::{LiteralError, initial_value};
use super::wide::wide_columns;
use crate::column::computed_type;

/// A column of the scanned version.
#[derive(Clone, Debug)]
pub(super) struct ScanColumn {
    /// Its identity in segments.
    pub(super) id: FieldId,
    /// The column as a session sees it.
    pub(super) field: FieldRef,
    /// What the scan of frozen segments calls it.
    pub(super) scan_name: String,
    /// The value of rows whose segment lacks the column; of the column's type.
    pub(super) initial: ScalarValue,
    /// Its type with the field ids of nested fields, by which they are found in segments.
    pub(super) stored: DataType,
}

impl ScanColumn {
    /// The column's type.
    pub(super) fn data_type(&self) -> &DataType {
        self.field.data_type()
    }
}

/// The columns of a table at one version, in their order.
///
/// * Ids, names and scan names each occur once.
#[derive(Clone, Debug)]
pub(super) struct ScanColumns {
    columns: Vec<ScanColumn>,
    ever: Vec<FieldId>,
    /// Every name and scan name that a column of the table ever had.
    taken: HashSet<String>,
    schema: SchemaRef,
    scan_schema: SchemaRef,
}

impl ScanColumns {
    /// The columns of a table at a version.
    pub(super) fn at(state: &State, table: ObjectId, version: Version) -> Result<Self, LiteralError> {
        let columns = state.columns_at(table, version);
        Self::try_new(&columns, &names_until(state, table, version))
    }

    /// The columns of a table at a version, for rows of any version up to another: see [`wide`](super::wide).
    pub(super) fn reaching(
        state: &State,
        table: ObjectId,
        version: Version,
        until: Version,
    ) -> Result<Self, LiteralError> {
        let columns = wide_columns(state, table, version, until);
        let columns: Vec<&Column> = columns.iter().collect();
        Self::try_new(&columns, &names_until(state, table, version.max(until)))
    }

    /// The columns, in their order, given every name that a column of the table ever had, with the column's id.
    pub(super) fn try_new(columns: &[&Column], names: &[(FieldId, String)]) -> Result<Self, LiteralError> {
        let mut taken: HashSet<String> = names.iter().map(|(_, name)| name.clone()).collect();
        taken.extend(columns.iter().map(|column| column.name.as_str().to_owned()));
        let mut found: Vec<ScanColumn> = Vec::with_capacity(columns.len());
        for column in columns {
            let name = column.name.as_str();
            let mut scan_name = name.to_owned();
            if names.iter().any(|(id, other)| *id != column.id && other == name) {
                scan_name = format!("{name}#{}", column.id);
                while taken.contains(&scan_name) {
                    scan_name.push('#');
                }
                taken.insert(scan_name.clone());
            }
            found.push(ScanColumn {
                id: column.id,
                field: plain_field(column),
                scan_name,
                initial: initial_value(name, column.initial.as_deref(), &column.data_type)?,
                stored: column.data_type.clone(),
            });
        }
        let ever: BTreeSet<FieldId> =
            names.iter().map(|(id, _)| *id).chain(columns.iter().map(|column| column.id)).collect();
        Ok(Self::from_parts(found, ever.into_iter().collect(), taken))
    }

    fn from_parts(columns: Vec<ScanColumn>, ever: Vec<FieldId>, taken: HashSet<String>) -> Self {
        let schema: Vec<FieldRef> = columns.iter().map(|column| Arc::clone(&column.field)).collect();
        let scan_schema: Vec<Field> =
            columns.iter().map(|column| column.field.as_ref().clone().with_name(column.scan_name.as_str())).collect();
        Self {
            columns,
            ever,
            taken,
            schema: Arc::new(Schema::new(schema)),
            scan_schema: Arc::new(Schema::new(scan_schema)),
        }
    }

    /// The same columns and, behind them, the ids of rows that carry theirs.
    pub(super) fn with_row_ids(&self) -> Self {
        let name = self.free_name("row_id");
        let mut columns = self.columns.clone();
        columns.push(ScanColumn {
            id: ROW_ID_FIELD,
            field: Arc::new(Field::new(name.as_str(), DataType::Int64, false)),
            scan_name: name,
            initial: ScalarValue::Int64(None),
            stored: DataType::Int64,
        });
        Self::from_parts(columns, self.ever.clone(), self.taken.clone())
    }

    /// A name that no column of the table ever had.
    pub(super) fn free_name(&self, base: &str) -> String {
        let mut name = format!("#{base}");
        while self.taken.contains(&name) {
            name.push('#');
        }
        name
    }

    /// The columns as a session sees them.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns under their scan names.
    pub(super) fn scan_schema(&self) -> &SchemaRef {
        &self.scan_schema
    }

    /// The ids of all columns that the table ever had up to the version: a segment has one of them at least.
    pub(super) fn ever(&self) -> &[FieldId] {
        &self.ever
    }

    /// The columns, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ScanColumn> {
        self.columns.iter()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The column at a place.
    pub(super) fn get(&self, index: usize) -> Option<&ScanColumn> {
        self.columns.get(index)
    }

    /// The column with an id.
    pub(super) fn with_id(&self, id: FieldId) -> Option<&ScanColumn> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// The column with a scan name.
    pub(super) fn with_scan_name(&self, scan_name: &str) -> Option<&ScanColumn> {
        self.columns.iter().find(|column| column.scan_name == scan_name)
    }
}

/// The schema of some columns as a session sees them.
pub(super) fn plain_schema(columns: &[&Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|column| plain_field(column)).collect::<Vec<FieldRef>>()))
}

/// A column without field ids in its metadata, nor in that of nested fields: ids are our own affair, and results that
/// carry them would differ from the same values computed. Segments have them, so that nested columns are cast or, where
/// their fields changed, put together anew.
fn plain_field(column: &Column) -> FieldRef {
    Arc::new(Field::new(column.name.as_str(), computed_type(&column.data_type), column.nullable))
}

/// Every name that a column of the table had up to a version, with the column's id. Where the table has rows of other
/// tables, as a clone has, segments bear the names that these gave their columns.
fn names_until(state: &State, table: ObjectId, version: Version) -> Vec<(FieldId, String)> {
    let mut names: Vec<(FieldId, String)> = Vec::new();
    for table in std::iter::once(table).chain(state.base_tables(table)) {
        let Some(last) = state.tables().of(&table).last() else { continue };
        let mut id = FieldId::FIRST;
        while id < last.value.next_field {
            for fact in state.columns().of(&(table, id)) {
                if fact.interval.begin() <= version {
                    names.push((id, fact.value.column.name.as_str().to_owned()));
                }
            }
            id = id.next();
        }
    }
    names
}

#[cfg(test)]
pub(super) mod tests {
    use frostline_catalog::Name;

    use super::*;

    /// A nullable column.
    pub(in crate::table) fn column(id: i32, name: &str, data_type: DataType, initial: Option<&str>) -> Column {
        Column {
            id: FieldId::new(id),
            name: Name::try_new(name).unwrap(),
            data_type,
            nullable: true,
            default: None,
            initial: initial.map(str::to_owned),
            comment: None,
        }
    }

    /// Columns whose names were never another's.
    pub(in crate::table) fn columns(columns: &[Column]) -> ScanColumns {
        let columns: Vec<&Column> = columns.iter().collect();
        ScanColumns::try_new(&columns, &[]).unwrap()
    }

    #[test]
    fn a_name_that_another_column_bore_is_not_used_inside_the_scan() {
        let now = [column(1, "old", DataType::Int64, None), column(2, "raw", DataType::Utf8View, None)];
        let now: Vec<&Column> = now.iter().collect();
        let names = [
            (FieldId::new(1), "raw".to_owned()),
            (FieldId::new(1), "old".to_owned()),
            (FieldId::new(2), "raw".to_owned()),
        ];
        let columns = ScanColumns::try_new(&now, &names).unwrap();
        let seen: Vec<&str> = columns.schema().fields().iter().map(|field| field.name().as_str()).collect();
        let inside: Vec<&str> = columns.scan_schema().fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(seen, ["old", "raw"]);
        assert_eq!(inside, ["old", "raw#2"]);
    }

    #[test]
    fn a_name_for_the_scan_itself_is_none_that_a_column_ever_had() {
        let now = [column(1, "a", DataType::Int64, None)];
        let now: Vec<&Column> = now.iter().collect();
        let names = [(FieldId::new(1), "#row".to_owned()), (FieldId::new(1), "a".to_owned())];
        let columns = ScanColumns::try_new(&now, &names).unwrap();
        assert_eq!(columns.free_name("row"), "#row#");
        assert_eq!(columns.free_name("mask"), "#mask");
    }

    #[test]
    fn row_ids_stand_behind_the_columns_and_are_found_by_their_field_id() {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]).with_row_ids();
        assert_eq!(columns.with_id(ROW_ID_FIELD).unwrap().scan_name, "#row_id");
        assert_eq!(columns.scan_schema().field(1).name(), "#row_id");
        assert!(!columns.schema().field(1).is_nullable());
    }

    #[test]
    fn what_a_session_sees_carries_no_field_ids() {
        let columns = columns(&[column(1, "a", DataType::Int64, None)]);
        assert!(columns.schema().field(0).metadata().is_empty());
    }
}
