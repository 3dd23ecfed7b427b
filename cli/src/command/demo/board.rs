//! The board of an evening: flights stand on it as they are scheduled, and are updated when they have departed.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, sort_to_indices, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use frostline_datasets::{Departures, FlightsError, Hour};
use frostline_sql::{Lake, Parameters};

use super::error::DemoError;
use super::replay::{MINUTE_MICROS, midnight, session};
use crate::exit::Failure;

/// The day of the board: 10 July 2013, in days since 1970-01-01.
pub(super) const DAY: i32 = 15_896;

/// The first departure on it: 17:00 in New York.
const OPENS_MICROS_UTC: i64 = 1_373_490_000_000_000;

/// The end of the day, again in New York.
const CLOSES_MICROS_UTC: i64 = 1_373_515_200_000_000;

/// How long after the day's begin the table is created, and the schedule put into it.
const CREATED_AFTER_MICROS: i64 = 7 * MINUTE_MICROS;
const SCHEDULED_AFTER_MICROS: i64 = 8 * MINUTE_MICROS;

/// How long after an hour its departures are on the board.
const UPDATED_AFTER_MICROS: i64 = MINUTE_MICROS;

const CREATE: &str = "CREATE TABLE board (scheduled TIMESTAMPTZ NOT NULL, carrier VARCHAR NOT NULL, \
                      flight INTEGER NOT NULL, tailnum VARCHAR, origin VARCHAR NOT NULL, dest VARCHAR NOT NULL, \
                      departed TIMESTAMPTZ, dep_delay INTEGER)";

/// What is known of a flight before it departs.
const SCHEDULED_COLUMNS: [&str; 6] = ["scheduled", "carrier", "flight", "tailnum", "origin", "dest"];

/// What each hour does to the board.
pub(super) const UPDATE: &str = "UPDATE board SET departed = d.departed, dep_delay = d.dep_delay\n\
                                 FROM departures AS d\n\
                                 WHERE board.departed IS NULL AND d.day = DATE '2013-07-10'\n  \
                                 AND d.scheduled = board.scheduled AND d.carrier = board.carrier\n  \
                                 AND d.flight = board.flight AND d.origin = board.origin";

/// The flights of the board as they are scheduled, by time.
pub(super) fn schedule(hours: &[Hour]) -> Result<RecordBatch, DemoError> {
    let mut parts: Vec<RecordBatch> = Vec::new();
    for hour in hours {
        let is_on_board = is_on_board(&hour.rows)?;
        parts.push(filter_record_batch(&hour.rows, &is_on_board)?);
    }
    let rows = concat_batches(&Departures::schema(), &parts)?;
    let column = |name: &'static str| rows.schema().index_of(name).map_err(|_| FlightsError::Column { column: name });
    let order = sort_to_indices(rows.column(column("scheduled")?), None, None)?;
    let places: Vec<usize> = SCHEDULED_COLUMNS.into_iter().map(column).collect::<Result<_, FlightsError>>()?;
    Ok(take_record_batch(&rows.project(&places)?, &order)?)
}

/// Puts the schedule on the board.
pub(super) async fn open(lake: &Lake, schedule: &RecordBatch) -> Result<(), Failure> {
    let ops = |after: i64| session(lake, "airport-ops", "the evening's board", midnight(DAY) + after);
    ops(CREATED_AFTER_MICROS).sql(CREATE, &Parameters::none()).await?;
    ops(SCHEDULED_AFTER_MICROS).append("board", vec![schedule.clone()]).await?;
    Ok(())
}

/// Updates the board when an hour is over, if some of its flights departed in it.
pub(super) async fn update(lake: &Lake, hour: &Hour) -> Result<(), Failure> {
    if is_on_board(&hour.rows)?.true_count() > 0 {
        let at = hour.at_micros_utc + UPDATED_AFTER_MICROS;
        session(lake, "airport-ops", "departed", at).sql(UPDATE, &Parameters::none()).await?;
    }
    Ok(())
}

/// Which departures are of flights on the board.
fn is_on_board(rows: &RecordBatch) -> Result<BooleanArray, DemoError> {
    let scheduled = rows
        .column_by_name("scheduled")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or(FlightsError::Column { column: "scheduled" })?;
    let is_on = |at: &i64| (OPENS_MICROS_UTC..CLOSES_MICROS_UTC).contains(at);
    Ok(BooleanArray::from(scheduled.values().iter().map(is_on).collect::<Vec<bool>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_is_of_one_evening() {
        assert_eq!(midnight(DAY + 1), CLOSES_MICROS_UTC);
        assert_eq!(CLOSES_MICROS_UTC - OPENS_MICROS_UTC, 7 * 60 * MINUTE_MICROS);
    }

    #[test]
    fn flights_stand_on_the_board_by_schedule_and_without_what_is_not_known_yet() {
        let hours = Departures::july_2013().unwrap().hours().unwrap();
        let board = schedule(&hours).unwrap();
        assert_eq!((board.num_rows(), board.num_columns()), (223, SCHEDULED_COLUMNS.len()));
        let scheduled = board.column(0).as_primitive::<TimestampMicrosecondType>();
        assert!(scheduled.values().is_sorted());
    }
}
