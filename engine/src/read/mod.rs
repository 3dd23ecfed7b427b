//! Reading frozen segments: the part that decides, on bytes and numbers. What fetches is in [`io`](crate::io).
//!
//! ```text
//! ranges that a scan asks for ──plan_fetch──► ranges to fetch ──(store)──► Fetched ──verify_bytes──► slices
//!                                  ▲                              ▲               │
//!                                  └─────── VerifiedParts ◄───────┼───────────────┘
//!               a footer that is not known yet ──plan_ahead───────┘
//! ```
//!
//! * Nothing that was not compared with its digest reaches a decoder.
//! * A part of an object is compared when a process first reads from it, and never again.

pub(crate) mod fetched;
pub(crate) mod footer;
pub(crate) mod kept;
pub(crate) mod ranges;
pub(crate) mod verified;

pub use footer::segment_schema;
