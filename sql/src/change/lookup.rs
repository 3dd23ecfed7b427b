//! Functions of a plan that say what is known of a row by its place, and of a version.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, StringViewArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, TimeUnit, UInt64Type};
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use frostline_catalog::schema::UTC;
use frostline_catalog::{State, Version};

use super::plan::Numbers;
use crate::error::Error;

/// The number of a row, by the segment and the position where it is.
pub(super) fn number_at(name: &'static str, numbers: Numbers, nullable: bool, segment: Expr, position: Expr) -> Expr {
    let signature = Signature::any(2, Volatility::Immutable);
    ScalarUDF::from(NumberAt { name, numbers: Arc::new(numbers), nullable, signature }).call(vec![segment, position])
}

/// What is known of a row, by its place.
#[derive(Debug)]
struct NumberAt {
    name: &'static str,
    numbers: Arc<Numbers>,
    nullable: bool,
    signature: Signature,
}

// Two are one if they are of the same scan: what they know is never compared row by row.
impl PartialEq for NumberAt {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.numbers, &other.numbers)
    }
}

impl Eq for NumberAt {}

impl Hash for NumberAt {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        Arc::as_ptr(&self.numbers).hash(state);
    }
}

impl ScalarUDFImpl for NumberAt {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name, DataType::Int64, self.nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [segments, positions] = take_function_args(self.name, args.args)?;
        let (segments, positions) = (segments.into_array(rows)?, positions.into_array(rows)?);
        let segments = segments.as_primitive::<UInt64Type>().values();
        let positions = positions.as_primitive::<UInt64Type>().values();
        let at = |(segment, position): (&u64, &u64)| self.numbers.at(*segment, *position);
        let found: Int64Array = segments.iter().zip(positions.iter()).map(at).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// When versions were made, and by whom.
#[derive(Debug, Default)]
pub(super) struct Makers {
    made: BTreeMap<i64, (Option<i64>, String)>,
}

impl Makers {
    /// Of these versions. One that is not committed yet has neither a time nor an author.
    pub(super) fn load(state: &State, versions: impl IntoIterator<Item = Version>) -> Result<Arc<Self>, Error> {
        let mut made: BTreeMap<i64, (Option<i64>, String)> = BTreeMap::new();
        for version in versions {
            let number = signed(version);
            if made.contains_key(&number) {
                continue;
            }
            if let Some(commit) = state.commit(version)? {
                made.insert(number, (commit.commit_time.map(|time| time.get()), commit.author.clone()));
            }
        }
        Ok(Arc::new(Self { made }))
    }
}

/// A version as a number of SQL.
pub(super) fn signed(version: Version) -> i64 {
    i64::try_from(version.number()).unwrap_or(i64::MAX)
}

/// When a version was made.
pub(super) fn time_of(makers: &Arc<Makers>, version: Expr) -> Expr {
    maker(makers, Told::Time, version)
}

/// Who made a version.
pub(super) fn author_of(makers: &Arc<Makers>, version: Expr) -> Expr {
    maker(makers, Told::Author, version)
}

fn maker(makers: &Arc<Makers>, told: Told, version: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(Maker { told, makers: Arc::clone(makers), signature }).call(vec![version])
}

/// What is told of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Told {
    Time,
    Author,
}

impl Told {
    fn data_type(self) -> DataType {
        match self {
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::Author => DataType::Utf8View,
        }
    }
}

/// What is known of a version.
#[derive(Debug)]
struct Maker {
    told: Told,
    makers: Arc<Makers>,
    signature: Signature,
}

impl PartialEq for Maker {
    fn eq(&self, other: &Self) -> bool {
        self.told == other.told && Arc::ptr_eq(&self.makers, &other.makers)
    }
}

impl Eq for Maker {}

impl Hash for Maker {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.told.hash(state);
        Arc::as_ptr(&self.makers).hash(state);
    }
}

impl ScalarUDFImpl for Maker {
    fn name(&self) -> &str {
        match self.told {
            Told::Time => "version_time",
            Told::Author => "version_author",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.told.data_type())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), self.told.data_type(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [versions] = take_function_args(self.name(), args.args)?;
        let versions = versions.into_array(rows)?;
        let versions = versions.as_primitive::<Int64Type>();
        let made = versions.iter().map(|version: Option<i64>| self.makers.made.get(&version?));
        let told: ArrayRef = match self.told {
            Told::Time => {
                let times: TimestampMicrosecondArray = made.map(|made| made.and_then(|(time, _)| *time)).collect();
                Arc::new(times.with_timezone(UTC))
            }
            Told::Author => {
                let authors: StringViewArray = made.map(|made| made.map(|(_, author)| author.as_str())).collect();
                Arc::new(authors)
            }
        };
        Ok(ColumnarValue::Array(told))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::UInt64Array;
    use datafusion::common::config::ConfigOptions;
    use frostline_catalog::RowId;
    use frostline_catalog::segment::RowIds;

    use super::super::plan::rounds;
    use super::super::row_set::RowSet;
    use super::super::window::Found;
    use super::super::window::tests::{placed, version};
    use super::*;

    #[test]
    fn each_row_has_the_number_of_its_place() {
        let found = Found { placed: placed(4, 2, RowIds::From(RowId::new(0))), rows: RowSet::all(), fact: version(9) };
        let round = rounds(vec![found]).remove(0);
        let numbers = round.numbers(|found| Some(signed(found.fact)));
        let signature = Signature::any(2, Volatility::Immutable);
        let function = NumberAt { name: "n", numbers: Arc::new(numbers), nullable: true, signature };
        let places: Vec<ArrayRef> =
            vec![Arc::new(UInt64Array::from(vec![4, 5])), Arc::new(UInt64Array::from(vec![0, 0]))];
        let field = |name: &str| Arc::new(Field::new(name, DataType::UInt64, false));
        let given = function
            .invoke_with_args(ScalarFunctionArgs {
                args: places.into_iter().map(ColumnarValue::Array).collect(),
                arg_fields: vec![field("segment"), field("position")],
                number_rows: 2,
                return_field: Arc::new(Field::new("n", DataType::Int64, true)),
                config_options: Arc::new(ConfigOptions::default()),
            })
            .unwrap();
        let given = given.into_array(2).unwrap();
        let seen: Vec<Option<i64>> = given.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(seen, [Some(9), None]);
    }

    #[test]
    fn functions_of_other_scans_are_others() {
        let column = |name: &str| datafusion::prelude::ident(name);
        let one = number_at("n", Numbers::default(), true, column("a"), column("b"));
        let other = number_at("n", Numbers::default(), true, column("a"), column("b"));
        assert_eq!(one, one.clone());
        assert_ne!(one, other);
    }
}
