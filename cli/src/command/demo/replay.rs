//! The month, committed as it became known.
//!
//! ```text
//! 00:00                    05:00  06:00             24:00           24:05            24:06
//! the table is created     an hour's departures, …  the last hour   daily, replaced  the tag of the day
//! ```
//!
//! On the evening of one day there is a board besides, updated a minute after each hour.
//!
//! Each commit asserts the time at which it would have been made, in New York.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use frostline_catalog::Version;
use frostline_datasets::{Departures, FlightsError, Hour};
use frostline_sql::{CreateOptions, Lake, OpenOptions, Parameters, Session, Settings};

use super::board;
use super::error::{DemoError, ensure};
use crate::exit::Failure;

/// The table of the departures. `day` is the day of the schedule in New York, and so tells apart what `departed` mixes.
const CREATE: &str = "CREATE TABLE departures (day DATE NOT NULL, scheduled TIMESTAMPTZ NOT NULL, \
                      departed TIMESTAMPTZ NOT NULL, carrier VARCHAR NOT NULL, flight INTEGER NOT NULL, \
                      tailnum VARCHAR, origin VARCHAR NOT NULL, dest VARCHAR NOT NULL, dep_delay INTEGER NOT NULL, \
                      arr_delay INTEGER, distance INTEGER NOT NULL)";

/// The report that each close of day makes anew.
pub(super) const REPORT: &str = "CREATE OR REPLACE TABLE daily AS\n\
                                 SELECT day, count(*) AS flights, round(avg(dep_delay), 1) AS mean_delay\n\
                                 FROM departures GROUP BY day ORDER BY day";

/// How far New York was behind UTC, all July.
const BEHIND_UTC_MICROS: i64 = 4 * 60 * MINUTE_MICROS;

pub(super) const MINUTE_MICROS: i64 = 60 * 1_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;

/// How long after midnight the report is made, and the tag.
const REPORT_AFTER_MICROS: i64 = 5 * MINUTE_MICROS;
const TAG_AFTER_MICROS: i64 = 6 * MINUTE_MICROS;

/// Half the default. It keeps the slot that is damaged later out of the way of whoever opens the lake: the newest
/// checkpoint is behind it, so that it is the query that comes upon the damage.
const CHECKPOINT_INTERVAL_SLOTS: u64 = 128;

/// What was replayed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Month {
    /// Hours with departures.
    pub(super) hours: usize,
    /// Flights that departed.
    pub(super) departures: usize,
    /// Flights on the board.
    pub(super) board: usize,
    /// The version of the first hour.
    pub(super) first: Version,
    /// The newest version.
    pub(super) newest: Version,
    /// How long it took.
    pub(super) took: Duration,
}

/// Creates and opens a lake for recorded history.
pub(super) async fn create_lake(location: &str) -> Result<Lake, Failure> {
    let options = CreateOptions {
        author: "demo".to_owned(),
        message: "flights from New York, July 2013".to_owned(),
        allow_asserted_times: true,
        ..CreateOptions::default()
    };
    Lake::create(location, options).await?;
    let settings = Settings { checkpoint_interval_slots: CHECKPOINT_INTERVAL_SLOTS, ..Settings::default() };
    Ok(Lake::open(location, OpenOptions { settings, ..OpenOptions::default() }).await?)
}

/// Commits the month.
pub(super) async fn replay(lake: &Lake) -> Result<Month, Failure> {
    let hours: Vec<Hour> =
        Departures::july_2013().and_then(|departures| departures.hours()).map_err(DemoError::from)?;
    let scheduled: RecordBatch = board::schedule(&hours)?;
    let started = Instant::now();
    let mut day: i32 = hours.first().map_or(0, begun_on);
    let opening = session(lake, "airport-ops", "what leaves New York", midnight(day));
    opening.sql(CREATE, &Parameters::none()).await?;

    let mut first: Option<Version> = None;
    let mut departures: usize = 0;
    for hour in &hours {
        if begun_on(hour) != day {
            close(lake, day).await?;
            day = begun_on(hour);
            if day == board::DAY {
                board::open(lake, &scheduled).await?;
            }
        }
        let rows = with_day(&hour.rows)?;
        departures += rows.num_rows();
        let message = format!("departures until {}", in_new_york(hour.at_micros_utc).format("%H:%M"));
        let session = session(lake, "airport-ops", &message, hour.at_micros_utc);
        let version = session.append("departures", vec![rows]).await?;
        first = first.or(Some(version));
        board::update(lake, hour).await?;
    }
    lake.settle().await;
    let took = started.elapsed();
    let newest = lake.state().head().version.unwrap_or(Version::FIRST);
    let first = first.unwrap_or(newest);
    ensure(first < newest, "there is a month of departures")?;
    Ok(Month { hours: hours.len(), departures, board: scheduled.num_rows(), first, newest, took })
}

