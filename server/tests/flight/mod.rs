//! Flight SQL, as clients speak it.

mod cancelled;
mod crowded;
mod drivers;
mod guarded;
mod ingest;
mod jdbc;
mod malformed;
mod memory;
mod metadata;
mod mistakes;
mod prepared;
mod sealed;
mod sessions;
mod statements;
mod tokens;
mod unreachable;
