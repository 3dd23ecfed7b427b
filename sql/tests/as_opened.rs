//! Sessions whose first statement starts when their lake was opened.

use std::sync::Arc;

use frostline_catalog::Micros;
use frostline_catalog::io::ManualClock;
use frostline_sql::{CreateOptions, Lake, OpenOptions};

use crate::door::{answer, commit, number};
use crate::lake::{describe, run_to_end};

const COUNT: &str = "SELECT count(*) FROM t";

/// A new lake with an empty table `t`, opened.
async fn lake_with_table(location: &str) -> Lake {
    Lake::create(location, CreateOptions::default()).await.expect("the lake is new");
    let lake = open(location).await;
    commit(&lake.session(), "CREATE TABLE t (a BIGINT)").await.expect("the table is new");
    lake
}

async fn open(location: &str) -> Lake {
    Lake::open(location, OpenOptions::default()).await.expect("the lake opens")
}

#[test]
fn the_first_statement_sees_what_opening_found_and_the_next_what_came_since() {
    run_to_end(|| async {
        let location = "memory://as-opened-first";
        let writer = lake_with_table(location).await.session();
        let lake = open(location).await;
        commit(&writer, "INSERT INTO t VALUES (1)").await.unwrap();
        let session = lake.session().starting_as_opened();
        assert_eq!(number(&session, COUNT).await, Ok(0));
        assert_eq!(number(&session, COUNT).await, Ok(1));
        // The process knows better by now.
        let late = lake.session().starting_as_opened();
        assert_eq!(number(&late, COUNT).await, Ok(1));
        // What the process committed itself is seen, too.
        let own = open(location).await;
        commit(&own.session(), "INSERT INTO t VALUES (2)").await.unwrap();
        assert_eq!(number(&own.session().starting_as_opened(), COUNT).await, Ok(2));
    });
}

#[test]
fn a_first_statement_that_lost_against_another_commit_is_run_again_on_the_newer_state() {
    run_to_end(|| async {
        let location = "memory://as-opened-conflict";
        let writer = lake_with_table(location).await.session();
        let session = open(location).await.session().starting_as_opened();
        commit(&writer, "INSERT INTO t VALUES (5)").await.unwrap();
        assert_eq!(commit(&session, "INSERT INTO t SELECT count(*) FROM t").await, Ok(4));
        assert_eq!(number(&session, "SELECT min(a) FROM t").await, Ok(1));
    });
}

#[test]
fn the_first_statement_starts_when_the_lake_was_opened_so_that_no_past_changes_afterwards() {
    run_to_end(|| async {
        let location = "memory://as-opened-time";
        // 2024-01-01T00:00:00Z and so many seconds.
        let at = |seconds: i64| Micros::new((1_704_067_200 + seconds) * 1_000_000);
        let clock = Arc::new(ManualClock::at(at(0)));
        Lake::create(location, CreateOptions { clock: clock.clone(), ..CreateOptions::default() }).await.unwrap();
        let options = || OpenOptions { clock: clock.clone(), ..OpenOptions::default() };
        let writer = Lake::open(location, options()).await.unwrap().session();
        clock.set(at(1));
        commit(&writer, "CREATE TABLE t (a BIGINT)").await.unwrap();
        clock.set(at(10));
        let session = Lake::open(location, options()).await.unwrap().session().starting_as_opened();
        clock.set(at(20));
        commit(&writer, "INSERT INTO t VALUES (1)").await.unwrap();
        clock.set(at(30));
        // The session does not know of the row, so that it must not say what was there then.
        let past = "SELECT count(*) FROM t AS OF TIMESTAMP '2024-01-01T00:00:25Z'";
        let error = describe(&answer(&session, past).await.unwrap_err());
        assert!(error.contains("later than the statement's start, 2024-01-01T00:00:10Z"), "{error}");
        assert_eq!(number(&session, past).await, Ok(1));
    });
}
