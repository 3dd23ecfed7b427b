//! One schema for all files of an import.
//!
//! * Columns are matched by name, in the order of the first file.
//! * All CSV and Parquet files must have the same columns. A JSON file may lack some, whose values are NULL in it.
//! * A column is NOT NULL if every file declares it so.
//! * The types of a column are merged: CSV columns and JSON scalars become text if nothing narrower holds all values;
//!   everything else must [`widen`] to a common type.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::candidates::Candidates;
use super::error::ImportError;
use super::shape::JsonShape;
use super::type_name::sql_type_name;
use super::widen::widen;

/// What a file says of the type of a column.
#[derive(Clone, Debug)]
pub(crate) enum ColumnShape {
    /// A column of text, and the types that its texts may have.
    Text(Candidates),
    /// A column of JSON values.
    Json(JsonShape),
    /// A column with a type of Frostline. A required one says that it holds no NULL.
    Typed { data_type: DataType, is_required: bool },
}

/// What a file says of its columns.
#[derive(Debug)]
pub(crate) struct FileColumns {
    /// The file.
    pub(crate) file: PathBuf,
    /// Whether the file leaves columns out when it has no value for them.
    pub(crate) sparse: bool,
    /// The columns, with names that differ.
    pub(crate) columns: Vec<(String, ColumnShape)>,
}

/// What all files so far say together.
#[derive(Debug, Default)]
pub(crate) struct MergedColumns {
    columns: Vec<MergedColumn>,
    positions: HashMap<String, usize>,
    /// The first file that must have had all columns.
    complete: Option<PathBuf>,
    files: usize,
}

#[derive(Debug)]
struct MergedColumn {
    name: String,
    shape: ColumnShape,
    /// The first file that has it.
    file: PathBuf,
    /// How many files have it.
    files: usize,
}

impl ColumnShape {
    fn is_unseen(&self) -> bool {
        match self {
            Self::Text(candidates) => candidates.is_unseen(),
            Self::Json(shape) => shape.is_unseen(),
            Self::Typed { .. } => false,
        }
    }

    /// The type, or the path to an object without members.
    fn data_type(&self) -> Result<DataType, String> {
        match self {
            Self::Text(candidates) => Ok(candidates.data_type()),
            Self::Json(shape) => shape.data_type(),
            Self::Typed { data_type, .. } => Ok(data_type.clone()),
        }
    }

    /// Whether a column of this shape may hold NULL.
    fn is_nullable(&self) -> bool {
        !matches!(self, Self::Typed { is_required: true, .. })
    }

    /// The same shape of a column that may hold NULL.
    fn into_nullable(self) -> Self {
        match self {
            Self::Typed { data_type, .. } => Self::Typed { data_type, is_required: false },
            shape => shape,
        }
    }

    /// What the type is called in messages.
    fn describe(&self) -> Box<str> {
        match self.data_type() {
            Ok(data_type) => sql_type_name(&data_type).into(),
            Err(_) => "an object".into(),
        }
    }

    /// The shape that covers both, or `None` if there is none.
    fn merge(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Text(ours), Self::Text(theirs)) => Some(Self::Text(ours.merge(theirs))),
            (Self::Json(mut ours), Self::Json(theirs)) => {
                ours.merge(theirs).ok()?;
                Some(Self::Json(ours))
            }
            (ours, theirs) if theirs.is_unseen() => Some(ours.into_nullable()),
            (ours, theirs) if ours.is_unseen() => Some(theirs.into_nullable()),
            (ours, theirs) => {
                let is_required = !ours.is_nullable() && !theirs.is_nullable();
                let data_type = widen(&ours.data_type().ok()?, &theirs.data_type().ok()?)?;
                Some(Self::Typed { data_type, is_required })
            }
        }
    }
}

impl MergedColumns {
    /// Takes one more file into account.
    pub(crate) fn add(&mut self, added: FileColumns) -> Result<(), ImportError> {
        let FileColumns { file, sparse, columns } = added;
        let mut has = vec![false; self.columns.len()];
        for (name, shape) in columns {
            match self.positions.get(&name) {
                Some(position) => {
                    let position = *position;
                    if let Some(seen) = has.get_mut(position) {
                        *seen = true;
                    }
                    merge_column(&mut self.columns[position], &file, shape)?;
                }
                None => {
                    if let Some(complete) = &self.complete {
                        return Err(ImportError::ColumnsDiffer { file: complete.clone(), column: name, other: file });
                    }
                    self.positions.insert(name.clone(), self.columns.len());
                    self.columns.push(MergedColumn { name, shape, file: file.clone(), files: 1 });
                }
            }
        }
        if !sparse {
            if let Some(missing) = has.iter().position(|seen| !*seen) {
                let column = &self.columns[missing];
                return Err(ImportError::ColumnsDiffer {
                    file,
                    column: column.name.clone(),
                    other: column.file.clone(),
                });
            }
            if self.complete.is_none() {
                self.complete = Some(file);
            }
        }
        self.files += 1;
        Ok(())
    }

