//! The store's clock, as far as this process knows it, and what it says against a commit.
//!
//! Wall times never decrease along a ledger, so one that lies in the future stays there: each later commit has to take
//! it over. Therefore none is written that is more than a minute ahead of the store's clock, which all writers share.

use thiserror::Error;

use crate::id::Version;
use crate::state::State;
use crate::time::Micros;

/// How far ahead of the store's clock a wall time may be: one minute.
const AHEAD_MICROS_MAX: i64 = 60_000_000;

/// How finely stores date their objects: the dates of HTTP count seconds, rounded down.
const GRAIN_MICROS: i64 = 1_000_000;

/// What a client says of an object that its store does not date.
const UNDATED: Micros = Micros::new(0);

/// Why a commit cannot be given a wall time. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClockError {
    /// This machine's clock is ahead.
    #[error("this machine's clock is {} ahead of the store's; correct it and try again", spoken(*ahead_micros))]
    Ahead {
        /// By how much, at least.
        ahead_micros: i64,
    },
    /// The newest commit lies in the future.
    #[error(
        "the newest commit, version {version} by `{author}`, is dated {wall_time}, {} in the future; correct this \
         machine's clock if it is behind, else that of the machine that made the commit, and wait until then",
        spoken(*ahead_micros)
    )]
    HeadAhead {
        /// The version.
        version: Version,
        /// Who made it.
        author: String,
        /// Its wall time.
        wall_time: Micros,
        /// How far that is ahead of the store's clock.
        ahead_micros: i64,
    },
}

/// How the store's clock stands to this process's.
///
/// * It is taken to be as late as it may be, so that nobody is refused for want of precision.
/// * A clock that is behind the store's is no error: times are then older than they need be, and do not go back.
/// * Of a store that dates nothing it is not known; this process's own is used.
/// * A clock that is set later on is not noticed by a handle that has learnt the difference before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreClock {
    /// What the store's clock shows more than this process's.
    offset_micros: i64,
}

impl StoreClock {
    /// This machine's clock.
    pub const OWN: Self = Self { offset_micros: 0 };

    /// Learns it from an object: what this process's clock showed before it asked for the object's creation, and when
    /// the store says that it created it.
    pub(super) fn learn(asked: Micros, created: Micros) -> Self {
        if created == UNDATED {
            return Self::OWN;
        }
        let latest = created.plus(GRAIN_MICROS);
        Self { offset_micros: latest.get().saturating_sub(asked.get()) }
    }

    /// Refuses a process whose clock is ahead.
    pub(super) fn check(self) -> Result<(), ClockError> {
        let ahead_micros = self.offset_micros.saturating_neg();
        if ahead_micros > AHEAD_MICROS_MAX { Err(ClockError::Ahead { ahead_micros }) } else { Ok(()) }
    }

    /// Refuses a commit at `now` by this process's clock that would have to take over a wall time of the future.
    pub(super) fn check_head(self, state: &State, now: Micros) -> Result<(), ClockError> {
        let head = state.head();
        let Some(version) = head.version else { return Ok(()) };
        let ahead_micros = head.wall_time.get().saturating_sub(now.plus(self.offset_micros).get());
        if ahead_micros <= AHEAD_MICROS_MAX {
            return Ok(());
        }
        let commit = state.commit(version).ok().flatten();
        let author = commit.map(|commit| commit.author.clone()).unwrap_or_default();
        Err(ClockError::HeadAhead { version, author, wall_time: head.wall_time, ahead_micros })
    }
}

/// A time span in the unit that a reader would choose, rounded down.
fn spoken(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        ..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn learnt(asked_seconds: i64, created_seconds: i64) -> StoreClock {
        StoreClock::learn(Micros::new(asked_seconds * SECOND), Micros::new(created_seconds * SECOND))
    }

    #[test]
    fn a_clock_may_be_a_minute_ahead_and_the_second_that_the_store_does_not_tell() {
        assert_eq!(learnt(1_061, 1_000).check(), Ok(()));
        assert_eq!(learnt(1_062, 1_000).check(), Err(ClockError::Ahead { ahead_micros: 61 * SECOND }));
    }

    #[test]
    fn a_clock_may_be_behind_by_any_time() {
        assert_eq!(learnt(0, 2_000_000_000).check(), Ok(()));
        assert_eq!(learnt(i64::MIN / SECOND, 2_000_000_000).check(), Ok(()));
    }

    #[test]
    fn a_store_that_dates_nothing_refuses_nobody() {
        assert_eq!(learnt(1_000, 0), StoreClock::OWN);
        assert_eq!(StoreClock::OWN.check(), Ok(()));
    }

    #[test]
    fn a_span_is_told_in_the_unit_that_a_reader_would_choose() {
        for (seconds, text) in [(61, "61 seconds"), (840, "14 minutes"), (7_200, "2 hours"), (864_000, "10 days")] {
            assert_eq!(spoken(seconds * SECOND), text);
        }
    }
}
