//! The command line, driven as a user drives it: the built binary, real files, real pipes.

mod command;
mod lake;
