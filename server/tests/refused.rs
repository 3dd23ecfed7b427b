//! What every refusal has to be: of the right code, clear, and harmless to the server.

use std::fmt::Display;

use arrow_flight::error::FlightError;
use tonic::{Code, Status};

use crate::served::Served;

/// What was refused, and how.
pub(crate) type Refusals = Vec<(String, Status)>;

/// Notes how something was refused.
pub(crate) fn note<T>(refusals: &mut Refusals, what: impl Display, outcome: Result<T, Status>) {
    match outcome {
        Ok(_) => unreachable!("{what} is not refused"),
        Err(status) => refusals.push((what.to_string(), status)),
    }
}

/// The status behind an error.
pub(crate) fn status_of(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => unreachable!("{other}"),
    }
}

/// Asserts that each was refused with this code and these words, which say nothing of how the server is made.
pub(crate) fn check_refused(code: Code, said: &str, refusals: &Refusals) {
    assert!(!refusals.is_empty(), "nothing was refused");
    for (what, status) in refusals {
        let message = status.message();
        assert_eq!(status.code(), code, "{what}: {message}");
        assert!(!message.is_empty() && message.contains(said), "{what}: {message}");
        for inner in [".rs:", "panicked", "RUST_BACKTRACE"] {
            assert!(!message.contains(inner), "{what}: {message}");
        }
    }
}

/// Asserts that each was refused with this code and these words, and that the server goes on.
pub(crate) async fn assert_refused(served: &Served, code: Code, said: &str, refusals: Refusals) {
    check_refused(code, said, &refusals);
    served.assert_serves().await;
}

/// Asserts that something was refused with this code and these words, and that the server goes on.
pub(crate) async fn assert_one_refused<T>(
    served: &Served,
    code: Code,
    said: &str,
    what: &str,
    outcome: Result<T, Status>,
) {
    let mut refusals = Refusals::new();
    note(&mut refusals, what, outcome);
    assert_refused(served, code, said, refusals).await;
}
