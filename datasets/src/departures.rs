//! The flights as they became known: hour by hour, each when it was over.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{cast, concat_batches, filter_record_batch, is_not_null, take_record_batch};
use arrow::datatypes::{DataType, Field, Int8Type, Int16Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::flights::{FLIGHTS, FlightsError, flights};

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const HOUR_MICROS: i64 = 60 * MINUTE_MICROS;

/// The flights that departed, ordered by when they did: the table of the demo, whole.
///
/// * A cancelled flight is left out: it never departed.
/// * `departed` is the scheduled departure plus the delay, so a flight may depart on the day after its schedule.
/// * Flights that departed in the same minute keep the order of their schedule.
///
/// | column | type | meaning |
/// |---|---|---|
/// | `scheduled`, `departed` | timestamp in UTC | when the flight was to leave the gate, and when it did |
/// | `carrier`, `flight`, `tailnum` | text, integer, text | airline, number, aircraft |
/// | `origin`, `dest` | text | airports |
/// | `dep_delay` | integer | minutes; negative when early |
/// | `arr_delay` | integer | minutes at arrival; null if diverted or not recorded |
/// | `distance` | integer | miles |
///
/// `arr_delay` is the final record's: an hour of departures tells it although most of its flights are still in the air.
#[derive(Clone, Debug)]
pub struct Departures {
    rows: RecordBatch,
}

/// What became known when an hour was over.
///
/// * `rows` is never empty; every row has `at_micros_utc - 1 hour <= departed < at_micros_utc`.
/// * `rows` owns its memory, so its size in memory is its own, not the month's.
#[derive(Clone, Debug)]
pub struct Hour {
    /// The end of the hour, in microseconds since 1970-01-01 00:00 UTC.
    pub at_micros_utc: i64,
    /// The departures of the hour, in order, with the columns of [`Departures`].
    pub rows: RecordBatch,
}

impl Departures {
    /// The departures among the flights of July 2013.
    ///
    /// # Errors
    ///
    /// As [`flights`].
    pub fn july_2013() -> Result<Self, FlightsError> {
        Self::try_new(&flights()?)
    }

    /// The departures among `flights`, which have the columns of [`flights`].
    ///
    /// # Errors
    ///
    /// [`FlightsError::Column`] if a column is missing or has another type.
    pub fn try_new(flights: &[RecordBatch]) -> Result<Self, FlightsError> {
        let departures: Vec<RecordBatch> = flights.iter().map(departed_rows).collect::<Result<_, FlightsError>>()?;
        let unordered = concat_batches(&Self::schema(), &departures).map_err(damaged)?;
        let departed = departed_micros(&unordered)?;
        let mut order: Vec<usize> = (0..unordered.num_rows()).collect();
        order.sort_by_key(|row| departed.value(*row));
        let order = UInt64Array::from_iter_values(order.into_iter().map(|row| row as u64));
        let rows = take_record_batch(&unordered, &order).map_err(damaged)?;
        Ok(Self { rows })
    }

    /// The columns of the table.
    pub fn schema() -> SchemaRef {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new("scheduled", instant.clone(), false),
            Field::new("departed", instant, false),
            Field::new("carrier", DataType::Utf8, false),
            Field::new("flight", DataType::Int32, false),
            Field::new("tailnum", DataType::Utf8, true),
            Field::new("origin", DataType::Utf8, false),
            Field::new("dest", DataType::Utf8, false),
            Field::new("dep_delay", DataType::Int32, false),
            Field::new("arr_delay", DataType::Int32, true),
            Field::new("distance", DataType::Int32, false),
        ]))
    }

    /// All departures, ordered by `departed`.
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// The departures hour by hour, in order of time. An hour without departures does not occur.
    ///
    /// # Errors
    ///
    /// [`FlightsError::Damaged`] if the rows cannot be divided.
    pub fn hours(&self) -> Result<Vec<Hour>, FlightsError> {
        let departed = departed_micros(&self.rows)?;
        let mut hours: Vec<Hour> = Vec::new();
        let mut first: usize = 0;
        for hour in departed.values().chunk_by(|earlier, later| end_of_hour(*earlier) == end_of_hour(*later)) {
            let chosen = UInt64Array::from_iter_values((first..first + hour.len()).map(|row| row as u64));
            let rows = take_record_batch(&self.rows, &chosen).map_err(damaged)?;
            hours.push(Hour { at_micros_utc: end_of_hour(hour[0]), rows });
            first += hour.len();
        }
        Ok(hours)
    }
}

/// The first full hour after the instant. New York was four whole hours behind UTC all July, so its hours end with
/// those of UTC.
fn end_of_hour(micros_utc: i64) -> i64 {
    (micros_utc.div_euclid(HOUR_MICROS) + 1) * HOUR_MICROS
}

/// The flights of one batch that departed, with the columns of the table.
fn departed_rows(flights: &RecordBatch) -> Result<RecordBatch, FlightsError> {
    let has_departed = is_not_null(column(flights, "dep_time")?.as_ref()).map_err(damaged)?;
    let flights = filter_record_batch(flights, &has_departed).map_err(damaged)?;

    let time_hour = primitive::<TimestampMicrosecondType>(&flights, "time_hour")?;
    let minute = primitive::<Int8Type>(&flights, "minute")?;
    let delay = primitive::<Int16Type>(&flights, "dep_delay")?;
    let mut scheduled: Vec<i64> = Vec::with_capacity(flights.num_rows());
    let mut departed: Vec<i64> = Vec::with_capacity(flights.num_rows());
    for row in 0..flights.num_rows() {
        let planned = time_hour.value(row) + i64::from(minute.value(row)) * MINUTE_MICROS;
        scheduled.push(planned);
        departed.push(planned + i64::from(delay.value(row)) * MINUTE_MICROS);
    }

    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from(scheduled).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(departed).with_timezone("UTC")),
        Arc::clone(column(&flights, "carrier")?),
        integer(&flights, "flight")?,
        Arc::clone(column(&flights, "tailnum")?),
        Arc::clone(column(&flights, "origin")?),
        Arc::clone(column(&flights, "dest")?),
        integer(&flights, "dep_delay")?,
        integer(&flights, "arr_delay")?,
        integer(&flights, "distance")?,
    ];
    RecordBatch::try_new(Departures::schema(), columns).map_err(damaged)
}

