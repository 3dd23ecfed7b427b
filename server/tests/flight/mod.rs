//! Flight SQL, as clients speak it.

mod bound;
mod clients;
mod guarded;
mod idle;
mod ingest;
mod metadata;
mod mistakes;
mod prepared;
mod sessions;
mod statements;
