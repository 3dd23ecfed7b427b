//! Where frozen segments meet the store.
//!
//! ```text
//! SegmentFiles ──open──► SegmentReader (for Parquet's reader; holds what came with the footer)
//!      │                       │ ranges
//!      └─────► SegmentObject ◄─┘   footer; kept by key
//!                    │
//!               CheckedBytes       digests, verified parts
//!                    │
//!              SegmentSource ──get_ranges──► store
//! ```
//!
//! What to fetch, and whether it is sound, is decided in [`read`](crate::read).

mod check;
mod checked_bytes;
mod read_error;
mod segment_files;
mod segment_object;
mod segment_reader;
mod segment_rows;
mod segment_source;
mod upload;

#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod opening_tests;
#[cfg(test)]
mod segment_tests;
#[cfg(test)]
mod verify_tests;

pub use check::{SegmentDamage, check_segment};
pub use read_error::ReadError;
pub use segment_files::SegmentFiles;
pub use segment_reader::SegmentReader;
pub use segment_rows::read_segment;
pub use upload::upload_segment;