fn departed_micros(rows: &RecordBatch) -> Result<&PrimitiveArray<TimestampMicrosecondType>, FlightsError> {
    primitive::<TimestampMicrosecondType>(rows, "departed")
}

/// A column as 32-bit integers, which is what SQL calls `INTEGER`.
fn integer(batch: &RecordBatch, name: &'static str) -> Result<ArrayRef, FlightsError> {
    cast(column(batch, name)?.as_ref(), &DataType::Int32).map_err(damaged)
}

fn primitive<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<&'a PrimitiveArray<T>, FlightsError> {
    column(batch, name)?.as_primitive_opt::<T>().ok_or(FlightsError::Column { column: name })
}

fn column<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a ArrayRef, FlightsError> {
    batch.column_by_name(name).ok_or(FlightsError::Column { column: name })
}

fn damaged(source: ArrowError) -> FlightsError {
    FlightsError::Damaged { file: FLIGHTS, source }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;
    use arrow::datatypes::Int32Type;

    use super::*;

    fn integers<'a>(rows: &'a RecordBatch, name: &'static str) -> &'a PrimitiveArray<Int32Type> {
        primitive::<Int32Type>(rows, name).unwrap()
    }

    fn total(rows: &RecordBatch, name: &'static str) -> i64 {
        integers(rows, name).iter().flatten().map(i64::from).sum()
    }

    /// Rows, minutes of delay at departure, rows with a delay at arrival, minutes of it, miles.
    fn figures(rows: &RecordBatch) -> (usize, i64, usize, i64, i64) {
        let arrived = rows.num_rows() - integers(rows, "arr_delay").null_count();
        (rows.num_rows(), total(rows, "dep_delay"), arrived, total(rows, "arr_delay"), total(rows, "distance"))
    }

    /// The expected figures are those that make_flights.py prints.
    fn check(hours: &[Hour], at_micros_utc: i64, expected: (usize, i64, usize, i64, i64)) {
        let hour = hours.iter().find(|hour| hour.at_micros_utc == at_micros_utc).unwrap();
        assert_eq!(figures(&hour.rows), expected);
    }

    #[test]
    fn the_figures_are_those_computed_from_the_publishers_clock_times() {
        let departures = Departures::july_2013().unwrap();
        assert_eq!(figures(departures.rows()), (28_485, 618_916, 28_293, 472_813, 30_489_742));

        let hours = departures.hours().unwrap();
        assert_eq!(hours.len(), 682);
        check(&hours, 1_372_669_200_000_000, (1, -1, 1, 2, 529));
        check(&hours, 1_373_493_600_000_000, (36, 1_640, 33, 2_953, 37_055));
        check(&hours, 1_375_336_800_000_000, (1, 93, 1, 80, 1_617));
    }

    #[test]
    fn hours_follow_one_another_from_the_first_departure_to_the_last() {
        let hours = Departures::july_2013().unwrap().hours().unwrap();
        assert!(hours.is_sorted_by(|earlier, later| earlier.at_micros_utc < later.at_micros_utc));
        assert_eq!(hours.first().unwrap().at_micros_utc, 1_372_669_200_000_000, "2013-07-01 05:00 in New York");
        assert_eq!(hours.last().unwrap().at_micros_utc, 1_375_336_800_000_000, "2013-08-01 02:00 in New York");
    }

    #[test]
    fn every_departure_is_told_once_when_its_hour_is_over() {
        let departures = Departures::july_2013().unwrap();
        let mut told: Vec<RecordBatch> = Vec::new();
        for hour in departures.hours().unwrap() {
            let departed = departed_micros(&hour.rows).unwrap();
            assert!(!departed.is_empty());
            for instant in departed.values() {
                assert!((hour.at_micros_utc - HOUR_MICROS..hour.at_micros_utc).contains(instant));
            }
            told.push(hour.rows);
        }
        assert_eq!(&concat_batches(&Departures::schema(), &told).unwrap(), departures.rows());
    }

    #[test]
    fn an_hour_takes_the_memory_of_its_own_rows() {
        let departures = Departures::july_2013().unwrap();
        let first = departures.hours().unwrap().remove(0);
        assert!(first.rows.get_array_memory_size() * 100 < departures.rows().get_array_memory_size());
    }

    #[test]
    fn a_departure_on_the_hour_belongs_to_the_hour_that_begins() {
        assert_eq!(end_of_hour(HOUR_MICROS - 1), HOUR_MICROS);
        assert_eq!(end_of_hour(HOUR_MICROS), 2 * HOUR_MICROS);
    }

    #[test]
    fn flights_without_a_needed_column_are_an_error_that_names_it() {
        let flights = flights().unwrap();
        let without_hour = flights[0].project(&(0..18).collect::<Vec<usize>>()).unwrap();
        let error = Departures::try_new(&[without_hour]).unwrap_err();
        assert!(matches!(error, FlightsError::Column { column: "time_hour" }), "{error}");
    }

    #[test]
    fn no_flights_give_no_hours() {
        assert!(Departures::try_new(&[]).unwrap().hours().unwrap().is_empty());
    }
}
