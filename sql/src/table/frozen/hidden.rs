//! Columns that a scan of files adds to each row, and that no table has.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use frostline_catalog::segment::RowIds;
use parquet::arrow::RowNumber;

use super::FrozenSegment;

/// What a column says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) enum Hidden {
    /// Which of the scan's segments it is of, counted from 0.
    Mask,
    /// The id of its segment.
    Segment,
    /// From which version on its segment shows it.
    Born,
    /// The row id of its segment's first row.
    FirstRow,
    /// Its number in the file, from 0.
    Row,
}

impl Hidden {
    /// How the column's name begins.
    pub(in crate::table) fn label(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Segment => "segment",
            Self::Born => "born",
            Self::FirstRow => "first_row",
            Self::Row => "row",
        }
    }
}

/// A column that a scan of files adds. The number of the row must be the last of them, because readers put it there.
#[derive(Clone, Debug)]
pub(in crate::table) struct HiddenColumn {
    what: Hidden,
    name: String,
}

impl HiddenColumn {
    /// A column under a name that no column of the files has.
    pub(in crate::table) fn new(what: Hidden, name: String) -> Self {
        Self { what, name }
    }

    /// What it says.
    pub(in crate::table) fn what(&self) -> Hidden {
        self.what
    }

    /// Its name.
    pub(in crate::table) fn name(&self) -> &str {
        &self.name
    }

    /// Whether all rows of a file have one value.
    pub(super) fn is_constant(&self) -> bool {
        self.what != Hidden::Row
    }

    /// The column as a field. By its extension type the reader of Parquet knows that it is to count rows.
    pub(super) fn field(&self) -> FieldRef {
        let data_type = match self.what {
            Hidden::Mask => DataType::UInt32,
            Hidden::Segment | Hidden::Born => DataType::UInt64,
            Hidden::FirstRow | Hidden::Row => DataType::Int64,
        };
        let field = Field::new(self.name.as_str(), data_type, false);
        Arc::new(if self.is_constant() { field } else { field.with_extension_type(RowNumber) })
    }

    /// The value of all rows of the scan's segment at a place; `None` if they differ.
    pub(super) fn constant(&self, place: usize, segment: &FrozenSegment) -> Option<ScalarValue> {
        match self.what {
            Hidden::Mask => Some(ScalarValue::UInt32(u32::try_from(place).ok())),
            Hidden::Segment => Some(ScalarValue::UInt64(Some(segment.segment.id.number()))),
            Hidden::Born => Some(ScalarValue::UInt64(Some(segment.born.number()))),
            Hidden::FirstRow => {
                let first = match segment.segment.row_ids {
                    RowIds::From(first) => i64::try_from(first.number()).ok(),
                    RowIds::Stored => None,
                };
                Some(ScalarValue::Int64(first))
            }
            Hidden::Row => None,
        }
    }
}
