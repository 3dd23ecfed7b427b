//! One file for each command, and for what all of them keep to.

mod concurrency;
mod config;
mod demo;
mod diff;
mod exit_code;
mod format;
mod import;
mod init;
mod interrupt;
mod kill;
mod log;
mod parameter;
mod pipe;
mod serve;
mod show;
mod sql;
mod tag;
mod tls;
mod token;
mod usage;
mod verify;
