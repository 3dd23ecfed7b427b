//! Flight SQL, as clients speak it.

mod guarded;
mod ingest;
mod metadata;
mod mistakes;
mod prepared;
mod sessions;
mod statements;
