//! `date_trunc()` of every timestamp that a column can hold.
//!
//! DataFusion's counts nanoseconds on the way, which 64 bits hold from 1677 to 2262. Timestamps far from that range are
//! brought into it by a multiple of 400 years, after which the calendar repeats itself, week days included, and back.
//! With a zone, that is done with local times: no zone sets its clock so far away.

use std::sync::Arc;

use chrono::{DateTime, Offset, Utc};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type, TimeUnit};
use datafusion::common::{DataFusionError, Result};
use datafusion::functions::datetime::date_trunc;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::scalar::ScalarValue;

use super::cast::ticks_of_second;

/// From 1970 to 2255, and back to 1684: years that DataFusion's function can truncate.
const NEAR_SECONDS: i64 = 9_000_000_000;

/// 400 years of the Gregorian calendar: 20,871 weeks.
const ERA_SECONDS: i64 = 146_097 * 86_400;

/// The function. What is near is left to DataFusion.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct DateTrunc {
    inner: Arc<ScalarUDF>,
}

impl DateTrunc {
    pub(crate) fn new() -> Self {
        Self { inner: date_trunc() }
    }

    fn inner(&self) -> &dyn ScalarUDFImpl {
        self.inner.inner().as_ref()
    }

    /// DataFusion's function of counts as timestamps of a type, as counts.
    fn truncate(&self, args: &ScalarFunctionArgs, counts: Int64Array, data_type: &DataType) -> Result<Int64Array> {
        let rows = counts.len();
        let counts: ArrayRef = Arc::new(counts);
        let value = ColumnarValue::Array(cast(&counts, data_type)?);
        let near = ScalarFunctionArgs {
            args: vec![args.args[0].clone(), value],
            arg_fields: args.arg_fields.clone(),
            number_rows: rows,
            return_field: Arc::clone(&args.return_field),
            config_options: Arc::clone(&args.config_options),
        };
        let truncated = self.inner().invoke_with_args(near)?.into_array(rows)?;
        Ok(cast(&truncated, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    }

    fn truncate_far(&self, args: &ScalarFunctionArgs, counts: &Int64Array, data_type: &DataType) -> Result<ArrayRef> {
        let DataType::Timestamp(unit, zone) = data_type else {
            return Err(DataFusionError::Internal("only timestamps are far".to_owned()));
        };
        let zone: Option<Tz> = zone.as_ref().map(|zone| zone.parse::<Tz>()).transpose()?;
        let ticks = ticks_of_second(*unit);
        let mut near: Vec<Option<i64>> = Vec::with_capacity(counts.len());
        let mut moved: Vec<Option<i64>> = Vec::with_capacity(counts.len());
        let mut distances: Vec<Option<i128>> = Vec::with_capacity(counts.len());
        for count in counts {
            let distance: Option<i128> = match count {
                Some(count) if is_far(count, ticks) => Some(distance_of(count, ticks, zone)?),
                _ => None,
            };
            near.push(if distance.is_some() { None } else { count });
            moved.push(match (count, distance) {
                (Some(count), Some(distance)) => Some(narrow(i128::from(count) - distance)?),
                _ => None,
            });
            distances.push(distance);
        }
        let near = self.truncate(args, Int64Array::from(near), data_type)?;
        let moved = self.truncate(args, Int64Array::from(moved), &DataType::Timestamp(*unit, None))?;
        let mut truncated: Vec<Option<i64>> = Vec::with_capacity(counts.len());
        for (row, distance) in distances.into_iter().enumerate() {
            truncated.push(match distance {
                Some(distance) => Some(narrow(i128::from(moved.value(row)) + distance)?),
                None => near.is_valid(row).then(|| near.value(row)),
            });
        }
        let truncated: ArrayRef = Arc::new(Int64Array::from(truncated));
        Ok(cast(&truncated, data_type)?)
    }
}

/// What is taken from a count so that it becomes a local time nearby.
fn distance_of(count: i64, ticks: i64, zone: Option<Tz>) -> Result<i128> {
    let offset: i64 = match zone {
        None => 0,
        Some(zone) => {
            let instant: DateTime<Utc> =
                DateTime::from_timestamp(count.div_euclid(ticks), 0).ok_or_else(out_of_range)?;
            instant.with_timezone(&zone).offset().fix().local_minus_utc().into()
        }
    };
    let era = i128::from(ERA_SECONDS) * i128::from(ticks);
    let offset = i128::from(offset) * i128::from(ticks);
    let eras = (i128::from(count) + offset + era / 2).div_euclid(era) * era;
    Ok(eras - offset)
}

fn is_far(count: i64, ticks: i64) -> bool {
    (count / ticks).unsigned_abs() >= NEAR_SECONDS.unsigned_abs()
}

fn narrow(count: i128) -> Result<i64> {
    i64::try_from(count).map_err(|_| out_of_range())
}

fn out_of_range() -> DataFusionError {
    DataFusionError::Execution("a timestamp is too far away to be truncated".to_owned())
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        self.inner().name()
    }

    fn aliases(&self) -> &[String] {
        self.inner().aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner().signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner().return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner().return_field_from_args(args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner().output_ordering(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner().documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [_, value] = args.args.as_slice() else { return self.inner().invoke_with_args(args) };
        let data_type = value.data_type();
        let DataType::Timestamp(unit, _) = &data_type else { return self.inner().invoke_with_args(args) };
        let is_scalar = matches!(value, ColumnarValue::Scalar(_));
        let values: ArrayRef = match value {
            ColumnarValue::Array(values) => Arc::clone(values),
            ColumnarValue::Scalar(value) => value.to_array()?,
        };
        let counts = cast(&values, &DataType::Int64)?;
        let counts = counts.as_primitive::<Int64Type>();
        let ticks = ticks_of_second(*unit);
        if !counts.iter().flatten().any(|count| is_far(count, ticks)) || *unit == TimeUnit::Nanosecond {
            return self.inner().invoke_with_args(args);
        }
        let truncated = self.truncate_far(&args, counts, &data_type)?;
        Ok(match is_scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&truncated, 0)?),
            false => ColumnarValue::Array(truncated),
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveDateTime};
    use datafusion::arrow::datatypes::Field;
    use datafusion::common::config::ConfigOptions;

    use super::*;

    fn at(year: i32, month: u32, day: u32, hour: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(hour, 30, 0).unwrap()
    }

    fn truncated(to: &str, values: Vec<Option<NaiveDateTime>>, zone: Option<&str>) -> Vec<Option<String>> {
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        let counts: Int64Array =
            values.iter().map(|value| value.map(|value| value.and_utc().timestamp_micros())).collect();
        let counts: ArrayRef = Arc::new(counts);
        let field = Arc::new(Field::new("", data_type.clone(), true));
        let to = ColumnarValue::Scalar(ScalarValue::from(to));
        let args = ScalarFunctionArgs {
            args: vec![to, ColumnarValue::Array(cast(&counts, &data_type).unwrap())],
            arg_fields: vec![Arc::clone(&field), Arc::clone(&field)],
            number_rows: values.len(),
            return_field: field,
            config_options: Arc::new(ConfigOptions::default()),
        };
        let found = DateTrunc::new().invoke_with_args(args).unwrap().into_array(values.len()).unwrap();
        assert_eq!(found.data_type(), &data_type);
        let counts = cast(&found, &DataType::Int64).unwrap();
        let shown = |count: i64| DateTime::from_timestamp_micros(count).unwrap().naive_utc().to_string();
        counts.as_primitive::<Int64Type>().iter().map(|count| count.map(shown)).collect()
    }

    fn check(to: &str, value: NaiveDateTime, expected: &str) {
        assert_eq!(truncated(to, vec![Some(value)], None), [Some(expected.to_owned())], "{to} of {value}");
    }

    #[test]
    fn far_timestamps_are_truncated_as_near_ones() {
        check("hour", at(9999, 12, 31, 23), "9999-12-31 23:00:00");
        check("week", at(9999, 12, 31, 23), "9999-12-27 00:00:00");
        check("month", at(1, 2, 28, 5), "0001-02-01 00:00:00");
        check("quarter", at(3000, 8, 9, 5), "3000-07-01 00:00:00");
        check("year", at(2262, 5, 1, 0), "2262-01-01 00:00:00");
        check("year", at(2024, 5, 1, 0), "2024-01-01 00:00:00");
    }

    #[test]
    fn near_and_far_ones_and_null_stand_beside_one_another() {
        let found = truncated("year", vec![Some(at(2024, 5, 1, 0)), None, Some(at(9000, 5, 1, 0))], None);
        let expected = [Some("2024-01-01 00:00:00"), None, Some("9000-01-01 00:00:00")];
        assert_eq!(found, expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn a_zone_has_its_own_days_far_away_too() {
        let found = truncated("day", vec![Some(at(5000, 1, 1, 20))], Some("+09:00"));
        assert_eq!(found, [Some("5000-01-01 15:00:00".to_owned())]);
    }
}