/// Closes a day: the report, and a tag on the version that has it.
async fn close(lake: &Lake, day: i32) -> Result<(), Failure> {
    let date = in_new_york(midnight(day)).format("%Y-%m-%d").to_string();
    let message = format!("close of {date}");
    let report = session(lake, "reporting", &message, midnight(day + 1) + REPORT_AFTER_MICROS);
    report.sql(REPORT, &Parameters::none()).await?;
    let tag = session(lake, "reporting", &message, midnight(day + 1) + TAG_AFTER_MICROS);
    tag.sql(&format!("CREATE TAG \"close-{date}\""), &Parameters::none()).await?;
    Ok(())
}

/// A session whose commits count as made at an instant.
pub(super) fn session(lake: &Lake, author: &str, message: &str, at_micros_utc: i64) -> Session {
    lake.session().with_author(author).with_message(Some(message)).with_commit_time(Some(at_micros_utc))
}

/// The rows with the day of their schedule before the other columns.
fn with_day(rows: &RecordBatch) -> Result<RecordBatch, DemoError> {
    let scheduled = rows
        .column_by_name("scheduled")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or(FlightsError::Column { column: "scheduled" })?;
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values(scheduled.values().iter().map(|at| day_of(*at))));
    let mut fields: Vec<FieldRef> = vec![Arc::new(Field::new("day", DataType::Date32, false))];
    fields.extend(rows.schema().fields().iter().cloned());
    let mut columns: Vec<ArrayRef> = vec![days];
    columns.extend(rows.columns().iter().cloned());
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The day in New York on which an hour began.
fn begun_on(hour: &Hour) -> i32 {
    day_of(hour.at_micros_utc - 1)
}

/// The day in New York of an instant, in days since 1970-01-01.
fn day_of(micros_utc: i64) -> i32 {
    i32::try_from((micros_utc - BEHIND_UTC_MICROS).div_euclid(DAY_MICROS)).unwrap_or(i32::MAX)
}

/// The instant at which a day begins in New York.
pub(super) fn midnight(day: i32) -> i64 {
    i64::from(day) * DAY_MICROS + BEHIND_UTC_MICROS
}

/// What the clocks of New York show, in a value that calls it UTC.
fn in_new_york(micros_utc: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros_utc - BEHIND_UTC_MICROS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2013-07-10 18:00 in New York.
    const EVENING: i64 = 1_373_493_600_000_000;

    #[test]
    fn days_begin_when_they_do_in_new_york() {
        let day = day_of(EVENING);
        assert_eq!(in_new_york(EVENING).to_string(), "2013-07-10 18:00:00 UTC");
        assert_eq!(in_new_york(midnight(day)).to_string(), "2013-07-10 00:00:00 UTC");
        assert_eq!((day_of(midnight(day) - 1), day_of(midnight(day))), (day - 1, day));
    }

    #[test]
    fn every_departure_has_the_day_of_its_schedule() {
        let hours = Departures::july_2013().unwrap().hours().unwrap();
        let late = hours.last().unwrap();
        let rows = with_day(&late.rows).unwrap();
        let days = rows.column(0).as_primitive::<arrow::datatypes::Date32Type>();
        assert_eq!(begun_on(late), day_of(EVENING) + 22, "it departed in August");
        assert!(days.values().iter().all(|day| *day == day_of(EVENING) + 21), "it was to depart in July");
    }
}
