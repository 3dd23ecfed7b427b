//! The flights of July 2013 from New York's three airports, and the names of the airlines, as published.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use thiserror::Error;

pub(crate) const FLIGHTS: &str = "flights-2013-07.parquet";
const AIRLINES: &str = "airlines.parquet";

/// The 29,425 flights that were scheduled to leave EWR, JFK or LGA in July 2013, by scheduled departure.
///
/// * Columns and values are the publisher's: `year`, `month`, `day`, `dep_time`, `sched_dep_time`, `dep_delay`,
///   `arr_time`, `sched_arr_time`, `arr_delay`, `carrier`, `flight`, `tailnum`, `origin`, `dest`, `air_time`,
///   `distance`, `hour`, `minute`, `time_hour`.
/// * Times of day are local and written as hours × 100 + minutes; delays and `air_time` are minutes, negative when
///   early; `distance` is in miles.
/// * `time_hour` is the scheduled hour as an instant in UTC.
/// * A cancelled flight has neither `dep_time` nor `dep_delay`; one that was diverted, or whose arrival was not
///   recorded, has no `arr_delay`.
///
/// # Errors
///
/// [`FlightsError::Damaged`] if the bytes in the library are not the file that was shipped.
pub fn flights() -> Result<Vec<RecordBatch>, FlightsError> {
    decode_parquet(FLIGHTS, include_bytes!("../data/flights-2013-07.parquet"))
}

/// The names of the airlines: `carrier`, the two letters that a flight has, and `name`.
///
/// # Errors
///
/// [`FlightsError::Damaged`] if the bytes in the library are not the file that was shipped.
pub fn airlines() -> Result<Vec<RecordBatch>, FlightsError> {
    decode_parquet(AIRLINES, include_bytes!("../data/airlines.parquet"))
}

/// Why the flights cannot be had. Both mean that the program was built from a damaged source tree.
#[derive(Debug, Error)]
pub enum FlightsError {
    /// A shipped file, or a value in it, cannot be decoded.
    #[error("the shipped file `{file}` is damaged; build again from a fresh clone")]
    Damaged {
        /// The name of the file.
        file: &'static str,
        /// What the decoder says.
        source: ArrowError,
    },
    /// The flights lack a column, or have it with another type.
    #[error("the flights have no column `{column}` of the expected type; make them again with make_flights.py")]
    Column {
        /// The name of the column.
        column: &'static str,
    },
}

fn decode_parquet(file: &'static str, bytes: &'static [u8]) -> Result<Vec<RecordBatch>, FlightsError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from_static(bytes))
        .and_then(|builder| builder.build())
        .map_err(|error| FlightsError::Damaged { file, source: ArrowError::from(error) })?;
    reader.collect::<Result<Vec<RecordBatch>, ArrowError>>().map_err(|source| FlightsError::Damaged { file, source })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::DataType;

    use super::*;

    fn rows(batches: &[RecordBatch]) -> usize {
        batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn nulls(batches: &[RecordBatch], column: &str) -> usize {
        batches.iter().map(|batch| batch.column_by_name(column).unwrap().null_count()).sum()
    }

    #[test]
    fn the_month_has_29_425_flights_of_which_940_were_cancelled() {
        let flights = flights().unwrap();
        assert_eq!(rows(&flights), 29_425);
        assert_eq!(nulls(&flights, "dep_time"), 940);
        assert_eq!(nulls(&flights, "dep_delay"), 940);
        assert_eq!(nulls(&flights, "arr_delay"), 1_132);
        assert_eq!(nulls(&flights, "tailnum"), 281);
    }

    #[test]
    fn the_columns_are_the_publishers() {
        let flights = flights().unwrap();
        let schema = flights[0].schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let expected = "year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay carrier \
                        flight tailnum origin dest air_time distance hour minute time_hour";
        assert_eq!(names.join(" "), expected);
        assert_eq!(schema.field(5).data_type(), &DataType::Int16);
        assert_eq!(schema.field(9).data_type(), &DataType::Utf8);
    }

    #[test]
    fn sixteen_airlines_have_names() {
        let airlines = airlines().unwrap();
        assert_eq!(rows(&airlines), 16);
        let carriers = airlines[0].column_by_name("carrier").unwrap().as_string::<i32>();
        let names = airlines[0].column_by_name("name").unwrap().as_string::<i32>();
        assert_eq!((carriers.value(0), names.value(0)), ("9E", "Endeavor Air Inc."));
    }

    #[test]
    fn bytes_that_are_no_parquet_are_an_error_that_names_the_file() {
        let error = decode_parquet("some.parquet", b"PAR1, but nothing else").unwrap_err();
        assert_eq!(error.to_string(), "the shipped file `some.parquet` is damaged; build again from a fresh clone");
    }
}
