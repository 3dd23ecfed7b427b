//! Everything that is checked through the server's doors: one binary, so that the crates are linked once.

mod flight;
mod served;