    /// The schema of all files. A column is NOT NULL if every file declares it so, which only Parquet can.
    pub(crate) fn into_schema(self) -> Result<SchemaRef, ImportError> {
        if self.files == 0 {
            return Err(ImportError::NoFiles);
        }
        let mut fields: Vec<Field> = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let is_nullable = column.shape.is_nullable() || column.files < self.files;
            match column.shape.data_type() {
                Ok(data_type) => fields.push(Field::new(column.name, data_type, is_nullable)),
                Err(path) => {
                    return Err(ImportError::UnsupportedType {
                        file: column.file,
                        column: format!("{}{path}", column.name),
                        found: "object without members".into(),
                        problem: "leave it out, or declare the columns of the table",
                    });
                }
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}

fn merge_column(column: &mut MergedColumn, file: &Path, shape: ColumnShape) -> Result<(), ImportError> {
    let expected = column.shape.describe();
    let found = shape.describe();
    match column.shape.clone().merge(shape) {
        Some(merged) => {
            column.shape = merged;
            column.files += 1;
            Ok(())
        }
        None => Err(ImportError::TypeClash {
            column: column.name.clone(),
            file: file.to_path_buf(),
            found,
            other: column.file.clone(),
            expected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[&str]) -> ColumnShape {
        let mut candidates = Candidates::all();
        for value in values {
            candidates.observe(value);
        }
        ColumnShape::Text(candidates)
    }

    fn file(name: &str, sparse: bool, columns: Vec<(&str, ColumnShape)>) -> FileColumns {
        let columns = columns.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
        FileColumns { file: PathBuf::from(name), sparse, columns }
    }

    fn merge(files: Vec<FileColumns>) -> Result<String, String> {
        let mut merged = MergedColumns::default();
        for file in files {
            merged.add(file).map_err(|error| error.to_string())?;
        }
        let schema = merged.into_schema().map_err(|error| error.to_string())?;
        let fields: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| format!("{} {}", field.name(), sql_type_name(field.data_type())))
            .collect();
        Ok(fields.join(", "))
    }

    #[test]
    fn columns_are_merged_by_name_and_widened() {
        let first = file("a.csv", false, vec![("x", text(&["1"])), ("y", text(&[]))]);
        let second = file("b.csv", false, vec![("y", text(&["2024-01-01"])), ("x", text(&["1.5"]))]);
        assert_eq!(merge(vec![first, second]).unwrap(), "x double, y date");
    }

    #[test]
    fn files_with_different_columns_are_refused() {
        let first = || file("a.csv", false, vec![("x", text(&["1"])), ("y", text(&["1"]))]);
        let fewer = file("b.csv", false, vec![("x", text(&["1"]))]);
        assert_eq!(
            merge(vec![first(), fewer]).unwrap_err(),
            "`b.csv` has no column `y`, which `a.csv` has; all files of an import must have the same columns"
        );
        let more = file("b.csv", false, vec![("x", text(&["1"])), ("y", text(&["1"])), ("z", text(&["1"]))]);
        assert_eq!(
            merge(vec![first(), more]).unwrap_err(),
            "`a.csv` has no column `z`, which `b.csv` has; all files of an import must have the same columns"
        );
    }

    #[test]
    fn a_sparse_file_may_lack_columns() {
        let first = file("a.json", true, vec![("x", text(&["1"]))]);
        let second = file("b.json", true, vec![("y", text(&["true"]))]);
        assert_eq!(merge(vec![first, second]).unwrap(), "x bigint, y boolean");
    }

    fn typed(data_type: DataType, is_required: bool) -> ColumnShape {
        ColumnShape::Typed { data_type, is_required }
    }

    #[test]
    fn a_column_is_not_null_if_every_file_declares_it_so() {
        let required = || file("a.parquet", false, vec![("x", typed(DataType::Int32, true))]);
        let optional = || file("b.parquet", false, vec![("x", typed(DataType::Int32, false))]);
        let sparse = || file("c.json", true, Vec::new());
        let check = |files: Vec<FileColumns>, expected: bool| {
            let mut merged = MergedColumns::default();
            files.into_iter().for_each(|file| merged.add(file).unwrap());
            assert_eq!(merged.into_schema().unwrap().field(0).is_nullable(), expected);
        };
        check(vec![required(), required()], false);
        check(vec![required(), optional()], true);
        check(vec![optional(), required()], true);
        check(vec![required(), sparse()], true);
        check(vec![sparse(), required()], true);
        check(vec![required(), file("d.csv", false, vec![("x", text(&[]))])], true);
    }

    #[test]
    fn typed_columns_without_a_common_type_are_refused() {
        let first = file("a.parquet", false, vec![("x", typed(DataType::Int32, false))]);
        let second = file("b.parquet", false, vec![("x", typed(DataType::Utf8View, false))]);
        assert_eq!(
            merge(vec![first, second]).unwrap_err(),
            "column `x` is text in `b.parquet`, but integer in `a.parquet`; declare its type or mend a file"
        );
    }
}
