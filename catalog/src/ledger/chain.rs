//! Whether a record is the next one of its chain.

use thiserror::Error;

use crate::change::Record;
use crate::id::{BranchId, LakeId, Slot, Version};
use crate::state::State;

/// Why a record is not the next one of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// It belongs to another lake.
    #[error("slot {slot} belongs to lake {found}, not to {expected}")]
    Lake {
        /// The slot.
        slot: Slot,
        /// The lake in the record.
        found: LakeId,
        /// The lake it lies in.
        expected: LakeId,
    },
    /// It has another number than its place.
    #[error("the record in slot {expected} says that it is slot {found}")]
    Number {
        /// The number in the record.
        found: Slot,
        /// The place where it was found.
        expected: Slot,
    },
    /// It follows another record than the one before it.
    #[error("slot {slot} does not follow the record in slot {previous}: its previous hash is another")]
    Previous {
        /// The slot.
        slot: Slot,
        /// The slot before.
        previous: Slot,
    },
    /// It leaves out or repeats a version.
    #[error("slot {slot} makes version {found} where {expected} is next")]
    Version {
        /// The slot.
        slot: Slot,
        /// The version found.
        found: Version,
        /// The version that is next.
        expected: Version,
    },
    /// Its times go back.
    #[error("the {kind} time of version {version} is not after the one before it")]
    Time {
        /// The version.
        version: Version,
        /// Which time.
        kind: &'static str,
    },
}

/// Checks lake, number, previous hash, versions and times of the record after a state.
pub fn check_link(state: &State, record: &Record) -> Result<(), LinkError> {
    let head = state.head();
    let slot = record.slot;
    if record.lake != state.lake() {
        return Err(LinkError::Lake { slot, found: record.lake, expected: state.lake() });
    }
    if slot != head.slot.next() {
        return Err(LinkError::Number { found: slot, expected: head.slot.next() });
    }
    if record.previous != head.hash {
        return Err(LinkError::Previous { slot, previous: head.slot });
    }
    let mut expected = head.version.map_or(Version::FIRST, Version::next);
    let mut wall_time = head.wall_time;
    let mut commit_time = state.newest_commit_time(BranchId::MAIN);
    for entry in &record.entries {
        let version = entry.version;
        if version != expected {
            return Err(LinkError::Version { slot, found: version, expected });
        }
        if entry.wall_time < wall_time {
            return Err(LinkError::Time { version, kind: "wall" });
        }
        if entry.commit_time.is_some_and(|time| commit_time.is_some_and(|before| time <= before)) {
            return Err(LinkError::Time { version, kind: "commit" });
        }
        expected = version.next();
        wall_time = entry.wall_time;
        commit_time = entry.commit_time.or(commit_time);
    }
    Ok(())
}
