//! Everything that is checked through the server's doors: one binary, so that the crates are linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends where it stands")]

mod flight;
mod refused;
mod served;
mod slt;
mod web;
mod wire;
