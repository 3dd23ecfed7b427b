//! Flight SQL, as clients speak it.

mod bound;
mod cancelled;
mod clients;
mod crowded;
mod drivers;
mod guarded;
mod idle;
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
mod transactions;
mod unreachable;
