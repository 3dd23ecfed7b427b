//! What exists at which version of a lake.
//!
//! ```text
//!   Transaction ──fill_slot──► Record ──put if absent──► slot n of the ledger
//!                                                             │
//!   State (n-1) ───────────────────── apply ◄─────────────────┘
//!        │                              │
//!        └── readers keep theirs        └──► State (n): facts with the versions at which they hold
//! ```
//!
//! * The pure part decides: [`ledger::fill_slot`] which transactions a slot carries, [`State::apply`] what a record
//!   means, [`State::resolve_as_of`] which version a statement reads, [`ledger::Attempt`] what an uncertain answer of
//!   the store amounts to. It is synchronous, on values, without clock, randomness or I/O.
//! * [`Overlay`] shows a transaction under way to its own statements, as if it were committed.
//! * The folder [`io`] does: stores, clock, the committer, opening and following a ledger.
//!
//! No Parquet rows and no SQL are here.

pub mod as_of;
pub mod change;
pub mod conflict;
pub mod digest;
pub mod id;
pub mod interval;
pub mod io;
pub mod ledger;
pub mod name;
pub mod overlay;
pub mod record;
pub mod schema;
pub mod segment;
pub mod state;
pub mod time;
pub mod transaction;

mod bundle;
mod checkpoint;

pub use as_of::{AsOf, AsOfError, nearest};
pub use checkpoint::SealedError;
pub use conflict::{Conflict, ConflictReason};
pub use digest::{Digest, StateDigest};
pub use id::{BranchId, CommitId, FieldId, LakeId, ObjectId, PlacementId, RowId, SegmentId, Slot, Version};
pub use interval::Interval;
pub use name::{Name, NameError};
pub use overlay::Overlay;
pub use segment::TableVersion;
pub use state::{
    Commit, Commits, Dead, Head, Kill, Live, LiveSegments, Placed, Relation, RelationId, SegmentLife, Span, State,
    TableSegments,
};
pub use time::Micros;
