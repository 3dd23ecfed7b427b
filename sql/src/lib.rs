//! x
pub mod parse;
