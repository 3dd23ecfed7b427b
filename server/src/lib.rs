//! A lake served over the network: Arrow Flight SQL for notebooks and tools, HTTP beside it.
//!
//! ```text
//!   gRPC ──▶ flight ──┐                       ┌── identity    who asks, and what they may do
//!                     ├──▶ gateway ──▶ sql    ├── limits      how much of the machine they get
//!   HTTP ──▶ http   ──┘                       └── metrics     what happened
//! ```
//!
//! * Every call names who makes it; nobody is let in without.
//! * Every result names the version that it was read at.
//! * A statement that writes is run once, however its client fetches the outcome.
//! * SQL from the network reaches no file of the machine, and no setting that is not on a list.
//!
//! [`serve()`] is the door for programs.

pub mod config;
mod flight;
mod gateway;
mod http;
mod identity;
mod limits;
mod metrics;
mod serve;
pub mod tls;

pub use identity::{
    MadeToken, NewToken, NoRights, Rights, TokenEntry, TokenError, TokenStatus, create_token, create_token_if_none,
    list_tokens, revoke_token,
};
pub use limits::ServeLimits;
pub use serve::{Authentication, Opened, ServeError, ServeSettings, serve};
